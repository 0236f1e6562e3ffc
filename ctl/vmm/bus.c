// SPDX-License-Identifier: GPL-2.0-only
/*
 * bus.c - which device answers a port. An access nobody answers reads all ones, as on an ISA bus.
 */
#include <string.h>

#include "vmm.h"

/**
 * vmm_bus_add() - give a range of ports to a device; before the CPUs start
 * @m: the machine
 * @first: first port
 * @count: ports
 * @opaque: argument of the handlers
 * @in: reads
 * @out: writes
 */
void vmm_bus_add(struct vmm *m, uint16_t first, uint16_t count, void *opaque,
		 uint32_t (*in)(void *, uint16_t, unsigned int),
		 void (*out)(void *, uint16_t, unsigned int, uint32_t))
{
	if (m->ndevices < VMM_MAX_DEVICES)
		m->devices[m->ndevices++] = (struct vmm_device){ first, count, in, out, opaque };
}

/**
 * vmm_bus_access() - one access by a guest
 * @m: the machine
 * @port: port
 * @size: 1, 2 or 4 bytes
 * @out: the guest writes
 * @data: the bytes
 *
 * Return: true if a device answered.
 */
bool vmm_bus_access(struct vmm *m, uint16_t port, unsigned int size, bool out, void *data)
{
	uint32_t val = 0;
	unsigned int i;

	for (i = 0; i < m->ndevices; i++) {
		struct vmm_device *d = &m->devices[i];

		if ((uint16_t)(port - d->first) >= d->count)
			continue;
		if (out) {
			memcpy(&val, data, size);
			d->out(d->opaque, port, size, val);
		} else {
			val = d->in(d->opaque, port, size);
			memcpy(data, &val, size);
		}
		return true;
	}
	if (!out)
		memset(data, 0xff, size);
	return false;
}
