// SPDX-License-Identifier: GPL-2.0-only
/*
 * irqfd.c - eventfds that raise interrupts (KVM api.rst KVM_IRQFD).
 *
 * An irqfd hangs on its eventfd's wait queue and injects from within the wake-up, in whatever context
 * that comes. It ends in one of three ways: KVM_IRQFD_FLAG_DEASSIGN, the VM's end, or the eventfd's;
 * who takes it off router.irqfds (under irqfds_lock) ends it. The eventfd's own end is announced inside
 * the wake-up, where nothing can be waited for: a worker does it.
 */
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/poll.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include "irqchip.h"

/**
 * struct vtr_irqfd - one binding of an eventfd to a GSI
 * @vm: its VM; the VM outlives it
 * @gsi: what it raises
 * @ctx: the eventfd
 * @resample: signalled when the guest has ended the interrupt, or NULL for an edge-triggered irqfd
 * @link: in router.irqfds; empty once somebody ends it
 * @resample_link: in router.resamplers, with @resample
 * @wait: in the eventfd's wait queue
 * @poll: how it got there
 * @shutdown: ends it when the eventfd does
 * @rcu: frees it after the last reader of router.resamplers
 */
struct vtr_irqfd {
	struct vtr_vm *vm;
	u32 gsi;
	struct eventfd_ctx *ctx;
	struct eventfd_ctx *resample;
	struct list_head link;
	struct list_head resample_link;
	wait_queue_entry_t wait;
	poll_table poll;
	struct work_struct shutdown;
	struct rcu_head rcu;
};

static struct workqueue_struct *vtr_irqfd_wq;
static DEFINE_MUTEX(vtr_irqfd_wq_lock);

static int irqfd_need_wq(void)
{
	int err = 0;

	mutex_lock(&vtr_irqfd_wq_lock);
	if (!vtr_irqfd_wq)
		vtr_irqfd_wq = alloc_workqueue("vitrine-irqfd", 0, 0);
	if (!vtr_irqfd_wq)
		err = -ENOMEM;
	mutex_unlock(&vtr_irqfd_wq_lock);
	return err;
}

/**
 * vtr_irq_module_exit() - the last VM is gone, and the module goes
 */
void vtr_irq_module_exit(void)
{
	if (vtr_irqfd_wq)
		destroy_workqueue(vtr_irqfd_wq);
}

static void irqfd_inject(struct vtr_irqfd *fd)
{
	if (fd->resample) {
		vtr_irq_set(fd->vm, VTR_IRQ_SOURCE_RESAMPLE, fd->gsi, 1);
		return;
	}
	vtr_irq_set(fd->vm, VTR_IRQ_SOURCE_USER, fd->gsi, 1);
	vtr_irq_set(fd->vm, VTR_IRQ_SOURCE_USER, fd->gsi, 0);
}

/* True if the caller is the one to end it. */
static bool irqfd_deactivate(struct vtr_irqfd *fd)
{
	lockdep_assert_held(&fd->vm->router.irqfds_lock);
	if (list_empty(&fd->link))
		return false;
	list_del_init(&fd->link);
	return true;
}

/* The eventfd was signalled or closes. Its wait queue's lock is held, interrupts are off. */
static int irqfd_wakeup(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key)
{
	struct vtr_irqfd *fd = container_of(wait, struct vtr_irqfd, wait);
	__poll_t events = key_to_poll(key);
	unsigned long flags;
	int taken = 0;
	u64 count;

	if (events & EPOLLIN) {
		eventfd_ctx_do_read(fd->ctx, &count);
		irqfd_inject(fd);
		taken = 1;
	}
	if (events & EPOLLHUP) {
		spin_lock_irqsave(&fd->vm->router.irqfds_lock, flags);
		if (irqfd_deactivate(fd))
			queue_work(vtr_irqfd_wq, &fd->shutdown);
		spin_unlock_irqrestore(&fd->vm->router.irqfds_lock, flags);
	}
	return taken;
}

static void irqfd_enqueue(struct file *file, wait_queue_head_t *queue, poll_table *poll)
{
	struct vtr_irqfd *fd = container_of(poll, struct vtr_irqfd, poll);

	add_wait_queue_priority(queue, &fd->wait);
}

static void irqfd_free_rcu(struct rcu_head *rcu)
{
	struct vtr_irqfd *fd = container_of(rcu, struct vtr_irqfd, rcu);

	if (fd->resample)
		eventfd_ctx_put(fd->resample);
	kfree(fd);
}

/* Ends an irqfd that is on no list of active ones any more. After this nothing of it fires. */
static void irqfd_shutdown(struct vtr_irqfd *fd)
{
	struct vtr_vm *vm = fd->vm;
	unsigned long flags;
	u64 count;

	eventfd_ctx_remove_wait_queue(fd->ctx, &fd->wait, &count);
	if (fd->resample) {
		spin_lock_irqsave(&vm->router.irqfds_lock, flags);
		list_del_rcu(&fd->resample_link);
		spin_unlock_irqrestore(&vm->router.irqfds_lock, flags);
		/* What it holds asserted nobody else would release. */
		if (!vtr_irqfd_resamples(vm, fd->gsi))
			vtr_irq_set(vm, VTR_IRQ_SOURCE_RESAMPLE, fd->gsi, 0);
		if (vm->irqchip)
			vtr_irqchip_update_eoi(vm->irqchip);
	}
	eventfd_ctx_put(fd->ctx);
	call_rcu(&fd->rcu, irqfd_free_rcu);
	atomic_dec(&vm->router.nr_irqfds);
}

static void irqfd_shutdown_work(struct work_struct *work)
{
	struct vtr_irqfd *fd = container_of(work, struct vtr_irqfd, shutdown);
	struct mutex *lock = &fd->vm->router.lock;

	/* KVM_IRQFD may still be setting it up. */
	mutex_lock(lock);
	irqfd_shutdown(fd);
	mutex_unlock(lock);
}

static int irqfd_activate(struct vtr_irqfd *fd)
{
	struct vtr_irq_router *r = &fd->vm->router;
	struct vtr_irqfd *other;
	int err = 0;

	spin_lock_irq(&r->irqfds_lock);
	list_for_each_entry(other, &r->irqfds, link)
		if (other->ctx == fd->ctx)
			err = -EBUSY;
	if (!err) {
		list_add_tail(&fd->link, &r->irqfds);
		if (fd->resample)
			list_add_tail_rcu(&fd->resample_link, &r->resamplers);
		atomic_inc(&r->nr_irqfds);
	}
	spin_unlock_irq(&r->irqfds_lock);
	return err;
}

static struct vtr_irqfd *irqfd_alloc(struct vtr_vm *vm, const struct kvm_irqfd *args,
				     struct file *file)
{
	struct vtr_irqfd *fd = kzalloc(sizeof(*fd), GFP_KERNEL_ACCOUNT);
	int err;

	if (!fd)
		return ERR_PTR(-ENOMEM);
	fd->vm = vm;
	fd->gsi = args->gsi;
	INIT_LIST_HEAD(&fd->link);
	INIT_LIST_HEAD(&fd->resample_link);
	INIT_WORK(&fd->shutdown, irqfd_shutdown_work);
	init_waitqueue_func_entry(&fd->wait, irqfd_wakeup);
	init_poll_funcptr(&fd->poll, irqfd_enqueue);
	fd->ctx = eventfd_ctx_fileget(file);
	if (IS_ERR(fd->ctx)) {
		err = PTR_ERR(fd->ctx);
		goto free;
	}
	if (args->flags & KVM_IRQFD_FLAG_RESAMPLE) {
		fd->resample = eventfd_ctx_fdget(args->resamplefd);
		if (IS_ERR(fd->resample)) {
			err = PTR_ERR(fd->resample);
			goto put;
		}
	}
	return fd;

put:
	eventfd_ctx_put(fd->ctx);
free:
	kfree(fd);
	return ERR_PTR(err);
}

static int irqfd_assign_file(struct vtr_vm *vm, const struct kvm_irqfd *args, struct file *file)
{
	struct vtr_irqfd *fd = irqfd_alloc(vm, args, file);
	int err;

	if (IS_ERR(fd))
		return PTR_ERR(fd);
	mutex_lock(&vm->router.lock);
	err = irqfd_activate(fd);
	if (!err) {
		if (fd->resample)
			vtr_irqchip_update_eoi(vm->irqchip);
		/* Events from before count, too. */
		if (vfs_poll(file, &fd->poll) & EPOLLIN)
			irqfd_inject(fd);
	}
	mutex_unlock(&vm->router.lock);
	if (err) {
		eventfd_ctx_put(fd->ctx);
		irqfd_free_rcu(&fd->rcu);
	}
	return err;
}

static int irqfd_assign(struct vtr_vm *vm, const struct kvm_irqfd *args)
{
	struct file *file;
	int err;

	/* The end of an interrupt is heard of by a chip, and these are elsewhere in a split irqchip. */
	if (!vm->irqchip && (!vm->split_irqchip || args->flags & KVM_IRQFD_FLAG_RESAMPLE))
		return -EINVAL;
	err = irqfd_need_wq();
	if (err)
		return err;
	file = fget(args->fd);
	if (!file)
		return -EBADF;
	err = irqfd_assign_file(vm, args, file);
	fput(file);
	return err;
}

/* Takes the first active irqfd that fits off the list; @ctx NULL: any. */
static struct vtr_irqfd *irqfd_take(struct vtr_vm *vm, const struct eventfd_ctx *ctx, u32 gsi)
{
	struct vtr_irq_router *r = &vm->router;
	struct vtr_irqfd *fd, *found = NULL;

	spin_lock_irq(&r->irqfds_lock);
	list_for_each_entry(fd, &r->irqfds, link) {
		if (!ctx || (fd->ctx == ctx && fd->gsi == gsi)) {
			found = fd;
			irqfd_deactivate(fd);
			break;
		}
	}
	spin_unlock_irq(&r->irqfds_lock);
	return found;
}

static int irqfd_deassign(struct vtr_vm *vm, const struct kvm_irqfd *args)
{
	struct eventfd_ctx *ctx = eventfd_ctx_fdget(args->fd);
	struct vtr_irqfd *fd;

	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	mutex_lock(&vm->router.lock);
	fd = irqfd_take(vm, ctx, args->gsi);
	if (fd)
		irqfd_shutdown(fd);
	mutex_unlock(&vm->router.lock);
	eventfd_ctx_put(ctx);
	return 0;
}

/**
 * vtr_irqfd() - KVM_IRQFD
 * @vm: the VM
 * @args: from the caller
 *
 * A GSI without a route, even one that can have none, is legal: its events go nowhere.
 *
 * Return: 0, also for the deassignment of what was not assigned; -EINVAL: flags, not an eventfd, no
 * in-kernel chips; -EBADF; -EBUSY: the eventfd is bound already; -ENOMEM. Context: may sleep.
 */
int vtr_irqfd(struct vtr_vm *vm, const struct kvm_irqfd *args)
{
	if (args->flags & ~(KVM_IRQFD_FLAG_DEASSIGN | KVM_IRQFD_FLAG_RESAMPLE))
		return -EINVAL;
	if (args->flags & KVM_IRQFD_FLAG_DEASSIGN)
		return irqfd_deassign(vm, args);
	return irqfd_assign(vm, args);
}

/**
 * vtr_irqfd_fini() - end all irqfds of a VM
 * @vm: the VM, whose file closes or which is destroyed
 *
 * Also waits for those whose eventfd has closed by itself. Context: may sleep.
 */
void vtr_irqfd_fini(struct vtr_vm *vm)
{
	struct vtr_irqfd *fd;

	if (!atomic_read(&vm->router.nr_irqfds))
		return;
	mutex_lock(&vm->router.lock);
	while ((fd = irqfd_take(vm, NULL, 0)))
		irqfd_shutdown(fd);
	mutex_unlock(&vm->router.lock);
	if (atomic_read(&vm->router.nr_irqfds))
		flush_workqueue(vtr_irqfd_wq);
}

/**
 * vtr_irqfd_resamples() - is there an irqfd that waits for the end of this GSI's interrupts?
 * @vm: the VM
 * @gsi: the GSI
 *
 * Context: any.
 */
bool vtr_irqfd_resamples(struct vtr_vm *vm, u32 gsi)
{
	struct vtr_irqfd *fd;
	bool found = false;

	rcu_read_lock();
	list_for_each_entry_rcu(fd, &vm->router.resamplers, resample_link)
		if (fd->gsi == gsi)
			found = true;
	rcu_read_unlock();
	return found;
}

/**
 * vtr_irqfd_acked() - the guest ended the service of a GSI's interrupt
 * @vm: the VM
 * @gsi: the GSI
 *
 * The line goes down; whoever is told and still has a cause raises it again.
 * Context: any without locks of the chips.
 */
void vtr_irqfd_acked(struct vtr_vm *vm, u32 gsi)
{
	struct vtr_irqfd *fd;

	if (!vtr_irqfd_resamples(vm, gsi))
		return;
	vtr_irq_set(vm, VTR_IRQ_SOURCE_RESAMPLE, gsi, 0);
	rcu_read_lock();
	list_for_each_entry_rcu(fd, &vm->router.resamplers, resample_link)
		if (fd->gsi == gsi)
			vtr_eventfd_signal(fd->resample);
	rcu_read_unlock();
}
