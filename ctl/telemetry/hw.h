/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hw.h - what a CPU says of an exit, in the words of its manual.
 */
#ifndef TELEMETRY_HW_H
#define TELEMETRY_HW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct hw_exit - an exit as the CPU told it
 * @vmx: it is of Intel's kind, else of AMD's
 * @reason: exit reason (SDM) or exit code (APM2)
 * @info1: exit qualification, or EXITINFO1
 * @info2: guest-physical address, or EXITINFO2
 * @rax: CPUID leaf, low half of what is written to an MSR
 * @rcx: CPUID subleaf, MSR number
 */
struct hw_exit {
	bool vmx;
	uint64_t reason, info1, info2;
	uint32_t rax, rcx;
};

void hw_exit_name(const struct hw_exit *e, char *s, size_t room);
bool hw_exit_named(bool vmx, const char *text);
void hw_exit_details(const struct hw_exit *e, char *s, size_t room);
void hw_vectoring(uint64_t info, char *s, size_t room);
void hw_page_fault(uint32_t error, char *s, size_t room);
const char *hw_exception(uint32_t vector);
const char *hw_exception_title(uint32_t vector);

#endif /* TELEMETRY_HW_H */
