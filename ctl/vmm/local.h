/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * local.h - the VM process's sockets in the VM's folder, and who may connect.
 */
#ifndef VMM_LOCAL_H
#define VMM_LOCAL_H

int vmm_local_listen(int folder, const char *name);
int vmm_local_accept(int listener);

#endif /* VMM_LOCAL_H */
