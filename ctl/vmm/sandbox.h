/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sandbox.h - what a VM process may still do once its guest runs.
 */
#ifndef VMM_SANDBOX_H
#define VMM_SANDBOX_H

int vmm_sandbox_enter(void);

#endif /* VMM_SANDBOX_H */
