// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtio_pool.c - a queue served by as many threads as its requests keep waiting: they take turns.
 *
 * The thread whose turn it is takes requests and waits for the driver's notifications. Before it waits for anything
 * else, a disk say, it gives its turn away, so that requests behind a slow one are served meanwhile and may end before it.
 * A queue whose requests never wait has one thread, and no request costs a change of threads. A thread that had
 * no turn for SPARE_S seconds ends.
 *
 * An io_uring would do with one thread, but a process in the sandbox that may set up rings may also open sockets
 * through them, past its filter of system calls; and the child of a fork, which is in the sandbox from birth, needs
 * rings of its own.
 *
 * The threads keep nothing between two requests, so that others can take their place after a fork.
 */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "virtio.h"

#define STACK	(64 * 1024)
#define THREADS	8	/* of one queue */
#define SPARE_S	5
#define BATCH	16	/* requests before the driver is told */

struct virtio_turn {
	struct virtio_pool *pool;
	struct virtq_chain chain;
	bool given;
};

static int create(struct virtio_pool *p);

/**
 * virtio_pool_waits() - the request being served is about to wait: another thread shall have the turn
 * @t: of the request
 *
 * Without another thread to be had, the queue waits with it.
 */
void virtio_pool_waits(struct virtio_turn *t)
{
	struct virtio_pool *p = t->pool;

	if (t->given)
		return;
	pthread_mutex_lock(&p->lock);
	if (!p->parking && (p->spare || (p->threads < THREADS && !create(p)))) {
		p->led = false;
		t->given = true;
		pthread_cond_signal(&p->turn);
	}
	pthread_mutex_unlock(&p->lock);
}

/* With the lock held, as all that follows; without it, @p->serve. */
static void serve_one(struct virtio_pool *p, struct virtio_turn *t)
{
	int64_t written;

	pthread_mutex_unlock(&p->lock);
	written = p->serve(t, p->vq, &t->chain);
	pthread_mutex_lock(&p->lock);
	if (written < 0)
		p->vq->q.broken = true;
	else
		virtq_push(&p->vq->q, t->chain.head, written);
}

/* Serve all there is, or until the turn is given away: then false. */
static bool serve_all(struct virtio_pool *p)
{
	struct virtio_turn t = { .pool = p };
	struct virtq *q = &p->vq->q;
	unsigned int n = 0;

	do {
		virtq_quiet(q);
		while (!p->parking && !t.given && virtq_pop(q, &t.chain) > 0) {
			serve_one(p, &t);
			if (!(++n % BATCH))
				virtio_tell(p->vq);
		}
	} while (!p->parking && !t.given && virtq_more(q));
	virtio_tell(p->vq);
	virtio_check_broken(p->vq);
	return !t.given;
}

static void wait_for_driver(struct virtio_pool *p)
{
	uint64_t count;

	pthread_mutex_unlock(&p->lock);
	if (read(p->vq->kick, &count, sizeof(count)) < 0 && errno != EINTR)
		vmm_crash(p->vq->dev->m, p->vq->dev->name, strerror(errno), "report this");
	pthread_mutex_lock(&p->lock);
}

/* The turn is another's: until it may be this thread's. False if it was not for long. */
static bool wait_for_turn(struct virtio_pool *p)
{
	struct timespec until;
	int err = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += SPARE_S;
	p->spare++;
	while (p->led && !p->parking && !err)
		err = pthread_cond_timedwait(&p->turn, &p->lock, &until);
	p->spare--;
	return !p->led || p->parking;
}

static void park(struct virtio_pool *p)
{
	p->parked++;
	pthread_cond_broadcast(&p->changed);
	while (p->parking && !p->quit)
		pthread_cond_wait(&p->changed, &p->lock);
	p->parked--;
}

static void *thread(void *arg)
{
	struct virtio_pool *p = arg;

	pthread_mutex_lock(&p->lock);
	while (!p->quit) {
		if (p->parking) {
			park(p);
		} else if (p->led) {
			if (!wait_for_turn(p))
				break;
		} else {
			p->led = true;
			while (serve_all(p) && !p->parking)
				wait_for_driver(p);
			/* Given away, it is another thread's already. */
			if (p->parking)
				p->led = false;
		}
	}
	p->threads--;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

static int create(struct virtio_pool *p)
{
	pthread_attr_t attr;
	pthread_t id;
	int err;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	err = pthread_create(&id, &attr, thread, p);
	pthread_attr_destroy(&attr);
	p->threads += !err;
	return err;
}

static void begin(struct virtio_pool *p)
{
	int err;

	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->turn, NULL);
	pthread_cond_init(&p->changed, NULL);
	p->threads = p->spare = p->parked = 0;
	p->led = p->quit = false;
	p->running = true;
	pthread_mutex_lock(&p->lock);
	err = create(p);
	pthread_mutex_unlock(&p->lock);
	if (err)
		vmm_crash(p->vq->dev->m, p->vq->dev->name, strerror(err), "raise the limit on processes");
}

static void wake_all(struct virtio_pool *p)
{
	virtio_kick(p->vq);
	pthread_cond_broadcast(&p->turn);
	pthread_cond_broadcast(&p->changed);
}

/**
 * virtio_pool_start() - begin to serve
 * @p: @vq and @serve are set
 */
void virtio_pool_start(struct virtio_pool *p)
{
	p->parking = false;
	begin(p);
}

/**
 * virtio_pool_stop() - end the threads and wait for them; what they serve is given back before
 * @p: started, or never started
 */
void virtio_pool_stop(struct virtio_pool *p)
{
	if (!p->running)
		return;
	pthread_mutex_lock(&p->lock);
	p->quit = true;
	p->parking = true;	/* a round without end shall have one */
	wake_all(p);
	while (p->threads)
		pthread_cond_wait(&p->changed, &p->lock);
	pthread_mutex_unlock(&p->lock);
	pthread_cond_destroy(&p->turn);
	pthread_cond_destroy(&p->changed);
	pthread_mutex_destroy(&p->lock);
	p->running = false;
}

/**
 * virtio_pool_quiesce() - what is being served is given back, nothing more is taken
 * @p: started, or never started
 */
void virtio_pool_quiesce(struct virtio_pool *p)
{
	if (!p->running)
		return;
	pthread_mutex_lock(&p->lock);
	p->parking = true;
	wake_all(p);
	while (p->parked < p->threads)
		pthread_cond_wait(&p->changed, &p->lock);
	pthread_mutex_unlock(&p->lock);
}

/**
 * virtio_pool_resume() - go on; the queue is looked at first
 * @p: quiesced
 */
void virtio_pool_resume(struct virtio_pool *p)
{
	if (!p->running)
		return;
	pthread_mutex_lock(&p->lock);
	p->parking = false;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
}

/**
 * virtio_pool_forked() - in the child of a fork: a thread of its own, parked like the parent's
 * @p: quiesced
 */
void virtio_pool_forked(struct virtio_pool *p)
{
	if (p->running)
		begin(p);
}
