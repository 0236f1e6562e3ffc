// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_decode.c - arbitrary bytes as an instruction: decoded, then emulated in a world whose accesses
 * fault or wait as the input says. What must hold is checked here; memory errors are the sanitizers'.
 *
 * Input: mode, flags, 16 bytes of access outcomes, the instruction. With libFuzzer (-DLIBFUZZER) it is
 * driven by coverage; without, main() feeds it random bytes: fuzz_decode [rounds [seed]].
 */
#include <stdio.h>
#include <stdlib.h>
#include "emulate.h"

#define OUTCOMES	16
#define HEAD		(2 + OUTCOMES)
#define LOG_MAX		8

#define MUST(cond)	do { if (!(cond)) { fprintf(stderr, "broken: %s\n", #cond); abort(); } } while (0)

struct world {
	const u8 *outcome;
	unsigned int made, at, nlog;
	u8 log[LOG_MAX][16];
	u8 xmm[16][16];
};

static int fuzz_linear(void *ctx, u8 seg, u64 offset, u32 len, bool write, u64 *addr)
{
	(void)ctx;
	(void)write;
	MUST(seg < 6);
	MUST(len && len <= 16);
	*addr = offset;
	return offset % 61 ? 0 : -EFAULT;
}

/* 0: done; 1: waits once; 2: fault. */
static int fuzz_mem(void *ctx, u64 addr, void *data, u32 len, bool write)
{
	struct world *w = ctx;
	u8 what;

	MUST(len && len <= 16);
	if (w->at < w->nlog) {
		if (!write)
			memcpy(data, w->log[w->at], len);
		w->at++;
		return 0;
	}
	MUST(w->nlog < LOG_MAX);
	what = w->outcome[w->made++ % OUTCOMES] % 3;
	if (what == 2)
		return -EFAULT;
	memset(w->log[w->nlog], addr + w->made, 16);
	if (!write)
		memcpy(data, w->log[w->nlog], len);
	w->nlog++;
	if (what)
		return -EAGAIN;
	w->at++;
	return 0;
}

static void *fuzz_xmm(void *ctx, unsigned int nr)
{
	MUST(nr < 16);
	return ((struct world *)ctx)->xmm[nr];
}

static void execute(const struct vtr_insn *i, unsigned int bits, u8 flags, const u8 *outcome)
{
	struct world w = { .outcome = outcome };
	u64 regs[16], before[16], rip = 0x1000, rflags = 2 | flags | (flags & 2 ? 0x400 : 0);
	struct vtr_emul e = {
		.regs = regs, .rip = &rip, .rflags = &rflags, .bits = bits, .ctx = &w,
		.linear = fuzz_linear, .mem = fuzz_mem, .xmm = fuzz_xmm,
	};
	u64 old_flags;
	int k, err;

	for (k = 0; k < 16; k++)
		regs[k] = 0x123456789abcdefULL * (k + flags);
	for (k = 0; k < 4 * LOG_MAX && rip == 0x1000; k++) {
		memcpy(before, regs, sizeof(regs));
		old_flags = rflags;
		w.at = 0;
		err = vtr_emulate(&e, i);
		MUST(!err || err == -EAGAIN || err == -EFAULT || err == -EINVAL);
		if (!err) {
			MUST(rip == 0x1000 || rip == 0x1000u + i->len);
			w.nlog = 0;
			continue;
		}
		/* Whatever it was: nothing has happened yet. */
		MUST(!memcmp(before, regs, sizeof(regs)));
		MUST(rip == 0x1000 && rflags == old_flags);
		if (err != -EAGAIN)
			break;
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static const unsigned int mode[] = { 16, 32, 64, 64 };
	struct vtr_insn i, again;
	unsigned int bits, n, k;
	u8 *code;

	if (size < HEAD || size > HEAD + 20)
		return 0;
	bits = mode[data[0] & 3];
	n = size - HEAD;
	code = malloc(n ? n : 1);	/* exactly: reading beyond it is an error */
	memcpy(code, data + HEAD, n);
	if (vtr_insn_decode(code, n, bits, &i) == VTR_DECODE_OK) {
		MUST(i.len && i.len <= n && i.len <= VTR_INSN_MAX);
		for (k = 0; k < i.len; k++)
			MUST(vtr_insn_decode(code, k, bits, &again) == VTR_DECODE_MORE);
		execute(&i, bits, data[1] & 0xd5, data + 2);
	}
	k = vtr_insn_skip_len(code, n, bits, data[1] & 1 ? 0x0f00 | data[2] : data[2], data[1] & 2);
	MUST(k <= n);
	free(code);
	return 0;
}

#ifndef LIBFUZZER
static u64 next_random(u64 *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

int main(int argc, char **argv)
{
	unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 0) : 1000000;
	u64 s = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	u8 input[HEAD + 15];
	size_t k;

	for (s = s ? s : 1; rounds--; ) {
		for (k = 0; k < sizeof(input); k++)
			input[k] = next_random(&s);
		/* Half of the time one of the two-byte opcodes. */
		if (next_random(&s) & 1)
			input[HEAD] = 0x0f;
		LLVMFuzzerTestOneInput(input, sizeof(input) - next_random(&s) % 15);
	}
	return 0;
}
#endif
