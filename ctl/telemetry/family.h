/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * family.h - the generic netlink family `vitrine`: requests, dumps, events. What messages mean is in
 * include/uapi/vitrine.h.
 *
 * Functions return 0 or -errno unless they say otherwise.
 */
#ifndef TELEMETRY_FAMILY_H
#define TELEMETRY_FAMILY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAMILY_ATTRIBUTES	64	/* more than any set has */

struct nlattr;

/**
 * struct family_message - a message that came, or a nest in one; for as long as the callback runs
 * @command: VITRINE_CMD_, 0 in a nest
 * @at: its attributes by number, the last of each
 * @head: the first one
 * @length: bytes of all
 */
struct family_message {
	int command;
	struct nlattr *at[FAMILY_ATTRIBUTES];
	struct nlattr *head;
	int length;
};

/**
 * struct family_argument - an attribute of a request
 * @type: VITRINE_A_
 * @value: of the attribute
 * @wide: it is a u64, else a u32
 */
struct family_argument {
	int type;
	uint64_t value;
	bool wide;
};

/* What is called for each message. */
typedef void family_take(const struct family_message *m, void *arg);

/**
 * struct family_trouble - why there is no connection, as errors are told
 * @what: went wrong
 * @remedy: what to do
 */
struct family_trouble {
	const char *what, *remedy;
};

/**
 * struct family - a connection to the module
 */
struct family;

struct family *family_open(struct family_trouble *t);
void family_close(struct family *f);
int family_do(struct family *f, int command, const struct family_argument *args, unsigned int n,
	      family_take *take, void *arg);
int family_dump(struct family *f, int command, const struct family_argument *args, unsigned int n,
		family_take *take, void *arg);
int family_watch(struct family *f);
int family_events(struct family *f, family_take *take, void *arg);
int family_descriptor(const struct family *f);

bool family_has(const struct family_message *m, int type);
uint32_t family_u32(const struct family_message *m, int type);
uint64_t family_u64(const struct family_message *m, int type);
void family_text(const struct family_message *m, int type, char *s, size_t room);
const void *family_bytes(const struct family_message *m, int type, size_t *n);
void family_nests(const struct family_message *m, int type, family_take *take, void *arg);

#endif /* TELEMETRY_FAMILY_H */
