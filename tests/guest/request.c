// SPDX-License-Identifier: GPL-2.0-only
/*
 * request.c - what the launcher does on a guest's request: memory slots, interrupts, migration.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "launcher.h"

static int64_t result(int ret)
{
	return ret < 0 ? -errno : ret;
}

static int64_t slot_set(struct vcpu *v, const struct request *r)
{
	struct kvm_userspace_memory_region m = {
		.slot = r->arg[0], .guest_phys_addr = r->arg[1], .memory_size = r->arg[2],
		.userspace_addr = (uintptr_t)v->vm->backing + r->arg[3], .flags = r->arg[4],
	};

	if (r->arg[3] > BACKING_SIZE || r->arg[2] > BACKING_SIZE - r->arg[3])
		return -EFAULT;
	return result(ioctl(v->vm->fd, KVM_SET_USER_MEMORY_REGION, &m));
}

static int64_t dirty_log(struct vcpu *v, const struct request *r)
{
	struct kvm_dirty_log d = { .slot = r->arg[0] };

	if (r->arg[1] > RAM_SIZE - 4096)
		return -EFAULT;
	d.dirty_bitmap = v->vm->ram + r->arg[1];
	return result(ioctl(v->vm->fd, KVM_GET_DIRTY_LOG, &d));
}

static int64_t inject(struct vm *vm, const struct request *r)
{
	struct kvm_irq_level line = { .irq = r->arg[0], .level = r->arg[1] };
	struct kvm_msi msi = { .address_lo = r->arg[0], .data = r->arg[1] };

	switch (r->op) {
	case REQ_IRQ_LINE:
		return result(ioctl(vm->fd, KVM_IRQ_LINE, &line));
	case REQ_MSI:
		return result(ioctl(vm->fd, KVM_SIGNAL_MSI, &msi));
	default:
		return r->arg[0] < vm->cpus ? result(ioctl(vm->vcpu[r->arg[0]].fd, KVM_NMI, 0)) :
			-EINVAL;
	}
}

struct delayed {
	struct vm *vm;
	struct request request;
};

static void *delayed_thread(void *arg)
{
	struct delayed *d = arg;

	usleep(d->request.arg[2]);
	inject(d->vm, &d->request);
	free(d);
	return NULL;
}

static int64_t inject_when_due(struct vm *vm, const struct request *r)
{
	struct delayed *d;
	pthread_t thread;

	if (!r->arg[2])
		return inject(vm, r);
	d = malloc(sizeof(*d));
	if (!d)
		return -ENOMEM;
	*d = (struct delayed){ vm, *r };
	if (pthread_create(&thread, NULL, delayed_thread, d)) {
		free(d);
		return -EAGAIN;
	}
	pthread_detach(thread);
	return 0;
}

static int64_t exception(struct vcpu *v, const struct request *r)
{
	struct kvm_vcpu_events e;

	/* An empty run completes the OUT, so that the exception comes after it. */
	v->run->immediate_exit = 1;
	if (ioctl(v->fd, KVM_RUN, 0) == 0 || errno != EINTR)
		return -EIO;
	v->run->immediate_exit = 0;
	if (ioctl(v->fd, KVM_GET_VCPU_EVENTS, &e) < 0)
		return -errno;
	e.exception.injected = 1;
	e.exception.nr = r->arg[0];
	e.exception.has_error_code = r->arg[1];
	e.exception.error_code = r->arg[2];
	return result(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &e));
}

/* The @nth of the CPUs that the process had at its start: the lab does not give it all (tests/lab/README.md). */
static int64_t migrate(unsigned int nth)
{
	static cpu_set_t all;
	cpu_set_t one;
	int cpu;

	if (!CPU_COUNT(&all) && sched_getaffinity(getpid(), sizeof(all), &all))
		return -1;
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all) || nth--)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		return sched_setaffinity(0, sizeof(one), &one) ? -1 : 0;
	}
	return -1;
}

static int64_t backing_drop(struct vm *vm, const struct request *r)
{
	if (r->arg[0] > BACKING_SIZE || r->arg[1] > BACKING_SIZE - r->arg[0])
		return -EFAULT;
	return result(madvise(vm->backing + r->arg[0], r->arg[1], MADV_DONTNEED));
}

static int64_t backing(struct vm *vm, const struct request *r)
{
	uint64_t value;

	if (r->arg[0] > BACKING_SIZE - 8)
		return -EFAULT;
	if (r->op == REQ_BACKING_WRITE)
		memcpy(vm->backing + r->arg[0], &r->arg[1], 8);
	memcpy(&value, vm->backing + r->arg[0], 8);
	return value;
}

void request_handle(struct vcpu *v, uint32_t gpa)
{
	struct vm *vm = v->vm;
	struct request *r;

	if (gpa > RAM_SIZE - sizeof(*r) || gpa % 8)
		report_stop("a request at %#x", gpa);
	r = (struct request *)(vm->ram + gpa);
	switch (r->op) {
	case REQ_SLOT_SET:
		r->result = slot_set(v, r);
		break;
	case REQ_DIRTY_LOG:
		r->result = dirty_log(v, r);
		break;
	case REQ_BACKING_READ:
	case REQ_BACKING_WRITE:
		r->result = backing(vm, r);
		break;
	case REQ_BACKING_DROP:
		r->result = backing_drop(vm, r);
		break;
	case REQ_IRQ_LINE:
	case REQ_MSI:
	case REQ_NMI:
		r->result = inject_when_due(vm, r);
		break;
	case REQ_EXCEPTION:
		r->result = exception(v, r);
		break;
	case REQ_QUEUE_GET:
		r->result = r->arg[0] < vm->queued ? (int64_t)vm->queue[r->arg[0]] : -ENOENT;
		break;
	case REQ_QUEUE_CLEAR:
		r->result = vm->queued;
		vm->queued = vm->counter = 0;
		break;
	case REQ_MMIO_COUNT:
		r->result = (int64_t)vm->mmio_writes << 32 | vm->mmio_reads;
		break;
	case REQ_MIGRATE:
		r->result = migrate(r->arg[0]);
		break;
	case REQ_CPUS:
		r->result = vm->cpus;
		break;
	case REQ_SLEEP:
		r->result = usleep(r->arg[0]);
		break;
	default:
		r->result = -ENOSYS;
	}
}
