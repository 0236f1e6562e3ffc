// SPDX-License-Identifier: GPL-2.0-only
/*
 * button.c - press a button of a VM that vmctl started, by the socket that ctl/vmm/control.c describes.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "button.h"
#include "telemetry/figures.h"
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

/* Another VM may have the same name: the one that answers has to be this one's process. */
static bool is_of(int fd, pid_t pid)
{
	json_t *info = socket_query(fd, json_pack("{s:s}", "do", "info"));
	bool is = info && json_integer_value(json_object_get(info, "pid")) == pid;

	json_decref(info);
	return is;
}

/**
 * button_press() - have a VM's process do what its power button does, or let go of its vCPUs
 * @vm: the VM
 * @request: BUTTON_POWER or BUTTON_RESUME
 * @error: filled with what went wrong
 * @room: bytes in @error
 *
 * Waits for some seconds at most. Return: 0, or -1.
 */
int button_press(const struct tel_vm *vm, const char *request, char *error, size_t room)
{
	const char *what = "its process does not answer";
	int fd = connect_to(vm), ok = 0;
	json_t *answer = NULL;

	if (fd >= 0 && is_of(fd, vm->pid)) {
		answer = socket_ask(fd, json_pack("{s:s}", "do", request), NULL, 0);
		ok = json_is_true(json_object_get(answer, "ok"));
		json_unpack(answer, "{s:s}", "what", &what);
		if (!ok) {
			snprintf(error, room, "%.64s: %.80s", vm->name, what);
			figure_clean(error);
		}
	} else {
		snprintf(error, room, "%.64s is no VM of vmctl's: vmtop has no way to its process", vm->name);
	}
	if (fd >= 0)
		close(fd);
	json_decref(answer);
	return ok ? 0 : -1;
}
