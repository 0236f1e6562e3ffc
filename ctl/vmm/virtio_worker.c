// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtio_worker.c - a thread that serves a queue, and comes to rest between two rounds when it is asked to.
 *
 * The thread keeps nothing from one round to the next, so that another one can take its place after a fork.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "virtio.h"

#define STACK	(64 * 1024)

/* Park while that is wanted; true to go on. */
static bool may_go_on(struct virtio_worker *w)
{
	bool go;

	pthread_mutex_lock(&w->lock);
	while (w->parking && !w->quit) {
		w->parked = true;
		pthread_cond_broadcast(&w->changed);
		pthread_cond_wait(&w->changed, &w->lock);
	}
	w->parked = false;
	go = !w->quit;
	pthread_mutex_unlock(&w->lock);
	return go;
}

static void *thread(void *arg)
{
	struct virtio_worker *w = arg;
	uint64_t count;

	while (may_go_on(w)) {
		w->work(w);
		if (w->wait)
			w->wait(w);
		else if (read(w->vq->kick, &count, sizeof(count)) < 0 && errno != EINTR)
			break;
	}
	return NULL;
}

static void create(struct virtio_worker *w)
{
	pthread_attr_t attr;
	int err;

	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->changed, NULL);
	w->parked = false;
	w->quit = false;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	err = pthread_create(&w->thread, &attr, thread, w);
	pthread_attr_destroy(&attr);
	if (!err)
		return;
	w->thread = 0;
	vmm_crash(w->vq->dev->m, w->vq->dev->name, strerror(err), "raise the limit on processes");
}

/**
 * virtio_worker_start() - begin to serve
 * @w: @vq and @work are set
 */
void virtio_worker_start(struct virtio_worker *w)
{
	w->parking = false;
	create(w);
}

/**
 * virtio_worker_stop() - end the thread and wait for it
 * @w: started, or never started
 */
void virtio_worker_stop(struct virtio_worker *w)
{
	if (!w->thread)
		return;
	pthread_mutex_lock(&w->lock);
	w->quit = true;
	w->parking = true;	/* a round without end shall have one */
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
	virtio_kick(w->vq);
	pthread_join(w->thread, NULL);
	w->thread = 0;
}

/**
 * virtio_worker_quiesce() - let the thread finish its round and wait
 * @w: started
 */
void virtio_worker_quiesce(struct virtio_worker *w)
{
	if (!w->thread)
		return;
	pthread_mutex_lock(&w->lock);
	w->parking = true;
	virtio_kick(w->vq);
	while (!w->parked)
		pthread_cond_wait(&w->changed, &w->lock);
	pthread_mutex_unlock(&w->lock);
}

/**
 * virtio_worker_resume() - let it go on; it looks at its queue first
 * @w: quiesced
 */
void virtio_worker_resume(struct virtio_worker *w)
{
	if (!w->thread)
		return;
	pthread_mutex_lock(&w->lock);
	w->parking = false;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

/**
 * virtio_worker_forked() - in the child of a fork: a thread of its own, parked like the parent's
 * @w: quiesced
 */
void virtio_worker_forked(struct virtio_worker *w)
{
	if (w->thread)
		create(w);
}
