// SPDX-License-Identifier: GPL-2.0-only
/*
 * trace.c - every exit of a VM as a record: VITRINE_TRACE_OPEN, its rings, the tracepoint.
 *
 * A record is begun when the exit was decoded and kept in the vCPU until the exit is over; only then is the ring looked
 * at, so that no vCPU holds on to one for longer than it takes to write a record.
 */
#include <linux/anon_inodes.h>
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/nsproxy.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <net/net_namespace.h>
#include <asm/tsc.h>
#include "backend.h"
#include "vcpu.h"

#define CREATE_TRACE_POINTS
#include "tracepoint.h"

#define VTR_TRACE_RECORDS_MIN	64
#define VTR_TRACE_RECORDS_MAX	65536
#define VTR_TRACE_BYTES_MAX	(64UL << 20)

DEFINE_STATIC_KEY_FALSE(vtr_tracing);

/**
 * struct vtr_trace - an open trace
 * @vm: whose, NULL when it is gone; under vtr_vms_lock
 * @mem: the rings one after another, mapped by the reader
 * @ring_size: bytes of one
 * @nr: how many
 * @ring: the module's side of each
 */
struct vtr_trace {
	struct vtr_vm *vm;
	void *mem;
	size_t ring_size;
	u32 nr;
	struct vtr_trace_ring ring[];
};

/**
 * vtr_tracepoint_on() - somebody listens to the tracepoint
 *
 * Return: 0.
 */
int vtr_tracepoint_on(void)
{
	static_branch_inc(&vtr_tracing);
	return 0;
}

/**
 * vtr_tracepoint_off() - nobody does any more
 */
void vtr_tracepoint_off(void)
{
	static_branch_dec(&vtr_tracing);
}

/* The bytes at RIP, as far as they can be read without sleeping. */
static void vtr_trace_code(struct vtr_vcpu *v, struct vitrine_trace_record *now)
{
	u8 bits = 0;

	static_assert(sizeof(now->code) == VTR_FETCH_MAX);
	static_assert(IS_ALIGNED(offsetof(struct vitrine_trace_record, code), 8));
	now->code_len = vtr_fetch_atomic(v, now->code, &bits);
	now->code_bits = now->code_len ? bits : 0;
}

/**
 * vtr_trace_begin_slow() - an exit was decoded
 * @v: by its own thread, loaded, v->slots too, interrupts off; its registers are the guest's at the exit
 * @e: the exit
 */
void vtr_trace_begin_slow(struct vtr_vcpu *v, const struct vtr_exit *e)
{
	const struct vtr_vcpu_stats *s = &v->stats;
	struct vtr_hw_exit hw;

	if (!rcu_access_pointer(v->trace.ring) && !trace_vitrine_exit_enabled())
		return;
	vtr_hw(last_exit)(v, &hw);
	v->trace.now = (struct vitrine_trace_record) {
		.tsc = s->left, .rip = v->rip, .info1 = hw.info1, .info2 = hw.info2,
		.rax = v->regs[0], .rcx = v->regs[1],
		.guest_cycles = min_t(u64, s->left - s->entered, U32_MAX),
		.hw_reason = hw.reason, .kind = e->kind, .insn_len = e->insn_len,
		.outcome = VITRINE_OUTCOME_RESUMED,
	};
	vtr_trace_code(v, &v->trace.now);
	v->trace.open = true;
}

/**
 * vtr_trace_outcome_slow() - what becomes of the exit
 * @v: by its own thread
 * @outcome: enum vitrine_outcome
 */
void vtr_trace_outcome_slow(struct vtr_vcpu *v, u8 outcome)
{
	v->trace.now.outcome = outcome;
}

static void vtr_trace_write(struct vtr_trace_ring *r, const struct vitrine_trace_record *now)
{
	/* The reader's: a wrong one loses or overwrites its own records. */
	u64 tail = READ_ONCE(r->shared->tail);

	if (r->head - tail > r->mask) {
		WRITE_ONCE(r->shared->lost, ++r->lost);
		return;
	}
	r->record[r->head & r->mask] = *now;
	/* The record before its number. */
	smp_store_release(&r->shared->head, ++r->head);
}

/**
 * vtr_trace_end_slow() - the exit is over: write it down
 * @v: by its own thread; interrupts on or off
 */
void vtr_trace_end_slow(struct vtr_vcpu *v)
{
	struct vtr_trace_ring *r;

	if (!v->trace.open)
		return;
	v->trace.open = false;
	v->trace.now.host_cycles = vtr_stats_clock() - v->trace.now.tsc;
	rcu_read_lock();
	r = rcu_dereference(v->trace.ring);
	if (r)
		vtr_trace_write(r, &v->trace.now);
	rcu_read_unlock();
	trace_vitrine_exit(v->vm->vm_id, v->id, &v->trace.now);
}

/**
 * vtr_trace_return_slow() - KVM_RUN is about to return: the exit, if one led there, is over
 * @v: by its own thread
 * @ret: what it returns
 */
void vtr_trace_return_slow(struct vtr_vcpu *v, int ret)
{
	if (!ret) {
		v->trace.now.outcome = VITRINE_OUTCOME_USER;
		v->trace.now.user_reason = v->run->exit_reason;
	} else if (ret == -EFAULT) {
		v->trace.now.outcome = VITRINE_OUTCOME_FAULT;
	}
	vtr_trace_end_slow(v);
}

/**
 * vtr_trace_vm_gone() - no vCPU of the VM runs any more; what was recorded stays
 * @vm: vtr_vms_lock held
 */
void vtr_trace_vm_gone(struct vtr_vm *vm)
{
	lockdep_assert_held(&vtr_vms_lock);
	if (vm->trace)
		vm->trace->vm = NULL;
	vm->trace = NULL;
}

static void vtr_trace_free(struct vtr_trace *t)
{
	vfree(t->mem);
	kfree(t);
}

static int vtr_trace_release(struct inode *inode, struct file *file)
{
	struct vtr_trace *t = file->private_data;
	u32 i;

	mutex_lock(&vtr_vms_lock);
	if (t->vm) {
		for (i = 0; i < t->nr; i++)
			RCU_INIT_POINTER(t->vm->vcpus[i]->trace.ring, NULL);
		t->vm->trace = NULL;
	}
	mutex_unlock(&vtr_vms_lock);
	static_branch_dec(&vtr_tracing);
	synchronize_rcu();
	vtr_trace_free(t);
	return 0;
}

static vm_fault_t vtr_trace_fault(struct vm_fault *f)
{
	const struct vtr_trace *t = f->vma->vm_file->private_data;

	if (f->pgoff >= t->ring_size * t->nr >> PAGE_SHIFT)
		return VM_FAULT_SIGBUS;
	f->page = vmalloc_to_page(t->mem + (f->pgoff << PAGE_SHIFT));
	get_page(f->page);
	return 0;
}

static const struct vm_operations_struct vtr_trace_vm_ops = { .fault = vtr_trace_fault };

static int vtr_trace_mmap(struct file *file, struct vm_area_struct *vma)
{
	const struct vtr_trace *t = file->private_data;
	unsigned long pages = t->ring_size * t->nr >> PAGE_SHIFT;

	if (!(vma->vm_flags & VM_SHARED) || vma->vm_pgoff >= pages ||
	    vma_pages(vma) > pages - vma->vm_pgoff)
		return -EINVAL;
	vma->vm_ops = &vtr_trace_vm_ops;
	return 0;
}

static const struct file_operations vtr_trace_fops = {
	.owner		= THIS_MODULE,
	.release	= vtr_trace_release,
	.mmap		= vtr_trace_mmap,
	.llseek		= noop_llseek,
};

static void vtr_trace_ring_init(struct vtr_trace *t, u32 i, u32 vcpu, u32 records)
{
	struct vtr_trace_ring *r = &t->ring[i];

	r->shared = t->mem + i * t->ring_size;
	r->record = (void *)r->shared + PAGE_SIZE;
	r->mask = records - 1;
	*r->shared = (struct vitrine_trace_ring) {
		.magic = VITRINE_TRACE_MAGIC, .vcpu = vcpu, .records = records,
		.record_size = sizeof(*r->record), .data = PAGE_SIZE, .tsc_khz = tsc_khz,
		.base_tsc = vtr_stats_clock(), .base_ns = ktime_get_real_ns(),
	};
}

/* Rings for the first @nr vCPUs. */
static struct vtr_trace *vtr_trace_create(struct vtr_vm *vm, u32 nr, u32 records)
{
	size_t size = PAGE_ALIGN(PAGE_SIZE + records * sizeof(struct vitrine_trace_record));
	struct vtr_trace *t;
	u32 i;

	if (size * nr > VTR_TRACE_BYTES_MAX)
		return ERR_PTR(-E2BIG);
	t = kzalloc(struct_size(t, ring, nr), GFP_KERNEL_ACCOUNT);
	if (!t)
		return ERR_PTR(-ENOMEM);
	t->ring_size = size;
	t->nr = nr;
	t->mem = __vmalloc(size * nr, GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!t->mem) {
		kfree(t);
		return ERR_PTR(-ENOMEM);
	}
	for (i = 0; i < nr; i++)
		vtr_trace_ring_init(t, i, vm->vcpus[i]->id, records);
	return t;
}

/* From now on exits are recorded. 0, or -EBUSY. */
static int vtr_trace_attach(struct vtr_trace *t, struct vtr_vm *vm)
{
	int err = -EBUSY;
	u32 i;

	mutex_lock(&vtr_vms_lock);
	if (!vm->trace) {
		err = 0;
		vm->trace = t;
		t->vm = vm;
		for (i = 0; i < t->nr; i++)
			rcu_assign_pointer(vm->vcpus[i]->trace.ring, &t->ring[i]);
	}
	mutex_unlock(&vtr_vms_lock);
	return err;
}

/* The VM with one more user, or NULL: there is none, or none that the caller may trace. */
static struct vtr_vm *vtr_trace_find(u32 id)
{
	struct net *net = current->nsproxy->net_ns;
	bool all = capable(CAP_SYS_ADMIN);
	struct vtr_viewer who = {
		.uid = current_euid(), .net = net->net_cookie,
		.initial = all || net_eq(net, &init_net), .all = all,
	};
	struct vtr_vm *vm;

	mutex_lock(&vtr_vms_lock);
	vm = vtr_registry_find(id, &who);
	/* One whose last user has gone waits for the lock to be taken off the list. */
	if (vm && !refcount_inc_not_zero(&vm->users))
		vm = NULL;
	mutex_unlock(&vtr_vms_lock);
	return vm;
}

/* A file whose closing frees the trace. */
static struct file *vtr_trace_file(struct vtr_trace *t)
{
	struct file *file = anon_inode_getfile("vitrine-trace", &vtr_trace_fops, t, O_RDWR);

	if (IS_ERR(file))
		vtr_trace_free(t);
	else
		static_branch_inc(&vtr_tracing);
	return file;
}

static long vtr_trace_vm(struct vtr_vm *vm, struct vitrine_trace_open *o,
			 struct vitrine_trace_open __user *user)
{
	struct vtr_trace *t;
	struct file *file;
	int fd, err;

	/* Pairs with vtr_vcpu_add(). */
	o->vcpus = smp_load_acquire(&vm->nr_vcpus);
	if (!o->vcpus)
		return -EINVAL;
	t = vtr_trace_create(vm, o->vcpus, o->records);
	if (IS_ERR(t))
		return PTR_ERR(t);
	o->ring_size = t->ring_size;
	file = vtr_trace_file(t);
	if (IS_ERR(file))
		return PTR_ERR(file);
	err = copy_to_user(user, o, sizeof(*o)) ? -EFAULT : vtr_trace_attach(t, vm);
	fd = err ?: get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		fput(file);
	else
		fd_install(fd, file);
	return fd;
}

/**
 * vtr_trace_open() - VITRINE_TRACE_OPEN
 * @user: struct vitrine_trace_open
 *
 * Return: a descriptor, or -errno as uapi/vitrine.h says. Context: may sleep.
 */
long vtr_trace_open(struct vitrine_trace_open __user *user)
{
	struct vitrine_trace_open o;
	struct vtr_vm *vm;
	long ret;

	if (copy_from_user(&o, user, sizeof(o)))
		return -EFAULT;
	if (o.flags || !is_power_of_2(o.records) || o.records < VTR_TRACE_RECORDS_MIN ||
	    o.records > VTR_TRACE_RECORDS_MAX)
		return -EINVAL;
	vm = vtr_trace_find(o.vm_id);
	if (!vm)
		return -ENOENT;
	ret = vtr_trace_vm(vm, &o, user);
	vtr_vm_put(vm);
	return ret;
}
