/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compiler.h - what the kernel has and user space lacks.
 */
#ifndef VMCTL_COMPILER_H
#define VMCTL_COMPILER_H

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define __printf(string, first)	__attribute__((format(printf, string, first)))

#endif /* VMCTL_COMPILER_H */
