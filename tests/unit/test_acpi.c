// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_acpi.c - the ACPI tables: found from the RSDP, checksums, one local APIC per CPU, room; and
 * what iasl, where it is installed, makes of each.
 */
/* sources: ctl/vmm/acpi.c */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "vmm.h"

#define GPA	0xe0000

static uint8_t mem[VMM_ACPI_SIZE];

void vmm_error(const char *object, const char *what, const char *remedy)
{
	ck_abort_msg("%s: %s: %s", object, what, remedy);
}

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return v;
}

static uint64_t get64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, 8);
	return v;
}

static uint8_t sum(const uint8_t *p, size_t n)
{
	uint8_t s = 0;

	while (n--)
		s += *p++;
	return s;
}

static uint8_t *at(uint64_t gpa)
{
	ck_assert_uint_ge(gpa, GPA);
	ck_assert_uint_lt(gpa, GPA + sizeof(mem));
	return mem + (gpa - GPA);
}

/* The table with that signature among the XSDT's. */
static uint8_t *find(const char *sig)
{
	uint8_t *xsdt = at(get64(mem + 24));
	uint32_t i, n = (get32(xsdt + 4) - 36) / 8;

	for (i = 0; i < n; i++) {
		uint8_t *t = at(get64(xsdt + 36 + 8 * i));

		if (!memcmp(t, sig, 4))
			return t;
	}
	ck_abort_msg("no such table: %s", sig);
	return NULL;
}

static uint8_t *dsdt(void)
{
	return at(get64(find("FACP") + 140));
}

START_TEST(rsdp_leads_to_all)
{
	uint8_t *fadt;

	ck_assert_uint_gt(vmm_acpi_build(mem, sizeof(mem), GPA, 4), 0);
	ck_assert_mem_eq(mem, "RSD PTR ", 8);
	ck_assert_uint_eq(mem[15], 2);
	ck_assert_uint_eq(sum(mem, 20), 0);
	ck_assert_uint_eq(sum(mem, 36), 0);
	fadt = find("FACP");
	ck_assert_mem_eq(dsdt(), "DSDT", 4);
	ck_assert_uint_eq(get32(fadt + 40), get64(fadt + 140));
	/* One FACS, not two, aligned as it must be. */
	ck_assert_uint_eq(get64(fadt + 132), 0);
	ck_assert_mem_eq(at(get32(fadt + 36)), "FACS", 4);
	ck_assert_uint_eq(get32(fadt + 36) % 64, 0);
}
END_TEST

START_TEST(checksums)
{
	uint8_t *tables[4];
	int i;

	vmm_acpi_build(mem, sizeof(mem), GPA, 16);
	tables[0] = at(get64(mem + 24));
	tables[1] = find("FACP");
	tables[2] = find("APIC");
	tables[3] = dsdt();
	for (i = 0; i < 4; i++)
		ck_assert_uint_eq(sum(tables[i], get32(tables[i] + 4)), 0);
}
END_TEST

START_TEST(fadt_ports)
{
	uint8_t *fadt;

	vmm_acpi_build(mem, sizeof(mem), GPA, 1);
	fadt = find("FACP");
	ck_assert_uint_eq(get32(fadt + 4), 276);
	ck_assert_uint_eq(get32(fadt + 56), VMM_PORT_PM);
	ck_assert_uint_eq(get32(fadt + 64), VMM_PORT_PM + 4);
	ck_assert_uint_eq(get64(fadt + 148 + 4), VMM_PORT_PM);
	ck_assert_uint_eq(get64(fadt + 172 + 4), VMM_PORT_PM + 4);
	/* Reset register, its support and its value. */
	ck_assert_uint_ne(get32(fadt + 112) & 1 << 10, 0);
	ck_assert_uint_eq(get64(fadt + 116 + 4), 0xcf9);
	ck_assert_uint_ne(fadt[128] & 4, 0);
	/* Never in hardware-reduced form: PM1 powers off. */
	ck_assert_uint_eq(get32(fadt + 112) & 1 << 20, 0);
}
END_TEST

START_TEST(madt_names_each_cpu)
{
	unsigned int cpus = _i, seen = 0, ioapics = 0;
	uint8_t *p, *end;

	ck_assert_uint_gt(vmm_acpi_build(mem, sizeof(mem), GPA, cpus), 0);
	p = find("APIC");
	end = p + get32(p + 4);
	for (p += 44; p < end; p += p[1]) {
		ck_assert_uint_ge(p[1], 2);
		if (p[0] == 0) {
			ck_assert_uint_eq(p[3], seen);
			ck_assert_uint_eq(get32(p + 4), 1);
			seen++;
		}
		ioapics += p[0] == 1;
	}
	ck_assert_ptr_eq(p, end);
	ck_assert_uint_eq(seen, cpus);
	ck_assert_uint_eq(ioapics, 1);
}
END_TEST

START_TEST(no_byte_beyond_the_room)
{
	size_t need = vmm_acpi_build(mem, sizeof(mem), GPA, 8) + 4096, room;

	for (room = 0; room < need; room++) {
		uint8_t *p = malloc(room + 1);

		ck_assert_ptr_nonnull(p);
		p[room] = 0xa5;
		ck_assert_uint_eq(vmm_acpi_build(p, room, GPA, 8), 0);
		ck_assert_uint_eq(p[room], 0xa5);
		free(p);
	}
	ck_assert_uint_eq(vmm_acpi_build(mem, need, GPA, 8), need - 4096);
}
END_TEST

/* Has iasl take the table apart and put it together again; it warns of nothing. */
static void disassemble(const uint8_t *t)
{
	static const char *const steps[] = {
		"iasl -d t.dat >log 2>&1",
		"! grep -iE 'error|warning|invalid' log",
		"iasl -we t.dsl >log 2>&1",
	};
	char dir[] = "/tmp/acpi.XXXXXX", cmd[256];
	bool good = true;
	size_t i;
	FILE *f;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(cmd, sizeof(cmd), "%s/t.dat", dir);
	f = fopen(cmd, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(t, 1, get32(t + 4), f), get32(t + 4));
	fclose(f);
	for (i = 0; good && i < sizeof(steps) / sizeof(*steps); i++) {
		snprintf(cmd, sizeof(cmd), "cd %s && { %s; }", dir, steps[i]);
		good = !system(cmd);
	}
	snprintf(cmd, sizeof(cmd), "cd %s && { %s; rm -r %s; }", dir, good ? ":" : "cat log *.dsl",
		 dir);
	ck_assert_int_eq(system(cmd), 0);
	ck_assert(good);
}

START_TEST(iasl_agrees)
{
	if (system("command -v iasl >/dev/null"))
		return;
	vmm_acpi_build(mem, sizeof(mem), GPA, 16);
	disassemble(dsdt());
	disassemble(find("FACP"));
	disassemble(find("APIC"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("acpi");
	TCase *t = tcase_create("tables");
	SRunner *r;
	int failed;

	tcase_add_test(t, rsdp_leads_to_all);
	tcase_add_test(t, checksums);
	tcase_add_test(t, fadt_ports);
	tcase_add_loop_test(t, madt_names_each_cpu, 1, VMM_MAX_CPUS + 1);
	tcase_add_test(t, no_byte_beyond_the_room);
	tcase_add_test(t, iasl_agrees);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
