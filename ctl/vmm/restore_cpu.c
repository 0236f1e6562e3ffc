// SPDX-License-Identifier: GPL-2.0-only
/*
 * restore_cpu.c - can a snapshot's guest go on with the CPUs of this host? To be asked before anything is done for it; the VM's process
 * looks again when it is built, see state.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cpu_features.h"
#include "save.h"
#include "vmm.h"

/* What the guest was shown; NULL if the state has nothing like it, which who takes the state tells. */
static struct kvm_cpuid2 *guest_shown(const void *state, size_t size)
{
	struct kvm_cpuid2 *c;
	struct state_reader r;
	struct state_field f;
	uint64_t bytes;

	if (state_open(&r, state, size))
		return NULL;
	while (state_next(&r, &f)) {
		if (strcmp(f.part, "vm") || strcmp(f.name, "cpuid"))
			continue;
		/* Entries behind the last are all zero: leaf 0 once more, of which the first counts. */
		bytes = (uint64_t)f.size * f.count;
		c = calloc(1, sizeof(*c) + bytes);
		if (c) {
			c->nent = bytes / sizeof(c->entries[0]);
			memcpy(c->entries, f.data, c->nent * sizeof(c->entries[0]));
		}
		return c;
	}
	return NULL;
}

static struct kvm_cpuid2 *host_shows(const char *device)
{
	int dev = open(device, O_RDWR | O_CLOEXEC), err;
	struct kvm_cpuid2 *c;

	if (dev < 0)
		return NULL;
	c = vmm_cpuid_get(dev);
	err = errno;
	close(dev);
	errno = err;
	return c;
}

/**
 * vmm_restore_cpu() - can it go on here?
 * @device: path of the hypervisor's device node
 * @state: the file `state`, looked at by state_open()
 * @size: its bytes
 *
 * Return: 0, or -1 with the error printed.
 */
int vmm_restore_cpu(const char *device, const void *state, size_t size)
{
	struct kvm_cpuid2 *guest, *host = host_shows(device);
	char what[120];
	int ret = 0;

	if (!host) {
		vmm_error(device, strerror(errno), "see `vmctl doctor`");
		return -1;
	}
	guest = guest_shown(state, size);
	if (guest && features_missing(guest, host, what, sizeof(what))) {
		vmm_error("the guest's CPU", what, "restore it on a host like the one it comes from");
		ret = -1;
	}
	free(guest);
	free(host);
	return ret;
}
