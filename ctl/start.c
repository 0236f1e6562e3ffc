// SPDX-License-Identifier: GPL-2.0-only
/*
 * start.c - vmctl start: a VM's configuration becomes its process.
 *
 * The process is vmctl itself, forked twice into a session of its own. Until the VM is built it keeps
 * the caller's standard error and the folder's lock: an error is told by `vmctl start`, and nobody
 * works on a VM that is half started, even when this vmctl is killed meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"
#include "compiler.h"
#include "layers.h"
#include "snapshot.h"
#include "vmm/cdrom.h"
#include "vmm/cgroup.h"
#include "vmm/sandbox.h"
#include "vmm/vmm.h"

#define FILES_MAX	65536
#define LOG_MAX	(64 << 10)	/* of vmm.log, which begins anew when it is larger */

static const struct argp_option options[] = {
	{ "foreground", 'f', NULL, 0, "Stay, for systemd: the command ends with the VM", 0 },
	{ 0 },
};

static bool foreground;

static error_t parse(int key, char *arg, struct argp_state *state)
{
	(void)arg;
	(void)state;
	if (key != 'f')
		return ARGP_ERR_UNKNOWN;
	foreground = true;
	return 0;
}

static const struct argp argp = {
	.options = options, .parser = parse, .args_doc = "NAME...",
	.doc = "Starts VMs. Each gets a process of its own, which needs nobody else.\v"
	       "Examples:\n"
	       "  vmctl start web db\n"
	       "  systemctl start vitrine@web",
};

const struct vmctl_args vmctl_start_args = { .argp = &argp, .min = 1 };

/**
 * struct keeper - the owner of the VM that this process runs
 * @owner: what the machine sees
 * @vm: its folder, locked until the machine is built
 * @run: descriptor of its record
 * @ready: pipe to the vmctl that waits, or -1
 * @log: vmm.log, or -1
 * @config: to be written when the machine is built, or NULL: it is there already
 * @first: how the VM is when it is built
 */
struct keeper {
	struct vmm_owner owner;
	struct vm *vm;
	int run, ready, log;
	const struct config *config;
	enum vm_state first;
};

/* What the process says when its terminal is not ours any more; without it, nothing. */
static int open_log(const struct vm *vm)
{
	int fd = openat(vm->fd, "vmm.log",
			O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct stat st;

	if (fd >= 0 && !fstat(fd, &st) && st.st_size > LOG_MAX && ftruncate(fd, 0))
		vmctl_errno("vmm.log", "remove it");
	return fd;
}

/* The vmctl that waits hears of it; the terminal stays with that one. */
static void tell_ready(struct keeper *k)
{
	if (k->ready < 0)
		return;
	if (write(k->ready, "R", 1) < 0)
		errno = 0;	/* it is gone; the VM is not its child */
	close(k->ready);
	k->ready = -1;
}

/* The machine is built and nothing of it runs: last chance to fail. */
static void on_ready(struct keeper *k)
{
	if ((k->config && vm_config_write(k->vm, k->config)) || vmm_sandbox_enter()) {
		run_record(k->run, VM_STOPPED, "it could not be started");
		_exit(VMCTL_FAILED);
	}
	if (k->ready >= 0 && k->log >= 0)
		dup2(k->log, STDERR_FILENO);
	run_record(k->run, k->first, "");
	vm_unlock(k->vm);
	tell_ready(k);
}

static void on_phase(const struct vmm_owner *o, enum vmm_phase phase, const char *reason)
{
	struct keeper *k = (struct keeper *)o;

	switch (phase) {
	case VMM_PHASE_READY:
		on_ready(k);
		break;
	case VMM_PHASE_RUNNING:
		run_record(k->run, VM_RUNNING, "");
		break;
	case VMM_PHASE_PAUSED:
		run_record(k->run, VM_PAUSED, "");
		break;
	case VMM_PHASE_ENDED:
		run_record(k->run, VM_STOPPED, reason);
		break;
	case VMM_PHASE_CRASHED:
		run_record(k->run, VM_CRASHED, reason);
		break;
	}
}

/* This process is another VM's now. */
static int on_forked(const struct vmm_owner *o, const char *name, int run, int log)
{
	struct keeper *k = (struct keeper *)o;
	char title[80];

	close(k->run);
	k->run = run;
	if (k->log >= 0)
		close(k->log);
	k->log = log;
	dup2(log, STDERR_FILENO);
	snprintf(title, sizeof(title), "vmctl: %s", name);
	title_set(title);
	return run_adopt(run);
}

static void machine_disks(const struct config *c, struct vmm_disk *d)
{
	unsigned int i;

	for (i = 0; i < c->ndisks; i++) {
		const struct config_disk *k = &c->disks[i];

		d[i] = (struct vmm_disk){
			.path = k->file, .readonly = k->readonly,
			.format = k->format ? disk_format_named(k->format) : disk_format_of_name(k->file),
		};
	}
}

static void machine_nets(const struct config *c, struct vmm_net *n)
{
	unsigned int i;

	for (i = 0; i < c->nnets; i++)
		n[i] = (struct vmm_net){ .network = c->nets[i].network, .mac = c->nets[i].mac };
}

static void machine_config(const struct config *c, struct vmm_config *m, struct vmm_disk *disks,
			   struct vmm_net *nets)
{
	machine_disks(c, disks);
	machine_nets(c, nets);
	*m = (struct vmm_config){
		.kernel = c->kernel, .firmware = c->kernel ? NULL : c->firmware, .initrd = c->initrd,
		.append = c->append ? c->append : "console=ttyS0",
		.device = c->device ? c->device : "/dev/vitrine",
		.restarts = !c->on_reboot || strcmp(c->on_reboot, "stop"),
		.memory = c->memory, .balloon = c->balloon, .merge = c->merge, .cpus = c->cpus, .disks = disks, .ndisks = c->ndisks,
		.nets = nets, .nnets = c->nnets, .cdrom = c->cdrom, .boot_cd = c->boot && !strcmp(c->boot, "cd"),
	};
}

/* What the VM may take of the host, for vmm/cgroup.c. */
static void limits_of(const struct config *c, struct cgroup_limits *l)
{
	unsigned int i, k;
	dev_t disk;

	*l = (struct cgroup_limits){ .weight = c->weight, .cap = c->cap, .memory = c->memory_limit,
				     .pin = c->pin };
	for (i = 0; i < c->ndisks; i++) {
		const struct config_disk *d = &c->disks[i];

		if ((!d->iops && !d->bandwidth) || !cgroup_disk_of(d->file, &disk))
			continue;
		/* Images on one disk share the sum of their limits. */
		for (k = 0; k < l->nio && l->io[k].device != disk; k++)
			;
		if (k == CGROUP_DEVICES)
			continue;
		if (k == l->nio)
			l->io[l->nio++].device = disk;
		l->io[k].iops += d->iops;
		l->io[k].bandwidth += d->bandwidth;
	}
}

static int take_limits(const struct config *c, bool own_group)
{
	struct cgroup_limits l;

	limits_of(c, &l);
	return cgroup_enter(&l, c->uuid ? c->uuid : "vm", own_group);
}

/**
 * start_place() - the group of processes that a VM shall be in which another one forks
 * @vm: its folder, which becomes the current one
 * @c: what it is
 * @from: the process that forks
 * @p: filled, see cgroup_prepare()
 *
 * Return: 0, or -1 with the error told.
 */
int start_place(struct vm *vm, const struct config *c, pid_t from, struct cgroup_place *p)
{
	struct cgroup_limits l;

	if (fchdir(vm->fd))
		return vmctl_errno(vm->name, "check the VM's folder"), -1;
	limits_of(c, &l);
	return cgroup_prepare(&l, c->uuid ? c->uuid : "vm", from, p);
}

/**
 * start_limit() - other limits for a VM that runs
 * @vm: its folder, which becomes the current one
 * @c: what it is now
 * @pid: of its process
 *
 * Return: VMCTL_OK, or VMCTL_FAILED with the error told.
 */
int start_limit(struct vm *vm, const struct config *c, pid_t pid)
{
	struct cgroup_limits l;

	if (fchdir(vm->fd))
		return vmctl_errno(vm->name, "check the VM's folder");
	limits_of(c, &l);
	return cgroup_change(&l, pid) ? VMCTL_FAILED : VMCTL_OK;
}

/* Disks of many layers, queues, connections: what the host allows, the VM may have. */
static void raise_files(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r))
		return;
	r.rlim_cur = r.rlim_max < FILES_MAX ? r.rlim_max : FILES_MAX;
	setrlimit(RLIMIT_NOFILE, &r);
}

/* The VM's process, until it ends. */
static int be_vm(struct vm *vm, const struct config *c, const struct start_restore *r, int ready)
{
	struct keeper k = {
		.owner = { .name = vm->name, .folder = vm->fd, .phase = on_phase, .forked = on_forked }, .vm = vm, .ready = ready,
		.config = r ? c : NULL, .first = r && r->paused ? VM_PAUSED : VM_RUNNING,
	};
	struct vmm_disk disks[CONFIG_DISKS];
	struct vmm_net nets[CONFIG_NETS];
	struct vmm_config m;
	char title[80];
	int status;

	raise_files();
	k.run = run_take(vm->fd);
	if (k.run < 0)
		return vmctl_errno(vm->name, "see `vmctl info`");
	/* Files of the configuration are named from the folder. */
	if (fchdir(vm->fd))
		return vmctl_errno(vm->name, "check the VM's folder");
	if (take_limits(c, ready < 0))
		return VMCTL_FAILED;
	snprintf(title, sizeof(title), "vmctl: %s", vm->name);
	title_set(title);
	k.log = open_log(vm);
	machine_config(c, &m, disks, nets);
	m.owner = &k.owner;
	if (r) {
		m.restore = &r->machine;
		m.clock = r->clock;
		m.paused = r->paused;
		m.timing = r->timing;
		m.asked = r->asked;
	}
	status = vmm_run(&m);
	/* Not built, and told so: nothing has ended that had begun. */
	if (vm->lock >= 0)
		run_record(k.run, VM_STOPPED, "it could not be started");
	return status;
}

/* Whoever started vmctl must not wait for the VM: only what the process needs stays open. */
static void close_others(int *keep, size_t n)
{
	unsigned int from = STDERR_FILENO + 1;
	size_t i, k;

	for (i = 0; i < n; i++)
		for (k = i + 1; k < n; k++)
			if (keep[k] < keep[i]) {
				int t = keep[i];

				keep[i] = keep[k];
				keep[k] = t;
			}
	for (i = 0; i < n; i++) {
		if ((unsigned int)keep[i] > from)
			close_range(from, keep[i] - 1, 0);
		from = keep[i] + 1;
	}
	close_range(from, ~0U, 0);
}

static void detach(struct vm *vm, const struct start_restore *r, int ready)
{
	int keep[4 + MAP_FILES] = { vm->fd, vm->lock, vm->store->fd, ready };
	int null = open("/dev/null", O_RDWR);
	size_t n = 4;

	if (r) {
		memcpy(keep + n, r->machine.fd, r->machine.map.nfiles * sizeof(*keep));
		n += r->machine.map.nfiles;
	}

	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	close_others(keep, n);
	umask(0077);
}

static int fork_vm(struct vm *vm, const struct config *c, const struct start_restore *r)
{
	int ready[2], status = VMCTL_FAILED;
	pid_t child;
	char byte = 0;

	if (pipe2(ready, O_CLOEXEC))
		return vmctl_errno(vm->name, "raise the limit on open files");
	fflush(NULL);
	child = fork();
	if (!child) {
		setsid();
		/* Not the session's leader: no terminal can become ours. */
		if (fork())
			_exit(0);
		detach(vm, r, ready[1]);
		_exit(be_vm(vm, c, r, ready[1]));
	}
	close(ready[1]);
	if (child < 0) {
		vmctl_errno(vm->name, "raise the limit on processes");
	} else {
		waitpid(child, NULL, 0);
		/* A VM that cannot start has told why and closes the pipe without a word. */
		while (read(ready[0], &byte, 1) < 0 && errno == EINTR)
			;
		status = byte == 'R' ? VMCTL_OK : VMCTL_FAILED;
	}
	close(ready[0]);
	return status;
}

static int check_bootable(const struct vm *vm, const struct config *c)
{
	unsigned int i;

	if (!c->kernel && !c->ndisks && !cdrom_is_image(c->cdrom))
		return vmctl_error(vm->name, "it has neither a kernel nor a disk or a CD to boot",
				   "name one with `vmctl set NAME kernel=FILE`");
	for (i = 0; i < c->nnets; i++)
		if (!c->nets[i].mac)
			return vmctl_error(vm->name, "a [net] of it lacks `mac`",
					   "give it one, such as 52:54:00:12:34:56, in the file `config`");
	return VMCTL_OK;
}

/**
 * start_vm() - start one VM
 * @vm: its folder, locked; unlocked afterwards when the VM was started in the foreground
 * @stay: this process becomes the VM's, and returns when it has ended
 *
 * Return: VMCTL_OK, or VMCTL_FAILED with the error told.
 */
int start_vm(struct vm *vm, bool stay)
{
	struct vm_status status;
	struct config c;
	int ret;

	if (run_status(vm->fd, &status))
		return vmctl_errno(vm->name, "check the VM's folder");
	if (status.pid)
		return vmctl_error(vm->name, "it runs already", "see `vmctl info`");
	ret = vm_config(vm, &c) || check_bootable(vm, &c);
	if (!ret) {
		/* What forks and snapshots left that did not come to be. */
		snapshot_sweep(vm);
		layers_tidy(vm, &c);
		ret = stay ? be_vm(vm, &c, NULL, -1) : fork_vm(vm, &c, NULL);
	}
	config_fini(&c);
	return ret;
}

/**
 * start_restored() - start a VM that goes on where a snapshot was made
 * @vm: its folder, locked; it does not run
 * @c: its configuration from now on, which its process writes as soon as nothing can fail any more
 * @r: the snapshot
 *
 * Return: VMCTL_OK, or VMCTL_FAILED with the error told.
 */
int start_restored(struct vm *vm, const struct config *c, const struct start_restore *r)
{
	return fork_vm(vm, c, r);
}

static int work(struct vm *vm, void *arg)
{
	(void)arg;
	return start_vm(vm, foreground);
}

int vmctl_start(int argc, char **argv)
{
	struct vmctl_args a = vmctl_start_args;

	if (vmctl_parse(&a, argc, argv))
		return VMCTL_USAGE;
	if (foreground && a.n > 1)
		return vmctl_usage(a.names[1], "--foreground takes one VM");
	return each_vm(&a, true, work, NULL);
}
