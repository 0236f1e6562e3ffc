// SPDX-License-Identifier: GPL-2.0-only
/*
 * info.c - vmctl info: one VM: what it is, how it is, what it takes of the host.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client.h"
#include "compiler.h"

#define GUEST_TRIES	100	/* of 10 ms */

static const struct argp argp = {
	.args_doc = "NAME",
	.doc = "Shows a VM: its configuration, its state, and its memory. As the guest tells: balloon is what it gave up, "
	       "used what it could not give up, free what it has no use for. Of the host's: resident "
	       "is in memory now, shared is what other processes have too, as after a fork.\v"
	       "Examples:\n"
	       "  vmctl info web\n"
	       "  vmctl info --format json web",
};

const struct vmctl_args vmctl_info_args = { .argp = &argp, .reads = true, .min = 1, .max = 1 };

static const struct output_column members[] = {
	{ "name", "Name", OUTPUT_TEXT },
	{ "state", "State", OUTPUT_TEXT },
	{ "reason", "Reason", OUTPUT_TEXT },
	{ "since", "Since", OUTPUT_TIME },
	{ "pid", "Process", OUTPUT_TEXT },
	{ "uuid", "UUID", OUTPUT_TEXT },
	{ "cpus", "CPUs", OUTPUT_TEXT },
	{ "memory", "Memory", OUTPUT_SIZE },
	{ "balloon", "  balloon", OUTPUT_SIZE },
	{ "used", "  used", OUTPUT_SIZE },
	{ "free", "  free", OUTPUT_SIZE },
	{ "resident", "  resident", OUTPUT_SIZE },
	{ "shared", "  shared", OUTPUT_SIZE },
	{ "kernel", "Kernel", OUTPUT_TEXT },
	{ "initrd", "Initrd", OUTPUT_TEXT },
	{ "firmware", "Firmware", OUTPUT_TEXT },
	{ "append", "Command line", OUTPUT_TEXT },
	{ "boot", "Boots first", OUTPUT_TEXT },
	{ "cdrom", "CD drive", OUTPUT_TEXT },
	{ "medium", "  medium", OUTPUT_TEXT },
	{ "device", "Device", OUTPUT_TEXT },
	{ "folder", "Folder", OUTPUT_TEXT },
};

static void add_text(json_t *o, const char *key, const char *value)
{
	if (value)
		json_object_set_new(o, key, json_string(value));
}

static void add_config(json_t *o, const struct config *c)
{
	json_t *disks = json_array(), *nets = json_array();
	unsigned int i;

	add_text(o, "uuid", c->uuid);
	json_object_set_new(o, "cpus", json_integer(c->cpus));
	json_object_set_new(o, "memory", json_integer(c->memory));
	add_text(o, "kernel", c->kernel);
	add_text(o, "initrd", c->initrd);
	add_text(o, "firmware", c->firmware);
	add_text(o, "append", c->append);
	add_text(o, "boot", c->boot);
	add_text(o, "cdrom", c->cdrom);
	add_text(o, "device", c->device);
	for (i = 0; i < c->ndisks; i++)
		json_array_append_new(disks, json_pack("{s:s, s:s*, s:b}", "file", c->disks[i].file,
						       "format", c->disks[i].format,
						       "readonly", c->disks[i].readonly));
	for (i = 0; i < c->nnets; i++)
		json_array_append_new(nets, json_pack("{s:s, s:s*}", "network", c->nets[i].network,
						      "mac", c->nets[i].mac));
	json_object_set_new(o, "disks", disks);
	json_object_set_new(o, "nets", nets);
}

/* The sum of the lines of smaps_rollup that begin with `key`, in bytes. */
static json_int_t rollup(const char *text, const char *key)
{
	json_int_t sum = 0;
	const char *line;

	for (line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, key, strlen(key)))
			sum += strtoll(strchrnul(line, ':') + 1, NULL, 10) * 1024;
	}
	return sum;
}

static void add_memory(json_t *o, pid_t pid)
{
	char path[64], *text;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
	text = file_read(AT_FDCWD, path, 65536, &n);
	if (!text)
		return;
	json_object_set_new(o, "resident", json_integer(rollup(text, "Rss:")));
	json_object_set_new(o, "shared", json_integer(rollup(text, "Shared_")));
	free(text);
}

/*
 * The guest is asked for news and has a moment for them; one that says nothing, as it has no driver or no time, is no
 * fault.
 */
static json_t *ask_guest(struct vm *vm)
{
	struct timespec pause = { .tv_nsec = 10000000 };
	json_int_t before, round;
	unsigned int i;
	json_t *a;

	a = client_query(vm, json_pack("{s:s, s:b}", "do", "memory", "again", 1), 1);
	before = json_integer_value(json_object_get(a, "round"));
	for (i = 0; before && i < GUEST_TRIES; i++) {
		json_decref(a);
		nanosleep(&pause, NULL);
		a = client_query(vm, json_pack("{s:s}", "do", "memory"), 1);
		round = json_integer_value(json_object_get(a, "round"));
		if (round != before)
			break;
	}
	return a;
}

static void add_guest(json_t *o, struct vm *vm)
{
	json_t *a = ask_guest(vm), *total = json_object_get(a, "total"), *available = json_object_get(a, "available");

	json_object_set(o, "balloon", json_object_get(a, "balloon"));
	json_object_set(o, "free", json_object_get(a, "free"));
	if (total && available)
		json_object_set_new(o, "used", json_integer(json_integer_value(total) -
							    json_integer_value(available)));
	json_decref(a);
}

/* The guest may have ejected what the configuration names. */
static void add_medium(json_t *o, struct vm *vm)
{
	json_t *a = client_query(vm, json_pack("{s:s}", "do", "cdrom"), 1);

	if (json_is_true(json_object_get(a, "locked")))
		add_text(o, "medium", "in the drive, locked by the guest");
	else if (a)
		add_text(o, "medium", json_is_true(json_object_get(a, "medium")) ? "in the drive" : "none");
	json_decref(a);
}

static json_t *object_of(struct vm *vm, const struct vm_status *status, const struct config *c)
{
	json_t *o = json_pack("{s:s, s:s, s:s++}", "name", vm->name, "state",
			      vm_state_name(status->state), "folder", vm->store->path, "/", vm->name);

	if (status->reason[0])
		add_text(o, "reason", status->reason);
	if (status->since)
		json_object_set_new(o, "since", json_integer(status->since));
	if (status->pid) {
		json_object_set_new(o, "pid", json_integer(status->pid));
		add_memory(o, status->pid);
		if (status->state == VM_RUNNING)
			add_guest(o, vm);
		if (c->cdrom)
			add_medium(o, vm);
	}
	add_config(o, c);
	return o;
}

static void print_devices(const json_t *o)
{
	const json_t *item;
	const char *text, *more;
	size_t i;

	json_array_foreach(json_object_get(o, "disks"), i, item) {
		text = json_string_value(json_object_get(item, "file"));
		printf("%-16s %s%s\n", "Disk", text,
		       json_is_true(json_object_get(item, "readonly")) ? " (read-only)" : "");
	}
	json_array_foreach(json_object_get(o, "nets"), i, item) {
		text = json_string_value(json_object_get(item, "network"));
		more = json_string_value(json_object_get(item, "mac"));
		printf("%-16s %s %s\n", "Network", text, more ? more : "");
	}
}

static int work(struct vm *vm, void *arg)
{
	const struct vmctl_args *a = arg;
	struct vm_status status;
	struct config c;
	int ret = VMCTL_FAILED;
	json_t *o;

	if (run_status(vm->fd, &status))
		return vmctl_errno(vm->name, "check that the VM is yours");
	if (!vm_config(vm, &c)) {
		o = object_of(vm, &status, &c);
		json_incref(o);
		ret = output_object(a->format, members, ARRAY_SIZE(members), o);
		if (a->format == VMCTL_TABLE)
			print_devices(o);
		json_decref(o);
	}
	config_fini(&c);
	return ret;
}

int vmctl_info(int argc, char **argv)
{
	struct vmctl_args a = vmctl_info_args;

	if (vmctl_parse(&a, argc, argv))
		return VMCTL_USAGE;
	return each_vm(&a, false, work, &a);
}
