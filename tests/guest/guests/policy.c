// SPDX-License-Identifier: GPL-2.0-only
/*
 * policy.c - MSRs, CPUID and control registers: what is offered works, what is not faults.
 */
#include "guest.h"

struct msr {
	uint32_t index;
	uint64_t value;
};

static void read(void *arg) { (void)rdmsr(((struct msr *)arg)->index); }
static void write(void *arg) { wrmsr(((struct msr *)arg)->index, ((struct msr *)arg)->value); }
static void cr0(void *arg) { write_cr0((uint64_t)arg); }
static void cr4(void *arg) { write_cr4((uint64_t)arg); }
static void cr8(void *arg) { write_cr8((uint64_t)arg); }

static const struct {
	uint32_t index;
	const char *name;
} usable[] = {
	{ 0x10, "TSC" }, { 0x1b, "APICBASE" }, { 0xfe, "MTRRcap" }, { 0x174, "SYSENTER_CS" },
	{ 0x175, "SYSENTER_ESP" }, { 0x176, "SYSENTER_EIP" }, { 0x179, "MCG_CAP" }, { 0x17a, "MCG_STATUS" },
	{ 0x200, "MTRR base 0" }, { 0x250, "fixed MTRR" }, { 0x277, "PAT" }, { 0x2ff, "MTRR default" },
	{ 0x400, "MC0_CTL" }, { 0xc0000080, "EFER" }, { 0xc0000081, "STAR" }, { 0xc0000082, "LSTAR" },
	{ 0xc0000083, "CSTAR" }, { 0xc0000084, "SFMASK" }, { 0xc0000100, "FS base" },
	{ 0xc0000101, "GS base" }, { 0xc0000102, "kernel GS base" }, { 0x8b, "microcode revision" },
	{ 0xce, "PLATFORM_INFO" }, { 0x140, "MISC_FEATURES_ENABLES" }, { 0x1a0, "MISC_ENABLE" },
	{ 0xc0010015, "HWCR" }, { 0xc001001f, "NB_CFG" }, { 0xc0010010, "SYSCFG" },
};

/* What older kernels and BIOSes read without asking CPUID: there is nothing behind them. */
static const struct {
	uint32_t index;
	uint64_t value;
	const char *name;
} fixed[] = {
	{ 0x17, 0, "PLATFORM_ID" }, { 0x2a, 0, "EBL_CR_POWERON" }, { 0x2c, 1 << 24, "EBC_FREQUENCY_ID" },
	{ 0xcd, 3, "FSB_FREQ" }, { 0x11e, 0xbe702111, "BBL_CR_CTL3" }, { 0x198, 0x400000003e8, "PERF_STATUS" },
	{ 0x199, 0, "PERF_CTL" }, { 0x1db, 0, "LASTBRANCHFROMIP" }, { 0x1dc, 0, "LASTBRANCHTOIP" },
	{ 0x1dd, 0, "LASTINTFROMIP" }, { 0x1de, 0, "LASTINTTOIP" }, { 0x606, 0, "RAPL_POWER_UNIT" },
	{ 0x611, 0, "PKG_ENERGY_STATUS" }, { 0x619, 0, "DRAM_ENERGY_STATUS" }, { 0x639, 0, "PP0_ENERGY_STATUS" },
	{ 0x641, 0, "PP1_ENERGY_STATUS" }, { 0xc1, 0, "performance counter 0" }, { 0x186, 0, "event select 0" },
	{ 0xc0010000, 0, "K7 event select 0" }, { 0xc0010004, 0, "K7 counter 0" }, { 0xc001001b, 0x20000000, "CLK_CTL" },
	{ 0xc0010055, 0, "INT_PENDING" }, { 0xc0010058, 0, "MMIO_CONF_BASE" }, { 0xc0010112, 0, "TSEG base" },
	{ 0xc0010113, 0, "TSEG mask" }, { 0xc0010117, 0, "VM_HSAVE_PA" }, { 0xc0011022, 0, "DC_CFG" },
	{ 0xc0011023, 0, "TW_CFG" }, { 0xc001102a, 0, "BU_CFG2" }, { 0xc001102c, 0, "EX_CFG" },
};

static const struct {
	uint32_t index;
	const char *name;
} absent[] = {
	{ 0xe7, "MPERF" }, { 0xe8, "APERF" }, { 0x19c, "THERM_STATUS" }, { 0x1a2, "TEMPERATURE_TARGET" },
	{ 0x1ad, "TURBO_RATIO_LIMIT" }, { 0x1b0, "ENERGY_PERF_BIAS" }, { 0xc0010062, "PERF_CTL of AMD" },
	{ 0xc0010063, "PERF_STATUS of AMD" }, { 0xc0010064, "P-state 0" }, { 0xc0010114, "VM_CR" },
	{ 0xc0010131, "SEV_STATUS" },
};

static const struct {
	uint32_t index;
	uint64_t value;
	const char *name;
} refused[] = {
	{ 0x12345678, 0, "an unknown MSR" }, { 0xc0000080, 1ULL << 63, "EFER's reserved bits" },
	{ 0xc0000080, 0, "LME cleared under paging" }, { 0x277, 0x0202020202020202, "a bad memory type in PAT" },
	{ 0xc0000082, 1ULL << 62, "a non-canonical LSTAR" }, { 0xc0000100, 1ULL << 62, "a non-canonical FS base" },
	{ 0x1b, ~0ULL, "APICBASE's reserved bits" }, { 0x803, 0, "an x2APIC register in xAPIC mode" },
	{ 0xfe, 1, "MTRRcap, read-only" },
};

static void fixed_values(void)
{
	unsigned int i;
	struct msr m;

	for (i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		uint64_t got = 0;
		int vector;

		m.index = fixed[i].index;
		vector = trap(read, &m);
		if (vector < 0)
			got = rdmsr(m.index);
		check(vector < 0 && got == fixed[i].value, fixed[i].name, "vector %d, %lx", vector, got);
	}
	for (i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
		m.index = absent[i].index;
		check_trap(read, &m, GP, 0, absent[i].name);
	}
}

/* An MSR and CPUID say the same. */
static void gate(uint32_t index, bool offered, void (*access)(void *), const char *name)
{
	struct msr m = { .index = index };
	int vector = trap(access, &m);

	check(vector == (offered ? -1 : GP), name, "%s, vector %d", offered ? "offered" : "not offered", vector);
}

static void gated(void)
{
	struct cpuid one = cpuid(1, 0), seven = cpuid(7, 0), amd = cpuid(0x80000001, 0), eight = { 0 };
	bool spec = seven.d >> 26 & 1;

	if (cpuid(0x80000000, 0).a >= 0x80000008)
		eight = cpuid(0x80000008, 0);
	gate(0x48, spec || eight.b & (1 << 14 | 1 << 15 | 1 << 24), read, "SPEC_CTRL");
	gate(0x49, spec || eight.b & (1 << 12 | 1 << 14), write, "PRED_CMD");
	gate(0x10a, seven.d >> 29 & 1, read, "ARCH_CAPABILITIES");
	gate(0x3b, seven.b >> 1 & 1, read, "TSC_ADJUST");
	gate(0x6e0, one.c >> 24 & 1, read, "TSC_DEADLINE");
	gate(0x3a, one.c >> 5 & 1, read, "FEATURE_CONTROL");
	gate(0xc0000103, amd.d >> 27 & 1 || seven.c >> 22 & 1, read, "TSC_AUX");
	gate(0xc0010140, amd.c >> 9 & 1, read, "OSVW");
}

static void msrs(void)
{
	unsigned int i;
	struct msr m;

	for (i = 0; i < sizeof(usable) / sizeof(usable[0]); i++) {
		m.index = usable[i].index;
		check_eq(trap(read, &m), -1, usable[i].name);
	}
	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		m.index = refused[i].index;
		m.value = refused[i].value;
		check_trap(write, &m, GP, 0, refused[i].name);
	}
	m.index = 0x12345678;
	check_trap(read, &m, GP, 0, "RDMSR of an unknown MSR");
	/* As a kernel does before it asks for the revision. */
	m = (struct msr){ .index = 0x8b };
	check_eq(trap(write, &m), -1, "a write to the microcode revision");
	wrmsr(0xc0000082, 0x123456789a);
	check_eq(rdmsr(0xc0000082), 0x123456789a, "LSTAR keeps its value");
	wrmsr(0xc0000102, 0xffff800000001000);
	check_eq(rdmsr(0xc0000102), 0xffff800000001000, "kernel GS base keeps its value");
	wrmsr(0x277, 0x0007040600070406);
	check_eq(rdmsr(0x277), 0x0007040600070406, "PAT keeps its value");
}

static void controls(void)
{
	uint64_t c0 = read_cr0(), c4 = read_cr4();

	check_trap(cr0, (void *)(c0 | 1ULL << 32), GP, 0, "CR0 bit 32");
	check_trap(cr4, (void *)(c4 | 1ULL << 31), GP, 0, "CR4 bit 31");
	check_trap(cr4, (void *)(c4 & ~0x20ULL), GP, 0, "CR4.PAE cleared in long mode");
	check_trap(cr8, (void *)16, GP, 0, "CR8 above 15");
	check_eq(trap(cr4, (void *)(c4 | 0x80)), -1, "CR4.PGE");
	write_cr4(c4);
	check_eq(read_cr0(), c0, "CR0 unchanged");
	check_eq(read_cr4(), c4, "CR4 unchanged");
}

static void leaves(void)
{
	struct cpuid a = cpuid(0, 0), k = cpuid(0x40000000, 0);

	check(a.a >= 1, "leaf 0", "%x", a.a);
	check(cpuid(1, 0).c & 1u << 31, "leaf 1 says hypervisor", "not");
	check_eq(cpuid(1, 0).b >> 24, 0, "leaf 1 has the APIC id");
	check(k.b == 0x4b4d564b && k.c == 0x564b4d56 && k.d == 0x4d, "KVM's signature", "%x %x %x", k.b, k.c,
	      k.d);
	check(cpuid(0x80000001, 0).d & 1 << 29, "leaf 0x80000001 has long mode", "not");
	write_cr4(read_cr4() | 1 << 18);
	check(!!(cpuid(1, 0).c & 1 << 27), "OSXSAVE follows CR4", "not");
	write_cr4(read_cr4() & ~(1ULL << 18));
	check(!(cpuid(1, 0).c & 1 << 27), "OSXSAVE follows CR4 back", "not");
}

static void x2apic(void)
{
	struct msr m = { 0x1b, rdmsr(0x1b) };

	wrmsr(0x1b, m.value | 0xc00);
	check_eq(rdmsr(0x803) & 0xff, 0x14, "x2APIC version");
	m.index = 0x802;
	check_trap(write, &m, GP, 0, "x2APIC id is read-only");
	m.index = 0x831;
	check_trap(read, &m, GP, 0, "no second ICR in x2APIC mode");
	m.index = 0x80b;
	m.value = 1;
	check_trap(write, &m, GP, 0, "x2APIC EOI takes 0 only");
	m = (struct msr){ 0x1b, rdmsr(0x1b) & ~0x400ULL };
	check_trap(write, &m, GP, 0, "no way from x2APIC to xAPIC");
	m.value &= ~0x800ULL;
	check_eq(trap(write, &m), -1, "x2APIC to disabled");
	check(!(cpuid(1, 0).d & 1 << 9), "CPUID hides a disabled APIC", "shown");
}

void test_main(void)
{
	leaves();
	msrs();
	fixed_values();
	gated();
	controls();
	x2apic();
}
