// SPDX-License-Identifier: GPL-2.0-only
/*
 * hw.c - what a CPU says of an exit, in the words of its manual. Pure.
 *
 * Sources: SDM 3D "VMX Basic Exit Reasons", SDM 3C "Exit Qualification", "Information for VM Exits During Event
 * Delivery", APM2 "SVM Intercept Exit Codes", "IOIO Intercepts", "Nested versus Guest Page Faults, Fault Ordering".
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "compiler.h"
#include "telemetry/hw.h"

#define SVM_LAST	0x403

static const char *const vmx_reasons[] = {
	[0] = "exception or NMI",
	[1] = "external interrupt",
	[2] = "triple fault",
	[3] = "INIT signal",
	[4] = "start-up IPI",
	[5] = "I/O SMI",
	[6] = "other SMI",
	[7] = "interrupt window",
	[8] = "NMI window",
	[9] = "task switch",
	[10] = "CPUID",
	[11] = "GETSEC",
	[12] = "HLT",
	[13] = "INVD",
	[14] = "INVLPG",
	[15] = "RDPMC",
	[16] = "RDTSC",
	[17] = "RSM",
	[18] = "VMCALL",
	[19] = "VMCLEAR",
	[20] = "VMLAUNCH",
	[21] = "VMPTRLD",
	[22] = "VMPTRST",
	[23] = "VMREAD",
	[24] = "VMRESUME",
	[25] = "VMWRITE",
	[26] = "VMXOFF",
	[27] = "VMXON",
	[28] = "control-register access",
	[29] = "MOV DR",
	[30] = "I/O instruction",
	[31] = "RDMSR",
	[32] = "WRMSR",
	[33] = "VM-entry failure due to invalid guest state",
	[34] = "VM-entry failure due to MSR loading",
	[36] = "MWAIT",
	[37] = "monitor trap flag",
	[39] = "MONITOR",
	[40] = "PAUSE",
	[41] = "VM-entry failure due to machine-check event",
	[43] = "TPR below threshold",
	[44] = "APIC access",
	[45] = "virtualized EOI",
	[46] = "access to GDTR or IDTR",
	[47] = "access to LDTR or TR",
	[48] = "EPT violation",
	[49] = "EPT misconfiguration",
	[50] = "INVEPT",
	[51] = "RDTSCP",
	[52] = "VMX-preemption timer expired",
	[53] = "INVVPID",
	[54] = "WBINVD or WBNOINVD",
	[55] = "XSETBV",
	[56] = "APIC write",
	[57] = "RDRAND",
	[58] = "INVPCID",
	[59] = "VMFUNC",
	[60] = "ENCLS",
	[61] = "RDSEED",
	[62] = "page-modification log full",
	[63] = "XSAVES",
	[64] = "XRSTORS",
	[65] = "PCONFIG",
	[66] = "SPP-related event",
	[67] = "UMWAIT",
	[68] = "TPAUSE",
	[69] = "LOADIWKEY",
	[74] = "bus lock",
	[75] = "instruction timeout",
};

#define SVM_SINGLES	0x60

static const char *const svm_codes[] = {
	[0x60 - SVM_SINGLES] = "physical INTR",
	[0x61 - SVM_SINGLES] = "physical NMI",
	[0x62 - SVM_SINGLES] = "physical SMI",
	[0x63 - SVM_SINGLES] = "physical INIT",
	[0x64 - SVM_SINGLES] = "virtual INTR",
	[0x65 - SVM_SINGLES] = "selective CR0 write",
	[0x66 - SVM_SINGLES] = "IDTR read",
	[0x67 - SVM_SINGLES] = "GDTR read",
	[0x68 - SVM_SINGLES] = "LDTR read",
	[0x69 - SVM_SINGLES] = "TR read",
	[0x6a - SVM_SINGLES] = "IDTR write",
	[0x6b - SVM_SINGLES] = "GDTR write",
	[0x6c - SVM_SINGLES] = "LDTR write",
	[0x6d - SVM_SINGLES] = "TR write",
	[0x6e - SVM_SINGLES] = "RDTSC",
	[0x6f - SVM_SINGLES] = "RDPMC",
	[0x70 - SVM_SINGLES] = "PUSHF",
	[0x71 - SVM_SINGLES] = "POPF",
	[0x72 - SVM_SINGLES] = "CPUID",
	[0x73 - SVM_SINGLES] = "RSM",
	[0x74 - SVM_SINGLES] = "IRET",
	[0x75 - SVM_SINGLES] = "INTn",
	[0x76 - SVM_SINGLES] = "INVD",
	[0x77 - SVM_SINGLES] = "PAUSE",
	[0x78 - SVM_SINGLES] = "HLT",
	[0x79 - SVM_SINGLES] = "INVLPG",
	[0x7a - SVM_SINGLES] = "INVLPGA",
	[0x7b - SVM_SINGLES] = "IN or OUT",
	[0x7c - SVM_SINGLES] = "RDMSR or WRMSR",
	[0x7d - SVM_SINGLES] = "task switch",
	[0x7e - SVM_SINGLES] = "FERR freeze",
	[0x7f - SVM_SINGLES] = "shutdown",
	[0x80 - SVM_SINGLES] = "VMRUN",
	[0x81 - SVM_SINGLES] = "VMMCALL",
	[0x82 - SVM_SINGLES] = "VMLOAD",
	[0x83 - SVM_SINGLES] = "VMSAVE",
	[0x84 - SVM_SINGLES] = "STGI",
	[0x85 - SVM_SINGLES] = "CLGI",
	[0x86 - SVM_SINGLES] = "SKINIT",
	[0x87 - SVM_SINGLES] = "RDTSCP",
	[0x88 - SVM_SINGLES] = "ICEBP",
	[0x89 - SVM_SINGLES] = "WBINVD or WBNOINVD",
	[0x8a - SVM_SINGLES] = "MONITOR",
	[0x8b - SVM_SINGLES] = "MWAIT",
	[0x8c - SVM_SINGLES] = "MWAIT, monitor armed",
	[0x8d - SVM_SINGLES] = "XSETBV",
	[0x8e - SVM_SINGLES] = "RDPRU",
	[0x8f - SVM_SINGLES] = "EFER write trap",
	[0xa0 - SVM_SINGLES] = "INVLPGB",
	[0xa1 - SVM_SINGLES] = "illegal INVLPGB",
	[0xa2 - SVM_SINGLES] = "INVPCID",
	[0xa3 - SVM_SINGLES] = "MCOMMIT",
	[0xa4 - SVM_SINGLES] = "TLBSYNC",
};

/* SDM 3A "Exception and Interrupt Reference". */
static const struct {
	const char *name, *title;
} exceptions[] = {
	[0] = { "#DE", "divide error" },
	[1] = { "#DB", "debug exception" },
	[2] = { "NMI", "nonmaskable interrupt" },
	[3] = { "#BP", "breakpoint" },
	[4] = { "#OF", "overflow" },
	[5] = { "#BR", "BOUND range exceeded" },
	[6] = { "#UD", "invalid opcode" },
	[7] = { "#NM", "device not available" },
	[8] = { "#DF", "double fault" },
	[10] = { "#TS", "invalid TSS" },
	[11] = { "#NP", "segment not present" },
	[12] = { "#SS", "stack fault" },
	[13] = { "#GP", "general protection" },
	[14] = { "#PF", "page fault" },
	[16] = { "#MF", "x87 floating-point error" },
	[17] = { "#AC", "alignment check" },
	[18] = { "#MC", "machine check" },
	[19] = { "#XM", "SIMD floating-point exception" },
	[20] = { "#VE", "virtualization exception" },
	[21] = { "#CP", "control protection" },
	[28] = { "#HV", "hypervisor injection" },
	[29] = { "#VC", "VMM communication" },
	[30] = { "#SX", "security exception" },
};

/**
 * hw_exception() - an exception's short name
 * @vector: 0 to 31
 *
 * Return: as the manuals write it; "reserved" for others.
 */
const char *hw_exception(uint32_t vector)
{
	return vector < ARRAY_SIZE(exceptions) && exceptions[vector].name ? exceptions[vector].name : "reserved";
}

/**
 * hw_exception_title() - an exception's whole name
 * @vector: 0 to 31
 *
 * Return: the name; "reserved" for others.
 */
const char *hw_exception_title(uint32_t vector)
{
	return vector < ARRAY_SIZE(exceptions) && exceptions[vector].title ? exceptions[vector].title : "reserved";
}

static void name_svm(uint64_t code, char *s, size_t room)
{
	static const char *const registers[] = { "CR", "CR", "DR", "DR" };

	if (code < 0x40)
		snprintf(s, room, "%s%u %s", registers[code / 16], (unsigned int)code % 16,
			 code / 16 % 2 ? "write" : "read");
	else if (code < 0x60)
		snprintf(s, room, "exception %s", hw_exception(code - 0x40));
	else if (code >= 0x90 && code < 0xa0)
		snprintf(s, room, "CR%u write trap", (unsigned int)code - 0x90);
	else if (code - SVM_SINGLES < ARRAY_SIZE(svm_codes) && svm_codes[code - SVM_SINGLES])
		snprintf(s, room, "%s", svm_codes[code - SVM_SINGLES]);
	else if (code == 0x400)
		snprintf(s, room, "nested page fault");
	else if (code == 0x401)
		snprintf(s, room, "AVIC incomplete IPI");
	else if (code == 0x402)
		snprintf(s, room, "AVIC unaccelerated access");
	else if (code == SVM_LAST)
		snprintf(s, room, "VMGEXIT");
	else if ((int32_t)code == -1)
		snprintf(s, room, "invalid guest state in the VMCB");
	else
		snprintf(s, room, "exit code 0x%" PRIx64, code);
}

/**
 * hw_exit_name() - an exit's reason in a few words
 * @e: the exit
 * @s: filled
 * @room: bytes in @s
 */
void hw_exit_name(const struct hw_exit *e, char *s, size_t room)
{
	uint32_t basic = e->reason & 0xffff;

	if (!e->vmx)
		name_svm(e->reason, s, room);
	else if (basic < ARRAY_SIZE(vmx_reasons) && vmx_reasons[basic])
		snprintf(s, room, "%s", vmx_reasons[basic]);
	else
		snprintf(s, room, "exit reason %u", basic);
}

/**
 * hw_exit_named() - does any exit have this in its name?
 * @vmx: of Intel's kind, else of AMD's
 * @text: whatever the case
 *
 * Return: whether.
 */
bool hw_exit_named(bool vmx, const char *text)
{
	struct hw_exit e = { .vmx = vmx };
	char name[80];

	for (e.reason = 0; e.reason <= SVM_LAST; e.reason++) {
		hw_exit_name(&e, name, sizeof(name));
		if (strcasestr(name, text))
			return true;
	}
	e.reason = UINT32_MAX;
	hw_exit_name(&e, name, sizeof(name));
	return strcasestr(name, text);
}

static void say_cr(const struct hw_exit *e, char *s, size_t room)
{
	static const char *const registers[] = {
		"RAX", "RCX", "RDX", "RBX", "RSP", "RBP", "RSI", "RDI",
		"R8", "R9", "R10", "R11", "R12", "R13", "R14", "R15",
	};
	unsigned int cr = e->info1 & 15;
	const char *reg = registers[e->info1 >> 8 & 15];

	switch (e->info1 >> 4 & 3) {
	case 0:
		snprintf(s, room, "MOV to CR%u from %s", cr, reg);
		break;
	case 1:
		snprintf(s, room, "MOV from CR%u to %s", cr, reg);
		break;
	case 2:
		snprintf(s, room, "CLTS");
		break;
	case 3:
		snprintf(s, room, "LMSW 0x%x", (unsigned int)(e->info1 >> 16 & 0xffff));
		break;
	}
}

static void say_port(unsigned int port, unsigned int size, bool in, bool string, bool rep, char *s, size_t room)
{
	snprintf(s, room, "%s%s%s port 0x%x, %u byte%s", rep ? "REP " : "", in ? "IN" : "OUT", string ? "S" : "",
		 port, size, size == 1 ? "" : "s");
}

/* Both name it alike: read, write or fetch, and where. */
static void say_memory(const char *what, const char *cause, uint64_t gpa, char *s, size_t room)
{
	snprintf(s, room, "%s at guest-physical 0x%" PRIx64 "%s", what, gpa, cause);
}

static void details_vmx(const struct hw_exit *e, char *s, size_t room)
{
	switch (e->reason & 0xffff) {
	case 10:
		snprintf(s, room, "leaf 0x%x subleaf 0x%x", e->rax, e->rcx);
		break;
	case 14:
		snprintf(s, room, "address 0x%" PRIx64, e->info1);
		break;
	case 28:
		say_cr(e, s, room);
		break;
	case 29:
		snprintf(s, room, "DR%u %s", (unsigned int)(e->info1 & 7), e->info1 & 16 ? "read" : "write");
		break;
	case 30:
		say_port(e->info1 >> 16 & 0xffff, (e->info1 & 7) + 1, e->info1 & 8, e->info1 & 16, e->info1 & 32, s,
			 room);
		break;
	case 31:
		snprintf(s, room, "MSR 0x%x", e->rcx);
		break;
	case 32:
		snprintf(s, room, "MSR 0x%x, low half 0x%x", e->rcx, e->rax);
		break;
	case 44:
	case 56:
		snprintf(s, room, "register 0x%x", (unsigned int)(e->info1 & 0xfff));
		break;
	case 45:
		snprintf(s, room, "vector %u", (unsigned int)(e->info1 & 0xff));
		break;
	case 48:
		say_memory(e->info1 & 4 ? "fetch" : e->info1 & 2 ? "write" : "read",
			   e->info1 & 0x38 ? ", not allowed" : ", not mapped", e->info2, s, room);
		break;
	case 49:
		say_memory("access", "", e->info2, s, room);
		break;
	}
}

static void details_svm(const struct hw_exit *e, char *s, size_t room)
{
	switch (e->reason) {
	case 0x4e:
		snprintf(s, room, "address 0x%" PRIx64 ", error 0x%" PRIx64, e->info2, e->info1);
		break;
	case 0x72:
		snprintf(s, room, "leaf 0x%x subleaf 0x%x", e->rax, e->rcx);
		break;
	case 0x79:
		if (e->info1)
			snprintf(s, room, "address 0x%" PRIx64, e->info1);
		break;
	case 0x7b:
		say_port(e->info1 >> 16 & 0xffff, e->info1 >> 4 & 7, e->info1 & 1, e->info1 & 4, e->info1 & 8, s,
			 room);
		break;
	case 0x7c:
		if (e->info1 & 1)
			snprintf(s, room, "WRMSR 0x%x, low half 0x%x", e->rcx, e->rax);
		else
			snprintf(s, room, "RDMSR 0x%x", e->rcx);
		break;
	case 0x400:
		say_memory(e->info1 & 16 ? "fetch" : e->info1 & 2 ? "write" : "read",
			   e->info1 & 1 ? ", not allowed" : ", not mapped", e->info2, s, room);
		break;
	}
}

/**
 * hw_exit_details() - what else the CPU said of an exit
 * @e: the exit
 * @s: filled; empty where the name says all
 * @room: bytes in @s
 */
void hw_exit_details(const struct hw_exit *e, char *s, size_t room)
{
	*s = 0;
	if (e->vmx)
		details_vmx(e, s, room);
	else
		details_svm(e, s, room);
}

/**
 * hw_vectoring() - the event whose delivery an exit cut short
 * @info: IDT-vectoring information with the error code in bits 32 to 63, or EXITINTINFO
 * @s: filled; empty if there was none
 * @room: bytes in @s
 */
void hw_vectoring(uint64_t info, char *s, size_t room)
{
	static const char *const types[] = {
		"external interrupt", "interrupt", "NMI", "exception", "software interrupt",
		"privileged software exception", "software exception", "event",
	};
	unsigned int type = info >> 8 & 7, vector = info & 0xff;

	*s = 0;
	if (!(info & 1U << 31))
		return;
	if (type == 3 || type == 6)
		snprintf(s, room, "%s %s", types[type], hw_exception(vector));
	else
		snprintf(s, room, "%s %u", types[type], vector);
}

/**
 * hw_page_fault() - a page fault's error code
 * @error: the code
 * @s: filled
 * @room: bytes in @s
 */
void hw_page_fault(uint32_t error, char *s, size_t room)
{
	snprintf(s, room, "%s %s%s%s%s%s", error & 4 ? "user" : "supervisor",
		 error & 16 ? "fetch" : error & 2 ? "write" : "read",
		 error & 1 ? ", page present: not allowed" : ", page not present",
		 error & 8 ? ", reserved bit set" : "", error & 32 ? ", protection key" : "",
		 error & 64 ? ", shadow stack" : "");
}
