// SPDX-License-Identifier: GPL-2.0-only
/*
 * irq_test.c - eventfds that raise interrupts, the timer, and who keeps a VM and the module alive.
 *
 * There are no vCPUs: what arrives is read from the PIC, whose acknowledgement the tests give themselves.
 * The eventfds are those that load/load.c left open in the process that loads the module.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/eventfd.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/sched/mm.h>
#include "backend.h"
#include "event.h"
#include "compat.h"
#include "irqchip.h"
#include "module.h"
#include "load/eventfds.h"

#define PIC_BASE	0x20	/* vector of its first input */
#define GSI		5
#define ROUNDS		16

static struct mm_struct *vtr_irq_mm;
static struct file *vtr_test_eventfds[VTR_TEST_EVENTFDS];
static u32 vtr_next_eventfd = 1;	/* the first tells load.c to let go */

struct vtr_irq_test {
	struct vtr_vm *vm;
	struct vtr_vcpu v;	/* for the bus alone */
};

static void vtr_test_signal(struct file *file)
{
	struct eventfd_ctx *ctx = eventfd_ctx_fileget(file);

	vtr_eventfd_signal(ctx);
	eventfd_ctx_put(ctx);
}

/* Runs in the process that loads the module; the first eventfd tells it that we hold the others. */
static int vtr_irq_suite_init(struct kunit_suite *suite)
{
	u32 i;

	if (!vtr_backend)
		vtr_backend = &vtr_svm_backend;
	/* Nor is there the log of events yet, which VMs write to. */
	if (vtr_event_init())
		return -ENOMEM;
	vtr_irq_mm = current->mm;
	if (!vtr_irq_mm)
		return -ENODEV;
	for (i = 0; i < VTR_TEST_EVENTFDS; i++) {
		vtr_test_eventfds[i] = fget(VTR_TEST_EVENTFD + i);
		if (!vtr_test_eventfds[i])
			return -EBADF;
	}
	vtr_test_signal(vtr_test_eventfds[0]);
	mmget(vtr_irq_mm);
	return 0;
}

static void vtr_irq_suite_exit(struct kunit_suite *suite)
{
	u32 i;

	vtr_event_fini();
	for (i = 0; i < VTR_TEST_EVENTFDS; i++)
		if (vtr_test_eventfds[i])
			fput(vtr_test_eventfds[i]);
	if (vtr_irq_mm)
		mmput(vtr_irq_mm);
}

static void vtr_test_out(struct vtr_irq_test *t, u16 port, u8 val)
{
	vtr_bus_write(&t->v, VTR_BUS_PIO, port, 1, &val);
}

/* ICW1..4 with automatic end of interrupt, all inputs open. */
static void vtr_test_pic_setup(struct vtr_irq_test *t)
{
	vtr_test_out(t, 0x20, 0x11);
	vtr_test_out(t, 0x21, PIC_BASE);
	vtr_test_out(t, 0x21, 0x04);
	vtr_test_out(t, 0x21, 0x03);
	vtr_test_out(t, 0x21, 0x00);
}

static struct vtr_vm *vtr_test_vm(struct kunit *test)
{
	struct vtr_vm *vm = vtr_vm_create();
	struct kvm_pit_config cfg = {};

	KUNIT_ASSERT_FALSE(test, IS_ERR(vm));
	mutex_lock(&vm->lock);
	KUNIT_EXPECT_EQ(test, vtr_irqchip_create(vm), 0);
	KUNIT_EXPECT_EQ(test, vtr_pit_create(vm, &cfg), 0);
	mutex_unlock(&vm->lock);
	return vm;
}

static int vtr_irq_test_init(struct kunit *test)
{
	struct vtr_irq_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, t);
	test->priv = t;
	kthread_use_mm(vtr_irq_mm);
	t->vm = vtr_test_vm(test);
	t->v.vm = t->vm;
	vtr_test_pic_setup(t);
	return 0;
}

static void vtr_irq_test_exit(struct kunit *test)
{
	struct vtr_irq_test *t = test->priv;

	if (t->vm)
		vtr_vm_put(t->vm);
	kthread_unuse_mm(vtr_irq_mm);
}

/* The next eventfd, which is the caller's from now on. */
static struct file *vtr_test_take(struct kunit *test)
{
	struct file *file;

	KUNIT_ASSERT_LT(test, vtr_next_eventfd, (u32)VTR_TEST_EVENTFDS);
	file = vtr_test_eventfds[vtr_next_eventfd];
	vtr_test_eventfds[vtr_next_eventfd++] = NULL;
	return file;
}

/* A descriptor of this thread's for a file, while a request needs it. */
static int vtr_test_fd(struct kunit *test, struct file *file)
{
	int fd = get_unused_fd_flags(O_CLOEXEC);

	KUNIT_ASSERT_GE(test, fd, 0);
	fd_install(fd, get_file(file));
	return fd;
}

static int vtr_test_irqfd(struct kunit *test, struct file *file, struct file *resample, u32 flags)
{
	struct vtr_irq_test *t = test->priv;
	struct kvm_irqfd args = { .gsi = GSI, .flags = flags };
	int err;

	args.fd = vtr_test_fd(test, file);
	if (resample) {
		args.flags |= KVM_IRQFD_FLAG_RESAMPLE;
		args.resamplefd = vtr_test_fd(test, resample);
	}
	err = vtr_irqfd(t->vm, &args);
	close_fd(args.fd);
	if (resample)
		close_fd(args.resamplefd);
	return err;
}

static bool vtr_test_signalled(struct file *file)
{
	return vfs_poll(file, NULL) & EPOLLIN;
}

static void vtr_irqfd_ends_with_deassign(struct kunit *test)
{
	struct vtr_irq_test *t = test->priv;
	struct vtr_irqchip *chip = t->vm->irqchip;
	struct file *file = vtr_test_take(test);

	KUNIT_ASSERT_EQ(test, vtr_test_irqfd(test, file, NULL, 0), 0);
	KUNIT_EXPECT_EQ(test, vtr_test_irqfd(test, file, NULL, 0), -EBUSY);
	KUNIT_EXPECT_EQ(test, vtr_irqchip_pic_ack(chip), -1);
	vtr_test_signal(file);
	KUNIT_EXPECT_FALSE(test, vtr_test_signalled(file));
	KUNIT_EXPECT_EQ(test, vtr_irqchip_pic_ack(chip), PIC_BASE + GSI);
	KUNIT_EXPECT_EQ(test, vtr_irqchip_pic_ack(chip), -1);

	KUNIT_EXPECT_EQ(test, vtr_test_irqfd(test, file, NULL, KVM_IRQFD_FLAG_DEASSIGN), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->vm->router.nr_irqfds), 0);
	vtr_test_signal(file);
	KUNIT_EXPECT_TRUE(test, vtr_test_signalled(file));
	KUNIT_EXPECT_EQ(test, vtr_irqchip_pic_ack(chip), -1);

	/* What was signalled before an assignment counts. */
	KUNIT_EXPECT_EQ(test, vtr_test_irqfd(test, file, NULL, 0), 0);
	KUNIT_EXPECT_EQ(test, vtr_irqchip_pic_ack(chip), PIC_BASE + GSI);
	fput(file);
}

struct vtr_hard_irq {
	struct hrtimer timer;
	struct eventfd_ctx *ctx;
	struct completion done;
};

static enum hrtimer_restart vtr_signal_from_irq(struct hrtimer *timer)
{
	struct vtr_hard_irq *h = container_of(timer, struct vtr_hard_irq, timer);

	vtr_eventfd_signal(h->ctx);
	complete(&h->done);
	return HRTIMER_NORESTART;
}

static void vtr_irqfd_from_hard_irq(struct kunit *test)
{
	struct vtr_irq_test *t = test->priv;
	struct vtr_hard_irq *h = kunit_kzalloc(test, sizeof(*h), GFP_KERNEL);
	struct file *file = vtr_test_take(test);

	KUNIT_ASSERT_NOT_NULL(test, h);
	KUNIT_ASSERT_EQ(test, vtr_test_irqfd(test, file, NULL, 0), 0);
	h->ctx = eventfd_ctx_fileget(file);
	init_completion(&h->done);
	hrtimer_init(&h->timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	h->timer.function = vtr_signal_from_irq;
	hrtimer_start(&h->timer, ms_to_ktime(1), HRTIMER_MODE_REL_HARD);
	wait_for_completion(&h->done);
	hrtimer_cancel(&h->timer);
	KUNIT_EXPECT_EQ(test, vtr_irqchip_pic_ack(t->vm->irqchip), PIC_BASE + GSI);
	eventfd_ctx_put(h->ctx);
	fput(file);
}

/* The last reference goes: the irqfd ends by itself, in a worker. */
static void vtr_irqfd_ends_with_eventfd(struct kunit *test)
{
	struct vtr_irq_test *t = test->priv;
	struct file *file = vtr_test_take(test);
	int i;

	KUNIT_ASSERT_EQ(test, vtr_test_irqfd(test, file, NULL, 0), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->vm->router.nr_irqfds), 1);
	fput(file);
	for (i = 0; i < 1000 && atomic_read(&t->vm->router.nr_irqfds); i++)
		msleep(2);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->vm->router.nr_irqfds), 0);
	KUNIT_EXPECT_TRUE(test, list_empty(&t->vm->router.irqfds));
}

/* A level-triggered one: up until acknowledged, then its owner hears of it. */
static void vtr_irqfd_resample(struct kunit *test)
{
	struct vtr_irq_test *t = test->priv;
	struct vtr_irqchip *chip = t->vm->irqchip;
	struct file *file = vtr_test_take(test), *resample = vtr_test_take(test);

	vtr_test_out(t, 0x4d0, BIT(GSI));
	KUNIT_ASSERT_EQ(test, vtr_test_irqfd(test, file, resample, 0), 0);
	vtr_test_signal(file);
	KUNIT_EXPECT_FALSE(test, vtr_test_signalled(resample));
	KUNIT_EXPECT_EQ(test, vtr_irqchip_pic_ack(chip), PIC_BASE + GSI);
	KUNIT_EXPECT_TRUE(test, vtr_test_signalled(resample));
	KUNIT_EXPECT_EQ(test, vtr_irqchip_pic_ack(chip), -1);

	/* One that ends while it holds the line up lets it go. */
	vtr_test_signal(file);
	KUNIT_EXPECT_EQ(test, vtr_test_irqfd(test, file, resample, KVM_IRQFD_FLAG_DEASSIGN), 0);
	KUNIT_EXPECT_EQ(test, vtr_irqchip_pic_ack(chip), -1);
	fput(file);
	fput(resample);
}

static int vtr_test_signal_on(void *arg)
{
	while (!kthread_should_stop()) {
		vtr_test_signal(arg);
		cond_resched();
	}
	return 0;
}

/* Signals, a deassignment, the eventfd's end and the VM's, all at once, in every order. */
static void vtr_irqfd_race_to_the_end(struct kunit *test)
{
	struct vtr_irq_test *t = test->priv;
	struct task_struct *signaller;
	struct file *file;
	int round;

	for (round = 0; round < ROUNDS; round++) {
		file = vtr_test_take(test);
		KUNIT_ASSERT_EQ(test, vtr_test_irqfd(test, file, NULL, 0), 0);
		signaller = kthread_run(vtr_test_signal_on, file, "vtr_signal");
		KUNIT_ASSERT_FALSE(test, IS_ERR(signaller));
		get_task_struct(signaller);
		usleep_range(100, 1000);
		if (round & 1)
			vtr_test_irqfd(test, file, NULL, KVM_IRQFD_FLAG_DEASSIGN);
		if (round & 2)
			kthread_stop(signaller);
		if (!(round & 4))
			vtr_irqfd_fini(t->vm);
		if (!(round & 2))
			kthread_stop(signaller);
		put_task_struct(signaller);
		fput(file);
		if (round & 8)
			usleep_range(100, 1000);
		/* The VM's end also waits for those that end by themselves. */
		vtr_vm_put(t->vm);
		t->vm = vtr_test_vm(test);
		t->v.vm = t->vm;
		vtr_test_pic_setup(t);
	}
}

/* Mode 2 with a period of so many ticks of 838 ns. */
static void vtr_test_pit_start(struct vtr_irq_test *t, u16 ticks)
{
	vtr_test_out(t, 0x43, 0x34);
	vtr_test_out(t, 0x40, ticks & 0xff);
	vtr_test_out(t, 0x40, ticks >> 8);
}

/* Ticks that nobody could take are given back, each once: as many as there were periods. */
static void vtr_timer_gives_back(struct kunit *test)
{
	struct vtr_irq_test *t = test->priv;
	struct vtr_irqchip *chip = t->vm->irqchip;
	struct kvm_reinject_control off = {};
	u64 begin, least, most, taken = 0;
	const u64 period = 2000000;

	begin = ktime_get_ns();
	vtr_test_pit_start(t, 2386);	/* 2 ms */
	msleep(100);
	least = div64_u64(ktime_get_ns() - begin, period);
	while (vtr_irqchip_pic_ack(chip) == PIC_BASE)
		taken++;
	most = div64_u64(ktime_get_ns() - begin, period);
	KUNIT_EXPECT_GE(test, taken, least - 1);
	KUNIT_EXPECT_LE(test, taken, most + 1);

	/* Without reinjection those that meet merge. */
	KUNIT_EXPECT_EQ(test, vtr_pit_reinject(t->vm, &off), 0);
	vtr_test_pit_start(t, 2386);
	msleep(50);
	KUNIT_EXPECT_EQ(test, vtr_irqchip_pic_ack(chip), PIC_BASE);
	for (taken = 1; vtr_irqchip_pic_ack(chip) == PIC_BASE && taken < 25; taken++)
		;
	KUNIT_EXPECT_LT(test, taken, 25ULL);
}

/* A timer that fires all the time goes with its VM. */
static void vtr_timer_ends_with_vm(struct kunit *test)
{
	struct vtr_irq_test *t = test->priv;
	int round;

	for (round = 0; round < 50; round++) {
		vtr_test_pit_start(t, 239);	/* 0.2 ms */
		usleep_range(200, 600);
		vtr_vm_put(t->vm);
		t->vm = vtr_test_vm(test);
		t->v.vm = t->vm;
		vtr_test_pic_setup(t);
	}
}

/* The module stays while a VM does, and a VM while anybody holds it. */
static void vtr_references(struct kunit *test)
{
	struct vtr_irq_test *t = test->priv;
	int before = module_refcount(THIS_MODULE);
	struct vtr_vm *vm = vtr_vm_create();

	KUNIT_ASSERT_FALSE(test, IS_ERR(vm));
	KUNIT_EXPECT_EQ(test, module_refcount(THIS_MODULE), before + 1);
	KUNIT_EXPECT_NE(test, vm->vm_id, t->vm->vm_id);
	vtr_vm_get(vm);
	KUNIT_EXPECT_EQ(test, refcount_read(&vm->users), 2U);
	vtr_vm_put(vm);
	KUNIT_EXPECT_EQ(test, module_refcount(THIS_MODULE), before + 1);
	vtr_vm_put(vm);
	KUNIT_EXPECT_EQ(test, module_refcount(THIS_MODULE), before);
}

static struct kunit_case vtr_irq_cases[] = {
	KUNIT_CASE(vtr_irqfd_ends_with_deassign),
	KUNIT_CASE(vtr_irqfd_from_hard_irq),
	KUNIT_CASE(vtr_irqfd_ends_with_eventfd),
	KUNIT_CASE(vtr_irqfd_resample),
	KUNIT_CASE(vtr_irqfd_race_to_the_end),
	KUNIT_CASE(vtr_timer_gives_back),
	KUNIT_CASE(vtr_timer_ends_with_vm),
	KUNIT_CASE(vtr_references),
	{}
};

static struct kunit_suite vtr_irq_suite = {
	.name		= "vitrine_irq",
	.suite_init	= vtr_irq_suite_init,
	.suite_exit	= vtr_irq_suite_exit,
	.init		= vtr_irq_test_init,
	.exit		= vtr_irq_test_exit,
	.test_cases	= vtr_irq_cases,
};
kunit_test_suite(vtr_irq_suite);
