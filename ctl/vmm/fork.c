// SPDX-License-Identifier: GPL-2.0-only
/*
 * fork.c - fork(2) of a VM process: memory is shared by the kernel, copy on write; what of the hypervisor and of the event
 * loop cannot be inherited is made again in the child.
 *
 * The parent stands still from the first CPU's stop to its own resume(), which does not wait for the child; the child
 * waits for that, so that it takes no time from a parent that stands still where they share a CPU.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "blk.h"
#include "devices.h"
#include "fork.h"
#include "part.h"
#include "save.h"
#include "vmm.h"

/* What the pause consists of, in its order. */
enum moment {
	STARTED,
	CPUS_STOPPED,
	DEVICES_STOPPED,
	SAVED,
	FORKED,
	GOES_ON,
	MOMENTS,
};

/**
 * struct forking - a fork on its way
 * @us: when it came that far, microseconds
 * @go: pipe without a word: it ends for the child when the parent goes on
 */
struct forking {
	uint64_t us[MOMENTS];
	int go[2];
};

/**
 * vmm_fork_check() - can it be done?
 * @m: the machine
 * @f: what was asked for
 *
 * Return: NULL, or what is wrong.
 */
const char *vmm_fork_check(const struct vmm *m, const struct vmm_fork *f)
{
	unsigned int disks = vmm_blk_writable(m);

	if (m->fork)
		return "it is being forked already";
	if (f->nfd != (f->generation[0] ? VMM_SAVE_FIXED + disks + f->files :
					  VMM_FORK_FIXED + 2 * disks + vmm_net_fds(m)))
		return "its disks and networks are not those of its configuration any more";
	return NULL;
}

/**
 * vmm_fork_free() - forget a request, and close what it brought and nobody took; the pipe last, whose end is heard
 * @f: the request
 */
void vmm_fork_free(struct vmm_fork *f)
{
	while (f->nfd--)
		if (f->fd[f->nfd] >= 0)
			close(f->fd[f->nfd]);
	free(f);
}

/* The descriptors from @first on are somebody else's now. */
static int *take(struct vmm_fork *f, unsigned int first, unsigned int n, int *to)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		to[i] = f->fd[first + i];
		f->fd[first + i] = -1;
	}
	return to;
}

/* Of both kinds of requests. */
_Static_assert((int)VMM_FORK_STATUS == (int)VMM_SAVE_STATUS, "the pipe is the first descriptor");

static void say(const struct vmm_fork *f, const char *text)
{
	if (write(f->fd[VMM_FORK_STATUS], text, strlen(text)) < 0)
		errno = 0;	/* who asked is gone */
}

static int call_forked(struct vmm *m)
{
	struct vmm_part *p;

	for (p = m->parts; p; p = p->next)
		if (p->forked && p->forked(p->opaque))
			return -1;
	return 0;
}

static int become(struct vmm *m, struct vmm_fork *f)
{
	const struct vmm_owner *o = m->config->owner;
	unsigned int disks = vmm_blk_writable(m), nets = vmm_net_fds(m);
	int fd[VMM_FORK_FDS];

	vmm_pause_forked();
	/* The parent's hypervisor is the parent's. */
	vmm_hypervisor_drop(m);
	vmm_loop_fini(m);
	vmm_files_reserve();
	/* First of all: until then the record of how the VM is, and the log, are the parent's. */
	take(f, VMM_FORK_RUN, 2, fd);
	if (o->forked(o, f->name, fd[0], fd[1]))
		return -1;
	/* Then this, so that what the child takes is counted there. */
	if (write(f->fd[VMM_FORK_GROUP], "0", 1) < 0 && f->limited) {
		vmm_error("cgroup", strerror(errno), "fork it as the user who started it");
		return -1;
	}
	take(f, VMM_FORK_CONTROL, 2, fd);
	if (vmm_loop_init(m) || vmm_control_forked(m, fd[0]) || vmm_vsock_forked(m, fd[1]) ||
	    vmm_hubs_forked(m, take(f, VMM_FORK_HUBS, VMM_HUBS * VMM_HUB_FDS, fd)))
		return -1;
	if (vmm_blk_push(m, take(f, VMM_FORK_FIXED + disks, disks, fd)))
		return -1;
	vmm_net_replug(m, take(f, VMM_FORK_FIXED + 2 * disks, nets, fd), f->mac, f->none);
	m->clock = VMM_CLOCK_REALTIME;
	return call_forked(m) || vmm_genid_renew(m) || vmm_vcpus_start(m) ? -1 : 0;
}

/* Whatever becomes of the parent, the pipe ends. */
static void wait_for_parent(const struct forking *k)
{
	char none;

	close(k->go[1]);
	while (read(k->go[0], &none, 1) < 0 && errno == EINTR)
		;
	close(k->go[0]);
}

static void run_child(struct vmm *m, struct vmm_fork *f, const struct forking *k)
{
	const struct vmm_owner *o = m->config->owner;
	char text[32];

	if (become(m, f)) {
		o->phase(o, VMM_PHASE_CRASHED, "it could not be forked");
		_exit(1);
	}
	vmm_ident_forked(m, f->name);
	vmm_parts_resume(m);
	vmm_net_flap(m);
	if (f->paused)
		vmm_ident_held(m, true);
	else
		vmm_resume(m);
	o->phase(o, f->paused ? VMM_PHASE_PAUSED : VMM_PHASE_RUNNING, NULL);
	snprintf(text, sizeof(text), "R %llu\n", (unsigned long long)(vmm_now_us() - k->us[STARTED]));
	say(f, text);
}

/* Locks, sockets and network cards stay the VM's alone, whatever it does before the snapshot is written. */
static void close_others(const struct vmm_fork *f)
{
	int low = STDERR_FILENO, next;
	unsigned int i;

	for (;;) {
		next = -1;
		for (i = 0; i < f->nfd; i++)
			if (f->fd[i] > low && (next < 0 || f->fd[i] < next))
				next = f->fd[i];
		if (next != low + 1)
			close_range(low + 1, next < 0 ? ~0U : (unsigned int)next - 1, 0);
		if (next < 0)
			return;
		low = next;
	}
}

static void run_writer(struct vmm *m, struct vmm_fork *f)
{
	unsigned int i;

	for (i = 0; i < m->config->cpus; i++)
		munmap(m->vcpus[i].run, m->run_size);
	close_others(f);
	vmm_save_write(m, f->generation, f->fd, f->fd + f->nfd - f->files, f->files);
}

/* All of the pause, then its parts. */
static void tell_pause(const struct vmm_fork *f, const struct forking *k)
{
	char text[160];
	int n = snprintf(text, sizeof(text), "P %llu", (unsigned long long)(k->us[GOES_ON] - k->us[STARTED]));
	unsigned int i;

	for (i = CPUS_STOPPED; i < MOMENTS; i++)
		n += snprintf(text + n, sizeof(text) - n, " %llu", (unsigned long long)(k->us[i] - k->us[i - 1]));
	snprintf(text + n, sizeof(text) - n, "\n");
	say(f, text);
}

static void run_parent(struct vmm *m, struct vmm_fork *f, bool was_paused, bool forked, struct forking *k)
{
	unsigned int disks = vmm_blk_writable(m);
	int fd[VMM_FORK_FDS];

	/* Without its layers it cannot go on: nothing may be written to what the child, or the snapshot, has. */
	if (vmm_blk_push(m, take(f, f->generation[0] ? (int)VMM_SAVE_FIXED : (int)VMM_FORK_FIXED, disks, fd)))
		vmm_crash(m, "disks", "no layer could be put over them", "start the VM again");
	vmm_parts_resume(m);
	if (!was_paused)
		vmm_resume(m);
	/* From when they may run on, the CPUs' threads compete with this one. */
	k->us[GOES_ON] = was_paused ? vmm_now_us() : m->released;
	close(k->go[0]);
	close(k->go[1]);
	if (!forked)
		return;
	if (f->generation[0])
		vmm_ident_snapshot(m, f->name);
	tell_pause(f, k);
}

static void save_state(struct vmm *m)
{
	struct vmm_part *p;

	for (p = m->parts; p; p = p->next)
		if (p->save)
			p->save(p->opaque);
}

/**
 * vmm_fork_run() - do what m->fork asks for; main thread, outside of handlers
 * @m: the machine; afterwards it may be another process's and another VM
 */
void vmm_fork_run(struct vmm *m)
{
	bool was_paused = atomic_load(&m->pausing);
	struct forking k = { .go = { -1, -1 } };
	struct vmm_fork *f = m->fork;
	pid_t child = -1;
	int err;

	/* Gigabytes may wait to be written out: not while the VM stands still. */
	vmm_blk_flush(m);
	err = pipe2(k.go, O_CLOEXEC) ? errno : 0;
	k.us[STARTED] = vmm_now_us();
	vmm_pause(m);
	k.us[CPUS_STOPPED] = vmm_now_us();
	vmm_parts_quiesce(m);
	if (err)
		vmm_error("fork", strerror(err), "let the VM's process have more open files");
	else
		err = vmm_blk_freeze(m);
	k.us[DEVICES_STOPPED] = vmm_now_us();
	if (!err) {
		/* What the guest said before is the parent's to log. */
		vmm_hubs_service(m);
		save_state(m);
		/* Nobody asks how the child ended. */
		signal(SIGCHLD, SIG_IGN);
		k.us[SAVED] = vmm_now_us();
		child = fork();
		if (child < 0)
			vmm_error("fork", strerror(errno), "see that the host has memory and processes left");
		k.us[FORKED] = vmm_now_us();
	}
	m->fork = NULL;
	if (!child)
		wait_for_parent(&k);
	if (!child && f->generation[0])
		run_writer(m, f);
	else if (!child)
		run_child(m, f, &k);
	else
		run_parent(m, f, was_paused, child > 0, &k);
	vmm_fork_free(f);
}
