/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check.h - which of the manual's checks did a failed VM entry fail? Pure.
 */
#ifndef VITRINE_SVM_CHECK_H
#define VITRINE_SVM_CHECK_H

#include "entry.h"
#include "vmcb.h"

/**
 * struct svm_check - a VMCB to look at, and what the CPU allows
 * @vmcb: the block
 * @phys_bits: width of physical addresses
 * @what: result: what is wrong, or NULL when every check that is known passes
 * @offset: result: where in the VMCB
 * @name: result: its name
 * @value: result: what is in it
 */
struct svm_check {
	const struct vmcb *vmcb;
	u8 phys_bits;
	const char *what;
	u32 offset;
	const char *name;
	u64 value;
};

bool svm_check_guest(struct svm_check *c);
bool svm_check_controls(struct svm_check *c);
bool svm_check_clean(struct svm_check *c, const struct vmcb *then);

#endif /* VITRINE_SVM_CHECK_H */
