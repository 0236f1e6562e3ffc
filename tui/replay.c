// SPDX-License-Identifier: GPL-2.0-only
/*
 * replay.c - a recording as a source of samples, at the pace it was made with.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recording.h"
#include "source.h"

/**
 * struct replay - an open recording
 * @source: what others see
 * @file: the recording
 * @ahead: the sample that comes next, or NULL
 * @last: time of the one before, or 0
 * @line: of the file
 * @delay_ms: between samples, or -1
 */
struct replay {
	struct top_source source;
	FILE *file;
	struct tel_sample *ahead;
	int64_t last;
	unsigned int line;
	int delay_ms;
};

static struct tel_sample *read_ahead(struct replay *r)
{
	char error[128];
	struct tel_sample *s = recording_read(r->file, &r->line, error, sizeof(error));

	r->source.error[0] = 0;
	if (!s && *error)
		snprintf(r->source.error, sizeof(r->source.error), "line %u %s", r->line, error);
	return s;
}

static struct tel_sample *replay_next(struct top_source *source)
{
	struct replay *r = (struct replay *)source;
	struct tel_sample *s = r->ahead;

	if (!s)
		return NULL;
	r->last = s->time;
	r->ahead = read_ahead(r);
	return s;
}

static int replay_wait(struct top_source *source)
{
	struct replay *r = (struct replay *)source;
	int64_t ms;

	if (!r->ahead)
		return -1;
	if (r->delay_ms >= 0 || !r->last)
		return r->last ? r->delay_ms : 0;
	ms = r->ahead->time - r->last;
	return ms < 0 ? 0 : ms > 60000 ? 60000 : ms;
}

static int replay_command(struct top_source *source, enum top_command c, const struct tel_vm *vm)
{
	(void)c;
	(void)vm;
	snprintf(source->error, sizeof(source->error), "this is a recording: no VM can be told anything");
	return -1;
}

static void replay_close(struct top_source *source)
{
	struct replay *r = (struct replay *)source;

	sample_free(r->ahead);
	fclose(r->file);
	free(r);
}

struct top_source *replay_open(const char *file, int delay_ms, struct family_trouble *t)
{
	struct replay *r = calloc(1, sizeof(*r));

	if (r)
		r->file = fopen(file, "re");
	t->remedy = "name a file that --record made";
	if (!r || !r->file) {
		t->what = strerror(errno);
		free(r);
		return NULL;
	}
	r->source = (struct top_source){ .next = replay_next, .wait = replay_wait,
					 .command = replay_command, .close = replay_close, .object = file,
					 .remedy = "keep the lines before it, as `head` does",
					 .recorded = true };
	r->delay_ms = delay_ms;
	r->ahead = read_ahead(r);
	if (r->ahead)
		return &r->source;
	t->what = r->source.error[0] ? "it is no recording that this version reads" : "it has no sample";
	replay_close(&r->source);
	return NULL;
}
