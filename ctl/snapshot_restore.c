// SPDX-License-Identifier: GPL-2.0-only
/*
 * snapshot_restore.c - vmctl snapshot restore: a VM, or a new one, goes on where a snapshot was made.
 *
 * The snapshot's layers get links in the VM's folder and fresh ones over them. The configuration that names those is written by the
 * VM's process when the machine is built and nothing of it runs: before that moment nothing has happened, after it the restore
 * has.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cancel.h"
#include "layers.h"
#include "snapshot.h"
#include "subverbs.h"

static const char *as;
static bool force, paused, prefault, timing, verify;
static uint64_t asked;
static enum vmm_clock clock_mode;

static const struct argp_option options[] = {
	{ "as", 'a', "NEW", 0, "Make a new VM of it, with its own name, UUID and network addresses", 0 },
	{ "clock", 'c', "MODE", 0, "What the guest sees of the time since: realtime (all of it, the default), or continue (nothing)", 0 },
	{ "force", 'f', NULL, 0, "End the VM first, if it runs", 0 },
	{ "paused", 'p', NULL, 0, "The VM waits for `vmctl resume`", 0 },
	{ "prefault", 'P', NULL, 0, "Read all of the memory ahead while the guest runs", 0 },
	{ "timing", 't', NULL, 0, "The VM's vmm.log shall say when it ends how long its first instruction took from here", 0 },
	{ "verify", 'v', NULL, 0, "Look at every byte first", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	(void)state;
	switch (key) {
	case 'a':
		as = arg;
		return config_name_ok(arg) ? 0 : vmctl_bad_value(arg, "--as takes a name for a VM");
	case 'c':
		clock_mode = strcmp(arg, "continue") ? VMM_CLOCK_REALTIME : VMM_CLOCK_CONTINUE;
		return clock_mode == VMM_CLOCK_REALTIME && strcmp(arg, "realtime") ?
		       vmctl_bad_value(arg, "--clock takes realtime or continue") : 0;
	case 'f':
		force = true;
		return 0;
	case 'p':
		paused = true;
		return 0;
	case 'P':
		prefault = true;
		return 0;
	case 't':
		timing = true;
		return 0;
	case 'v':
		verify = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options, .parser = parse, .args_doc = "VM NAME",
	.doc = "Lets a VM that does not run go on where a snapshot of it was made, with the memory, the disks and the "
	       "configuration of that moment; what it has been since is lost unless there is a snapshot of it. With --as it is a "
	       "new VM, and this one stays as it is. The guest runs before its memory is read. A snapshot of a VM that did not run "
	       "has disks alone: the VM does not run afterwards, and starts from them.\v"
	       "Examples:\n"
	       "  vmctl snapshot restore web before-upgrade\n"
	       "  vmctl snapshot restore web before-upgrade --as web-test --paused",
};

/* Of the same vendor; what else the guest's CPU needs is in its state, see open_parts(). */
static int check_host(const struct snapshot *s)
{
	char what[100];

	if (!snapshot_has_memory(s) || !strcmp(snapshot_text(s, "cpu"), snapshot_cpu()))
		return 0;
	snprintf(what, sizeof(what), "is of a guest on a CPU of %.12s, and this host's is of %.12s",
		 snapshot_text(s, "cpu"), snapshot_cpu());
	return snapshot_tell(s, NULL, what, "restore it on a host like the one it comes from");
}

/* Disks alone: nothing runs that these could be about. */
static int check_wishes(const struct snapshot *s)
{
	if (snapshot_has_memory(s) || !(paused || prefault || timing || clock_mode != VMM_CLOCK_REALTIME))
		return 0;
	return snapshot_tell(s, NULL, "has disks alone: the VM does not run when it is restored",
			     "leave --paused, --prefault, --timing and --clock out");
}

/* The snapshot's layers, and a fresh one over each that can be written. */
static int layer_disks(const struct snapshot *s, const struct vm *vm, struct config *c)
{
	char name[LAYER_NAME];
	unsigned int i;

	if (boot_share(&s->vm, vm, c))
		return -1;
	for (i = 0; i < c->ndisks; i++) {
		struct config_disk *d = &c->disks[i];

		if (layers_share(&s->vm, vm, d) ||
		    (!d->readonly && (layers_over(vm, d, name) || layers_set(d, name))))
			return -1;
	}
	return 0;
}

/**
 * struct parts - what a restore reads of a snapshot, once
 * @config: of that moment
 * @state: the file, NULL where there are disks alone
 * @size: its bytes
 * @ram: of the snapshot
 */
struct parts {
	struct config config;
	void *state;
	size_t size;
	struct snapshot_ram ram;
};

/* All that can be wrong without a look into RAM and disks is found here, before anything is done. */
static int open_parts(const struct snapshot *s, struct parts *p)
{
	memset(p, 0, sizeof(*p));
	if (snapshot_config(s, &p->config) || snapshot_check_layers(s))
		return -1;
	if (!snapshot_has_memory(s))
		return 0;
	p->state = snapshot_state(s, &p->size);
	return !p->state || snapshot_ram_open(s, &p->ram) ? -1 : 0;
}

static void close_parts(struct parts *p)
{
	snapshot_ram_close(&p->ram);
	free(p->state);
	config_fini(&p->config);
}

static int start(const struct parts *p, struct vm *vm)
{
	struct start_restore r = { .machine.prefault = prefault, .clock = clock_mode, .paused = paused,
				   .timing = timing, .asked = asked };

	/* The moment in which it is restored. */
	if (!p->state)
		return vm_config_write(vm, &p->config) ? VMCTL_FAILED : VMCTL_OK;
	r.machine.state = p->state;
	r.machine.state_size = p->size;
	r.machine.map = p->ram.map;
	memcpy(r.machine.fd, p->ram.fd, sizeof(p->ram.fd));
	return start_restored(vm, &p->config, &r);
}

/* The VM's process finds out, too; but by then it is too late for one that ran until now. */
static bool cpu_fits(const struct parts *p)
{
	return !p->state ||
	       !vmm_restore_cpu(p->config.device ? p->config.device : "/dev/vitrine", p->state, p->size);
}

static int in_place(const struct snapshot *s, struct vm *vm, struct parts *p)
{
	struct vm_status status;
	struct config is;

	if (force && (!cpu_fits(p) || stop_vm(vm, 0, true)))
		return VMCTL_FAILED;
	if (run_status(vm->fd, &status))
		return vmctl_errno(vm->name, "check that the VM is yours");
	if (status.pid)
		return vmctl_error(vm->name, "it runs", "stop it first, use --force, or make a new VM with --as");
	if (layer_disks(s, vm, &p->config) || start(p, vm)) {
		/* Layers that were to be are nobody's. */
		if (!vm_config(vm, &is))
			layers_collect(vm, &is);
		config_fini(&is);
		return VMCTL_FAILED;
	}
	layers_collect(vm, &p->config);
	if (snapshot_set_current(vm, s->generation))
		vmctl_errno(vm->name, "check that the VM's folder has room");
	return VMCTL_OK;
}

static int as_new(const struct snapshot *s, const struct vm *vm, struct parts *p)
{
	struct vm new;
	int err;

	if (vm_create_begin(&new, vm->store, as))
		return VMCTL_FAILED;
	if (identity_renew(&p->config) || layer_disks(s, &new, &p->config) || vm_create_unborn(&new)) {
		vm_create_cancel(&new);
		return VMCTL_FAILED;
	}
	if (vm_create_end(&new, &p->config))
		return VMCTL_FAILED;
	err = start(p, &new);
	if (err)
		vm_remove(&new);
	else
		vm_create_born(&new);
	vm_close(&new);
	return err;
}

static int work(struct vm *vm, const struct vmctl_args *a)
{
	int status = VMCTL_FAILED;
	struct snapshot s;
	struct parts p;

	snapshot_sweep(vm);
	if (!snapshot_open(&s, vm, a->names[1]) && !check_wishes(&s) && !check_host(&s) &&
	    !(verify && snapshot_check_deep(&s, cancel_progress))) {
		if (!open_parts(&s, &p))
			status = as ? as_new(&s, vm, &p) : in_place(&s, vm, &p);
		close_parts(&p);
	}
	snapshot_close(&s);
	return status;
}

int snapshot_restore(int argc, char **argv)
{
	struct vmctl_args a = { .argp = &argp, .min = 2, .max = 2 };
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	asked = now.tv_sec * 1000000ULL + now.tv_nsec / 1000;
	if (vmctl_parse(&a, argc, argv))
		return VMCTL_USAGE;
	return snapshot_with(&a, true, work);
}
