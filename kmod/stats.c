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

/* As struct kvm_stats_desc, with a name behind it: some kernels' headers have the name inside. */
struct vtr_stat_desc {
	u32 flags;
	s16 exponent;
	u16 size;
	u32 offset;
	u32 bucket_size;
	char name[VTR_STAT_NAME];
};
static_assert(offsetof(struct vtr_stat_desc, name) ==
	      offsetofend(struct kvm_stats_desc, bucket_size));

struct vtr_stats_file {
	struct vtr_vm *vm;
	struct vtr_vcpu *v;		/* NULL: the VM's */
	char id[VTR_STAT_NAME];
};

/* Plain counters of a vCPU. */
#define NAMED(name, field, u)	{ name, KVM_STATS_UNIT_##u, offsetof(struct vtr_vcpu_stats, field) }
#define COUNTER(field, u)	NAMED(#field, field, u)

static const struct {
	const char *name;
	u32 unit;
	size_t offset;
} vtr_counters[] = {
	COUNTER(guest_cycles, CYCLES),
	COUNTER(halt_cycles, CYCLES),
	COUNTER(user_cycles, CYCLES),
	COUNTER(pause_cycles, CYCLES),
	COUNTER(steal_ns, SECONDS),
	COUNTER(halts, NONE),
	COUNTER(user_exits, NONE),
	NAMED("faults_read", faults[0], NONE),
	NAMED("faults_write", faults[1], NONE),
	NAMED("faults_fetch", faults[2], NONE),
	NAMED("mapped_4k", mapped[0], NONE),
	NAMED("mapped_2m", mapped[1], NONE),
	NAMED("mapped_1g", mapped[2], NONE),
	COUNTER(mmio, NONE),
	COUNTER(dirty_pages, NONE),
	COUNTER(tlb_flushes, NONE),
	COUNTER(injected_irqs, NONE),
	COUNTER(injected_nmis, NONE),
	COUNTER(injected_exceptions, NONE),
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

/* What one exit kind has: a count, the time, a histogram of it. */
enum { VTR_EXIT_COUNT, VTR_EXIT_CYCLES, VTR_EXIT_HIST, VTR_EXIT_STATS };

static const char *const vtr_exit_suffixes[VTR_EXIT_STATS] = { "", "_cycles", "_cycles_hist" };

/* vCPU file: counters, then each exit kind's. VM file: page-table pages, vCPUs. */
#define VTR_VCPU_STATS	(ARRAY_SIZE(vtr_counters) + VTR_EXIT_STATS * VTR_EXIT_NR)
#define VTR_VM_STATS	2

/**
 * struct vtr_stat - one statistic
 * @name: in two halves
 * @suffix: the second one
 * @flags: KVM_STATS_TYPE_ and _UNIT_
 * @nr: values
 * @values: where they are, or NULL: @value
 * @value: of the VM's
 */
struct vtr_stat {
	const char *name, *suffix;
	u32 flags;
	u32 nr;
	const u64 *values;
	u64 value;
};

static void vtr_vm_stat(struct vtr_vm *vm, u32 i, struct vtr_stat *s)
{
	s->name = i ? "vcpus" : "page_table_pages";
	s->flags = KVM_STATS_TYPE_INSTANT | KVM_STATS_UNIT_NONE;
	s->value = i ? READ_ONCE(vm->nr_vcpus) : atomic64_read(&vm->mmu.pt_pages);
}

static void vtr_exit_stat(const struct vtr_exit_stats *e, u32 which, struct vtr_stat *s)
{
	s->suffix = vtr_exit_suffixes[which];
	switch (which) {
	case VTR_EXIT_COUNT:
		s->values = &e->count;
		break;
	case VTR_EXIT_CYCLES:
		s->flags = KVM_STATS_TYPE_CUMULATIVE | KVM_STATS_UNIT_CYCLES;
		s->values = &e->cycles;
		break;
	case VTR_EXIT_HIST:
		s->flags = KVM_STATS_TYPE_LOG_HIST | KVM_STATS_UNIT_CYCLES;
		s->nr = VTR_HIST_BUCKETS;
		s->values = e->hist;
		break;
	}
}

static struct vtr_stat vtr_stat(const struct vtr_stats_file *f, u32 i)
{
	struct vtr_stat s = {
		.suffix	= "",
		.flags	= KVM_STATS_TYPE_CUMULATIVE | KVM_STATS_UNIT_NONE,
		.nr	= 1,
	};

	if (!f->v) {
		vtr_vm_stat(f->vm, i, &s);
	} else if (i < ARRAY_SIZE(vtr_counters)) {
		s.name = vtr_counters[i].name;
		s.flags = KVM_STATS_TYPE_CUMULATIVE | vtr_counters[i].unit;
		s.values = (void *)&f->v->stats + vtr_counters[i].offset;
	} else {
		i -= ARRAY_SIZE(vtr_counters);
		s.name = vtr_exit_names[i / VTR_EXIT_STATS];
		vtr_exit_stat(&f->v->stats.exit[i / VTR_EXIT_STATS], i % VTR_EXIT_STATS, &s);
	}
	return s;
}

static void vtr_stat_describe(const struct vtr_stat *s, u32 offset, bool exit,
			      struct vtr_stat_desc *d)
{
	memset(d, 0, sizeof(*d));
	d->size = s->nr;
	d->offset = offset;
	d->flags = s->flags | KVM_STATS_BASE_POW10;
	snprintf(d->name, VTR_STAT_NAME, "%s%s%s", exit ? "exit_" : "", s->name, s->suffix);
}

/*
 * Writes descriptors and values, or nothing if @desc is NULL. Returns the bytes of the values.
 * A value may change while it is read; each is one load.
 */
static u32 vtr_stats_write(const struct vtr_stats_file *f, u32 n, u8 *desc, u64 *data)
{
	u32 i, k, at = 0;

	for (i = 0; i < n; i++) {
		struct vtr_stat s = vtr_stat(f, i);

		if (desc) {
			vtr_stat_describe(&s, at * sizeof(u64),
					  f->v && i >= ARRAY_SIZE(vtr_counters),
					  (void *)desc + i * sizeof(struct vtr_stat_desc));
			for (k = 0; k < s.nr; k++)
				data[at + k] = s.values ? READ_ONCE(s.values[k]) : s.value;
		}
		at += s.nr;
	}
	return at * sizeof(u64);
}

static ssize_t vtr_stats_read(struct file *file, char __user *user, size_t len, loff_t *pos)
{
	const struct vtr_stats_file *f = file->private_data;
	u32 n = f->v ? VTR_VCPU_STATS : VTR_VM_STATS;
	struct kvm_stats_header h = {
		.name_size	= VTR_STAT_NAME,
		.num_desc	= n,
		.id_offset	= sizeof(h),
		.desc_offset	= sizeof(h) + VTR_STAT_NAME,
		.data_offset	= sizeof(h) + VTR_STAT_NAME + n * sizeof(struct vtr_stat_desc),
	};
	size_t size = h.data_offset + vtr_stats_write(f, n, NULL, NULL);
	u8 *image = kvzalloc(size, GFP_KERNEL);
	ssize_t ret;

	if (!image)
		return -ENOMEM;
	memcpy(image, &h, sizeof(h));
	memcpy(image + h.id_offset, f->id, VTR_STAT_NAME);
	vtr_stats_write(f, n, image + h.desc_offset, (u64 *)(image + h.data_offset));
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
