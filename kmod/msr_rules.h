/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * msr_rules.h - which values an MSR takes: the architectural rules, apart from where the value goes.
 *
 * Pure. The table of MSRs is msr.c's.
 */
#ifndef VITRINE_MSR_RULES_H
#define VITRINE_MSR_RULES_H

#include "pure.h"

bool vtr_canonical(u64 addr, unsigned int bits);
bool vtr_efer_valid(u64 old, u64 val, u64 allowed, bool paging);
bool vtr_pat_valid(u64 val);
bool vtr_mtrr_valid(u32 msr, u64 val, unsigned int phys_bits);
bool vtr_mce_valid(unsigned int reg, u64 val, bool host, bool status_writable);

#endif /* VITRINE_MSR_RULES_H */
