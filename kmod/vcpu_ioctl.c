// SPDX-License-Identifier: GPL-2.0-only
/*
 * vcpu_ioctl.c - the vCPU's file: its ioctls and its mapping (kvm_run, port data, coalesced ring).
 *
 * Every ioctl runs under v->mutex, so it waits for KVM_RUN; only KVM_GET_STATS_FD and the mapping do
 * not. The dispatcher copies structs in and out, handlers get kernel memory.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "backend.h"
#include "fpu.h"
#include "guestmem.h"
#include "module.h"
#include "vcpu.h"

static long vtr_vcpu_msrs(struct vtr_vcpu *v, struct kvm_msrs __user *user, bool set)
{
	struct kvm_msr_entry *e;
	struct kvm_msrs head;
	long done, size;

	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	if (head.nmsrs >= VTR_MSRS_MAX)
		return -E2BIG;
	size = head.nmsrs * sizeof(*e);
	e = memdup_user(user->entries, size);
	if (IS_ERR(e))
		return PTR_ERR(e);
	vtr_slots_load(v);	/* kvmclock MSRs write guest memory */
	for (done = 0; done < head.nmsrs; done++)
		if (set ? vtr_msr_write(v, e[done].index, e[done].data, true) :
			  vtr_msr_read(v, e[done].index, &e[done].data, true))
			break;
	vtr_slots_unload(v);
	if (!set && copy_to_user(user->entries, e, size))
		done = -EFAULT;
	kfree(e);
	return done;
}

static long vtr_vcpu_set_cpuid(struct vtr_vcpu *v, struct kvm_cpuid2 __user *user)
{
	struct kvm_cpuid_entry2 *e;
	struct kvm_cpuid2 head;
	long ret;

	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	if (head.nent > VTR_CPUID_MAX)
		return -E2BIG;
	e = memdup_user(user->entries, head.nent * sizeof(*e));
	if (IS_ERR(e))
		return PTR_ERR(e);
	ret = vtr_cpuid_set(v, e, head.nent);
	kfree(e);
	return ret;
}

static long vtr_vcpu_get_cpuid(struct vtr_vcpu *v, struct kvm_cpuid2 __user *user)
{
	struct kvm_cpuid2 head;
	u32 room;

	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	room = head.nent;
	head.nent = v->cpuid.nent;
	if (room < head.nent)
		return -E2BIG;
	if (copy_to_user(user, &head, sizeof(head)) ||
	    copy_to_user(user->entries, v->cpuid.entries, head.nent * sizeof(*v->cpuid.entries)))
		return -EFAULT;
	return 0;
}

static long vtr_vcpu_interrupt(struct vtr_vcpu *v, const struct kvm_interrupt *irq)
{
	if (irq->irq > 255)
		return -EINVAL;
	if (v->vm->irqchip)
		return -ENXIO;
	if (v->user_irq >= 0)
		return -EEXIST;
	v->user_irq = irq->irq;
	vtr_request_set(v, VTR_REQ_EVENT);
	return 0;
}

static long vtr_vcpu_nmi(struct vtr_vcpu *v)
{
	/* One under way and one waiting is all a CPU remembers. */
	if (atomic_read(&v->nmi_queued) < 2)
		atomic_inc(&v->nmi_queued);
	vtr_request_set(v, VTR_REQ_EVENT);
	return 0;
}

/*
 * Guests have no virtualization of their own, so this state is a header that says "none"; there are
 * callers that save and restore it without having asked for KVM_CAP_NESTED_STATE.
 */
static long vtr_get_nested(struct kvm_nested_state *s)
{
	if (s->size < sizeof(*s))
		return -E2BIG;
	memset(s, 0, sizeof(*s));
	s->format = boot_cpu_data.x86_vendor == X86_VENDOR_INTEL ? KVM_STATE_NESTED_FORMAT_VMX :
								   KVM_STATE_NESTED_FORMAT_SVM;
	s->size = sizeof(*s);
	return 0;
}

static long vtr_set_nested(const struct kvm_nested_state *s)
{
	return s->size > sizeof(*s) || s->flags ? -EINVAL : 0;
}

/* Structs small enough for the stack that only come in, or only go out. */
union vtr_vcpu_arg {
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_vcpu_events events;
	struct kvm_debugregs debugregs;
	struct kvm_mp_state mp_state;
	struct kvm_guest_debug guest_debug;
	struct kvm_translation translation;
	struct kvm_interrupt interrupt;
	struct kvm_fpu fpu;
	struct kvm_xcrs xcrs;
	u64 mce_cap;
	struct kvm_vapic_addr vapic;
	struct kvm_tpr_access_ctl tpr;
	struct kvm_nested_state nested;
};

#define VTR_DIR_IN	1
#define VTR_DIR_OUT	2

static int vtr_vcpu_plain_dir(unsigned int cmd)
{
	switch (cmd) {
	case KVM_GET_REGS:
	case KVM_GET_SREGS:
	case KVM_GET_VCPU_EVENTS:
	case KVM_GET_DEBUGREGS:
	case KVM_GET_MP_STATE:
	case KVM_GET_FPU:
	case KVM_GET_XCRS:
		return VTR_DIR_OUT;
	case KVM_SET_REGS:
	case KVM_SET_SREGS:
	case KVM_SET_VCPU_EVENTS:
	case KVM_SET_DEBUGREGS:
	case KVM_SET_MP_STATE:
	case KVM_SET_FPU:
	case KVM_SET_XCRS:
	case KVM_SET_GUEST_DEBUG:
	case KVM_INTERRUPT:
	case KVM_X86_SETUP_MCE:
	case KVM_SET_VAPIC_ADDR:
	case KVM_SET_NESTED_STATE:
		return VTR_DIR_IN;
	case KVM_TRANSLATE:
	case KVM_TPR_ACCESS_REPORTING:
	case KVM_GET_NESTED_STATE:
		return VTR_DIR_IN | VTR_DIR_OUT;
	}
	return 0;
}

static long vtr_vcpu_plain(struct vtr_vcpu *v, unsigned int cmd, union vtr_vcpu_arg *a)
{
	switch (cmd) {
	case KVM_GET_REGS:
		vtr_get_regs(v, &a->regs);
		return 0;
	case KVM_SET_REGS:
		return vtr_set_regs(v, &a->regs);
	case KVM_GET_SREGS:
		vtr_get_sregs(v, &a->sregs);
		return 0;
	case KVM_SET_SREGS:
		return vtr_set_sregs(v, &a->sregs);
	case KVM_GET_VCPU_EVENTS:
		vtr_get_events(v, &a->events);
		return 0;
	case KVM_SET_VCPU_EVENTS:
		return vtr_set_events(v, &a->events);
	case KVM_GET_DEBUGREGS:
		vtr_get_debugregs(v, &a->debugregs);
		return 0;
	case KVM_SET_DEBUGREGS:
		return vtr_set_debugregs(v, &a->debugregs);
	case KVM_GET_MP_STATE:
		return vtr_get_mp_state(v, &a->mp_state);
	case KVM_SET_MP_STATE:
		return vtr_set_mp_state(v, &a->mp_state);
	case KVM_GET_FPU:
		return vtr_fpu_get(v, &a->fpu);
	case KVM_SET_FPU:
		return vtr_fpu_set(v, &a->fpu);
	case KVM_GET_XCRS:
		return vtr_fpu_get_xcrs(v, &a->xcrs);
	case KVM_SET_XCRS:
		return vtr_fpu_set_xcrs(v, &a->xcrs);
	case KVM_SET_GUEST_DEBUG:
		return vtr_set_guest_debug(v, &a->guest_debug);
	case KVM_TRANSLATE:
		return vtr_translate(v, &a->translation);
	case KVM_INTERRUPT:
		return vtr_vcpu_interrupt(v, &a->interrupt);
	case KVM_SET_VAPIC_ADDR:
		return v->apic ? 0 : -EINVAL;
	case KVM_TPR_ACCESS_REPORTING:
		return a->tpr.flags ? -EINVAL : 0;
	case KVM_GET_NESTED_STATE:
		return vtr_get_nested(&a->nested);
	case KVM_SET_NESTED_STATE:
		return vtr_set_nested(&a->nested);
	default:
		return vtr_msr_setup_mce(v, a->mce_cap);
	}
}

static long vtr_vcpu_plain_ioctl(struct vtr_vcpu *v, unsigned int cmd, void __user *user, int dir)
{
	union vtr_vcpu_arg a = {};
	size_t size = _IOC_SIZE(cmd);
	long ret;

	if (dir & VTR_DIR_IN && copy_from_user(&a, user, size))
		return -EFAULT;
	ret = vtr_vcpu_plain(v, cmd, &a);
	if (!ret && dir & VTR_DIR_OUT && copy_to_user(user, &a, size))
		return -EFAULT;
	return ret;
}

static long vtr_vcpu_lapic(struct vtr_vcpu *v, void __user *user, bool set)
{
	struct kvm_lapic_state *s;
	long ret;

	if (!v->apic)
		return -EINVAL;
	s = set ? memdup_user(user, sizeof(*s)) : kzalloc(sizeof(*s), GFP_KERNEL);
	if (IS_ERR_OR_NULL(s))
		return s ? PTR_ERR(s) : -ENOMEM;
	ret = set ? vtr_apic_set_state(v, s) : vtr_apic_get_state(v, s);
	if (!ret && !set && copy_to_user(user, s, sizeof(*s)))
		ret = -EFAULT;
	kfree(s);
	return ret;
}

static long vtr_vcpu_xsave(struct vtr_vcpu *v, void __user *user, bool set, u32 size)
{
	void *area;
	long ret;

	if (!vtr_fpu_has_xsave())
		return -EINVAL;
	area = set ? memdup_user(user, size) : kzalloc(size, GFP_KERNEL);
	if (IS_ERR_OR_NULL(area))
		return area ? PTR_ERR(area) : -ENOMEM;
	ret = set ? vtr_fpu_set_xsave(v, area, size) : vtr_fpu_get_xsave(v, area, size);
	if (!ret && !set && copy_to_user(user, area, size))
		ret = -EFAULT;
	kfree(area);
	return ret;
}

static long vtr_vcpu_set_signal_mask(struct vtr_vcpu *v, struct kvm_signal_mask __user *user)
{
	struct kvm_signal_mask head;

	if (!user) {
		v->sigmask_set = false;
		return 0;
	}
	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	if (head.len != sizeof(v->sigmask))
		return -EINVAL;
	if (copy_from_user(&v->sigmask, user->sigset, sizeof(v->sigmask)))
		return -EFAULT;
	sigdelsetmask(&v->sigmask, sigmask(SIGKILL) | sigmask(SIGSTOP));
	v->sigmask_set = true;
	return 0;
}

/* Signals that the caller opened only for the run end it and are handled after it. */
static noinline int vtr_vcpu_run_masked(struct vtr_vcpu *v)
{
	sigset_t saved;
	int ret;

	sigprocmask(SIG_SETMASK, &v->sigmask, &saved);
	ret = vtr_run(v);
	sigprocmask(SIG_SETMASK, &saved, NULL);
	return ret;
}

static __always_inline long vtr_vcpu_run(struct vtr_vcpu *v, unsigned long arg)
{
	if (unlikely(arg))
		return -EINVAL;
	return likely(!v->sigmask_set) ? vtr_run(v) : vtr_vcpu_run_masked(v);
}

static long vtr_vcpu_locked(struct vtr_vcpu *v, unsigned int cmd, unsigned long arg)
{
	void __user *user = (void __user *)arg;
	int dir = vtr_vcpu_plain_dir(cmd);

	if (dir)
		return vtr_vcpu_plain_ioctl(v, cmd, user, dir);
	switch (cmd) {
	case KVM_GET_MSRS:
		return vtr_vcpu_msrs(v, user, false);
	case KVM_SET_MSRS:
		return vtr_vcpu_msrs(v, user, true);
	case KVM_SET_CPUID2:
		return vtr_vcpu_set_cpuid(v, user);
	case KVM_GET_CPUID2:
		return vtr_vcpu_get_cpuid(v, user);
	case KVM_GET_LAPIC:
		return vtr_vcpu_lapic(v, user, false);
	case KVM_SET_LAPIC:
		return vtr_vcpu_lapic(v, user, true);
	case KVM_GET_XSAVE:
		return vtr_vcpu_xsave(v, user, false, sizeof(struct kvm_xsave));
	case KVM_GET_XSAVE2:
		return vtr_vcpu_xsave(v, user, false, vtr_fpu_user_size());
	case KVM_SET_XSAVE:
		return vtr_vcpu_xsave(v, user, true, vtr_fpu_user_size());
	case KVM_NMI:
		return vtr_vcpu_nmi(v);
	case KVM_GET_TSC_KHZ:
		return vtr_clock_get_khz(v);
	case KVM_SET_TSC_KHZ:
		return vtr_clock_set_khz(v, arg);
	case KVM_KVMCLOCK_CTRL:
		return vtr_clock_guest_stopped(v);
	case KVM_SET_SIGNAL_MASK:
		return vtr_vcpu_set_signal_mask(v, user);
	case KVM_HAS_DEVICE_ATTR:
	case KVM_GET_DEVICE_ATTR:
	case KVM_SET_DEVICE_ATTR:
		return vtr_clock_attr(v, cmd, user);
	default:
		return -EINVAL;
	}
}

/* Every ioctl but the usual KVM_RUN. */
static noinline long vtr_vcpu_other(struct vtr_vcpu *v, unsigned int cmd, unsigned long arg)
{
	long ret;

	if (cmd == KVM_GET_STATS_FD)
		return vtr_stats_vcpu_fd(v);
	if (mutex_lock_killable(&v->mutex))
		return -EINTR;
	if (cmd == KVM_RUN)
		ret = vtr_vcpu_run(v, arg);
	else
		ret = vtr_vcpu_locked(v, cmd, arg);
	mutex_unlock(&v->mutex);
	return ret;
}

static long vtr_vcpu_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct vtr_vcpu *v = file->private_data;
	long ret;

	if (unlikely(v->vm->mm != current->mm || READ_ONCE(v->vm->dead)))
		return -EIO;
	/* The usual case first: a run that no other ioctl of the vCPU is in the way of. */
	if (unlikely(cmd != KVM_RUN || !mutex_trylock(&v->mutex)))
		return vtr_vcpu_other(v, cmd, arg);
	ret = vtr_vcpu_run(v, arg);
	mutex_unlock(&v->mutex);
	return ret;
}

static vm_fault_t vtr_vcpu_fault(struct vm_fault *vmf)
{
	struct vtr_vcpu *v = vmf->vma->vm_file->private_data;
	struct page *page;

	if (vmf->pgoff == 0)
		page = virt_to_page(v->run);
	else if (vmf->pgoff == 1)
		page = virt_to_page(v->pio_data);
	else if (vmf->pgoff == 2)
		page = v->vm->coalesced;
	else
		return VM_FAULT_SIGBUS;
	get_page(page);
	vmf->page = page;
	return 0;
}

static const struct vm_operations_struct vtr_vcpu_vm_ops = { .fault = vtr_vcpu_fault };

static int vtr_vcpu_mmap(struct file *file, struct vm_area_struct *vma)
{
	vma->vm_ops = &vtr_vcpu_vm_ops;
	return 0;
}

static int vtr_vcpu_release(struct inode *inode, struct file *file)
{
	struct vtr_vcpu *v = file->private_data;

	vtr_vm_put(v->vm);
	return 0;
}

static const struct file_operations vtr_vcpu_fops = {
	.owner		= THIS_MODULE,
	.release	= vtr_vcpu_release,
	.unlocked_ioctl	= vtr_vcpu_ioctl,
	.mmap		= vtr_vcpu_mmap,
	.llseek		= noop_llseek,
};

/**
 * vtr_vcpu_fd() - a file for a new vCPU, which goes into its VM with it; the file holds the VM
 * @v: from vtr_vcpu_create(), vm->lock held ever since
 *
 * The vCPU is in its VM before anybody can run it, and only if there is a file for it.
 * Return: the descriptor or -errno: -EMFILE, -ENFILE, -ENOMEM.
 */
int vtr_vcpu_fd(struct vtr_vcpu *v)
{
	char name[8 + 1 + 10 + 1];
	struct file *file;
	int fd = get_unused_fd_flags(O_CLOEXEC);

	if (fd < 0)
		return fd;
	snprintf(name, sizeof(name), "kvm-vcpu:%u", v->id);
	file = anon_inode_getfile(name, &vtr_vcpu_fops, v, O_RDWR);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	vtr_vm_get(v->vm);
	vtr_vcpu_add(v);
	fd_install(fd, file);
	return fd;
}
