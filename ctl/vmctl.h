/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmctl.h - what the verbs share: the table's row, exit statuses, options, the form of an error.
 */
#ifndef VMCTL_H
#define VMCTL_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VMCTL_OK	0
#define VMCTL_FAILED	1
#define VMCTL_USAGE	2

/* How a verb that reads prints. */
enum vmctl_format {
	VMCTL_TABLE,
	VMCTL_JSON,
};

/**
 * struct vmctl_args - a verb's command line, see vmctl_parse()
 * @argp: the verb's own options, their parser, its arguments' names and its examples
 * @reads: the verb has --format
 * @no_store: the verb works on no VM and has no --store
 * @min: fewest arguments
 * @max: most arguments, 0 for no limit
 * @input: the parser's state->input
 * @store: --store, or NULL
 * @format: --format
 * @names: the arguments
 * @n: their number
 */
struct vmctl_args {
	const struct argp *argp;
	bool reads, no_store;
	unsigned int min, max;
	void *input;
	const char *store;
	enum vmctl_format format;
	char **names;
	unsigned int n;
};

/**
 * struct vmctl_verb - one verb
 * @name: what the user types
 * @summary: one line for the list
 * @run: argv[0] is the verb; returns the exit status
 * @help: text of `vmctl help VERB`, or NULL
 * @args: its command line, if vmctl_parse() reads it: help and completion come from there
 */
struct vmctl_verb {
	const char *name;
	const char *summary;
	int (*run)(int argc, char **argv);
	const char *help;
	const struct vmctl_args *args;
};

/**
 * vmctl_verbs() - the table of verbs
 * @n: filled with their number
 *
 * Return: the first, in the order of the list that `vmctl help` prints.
 */
const struct vmctl_verb *vmctl_verbs(size_t *n);

/* error.c */
void vmctl_set_verb(const char *verb);
const char *vmctl_verb_name(void);
int vmctl_error(const char *object, const char *what, const char *remedy);
int vmctl_errno(const char *object, const char *remedy);
int vmctl_usage(const char *object, const char *what);

/* options.c */
int vmctl_parse(struct vmctl_args *a, int argc, char **argv);
void vmctl_args_help(const struct vmctl_args *a, const char *verb);
error_t vmctl_bad_value(const char *value, const char *what);
const struct argp_option *vmctl_common_options(const struct vmctl_args *a);

/* text.c */
bool text_to_size(const char *s, uint64_t *bytes);
bool text_to_uint(const char *s, uint64_t min, uint64_t max, uint64_t *n);
void text_from_size(uint64_t bytes, char *s, size_t room);
char *text_absolute(const char *path);
void text_clean(char *s);
const char *text_nearest(const char *word, const char *const *words, size_t n);

/* top.c */
bool top_beside(char *path, size_t room);

/* One file a verb: argv[0] is the verb, the exit status comes back. */
int vmctl_completion(int argc, char **argv);
int vmctl_console(int argc, char **argv);
int vmctl_create(int argc, char **argv);
int vmctl_doctor(int argc, char **argv);
int vmctl_events(int argc, char **argv);
int vmctl_fork(int argc, char **argv);
int vmctl_help(int argc, char **argv);
int vmctl_image(int argc, char **argv);
int vmctl_info(int argc, char **argv);
int vmctl_kill(int argc, char **argv);
int vmctl_list(int argc, char **argv);
int vmctl_logs(int argc, char **argv);
int vmctl_net(int argc, char **argv);
int vmctl_metrics(int argc, char **argv);
int vmctl_pause(int argc, char **argv);
int vmctl_restart(int argc, char **argv);
int vmctl_resume(int argc, char **argv);
int vmctl_rm(int argc, char **argv);
int vmctl_run(int argc, char **argv);
int vmctl_set(int argc, char **argv);
int vmctl_snapshot(int argc, char **argv);
int vmctl_start(int argc, char **argv);
int vmctl_stats(int argc, char **argv);
int vmctl_stop(int argc, char **argv);
int vmctl_top(int argc, char **argv);
int vmctl_trace(int argc, char **argv);
int vmctl_version(int argc, char **argv);
int vmctl_vsock(int argc, char **argv);
int vmctl_wait(int argc, char **argv);
int vmctl_why(int argc, char **argv);

extern const char vmctl_image_help[], vmctl_net_help[], vmctl_run_help[], vmctl_snapshot_help[], vmctl_top_help[];
extern const struct vmctl_args vmctl_completion_args, vmctl_console_args, vmctl_create_args,
	vmctl_doctor_args, vmctl_events_args, vmctl_fork_args, vmctl_info_args, vmctl_kill_args,
	vmctl_list_args, vmctl_logs_args, vmctl_metrics_args, vmctl_pause_args,
	vmctl_restart_args, vmctl_resume_args, vmctl_rm_args, vmctl_set_args, vmctl_start_args,
	vmctl_stats_args, vmctl_stop_args, vmctl_trace_args, vmctl_vsock_args, vmctl_wait_args, vmctl_why_args;

#endif /* VMCTL_H */
