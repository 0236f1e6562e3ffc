// SPDX-License-Identifier: GPL-2.0-only
/*
 * set.c - vmctl set: change keys of a VM's configuration; what can change in a VM that runs does.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "compiler.h"
#include "vmm/cdrom.h"

#define KEY_CDROM	0x100

static const char *cdrom;

static const struct argp_option options[] = {
	{ "cdrom", KEY_CDROM, "FILE", 0, "Put this ISO image into the CD drive, or take out what is in it: none", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	(void)state;
	if (key != KEY_CDROM)
		return ARGP_ERR_UNKNOWN;
	cdrom = arg;
	return 0;
}

static const struct argp argp = {
	.options = options, .parser = parse, .args_doc = "NAME [KEY=VALUE...]",
	.doc = "Changes the configuration; KEY= takes a key out. A running VM follows at once in cpu-weight, "
	       "cpu-cap, cpu-pin, memory-limit, balloon, the memory that its guest shall do without, and cdrom, if it has "
	       "a drive; the other keys count from its next start, and the command says so. Disks and networks are edited in the file.\v"
	       "Examples:\n"
	       "  vmctl set web memory=2G cpus=4\n"
	       "  vmctl set web cpu-cap=150\n"
	       "  vmctl set web cpu-pin=\n"
	       "  vmctl set web balloon=512M\n"
	       "  vmctl set web --cdrom debian-12.iso\n"
	       "  vmctl set web --cdrom none",
};

const struct vmctl_args vmctl_set_args = { .argp = &argp, .min = 1 };

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

/* The image that the words put into the drive: 0 if there is none, and its descriptor in *@fd, or -1. */
static int open_cdrom(const struct config *c, char **words, unsigned int n, int *fd)
{
	uint32_t blocks;
	unsigned int i;

	*fd = -1;
	for (i = 0; i < n && strcmp(words[i], "cdrom"); i++)
		;
	if (i == n || !cdrom_is_image(c->cdrom))
		return 0;
	*fd = cdrom_open(c->cdrom, CDROM_REMEDY, &blocks);
	return *fd < 0 ? -1 : 0;
}

/* A VM that was started without a drive has none. */
static bool has_drive(struct vm *vm)
{
	json_t *answer = client_query(vm, json_pack("{s:s}", "do", "cdrom"), 1);
	bool has = answer;

	json_decref(answer);
	return has;
}

/* Keys that wait for the next start, and those that need not. */
static int apply(struct vm *vm, const struct config *c, char **words, unsigned int n, int cd)
{
	struct vm_status status;
	bool limits = false, balloon = false, medium = false;
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
		else if (!strcmp(words[i], "cdrom") && c->cdrom && has_drive(vm))
			medium = true;
		else
			fprintf(stderr, "vmctl set: %s: %s: counts from the VM's next start\n",
				vm->name, words[i]);
	}
	if (limits)
		ret = start_limit(vm, c, status.pid);
	if (!ret && balloon)
		ret = client_ask(vm, json_pack("{s:s, s:I}", "do", "balloon", "size",
					       (json_int_t)c->balloon), NULL);
	if (!ret && medium)
		ret = client_ask_with(vm, json_pack("{s:s, s:b}", "do", "cdrom", "change", 1), &cd, cd >= 0, NULL);
	return ret;
}

static int change(struct vm *vm, char **words, unsigned int n)
{
	char *text = vm_config_text(vm);
	struct config c;
	int status, cd = -1;

	if (!text)
		return VMCTL_FAILED;
	text = edit(text, words, n);
	if (!text)
		return vmctl_errno(vm->name, "free some memory");
	config_init(&c);
	status = check_text(vm, text, &c);
	/* What the host refuses now would keep the VM from its next start. */
	if (!status)
		status = open_cdrom(&c, words, n, &cd) ? VMCTL_FAILED : apply(vm, &c, words, n, cd);
	if (!status && file_write(vm->fd, "config", text, strlen(text)))
		status = vmctl_errno(vm->name, "check that the store has room");
	if (cd >= 0)
		close(cd);
	config_fini(&c);
	free(text);
	return status;
}

/* The arguments behind the name, and what the option says, in the same form; NULL with the error told. */
static char **words_of(const struct vmctl_args *a, unsigned int *n)
{
	char **words = calloc(a->n, sizeof(*words)), *path = NULL;

	*n = a->n - 1;
	if (words)
		memcpy(words, a->names + 1, *n * sizeof(*words));
	if (cdrom)
		path = cdrom_is_image(cdrom) ? text_absolute(cdrom) : strdup(cdrom);
	if (!words || (cdrom && (!path || asprintf(&words[(*n)++], "cdrom=%s", path) < 0))) {
		vmctl_errno(a->names[0], "free some memory");
		return NULL;
	}
	free(path);
	return words;
}

int vmctl_set(int argc, char **argv)
{
	struct vmctl_args a = vmctl_set_args;
	struct store s;
	struct vm vm;
	char **words;
	unsigned int n;
	int status;

	if (vmctl_parse(&a, argc, argv))
		return VMCTL_USAGE;
	words = words_of(&a, &n);
	if (!words)
		return VMCTL_FAILED;
	if (!n)
		return vmctl_usage("KEY=VALUE", "missing");
	if (check_words(words, n))
		return VMCTL_USAGE;
	if (store_open(&s, a.store))
		return VMCTL_FAILED;
	status = vm_open_locked(&vm, &s, a.names[0]) ? VMCTL_FAILED : change(&vm, words, n);
	vm_close(&vm);
	store_close(&s);
	return status;
}
