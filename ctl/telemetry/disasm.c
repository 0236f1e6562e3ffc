// SPDX-License-Identifier: GPL-2.0-only
/*
 * disasm.c - guest instructions as text, by libcapstone where it is installed.
 */
#include <capstone/capstone.h>
#include <stdbool.h>
#include <stdio.h>

#include "library.h"
#include "telemetry/disasm.h"
#include "telemetry/figures.h"

#define CALLS(X)	X(cs_open) X(cs_disasm) X(cs_free)

static struct { CALLS(LIBRARY_CALL) } cs;
static const char *const names[] = { CALLS(LIBRARY_NAME) };

/* One for each width of code, open until the program ends: a trace has thousands of instructions. */
static csh handles[3];

static bool load(void)
{
	static const cs_mode modes[] = { CS_MODE_16, CS_MODE_32, CS_MODE_64 };
	size_t i;

	if (!LIBRARY_LOAD("libcapstone.so.4", names, cs))
		return false;
	for (i = 0; i < 3; i++)
		if (cs.cs_open(CS_ARCH_X86, modes[i], &handles[i]))
			return false;
	return true;
}

/**
 * disasm_there() - is there a disassembler?
 *
 * Return: false where libcapstone is not installed.
 */
bool disasm_there(void)
{
	static enum { UNKNOWN, THERE, MISSING } state;

	if (state == UNKNOWN)
		state = load() ? THERE : MISSING;
	return state == THERE;
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
	unsigned int size = 0;
	cs_insn *insn;

	*s = 0;
	if (!disasm_there())
		return 0;
	if (cs.cs_disasm(handles[bits == 64 ? 2 : bits == 32], code, n, address, 1, &insn)) {
		size = insn->size;
		snprintf(s, room, "%s%s%s", insn->mnemonic, insn->op_str[0] ? " " : "", insn->op_str);
		figure_clean(s);
		cs.cs_free(insn, 1);
	}
	return size;
}
