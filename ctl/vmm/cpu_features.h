/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cpu_features.h - may a guest that knows one CPU go on with another?
 */
#ifndef VMM_CPU_FEATURES_H
#define VMM_CPU_FEATURES_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool features_missing(const struct kvm_cpuid2 *guest, const struct kvm_cpuid2 *host, char *what, size_t room);

#endif /* VMM_CPU_FEATURES_H */
