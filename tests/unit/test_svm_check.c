// SPDX-License-Identifier: GPL-2.0-only
/* sources: kmod/svm/check.c */
/*
 * A VMCB that passes every check; then each check with one field made wrong.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "svm/check.h"

static struct vmcb b;

/* 64-bit kernel code. */
static struct svm_check long_mode(void)
{
	memset(&b, 0, sizeof(b));
	b.misc2 = VMCB_INT_VMRUN;
	b.asid = 1;
	b.iopm_pa = (1ULL << 40) - 3 * VTR_PAGE_SIZE;
	b.msrpm_pa = (1ULL << 40) - 2 * VTR_PAGE_SIZE;
	b.nested_ctl = VMCB_NP_ENABLE;
	b.nested_cr3 = (1ULL << 40) - VTR_PAGE_SIZE;
	b.g_pat = 0x0007040600070406;
	b.cr0 = 0x80050033;
	b.cr3 = (1ULL << 40) - VTR_PAGE_SIZE;
	b.cr4 = 0xf71fff;
	b.efer = 0x1d01;
	b.dr6 = 0xffff0ff0;
	b.dr7 = 0x400;
	b.cs.attrib = 0x29b;
	return (struct svm_check){ .vmcb = &b, .phys_bits = 40 };
}

/* As after RESET. */
static struct svm_check real_mode(void)
{
	struct svm_check c = long_mode();

	b.cr0 = 0x60000010;
	b.cr4 = 0;
	b.efer = 0x1000;
	b.cs.attrib = 0x9b;
	return c;
}

START_TEST(good_states_pass)
{
	struct svm_check c = long_mode();

	ck_assert(svm_check_guest(&c) && svm_check_controls(&c));
	ck_assert_ptr_null(c.what);
	c = real_mode();
	ck_assert(svm_check_guest(&c) && svm_check_controls(&c));
	/* Without long mode CR3 is 32 bits wide, and what is above is not looked at. */
	b.cr3 = 1ULL << 40;
	ck_assert(svm_check_guest(&c));
}
END_TEST

#define FIELD(name)	offsetof(struct vmcb, name), sizeof(b.name)

static const struct {
	size_t offset, size;
	u64 value;
	size_t blamed;	/* 0: the field itself */
} wrong_guest[] = {
	{ FIELD(cr0), 0xa0050033, 0 }, { FIELD(cr0), 0x180050033, 0 }, { FIELD(cr0), 0x80050032, 0 },
	{ FIELD(cr0), 0x80040033, offsetof(struct vmcb, cr4) },
	{ FIELD(cr3), 1ULL << 40, 0 }, { FIELD(cr3), 1ULL << 62, 0 },
	{ FIELD(cr4), 1 << 13 | 1 << 5, 0 }, { FIELD(cr4), 1ULL << 32, 0 }, { FIELD(cr4), 0xf71fdf, 0 },
	{ FIELD(dr6), 1ULL << 32, 0 }, { FIELD(dr7), 1ULL << 32, 0 },
	{ FIELD(efer), 0xd01, 0 }, { FIELD(efer), 0x1d03, 0 }, { FIELD(efer), 1ULL << 32 | 0x1d01, 0 },
	{ FIELD(cs.attrib), 0x69b, 0 },
}, wrong_controls[] = {
	{ FIELD(misc2), 0, 0 }, { FIELD(asid), 0, 0 },
	{ FIELD(iopm_pa), (1ULL << 40) - 2 * VTR_PAGE_SIZE, 0 },
	{ FIELD(msrpm_pa), (1ULL << 40) - VTR_PAGE_SIZE, 0 },
	{ FIELD(nested_cr3), 1ULL << 40, 0 }, { FIELD(g_pat), 2, 0 }, { FIELD(g_pat), 8ULL << 56, 0 },
	{ FIELD(event_inj), VMCB_EV_VALID | 1 << 8, 0 }, { FIELD(event_inj), VMCB_EV_VALID | 7 << 8, 0 },
	{ FIELD(event_inj), VMCB_EV_VALID | VMCB_EV_EXCEPTION | 2, 0 },
	{ FIELD(event_inj), VMCB_EV_VALID | VMCB_EV_EXCEPTION | 32, 0 },
};

static void expect_blamed(const struct svm_check *c, size_t offset, size_t size)
{
	u64 value = 0;

	memcpy(&value, (u8 *)&b + offset, size);
	ck_assert_ptr_nonnull(c->what);
	ck_assert_ptr_nonnull(c->name);
	ck_assert_uint_eq(c->offset, offset);
	ck_assert_uint_eq(c->value, value);
}

START_TEST(each_wrong_field_is_named)
{
	struct svm_check c = long_mode();
	size_t blamed = wrong_guest[_i].blamed;

	if (!blamed)
		blamed = wrong_guest[_i].offset;
	memcpy((u8 *)&b + wrong_guest[_i].offset, &wrong_guest[_i].value, wrong_guest[_i].size);
	ck_assert(!svm_check_guest(&c));
	expect_blamed(&c, blamed, blamed == offsetof(struct vmcb, cs.attrib) ? 2 : 8);
}
END_TEST

START_TEST(each_wrong_control_is_named)
{
	struct svm_check c = long_mode();

	memcpy((u8 *)&b + wrong_controls[_i].offset, &wrong_controls[_i].value, wrong_controls[_i].size);
	ck_assert(svm_check_guest(&c));
	ck_assert(!svm_check_controls(&c));
	expect_blamed(&c, wrong_controls[_i].offset, wrong_controls[_i].size);
}
END_TEST

START_TEST(events_that_may_be_injected)
{
	static const u64 good[] = {
		0, 0x320, VMCB_EV_VALID | VMCB_EV_INTR | 0xff, VMCB_EV_VALID | VMCB_EV_NMI,
		VMCB_EV_VALID | VMCB_EV_EXCEPTION | VMCB_EV_ERROR | 14,
		VMCB_EV_VALID | VMCB_EV_SOFT | 0x80,
	};
	struct svm_check c = long_mode();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		b.event_inj = good[i];
		ck_assert(svm_check_controls(&c));
	}
}
END_TEST

/* Of each part the manual names: something that a run after the change must not take from the last one. */
static const struct {
	u32 bit;
	size_t offset;
} cached[] = {
	{ VMCB_CLEAN_INTERCEPTS, offsetof(struct vmcb, cr_read) },
	{ VMCB_CLEAN_INTERCEPTS, offsetof(struct vmcb, dr_write) + 1 },
	{ VMCB_CLEAN_INTERCEPTS, offsetof(struct vmcb, misc3) + 3 },
	{ VMCB_CLEAN_INTERCEPTS, offsetof(struct vmcb, pause_count) },
	{ VMCB_CLEAN_INTERCEPTS, offsetof(struct vmcb, tsc_offset) + 7 },
	{ VMCB_CLEAN_MAPS, offsetof(struct vmcb, iopm_pa) },
	{ VMCB_CLEAN_MAPS, offsetof(struct vmcb, msrpm_pa) + 7 },
	{ VMCB_CLEAN_ASID, offsetof(struct vmcb, asid) },
	{ VMCB_CLEAN_TPR, offsetof(struct vmcb, int_ctl) },
	{ VMCB_CLEAN_TPR, offsetof(struct vmcb, int_vector) },
	{ VMCB_CLEAN_NP, offsetof(struct vmcb, nested_cr3) },
	{ VMCB_CLEAN_NP, offsetof(struct vmcb, g_pat) },
	{ VMCB_CLEAN_CR, offsetof(struct vmcb, efer) },
	{ VMCB_CLEAN_CR, offsetof(struct vmcb, cr0) },
	{ VMCB_CLEAN_CR, offsetof(struct vmcb, cr3) },
	{ VMCB_CLEAN_CR, offsetof(struct vmcb, cr4) },
	{ VMCB_CLEAN_DR, offsetof(struct vmcb, dr6) },
	{ VMCB_CLEAN_DR, offsetof(struct vmcb, dr7) },
	{ VMCB_CLEAN_DT, offsetof(struct vmcb, gdtr.base) },
	{ VMCB_CLEAN_DT, offsetof(struct vmcb, idtr.limit) },
	{ VMCB_CLEAN_SEG, offsetof(struct vmcb, es.base) },
	{ VMCB_CLEAN_SEG, offsetof(struct vmcb, ds.attrib) },
	{ VMCB_CLEAN_SEG, offsetof(struct vmcb, cpl) },
	{ VMCB_CLEAN_CR2, offsetof(struct vmcb, cr2) },
	{ VMCB_CLEAN_LBR, offsetof(struct vmcb, dbgctl) },
	{ VMCB_CLEAN_LBR, offsetof(struct vmcb, br_to) },
};

START_TEST(a_change_of_what_is_declared_clean_is_named)
{
	struct svm_check c = long_mode();
	struct vmcb then = b;

	((u8 *)&b)[cached[_i].offset] ^= 0x40;
	b.clean = VMCB_CLEAN_ALL & ~cached[_i].bit;
	ck_assert(svm_check_clean(&c, &then));
	b.clean = cached[_i].bit;
	ck_assert(!svm_check_clean(&c, &then));
	expect_blamed(&c, cached[_i].offset, 1);
}
END_TEST

START_TEST(nothing_is_clean_that_this_cpu_did_not_run)
{
	struct svm_check c = long_mode();

	ck_assert(svm_check_clean(&c, NULL));
	b.clean = VMCB_CLEAN_LBR;
	ck_assert(!svm_check_clean(&c, NULL));
	expect_blamed(&c, offsetof(struct vmcb, clean), 4);
}
END_TEST

/* What the CPU reads anew at each run: FS, GS, the event, the registers. */
START_TEST(what_is_not_cached_may_change)
{
	static const size_t free[] = {
		offsetof(struct vmcb, tlb_control), offsetof(struct vmcb, int_state), offsetof(struct vmcb, event_inj),
		offsetof(struct vmcb, next_rip), offsetof(struct vmcb, fs), offsetof(struct vmcb, gs), offsetof(struct vmcb, tr),
		offsetof(struct vmcb, ldtr), offsetof(struct vmcb, rflags), offsetof(struct vmcb, rip), offsetof(struct vmcb, rsp),
		offsetof(struct vmcb, rax), offsetof(struct vmcb, star), offsetof(struct vmcb, spec_ctrl),
	};
	struct svm_check c = long_mode();
	struct vmcb then = b;
	size_t i;

	b.clean = VMCB_CLEAN_ALL;
	for (i = 0; i < ARRAY_SIZE(free); i++)
		((u8 *)&b)[free[i]] ^= 1;
	ck_assert(svm_check_clean(&c, &then));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("svm_check");
	TCase *t = tcase_create("checks");
	SRunner *r;
	int failed;

	tcase_add_test(t, good_states_pass);
	tcase_add_loop_test(t, each_wrong_field_is_named, 0, ARRAY_SIZE(wrong_guest));
	tcase_add_loop_test(t, each_wrong_control_is_named, 0, ARRAY_SIZE(wrong_controls));
	tcase_add_test(t, events_that_may_be_injected);
	tcase_add_loop_test(t, a_change_of_what_is_declared_clean_is_named, 0, ARRAY_SIZE(cached));
	tcase_add_test(t, nothing_is_clean_that_this_cpu_did_not_run);
	tcase_add_test(t, what_is_not_cached_may_change);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
