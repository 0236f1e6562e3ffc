// SPDX-License-Identifier: GPL-2.0-only
/*
 * vm.c - the VM object and its file: creation, ioctls, lifetime.
 *
 * A VM lives while its file, a vCPU's file, a stats file or an irqfd holds it (vtr_vm_get/put).
 */
#include <linux/anon_inodes.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "backend.h"
#include "module.h"
#include "fpu.h"
#include "vcpu.h"

static atomic_t vtr_next_vm_id = ATOMIC_INIT(0);

/**
 * vtr_vm_get() - one more user of the VM
 * @vm: the VM; the caller holds one already
 */
void vtr_vm_get(struct vtr_vm *vm)
{
	refcount_inc(&vm->users);
}

static void vtr_vm_destroy(struct vtr_vm *vm)
{
	u32 i;

	vtr_registry_remove(vm);
	/* The notifier asks vCPUs to flush; sources of interrupts go before their targets. */
	vtr_notifier_detach(vm);
	vtr_irqfd_fini(vm);
	vtr_ioeventfd_fini(vm);
	vtr_irqchip_destroy(vm);
	vtr_clock_vm_fini(vm);
	for (i = 0; i < vm->nr_vcpus; i++)
		vtr_vcpu_destroy(vm->vcpus[i]);
	vtr_bus_fini(vm);
	vtr_irq_router_fini(vm);
	vtr_mmu_fini(vm);
	vtr_coalesced_fini(vm);
	if (vm->coalesced)
		put_page(vm->coalesced);
	mmdrop(vm->mm);
	vtr_ident_fini(&vm->ident);
	kvfree(vm);
	module_put(THIS_MODULE);
}

/**
 * vtr_vm_put() - one user less; the last one destroys the VM
 * @vm: the VM
 *
 * Context: may sleep.
 */
void vtr_vm_put(struct vtr_vm *vm)
{
	if (refcount_dec_and_test(&vm->users))
		vtr_vm_destroy(vm);
}

/**
 * vtr_vm_create() - an empty VM whose memory is the caller's
 *
 * Return: the VM with one user, or an ERR_PTR: -ENOMEM, -EINTR, -ENODEV while the host goes down.
 */
struct vtr_vm *vtr_vm_create(void)
{
	struct vtr_vm *vm;
	int err = -ENOMEM;

	vm = kvzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);
	if (!vm)
		return ERR_PTR(-ENOMEM);
	refcount_set(&vm->users, 1);
	mutex_init(&vm->lock);
	spin_lock_init(&vm->ring_lock);
	vm->vm_id = atomic_inc_return(&vtr_next_vm_id);
	vm->coalesced = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!vm->coalesced)
		goto free;
	vm->mm = current->mm;
	mmgrab(vm->mm);
	vtr_bus_init(vm);
	err = vtr_irq_router_init(vm);
	if (err)
		goto drop;
	err = vtr_mmu_init(vm);
	if (err)
		goto router;
	vtr_clock_vm_init(vm);
	err = vtr_registry_add(vm);
	if (err)
		goto clock;
	__module_get(THIS_MODULE);
	return vm;

clock:
	vtr_clock_vm_fini(vm);
	vtr_notifier_detach(vm);
	vtr_mmu_fini(vm);
router:
	vtr_irq_router_fini(vm);
drop:
	vtr_bus_fini(vm);
	mmdrop(vm->mm);
	put_page(vm->coalesced);
free:
	kvfree(vm);
	return ERR_PTR(err);
}

/* Capability, value. Not here: what depends on the VM or the host, below. */
static const struct {
	u32 cap;
	int value;
} vtr_caps[] = {
	{ KVM_CAP_IRQCHIP, 1 },
	{ KVM_CAP_HLT, 1 },
	{ KVM_CAP_ENABLE_CAP_VM, 1 },
	{ KVM_CAP_SPLIT_IRQCHIP, 1 },
	{ KVM_CAP_SYNC_REGS, KVM_SYNC_X86_VALID_FIELDS },
	{ KVM_CAP_COALESCED_PIO, 1 },
	{ KVM_CAP_USER_MEMORY, 1 },
	{ KVM_CAP_SET_TSS_ADDR, 1 },
	{ KVM_CAP_EXT_CPUID, 1 },
	{ KVM_CAP_MP_STATE, 1 },
	{ KVM_CAP_COALESCED_MMIO, 2 },	/* page of the vCPU's mapping */
	{ KVM_CAP_SYNC_MMU, 1 },
	{ KVM_CAP_DESTROY_MEMORY_REGION_WORKS, 1 },
	{ KVM_CAP_USER_NMI, 1 },
	{ KVM_CAP_SET_GUEST_DEBUG, 1 },
	{ KVM_CAP_REINJECT_CONTROL, 1 },
	{ KVM_CAP_IRQ_ROUTING, VTR_MAX_GSIS },
	{ KVM_CAP_IRQ_INJECT_STATUS, 1 },
	{ KVM_CAP_JOIN_MEMORY_REGIONS_WORKS, 1 },
	{ KVM_CAP_MCE, 32 },
	{ KVM_CAP_IRQFD, 1 },
	{ KVM_CAP_PIT2, 1 },
	{ KVM_CAP_PIT_STATE2, 1 },
	{ KVM_CAP_IOEVENTFD, 1 },
	{ KVM_CAP_SET_IDENTITY_MAP_ADDR, 1 },
	{ KVM_CAP_ADJUST_CLOCK, KVM_CLOCK_TSC_STABLE | KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC },
	{ KVM_CAP_INTERNAL_ERROR_DATA, 1 },
	{ KVM_CAP_VCPU_EVENTS, 1 },
	{ KVM_CAP_DEBUGREGS, 1 },
	{ KVM_CAP_X86_ROBUST_SINGLESTEP, 1 },
	{ KVM_CAP_GET_TSC_KHZ, 1 },
	{ KVM_CAP_NR_MEMSLOTS, VTR_MAX_SLOTS },
	{ KVM_CAP_MAX_VCPUS, VTR_MAX_VCPUS },
	{ KVM_CAP_MAX_VCPU_ID, VTR_MAX_VCPUS },
	{ KVM_CAP_TSC_DEADLINE_TIMER, 1 },
	{ KVM_CAP_KVMCLOCK_CTRL, 1 },
	{ KVM_CAP_SIGNAL_MSI, 1 },
	{ KVM_CAP_READONLY_MEM, 1 },
	{ KVM_CAP_IRQFD_RESAMPLE, 1 },
	{ KVM_CAP_CHECK_EXTENSION_VM, 1 },
	{ KVM_CAP_IOEVENTFD_ANY_LENGTH, 1 },
	{ KVM_CAP_IMMEDIATE_EXIT, 1 },
	{ KVM_CAP_GET_MSR_FEATURES, 1 },
	{ KVM_CAP_BINARY_STATS_FD, 1 },
	{ VITRINE_CAP_VM_NAME, 1 },
	{ VITRINE_CAP_VM_NOTE, 1 },
	{ VITRINE_CAP_TRACE, 1 },
	{ KVM_CAP_SET_GUEST_DEBUG2, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP |
		KVM_GUESTDBG_USE_SW_BP | KVM_GUESTDBG_USE_HW_BP | KVM_GUESTDBG_INJECT_DB |
		KVM_GUESTDBG_INJECT_BP | KVM_GUESTDBG_BLOCKIRQ },
};

/**
 * vtr_check_extension() - KVM_CHECK_EXTENSION
 * @vm: the VM, or NULL when the device was asked
 * @cap: KVM_CAP_*
 *
 * Return: the capability's value, 0 for one we do not have. Never negative.
 */
int vtr_check_extension(struct vtr_vm *vm, long cap)
{
	int i;

	switch (cap) {
	case KVM_CAP_NR_VCPUS:
		return min_t(int, num_online_cpus(), VTR_MAX_VCPUS);
	case KVM_CAP_XSAVE:
	case KVM_CAP_XCRS:
		return vtr_fpu_has_xsave();
	case KVM_CAP_TSC_CONTROL:
		return vtr_clock_scales_tsc();
	case KVM_CAP_XSAVE2:
		return vtr_fpu_has_xsave() ? vtr_fpu_user_size() : 0;
	case KVM_CAP_GET_MSR_FEATURES: {
		u32 n;

		vtr_msr_list(true, &n);
		return n != 0;
	}
	}
	for (i = 0; i < ARRAY_SIZE(vtr_caps); i++)
		if (vtr_caps[i].cap == cap)
			return vtr_caps[i].value;
	return 0;
}

static long vtr_vm_create_vcpu(struct vtr_vm *vm, unsigned long id)
{
	struct vtr_vcpu *v;
	long ret;

	if (id > U32_MAX)
		return -EINVAL;
	mutex_lock(&vm->lock);
	v = vtr_vcpu_create(vm, id);
	if (IS_ERR(v)) {
		ret = PTR_ERR(v);
	} else {
		ret = vtr_vcpu_fd(v);
		if (ret < 0)
			vtr_vcpu_destroy(v);
	}
	mutex_unlock(&vm->lock);
	return ret;
}

static long vtr_vm_create_irqchip(struct vtr_vm *vm)
{
	long ret;

	mutex_lock(&vm->lock);
	if (vtr_vm_has_apics(vm))
		ret = -EEXIST;
	else if (vm->nr_vcpus)
		ret = -EINVAL;
	else
		ret = vtr_irqchip_create(vm);
	mutex_unlock(&vm->lock);
	return ret;
}

/* KVM_CAP_SPLIT_IRQCHIP: local APICs, no other chip, and a routing table without pins. */
static long vtr_vm_split_irqchip(struct vtr_vm *vm, u64 pins)
{
	long ret = 0;

	if (pins > VTR_MAX_GSIS)
		return -EINVAL;
	mutex_lock(&vm->lock);
	if (vtr_vm_has_apics(vm) || vm->nr_vcpus) {
		ret = -EEXIST;
	} else {
		vm->split_pins = pins;
		vm->split_irqchip = true;
	}
	mutex_unlock(&vm->lock);
	return ret;
}

static long vtr_vm_enable_cap(struct vtr_vm *vm, const struct kvm_enable_cap *cap)
{
	if (cap->flags)
		return -EINVAL;
	switch (cap->cap) {
	case KVM_CAP_SPLIT_IRQCHIP:
		return vtr_vm_split_irqchip(vm, cap->args[0]);
	default:
		return -EINVAL;
	}
}

static long vtr_vm_set_routing(struct vtr_vm *vm, struct kvm_irq_routing __user *user)
{
	struct kvm_irq_routing_entry *e = NULL;
	struct kvm_irq_routing head;
	long ret;

	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	if (head.nr > VTR_MAX_GSIS || head.flags)
		return -EINVAL;
	if (!vtr_vm_has_apics(vm))
		return -EINVAL;
	if (head.nr) {
		e = vmemdup_user(user->entries, head.nr * sizeof(*e));
		if (IS_ERR(e))
			return PTR_ERR(e);
	}
	mutex_lock(&vm->lock);
	ret = vtr_irq_set_routing(vm, e, head.nr, head.flags);
	mutex_unlock(&vm->lock);
	kvfree(e);
	return ret;
}

static long vtr_vm_irq_line(struct vtr_vm *vm, unsigned int cmd, struct kvm_irq_level __user *user)
{
	struct kvm_irq_level l;
	int status;

	if (copy_from_user(&l, user, sizeof(l)))
		return -EFAULT;
	if (!vtr_vm_has_apics(vm))
		return -ENXIO;
	status = vtr_irq_set(vm, VTR_IRQ_SOURCE_USER, l.irq, l.level);
	if (cmd == KVM_IRQ_LINE)
		return 0;
	l.status = status;
	return copy_to_user(user, &l, sizeof(l)) ? -EFAULT : 0;
}

/* KVM_GET_IRQCHIP and SET: the struct comes in either way, for its chip id. */
static long vtr_vm_irqchip(struct vtr_vm *vm, unsigned int cmd, void __user *user)
{
	struct kvm_irqchip *chip = memdup_user(user, sizeof(*chip));
	long ret;

	if (IS_ERR(chip))
		return PTR_ERR(chip);
	if (!vm->irqchip) {
		ret = -ENXIO;
	} else if (cmd == KVM_GET_IRQCHIP) {
		ret = vtr_irqchip_get(vm, chip);
		if (!ret && copy_to_user(user, chip, sizeof(*chip)))
			ret = -EFAULT;
	} else {
		ret = vtr_irqchip_set(vm, chip);
	}
	kfree(chip);
	return ret;
}

/* The ioctls with a plain struct: in, or out. The dispatcher copies, handlers never do. */
union vtr_vm_arg {
	struct kvm_userspace_memory_region region;
	struct kvm_dirty_log dirty_log;
	struct kvm_pit_config pit_config;
	struct kvm_pit_state2 pit;
	struct kvm_reinject_control reinject;
	struct kvm_msi msi;
	struct kvm_irqfd irqfd;
	struct kvm_ioeventfd ioeventfd;
	struct kvm_clock_data clock;
	struct kvm_coalesced_mmio_zone zone;
	struct kvm_enable_cap cap;
	u64 addr;
};

static long vtr_vm_pit_create(struct vtr_vm *vm, const struct kvm_pit_config *cfg)
{
	long ret;

	mutex_lock(&vm->lock);
	ret = vtr_pit_create(vm, cfg);
	mutex_unlock(&vm->lock);
	return ret;
}

/* Real mode runs on the hardware: the page is not needed, only the order of calls is held to. */
static long vtr_vm_identity_map(struct vtr_vm *vm)
{
	long ret;

	mutex_lock(&vm->lock);
	ret = vm->nr_vcpus ? -EINVAL : 0;
	mutex_unlock(&vm->lock);
	return ret;
}

static long vtr_vm_plain(struct vtr_vm *vm, unsigned int cmd, union vtr_vm_arg *a)
{
	switch (cmd) {
	case KVM_SET_USER_MEMORY_REGION:
		return vtr_slots_set(vm, &a->region);
	case KVM_GET_DIRTY_LOG:
		return vtr_dirty_log_get(vm, &a->dirty_log);
	case KVM_SET_IDENTITY_MAP_ADDR:
		return vtr_vm_identity_map(vm);
	case KVM_CREATE_PIT2:
		return vtr_vm_pit_create(vm, &a->pit_config);
	case KVM_GET_PIT2:
		return vtr_pit_get(vm, &a->pit);
	case KVM_SET_PIT2:
		return vtr_pit_set(vm, &a->pit);
	case KVM_REINJECT_CONTROL:
		return vtr_pit_reinject(vm, &a->reinject);
	case KVM_SIGNAL_MSI:
		return vtr_vm_has_apics(vm) ? vtr_irq_signal_msi(vm, &a->msi) : -EINVAL;
	case KVM_IRQFD:
		return vtr_irqfd(vm, &a->irqfd);
	case KVM_IOEVENTFD:
		return vtr_ioeventfd(vm, &a->ioeventfd);
	case KVM_GET_CLOCK:
		return vtr_clock_get(vm, &a->clock);
	case KVM_SET_CLOCK:
		return vtr_clock_set(vm, &a->clock);
	case KVM_REGISTER_COALESCED_MMIO:
		return vtr_coalesced_register(vm, &a->zone);
	case KVM_UNREGISTER_COALESCED_MMIO:
		return vtr_coalesced_unregister(vm, &a->zone);
	case KVM_ENABLE_CAP:
		return vtr_vm_enable_cap(vm, &a->cap);
	default:
		return -ENOTTY;
	}
}

static bool vtr_vm_is_plain(unsigned int cmd)
{
	switch (cmd) {
	case KVM_SET_USER_MEMORY_REGION:
	case KVM_GET_DIRTY_LOG:
	case KVM_SET_IDENTITY_MAP_ADDR:
	case KVM_CREATE_PIT2:
	case KVM_GET_PIT2:
	case KVM_SET_PIT2:
	case KVM_REINJECT_CONTROL:
	case KVM_SIGNAL_MSI:
	case KVM_IRQFD:
	case KVM_IOEVENTFD:
	case KVM_GET_CLOCK:
	case KVM_SET_CLOCK:
	case KVM_REGISTER_COALESCED_MMIO:
	case KVM_UNREGISTER_COALESCED_MMIO:
	case KVM_ENABLE_CAP:
		return true;
	}
	return false;
}

static long vtr_vm_plain_ioctl(struct vtr_vm *vm, unsigned int cmd, void __user *user)
{
	union vtr_vm_arg a = {};
	size_t size = _IOC_SIZE(cmd);
	/* GET_DIRTY_LOG's struct only comes in: its bitmap is copied by the handler. */
	bool out = cmd == KVM_GET_PIT2 || cmd == KVM_GET_CLOCK;
	long ret;

	if (!out && copy_from_user(&a, user, size))
		return -EFAULT;
	ret = vtr_vm_plain(vm, cmd, &a);
	if (!ret && out && copy_to_user(user, &a, size))
		return -EFAULT;
	return ret;
}

static long vtr_vm_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct vtr_vm *vm = file->private_data;
	void __user *user = (void __user *)arg;

	if (vm->mm != current->mm || READ_ONCE(vm->dead))
		return -EIO;
	if (vtr_vm_is_plain(cmd))
		return vtr_vm_plain_ioctl(vm, cmd, user);
	switch (cmd) {
	case KVM_CREATE_VCPU:
		return vtr_vm_create_vcpu(vm, arg);
	case KVM_CHECK_EXTENSION:
		return vtr_check_extension(vm, arg);
	case KVM_SET_TSS_ADDR:
		/* Real mode runs on the hardware: no page is needed for it. */
		return arg > 0xffffffffUL - 3 * PAGE_SIZE ? -EINVAL : 0;
	case KVM_CREATE_IRQCHIP:
		return vtr_vm_create_irqchip(vm);
	case KVM_GET_IRQCHIP:
	case KVM_SET_IRQCHIP:
		return vtr_vm_irqchip(vm, cmd, user);
	case KVM_IRQ_LINE:
	case KVM_IRQ_LINE_STATUS:
		return vtr_vm_irq_line(vm, cmd, user);
	case KVM_SET_GSI_ROUTING:
		return vtr_vm_set_routing(vm, user);
	case KVM_GET_STATS_FD:
		return vtr_stats_vm_fd(vm);
	default:
		return vtr_registry_ioctl(vm, cmd, user);
	}
}

static int vtr_vm_release(struct inode *inode, struct file *file)
{
	struct vtr_vm *vm = file->private_data;

	vtr_irqfd_fini(vm);
	vtr_vm_put(vm);
	return 0;
}

static const struct file_operations vtr_vm_fops = {
	.owner		= THIS_MODULE,
	.release	= vtr_vm_release,
	.unlocked_ioctl	= vtr_vm_ioctl,
	.llseek		= noop_llseek,
};

/**
 * vtr_vm_fd() - a file for a new VM
 * @vm: its reference goes to the file if this succeeds
 *
 * Return: the descriptor or -errno.
 */
int vtr_vm_fd(struct vtr_vm *vm)
{
	return anon_inode_getfd("kvm-vm", &vtr_vm_fops, vm, O_RDWR | O_CLOEXEC);
}
