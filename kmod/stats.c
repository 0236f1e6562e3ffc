// SPDX-License-Identifier: GPL-2.0-only
/*
 * stats.c - KVM's binary statistics interface over the counters of stats.h.
 *
 * A file is a header, the object's name, descriptors, and the values; everything but the values is
 * constant. Source: KVM api.rst KVM_GET_STATS_FD.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "module.h"

#define VTR_STAT_NAME	48

struct vtr_stat_desc {
	struct kvm_stats_desc head;
	char name[VTR_STAT_NAME];
};

struct vtr_stats_file {
	struct vtr_vm *vm;
	struct vtr_vcpu *v;		/* NULL: the VM's */
	char id[VTR_STAT_NAME];
};

/* Plain counters of a vCPU: name, offset. */
#define VTR_VCPU_COUNTERS(X) \
	X(guest_cycles) X(halt_cycles) X(halts) X(user_exits) X(faults) X(tlb_flushes) \
	X(injected_irqs) X(injected_nmis) X(injected_exceptions)

static const struct {
	const char *name;
	size_t offset;
} vtr_counters[] = {
#define X(n) { #n, offsetof(struct vtr_vcpu_stats, n) },
	VTR_VCPU_COUNTERS(X)
#undef X
};

static const char *const vtr_exit_names[VTR_EXIT_NR] = {
#define X(kind, name) name,
	VTR_EXIT_KINDS(X)
#undef X
};

/**
 * vtr_exit_name() - what people call an exit
 * @kind: which
 *
 * Return: a constant string.
 */
const char *vtr_exit_name(enum vtr_exit_kind kind)
{
	return kind < VTR_EXIT_NR ? vtr_exit_names[kind] : "unknown";
}

/* vCPU file: counters, then per exit kind a count and the time. VM file: page-table pages, vCPUs. */
#define VTR_VCPU_STATS	(ARRAY_SIZE(vtr_counters) + 2 * VTR_EXIT_NR)
#define VTR_VM_STATS	2

static void vtr_stat_describe(const struct vtr_stats_file *f, u32 i, struct vtr_stat_desc *d)
{
	memset(d, 0, sizeof(*d));
	d->head.size = 1;
	d->head.offset = i * sizeof(u64);
	d->head.flags = KVM_STATS_TYPE_CUMULATIVE | KVM_STATS_UNIT_NONE | KVM_STATS_BASE_POW10;
	if (!f->v) {
		d->head.flags = KVM_STATS_TYPE_INSTANT | KVM_STATS_UNIT_NONE |
				KVM_STATS_BASE_POW10;
		strscpy(d->name, i ? "vcpus" : "page_table_pages", VTR_STAT_NAME);
		return;
	}
	if (i < ARRAY_SIZE(vtr_counters)) {
		strscpy(d->name, vtr_counters[i].name, VTR_STAT_NAME);
		return;
	}
	i -= ARRAY_SIZE(vtr_counters);
	snprintf(d->name, VTR_STAT_NAME, "exit_%s%s", vtr_exit_names[i / 2],
		 i % 2 ? "_cycles" : "");
}

static u64 vtr_stat_value(const struct vtr_stats_file *f, u32 i)
{
	struct vtr_vcpu_stats *s;

	if (!f->v)
		return i ? READ_ONCE(f->vm->nr_vcpus) : atomic64_read(&f->vm->mmu.pt_pages);
	s = &f->v->stats;
	if (i < ARRAY_SIZE(vtr_counters))
		return READ_ONCE(*(u64 *)((void *)s + vtr_counters[i].offset));
	i -= ARRAY_SIZE(vtr_counters);
	return i % 2 ? READ_ONCE(s->exit[i / 2].cycles) : READ_ONCE(s->exit[i / 2].count);
}

static ssize_t vtr_stats_read(struct file *file, char __user *user, size_t len, loff_t *pos)
{
	const struct vtr_stats_file *f = file->private_data;
	u32 n = f->v ? VTR_VCPU_STATS : VTR_VM_STATS, i;
	struct kvm_stats_header h = {
		.name_size	= VTR_STAT_NAME,
		.num_desc	= n,
		.id_offset	= sizeof(h),
		.desc_offset	= sizeof(h) + VTR_STAT_NAME,
		.data_offset	= sizeof(h) + VTR_STAT_NAME + n * sizeof(struct vtr_stat_desc),
	};
	size_t size = h.data_offset + n * sizeof(u64);
	u8 *image = kvzalloc(size, GFP_KERNEL);
	ssize_t ret;

	if (!image)
		return -ENOMEM;
	memcpy(image, &h, sizeof(h));
	memcpy(image + h.id_offset, f->id, VTR_STAT_NAME);
	for (i = 0; i < n; i++) {
		vtr_stat_describe(f, i, (void *)(image + h.desc_offset) +
				  i * sizeof(struct vtr_stat_desc));
		((u64 *)(image + h.data_offset))[i] = vtr_stat_value(f, i);
	}
	ret = simple_read_from_buffer(user, len, pos, image, size);
	kvfree(image);
	return ret;
}

static int vtr_stats_release(struct inode *inode, struct file *file)
{
	struct vtr_stats_file *f = file->private_data;

	vtr_vm_put(f->vm);
	kfree(f);
	return 0;
}

static const struct file_operations vtr_stats_fops = {
	.owner		= THIS_MODULE,
	.read		= vtr_stats_read,
	.release	= vtr_stats_release,
	.llseek		= default_llseek,
};

static int vtr_stats_open(struct vtr_vm *vm, struct vtr_vcpu *v)
{
	struct vtr_stats_file *f = kzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);
	struct file *file;
	int fd;

	if (!f)
		return -ENOMEM;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		kfree(f);
		return fd;
	}
	file = anon_inode_getfile(v ? "kvm-vcpu-stats" : "kvm-vm-stats", &vtr_stats_fops, f,
				  O_RDONLY);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		kfree(f);
		return PTR_ERR(file);
	}
	file->f_mode |= FMODE_PREAD;
	f->vm = vm;
	f->v = v;
	vtr_vm_get(vm);
	if (v)
		snprintf(f->id, sizeof(f->id), "vitrine-%u/vcpu-%u", vm->vm_id, v->id);
	else
		snprintf(f->id, sizeof(f->id), "vitrine-%u", vm->vm_id);
	fd_install(fd, file);
	return fd;
}

/**
 * vtr_stats_vm_fd() - KVM_GET_STATS_FD on a VM
 * @vm: held by the new file
 *
 * Return: descriptor or -errno.
 */
int vtr_stats_vm_fd(struct vtr_vm *vm)
{
	return vtr_stats_open(vm, NULL);
}

/**
 * vtr_stats_vcpu_fd() - KVM_GET_STATS_FD on a vCPU; reading does not stop it
 * @v: its VM is held by the new file
 *
 * Return: descriptor or -errno.
 */
int vtr_stats_vcpu_fd(struct vtr_vcpu *v)
{
	return vtr_stats_open(v->vm, v);
}
