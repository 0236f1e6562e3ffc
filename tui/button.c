// SPDX-License-Identifier: GPL-2.0-only
/*
 * button.c - press the power button of a VM that vmctl started, by the socket that ctl/vmm/control.c describes.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "button.h"
#include "telemetry/socket.h"

#define TIMEOUT_S	1

/* VM processes are in their folder, or, forked, in that of the VM they were forked from: the folder beside is theirs. */
static int connect_to(const struct tel_vm *vm)
{
	char path[128];

	if (strchr(vm->name, '/'))
		return -1;
	snprintf(path, sizeof(path), "/proc/%d/cwd/../%s/control", vm->pid, vm->name);
	return socket_connect(path, TIMEOUT_S);
}

/* The answer's object, or NULL. */
static json_t *ask(int fd, const char *command)
{
	json_t *o = socket_ask(fd, json_pack("{s:s}", "do", command), NULL, 0);

	if (json_is_true(json_object_get(o, "ok")))
		return o;
	json_decref(o);
	return NULL;
}

/* Another VM may have the same name: the one that answers has to be this one's process. */
static bool is_of(int fd, pid_t pid)
{
	json_t *info = ask(fd, "info");
	bool is = info && json_integer_value(json_object_get(info, "pid")) == pid;

	json_decref(info);
	return is;
}

/**
 * button_press() - press a VM's power button
 * @vm: the VM
 * @error: filled with what went wrong
 * @room: bytes in @error
 *
 * Waits for some seconds at most. Return: 0, or -1.
 */
int button_press(const struct tel_vm *vm, char *error, size_t room)
{
	int fd = connect_to(vm);
	json_t *done = NULL;

	if (fd >= 0 && is_of(fd, vm->pid))
		done = ask(fd, "power-button");
	else
		snprintf(error, room, "%.64s is no VM of vmctl's: vmtop knows no power button of it", vm->name);
	if (fd >= 0 && !done)
		snprintf(error, room, "%.64s: its process does not answer", vm->name);
	if (fd >= 0)
		close(fd);
	json_decref(done);
	return done ? 0 : -1;
}
