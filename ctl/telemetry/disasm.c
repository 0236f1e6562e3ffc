// SPDX-License-Identifier: GPL-2.0-only
/*
 * disasm.c - guest instructions as text, by libcapstone where it is installed.
 */
#include <capstone/capstone.h>
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>

#include "telemetry/disasm.h"
#include "telemetry/figures.h"

#define CALLS(X)	X(cs_open) X(cs_close) X(cs_disasm) X(cs_free)

static struct {
#define X(name)	__typeof__(name) *name;
	CALLS(X)
#undef X
} cs;

static bool load(void)
{
	void *library = dlopen("libcapstone.so.4", RTLD_NOW);

	if (!library)
		return false;
#define X(call)	cs.call = (__typeof__(cs.call))dlsym(library, #call);
	CALLS(X)
#undef X
#define X(name)	&& cs.name
	return true CALLS(X);
#undef X
}

/**
 * disasm() - one instruction
 * @code: its bytes, perhaps more
 * @n: their number
 * @address: of the first, in the guest
 * @bits: 16, 32 or 64
 * @s: filled, empty if it is none, or without the library
 * @room: bytes in @s
 *
 * Return: the instruction's length, or 0.
 */
unsigned int disasm(const uint8_t *code, size_t n, uint64_t address, unsigned int bits, char *s, size_t room)
{
	cs_mode mode = bits == 64 ? CS_MODE_64 : bits == 32 ? CS_MODE_32 : CS_MODE_16;
	unsigned int size = 0;
	cs_insn *insn;
	csh handle;

	*s = 0;
	if ((!cs.cs_open && !load()) || !cs.cs_open || cs.cs_open(CS_ARCH_X86, mode, &handle))
		return 0;
	if (cs.cs_disasm(handle, code, n, address, 1, &insn)) {
		size = insn->size;
		snprintf(s, room, "%s%s%s", insn->mnemonic, insn->op_str[0] ? " " : "", insn->op_str);
		figure_clean(s);
		cs.cs_free(insn, 1);
	}
	cs.cs_close(&handle);
	return size;
}
