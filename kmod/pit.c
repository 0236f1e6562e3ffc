// SPDX-License-Identifier: GPL-2.0-only
/*
 * pit.c - the 8254 (Intel 8254 data sheet): control words, latches, read-back, the six modes.
 *
 * Deviation: a gate that goes low does not freeze the count. Only channel 2's gate can, and what
 * software measures with it starts with a rising gate or a new count.
 */
#include "pit.h"

#define NS_PER_SEC	1000000000ULL
#define NO_MODE		0xff	/* no control word yet */

/*
 * Which byte comes next; the numbers are part of struct kvm_pit_channel_state. Before the first control
 * word it is 0, which works like STATE_LSB.
 */
enum { STATE_LSB = 1, STATE_MSB, STATE_WORD0, STATE_WORD1 };

static u32 modulus(const struct vtr_pit_channel *c)
{
	return c->bcd ? 10000 : 65536;
}

static u32 from_bcd(u32 v)
{
	return (v & 0xf) + (v >> 4 & 0xf) * 10 + (v >> 8 & 0xf) * 100 + (v >> 12 & 0xf) * 1000;
}

static u32 to_bcd(u32 v)
{
	return v % 10 | v / 10 % 10 << 4 | v / 100 % 10 << 8 | v / 1000 % 10 << 12;
}

/* Ticks since the count began. In two steps, as ns times frequency exceeds 64 bits after hours. */
static u64 ticks(const struct vtr_pit_channel *c, u64 now_ns)
{
	u64 ns = now_ns > (u64)c->count_load_time ? now_ns - (u64)c->count_load_time : 0;

	return ns / NS_PER_SEC * VTR_PIT_HZ + ns % NS_PER_SEC * VTR_PIT_HZ / NS_PER_SEC;
}

static u16 current_count(const struct vtr_pit_channel *c, u64 now_ns)
{
	u64 gone = ticks(c, now_ns);
	u32 left, mod = modulus(c);

	switch (c->mode) {
	case 2:
		left = c->count - gone % c->count;
		break;
	case 3:
		left = c->count - gone * 2 % c->count;
		break;
	default:
		left = (c->count + mod - gone % mod) % mod;
		break;
	}
	return c->bcd ? to_bcd(left % mod) : left;
}

static bool output(const struct vtr_pit_channel *c, u64 now_ns)
{
	u64 gone = ticks(c, now_ns);

	switch (c->mode) {
	case 2:
		return gone % c->count != c->count - 1;
	case 3:
		return gone % c->count < (c->count + 1) / 2;
	case 4:
	case 5:
		return gone != c->count;
	default:
		return gone >= c->count;
	}
}

/**
 * vtr_pit_state_reset() - power-up state
 * @p: the timer
 * @now_ns: the time
 */
void vtr_pit_state_reset(struct vtr_pit_state *p, u64 now_ns)
{
	int i;

	memset(p, 0, sizeof(*p));
	for (i = 0; i < 3; i++) {
		p->channel[i].mode = NO_MODE;
		p->channel[i].gate = i != 2;
		p->channel[i].count = 65536;
		p->channel[i].count_load_time = now_ns;
	}
}

static void load(struct vtr_pit_channel *c, u32 val, u64 now_ns)
{
	if (c->bcd)
		val = from_bcd(val);
	c->count = val ? val : modulus(c);
	c->count_load_time = now_ns;
}

/* True when the count is complete. */
static bool write_count(struct vtr_pit_channel *c, u8 val, u64 now_ns)
{
	switch (c->write_state) {
	case STATE_MSB:
		load(c, val << 8, now_ns);
		return true;
	case STATE_WORD0:
		c->write_latch = val;
		c->write_state = STATE_WORD1;
		return false;
	case STATE_WORD1:
		c->write_state = STATE_WORD0;
		load(c, c->write_latch | val << 8, now_ns);
		return true;
	default:
		load(c, val, now_ns);
		return true;
	}
}

static void latch_count(struct vtr_pit_channel *c, u64 now_ns)
{
	if (c->count_latched)
		return;
	c->latched_count = current_count(c, now_ns);
	c->count_latched = c->rw_mode;
}

static void latch_status(struct vtr_pit_channel *c, u64 now_ns)
{
	if (c->status_latched)
		return;
	c->status = output(c, now_ns) << 7 | c->rw_mode << 4 | (c->mode & 7) << 1 | c->bcd;
	c->status_latched = 1;
}

static void read_back(struct vtr_pit_state *p, u8 val, u64 now_ns)
{
	int i;

	for (i = 0; i < 3; i++) {
		if (!(val & 2U << i))
			continue;
		if (!(val & 0x20))
			latch_count(&p->channel[i], now_ns);
		if (!(val & 0x10))
			latch_status(&p->channel[i], now_ns);
	}
}

static void write_control(struct vtr_pit_state *p, u8 val, u64 now_ns)
{
	u8 access = val >> 4 & 3, mode = val >> 1 & 7;
	struct vtr_pit_channel *c;

	if (val >> 6 == 3) {
		read_back(p, val, now_ns);
		return;
	}
	c = &p->channel[val >> 6];
	if (!access) {
		latch_count(c, now_ns);
		return;
	}
	c->rw_mode = access;
	c->read_state = access;
	c->write_state = access;
	c->mode = mode > 5 ? mode & 3 : mode;
	c->bcd = val & 1;
	c->count_latched = 0;
	if (c->count > modulus(c))
		c->count = modulus(c);
}

/**
 * vtr_pit_state_write() - OUT to 0x40..0x43
 * @p: the timer
 * @reg: port - 0x40
 * @val: the value
 * @now_ns: the time
 *
 * Return: true if channel 0 began a new count, so the host's timer has to follow.
 */
bool vtr_pit_state_write(struct vtr_pit_state *p, u32 reg, u8 val, u64 now_ns)
{
	if (reg == 3) {
		write_control(p, val, now_ns);
		return false;
	}
	return write_count(&p->channel[reg], val, now_ns) && reg == 0;
}

static u8 read_latched(struct vtr_pit_channel *c)
{
	u8 state = c->count_latched;

	if (state == STATE_WORD0) {
		c->count_latched = STATE_MSB;
		return c->latched_count;
	}
	c->count_latched = 0;
	return state == STATE_LSB ? c->latched_count : c->latched_count >> 8;
}

/**
 * vtr_pit_state_read() - IN from 0x40..0x43
 * @p: the timer
 * @reg: port - 0x40
 * @now_ns: the time
 *
 * Return: status, latched or current count, byte by byte; 0 for the control port.
 */
u8 vtr_pit_state_read(struct vtr_pit_state *p, u32 reg, u64 now_ns)
{
	struct vtr_pit_channel *c;
	u16 count;

	if (reg == 3)
		return 0;
	c = &p->channel[reg];
	if (c->status_latched) {
		c->status_latched = 0;
		return c->status;
	}
	if (c->count_latched)
		return read_latched(c);

	count = current_count(c, now_ns);
	switch (c->read_state) {
	case STATE_MSB:
		return count >> 8;
	case STATE_WORD0:
		c->read_state = STATE_WORD1;
		return count;
	case STATE_WORD1:
		c->read_state = STATE_WORD0;
		return count >> 8;
	default:
		return count;
	}
}

/**
 * vtr_pit_speaker_read() - IN from port 0x61
 * @p: the timer
 * @now_ns: the time
 *
 * Return: gate and speaker bits, the toggling refresh bit (about 15 us a half), channel 2's output.
 */
u8 vtr_pit_speaker_read(const struct vtr_pit_state *p, u64 now_ns)
{
	const struct vtr_pit_channel *c = &p->channel[2];

	return p->speaker_on << 1 | c->gate | (now_ns >> 14 & 1) << 4 | output(c, now_ns) << 5;
}

/**
 * vtr_pit_speaker_write() - OUT to port 0x61
 * @p: the timer
 * @val: bit 0 gate of channel 2, bit 1 speaker
 * @now_ns: the time
 */
void vtr_pit_speaker_write(struct vtr_pit_state *p, u8 val, u64 now_ns)
{
	struct vtr_pit_channel *c = &p->channel[2];
	u8 gate = val & 1;

	p->speaker_on = val & 2;
	if (gate && !c->gate && c->mode != 0 && c->mode != 4)
		c->count_load_time = now_ns;
	c->gate = gate;
}

/**
 * vtr_pit_interval_ns() - when channel 0 interrupts after its count began
 * @p: the timer
 * @periodic: set to whether it goes on
 *
 * Return: ns, 0 if it does not interrupt (no mode yet, or mode 5, which waits for a gate that never moves).
 */
u64 vtr_pit_interval_ns(const struct vtr_pit_state *p, bool *periodic)
{
	const struct vtr_pit_channel *c = &p->channel[0];

	*periodic = c->mode == 2 || c->mode == 3;
	return c->mode > 4 ? 0 : c->count * NS_PER_SEC / VTR_PIT_HZ;
}

static bool channel_valid(const struct vtr_pit_channel *c)
{
	return c->count <= 65536 && (c->mode <= 5 || c->mode == NO_MODE) &&
	       c->rw_mode <= STATE_WORD0 && c->count_latched <= STATE_WORD1 &&
	       c->read_state <= STATE_WORD1 && c->write_state <= STATE_WORD1;
}

/**
 * vtr_pit_state_restore() - takes over the state of KVM_SET_PIT2
 * @p: the timer
 * @channels: three, from the caller: anything
 * @speaker_on: speaker bit
 *
 * A count of 0 means 65536. Return: 0, or -EINVAL for a state no 8254 can have; @p is unchanged then.
 */
int vtr_pit_state_restore(struct vtr_pit_state *p, const struct vtr_pit_channel *channels,
			  bool speaker_on)
{
	int i;

	for (i = 0; i < 3; i++)
		if (!channel_valid(&channels[i]))
			return -EINVAL;
	for (i = 0; i < 3; i++) {
		struct vtr_pit_channel *c = &p->channel[i];

		*c = channels[i];
		c->bcd &= 1;
		c->gate &= 1;
		if (!c->count || c->count > modulus(c))
			c->count = modulus(c);
	}
	p->speaker_on = speaker_on;
	return 0;
}
