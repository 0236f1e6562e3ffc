// SPDX-License-Identifier: GPL-2.0-only
/*
 * fw_cfg.c - the firmware configuration device: numbered items of bytes, some of them files with a name, which the
 * guest selects at one port and reads at the next. Nothing can be written, and there is no DMA: what firmware reads
 * is a kilobyte.
 *
 * Source: QEMU docs/specs/fw_cfg "Hardware Interface", "Firmware Configuration Items".
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "firmware.h"
#include "part.h"
#include "vmm.h"

#define PORT_SELECT	0x510
#define PORT_DATA	0x511

#define KEY_SIGNATURE	0x00
#define KEY_ID		0x01
#define KEY_FILES	0x19
#define KEY_FIRST_FILE	0x20
#define KEY_WRITE	0x4000	/* an old mode, which selects the same item */

#define ID_TRADITIONAL	0x01	/* selected and read by ports */

#define ITEMS		20
#define FILES		12

struct item {
	uint16_t key;
	size_t size;
	uint8_t *data;
};

/* An entry of the directory, all big-endian. */
struct file {
	uint32_t size;
	uint16_t key, reserved;
	char name[56];
};

struct directory {
	uint32_t count;
	struct file file[FILES];
};

_Static_assert(sizeof(struct directory) == 4 + 64 * FILES, "the directory is laid out as in the specification");

struct vmm_fw_cfg {
	pthread_mutex_t lock;
	struct item item[ITEMS];
	unsigned int nitems, nfiles;
	struct directory directory;
	uint16_t key;		/* selected */
	uint32_t offset;	/* next byte of it */
	struct vmm_part part;
};

static const struct item *find(const struct vmm_fw_cfg *f, uint16_t key)
{
	unsigned int i;

	for (i = 0; i < f->nitems; i++)
		if (f->item[i].key == key)
			return &f->item[i];
	return NULL;
}

/* Items that are not there, and what lies behind the end of one, read as zeros. */
static uint8_t next_byte(struct vmm_fw_cfg *f)
{
	const uint8_t *data = (const uint8_t *)&f->directory;
	size_t size = sizeof(f->directory);
	const struct item *i;

	if (f->key != KEY_FILES) {
		i = find(f, f->key);
		if (!i)
			return 0;
		data = i->data;
		size = i->size;
	}
	return f->offset < size ? data[f->offset++] : 0;
}

static uint32_t fw_cfg_in(void *opaque, uint16_t port, unsigned int size)
{
	struct vmm_fw_cfg *f = opaque;
	uint32_t val = 0;

	if (port != PORT_DATA || size != 1)
		return 0;
	pthread_mutex_lock(&f->lock);
	val = next_byte(f);
	pthread_mutex_unlock(&f->lock);
	return val;
}

static void fw_cfg_out(void *opaque, uint16_t port, unsigned int size, uint32_t val)
{
	struct vmm_fw_cfg *f = opaque;

	if (port != PORT_SELECT || size != 2)
		return;
	pthread_mutex_lock(&f->lock);
	f->key = val & ~KEY_WRITE;
	f->offset = 0;
	pthread_mutex_unlock(&f->lock);
}

/**
 * fw_cfg_add() - add an item; before the CPUs start
 * @m: the machine
 * @key: its number, new
 * @data: copied
 * @size: bytes
 *
 * Return: 0, or -1 with the error printed.
 */
int fw_cfg_add(struct vmm *m, uint16_t key, const void *data, size_t size)
{
	struct vmm_fw_cfg *f = m->fw_cfg;
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy || f->nitems == ITEMS) {
		vmm_error("firmware configuration", strerror(ENOMEM), "free some memory");
		free(copy);
		return -1;
	}
	memcpy(copy, data, size);
	f->item[f->nitems++] = (struct item){ key, size, copy };
	return 0;
}

/**
 * fw_cfg_add_file() - add an item with a name; before the CPUs start
 * @m: the machine
 * @name: at most 55 characters
 * @data: copied
 * @size: bytes
 *
 * Return: 0, or -1 with the error printed.
 */
int fw_cfg_add_file(struct vmm *m, const char *name, const void *data, size_t size)
{
	struct vmm_fw_cfg *f = m->fw_cfg;
	struct file *e = &f->directory.file[f->nfiles];
	uint16_t key = KEY_FIRST_FILE + f->nfiles;

	if (f->nfiles == FILES || strlen(name) >= sizeof(e->name)) {
		vmm_error(name, "does not fit into the firmware's directory", "report this");
		return -1;
	}
	if (fw_cfg_add(m, key, data, size))
		return -1;
	e->size = htobe32(size);
	e->key = htobe16(key);
	strcpy(e->name, name);
	f->directory.count = htobe32(++f->nfiles);
	return 0;
}

static const struct vmm_field fields[] = {
	VMM_FIELD(struct vmm_fw_cfg, key),
	VMM_FIELD(struct vmm_fw_cfg, offset),
};

static void reset(void *opaque)
{
	struct vmm_fw_cfg *f = opaque;

	f->key = 0;
	f->offset = 0;
}

/**
 * fw_cfg_create() - add the device, with its signature and nothing else
 * @m: the machine
 *
 * Return: 0, or -1 with the error printed.
 */
int fw_cfg_create(struct vmm *m)
{
	static const uint32_t id = ID_TRADITIONAL;
	struct vmm_fw_cfg *f = calloc(1, sizeof(*f));

	if (!f) {
		vmm_error("firmware configuration", strerror(errno), "free some memory");
		return -1;
	}
	pthread_mutex_init(&f->lock, NULL);
	f->part = (struct vmm_part){ .name = "fw_cfg", .version = 1, .fields = fields,
				     .nfields = sizeof(fields) / sizeof(fields[0]), .state = f,
				     .opaque = f, .reset = reset };
	m->fw_cfg = f;
	vmm_part_add(m, &f->part);
	vmm_bus_add(m, PORT_SELECT, 2, f, fw_cfg_in, fw_cfg_out);
	return fw_cfg_add(m, KEY_SIGNATURE, "QEMU", 4) || fw_cfg_add(m, KEY_ID, &id, sizeof(id)) ? -1 : 0;
}

/**
 * fw_cfg_destroy() - free it
 * @m: the machine, its CPUs are gone
 */
void fw_cfg_destroy(struct vmm *m)
{
	struct vmm_fw_cfg *f = m->fw_cfg;
	unsigned int i;

	if (!f)
		return;
	for (i = 0; i < f->nitems; i++)
		free(f->item[i].data);
	pthread_mutex_destroy(&f->lock);
	free(f);
	m->fw_cfg = NULL;
}
