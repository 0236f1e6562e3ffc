// SPDX-License-Identifier: GPL-2.0-only
/*
 * device.c - /dev/vitrine: the system ioctls of the KVM ABI.
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "backend.h"
#include "module.h"

#define VTR_VCPU_MMAP_SIZE	(3 * PAGE_SIZE)	/* kvm_run, port data, coalesced ring */

static long vtr_create_vm(unsigned long type)
{
	struct vtr_vm *vm;
	int fd;

	if (type)
		return -EINVAL;
	vm = vtr_vm_create();
	if (IS_ERR(vm))
		return PTR_ERR(vm);
	fd = vtr_vm_fd(vm);
	if (fd < 0)
		vtr_vm_put(vm);
	return fd;
}

static long vtr_get_supported_cpuid(struct kvm_cpuid2 __user *user)
{
	struct kvm_cpuid_entry2 *entries;
	struct kvm_cpuid2 head;
	u32 nent;
	long ret;

	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	nent = min_t(u32, head.nent, VTR_CPUID_MAX);
	entries = kcalloc(max(nent, 1u), sizeof(*entries), GFP_KERNEL);
	if (!entries)
		return -ENOMEM;
	ret = vtr_cpuid_supported(entries, &nent);
	if (!ret) {
		head.nent = nent;
		if (copy_to_user(user, &head, sizeof(head)) ||
		    copy_to_user(user->entries, entries, nent * sizeof(*entries)))
			ret = -EFAULT;
	}
	kfree(entries);
	return ret;
}

/* Both MSR lists: the count is written back also when the caller's room is too small. */
static long vtr_get_msr_list(struct kvm_msr_list __user *user, bool features)
{
	struct kvm_msr_list head;
	const u32 *list;
	u32 n, room;

	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	list = vtr_msr_list(features, &n);
	room = head.nmsrs;
	head.nmsrs = n;
	if (copy_to_user(user, &head, sizeof(head)))
		return -EFAULT;
	if (room < n)
		return -E2BIG;
	return copy_to_user(user->indices, list, n * sizeof(u32)) ? -EFAULT : 0;
}

static long vtr_get_feature_msrs(struct kvm_msrs __user *user)
{
	struct kvm_msrs head;
	struct kvm_msr_entry e;
	u32 i;

	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	if (head.nmsrs >= VTR_MSRS_MAX)
		return -E2BIG;
	for (i = 0; i < head.nmsrs; i++) {
		if (copy_from_user(&e, &user->entries[i], sizeof(e)))
			return -EFAULT;
		if (vtr_msr_feature(e.index, &e.data))
			break;
		if (copy_to_user(&user->entries[i], &e, sizeof(e)))
			return -EFAULT;
	}
	return i;
}

static long vtr_device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *user = (void __user *)arg;

	switch (cmd) {
	case KVM_GET_API_VERSION:
		return arg ? -EINVAL : KVM_API_VERSION;
	case KVM_CREATE_VM:
		return vtr_create_vm(arg);
	case KVM_CHECK_EXTENSION:
		return vtr_check_extension(NULL, arg);
	case KVM_GET_VCPU_MMAP_SIZE:
		return arg ? -EINVAL : VTR_VCPU_MMAP_SIZE;
	case KVM_GET_SUPPORTED_CPUID:
		return vtr_get_supported_cpuid(user);
	case KVM_GET_MSR_INDEX_LIST:
		return vtr_get_msr_list(user, false);
	case KVM_GET_MSR_FEATURE_INDEX_LIST:
		return vtr_get_msr_list(user, true);
	case KVM_GET_MSRS:
		return vtr_get_feature_msrs(user);
	case KVM_X86_GET_MCE_CAP_SUPPORTED:
		return put_user((u64)VTR_MCG_CAPS, (u64 __user *)user);
	case VITRINE_TRACE_OPEN:
		return vtr_trace_open(user);
	default:
		return -EINVAL;
	}
}

static const struct file_operations vtr_device_fops = {
	.owner		= THIS_MODULE,
	.unlocked_ioctl	= vtr_device_ioctl,
	.llseek		= noop_llseek,
};

static struct miscdevice vtr_device = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "vitrine",
	.fops	= &vtr_device_fops,
	.mode	= 0660,
};

/**
 * vtr_device_init() - make /dev/vitrine appear
 *
 * Return: 0 or misc_register()'s error.
 */
int vtr_device_init(void)
{
	return misc_register(&vtr_device);
}

/**
 * vtr_device_fini() - take it away; nobody has it open (the module's reference count)
 */
void vtr_device_fini(void)
{
	misc_deregister(&vtr_device);
}
