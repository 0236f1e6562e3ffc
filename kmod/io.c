// SPDX-License-Identifier: GPL-2.0-only
/*
 * io.c - port and MMIO accesses: to the kernel's own devices, or to user space and back.
 *
 * The fast functions run loaded with interrupts off and handle what needs no sleep: plain IN and OUT,
 * and MOV between a register and one MMIO location whose address the exit gave. Everything else goes
 * through the emulator, put.
 */
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>
#include "backend.h"
#include "fpu.h"
#include "guestmem.h"
#include "vcpu.h"

#define VTR_EMUL_LOG	16	/* accesses of one instruction, in pieces of up to 8 bytes */

#define VTR_MOVS_KEPT	4	/* a power of two */

/**
 * struct vtr_kept_mov - a MOV to or from memory as it was decoded
 * @code: its bytes, and those behind it
 * @bits: 16, 32 or 64: the code segment it stood in; 0: none is kept
 * @insn: what they say
 */
struct vtr_kept_mov {
	u64 code[VTR_FETCH_MAX / 8];
	u8 bits;
	struct vtr_insn insn;
};

/**
 * struct vtr_emul_ctx - the instruction that is being emulated
 * @insn: decoded
 * @bits: 16, 32 or 64: the code segment it stands in
 * @rip: where; user space may have set another when it answers, and that is not looked at
 * @nlog: accesses to MMIO it has made so far
 * @at: next one during this execution
 * @log: what they were; a repeated execution takes them from here
 * @kept: MOVs that need not be decoded again, by their place: a driver reaches its device from few places
 * @mov: the one that waits for user space's answer
 */
struct vtr_emul_ctx {
	struct vtr_insn insn;
	u8 bits;
	u64 rip;
	u8 nlog, at;
	struct {
		u8 data[8];
	} log[VTR_EMUL_LOG];
	struct vtr_kept_mov kept[VTR_MOVS_KEPT];
	const struct vtr_insn *mov;
};

/**
 * vtr_emul_create() - the vCPU's emulation context
 * @v: new vCPU
 *
 * Return: 0 or -ENOMEM.
 */
int vtr_emul_create(struct vtr_vcpu *v)
{
	v->emul = kzalloc(sizeof(*v->emul), GFP_KERNEL_ACCOUNT);
	return v->emul ? 0 : -ENOMEM;
}

/**
 * vtr_emul_destroy() - free it
 * @v: dying vCPU
 */
void vtr_emul_destroy(struct vtr_vcpu *v)
{
	kfree(v->emul);
}

static void vtr_exit_mmio(struct vtr_vcpu *v, gpa_t gpa, u32 len, const void *data, bool write)
{
	struct kvm_run *run = v->run;

	run->exit_reason = KVM_EXIT_MMIO;
	run->mmio.phys_addr = gpa;
	run->mmio.len = len;
	run->mmio.is_write = write;
	if (write)
		memcpy(run->mmio.data, data, len);
}

static __always_inline void vtr_exit_io(struct vtr_vcpu *v, const struct vtr_pio *io, u32 count)
{
	struct kvm_run *run = v->run;

	run->exit_reason = KVM_EXIT_IO;
	run->io.direction = io->in ? KVM_EXIT_IO_IN : KVM_EXIT_IO_OUT;
	run->io.size = io->size;
	run->io.port = io->port;
	run->io.count = count;
	run->io.data_offset = PAGE_SIZE;
}

static void vtr_pio_result(struct vtr_vcpu *v, const void *data)
{
	u64 val = 0;

	memcpy(&val, data, v->pio.size);
	if (v->pio.size == 4)
		v->regs[0] = val;
	else
		v->regs[0] = (v->regs[0] & ~(v->pio.size == 2 ? 0xffffULL : 0xffULL)) | val;
}

/* The bus, unless its filter says at once that nobody is there. 0, or -EOPNOTSUPP for user space's. */
static __always_inline int vtr_bus_ask_read(struct vtr_vcpu *v, enum vtr_bus_kind kind, gpa_t addr,
					    int len, void *val)
{
	return vtr_bus_may_answer(&v->vm->bus[kind], kind, addr) ?
		vtr_bus_read(v, kind, addr, len, val) : -EOPNOTSUPP;
}

static __always_inline int vtr_bus_ask_write(struct vtr_vcpu *v, enum vtr_bus_kind kind, gpa_t addr,
					     int len, const void *val)
{
	if (vtr_bus_may_answer(&v->vm->bus[kind], kind, addr) &&
	    !vtr_bus_write(v, kind, addr, len, val))
		return 0;
	return unlikely(rcu_access_pointer(v->vm->zones)) ?
		vtr_coalesced_write(v->vm, kind == VTR_BUS_PIO, addr, len, val) : -EOPNOTSUPP;
}

static noinline enum vtr_act vtr_in_fast(struct vtr_vcpu *v, const struct vtr_exit *e)
{
	u64 val = 0;

	v->pio = e->io;
	if (!vtr_bus_ask_read(v, VTR_BUS_PIO, e->io.port, e->io.size, &val)) {
		vtr_pio_result(v, &val);
		vtr_advance(v, e->io.next_rip);
		return VTR_ACT_RESUME;
	}
	v->completion = VTR_COMPLETE_PIO_IN;
	vtr_exit_io(v, &e->io, 1);
	return VTR_ACT_USER;
}

static __always_inline enum vtr_act vtr_out_to_user(struct vtr_vcpu *v, const struct vtr_exit *e)
{
	v->pio.next_rip = e->io.next_rip;
	*(u32 *)v->pio_data = v->regs[0];
	v->completion = VTR_COMPLETE_PIO_OUT;
	vtr_exit_io(v, &e->io, 1);
	return VTR_ACT_USER;
}

/* Somebody in the kernel may want it. */
static noinline enum vtr_act vtr_out_fast(struct vtr_vcpu *v, const struct vtr_exit *e)
{
	if (vtr_bus_ask_write(v, VTR_BUS_PIO, e->io.port, e->io.size, &v->regs[0]))
		return vtr_out_to_user(v, e);
	vtr_advance(v, e->io.next_rip);
	return VTR_ACT_RESUME;
}

/**
 * vtr_io_fast() - a port access
 * @v: loaded, interrupts off
 * @e: its exit
 *
 * Return: what the run loop does next.
 */
enum vtr_act vtr_io_fast(struct vtr_vcpu *v, struct vtr_exit *e)
{
	if (unlikely(e->io.string))
		return VTR_ACT_SLOW;
	if (unlikely(!e->io.next_rip)) {
		if (!e->insn_len)
			return VTR_ACT_SLOW;
		e->io.next_rip = v->rip + e->insn_len;
	}
	if (e->io.in)
		return vtr_in_fast(v, e);
	if (vtr_bus_may_answer(&v->vm->bus[VTR_BUS_PIO], VTR_BUS_PIO, e->io.port) ||
	    rcu_access_pointer(v->vm->zones))
		return vtr_out_fast(v, e);
	return vtr_out_to_user(v, e);
}

/* The local APIC's window or a device on the bus. 0, or -EOPNOTSUPP for user space's. */
static __always_inline int vtr_mmio_kernel(struct vtr_vcpu *v, gpa_t gpa, u32 len, void *data, bool write)
{
	if (v->apic && vtr_apic_mmio_covers(v, gpa))
		return write ? vtr_apic_mmio_write(v, gpa, len, data) :
			       vtr_apic_mmio_read(v, gpa, len, data);
	return write ? vtr_bus_ask_write(v, VTR_BUS_MMIO, gpa, len, data) :
		       vtr_bus_ask_read(v, VTR_BUS_MMIO, gpa, len, data);
}

/*
 * Is the exit's address, a page's start, where the operand begins? Of one that began on the page before, and faults on
 * the second, the address is the second page's start: the operand's own offset tells the two apart.
 */
static noinline bool vtr_operand_begins(struct vtr_vcpu *v, const struct vtr_insn *i, u8 bits)
{
	struct vtr_emul e = { .regs = v->regs, .rip = &v->rip };

	return i->mem_size == 1 ||
	       (bits == 64 && i->seg < VTR_SEG_FS && !offset_in_page(vtr_insn_offset(&e, i)));
}

/* The instruction's memory operand lies in one page: the exit's address is the operand's. */
static bool vtr_is_one_piece(struct vtr_vcpu *v, const struct vtr_insn *i, gpa_t gpa, u8 bits)
{
	return offset_in_page(gpa) + i->mem_size <= PAGE_SIZE &&
	       (offset_in_page(gpa) || vtr_operand_begins(v, i, bits));
}

/*
 * The n bytes at RIP as a MOV with one memory operand, or NULL. The same bytes in the same mode are
 * the same instruction.
 */
static __always_inline const struct vtr_insn *vtr_mov_at_rip(struct vtr_vcpu *v, const u64 *code,
							     int n, u8 bits)
{
	struct vtr_kept_mov *k = &v->emul->kept[(v->rip ^ v->rip >> 4) % VTR_MOVS_KEPT];
	struct vtr_insn *i = &k->insn;

	if (likely(n == VTR_FETCH_MAX && k->bits == bits &&
		   k->code[0] == code[0] && k->code[1] == code[1]))
		return i;
	k->bits = 0;
	if (vtr_insn_decode((const u8 *)code, n, bits, i) != VTR_DECODE_OK ||
	    i->op != VTR_OP_MOV || !i->mem || i->rep)
		return NULL;
	if (n == VTR_FETCH_MAX) {
		memcpy(k->code, code, sizeof(k->code));
		k->bits = bits;
	}
	return i;
}

/**
 * vtr_mmio_fast() - an access to guest-physical memory that is none
 * @v: loaded, interrupts off, v->slots loaded
 * @gpa: where
 * @why: VTR_FAULT_*
 *
 * Return: what the run loop does next; VTR_ACT_SLOW for the emulator.
 */
enum vtr_act vtr_mmio_fast(struct vtr_vcpu *v, gpa_t gpa, u32 why)
{
	u64 code[VTR_FETCH_MAX / 8], val = 0;
	const struct vtr_insn *i;
	u8 bits;
	int n = vtr_fetch_atomic(v, (u8 *)code, &bits);

	vtr_stats_count(v->stats.mmio);
	i = vtr_mov_at_rip(v, code, n, bits);
	if (unlikely(!i || why & (VTR_FAULT_FETCH | VTR_FAULT_WALK) ||
		     !vtr_is_one_piece(v, i, gpa, bits) || i->store != !!(why & VTR_FAULT_WRITE)))
		return VTR_ACT_SLOW;
	v->pio.next_rip = bits == 64 ? v->rip + i->len : (u32)(v->rip + i->len);
	if (i->store) {
		val = i->has_imm ? i->imm : vtr_reg_read(v->regs, i, i->reg, i->size);
		if (vtr_mmio_kernel(v, gpa, i->size, &val, true)) {
			vtr_exit_mmio(v, gpa, i->size, &val, true);
			vtr_advance(v, v->pio.next_rip);
			return VTR_ACT_USER;
		}
	} else {
		if (vtr_mmio_kernel(v, gpa, i->mem_size, &val, false)) {
			vtr_exit_mmio(v, gpa, i->mem_size, NULL, false);
			v->completion = VTR_COMPLETE_MMIO_READ;
			v->emul->mov = i;
			return VTR_ACT_USER;
		}
		vtr_reg_write(v->regs, i, i->reg, i->size, val);
	}
	vtr_advance(v, v->pio.next_rip);
	return VTR_ACT_RESUME;
}

/* One piece of an emulated access that is no memory: from the log, the kernel, or user space. */
static int vtr_emul_mmio(struct vtr_vcpu *v, gpa_t gpa, void *data, u32 len, bool write)
{
	struct vtr_emul_ctx *c = v->emul;

	if (c->at < c->nlog) {
		if (!write)
			memcpy(data, c->log[c->at].data, len);
		c->at++;
		return 0;
	}
	if (c->nlog >= VTR_EMUL_LOG)
		return -EINVAL;
	if (vtr_mmio_kernel(v, gpa, len, data, write)) {
		vtr_exit_mmio(v, gpa, len, data, write);
		/* The answer goes into this entry: vtr_complete(). */
		c->nlog++;
		return -EAGAIN;
	}
	if (!write)
		memcpy(c->log[c->nlog].data, data, len);
	c->nlog++;
	c->at++;
	return 0;
}

static int vtr_emul_piece(struct vtr_vcpu *v, u64 addr, void *data, u32 len, bool write)
{
	hva_t hva;
	gpa_t gpa;
	u32 error;
	int err;

	err = vtr_translate_linear(v, addr, write ? VTR_WALK_WRITE : 0, &gpa, &error);
	if (err == -EFAULT)
		vtr_queue_pf(v, addr, error);
	if (err)
		return err == -EFAULT ? err : -EINVAL;
	hva = vtr_gpa_to_hva(v, gpa, write);
	if (hva)
		return (write ? vtr_gpa_write(v, gpa, data, len) :
				vtr_gpa_read(v, gpa, data, len)) ? -EIO : 0;
	while (len) {
		u32 n = min_t(u32, len, 8);

		err = vtr_emul_mmio(v, gpa, data, n, write);
		if (err)
			return err;
		gpa += n;
		data += n;
		len -= n;
	}
	return 0;
}

static int vtr_emul_mem(void *ctx, u64 addr, void *data, u32 len, bool write)
{
	u32 first = min_t(u32, len, PAGE_SIZE - offset_in_page(addr));
	int err = vtr_emul_piece(ctx, addr, data, first, write);

	if (!err && first < len)
		err = vtr_emul_piece(ctx, addr + first, data + first, len - first, write);
	return err;
}

/* Offset in a segment to linear address, with the checks of the segment or of canonical form. */
static int vtr_emul_linear(void *ctx, u8 seg, u64 offset, u32 len, bool write, u64 *addr)
{
	struct vtr_vcpu *v = ctx;
	struct kvm_segment s;
	bool ok;

	vtr_hw(get_segment)(v, seg, &s);
	if (v->emul->bits == 64) {
		u64 last;

		*addr = offset + (seg >= VTR_SEG_FS ? s.base : 0);
		last = *addr + len - 1;
		ok = (u64)((s64)(*addr << 16) >> 16) == *addr &&
		     (u64)((s64)(last << 16) >> 16) == last;
	} else {
		u64 last = offset + len - 1;
		bool down = s.s && !(s.type & 8) && s.type & 4;

		*addr = (u32)(offset + s.base);
		ok = !s.unusable && (down ? offset > s.limit && last <= (s.db ? ~0U : 0xffffU) :
					    last <= s.limit);
		if (write && vtr_hw(get_cr)(v, 0) & X86_CR0_PE && !(v->rflags & X86_EFLAGS_VM))
			ok &= !(s.type & 8) && s.type & 2;
	}
	if (ok)
		return 0;
	vtr_queue_exception(v, seg == VTR_SEG_SS ? X86_TRAP_SS : X86_TRAP_GP, true, 0);
	return -EFAULT;
}

static void *vtr_emul_xmm(void *ctx, unsigned int nr)
{
	return vtr_fpu_xmm(ctx, nr);
}

static enum vtr_act vtr_emul_failed(struct vtr_vcpu *v)
{
	return vtr_exit_internal(v, KVM_INTERNAL_ERROR_EMULATION);
}

/* Execute, from the start, the instruction in v->emul. */
static enum vtr_act vtr_emul_execute(struct vtr_vcpu *v)
{
	struct vtr_emul_ctx *c = v->emul;
	struct vtr_emul e = {
		.regs = v->regs, .rip = &v->rip, .rflags = &v->rflags, .bits = c->bits, .ctx = v,
		.linear = vtr_emul_linear, .mem = vtr_emul_mem, .xmm = vtr_emul_xmm,
	};
	u64 rip = v->rip;
	int err;

	c->at = 0;
	err = vtr_emulate(&e, &c->insn);
	switch (err) {
	case 0:
		if (v->rip != rip)
			vtr_advance(v, v->rip);
		return VTR_ACT_RESUME;
	case -EAGAIN:
		v->completion = VTR_COMPLETE_EMUL;
		return VTR_ACT_USER;
	case -EFAULT:
		return VTR_ACT_RESUME;	/* the guest gets its exception */
	case -EIO:
		return VTR_ACT_FAULT;
	default:
		return vtr_emul_failed(v);
	}
}

static bool vtr_emul_decode(struct vtr_vcpu *v, enum vtr_act *act)
{
	u8 buf[VTR_FETCH_MAX] __aligned(8);
	struct vtr_emul_ctx *c = v->emul;
	int n = vtr_fetch_slow(v, buf, &c->bits);

	c->rip = v->rip;
	*act = VTR_ACT_RESUME;
	if (!n) {
		/* Either a page fault is queued, or the code itself is no memory. */
		if (!v->exc.pending)
			*act = vtr_emul_failed(v);
		return false;
	}
	switch (vtr_insn_decode(buf, n, c->bits, &c->insn)) {
	case VTR_DECODE_OK:
		return true;
	case VTR_DECODE_BAD:
		vtr_queue_ud(v);
		return false;
	default:
		*act = vtr_emul_failed(v);
		return false;
	}
}

/**
 * vtr_emulate_slow() - emulate the instruction at RIP
 * @v: put, v->slots loaded
 *
 * Return: what the run loop does next.
 */
enum vtr_act vtr_emulate_slow(struct vtr_vcpu *v)
{
	enum vtr_act act;

	if (!vtr_emul_decode(v, &act))
		return act;
	v->emul->nlog = 0;
	return vtr_emul_execute(v);
}

/**
 * vtr_decode_slow() - decode the instruction at RIP for somebody else to act on
 * @v: put, v->slots loaded
 * @act: what to do when there is none
 *
 * Return: the instruction or NULL.
 */
const struct vtr_insn *vtr_decode_slow(struct vtr_vcpu *v, enum vtr_act *act)
{
	return vtr_emul_decode(v, act) ? &v->emul->insn : NULL;
}

/* --- String port accesses --- */

static u64 vtr_addr_mask(const struct vtr_insn *i)
{
	return i->addr_size == 8 ? ~0ULL : i->addr_size == 4 ? 0xffffffffULL : 0xffffULL;
}

/* How many elements of an INS or OUTS go in one exit: contiguous, in one page. */
static u32 vtr_string_count(struct vtr_vcpu *v, const struct vtr_insn *i)
{
	u64 index = v->regs[v->pio.in ? 7 : 6] & vtr_addr_mask(i);
	u64 count = i->rep ? v->regs[1] & vtr_addr_mask(i) : 1;
	u32 room = (PAGE_SIZE - offset_in_page(index)) / v->pio.size;

	if (v->rflags & X86_EFLAGS_DF)
		return count ? 1 : 0;
	return min_t(u64, count, max(room, 1u));
}

static void vtr_string_done(struct vtr_vcpu *v, const struct vtr_insn *i, u32 n)
{
	s64 step = (s64)n * v->pio.size * (v->rflags & X86_EFLAGS_DF ? -1 : 1);
	u8 index = v->pio.in ? 7 : 6;
	u64 next = v->rip + i->len;

	vtr_reg_write(v->regs, i, index, i->addr_size, v->regs[index] + step);
	if (i->rep) {
		vtr_reg_write(v->regs, i, 1, i->addr_size, v->regs[1] - n);
		if (v->regs[1] & vtr_addr_mask(i))
			return;	/* executed again for the rest */
	}
	vtr_advance(v, v->emul->bits == 64 ? next : (u32)next);
}

static int vtr_string_mem(struct vtr_vcpu *v, const struct vtr_insn *i, void *data, u32 bytes,
			  bool write)
{
	u8 seg = v->pio.in ? VTR_SEG_ES : i->seg;
	u64 addr;
	int err;

	v->emul->nlog = 0;
	v->emul->at = 0;
	err = vtr_emul_linear(v, seg, v->regs[v->pio.in ? 7 : 6] & vtr_addr_mask(i), bytes, write,
			      &addr);
	return err ?: vtr_emul_mem(v, addr, data, bytes, write);
}

static enum vtr_act vtr_string_error(struct vtr_vcpu *v, int err)
{
	if (err == -EFAULT)
		return VTR_ACT_RESUME;
	/* Memory that is a device: string port accesses between two devices are not done. */
	return err == -EIO ? VTR_ACT_FAULT : vtr_emul_failed(v);
}

static enum vtr_act vtr_string_out(struct vtr_vcpu *v, const struct vtr_insn *i, u32 n)
{
	u32 k, size = v->pio.size;
	int err = vtr_string_mem(v, i, v->pio_data, n * size, false);

	if (err)
		return vtr_string_error(v, err);
	for (k = 0; k < n; k++)
		if (vtr_bus_ask_write(v, VTR_BUS_PIO, v->pio.port, size, v->pio_data + k * size))
			break;
	if (k) {
		vtr_string_done(v, i, k);
		return VTR_ACT_RESUME;
	}
	vtr_string_done(v, i, n);
	vtr_exit_io(v, &v->pio, n);
	return VTR_ACT_USER;
}

static enum vtr_act vtr_string_in(struct vtr_vcpu *v, const struct vtr_insn *i, u32 n)
{
	u32 k, size = v->pio.size;
	int err;

	/* Fault before the port is read: a device must not lose data to it. */
	err = vtr_string_mem(v, i, v->pio_data, n * size, false);
	if (err)
		return vtr_string_error(v, err);
	for (k = 0; k < n; k++)
		if (vtr_bus_ask_read(v, VTR_BUS_PIO, v->pio.port, size, v->pio_data + k * size))
			break;
	if (!k) {
		v->pio.count = n;
		vtr_exit_io(v, &v->pio, n);
		v->completion = VTR_COMPLETE_STRING_IN;
		return VTR_ACT_USER;
	}
	err = vtr_string_mem(v, i, v->pio_data, k * size, true);
	if (err)
		return vtr_string_error(v, err);
	vtr_string_done(v, i, k);
	return VTR_ACT_RESUME;
}

/**
 * vtr_io_slow() - a port access that needs decoding: INS, OUTS, or a CPU that gave no next RIP
 * @v: put, v->slots loaded
 * @e: its exit
 *
 * Return: what the run loop does next.
 */
enum vtr_act vtr_io_slow(struct vtr_vcpu *v, struct vtr_exit *e)
{
	enum vtr_act act;
	const struct vtr_insn *i = vtr_decode_slow(v, &act);
	u32 n;

	if (!i)
		return act;
	if (!e->io.string) {
		e->insn_len = i->len;
		return vtr_io_fast(v, e);
	}
	v->pio = e->io;
	if (i->op != VTR_OP_INS && i->op != VTR_OP_OUTS)
		return VTR_ACT_RESUME;	/* the code changed meanwhile */
	n = vtr_string_count(v, i);
	if (!n) {
		vtr_advance(v, v->rip + i->len);
		return VTR_ACT_RESUME;
	}
	return v->pio.in ? vtr_string_in(v, i, n) : vtr_string_out(v, i, n);
}

/**
 * vtr_complete() - finish the access that user space answered
 * @v: put, v->slots loaded
 *
 * Return: VTR_ACT_RESUME, or VTR_ACT_USER for the next access of the same instruction.
 */
enum vtr_act vtr_complete(struct vtr_vcpu *v)
{
	enum vtr_completion what = v->completion;
	struct vtr_emul_ctx *c = v->emul;
	const struct vtr_insn *i = &c->insn;
	u64 val = 0;
	int err;

	v->completion = VTR_COMPLETE_NONE;
	switch (what) {
	case VTR_COMPLETE_PIO_IN:
		vtr_pio_result(v, v->pio_data);
		vtr_advance(v, v->pio.next_rip);
		break;
	case VTR_COMPLETE_STRING_IN:
		v->rip = c->rip;
		err = vtr_string_mem(v, i, v->pio_data, v->pio.count * v->pio.size, true);
		if (err)
			return vtr_string_error(v, err);
		vtr_string_done(v, i, v->pio.count);
		break;
	case VTR_COMPLETE_MMIO_READ:
		i = c->mov;
		memcpy(&val, v->run->mmio.data, i->mem_size);
		vtr_reg_write(v->regs, i, i->reg, i->size, val);
		vtr_advance(v, v->pio.next_rip);
		break;
	case VTR_COMPLETE_EMUL:
		v->rip = c->rip;
		memcpy(c->log[c->nlog - 1].data, v->run->mmio.data, 8);
		return vtr_emul_execute(v);
	case VTR_COMPLETE_PIO_OUT:	/* vtr_run() did it */
	case VTR_COMPLETE_NONE:
		break;
	}
	return VTR_ACT_RESUME;
}
