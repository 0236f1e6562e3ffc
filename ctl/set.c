// SPDX-License-Identifier: GPL-2.0-only
/*
 * set.c - vmctl set: change keys of a VM's configuration; what can change in a VM that runs does.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "compiler.h"

static const struct argp argp = {
	.args_doc = "NAME KEY=VALUE...",
	.doc = "Changes the configuration; KEY= takes a key out. A running VM follows at once in cpu-weight, "
	       "cpu-cap, cpu-pin, memory-limit and balloon, the memory that its guest shall do without; the other keys count from its next start, and "
	       "the command says so. Disks and networks are edited in the file.\v"
	       "Examples:\n"
	       "  vmctl set web memory=2G cpus=4\n"
	       "  vmctl set web cpu-cap=150\n"
	       "  vmctl set web cpu-pin=\n"
	       "  vmctl set web balloon=512M",
};

const struct vmctl_args vmctl_set_args = { .argp = &argp, .min = 2 };

static const char *const limit_keys[] = { "cpu-weight", "cpu-cap", "cpu-pin", "memory-limit" };

static bool is_limit(const char *key)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(limit_keys); i++)
		if (!strcmp(limit_keys[i], key))
			return true;
	return false;
}

static bool is_key(const char *key)
{
	const char *name;
	unsigned int i;

	for (i = 0; (name = config_key(i)); i++)
		if (!strcmp(name, key))
			return true;
	return false;
}

/* Apply the changes to the text, one after the other; `words` lose their '='. */
static char *edit(char *text, char **words, unsigned int n)
{
	char *equals, *next;
	unsigned int i;

	for (i = 0; i < n; i++) {
		equals = strchr(words[i], '=');
		*equals = 0;
		next = config_edit(text, words[i], equals[1] ? equals + 1 : NULL);
		free(text);
		text = next;
		if (!text)
			break;
	}
	return text;
}

static int check_words(char **words, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		char *equals = strchr(words[i], '=');
		bool known;

		if (!equals)
			return vmctl_usage(words[i], "KEY=VALUE is wanted");
		if (strchr(equals, '\n'))
			return vmctl_usage(words[i], "has a line break");
		*equals = 0;
		known = is_key(words[i]);
		if (!known)
			return vmctl_usage(words[i], "there is no such key");
		*equals = '=';
	}
	return VMCTL_OK;
}

static int check_text(const struct vm *vm, const char *text, struct config *c)
{
	struct config_error e = { 0 };

	if (!config_parse(c, text, strlen(text), &e))
		return VMCTL_OK;
	return vmctl_error(vm->name, e.what, "give another value");
}

/* Keys that wait for the next start, and those that need not. */
static int apply(struct vm *vm, const struct config *c, char **words, unsigned int n)
{
	struct vm_status status;
	bool limits = false, balloon = false;
	unsigned int i;
	int ret = VMCTL_OK;

	if (run_status(vm->fd, &status))
		return vmctl_errno(vm->name, "check that the VM is yours");
	if (!status.pid)
		return VMCTL_OK;
	for (i = 0; i < n; i++) {
		if (is_limit(words[i]))
			limits = true;
		else if (!strcmp(words[i], "balloon"))
			balloon = true;
		else
			fprintf(stderr, "vmctl set: %s: %s: counts from the VM's next start\n",
				vm->name, words[i]);
	}
	if (limits)
		ret = start_limit(vm, c, status.pid);
	if (!ret && balloon)
		ret = client_ask(vm, json_pack("{s:s, s:I}", "do", "balloon", "size",
					       (json_int_t)c->balloon), NULL);
	return ret;
}

static int change(struct vm *vm, char **words, unsigned int n)
{
	char *text = vm_config_text(vm);
	struct config c;
	int status;

	if (!text)
		return VMCTL_FAILED;
	text = edit(text, words, n);
	if (!text)
		return vmctl_errno(vm->name, "free some memory");
	config_init(&c);
	status = check_text(vm, text, &c);
	/* What the host refuses now would keep the VM from its next start. */
	if (!status)
		status = apply(vm, &c, words, n);
	if (!status && file_write(vm->fd, "config", text, strlen(text)))
		status = vmctl_errno(vm->name, "check that the store has room");
	config_fini(&c);
	free(text);
	return status;
}

int vmctl_set(int argc, char **argv)
{
	struct vmctl_args a = vmctl_set_args;
	struct store s;
	struct vm vm;
	int status;

	if (vmctl_parse(&a, argc, argv) || check_words(a.names + 1, a.n - 1))
		return VMCTL_USAGE;
	if (store_open(&s, a.store))
		return VMCTL_FAILED;
	status = vm_open_locked(&vm, &s, a.names[0]) ? VMCTL_FAILED :
						       change(&vm, a.names + 1, a.n - 1);
	vm_close(&vm);
	store_close(&s);
	return status;
}
