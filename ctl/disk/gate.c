// SPDX-License-Identifier: GPL-2.0-only
/*
 * gate.c - many requests, or one change of what they rely on.
 */
#include "layer.h"

/**
 * gate_init() - a gate that nobody is inside of
 * @g: gate
 */
void gate_init(struct gate *g)
{
	*g = (struct gate){ 0 };
	pthread_mutex_init(&g->mutex, NULL);
	pthread_cond_init(&g->cond, NULL);
}

/**
 * gate_fini() - end of a gate that nobody is inside of
 * @g: gate
 */
void gate_fini(struct gate *g)
{
	pthread_cond_destroy(&g->cond);
	pthread_mutex_destroy(&g->mutex);
}

/**
 * gate_enter() - begin a request; may wait for changes
 * @g: gate
 */
void gate_enter(struct gate *g)
{
	pthread_mutex_lock(&g->mutex);
	while (g->changing || g->waiting)
		pthread_cond_wait(&g->cond, &g->mutex);
	g->inside++;
	pthread_mutex_unlock(&g->mutex);
}

/**
 * gate_try_enter() - begin a request if no change is made or waits
 * @g: gate
 *
 * Return: true if inside.
 */
bool gate_try_enter(struct gate *g)
{
	bool entered;

	pthread_mutex_lock(&g->mutex);
	entered = !g->changing && !g->waiting;
	g->inside += entered;
	pthread_mutex_unlock(&g->mutex);
	return entered;
}

/**
 * gate_leave() - end a request, in any thread
 * @g: gate
 */
void gate_leave(struct gate *g)
{
	pthread_mutex_lock(&g->mutex);
	if (!--g->inside)
		pthread_cond_broadcast(&g->cond);
	pthread_mutex_unlock(&g->mutex);
}

/**
 * gate_change() - begin a change: nobody else is inside afterwards
 * @g: gate; the caller is not inside
 */
void gate_change(struct gate *g)
{
	pthread_mutex_lock(&g->mutex);
	g->waiting++;
	while (g->changing || g->inside)
		pthread_cond_wait(&g->cond, &g->mutex);
	g->waiting--;
	g->changing = true;
	pthread_mutex_unlock(&g->mutex);
}

/**
 * gate_changed() - end a change
 * @g: gate
 */
void gate_changed(struct gate *g)
{
	pthread_mutex_lock(&g->mutex);
	g->changing = false;
	pthread_cond_broadcast(&g->cond);
	pthread_mutex_unlock(&g->mutex);
}
