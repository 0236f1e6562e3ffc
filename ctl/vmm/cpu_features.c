// SPDX-License-Identifier: GPL-2.0-only
/*
 * cpu_features.c - may a guest that knows one CPU go on with another? It may when that one has every feature the guest
 * was shown, and the same vendor: what the guest chose by that, it cannot choose again.
 *
 * Source: SDM 2A "CPUID - CPU Identification"; APM3 "Obtaining Processor Information Via the CPUID Instruction".
 */
#include <stdio.h>
#include <string.h>

#include "compiler.h"
#include "cpu_features.h"

enum reg {
	EAX,
	EBX,
	ECX,
	EDX,
};

/* Words in which each bit is a feature; those of @made are made by vcpu.c, whatever the host is. */
static const struct word {
	uint32_t function, index;
	enum reg reg;
	uint32_t made;
	const char *name;
} words[] = {
	{ 0x1, 0, ECX, 1U << 31 | 1U << 24, "1:ecx" },
	{ 0x1, 0, EDX, 1U << 28, "1:edx" },
	{ 0x7, 0, EBX, 0, "7:ebx" },
	{ 0x7, 0, ECX, 0, "7:ecx" },
	{ 0x7, 0, EDX, 0, "7:edx" },
	{ 0x7, 1, EAX, 0, "7.1:eax" },
	{ 0xd, 0, EAX, 0, "d:eax" },
	{ 0xd, 1, EAX, 0, "d.1:eax" },
	{ 0xd, 1, ECX, 0, "d.1:ecx" },
	{ 0x80000001, 0, ECX, 1U << 1, "80000001:ecx" },
	{ 0x80000001, 0, EDX, 0, "80000001:edx" },
	{ 0x80000008, 0, EBX, 0, "80000008:ebx" },
	{ 0x40000001, 0, EAX, 0, "40000001:eax" },
};

static const struct kvm_cpuid_entry2 *find(const struct kvm_cpuid2 *c, uint32_t function, uint32_t index)
{
	uint32_t i;

	for (i = 0; i < c->nent; i++)
		if (c->entries[i].function == function && c->entries[i].index == index)
			return &c->entries[i];
	return NULL;
}

static uint32_t value(const struct kvm_cpuid2 *c, const struct word *w)
{
	const struct kvm_cpuid_entry2 *e = find(c, w->function, w->index);

	if (!e)
		return 0;
	switch (w->reg) {
	case EAX:
		return e->eax;
	case EBX:
		return e->ebx;
	case ECX:
		return e->ecx;
	default:
		return e->edx;
	}
}

static bool same_vendor(const struct kvm_cpuid2 *a, const struct kvm_cpuid2 *b)
{
	const struct kvm_cpuid_entry2 *x = find(a, 0, 0), *y = find(b, 0, 0);

	return x && y && x->ebx == y->ebx && x->ecx == y->ecx && x->edx == y->edx;
}

/**
 * features_missing() - does the host lack what the guest knows?
 * @guest: what it was shown
 * @host: what could be shown here
 * @what: filled with words for it
 * @room: bytes there
 *
 * Return: whether it does.
 */
bool features_missing(const struct kvm_cpuid2 *guest, const struct kvm_cpuid2 *host, char *what, size_t room)
{
	uint32_t missing;
	size_t i;

	if (!same_vendor(guest, host)) {
		snprintf(what, room, "is of another vendor than the CPU here");
		return true;
	}
	for (i = 0; i < ARRAY_SIZE(words); i++) {
		missing = value(guest, &words[i]) & ~words[i].made & ~value(host, &words[i]);
		if (!missing)
			continue;
		snprintf(what, room, "has features that the CPU here lacks (CPUID %s, bits %#x)", words[i].name, missing);
		return true;
	}
	return false;
}
