/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * telemetry.h: what the telemetry tests share: a generic netlink client of plain system calls, so that the
 * protocol itself is what is tested.
 */
#ifndef TELEMETRY_H
#define TELEMETRY_H

#include "abi.h"
#include <vitrine.h>
#include <linux/netlink.h>
#include <sys/types.h>

/**
 * struct genl - a socket
 * @fd: bound
 * @family: number of the family `vitrine`
 * @group: number of its group `events`
 * @seq: of the last request
 */
struct genl {
	int fd;
	uint16_t family;
	uint32_t group;
	uint32_t seq;
};

/**
 * struct message - one message that was received
 * @next: the one after it
 * @cmd: its command
 * @size: bytes of @data
 * @data: its attributes
 */
struct message {
	struct message *next;
	uint8_t cmd;
	uint32_t size;
	uint8_t data[] __attribute__((aligned(4)));
};

/* A request's attributes: { type, value } pairs of u32, ended by type 0. */
struct arg {
	uint16_t type;
	uint32_t value;
};

#define ARGS(...) ((const struct arg[]){ __VA_ARGS__ __VA_OPT__(,) { 0, 0 } })

/**
 * struct stress - readers and machines that are killed at random moments, in processes of their own
 * @kills: so many so far
 * @stop: they shall end
 * @failed: one of them ended by itself
 * @pid: who kills them
 */
struct stress {
	unsigned int kills;
	bool stop;
	bool failed;
	pid_t pid;
};

struct stress *stress_begin(void);
bool stress_end(struct stress *s);

struct genl *genl_open(void);
int genl_send(struct genl *g, uint8_t cmd, uint16_t flags, const void *attrs, uint32_t size);
int genl_receive(struct genl *g, struct message ***tail, bool *done);
struct message *genl_dump(struct genl *g, uint8_t cmd, const struct arg *args);
int genl_do(struct genl *g, uint8_t cmd, const struct arg *args, struct message **reply);
struct message *genl_wait(struct genl *g, unsigned int ms);

const void *attr_find(const struct message *m, uint16_t type, uint32_t *size);
const void *attr_in(const void *data, uint32_t size, uint16_t type, uint32_t *len);
bool attr_has(const struct message *m, uint16_t type);
uint32_t attr_u32(const struct message *m, uint16_t type);
uint64_t attr_u64(const struct message *m, uint16_t type);
const char *attr_string(const struct message *m, uint16_t type);

uint32_t vm_id(const struct vm *vm);
int vm_name(const struct vm *vm, const char *name);
struct message *vm_get(struct genl *g, uint32_t id);
pid_t as_user(uid_t uid, void (*body)(void *), void *arg);
bool ended_well(pid_t pid);

#endif
