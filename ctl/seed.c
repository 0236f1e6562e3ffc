// SPDX-License-Identifier: GPL-2.0-only
/*
 * seed.c - cloud-init's NoCloud seed: an ISO image labelled cidata with meta-data and user-data.
 *
 * meta-data is JSON, which is YAML too, so nothing that the user gives can end a string early. SSH keys go
 * there, so that user-data stays exactly the user's.
 * Source: cloud-init, "NoCloud".
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "compiler.h"
#include "iso.h"
#include "seed.h"

#define USER_DATA_MAX	(1 << 20)
#define KEYS_MAX	65536

static const char no_user_data[] = "#cloud-config\n{}\n";

/* Each line that is neither empty nor a comment. */
static json_t *keys_of(char *text)
{
	json_t *keys = json_array();
	char *line;

	while ((line = strsep(&text, "\n"))) {
		line[strcspn(line, "\r")] = 0;
		if (*line && *line != '#')
			json_array_append_new(keys, json_string(line));
	}
	return keys;
}

static int add_keys(json_t *meta, const char *file)
{
	json_t *keys;
	char *text;
	size_t n;

	text = file_read(AT_FDCWD, file, KEYS_MAX, &n);
	if (!text)
		return vmctl_errno(file, "name a file with public keys");
	if (strstr(text, "PRIVATE KEY")) {
		free(text);
		return vmctl_error(file, "is a private key", "name the public one, FILE.pub");
	}
	keys = keys_of(text);
	free(text);
	if (!json_array_size(keys)) {
		json_decref(keys);
		return vmctl_error(file, "has no key", "name a file with public keys");
	}
	json_object_set_new(meta, "public-keys", keys);
	return VMCTL_OK;
}

/* The text of meta-data, to be freed, or NULL with the error told. */
static char *meta_data(const struct seed *s)
{
	json_t *meta = json_pack("{s:s, s:s}", "instance-id", s->instance,
				 "local-hostname", s->hostname);
	char *text = NULL;

	if (!s->key_file || !add_keys(meta, s->key_file)) {
		text = json_dumps(meta, JSON_INDENT(1));
		if (!text)
			vmctl_errno("meta-data", "free some memory");
	}
	json_decref(meta);
	return text;
}

static int write_image(int folder, const char *meta, const char *user, size_t user_n)
{
	struct iso_file files[] = {
		{ "meta-data", "METADATA", meta, strlen(meta) },
		{ "user-data", "USERDATA", user, user_n },
	};
	uint8_t *image;
	size_t size;
	int err;

	image = iso_build("cidata", files, ARRAY_SIZE(files), &size);
	err = !image || file_write(folder, SEED_FILE, (char *)image, size);
	free(image);
	return err ? vmctl_errno(SEED_FILE, "check that the store has room") : VMCTL_OK;
}

/**
 * seed_write() - make the seed in a VM's folder
 * @folder: of the VM, which is locked
 * @s: what it says
 *
 * Return: VMCTL_OK, or VMCTL_FAILED with the error told.
 */
int seed_write(int folder, const struct seed *s)
{
	size_t n = sizeof(no_user_data) - 1;
	char *meta, *user = NULL;
	int status = VMCTL_FAILED;

	meta = meta_data(s);
	if (!meta)
		return VMCTL_FAILED;
	if (s->user_data)
		user = file_read(AT_FDCWD, s->user_data, USER_DATA_MAX, &n);
	if (s->user_data && !user)
		vmctl_errno(s->user_data, "name a file that can be read, up to 1 MiB");
	else
		status = write_image(folder, meta, user ? user : no_user_data, n);
	free(user);
	free(meta);
	return status;
}
