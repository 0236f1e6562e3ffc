// SPDX-License-Identifier: GPL-2.0-only
/*
 * live.c - this host as a source of samples, and what its VMs can be told.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "button.h"
#include "compiler.h"
#include "source.h"
#include "telemetry/collect.h"
#include "uapi/vitrine.h"

#define FIRST_MS	500	/* rates of VMs' whole lives are replaced soon */
#define LOOKS		4	/* processes asked for what is dear, a sample */

/**
 * struct live - this host
 * @source: what others see
 * @collector: makes samples
 * @delay_ms: between samples
 * @samples: so far
 * @due: when the next is, CLOCK_MONOTONIC
 */
struct live {
	struct top_source source;
	struct collector *collector;
	int delay_ms;
	unsigned int samples;
	int64_t due;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static struct tel_sample *live_next(struct top_source *source)
{
	struct live *l = (struct live *)source;
	int delay = l->samples || l->delay_ms < FIRST_MS ? l->delay_ms : FIRST_MS;

	l->samples++;
	l->due = now_ms() + delay;
	return collect_sample(l->collector, LOOKS, source->error, sizeof(source->error));
}

static int live_wait(struct top_source *source)
{
	struct live *l = (struct live *)source;
	int64_t left = l->due - now_ms();

	return l->samples && left > 0 ? left : 0;
}

static int live_command(struct top_source *source, enum top_command c, const struct tel_vm *vm)
{
	static const int commands[] = {
		[TOP_PAUSE] = VITRINE_CMD_VM_PAUSE, [TOP_RESUME] = VITRINE_CMD_VM_RESUME,
		[TOP_KILL] = VITRINE_CMD_VM_KILL,
	};
	const struct family_argument id = { .type = VITRINE_A_VM_ID, .value = vm->id };
	struct live *l = (struct live *)source;
	int err;

	if (c == TOP_STOP)
		return button_press(vm, BUTTON_POWER, source->error, sizeof(source->error));
	err = family_do(collect_family(l->collector), commands[c], &id, 1, NULL, NULL);
	/* Held by its own process, as `vmctl pause` asks it to. */
	if (c == TOP_RESUME && err == -EBUSY)
		return button_press(vm, BUTTON_RESUME, source->error, sizeof(source->error));
	if (err)
		snprintf(source->error, sizeof(source->error), "%.64s: %s", vm->name,
			 err == -ENOENT || err == -ESRCH ? "it is gone" : strerror(-err));
	return err ? -1 : 0;
}

static void live_close(struct top_source *source)
{
	struct live *l = (struct live *)source;

	collect_close(l->collector);
	free(l);
}

struct top_source *live_open(int delay_ms, struct family_trouble *t)
{
	struct live *l = calloc(1, sizeof(*l));

	if (!l) {
		*t = (struct family_trouble){ strerror(ENOMEM), "free some memory" };
		return NULL;
	}
	l->source = (struct top_source){ .next = live_next, .wait = live_wait, .command = live_command,
					 .close = live_close, .object = "/dev/vitrine",
					 .remedy = "see `vmctl doctor`" };
	l->delay_ms = delay_ms;
	l->collector = collect_open(t);
	if (l->collector)
		return &l->source;
	free(l);
	return NULL;
}
