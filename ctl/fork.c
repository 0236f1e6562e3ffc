// SPDX-License-Identifier: GPL-2.0-only
/*
 * fork.c - vmctl fork: a running VM becomes two. Here is what the VM's process cannot do, shut in as it is: the child's
 * folder, its identity, the layers of its disks, its sockets and the plugs of its network cards; vmm/fork.c does the rest.
 *
 * The parent's disks get their new layers in its configuration before anything happens: an empty layer over a disk is that disk, so
 * whoever dies at whatever moment, the configuration is right.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "layers.h"
#include "net/net.h"
#include "vmm/cgroup.h"
#include "vmm/fork.h"
#include "vmm/local.h"

#define TIMEOUT_MS	60000
#define ABANDON_MS	1000

static uint64_t count = 1;
static bool paused, counted, timing;
static const char *network;

static const struct argp_option options[] = {
	{ "count", 'n', "N", 0, "Fork N times; the new VMs are NEW-1 to NEW-N", 0 },
	{ "net", 'N', "NETWORK", 0, "Plug the new VM's cards, but those on `user`, into another switch:NAME[,vlan=N], in which %n is the "
	  "new VM's number, or nowhere: none", 0 },
	{ "paused", 'p', NULL, 0, "The new VM waits for `vmctl resume`", 0 },
	{ "timing", 't', NULL, 0, "Tell how long the VM stood still, and when the new one ran", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	(void)state;
	switch (key) {
	case 'n':
		if (!text_to_uint(arg, 1, 1000, &count))
			return vmctl_bad_value(arg, "--count takes a number from 1 to 1000");
		counted = true;
		return 0;
	case 'N':
		network = arg;
		return !strcmp(arg, "none") || !strncmp(arg, "switch:", 7) ? 0 :
		       vmctl_bad_value(arg, "--net takes switch:NAME[,vlan=N] or none");
	case 'p':
		paused = true;
		return 0;
	case 't':
		timing = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options, .parser = parse, .args_doc = "VM NEW",
	.doc = "Makes a second VM of a running one: the same memory, shared until one of them writes, the same "
	       "disks, each with a layer of its own, at the same point of their programs. The new VM has a name, "
	       "UUID and network addresses of its own. A guest whose driver has read its MAC address keeps that one, and the IP "
	       "address it has, until its network is set up anew: of two on one switch, one disturbs the other. So fork it into "
	       "another switch with --net, or with no network, unless its network is `user`, which each VM has for itself.\v"
	       "Examples:\n"
	       "  vmctl fork --net none web test\n"
	       "  vmctl fork --count 30 --net switch:exam-%n exercise student",
};

const struct vmctl_args vmctl_fork_args = { .argp = &argp, .min = 2, .max = 2 };

/**
 * struct birth - a fork on its way
 * @parent: the VM, locked
 * @child: the new one, locked
 * @pc: configuration of the parent
 * @cc: configuration of the child
 * @fd: for the request, see vmm/fork.h
 * @nfd: their number
 * @status: reading end of the status pipe
 * @place: the child's group of processes
 * @pid: of the parent's process
 * @number: of the child among those asked for
 */
struct birth {
	struct vm *parent;
	struct vm child;
	struct config pc, cc;
	int fd[VMM_FORK_FDS];
	unsigned int nfd;
	int status;
	struct cgroup_place place;
	pid_t pid;
	unsigned int number;
};

static int add(struct birth *b, int fd)
{
	if (fd < 0)
		return -1;
	if (b->nfd == VMM_FORK_FDS) {
		close(fd);
		vmctl_error(b->parent->name, "has too many disks and networks", "fork a VM with fewer");
		return -1;
	}
	b->fd[b->nfd++] = fd;
	return 0;
}

static int add_file(struct birth *b, const char *name, int flags)
{
	int fd = openat(b->child.fd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags, 0600);

	if (fd < 0)
		vmctl_errno(name, "check the VM's folder");
	return add(b, fd);
}

/* Something has to be there, also where the child stays in its parent's. */
static int open_group(struct birth *b)
{
	if (start_place(&b->child, &b->cc, b->pid, &b->place))
		return -1;
	return add(b, b->place.procs >= 0 ? b->place.procs : open("/dev/null", O_WRONLY | O_CLOEXEC));
}

/* In the order of vmm/fork.h. */
static int open_fixed(struct birth *b)
{
	int status[2];

	if (pipe2(status, O_CLOEXEC))
		return vmctl_errno(b->child.name, "raise the limit on open files"), -1;
	b->status = status[0];
	return add(b, status[1]) || add_file(b, "run", 0) || add_file(b, "vmm.log", O_APPEND) ||
	       add(b, fcntl(b->child.lock, F_DUPFD_CLOEXEC, 3)) || open_group(b) ||
	       add(b, vmm_local_listen(b->child.fd, "control")) || add(b, vmm_local_listen(b->child.fd, "vsock")) ||
	       add_file(b, "console.log", O_APPEND) || add_file(b, "console.log.1", 0) ||
	       add(b, vmm_local_listen(b->child.fd, "console")) ||
	       add_file(b, "hvc.log", O_APPEND) || add_file(b, "hvc.log.1", 0) ||
	       add(b, vmm_local_listen(b->child.fd, "hvc")) ? -1 : 0;
}

/* Each writable disk: its layers for the child, too, and an empty one over them for each of the two. */
static int layer_disks(struct birth *b)
{
	char name[LAYER_NAME];
	unsigned int i;

	if (boot_share(b->parent, &b->child, &b->pc))
		return -1;
	for (i = 0; i < b->pc.ndisks; i++) {
		struct config_disk *d = &b->pc.disks[i];

		if (layers_share(b->parent, &b->child, d))
			return -1;
		if (d->readonly)
			continue;
		if (layers_over(&b->child, d, name) || layers_set(&b->cc.disks[i], name) ||
		    layers_over(b->parent, d, name) || layers_set(d, name))
			return -1;
	}
	return 0;
}

static int open_layers(struct birth *b, const struct vm *vm, const struct config *c)
{
	unsigned int i;

	for (i = 0; i < c->ndisks; i++)
		if (!c->disks[i].readonly && add(b, layers_open(vm, c->disks[i].file)))
			return -1;
	return 0;
}

static int plug_nets(struct birth *b)
{
	unsigned int pairs = b->pc.cpus < NET_PAIRS ? b->pc.cpus : NET_PAIRS, i, k;
	struct net_link l;

	for (i = 0; i < b->cc.nnets; i++) {
		if (net_open(&l, b->cc.nets[i].network, pairs))
			return -1;
		for (k = 0; k < l.pairs; k++)
			if (add(b, l.fd[k]))
				return -1;
		/* Something has to be there. */
		if (add(b, l.keep >= 0 ? l.keep : open("/dev/null", O_RDONLY | O_CLOEXEC)))
			return -1;
	}
	return 0;
}

/* The number of the new VM in place of %n. */
static int other_network(char *to, size_t room, unsigned int number)
{
	const char *mark = strstr(network, "%n");
	int n = mark ? snprintf(to, room, "%.*s%u%s", (int)(mark - network), network, number, mark + 2) :
		       snprintf(to, room, "%s", network);

	if (n < (int)room && config_network_ok(to))
		return 0;
	vmctl_error(to, "is no name of a switch", "use up to 12 letters, digits, '-', '_' and '.'");
	return -1;
}

/* Where two guests of one address would meet. A network of the VM's own is one of its own again. */
static int other_networks(struct birth *b)
{
	char to[80], *copy;
	unsigned int i;

	if (network && other_network(to, sizeof(to), b->number))
		return -1;
	for (i = 0; network && i < b->cc.nnets; i++) {
		if (!strcmp(b->cc.nets[i].network, "user"))
			continue;
		copy = strdup(to);
		if (!copy)
			return vmctl_errno("memory", "free some"), -1;
		free(b->cc.nets[i].network);
		b->cc.nets[i].network = copy;
	}
	return 0;
}

static int prepare(struct birth *b)
{
	if (identity_renew(&b->cc) || other_networks(b) || open_fixed(b) || layer_disks(b) || open_layers(b, b->parent, &b->pc) ||
	    open_layers(b, &b->child, &b->cc) || plug_nets(b))
		return -1;
	return b->pc.ndisks ? vm_config_write(b->parent, &b->pc) : 0;
}

/**
 * struct times - of a fork, in microseconds from the moment in which the parent was stopped
 * @pause: until it went on
 * @part: of that, in their order: the CPUs, the devices, the state, fork(2), the way on
 * @child: until the child ran
 */
struct times {
	unsigned long long pause, part[5], child;
};

/* The child says R when it runs; the parent says how long it stood still. 0 if both did. */
static int hear(struct birth *b, struct times *t)
{
	struct pollfd p = { .fd = b->status, .events = POLLIN };
	unsigned long long *part = t->part;
	char text[256];
	size_t n = 0;
	ssize_t got;

	while (n < sizeof(text) - 1 && poll(&p, 1, TIMEOUT_MS) > 0) {
		got = read(b->status, text + n, sizeof(text) - 1 - n);
		if (got <= 0)
			break;
		n += got;
	}
	text[n] = 0;
	return strstr(text, "R ") && sscanf(strstr(text, "R "), "R %llu", &t->child) == 1 &&
	       strstr(text, "P ") && sscanf(strstr(text, "P "), "P %llu %llu %llu %llu %llu %llu", &t->pause, part,
					    part + 1, part + 2, part + 3, part + 4) == 6 ? 0 : -1;
}

static void tell_times(const struct birth *b, const struct times *t)
{
	printf("%s: forked from %s, which stood still for %llu us; runs after %llu us\n", b->child.name,
	       b->parent->name, t->pause, t->child);
	if (timing)
		printf("%s: %llu us to stop the CPUs, %llu the devices, %llu to save the state, %llu to fork, %llu to go on\n",
		       b->parent->name, t->part[0], t->part[1], t->part[2], t->part[3], t->part[4]);
}

/* The child's last words, or the parent's, which has a log that stays. */
static void tell_failure(struct birth *b)
{
	size_t n = 0;
	char *text = file_read(b->child.fd, "vmm.log", 65536, &n), *last = NULL;

	if (n && text[n - 1] == '\n')
		text[n - 1] = 0;
	if (n)
		last = strrchr(text, '\n') ? strrchr(text, '\n') + 1 : text;
	vmctl_error(b->parent->name, last && *last ? last : "could not be forked", "see the file vmm.log in its folder");
	free(text);
}

static int ask(struct birth *b)
{
	json_t *macs = json_array(), *none = json_array(), *request;
	struct times t;
	unsigned int i;

	for (i = 0; i < b->cc.nnets; i++) {
		json_array_append_new(macs, json_string(b->cc.nets[i].mac));
		json_array_append_new(none, json_boolean(!strcmp(b->cc.nets[i].network, "none")));
	}
	request = json_pack("{s:s, s:s, s:b, s:b, s:o, s:o}", "do", "fork", "name", b->child.name, "paused", paused,
			    "limited", b->place.hold >= 0, "mac", macs, "none", none);
	if (client_ask_with(b->parent, request, b->fd, b->nfd, NULL))
		return -1;
	/* Our end of the pipe would keep it open. */
	close(b->fd[VMM_FORK_STATUS]);
	b->fd[VMM_FORK_STATUS] = -1;
	if (!hear(b, &t)) {
		if (timing || isatty(STDOUT_FILENO))
			tell_times(b, &t);
		return 0;
	}
	tell_failure(b);
	return -1;
}

/* What was sent is open here still, with it the child's lock. */
static void close_request(struct birth *b)
{
	for (; b->nfd; b->nfd--)
		if (b->fd[b->nfd - 1] >= 0)
			close(b->fd[b->nfd - 1]);
}

static void finish(struct birth *b)
{
	close_request(b);
	if (b->status >= 0)
		close(b->status);
	if (b->place.hold >= 0)
		close(b->place.hold);
	config_fini(&b->pc);
	config_fini(&b->cc);
}

/*
 * What was told has been: if the child lives all the same, it came too late. While the VM's process has the request the child may
 * still come; the folder is left to it, or to the next sweep.
 */
static void abandon(struct vm *child)
{
	struct vm_status status;

	vm_unlock(child);
	if (vm_lock_within(child, ABANDON_MS))
		return;
	if (!run_status(child->fd, &status) && status.pid)
		kill(status.pid, SIGKILL);
	vm_remove(child);
}

static int fork_one(struct vm *parent, const char *name, unsigned int number)
{
	struct birth b = { .parent = parent, .status = -1, .place = { -1, -1 }, .number = number };
	struct vm_status status;
	int err;

	if (run_status(parent->fd, &status))
		return vmctl_errno(parent->name, "check the VM's folder");
	if (!status.pid)
		return vmctl_error(parent->name, "it does not run", "start it with `vmctl start`");
	b.pid = status.pid;
	if (vm_config(parent, &b.pc) || vm_config(parent, &b.cc))
		return VMCTL_FAILED;
	err = vm_create_begin(&b.child, parent->store, name);
	if (!err) {
		err = prepare(&b) || vm_create_unborn(&b.child);
		if (err)
			vm_create_cancel(&b.child);
		else
			err = vm_create_end(&b.child, &b.cc);
		if (!err && ask(&b)) {
			err = -1;
			close_request(&b);
			abandon(&b.child);
		}
		if (!err) {
			vm_create_born(&b.child);
			layers_collect(parent, &b.pc);
		}
		vm_close(&b.child);
	}
	finish(&b);
	return err ? VMCTL_FAILED : VMCTL_OK;
}

static int fork_all(struct vm *parent, const char *name)
{
	char numbered[80];
	uint64_t i;

	if (!counted)
		return fork_one(parent, name, 1);
	for (i = 1; i <= count; i++) {
		snprintf(numbered, sizeof(numbered), "%s-%llu", name, (unsigned long long)i);
		if (fork_one(parent, numbered, i))
			return VMCTL_FAILED;
	}
	return VMCTL_OK;
}

/**
 * vmctl_fork() - the verb
 * @argc: of the verb
 * @argv: of the verb
 *
 * Return: the exit status.
 */
int vmctl_fork(int argc, char **argv)
{
	struct vmctl_args a = vmctl_fork_args;
	struct store s;
	struct vm vm;
	int status = VMCTL_FAILED;

	if (vmctl_parse(&a, argc, argv))
		return VMCTL_USAGE;
	if (!config_name_ok(a.names[1]))
		return vmctl_usage(a.names[1], "is no name for a VM");
	if (store_open(&s, a.store))
		return VMCTL_FAILED;
	if (!vm_open_locked(&vm, &s, a.names[0])) {
		status = fork_all(&vm, a.names[1]);
		vm_close(&vm);
	}
	store_close(&s);
	return status;
}
