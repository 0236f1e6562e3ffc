// SPDX-License-Identifier: GPL-2.0-only
/*
 * pitdev.c - the PIT on the bus, the host timer behind its channel 0, and ticks given back.
 *
 * The registers are pit.c's. With reinjection (the default) a tick waits until the one before it was
 * acknowledged, so that a guest that counts ticks loses none; without, ticks may merge.
 */
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/slab.h>
#include "irqchip.h"
#include "pit.h"

#define PIT_PORT	0x40
#define SPEAKER_PORT	0x61
#define PIT_GSI		0

/* As for the local APIC: no guest sets the host's timer faster than this. */
#define MIN_PERIOD_NS	LAPIC_MIN_PERIOD_NS

/* In struct kvm_pit_state2.flags. The header of 6.1 has no name for the second. */
#define FLAG_HPET_LEGACY	KVM_PIT_FLAGS_HPET_LEGACY
#define FLAG_SPEAKER_ON		BIT(1)

static_assert(sizeof(struct vtr_pit_channel) == sizeof(struct kvm_pit_channel_state));

/**
 * struct vtr_pit - the in-kernel timer
 * @vm: the VM
 * @lock: everything below
 * @s: registers
 * @period_ns: of channel 0's interrupt, 0 if it comes once
 * @flags: FLAG_HPET_LEGACY: the HPET drives the line, not we
 * @reinject: ticks wait for acknowledgement
 * @acked: the last tick was acknowledged, or had nobody to do so
 * @pending: ticks not delivered and acknowledged
 * @timer: the next tick
 * @dev: ports 0x40..0x43
 * @speaker_dev: port 0x61, if asked for
 */
struct vtr_pit {
	struct vtr_vm *vm;
	raw_spinlock_t lock;
	struct vtr_pit_state s;
	u64 period_ns;
	u32 flags;
	bool reinject;
	bool acked;
	u32 pending;
	struct hrtimer timer;
	struct vtr_iodev dev;
	struct vtr_iodev speaker_dev;
};

/* A pulse on the line. If no chip takes it, nobody will acknowledge it. */
static void pit_pulse(struct vtr_pit *pit)
{
	int taken = vtr_irq_set(pit->vm, VTR_IRQ_SOURCE_PIT, PIT_GSI, 1);
	unsigned long flags;

	vtr_irq_set(pit->vm, VTR_IRQ_SOURCE_PIT, PIT_GSI, 0);
	if (taken >= 0)
		return;
	raw_spin_lock_irqsave(&pit->lock, flags);
	pit->acked = true;
	pit->pending = 0;
	raw_spin_unlock_irqrestore(&pit->lock, flags);
}

/* Counts ticks and says whether one has to be sent now. */
static bool pit_tick(struct vtr_pit *pit, u32 ticks)
{
	lockdep_assert_held(&pit->lock);
	if (!pit->reinject)
		return true;
	pit->pending = ticks > U32_MAX - pit->pending ? U32_MAX : pit->pending + ticks;
	if (!pit->acked || !pit->pending)
		return false;
	pit->acked = false;
	return true;
}

static enum hrtimer_restart pit_timer_fn(struct hrtimer *t)
{
	struct vtr_pit *pit = container_of(t, struct vtr_pit, timer);
	enum hrtimer_restart again = HRTIMER_NORESTART;
	bool send = false;
	unsigned long flags;
	u64 ticks = 1;

	raw_spin_lock_irqsave(&pit->lock, flags);
	/* A count that was loaded since has queued the timer again: this tick was of the old one. */
	if (!hrtimer_is_queued(t)) {
		if (pit->period_ns) {
			ticks = hrtimer_forward_now(t, ns_to_ktime(pit->period_ns));
			again = HRTIMER_RESTART;
		}
		send = pit_tick(pit, min_t(u64, ticks, U32_MAX));
	}
	raw_spin_unlock_irqrestore(&pit->lock, flags);
	if (send)
		pit_pulse(pit);
	return again;
}

/* Channel 0 began a new count at @now. */
static void pit_start(struct vtr_pit *pit, u64 now)
{
	bool periodic;
	u64 ns = vtr_pit_interval_ns(&pit->s, &periodic);

	lockdep_assert_held(&pit->lock);
	if (pit->flags & FLAG_HPET_LEGACY)
		ns = 0;
	pit->period_ns = periodic ? max_t(u64, ns, MIN_PERIOD_NS) : 0;
	pit->acked = true;
	pit->pending = 0;
	if (ns)
		hrtimer_start(&pit->timer, ns_to_ktime(now + (pit->period_ns ?: ns)),
			      HRTIMER_MODE_ABS_HARD);
	else
		hrtimer_try_to_cancel(&pit->timer);
}

/**
 * vtr_pit_acked() - the guest ended the service of a tick
 * @pit: the timer
 *
 * Context: any without locks of the chips.
 */
void vtr_pit_acked(struct vtr_pit *pit)
{
	unsigned long flags;
	bool send;

	raw_spin_lock_irqsave(&pit->lock, flags);
	pit->acked = true;
	if (pit->pending)
		pit->pending--;
	send = pit->reinject && pit->pending && pit_tick(pit, 0);
	raw_spin_unlock_irqrestore(&pit->lock, flags);
	if (send)
		pit_pulse(pit);
}

/**
 * vtr_pit_unmasked() - the line was opened or leads elsewhere: ticks that nobody saw are forgotten
 * @pit: the timer
 *
 * Context: any without locks of the chips.
 */
void vtr_pit_unmasked(struct vtr_pit *pit)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&pit->lock, flags);
	pit->acked = true;
	pit->pending = 0;
	raw_spin_unlock_irqrestore(&pit->lock, flags);
}

static int pit_read(struct vtr_vcpu *v, struct vtr_iodev *dev, gpa_t addr, int len, void *val)
{
	struct vtr_pit *pit = container_of(dev, struct vtr_pit, dev);
	unsigned long flags;

	memset(val, 0, len);
	raw_spin_lock_irqsave(&pit->lock, flags);
	*(u8 *)val = vtr_pit_state_read(&pit->s, addr & 3, ktime_get_ns());
	raw_spin_unlock_irqrestore(&pit->lock, flags);
	return 0;
}

static int pit_write(struct vtr_vcpu *v, struct vtr_iodev *dev, gpa_t addr, int len,
		     const void *val)
{
	struct vtr_pit *pit = container_of(dev, struct vtr_pit, dev);
	u64 now = ktime_get_ns();
	unsigned long flags;

	raw_spin_lock_irqsave(&pit->lock, flags);
	if (vtr_pit_state_write(&pit->s, addr & 3, *(const u8 *)val, now))
		pit_start(pit, now);
	raw_spin_unlock_irqrestore(&pit->lock, flags);
	return 0;
}

static const struct vtr_iodev_ops pit_ops = {
	.read	= pit_read,
	.write	= pit_write,
};

static int speaker_read(struct vtr_vcpu *v, struct vtr_iodev *dev, gpa_t addr, int len, void *val)
{
	struct vtr_pit *pit = container_of(dev, struct vtr_pit, speaker_dev);
	unsigned long flags;

	memset(val, 0, len);
	raw_spin_lock_irqsave(&pit->lock, flags);
	*(u8 *)val = vtr_pit_speaker_read(&pit->s, ktime_get_ns());
	raw_spin_unlock_irqrestore(&pit->lock, flags);
	return 0;
}

static int speaker_write(struct vtr_vcpu *v, struct vtr_iodev *dev, gpa_t addr, int len,
			 const void *val)
{
	struct vtr_pit *pit = container_of(dev, struct vtr_pit, speaker_dev);
	unsigned long flags;

	raw_spin_lock_irqsave(&pit->lock, flags);
	vtr_pit_speaker_write(&pit->s, *(const u8 *)val, ktime_get_ns());
	raw_spin_unlock_irqrestore(&pit->lock, flags);
	return 0;
}

static const struct vtr_iodev_ops speaker_ops = {
	.read	= speaker_read,
	.write	= speaker_write,
};

/**
 * vtr_pit_create() - KVM_CREATE_PIT2
 * @vm: its lock held
 * @cfg: KVM_PIT_SPEAKER_DUMMY: port 0x61 is ours too
 *
 * Return: 0, -EEXIST, -ENOENT without in-kernel chips, -ENOMEM.
 */
int vtr_pit_create(struct vtr_vm *vm, const struct kvm_pit_config *cfg)
{
	struct vtr_irqchip *chip = vm->irqchip;
	struct vtr_pit *pit;
	int err;

	lockdep_assert_held(&vm->lock);
	if (!chip)
		return -ENOENT;
	if (chip->pit)
		return -EEXIST;
	pit = kzalloc(sizeof(*pit), GFP_KERNEL_ACCOUNT);
	if (!pit)
		return -ENOMEM;
	pit->vm = vm;
	raw_spin_lock_init(&pit->lock);
	pit->reinject = true;
	pit->acked = true;
	pit->dev.ops = &pit_ops;
	pit->speaker_dev.ops = &speaker_ops;
	hrtimer_init(&pit->timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_HARD);
	pit->timer.function = pit_timer_fn;
	vtr_pit_state_reset(&pit->s, ktime_get_ns());

	/* The speaker first: what can fail after the timer is reachable would have to wait for readers. */
	if (cfg->flags & KVM_PIT_SPEAKER_DUMMY) {
		err = vtr_bus_register(vm, VTR_BUS_PIO, SPEAKER_PORT, 1, &pit->speaker_dev);
		if (err)
			goto free;
	}
	err = vtr_bus_register(vm, VTR_BUS_PIO, PIT_PORT, 4, &pit->dev);
	if (err)
		goto unregister;
	smp_store_release(&chip->pit, pit);	/* pairs with vtr_irqchip_pit() */
	vtr_irqchip_update_eoi(chip);
	return 0;

unregister:
	vtr_bus_unregister(vm, VTR_BUS_PIO, &pit->speaker_dev);
	synchronize_rcu();
free:
	kfree(pit);
	return err;
}

/**
 * vtr_pit_destroy() - stop and free the timer
 * @chip: the chips, of a VM whose vCPUs run no more
 */
void vtr_pit_destroy(struct vtr_irqchip *chip)
{
	struct vtr_pit *pit = chip->pit;

	if (!pit)
		return;
	hrtimer_cancel(&pit->timer);
	chip->pit = NULL;
	kfree(pit);
}

/**
 * vtr_pit_get() - KVM_GET_PIT2
 * @vm: the VM
 * @s: filled in
 *
 * Return: 0, or -ENXIO without a PIT.
 */
int vtr_pit_get(struct vtr_vm *vm, struct kvm_pit_state2 *s)
{
	struct vtr_pit *pit = vtr_irqchip_pit(vtr_irqchip_of(vm));
	unsigned long flags;

	if (!pit)
		return -ENXIO;
	memset(s, 0, sizeof(*s));
	raw_spin_lock_irqsave(&pit->lock, flags);
	memcpy(s->channels, pit->s.channel, sizeof(s->channels));
	s->flags = pit->flags | (pit->s.speaker_on ? FLAG_SPEAKER_ON : 0);
	raw_spin_unlock_irqrestore(&pit->lock, flags);
	return 0;
}

/**
 * vtr_pit_set() - KVM_SET_PIT2
 * @vm: the VM
 * @s: the state, from the caller
 *
 * Channel 0 begins its count anew, as on KVM; load times in the future become now.
 * Return: 0, -ENXIO without a PIT, -EINVAL for a state no PIT can have.
 */
int vtr_pit_set(struct vtr_vm *vm, const struct kvm_pit_state2 *s)
{
	struct vtr_pit *pit = vtr_irqchip_pit(vtr_irqchip_of(vm));
	struct vtr_pit_channel channels[3];
	u64 now = ktime_get_ns();
	unsigned long flags;
	int err, i;

	if (!pit)
		return -ENXIO;
	memcpy(channels, s->channels, sizeof(channels));
	for (i = 0; i < 3; i++)
		if (!i || channels[i].count_load_time > (s64)now)
			channels[i].count_load_time = now;
	raw_spin_lock_irqsave(&pit->lock, flags);
	err = vtr_pit_state_restore(&pit->s, channels, s->flags & FLAG_SPEAKER_ON);
	if (!err) {
		pit->flags = s->flags & FLAG_HPET_LEGACY;
		pit_start(pit, now);
	}
	raw_spin_unlock_irqrestore(&pit->lock, flags);
	return err;
}

/**
 * vtr_pit_reinject() - KVM_REINJECT_CONTROL
 * @vm: the VM
 * @c: whether lost ticks are given back
 *
 * Return: 0, or -ENXIO without a PIT.
 */
int vtr_pit_reinject(struct vtr_vm *vm, const struct kvm_reinject_control *c)
{
	struct vtr_pit *pit = vtr_irqchip_pit(vtr_irqchip_of(vm));
	unsigned long flags;

	if (!pit)
		return -ENXIO;
	raw_spin_lock_irqsave(&pit->lock, flags);
	pit->reinject = c->pit_reinject;
	pit->acked = true;
	pit->pending = 0;
	raw_spin_unlock_irqrestore(&pit->lock, flags);
	return 0;
}
