// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmu_test.c - memory slots and nested page tables against a host that changes things meanwhile.
 *
 * The vCPUs here never run: they are the parts of struct vtr_vcpu that faults and slots use. Threads
 * take them through faults in the address space of the process that loads the module, while the test
 * unmaps, protects and replaces memory; then the tables must hold nothing the host has taken away.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/mman.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include "backend.h"
#include "event.h"
#include "guestmem.h"
#include "module.h"
#include "notifier.h"

#define PAGES	64UL
#define LENGTH	(PAGES << PAGE_SHIFT)

static struct mm_struct *vtr_test_mm;

struct vtr_mmu_test {
	struct vtr_vm *vm;
	struct vtr_vcpu *v[2];
	unsigned long hva;
};

/* Runs in the process that loads the module; the cases run in a kernel thread. */
static int vtr_mmu_suite_init(struct kunit_suite *suite)
{
	/* Suites run before the module chooses: the format of the page tables is all they need of it. */
	if (!vtr_backend)
		vtr_backend = &vtr_svm_backend;
	/* Nor is there the log of events yet, which VMs write to. */
	if (vtr_event_init())
		return -ENOMEM;
	vtr_test_mm = current->mm;
	if (!vtr_test_mm)
		return -ENODEV;
	mmget(vtr_test_mm);
	return 0;
}

static void vtr_mmu_suite_exit(struct kunit_suite *suite)
{
	vtr_event_fini();
	if (vtr_test_mm)
		mmput(vtr_test_mm);
}

static int vtr_mmu_test_init(struct kunit *test)
{
	struct vtr_mmu_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, t);
	test->priv = t;
	kthread_use_mm(vtr_test_mm);
	t->vm = vtr_vm_create();
	KUNIT_ASSERT_FALSE(test, IS_ERR(t->vm));
	for (i = 0; i < ARRAY_SIZE(t->v); i++) {
		t->v[i] = kzalloc(sizeof(*t->v[i]), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, t->v[i]);
		t->v[i]->vm = t->vm;
		t->v[i]->idx = i;
		t->v[i]->cpu = -1;
		t->vm->vcpus[i] = t->v[i];
		smp_store_release(&t->vm->nr_vcpus, i + 1);
	}
	t->hva = vm_mmap(NULL, 0, LENGTH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(t->hva));
	return 0;
}

static void vtr_mmu_test_exit(struct kunit *test)
{
	struct vtr_mmu_test *t = test->priv;
	u32 i;

	vm_munmap(t->hva, LENGTH);
	/* They have no hardware part: they go before the VM would destroy them as real ones. */
	t->vm->nr_vcpus = 0;
	for (i = 0; i < ARRAY_SIZE(t->v); i++) {
		vtr_tdp_vcpu_fini(t->v[i]);
		kfree(t->v[i]);
	}
	vtr_vm_put(t->vm);
	kthread_unuse_mm(vtr_test_mm);
}

static int vtr_test_slot(struct vtr_mmu_test *t, u32 id, gfn_t gfn, u64 pages, u32 flags)
{
	struct kvm_userspace_memory_region r = {
		.slot = id, .flags = flags, .guest_phys_addr = gfn << PAGE_SHIFT,
		.memory_size = pages << PAGE_SHIFT, .userspace_addr = t->hva,
	};

	return vtr_slots_set(t->vm, &r);
}

/* Leaves among PAGES frames from gfn; writable: only those. */
static u32 vtr_test_count(struct vtr_mmu_test *t, gfn_t gfn, bool writable)
{
	struct vtr_mmu *mmu = &t->vm->mmu;
	unsigned int level;
	u32 i, n = 0;

	spin_lock(&mmu->lock);
	for (i = 0; i < PAGES; i++) {
		u64 entry = vtr_pt_entry(&mmu->pt, gfn + i, &level);

		n += entry && (!writable || entry & mmu->pt.fmt->write);
	}
	spin_unlock(&mmu->lock);
	return n;
}

static enum vtr_fault_verdict vtr_test_fault(struct vtr_vcpu *v, gfn_t gfn, bool write)
{
	enum vtr_fault_verdict verdict;

	do {
		vtr_slots_load(v);
		verdict = vtr_tdp_fault(v, gfn << PAGE_SHIFT, write ? VTR_FAULT_WRITE : 0);
	} while (verdict == VTR_FAULT_RETRY && !kthread_should_stop());
	vtr_slots_unload(v);
	return verdict;
}

static void vtr_test_fault_all(struct kunit *test, gfn_t gfn, bool write)
{
	struct vtr_mmu_test *t = test->priv;
	u32 i;

	for (i = 0; i < PAGES; i++)
		KUNIT_EXPECT_EQ(test, vtr_test_fault(t->v[0], gfn + i, write), VTR_FAULT_FIXED);
}

static void vtr_faults(struct kunit *test)
{
	struct vtr_mmu_test *t = test->priv;
	unsigned int level;
	struct page *page;
	u64 entry;

	KUNIT_ASSERT_EQ(test, vtr_test_slot(t, 0, 16, PAGES, 0), 0);
	KUNIT_EXPECT_EQ(test, vtr_test_fault(t->v[0], 15, false), VTR_FAULT_MMIO);
	KUNIT_EXPECT_EQ(test, vtr_test_fault(t->v[0], 16 + PAGES, true), VTR_FAULT_MMIO);
	/* Untouched memory reads as the zero page, which no guest may write. */
	vtr_test_fault_all(test, 16, false);
	KUNIT_EXPECT_EQ(test, vtr_test_count(t, 16, false), (u32)PAGES);
	KUNIT_EXPECT_EQ(test, vtr_test_count(t, 16, true), 0U);
	vtr_test_fault_all(test, 16, true);
	KUNIT_EXPECT_EQ(test, vtr_test_count(t, 16, true), (u32)PAGES);
	KUNIT_ASSERT_EQ(test, get_user_pages_fast(t->hva + 3 * PAGE_SIZE, 1, 0, &page), 1);
	entry = vtr_pt_entry(&t->vm->mmu.pt, 19, &level);
	KUNIT_EXPECT_EQ(test, (entry & VTR_PT_ADDR) >> PAGE_SHIFT, (u64)page_to_pfn(page));
	put_page(page);
}

static void vtr_fault_nothing_there(struct kunit *test)
{
	struct vtr_mmu_test *t = test->priv;

	KUNIT_ASSERT_EQ(test, vtr_test_slot(t, 0, 0, PAGES, 0), 0);
	vm_munmap(t->hva, LENGTH);
	KUNIT_EXPECT_EQ(test, vtr_test_fault(t->v[0], 5, false), VTR_FAULT_BAD);
	KUNIT_EXPECT_EQ(test, vtr_test_count(t, 0, false), 0U);
}

static void vtr_unmap_and_protect(struct kunit *test)
{
	struct vtr_mmu_test *t = test->priv;

	KUNIT_ASSERT_EQ(test, vtr_test_slot(t, 0, 0, PAGES, 0), 0);
	vtr_test_fault_all(test, 0, true);
	vm_munmap(t->hva, LENGTH / 2);
	KUNIT_EXPECT_EQ(test, vtr_test_count(t, 0, false), (u32)PAGES / 2);
	KUNIT_EXPECT_EQ(test, t->vm->mmu.active, 0L);
}

static void vtr_read_only_slot(struct kunit *test)
{
	struct vtr_mmu_test *t = test->priv;
	u32 i;

	KUNIT_ASSERT_EQ(test, vtr_test_slot(t, 0, 0, PAGES, KVM_MEM_READONLY), 0);
	for (i = 0; i < PAGES; i++)
		KUNIT_ASSERT_EQ(test, clear_user((void __user *)(t->hva + i * PAGE_SIZE), 8), 0UL);
	vtr_test_fault_all(test, 0, false);
	KUNIT_EXPECT_EQ(test, vtr_test_count(t, 0, false), (u32)PAGES);
	KUNIT_EXPECT_EQ(test, vtr_test_count(t, 0, true), 0U);
	KUNIT_EXPECT_EQ(test, vtr_test_fault(t->v[0], 3, true), VTR_FAULT_MMIO);
}

static void vtr_log_starts_read_only(struct kunit *test)
{
	struct vtr_mmu_test *t = test->priv;
	struct kvm_dirty_log log = { .slot = 0 };
	u64 bits = 0;

	KUNIT_ASSERT_EQ(test, vtr_test_slot(t, 0, 0, PAGES, 0), 0);
	vtr_test_fault_all(test, 0, true);
	KUNIT_ASSERT_EQ(test, vtr_test_slot(t, 0, 0, PAGES, KVM_MEM_LOG_DIRTY_PAGES), 0);
	KUNIT_EXPECT_EQ(test, vtr_test_count(t, 0, true), 0U);
	KUNIT_EXPECT_EQ(test, vtr_test_count(t, 0, false), (u32)PAGES);
	vtr_test_fault(t->v[0], 7, true);
	vtr_test_fault(t->v[0], 8, false);
	log.dirty_bitmap = (void __user *)t->hva;
	KUNIT_ASSERT_EQ(test, vtr_dirty_log_get(t->vm, &log), 0);
	KUNIT_ASSERT_EQ(test, copy_from_user(&bits, (void __user *)t->hva, 8), 0UL);
	KUNIT_EXPECT_EQ(test, bits, BIT_ULL(7));
	KUNIT_EXPECT_EQ(test, vtr_test_count(t, 0, true), 0U);
}

/* How many of the pages the host takes for used; clear: as it asks before it throws pages out. */
static u32 vtr_test_young_pages(struct vtr_mmu_test *t, bool clear)
{
	struct mmu_notifier *mn = &t->vm->mmu.owner->mn;
	hva_t at = t->hva;
	u32 i, n = 0;

	for (i = 0; i < PAGES; i++, at += PAGE_SIZE)
		n += clear ? mn->ops->clear_flush_young(mn, vtr_test_mm, at, at + PAGE_SIZE) :
			     mn->ops->test_young(mn, vtr_test_mm, at);
	return n;
}

static void vtr_ages(struct kunit *test)
{
	struct vtr_mmu_test *t = test->priv;

	KUNIT_ASSERT_EQ(test, vtr_test_slot(t, 0, 16, PAGES, 0), 0);
	KUNIT_EXPECT_EQ(test, vtr_test_young_pages(t, false), 0U);
	vtr_test_fault_all(test, 16, true);
	KUNIT_EXPECT_EQ(test, vtr_test_young_pages(t, false), (u32)PAGES);
	KUNIT_EXPECT_EQ(test, vtr_test_young_pages(t, true), (u32)PAGES);
	/* Asked again, nothing has been used since; it is still mapped. */
	KUNIT_EXPECT_EQ(test, vtr_test_young_pages(t, false), 0U);
	KUNIT_EXPECT_EQ(test, vtr_test_young_pages(t, true), 0U);
	KUNIT_EXPECT_EQ(test, vtr_test_count(t, 16, true), (u32)PAGES);
	/* One that went and came is young, and none of its neighbours. */
	KUNIT_ASSERT_EQ(test, vm_munmap(t->hva + 3 * PAGE_SIZE, PAGE_SIZE), 0);
	KUNIT_ASSERT_EQ(test, vm_mmap(NULL, t->hva + 3 * PAGE_SIZE, PAGE_SIZE, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 0), t->hva + 3 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, vtr_test_fault(t->v[0], 19, true), VTR_FAULT_FIXED);
	KUNIT_EXPECT_EQ(test, vtr_test_young_pages(t, true), 1U);
}

/* A thread that has the guest touch memory until it is told to stop. */
struct vtr_toucher {
	struct vtr_vcpu *v;
	struct task_struct *task;
	unsigned long rounds, wrong;
};

static int vtr_touch(void *arg)
{
	struct vtr_toucher *w = arg;

	kthread_use_mm(vtr_test_mm);
	while (!kthread_should_stop()) {
		gfn_t gfn = w->rounds * 7 % PAGES;
		struct vtr_slot *s;

		vtr_test_fault(w->v, gfn, w->rounds & 1);
		/* The table in use stays whole however often it is replaced. */
		vtr_slots_load(w->v);
		s = vtr_slot_find(w->v->slots, gfn);
		if (s && (s->id != 0 || s->npages != PAGES))
			w->wrong++;
		vtr_slots_unload(w->v);
		w->rounds++;
		cond_resched();
	}
	kthread_unuse_mm(vtr_test_mm);
	return 0;
}

static void vtr_touchers_start(struct kunit *test, struct vtr_toucher *w)
{
	struct vtr_mmu_test *t = test->priv;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(t->v); i++) {
		w[i] = (struct vtr_toucher){ .v = t->v[i] };
		w[i].task = kthread_run(vtr_touch, &w[i], "vtr_touch/%u", i);
		KUNIT_ASSERT_FALSE(test, IS_ERR(w[i].task));
	}
}

static void vtr_touchers_stop(struct kunit *test, struct vtr_toucher *w)
{
	struct vtr_mmu_test *t = test->priv;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(t->v); i++) {
		kthread_stop(w[i].task);
		KUNIT_EXPECT_EQ(test, w[i].wrong, 0UL);
		KUNIT_EXPECT_GT(test, w[i].rounds, 0UL);
	}
}

static void vtr_race_with_slots(struct kunit *test)
{
	struct vtr_mmu_test *t = test->priv;
	struct vtr_toucher w[2];
	int i;

	vtr_touchers_start(test, w);
	for (i = 0; i < 200; i++) {
		KUNIT_EXPECT_EQ(test, vtr_test_slot(t, 0, 0, PAGES, 0), 0);
		usleep_range(50, 500);
		KUNIT_EXPECT_EQ(test, vtr_test_slot(t, 0, 0, 0, 0), 0);
		/* From now on nothing may map what was there. */
		KUNIT_EXPECT_EQ(test, vtr_test_count(t, 0, false), 0U);
		usleep_range(50, 100);
		KUNIT_EXPECT_EQ(test, vtr_test_count(t, 0, false), 0U);
	}
	vtr_touchers_stop(test, w);
}

static void vtr_race_with_unmap(struct kunit *test)
{
	struct vtr_mmu_test *t = test->priv;
	struct vtr_toucher w[2];
	unsigned long at;
	int i;

	KUNIT_ASSERT_EQ(test, vtr_test_slot(t, 0, 0, PAGES, 0), 0);
	vtr_touchers_start(test, w);
	for (i = 0; i < 200; i++) {
		usleep_range(50, 500);
		vm_munmap(t->hva, LENGTH);
		KUNIT_EXPECT_EQ(test, vtr_test_count(t, 0, false), 0U);
		usleep_range(50, 100);
		KUNIT_EXPECT_EQ(test, vtr_test_count(t, 0, false), 0U);
		at = vm_mmap(NULL, t->hva, LENGTH, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 0);
		KUNIT_ASSERT_EQ(test, at, t->hva);
	}
	vtr_touchers_stop(test, w);
	KUNIT_EXPECT_EQ(test, t->vm->mmu.active, 0L);
}

static struct kunit_case vtr_mmu_cases[] = {
	KUNIT_CASE(vtr_faults),
	KUNIT_CASE(vtr_fault_nothing_there),
	KUNIT_CASE(vtr_unmap_and_protect),
	KUNIT_CASE(vtr_read_only_slot),
	KUNIT_CASE(vtr_log_starts_read_only),
	KUNIT_CASE(vtr_ages),
	KUNIT_CASE(vtr_race_with_slots),
	KUNIT_CASE(vtr_race_with_unmap),
	{}
};

static struct kunit_suite vtr_mmu_suite = {
	.name		= "vitrine_mmu",
	.suite_init	= vtr_mmu_suite_init,
	.suite_exit	= vtr_mmu_suite_exit,
	.init		= vtr_mmu_test_init,
	.exit		= vtr_mmu_test_exit,
	.test_cases	= vtr_mmu_cases,
};
kunit_test_suite(vtr_mmu_suite);
