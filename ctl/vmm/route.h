/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * route.h - the VM's interrupt routing table.
 */
#ifndef VMM_ROUTE_H
#define VMM_ROUTE_H

#include <stdint.h>

struct vmm;

int vmm_routes_create(struct vmm *m);
void vmm_routes_destroy(struct vmm *m);
int vmm_route_alloc(struct vmm *m, unsigned int n);
int vmm_route_message(struct vmm *m, unsigned int gsi, uint64_t address, uint32_t data);

#endif /* VMM_ROUTE_H */
