/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * source.h - where samples come from: the module over netlink, or a recording.
 */
#ifndef TUI_SOURCE_H
#define TUI_SOURCE_H

#include "telemetry/family.h"
#include "telemetry/sample.h"

/* What a VM can be told. */
enum top_command {
	TOP_PAUSE,
	TOP_RESUME,
	TOP_STOP,	/* as its power button does */
	TOP_KILL,
};

/**
 * struct top_source - where samples come from
 * @next: the next sample, or NULL: with an error in @error, or empty at the end of a recording
 * @wait: milliseconds until next() is due, or -1 when there is nothing more
 * @command: tell a VM something; 0, or -1 with the reason in @error
 * @close: done
 * @error: of the last call
 * @object: what samples come from, for messages
 * @remedy: what to do when next() fails
 * @recorded: nothing of it is now
 */
struct top_source {
	struct tel_sample *(*next)(struct top_source *s);
	int (*wait)(struct top_source *s);
	int (*command)(struct top_source *s, enum top_command c, const struct tel_vm *vm);
	void (*close)(struct top_source *s);
	char error[160];
	const char *object, *remedy;
	bool recorded;
};

/**
 * replay_open() - samples of a recording
 * @file: its name
 * @delay_ms: between samples, or -1 for that of the recording
 * @t: filled when it cannot be opened
 *
 * Return: the source, or NULL.
 */
struct top_source *replay_open(const char *file, int delay_ms, struct family_trouble *t);

/**
 * live_open() - samples of this host's module
 * @delay_ms: between samples
 * @t: filled when it cannot be asked
 *
 * Return: the source, or NULL.
 */
struct top_source *live_open(int delay_ms, struct family_trouble *t);

#endif /* TUI_SOURCE_H */
