// SPDX-License-Identifier: GPL-2.0-only
/*
 * cancel.c - the user wants no more of what a verb does. Whoever asks and hears so goes back without a word; who began it tells it, once.
 */
#include <errno.h>
#include <signal.h>

#include "cancel.h"
#include "subverbs.h"
#include "vmctl.h"

static volatile sig_atomic_t stopped;
static volatile pid_t child;
static bool heard;

static void on_stop(int sig)
{
	int was = errno;

	stopped = sig;
	if (child > 0)
		kill(child, SIGTERM);
	errno = was;
}

/**
 * cancel_catch() - from here on the signals that end a program are a wish
 */
void cancel_catch(void)
{
	struct sigaction a = { .sa_handler = on_stop };	/* no SA_RESTART: waiting ends */

	sigaction(SIGINT, &a, NULL);
	sigaction(SIGTERM, &a, NULL);
	sigaction(SIGHUP, &a, NULL);
}

/**
 * cancel_child() - a child is to end, too
 * @pid: of it, not waited for yet; 0: there is none any more
 */
void cancel_child(pid_t pid)
{
	child = pid;
	if (pid > 0 && stopped)
		kill(pid, SIGTERM);
}

/**
 * cancelled() - has the user had enough?
 *
 * Return: whether; the caller gives up then, and tells nothing.
 */
bool cancelled(void)
{
	if (stopped)
		heard = true;
	return stopped;
}

/**
 * cancel_progress() - how far it is, for the user
 * @done: see progress_show()
 * @all: the same
 *
 * Return: false if cancelled() says so.
 */
bool cancel_progress(uint64_t done, uint64_t all)
{
	progress_show(done, all);
	return !cancelled();
}

/**
 * cancel_end() - it has come to its end
 * @object: what it was about
 * @err: 0, or it came to nothing, and nothing is left; told if it was for any other reason
 *
 * Return: @err.
 */
int cancel_end(const char *object, int err)
{
	if (err && heard)
		vmctl_error(object, "was cancelled", "nothing of it is left");
	return err;
}
