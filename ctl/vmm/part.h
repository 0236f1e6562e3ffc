/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * part.h - the parts of a machine, and what each tells of itself so that the machine can be quiesced, saved,
 * loaded and forked without knowing any of them.
 *
 * Order: create() of the part registers it. A snapshot quiesces all parts with the CPUs parked, calls save() of each
 * and writes the fields of *state. A restore builds the machine anew, fills *state from the file, calls load(). A
 * fork quiesces, fork(2)s, and calls forked() in the child, where memory is as in the parent, but threads, eventfds,
 * timers and everything of the hypervisor's are gone or shared and have to be made again; then resume() in both. A
 * machine that starts again calls reset().
 *
 * All of it runs in the main thread.
 */
#ifndef VMM_PART_H
#define VMM_PART_H

#include <stddef.h>
#include <stdint.h>

struct vmm;

/**
 * struct vmm_field - one piece of a part's state, little-endian in a snapshot
 * @name: key in the snapshot, unique in its part and never given another meaning
 * @offset: in the part's state
 * @size: bytes of an element: 1, 2, 4 or 8; 1 for byte strings
 * @count: elements
 */
struct vmm_field {
	const char *name;
	uint32_t offset, size, count;
};

/* A number, an array of numbers, in a struct. */
#define VMM_FIELD(type, member)	\
	{ #member, offsetof(type, member), sizeof(((type *)0)->member), 1 }
#define VMM_FIELD_ARRAY(type, member)	\
	{ #member, offsetof(type, member), sizeof(((type *)0)->member[0]), \
	  sizeof(((type *)0)->member) / sizeof(((type *)0)->member[0]) }

/**
 * struct vmm_part - a device, or anything else with state, in a machine
 * @name: unique in the machine: "serial", "virtio-blk0"; the same in the machine that is restored
 * @version: of its fields; a snapshot with another one is refused
 * @fields: what is saved
 * @nfields: how many
 * @state: the struct that the fields lie in
 * @opaque: argument of the functions, each of which may be NULL
 * @quiesce: CPUs are parked; returns when no request is in flight and no thread of the part touches guest memory
 * @resume: the opposite of @quiesce
 * @save: bring *@state up to date
 * @load: *@state came from a snapshot, whole but not to be trusted: check it, make it live. 0, or -1 with the error
 *        printed
 * @reset: as at power-on; the CPUs' threads are gone, the VM is still there and goes next
 * @forked: in the child of a fork: make kernel objects and threads again. 0, or -1 with the error printed
 * @next: the list's
 */
struct vmm_part {
	const char *name;
	uint32_t version;
	const struct vmm_field *fields;
	uint32_t nfields;
	void *state;
	void *opaque;
	void (*quiesce)(void *opaque);
	void (*resume)(void *opaque);
	void (*save)(void *opaque);
	int (*load)(void *opaque);
	void (*reset)(void *opaque);
	int (*forked)(void *opaque);
	struct vmm_part *next;
};

/* part.c */
void vmm_part_add(struct vmm *m, struct vmm_part *p);
void vmm_parts_quiesce(struct vmm *m);
void vmm_parts_resume(struct vmm *m);

#endif /* VMM_PART_H */
