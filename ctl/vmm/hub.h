/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hub.h - consoles of a VM in the store: a log and a socket in its folder for each port that the guest can speak through.
 */
#ifndef VMM_HUB_H
#define VMM_HUB_H

#include <stddef.h>
#include <stdint.h>

struct vmm;

#define VMM_HUBS	2	/* the serial port's and the virtio console's, in this order */
#define VMM_HUB_FDS	3	/* of a fork's child: log, old log, socket */

/**
 * struct vmm_hub_port - the guest's end of a console; main thread
 * @socket: its name in the folder
 * @log: the same of the log
 * @old_log: the same of what it said before
 * @room: bytes that the guest can take
 * @input: give it so many, at most
 * @peek: copy what it said and was not dropped; returns how much, at most @max
 * @drop: that much was taken
 */
struct vmm_hub_port {
	const char *socket, *log, *old_log;
	size_t (*room)(struct vmm *m);
	void (*input)(struct vmm *m, const uint8_t *data, size_t n);
	size_t (*peek)(struct vmm *m, uint8_t *data, size_t max);
	void (*drop)(struct vmm *m, size_t n);
};

int vmm_hubs_create(struct vmm *m);
int vmm_hubs_forked(struct vmm *m, const int *fd);
void vmm_hubs_destroy(struct vmm *m);
void vmm_hubs_service(struct vmm *m);

#endif /* VMM_HUB_H */
