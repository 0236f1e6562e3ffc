// SPDX-License-Identifier: GPL-2.0-only
/*
 * genid.c - the VM's generation: 16 bytes in guest memory that are others as soon as the guest is not the only one with
 * its past (a fork, a restored snapshot), so that it takes no secret for its own; ACPI tells it of the change.
 *
 * Source: "Virtual Machine Generation ID" (Microsoft); the device is in acpi.c, the event in pm.c.
 */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "vmm.h"

static int draw(struct vmm *m)
{
	if (getrandom(m->genid, sizeof(m->genid), 0) == sizeof(m->genid))
		return 0;
	vmm_error("generation ID", strerror(errno), "see the kernel's log");
	return -1;
}

static void write_guest(struct vmm *m)
{
	memcpy(m->ram + vmm_genid_address(m->acpi), m->genid, sizeof(m->genid));
}

/**
 * vmm_genid_renew() - the guest shall see another generation, and be told; main thread
 * @m: the machine, after a fork or restored; its CPUs do not run yet
 *
 * Return: 0, or -1 with the error printed.
 */
int vmm_genid_renew(struct vmm *m)
{
	if (draw(m))
		return -1;
	write_guest(m);
	vmm_gpe(m, VMM_GPE_GENID);
	return 0;
}

/**
 * vmm_genid_load() - the guest's memory is as at power-on: it gets its generation
 * @m: the machine, m->acpi is set
 *
 * A machine that starts again keeps the one it has.
 *
 * Return: 0, or -1 with the error printed.
 */
int vmm_genid_load(struct vmm *m)
{
	static const uint8_t none[sizeof(m->genid)];

	if (!memcmp(m->genid, none, sizeof(none)) && draw(m))
		return -1;
	write_guest(m);
	return 0;
}
