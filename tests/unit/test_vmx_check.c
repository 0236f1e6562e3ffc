// SPDX-License-Identifier: GPL-2.0-only
/* sources: kmod/vmx/check.c */
/*
 * A guest's and a host's state that pass every check; then each check with one field made wrong.
 */
#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vmx/check.h"

static uint64_t fields[0x8000];

static u64 read_field(void *ctx, u32 field)
{
	(void)ctx;
	return fields[field];
}

static void segment(int i, u16 sel, u64 base, u32 limit, u32 rights)
{
	fields[VMCS_GUEST_ES + 2 * i] = sel;
	fields[VMCS_GUEST_ES_BASE + 2 * i] = base;
	fields[VMCS_GUEST_ES_LIMIT + 2 * i] = limit;
	fields[VMCS_GUEST_ES_RIGHTS + 2 * i] = rights;
}

static struct vmx_check setup_common(void)
{
	memset(fields, 0, sizeof(fields));
	fields[VMCS_GUEST_RFLAGS] = 2;
	fields[VMCS_GUEST_DR7] = 0x400;
	fields[VMCS_GUEST_PAT] = 0x0007040600070406;
	fields[VMCS_LINK_POINTER] = ~0ULL;
	fields[VMCS_GUEST_CR4] = 0x2000;
	return (struct vmx_check){
		.read = read_field, .phys_bits = 40, .cr0_fixed0 = 0x80000021,
		.cr0_fixed1 = 0xffffffff, .cr4_fixed0 = 0x2000, .cr4_fixed1 = 0x3767ff,
	};
}

/* 64-bit kernel code. */
static struct vmx_check long_mode(void)
{
	struct vmx_check c = setup_common();
	int i;

	fields[VMCS_GUEST_CR0] = 0x80000031;
	fields[VMCS_GUEST_CR4] = 0x2020;
	fields[VMCS_GUEST_EFER] = 0x500;
	fields[VMCS_ENTRY_CONTROLS] = VMX_ENTRY_IA32E;
	fields[VMCS_GUEST_RIP] = 0xffffffff81000000;
	for (i = 0; i < 6; i++)
		segment(i, 0x18, 0, ~0U, 0xc093);
	segment(1, 0x10, 0, ~0U, 0xa09b);
	segment(6, 0, 0, 0, 0x10000);
	segment(7, 0x40, 0xffff888000000000, 0x67, 0x8b);
	return c;
}

static struct vmx_check real_mode(void)
{
	struct vmx_check c = setup_common();
	int i;

	fields[VMCS_GUEST_CR0] = 0x20;
	fields[VMCS_GUEST_RIP] = 0xfff0;
	for (i = 0; i < 6; i++)
		segment(i, 0, 0, 0xffff, 0x93);
	segment(1, 0xf000, 0xffff0000, 0xffff, 0x9b);
	segment(6, 0, 0, 0xffff, 0x82);
	segment(7, 0, 0, 0xffff, 0x8b);
	return c;
}

static struct vmx_check host(void)
{
	struct vmx_check c = setup_common();

	fields[VMCS_HOST_CR0] = 0x80050033;
	fields[VMCS_HOST_CR4] = 0x2020;
	fields[VMCS_HOST_PAT] = 0x0007040600070406;
	fields[VMCS_HOST_EFER] = 0xd01;
	fields[VMCS_HOST_CS] = 0x10;
	fields[VMCS_HOST_SS] = 0x18;
	fields[VMCS_HOST_TR] = 0x40;
	fields[VMCS_HOST_RIP] = 0xffffffffc0001000;
	return c;
}

/* In the order of enum vmx_control_field: what may be 0, and what may be 1. */
static const struct vmx_allowed allowed[VMX_CONTROL_FIELDS] = {
	{ 0x16, 0x7f }, { 0x401e172, 0xfff9fffe }, { 0, 0x21fffff }, { 0x36dfb, 0x7fffff },
	{ 0x11fb, 0xffff },
};

static struct vmx_check controls(void)
{
	struct vmx_check c = long_mode();

	c.allowed = allowed;
	fields[VMCS_PIN_CONTROLS] = 0x16 | VMX_PIN_EXT_INTR | VMX_PIN_NMI | VMX_PIN_VIRTUAL_NMI;
	fields[VMCS_CPU_CONTROLS] = 0x401e172 | VMX_CPU_MSR_BITMAPS | VMX_CPU_TPR_SHADOW | VMX_CPU_SECONDARY;
	fields[VMCS_CPU_CONTROLS2] = VMX_CPU2_EPT | VMX_CPU2_UNRESTRICTED | VMX_CPU2_VPID | VMX_CPU2_PML;
	fields[VMCS_EXIT_CONTROLS] = 0x36dfb;
	fields[VMCS_ENTRY_CONTROLS] = 0x11fb | VMX_ENTRY_IA32E;
	fields[VMCS_MSR_BITMAP] = 0x1000;
	fields[VMCS_VIRTUAL_APIC] = 0x2000;
	fields[VMCS_PML_ADDRESS] = 0x3000;
	fields[VMCS_EPTP] = 0x405e;
	fields[VMCS_VPID] = 1;
	fields[VMCS_TPR_THRESHOLD] = 0xf;
	return c;
}

START_TEST(good_states_pass)
{
	struct vmx_check c = long_mode();

	ck_assert(vmx_check_guest(&c));
	ck_assert_ptr_null(c.what);
	c = real_mode();
	ck_assert(vmx_check_guest(&c));
	c = host();
	ck_assert(vmx_check_host(&c));
	c = controls();
	ck_assert(vmx_check_controls(&c));
}
END_TEST

struct wrong {
	u32 field;
	u64 value;
	u32 blamed;	/* 0: the field itself */
};

/* One wrong field in a good state is found and named. */
static void expect_named(struct vmx_check *c, bool (*check)(struct vmx_check *), const struct wrong *w)
{
	u32 blamed = w->blamed ? w->blamed : w->field;

	fields[w->field] = w->value;
	ck_assert(!check(c));
	ck_assert_ptr_nonnull(c->what);
	ck_assert_ptr_nonnull(c->name);
	ck_assert_uint_eq(c->field, blamed);
	ck_assert_uint_eq(c->value, fields[blamed]);
}

static const struct wrong wrong_guest[] = {
	{ VMCS_GUEST_CR0, 0x80000011, 0 }, { VMCS_GUEST_CR0, 0x180000031, 0 },
	{ VMCS_GUEST_CR0, 0x80000030, 0 }, { VMCS_GUEST_CR0, 0x31, 0 },
	{ VMCS_GUEST_CR4, 0x20, 0 }, { VMCS_GUEST_CR4, 0x80002020, 0 },
	{ VMCS_GUEST_CR4, 0x2000, 0 }, { VMCS_GUEST_CR3, 1ULL << 40, 0 },
	{ VMCS_GUEST_DEBUGCTL, 4, 0 }, { VMCS_GUEST_DR7, 1ULL << 32, 0 },
	{ VMCS_GUEST_SYSENTER_ESP, 1ULL << 47, 0 }, { VMCS_GUEST_SYSENTER_EIP, 1ULL << 47, 0 },
	{ VMCS_GUEST_PAT, 2, 0 }, { VMCS_GUEST_PAT, 8, 0 }, { VMCS_GUEST_EFER, 0x502, 0 },
	{ VMCS_GUEST_EFER, 0x100, 0 }, { VMCS_GUEST_EFER, 0x400, 0 },
	{ VMCS_GUEST_FS_BASE, 1ULL << 47, 0 }, { VMCS_GUEST_ES_BASE, 1ULL << 32, 0 },
	{ VMCS_GUEST_CS_BASE, 1ULL << 32, 0 },
	{ VMCS_GUEST_CS_RIGHTS, 0xa091, 0 }, { VMCS_GUEST_CS_RIGHTS, 0xa08b, 0 },
	{ VMCS_GUEST_CS_RIGHTS, 0xa0fb, 0 }, { VMCS_GUEST_CS_RIGHTS, 0xa0ff, 0 },
	{ VMCS_GUEST_CS_RIGHTS, 0xa01b, 0 }, { VMCS_GUEST_CS_RIGHTS, 0xa19b, 0 },
	{ VMCS_GUEST_CS_RIGHTS, 0xe09b, 0 }, { VMCS_GUEST_CS_RIGHTS, 0x209b, 0 },
	{ VMCS_GUEST_CS_RIGHTS, 0xc0f3, 0 },
	{ VMCS_GUEST_SS_RIGHTS, 0xc091, 0 }, { VMCS_GUEST_SS_RIGHTS, 0xc0f3, VMCS_GUEST_CS_RIGHTS },
	{ VMCS_GUEST_ES_RIGHTS, 0xc092, 0 }, { VMCS_GUEST_ES_RIGHTS, 0xc099, 0 },
	{ VMCS_GUEST_ES_LIMIT, 0x100000, VMCS_GUEST_ES_RIGHTS },
	{ VMCS_GUEST_TR, 0x44, 0 }, { VMCS_GUEST_ES_RIGHTS + 14, 0x83, 0 },
	{ VMCS_GUEST_ES_RIGHTS + 14, 0x9b, 0 }, { VMCS_GUEST_ES_RIGHTS + 14, 0x0b, 0 },
	{ VMCS_GUEST_ES_RIGHTS + 14, 0x1008b, 0 }, { VMCS_GUEST_ES_BASE + 14, 1ULL << 47, 0 },
	{ VMCS_GUEST_ES_RIGHTS + 12, 0x83, 0 },
	{ VMCS_GUEST_GDTR_BASE, 1ULL << 47, 0 }, { VMCS_GUEST_IDTR_BASE, 1ULL << 47, 0 },
	{ VMCS_GUEST_GDTR_LIMIT, 0x10000, 0 }, { VMCS_GUEST_IDTR_LIMIT, 0x10000, 0 },
	{ VMCS_GUEST_RIP, 1ULL << 47, 0 }, { VMCS_GUEST_RFLAGS, 0, 0 },
	{ VMCS_GUEST_RFLAGS, 0x8002, 0 }, { VMCS_ENTRY_INTR_INFO, BIT(31) | 0x20, VMCS_GUEST_RFLAGS },
	{ VMCS_GUEST_ACTIVITY, 4, 0 }, { VMCS_GUEST_INTERRUPTIBILITY, 0x20, 0 },
	{ VMCS_GUEST_INTERRUPTIBILITY, 3, 0 }, { VMCS_GUEST_INTERRUPTIBILITY, 1, 0 },
	{ VMCS_LINK_POINTER, 0, 0 },
};

START_TEST(each_wrong_field_is_named)
{
	struct vmx_check c = long_mode();

	expect_named(&c, vmx_check_guest, &wrong_guest[_i]);
}
END_TEST

#define EVENT(type, vector) (VMX_INTR_VALID | (type) | (vector))

static const struct wrong wrong_controls[] = {
	{ VMCS_PIN_CONTROLS, 0x29, 0 }, { VMCS_PIN_CONTROLS, 0xbf, 0 }, { VMCS_PIN_CONTROLS, 0x37, 0 },
	{ VMCS_PIN_CONTROLS, 0x36, 0 }, { VMCS_CPU_CONTROLS, 0x1, 0 },
	{ VMCS_CPU_CONTROLS2, 0x2000000 | 0x400000 | 0x82, 0 }, { VMCS_EXIT_CONTROLS, 0, 0 },
	{ VMCS_ENTRY_CONTROLS, 0x111fb, 0 },
	{ VMCS_CPU_CONTROLS2, VMX_CPU2_UNRESTRICTED, 0 }, { VMCS_CPU_CONTROLS2, VMX_CPU2_PML, 0 },
	{ VMCS_MSR_BITMAP, 0x1008, 0 }, { VMCS_MSR_BITMAP, 1ULL << 40, 0 },
	{ VMCS_VIRTUAL_APIC, 0x10, 0 }, { VMCS_PML_ADDRESS, 0x3001, 0 },
	{ VMCS_EPTP, 0x405f, 0 }, { VMCS_EPTP, 0x4056, 0 }, { VMCS_EPTP, 0x40de, 0 },
	{ VMCS_EPTP, 1ULL << 40 | 0x5e, 0 }, { VMCS_VPID, 0, 0 }, { VMCS_TPR_THRESHOLD, 0x10, 0 },
	{ VMCS_ENTRY_INTR_INFO, EVENT(VMX_INTR_RESERVED, 0x30), 0 },
	{ VMCS_ENTRY_INTR_INFO, EVENT(VMX_INTR_EXTERNAL, 0x30) | BIT(12), 0 },
	{ VMCS_ENTRY_INTR_INFO, EVENT(VMX_INTR_NMI, 3), 0 },
	{ VMCS_ENTRY_INTR_INFO, EVENT(VMX_INTR_HARD_EXCEPTION, 32), 0 },
	{ VMCS_ENTRY_INTR_INFO, EVENT(VMX_INTR_HARD_EXCEPTION, 13), 0 },
	{ VMCS_ENTRY_INTR_INFO, EVENT(VMX_INTR_HARD_EXCEPTION, 6) | VMX_INTR_ERROR, 0 },
	{ VMCS_ENTRY_INTR_INFO, EVENT(VMX_INTR_EXTERNAL, 0x30) | VMX_INTR_ERROR, 0 },
	{ VMCS_ENTRY_INTR_INFO, EVENT(VMX_INTR_SOFT_EXCEPTION, 3), VMCS_ENTRY_INSN_LEN },
};

START_TEST(each_wrong_control_is_named)
{
	struct vmx_check c = controls();

	expect_named(&c, vmx_check_controls, &wrong_controls[_i]);
}
END_TEST

START_TEST(controls_that_need_others)
{
	struct vmx_check c = controls();

	fields[VMCS_PIN_CONTROLS] &= ~(u64)VMX_PIN_VIRTUAL_NMI;
	fields[VMCS_CPU_CONTROLS] |= VMX_CPU_NMI_WINDOW;
	ck_assert(!vmx_check_controls(&c));
	ck_assert_uint_eq(c.field, VMCS_CPU_CONTROLS);
	c = controls();
	fields[VMCS_CPU_CONTROLS] &= ~(u64)VMX_CPU_TPR_SHADOW;
	fields[VMCS_VIRTUAL_APIC] = 1;
	ck_assert(vmx_check_controls(&c));
	fields[VMCS_CPU_CONTROLS2] |= VMX_CPU2_VID_ALL;
	ck_assert(!vmx_check_controls(&c));
	ck_assert_uint_eq(c.field, VMCS_CPU_CONTROLS2);
	/* Without the primary control the secondary ones are not looked at. */
	c = controls();
	fields[VMCS_CPU_CONTROLS] &= ~(u64)VMX_CPU_SECONDARY;
	fields[VMCS_CPU_CONTROLS2] = ~0U;
	fields[VMCS_EPTP] = 1;
	ck_assert(vmx_check_controls(&c));
}
END_TEST

/* Posted interrupts need their vector, their descriptor, and two controls more. */
START_TEST(posted_interrupts)
{
	static const struct wrong wrong[] = {
		{ VMCS_CPU_CONTROLS2, VMX_CPU2_EPT, VMCS_PIN_CONTROLS },
		{ VMCS_EXIT_CONTROLS, 0x36dfb & ~VMX_EXIT_ACK_INTR, VMCS_PIN_CONTROLS },
		{ VMCS_POSTED_VECTOR, 0x1f2, 0 },
		{ VMCS_POSTED_ADDRESS, 0x4820, 0 },
		{ VMCS_POSTED_ADDRESS, 1ULL << 40, 0 },
	};
	struct vmx_allowed may[VMX_CONTROL_FIELDS];
	struct vmx_check c = controls();
	size_t i;

	memcpy(may, allowed, sizeof(may));
	may[VMX_PIN].may |= VMX_PIN_POSTED;
	may[VMX_EXIT].must &= ~VMX_EXIT_ACK_INTR;
	for (i = 0; i <= ARRAY_SIZE(wrong); i++) {
		c = controls();
		c.allowed = may;
		fields[VMCS_PIN_CONTROLS] |= VMX_PIN_POSTED;
		fields[VMCS_CPU_CONTROLS2] |= VMX_CPU2_VID_ALL;
		fields[VMCS_EXIT_CONTROLS] |= VMX_EXIT_ACK_INTR;
		fields[VMCS_POSTED_VECTOR] = 0xf2;
		fields[VMCS_POSTED_ADDRESS] = 0x4840;
		if (i < ARRAY_SIZE(wrong))
			expect_named(&c, vmx_check_controls, &wrong[i]);
		else
			ck_assert(vmx_check_controls(&c));
	}
}
END_TEST

START_TEST(events_that_can_be_delivered)
{
	struct vmx_check c = controls();

	fields[VMCS_ENTRY_INTR_INFO] = EVENT(VMX_INTR_EXTERNAL, 0xff);
	ck_assert(vmx_check_controls(&c));
	fields[VMCS_ENTRY_INTR_INFO] = EVENT(VMX_INTR_HARD_EXCEPTION, 14) | VMX_INTR_ERROR;
	fields[VMCS_ENTRY_ERROR_CODE] = 0xffff;
	ck_assert(vmx_check_controls(&c));
	fields[VMCS_ENTRY_ERROR_CODE] = 0x10000;
	ck_assert(!vmx_check_controls(&c));
	ck_assert_uint_eq(c.field, VMCS_ENTRY_ERROR_CODE);
	fields[VMCS_ENTRY_INTR_INFO] = EVENT(VMX_INTR_SOFT_EXCEPTION, 3);
	fields[VMCS_ENTRY_INSN_LEN] = 1;
	ck_assert(vmx_check_controls(&c));
	/* Real mode pushes no error codes. */
	fields[VMCS_GUEST_CR0] = 0x20;
	fields[VMCS_ENTRY_INTR_INFO] = EVENT(VMX_INTR_HARD_EXCEPTION, 13);
	ck_assert(vmx_check_controls(&c));
	fields[VMCS_ENTRY_INTR_INFO] |= VMX_INTR_ERROR;
	ck_assert(!vmx_check_controls(&c));
}
END_TEST

START_TEST(modes_have_checks_of_their_own)
{
	struct vmx_check c = real_mode();

	fields[VMCS_GUEST_SS_RIGHTS] = 0xf3;
	ck_assert(!vmx_check_guest(&c));
	c = real_mode();
	fields[VMCS_GUEST_RIP] = 1ULL << 32;
	ck_assert(!vmx_check_guest(&c));
	ck_assert_uint_eq(c.field, VMCS_GUEST_RIP);
	c = real_mode();
	fields[VMCS_GUEST_CR4] = 0x22000;
	ck_assert(!vmx_check_guest(&c));
	ck_assert_uint_eq(c.field, VMCS_GUEST_CR4);
	c = real_mode();
	fields[VMCS_GUEST_RFLAGS] |= 1 << 17;
	ck_assert(!vmx_check_guest(&c));
	c = long_mode();
	fields[VMCS_GUEST_RFLAGS] = 0x302;
	fields[VMCS_GUEST_INTERRUPTIBILITY] = 1;
	ck_assert(!vmx_check_guest(&c));
	ck_assert_uint_eq(c.field, VMCS_GUEST_PENDING_DEBUG);
	fields[VMCS_GUEST_PENDING_DEBUG] = BIT(14);
	ck_assert(vmx_check_guest(&c));
	c = long_mode();
	fields[VMCS_GUEST_INTERRUPTIBILITY] = VMX_BLOCKED_NMI;
	fields[VMCS_ENTRY_INTR_INFO] = BIT(31) | VMX_INTR_NMI | 2;
	ck_assert(!vmx_check_guest(&c));
	ck_assert_uint_eq(c.field, VMCS_GUEST_INTERRUPTIBILITY);
}
END_TEST

static const struct wrong wrong_host[] = {
	{ VMCS_HOST_CR0, 0x80050013, 0 }, { VMCS_HOST_CR4, 0x2000, 0 },
	{ VMCS_HOST_CR3, 1ULL << 40, 0 }, { VMCS_HOST_RIP, 1ULL << 47, 0 },
	{ VMCS_HOST_GS_BASE, 1ULL << 47, 0 }, { VMCS_HOST_PAT, 2, 0 }, { VMCS_HOST_EFER, 1, 0 },
	{ VMCS_HOST_DS, 0x2b, 0 }, { VMCS_HOST_CS, 0, 0 }, { VMCS_HOST_TR, 0, 0 },
};

START_TEST(each_wrong_host_field_is_named)
{
	struct vmx_check c = host();

	expect_named(&c, vmx_check_host, &wrong_host[_i]);
}
END_TEST

START_TEST(error_numbers_have_words)
{
	ck_assert_str_ne(vmx_insn_error(7), vmx_insn_error(8));
	ck_assert_ptr_nonnull(vmx_insn_error(1000));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("vmx_check");
	TCase *t = tcase_create("checks");
	SRunner *r;
	int failed;

	tcase_add_test(t, good_states_pass);
	tcase_add_loop_test(t, each_wrong_field_is_named, 0,
			    sizeof(wrong_guest) / sizeof(wrong_guest[0]));
	tcase_add_test(t, modes_have_checks_of_their_own);
	tcase_add_loop_test(t, each_wrong_control_is_named, 0,
			    sizeof(wrong_controls) / sizeof(wrong_controls[0]));
	tcase_add_test(t, controls_that_need_others);
	tcase_add_test(t, posted_interrupts);
	tcase_add_test(t, events_that_can_be_delivered);
	tcase_add_loop_test(t, each_wrong_host_field_is_named, 0,
			    sizeof(wrong_host) / sizeof(wrong_host[0]));
	tcase_add_test(t, error_numbers_have_words);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
