/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * client.h - what verbs that work on VMs share: one VM after the other, requests to VM processes, tables.
 */
#ifndef VMCTL_CLIENT_H
#define VMCTL_CLIENT_H

#include <jansson.h>

#include "store/store.h"
#include "vmctl.h"

/* Flags of jansson: what is more than that is noise of the binary fraction. */
#define OUTPUT_REALS	JSON_REAL_PRECISION(15)

/* How a member is shown in a table. */
enum output_kind {
	OUTPUT_TEXT,
	OUTPUT_SIZE,
	OUTPUT_TIME,
};

/**
 * struct output_column - one column of a table
 * @key: member of each row's object; nested ones are not shown
 * @title: its heading
 * @kind: how to write a value
 */
struct output_column {
	const char *key, *title;
	enum output_kind kind;
};

struct cgroup_place;
struct start_restore;

/* each.c */
int each_vm(const struct vmctl_args *a, bool locked, int (*work)(struct vm *vm, void *arg), void *arg);

/* client.c */
int client_connect(struct vm *vm, const char *socket_name, int timeout_s);
int client_ask(struct vm *vm, json_t *request, json_t **answer);
int client_ask_with(struct vm *vm, json_t *request, const int *fds, unsigned int nfds, json_t **answer);
json_t *client_query(struct vm *vm, json_t *request, int timeout_s);
int client_command(struct vm *vm, const char *command);

/* output.c */
int output_rows(enum vmctl_format format, const struct output_column *columns, size_t n, json_t *rows);
int output_object(enum vmctl_format format, const struct output_column *columns, size_t n, json_t *object);

/* start.c, stop.c: restart is both */
int start_vm(struct vm *vm, bool foreground);
int start_restored(struct vm *vm, const struct config *c, const struct start_restore *r);
int start_place(struct vm *vm, const struct config *c, pid_t from, struct cgroup_place *p);
int start_limit(struct vm *vm, const struct config *c, pid_t pid);
int stop_vm(struct vm *vm, int timeout_s, bool force);

/* The options of the verbs that stop VMs, and what they said. */
extern const struct argp_option stop_options[];
error_t stop_parse(int key, char *arg, struct argp_state *state);
extern struct stop_how {
	uint64_t timeout_s;
	bool force;
} stop_how;

/* title.c */
void title_init(int argc, char **argv);
void title_set(const char *title);

#endif /* VMCTL_CLIENT_H */
