// SPDX-License-Identifier: GPL-2.0-only
/*
 * task_switch.c - task switches of 32-bit and 16-bit TSSs, which VMX leaves to the hypervisor (task.c
 * brings the guest's state here and back). Pure.
 *
 * Source: SDM 3A "Task Switching", "Task-State Segment (TSS)", "16-Bit Task-State Segment (TSS)";
 * SDM 3C "Treatment of Task Switches", which says what the CPU has checked before.
 */
#include "task_switch.h"

#define FLAG_FIXED	BIT(1)
#define FLAG_NT		BIT(14)
#define FLAG_VM		BIT(17)
#define FLAGS		0x3f7fd5U	/* that there are */

#define VECTOR_TS	10
#define VECTOR_NP	11
#define VECTOR_SS	12
#define VECTOR_GP	13

#define TYPE_TSS16	1
#define TYPE_LDT	2
#define TYPE_TSS32	9
#define TYPE_BUSY	2
#define TYPE_CODE	8
#define TYPE_CONFORMING	4	/* of code; data grows down */
#define TYPE_WRITABLE	2	/* of data; code can be read */
#define TYPE_ACCESSED	1

#define ATTRIB_BITS	0xf0ff
#define V86_ATTRIB	0x00f3
#define REAL_CODE_ATTRIB 0x009b
#define SEL_RPL		3
#define SEL_TI		4

/* Beside negative errors from memory: an exception is in the result. */
#define RAISED		1

/**
 * struct layout - where a TSS has what
 * @width: bytes of a register
 * @limit: the smallest valid limit
 * @eip: EIP, EFLAGS and the eight registers follow each other from here
 * @segments: ES and those after it
 * @nr: how many of them
 * @ldt: LDTR
 * @cr3: 0: not there
 * @trap: likewise
 */
struct layout {
	u8 width, limit, eip, segments, nr, ldt, cr3, trap;
};

static const struct layout layout16 = { 2, 0x2b, 0x0e, 0x22, 4, 0x2a, 0, 0 };
static const struct layout layout32 = { 4, 0x67, 0x20, 0x48, 6, 0x60, 0x1c, 0x64 };

#define TSS_MAX		0x68
#define LINK		0
#define FLAGS_AT(l)	((l)->eip + (l)->width)
#define REG_AT(l, i)	((l)->eip + (2 + (i)) * (l)->width)
#define SEG_AT(l, i)	((l)->segments + (i) * (l)->width)

static int raise(struct vtr_task_switch *t, int vector, u32 error)
{
	t->vector = vector;
	t->error = error | t->external;
	return RAISED;
}

static int raise_for(struct vtr_task_switch *t, int vector, u16 selector)
{
	return raise(t, vector, selector & ~SEL_RPL);
}

/* What a callback said, as this file's functions return it. */
static int outcome(int err)
{
	return err == -EFAULT ? RAISED : err;
}

static int read(struct vtr_task_switch *t, u32 addr, void *buf, u32 len)
{
	return outcome(t->read(t->ctx, addr, buf, len));
}

static int write(struct vtr_task_switch *t, u32 addr, const void *buf, u32 len)
{
	return outcome(t->write(t->ctx, addr, buf, len));
}

static u32 get(const u8 *tss, u32 at, u8 width)
{
	u32 val = 0;

	while (width--)
		val = val << 8 | tss[at + width];
	return val;
}

static void put(u8 *tss, u32 at, u8 width, u32 val)
{
	for (; width--; val >>= 8)
		tss[at++] = val;
}

static const struct layout *layout_of(u16 attrib)
{
	return (attrib & VTR_TASK_TYPE & ~TYPE_BUSY) == TYPE_TSS32 ? &layout32 : &layout16;
}

/* --- descriptors --- */

/* The table that a selector's descriptor is in. False: beyond its end. */
static bool descriptor_at(const struct vtr_task_switch *t, u16 selector, u32 *addr)
{
	const struct vtr_task_segment *ldt = &t->seg[VTR_TASK_LDTR];
	u32 offset = selector & ~7, base = t->gdt_base, limit = t->gdt_limit;

	if (selector & SEL_TI) {
		if (!(ldt->attrib & VTR_TASK_P))
			return false;
		base = ldt->base;
		limit = ldt->limit;
	}
	*addr = base + offset;
	return offset + 7 <= limit;
}

static void unpack(u64 d, u16 selector, struct vtr_task_segment *s)
{
	s->selector = selector;
	s->base = (d >> 16 & 0xffffff) | (d >> 32 & 0xff000000);
	s->limit = (d & 0xffff) | (d >> 32 & 0xf0000);
	s->attrib = d >> 40 & ATTRIB_BITS;
	if (s->attrib & VTR_TASK_G)
		s->limit = s->limit << 12 | 0xfff;
}

/* Beyond the end of its table: the given exception. */
static int fetch(struct vtr_task_switch *t, u16 selector, int vector, struct vtr_task_segment *s,
		 u64 *d, u32 *addr)
{
	int err;

	if (!descriptor_at(t, selector, addr))
		return raise_for(t, vector, selector);
	err = read(t, *addr, d, sizeof(*d));
	if (!err)
		unpack(*d, selector, s);
	return err;
}

static int set_type_bit(struct vtr_task_switch *t, u32 addr, u8 bit, bool on)
{
	u8 type;
	int err = read(t, addr + 5, &type, 1);

	if (err)
		return err;
	type = on ? type | bit : type & ~bit;
	return write(t, addr + 5, &type, 1);
}

static u8 dpl(const struct vtr_task_segment *s)
{
	return s->attrib >> VTR_TASK_DPL_SHIFT & 3;
}

/* --- before the switch: exceptions are the old task's --- */

static int check_new_tss(struct vtr_task_switch *t, struct vtr_task_segment *s, u32 *addr)
{
	bool iret = t->source == VTR_TASK_IRET;
	int vector = iret ? VECTOR_TS : VECTOR_GP, err;
	u16 type;
	u64 d;

	if (t->selector & SEL_TI || !(t->selector & ~7))
		return raise_for(t, vector, t->selector);
	err = fetch(t, t->selector, vector, s, &d, addr);
	if (err)
		return err;
	type = s->attrib & (VTR_TASK_S | VTR_TASK_TYPE);
	if ((type & ~TYPE_BUSY) != TYPE_TSS16 && (type & ~TYPE_BUSY) != TYPE_TSS32)
		return raise_for(t, vector, t->selector);
	/* A task is not entered again, and returned to only where it waits. */
	if (!(type & TYPE_BUSY) == iret)
		return raise_for(t, vector, t->selector);
	if (!(s->attrib & VTR_TASK_P))
		return raise_for(t, VECTOR_NP, t->selector);
	if (s->limit < layout_of(s->attrib)->limit)
		return raise_for(t, VECTOR_TS, t->selector);
	return 0;
}

/* The part of the old TSS that a switch writes: from EIP to the last segment register. */
static int save(struct vtr_task_switch *t)
{
	const struct vtr_task_segment *tr = &t->seg[VTR_TASK_TR];
	const struct layout *l = layout_of(tr->attrib);
	u32 flags = t->source == VTR_TASK_IRET ? t->eflags & ~FLAG_NT : t->eflags;
	u8 tss[TSS_MAX] = { 0 };
	int i, end = SEG_AT(l, l->nr);

	put(tss, l->eip, l->width, t->eip);
	put(tss, FLAGS_AT(l), l->width, flags);
	for (i = 0; i < 8; i++)
		put(tss, REG_AT(l, i), l->width, t->regs[i]);
	for (i = 0; i < l->nr; i++)
		put(tss, SEG_AT(l, i), l->width, t->seg[i].selector);
	return write(t, tr->base + l->eip, tss + l->eip, end - l->eip);
}

/* Which tasks are busy, and who called whom. */
static int link_tasks(struct vtr_task_switch *t, const struct vtr_task_segment *new, u32 addr)
{
	bool nested = t->source == VTR_TASK_CALL || t->source == VTR_TASK_GATE;
	u16 old = t->seg[VTR_TASK_TR].selector;
	u32 old_addr;
	u8 link[2];
	int err = 0;

	/* TR may be one that LTR loaded before the table was replaced. */
	if (!nested && descriptor_at(t, old & ~SEL_TI, &old_addr))
		err = set_type_bit(t, old_addr, TYPE_BUSY, false);
	if (!err && nested) {
		put(link, 0, 2, old);
		err = write(t, new->base + LINK, link, sizeof(link));
	}
	if (!err && t->source != VTR_TASK_IRET)
		err = set_type_bit(t, addr, TYPE_BUSY, true);
	return err;
}

/* --- after it: they are the new task's --- */

static int load_ldtr(struct vtr_task_switch *t, u16 selector)
{
	struct vtr_task_segment s = { .selector = selector };
	u32 addr;
	u64 d;
	int err;

	t->seg[VTR_TASK_LDTR] = s;
	if (!(selector & ~SEL_RPL))
		return 0;
	if (selector & SEL_TI)
		return raise_for(t, VECTOR_TS, selector);
	err = fetch(t, selector, VECTOR_TS, &s, &d, &addr);
	if (err)
		return err;
	if ((s.attrib & (VTR_TASK_S | VTR_TASK_TYPE)) != TYPE_LDT || !(s.attrib & VTR_TASK_P))
		return raise_for(t, VECTOR_TS, selector);
	t->seg[VTR_TASK_LDTR] = s;
	return 0;
}

/* May a task of this privilege level have the segment there? Present or not. */
static bool suits(const struct vtr_task_segment *s, int nr, u8 cpl)
{
	u8 type = s->attrib & VTR_TASK_TYPE, rpl = s->selector & SEL_RPL;

	if (!(s->attrib & VTR_TASK_S))
		return false;
	switch (nr) {
	case VTR_TASK_CS:
		if (!(type & TYPE_CODE))
			return false;
		return type & TYPE_CONFORMING ? dpl(s) <= rpl : dpl(s) == rpl;
	case VTR_TASK_SS:
		return !(type & TYPE_CODE) && type & TYPE_WRITABLE && rpl == cpl && dpl(s) == cpl;
	default:
		if (type & TYPE_CODE && !(type & TYPE_WRITABLE))
			return false;
		if (type & TYPE_CODE && type & TYPE_CONFORMING)
			return true;
		return dpl(s) >= cpl && dpl(s) >= rpl;
	}
}

static int load_segment(struct vtr_task_switch *t, int nr, u8 cpl)
{
	u16 selector = t->seg[nr].selector;
	struct vtr_task_segment s;
	u32 addr;
	u64 d;
	int err;

	if (!(selector & ~SEL_RPL))
		return nr == VTR_TASK_CS || nr == VTR_TASK_SS ? raise_for(t, VECTOR_TS, selector) :
								0;
	err = fetch(t, selector, VECTOR_TS, &s, &d, &addr);
	if (err)
		return err;
	if (!suits(&s, nr, cpl))
		return raise_for(t, VECTOR_TS, selector);
	if (!(s.attrib & VTR_TASK_P))
		return raise_for(t, nr == VTR_TASK_SS ? VECTOR_SS : VECTOR_NP, selector);
	if (!(s.attrib & TYPE_ACCESSED)) {
		err = set_type_bit(t, addr, TYPE_ACCESSED, true);
		if (err)
			return err;
		s.attrib |= TYPE_ACCESSED;
	}
	t->seg[nr] = s;
	return 0;
}

static int load_segments(struct vtr_task_switch *t, u16 ldt)
{
	/* CS says what the others may be. */
	static const u8 order[] = {
		VTR_TASK_CS, VTR_TASK_SS, VTR_TASK_ES, VTR_TASK_DS, VTR_TASK_FS, VTR_TASK_GS
	};
	u8 cpl = t->seg[VTR_TASK_CS].selector & SEL_RPL;
	size_t i;
	int err = load_ldtr(t, ldt);

	if (t->eflags & FLAG_VM)
		return err;
	for (i = 0; !err && i < ARRAY_SIZE(order); i++)
		err = load_segment(t, order[i], cpl);
	if (!err && t->eip > t->seg[VTR_TASK_CS].limit)
		return raise(t, VECTOR_GP, 0);
	return err;
}

/*
 * Selectors alone: virtual-8086 segments follow from them, others are null until they are checked.
 * But a CPU has some code segment at all times, and its privilege level in two places.
 */
static void take_selectors(struct vtr_task_switch *t, const u8 *tss, const struct layout *l)
{
	u16 cpl;
	int i;

	for (i = VTR_TASK_ES; i <= VTR_TASK_GS; i++) {
		struct vtr_task_segment *s = &t->seg[i];

		*s = (struct vtr_task_segment) {
			.selector = i < l->nr ? get(tss, SEG_AT(l, i), 2) : 0,
		};
		if (t->eflags & FLAG_VM) {
			s->base = s->selector << 4;
			s->limit = 0xffff;
			s->attrib = V86_ATTRIB;
		}
	}
	if (t->eflags & FLAG_VM)
		return;
	cpl = t->seg[VTR_TASK_CS].selector & SEL_RPL;
	t->seg[VTR_TASK_CS].limit = 0xffff;
	t->seg[VTR_TASK_CS].attrib = REAL_CODE_ATTRIB | cpl << VTR_TASK_DPL_SHIFT;
	t->seg[VTR_TASK_SS].attrib = cpl << VTR_TASK_DPL_SHIFT;
}

static void take_registers(struct vtr_task_switch *t, const u8 *tss, const struct layout *l)
{
	int i;

	/* Of the upper halves, which a 16-bit TSS lacks, the manual says nothing: they are lost. */
	for (i = 0; i < 8; i++)
		t->regs[i] = get(tss, REG_AT(l, i), l->width);
	t->eip = get(tss, l->eip, l->width);
	t->eflags = (get(tss, FLAGS_AT(l), l->width) & FLAGS) | FLAG_FIXED;
	if (t->source == VTR_TASK_CALL || t->source == VTR_TASK_GATE)
		t->eflags |= FLAG_NT;
	t->trap = l->trap && tss[l->trap] & 1;
}

static int push_error_code(struct vtr_task_switch *t, u8 width)
{
	const struct vtr_task_segment *ss = &t->seg[VTR_TASK_SS];
	bool down = !(t->eflags & FLAG_VM) && ss->attrib & TYPE_CONFORMING;
	u32 mask = ss->attrib & VTR_TASK_DB ? ~0U : 0xffff;
	u32 sp = (t->regs[4] - width) & mask, last = sp + width - 1;
	u8 code[4];
	int err;

	if (last < sp || (down ? sp <= ss->limit || last > mask : last > ss->limit))
		return raise(t, VECTOR_SS, 0);
	put(code, 0, 4, t->error_code);
	err = write(t, ss->base + sp, code, width);
	if (!err)
		t->regs[4] = (t->regs[4] & ~mask) | sp;
	return err;
}

/**
 * vtr_task_switch() - switch tasks
 * @t: filled in up to @ctx
 *
 * Up to the moment when the new task's state is loaded nothing is changed but descriptors and TSSs
 * in memory, and an exception finds the old task as it was. From then on it is the new task's.
 *
 * Return: 0, with the result filled in; a negative error of the callbacks: something lies where no
 * memory is, and the guest cannot go on.
 */
int vtr_task_switch(struct vtr_task_switch *t)
{
	const struct layout *l;
	struct vtr_task_segment new;
	u8 tss[TSS_MAX];
	u32 addr;
	int err;

	t->switched = false;
	t->vector = -1;
	t->trap = false;
	err = check_new_tss(t, &new, &addr);
	if (err)
		return min(err, 0);
	l = layout_of(new.attrib);
	err = read(t, new.base, tss, l->limit + 1U);
	if (!err)
		err = save(t);
	if (!err)
		err = link_tasks(t, &new, addr);
	if (err)
		return min(err, 0);

	t->switched = true;
	t->seg[VTR_TASK_TR] = new;
	t->seg[VTR_TASK_TR].attrib |= TYPE_BUSY;
	if (l->cr3 && t->paging) {
		t->cr3 = get(tss, l->cr3, 4);
		t->load_cr3(t->ctx, t->cr3);
	}
	take_registers(t, tss, l);
	take_selectors(t, tss, l);
	err = load_segments(t, get(tss, l->ldt, 2));
	if (!err && t->has_error)
		err = push_error_code(t, l->width);
	return min(err, 0);
}
