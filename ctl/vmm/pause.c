// SPDX-License-Identifier: GPL-2.0-only
/*
 * pause.c - all vCPUs out of the guest and waiting, and on again.
 *
 * The main thread pauses and resumes; the vCPU threads park themselves between two runs, with no
 * exit half handled: see vcpu.c.
 */
#include <linux/kvm.h>
#include <sys/ioctl.h>

#include "vmm.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned int parked;	/* threads that wait; under `lock`, as the clearing of m->pausing */

/**
 * vmm_may_run() - may CPUs be in the guest?
 * @m: the machine
 *
 * Return: false while it is paused, or is about to start again; any thread.
 */
bool vmm_may_run(const struct vmm *m)
{
	return !atomic_load(&m->pausing) &&
	       (atomic_load(&m->restart) != VMM_RESTART_ASKED || atomic_load(&m->end) != VMM_RUNNING);
}

/**
 * vmm_pause_point() - wait here while the machine is paused; a vCPU's thread, outside of the guest
 * @v: the CPU
 *
 * Afterwards m->end has to be looked at before the guest is entered.
 */
void vmm_pause_point(struct vmm_vcpu *v)
{
	struct vmm *m = v->vmm;

	while (!vmm_may_run(m)) {
		pthread_mutex_lock(&lock);
		parked++;
		pthread_cond_broadcast(&changed);
		while (!vmm_may_run(m))
			pthread_cond_wait(&changed, &lock);
		parked--;
		pthread_mutex_unlock(&lock);
		v->run->immediate_exit = 0;
		/* Who pauses anew sets `pausing` first: either it is seen here, or the flag stays. */
		atomic_thread_fence(memory_order_seq_cst);
	}
}

/**
 * vmm_pause() - stop the guest's CPUs; main thread
 * @m: the machine, its CPUs run or are paused
 *
 * Returns when each of them is out of the guest.
 */
void vmm_pause(struct vmm *m)
{
	unsigned int i;

	if (atomic_load(&m->pausing))
		return;
	atomic_store(&m->pausing, true);
	for (i = 0; i < m->config->cpus; i++)
		vmm_vcpu_kick(&m->vcpus[i]);
	pthread_mutex_lock(&lock);
	/* A machine that ends meanwhile has threads that leave instead of parking. */
	while (parked < m->config->cpus && atomic_load(&m->end) == VMM_RUNNING)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

/* Threads that leave, or may run again, are seen by who waits. */
static void release(struct vmm *m)
{
	pthread_mutex_lock(&lock);
	m->released = vmm_now_us();
	atomic_store(&m->pausing, false);
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

/**
 * vmm_resume() - let the guest's CPUs go on; main thread
 * @m: the machine
 *
 * A Linux guest is told that it was paused (KVM api.rst KVM_KVMCLOCK_CTRL), so that its watchdogs do not
 * take the time for a hang.
 */
void vmm_resume(struct vmm *m)
{
	unsigned int i;

	if (!atomic_load(&m->pausing))
		return;
	/* Refused for a guest without kvmclock, which has nothing to be told with. */
	for (i = 0; i < m->config->cpus; i++)
		ioctl(m->vcpus[i].fd, KVM_KVMCLOCK_CTRL, 0);
	release(m);
}

/**
 * vmm_pause_forked() - in the child of a fork of a paused machine: its CPUs' threads are still to come
 */
void vmm_pause_forked(void)
{
	pthread_mutex_init(&lock, NULL);
	pthread_cond_init(&changed, NULL);
	parked = 0;
}

/**
 * vmm_pause_end() - parked threads shall see that the machine ends; any thread
 * @m: the machine, m->end is set
 */
void vmm_pause_end(struct vmm *m)
{
	release(m);
}
