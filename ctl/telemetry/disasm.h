/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * disasm.h - guest instructions as text.
 */
#ifndef TELEMETRY_DISASM_H
#define TELEMETRY_DISASM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool disasm_there(void);
unsigned int disasm(const uint8_t *code, size_t n, uint64_t address, unsigned int bits, char *s, size_t room);

#endif /* TELEMETRY_DISASM_H */
