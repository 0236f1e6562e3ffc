// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_config.c - a VM's configuration: what may stand in the file and what is refused with which line; print,
 * edit and parse agree; names; damaged and hostile files.
 */
/* sources: ctl/store/config.c ctl/text.c */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "store/config.h"
#include "vmctl.h"

static const char good[] =
	"# a comment\n"
	"version = 1\n"
	"uuid = 0123abcd-0123-4567-89ab-0123456789ab\n"
	"  cpus=4\n"
	"memory\t=\t1G\n"
	"append = console=ttyS0 a=b # no comment\n"
	"cpu-pin = 0-3,6\n"
	"merge = yes\n"
	"cdrom = /iso/a b.iso\n"
	"boot = cd\n"
	"\n"
	"[disk]\n"
	"file = disks/disk0\n"
	"[disk]\n"
	"file = seed.iso\n"
	"readonly = yes\n"
	"bandwidth = 10M\n"
	"[net]\n"
	"network = switch:lab,vlan=7\n"
	"mac = 52:54:00:12:34:56";

static struct config c;
static struct config_error e;

static int parse(const char *text)
{
	config_init(&c);
	memset(&e, 0, sizeof(e));
	return config_parse(&c, text, strlen(text), &e);
}

START_TEST(everything)
{
	ck_assert_int_eq(parse(good), 0);
	ck_assert_uint_eq(c.cpus, 4);
	ck_assert_uint_eq(c.memory, 1 << 30);
	ck_assert_str_eq(c.append, "console=ttyS0 a=b # no comment");
	ck_assert_str_eq(c.pin, "0-3,6");
	ck_assert(c.merge);
	ck_assert_str_eq(c.cdrom, "/iso/a b.iso");
	ck_assert_str_eq(c.boot, "cd");
	ck_assert_uint_eq(c.ndisks, 2);
	ck_assert_str_eq(c.disks[0].file, "disks/disk0");
	ck_assert(!c.disks[0].readonly);
	ck_assert(c.disks[1].readonly);
	ck_assert_uint_eq(c.disks[1].bandwidth, 10 << 20);
	ck_assert_uint_eq(c.nnets, 1);
	ck_assert_str_eq(c.nets[0].network, "switch:lab,vlan=7");
	ck_assert_str_eq(c.nets[0].mac, "52:54:00:12:34:56");
	config_fini(&c);
}
END_TEST

START_TEST(nothing_is_a_vm)
{
	ck_assert_int_eq(parse(""), 0);
	ck_assert_uint_eq(c.cpus, 1);
	ck_assert_uint_eq(c.memory, 256 << 20);
	ck_assert_ptr_null(c.kernel);
	config_fini(&c);
}
END_TEST

static const struct {
	const char *text;
	unsigned int line;
	const char *what;
} refused[] = {
	{ "bogus = 1\n", 1, "no key `bogus`" },
	{ "\n\ncpus = 0\n", 3, "cpus wants" },
	{ "cpus = 65", 1, "cpus wants" },
	{ "cpus = -1", 1, "cpus wants" },
	{ "cpus = 4 \ncpus = 4", 2, "second time" },
	{ "cpus", 1, "neither" },
	{ "= 4", 1, "no key" },
	{ "memory = 1M", 1, "memory wants" },
	{ "memory = 99999999999999999999G", 1, "memory wants" },
	{ "memory = 1 G", 1, "memory wants" },
	{ "version = 2", 1, "version wants" },
	{ "uuid = 0123abcd-0123-4567-89ab-0123456789a", 1, "uuid wants" },
	{ "kernel =", 1, "kernel wants" },
	{ "cpu-pin = 3-1", 1, "cpu-pin wants" },
	{ "cpu-pin = 1,,2", 1, "cpu-pin wants" },
	{ "cpu-pin = 1,", 1, "cpu-pin wants" },
	{ "cpu-pin = 99999999999999999999", 1, "cpu-pin wants" },
	{ "cdrom = a.iso", 1, "cdrom wants" },
	{ "cdrom =", 1, "cdrom wants" },
	{ "boot = net", 1, "boot wants" },
	{ "hostname = -a", 1, "hostname wants" },
	{ "hostname = a..b", 1, "hostname wants" },
	{ "file = x", 1, "no key `file`" },
	{ "[disk]\ncpus = 1", 2, "no key `cpus`" },
	{ "[disk]\n[disk]\nfile = x", 2, "lacks `file`" },
	{ "[net]\nmac = 52:54:00:12:34:56", 2, "lacks `network`" },
	{ "[disk]\nfile = a\nreadonly = maybe", 3, "readonly wants" },
	{ "[cdrom]", 1, "no section" },
	{ "[net]\nnetwork = switch:lab,vlan=4095", 2, "network wants" },
	{ "[net]\nnetwork = switch:,vlan=1", 2, "network wants" },
	{ "[net]\nnetwork = tap:a/b", 2, "network wants" },
	{ "[net]\nnetwork = tap:averylongnameofif", 2, "network wants" },
	{ "[net]\nnetwork = user\nmac = 53:54:00:12:34:56", 3, "mac wants" },
	{ "[net]\nnetwork = user\nmac = 52:54:00:12:34:5g", 3, "mac wants" },
	{ "[net]\nnetwork = user\nmac = 00:00:00:00:00:00", 3, "mac wants" },
	{ "cpus = 1\r\n", 1, "control character (0x0d)" },
	{ "cpus = 1\nappend = \033[2J", 2, "control character (0x1b)" },
};

START_TEST(wrong_lines)
{
	ck_assert_int_eq(parse(refused[_i].text), -EINVAL);
	ck_assert_uint_eq(e.line, refused[_i].line);
	ck_assert_msg(strstr(e.what, refused[_i].what), "%s", e.what);
	config_fini(&c);
}
END_TEST

START_TEST(zero_byte)
{
	static const char text[] = "cpus = 1\n\0memory = 1G\n";

	config_init(&c);
	ck_assert_int_eq(config_parse(&c, text, sizeof(text) - 1, &e), -EINVAL);
	ck_assert_uint_eq(e.line, 2);
	config_fini(&c);
}
END_TEST

START_TEST(too_much)
{
	size_t n = CONFIG_MAX + 1, i;
	char *text = malloc(n + 1);

	memset(text, '#', n);
	text[n] = 0;
	ck_assert_int_eq(parse(text), -EINVAL);
	config_fini(&c);
	text[0] = 0;
	for (i = 0; i <= CONFIG_DISKS; i++)
		strcat(text, "[disk]\nfile = x\n");
	ck_assert_int_eq(parse(text), -EINVAL);
	ck_assert_uint_eq(e.line, 2 * CONFIG_DISKS + 1);
	config_fini(&c);
	strcpy(text, "append = ");
	memset(text + 9, 'a', CONFIG_VALUE + 1);
	text[9 + CONFIG_VALUE + 1] = 0;
	ck_assert_int_eq(parse(text), -EINVAL);
	config_fini(&c);
	text[9 + CONFIG_VALUE] = 0;
	ck_assert_int_eq(parse(text), 0);
	config_fini(&c);
	free(text);
}
END_TEST

START_TEST(printed_is_read_the_same)
{
	char *first, *second;

	ck_assert_int_eq(parse(good), 0);
	first = config_print(&c);
	config_fini(&c);
	ck_assert_int_eq(parse(first), 0);
	second = config_print(&c);
	config_fini(&c);
	ck_assert_str_eq(first, second);
	ck_assert_ptr_nonnull(strstr(first, "bandwidth = 10M\n"));
	free(first);
	free(second);
}
END_TEST

static void put(char **field, const char *value)
{
	free(*field);
	*field = value ? strdup(value) : NULL;
}

START_TEST(changed_keeps_comments)
{
	char *text;

	ck_assert_int_eq(parse("# ours\nmemory = 1024M\n# old\ninitrd = /i\n  cpus=2 \n\n# data\n[disk]\nfile = disks/a # b\n"
			       "# slow\niops = 10\n\n# logs\n[disk]\nfile = b.qcow2\n[net]\nnetwork = user\n# end"), 0);
	put(&c.disks[0].file, "disks/x.qcow2");
	put(&c.disks[0].format, "qcow2");
	put(&c.uuid, "0123abcd-0123-4567-89ab-0123456789ab");
	put(&c.initrd, NULL);
	c.cpus = 3;
	c.disks[c.ndisks++].file = strdup("c");
	text = config_print(&c);
	ck_assert_str_eq(text, "# ours\nmemory = 1024M\n# old\ncpus = 3\nuuid = 0123abcd-0123-4567-89ab-0123456789ab\n\n"
			 "# data\n[disk]\nfile = disks/x.qcow2\n# slow\niops = 10\nformat = qcow2\n\n# logs\n[disk]\n"
			 "file = b.qcow2\n[net]\nnetwork = user\n# end\n[disk]\nfile = c\n");
	free(text);
	config_fini(&c);
}
END_TEST

START_TEST(changed_loses_sections)
{
	char *text;

	ck_assert_int_eq(parse("cpus = 2\n# one\n[disk]\nfile = a\n# two\n[disk]\nfile = b\n# of two\n[net]\nnetwork = user\n"), 0);
	put(&c.disks[--c.ndisks].file, NULL);
	text = config_print(&c);
	ck_assert_str_eq(text, "cpus = 2\n# one\n[disk]\nfile = a\n# two\n[net]\nnetwork = user\n");
	free(text);
	config_fini(&c);
}
END_TEST

START_TEST(too_many_comments)
{
	char *source = malloc(CONFIG_MAX + 1), *text;

	memset(source, '#', CONFIG_MAX);
	memcpy(source + CONFIG_MAX - 10, "\ncpus = 7\n", 10);
	source[CONFIG_MAX] = 0;
	ck_assert_int_eq(parse(source), 0);
	put(&c.kernel, "/a/long/name");
	text = config_print(&c);
	ck_assert_uint_lt(strlen(text), 300);
	ck_assert_ptr_nonnull(strstr(text, "\ncpus = 7\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nkernel = /a/long/name\n"));
	free(text);
	free(source);
	config_fini(&c);
}
END_TEST

START_TEST(edits_keep_the_rest)
{
	static const struct {
		const char *text, *key, *value, *result;
	} rows[] = {
		{ "# c\ncpus = 1\n# d\n[disk]\nfile = x\n", "cpus", "2",
		  "# c\ncpus = 2\n# d\n[disk]\nfile = x\n" },
		{ "cpus = 1\n\n[disk]\nfile = x\n", "memory", "1G",
		  "cpus = 1\nmemory = 1G\n\n[disk]\nfile = x\n" },
		{ "cpus = 1\nmemory = 1G\n", "cpus", NULL, "memory = 1G\n" },
		{ "cpus = 1", "memory", "1G", "cpus = 1\nmemory = 1G\n" },
		{ "[disk]\nfile = x\n", "cpus", "2", "cpus = 2\n[disk]\nfile = x\n" },
		{ "", "cpus", "2", "cpus = 2\n" },
		{ "cpus = 1\n", "kernel", NULL, "cpus = 1\n" },
		{ "cpu-cap = 1\n", "cpu", "2", "cpu-cap = 1\ncpu = 2\n" },
	};
	char *text = config_edit(rows[_i].text, rows[_i].key, rows[_i].value);

	ck_assert_str_eq(text, rows[_i].result);
	free(text);
}
END_TEST

START_TEST(names)
{
	static const char *const bad[] = { "", ".", "..", ".a", "-a", "_a", "a/b", "a b", "a\n", "ä",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };
	static const char *const fine[] = { "a", "A.b-c_9", "0",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!config_name_ok(bad[i]), "%s", bad[i]);
	for (i = 0; i < sizeof(fine) / sizeof(fine[0]); i++)
		ck_assert_msg(config_name_ok(fine[i]), "%s", fine[i]);
}
END_TEST

/* Bytes changed, lines cut, doubled: whatever comes is read or refused, and nothing is lost or overrun. */
/* Whatever the text is like, a change of it is read as what it was changed to. */
static void change_and_read(void)
{
	char *text, *disk = c.ndisks ? strdup(c.disks[0].file) : NULL;
	unsigned int n = c.ndisks;

	put(&c.uuid, "99999999-0123-4567-89ab-0123456789ab");
	c.cpus = c.cpus % 64 + 1;
	if (n)
		put(&c.disks[0].format, "vmdk");
	text = config_print(&c);
	config_fini(&c);
	ck_assert_int_eq(parse(text), 0);
	ck_assert_str_eq(c.uuid, "99999999-0123-4567-89ab-0123456789ab");
	ck_assert_uint_eq(c.ndisks, n);
	if (n) {
		ck_assert_str_eq(c.disks[0].file, disk);
		ck_assert_str_eq(c.disks[0].format, "vmdk");
	}
	free(text);
	free(disk);
}

START_TEST(damaged)
{
	char text[2 * sizeof(good)];
	size_t n, i;

	srand(_i);
	for (i = 0; i < 2000; i++) {
		n = rand() % sizeof(good);
		memcpy(text, good, sizeof(good));
		text[rand() % sizeof(good)] = rand();
		text[rand() % sizeof(good)] = "\n=[]# 9"[rand() % 7];
		config_init(&c);
		memset(&e, 0, sizeof(e));
		if (config_parse(&c, text, n, &e))
			ck_assert_uint_ne(e.what[0], 0);
		else
			change_and_read();
		config_fini(&c);
	}
}
END_TEST

START_TEST(sizes)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} fine[] = { { "0", 0 }, { "1", 1 }, { "1k", 1024 }, { "3M", 3 << 20 }, { "1T", 1ULL << 40 },
		     { "1048576T", 1ULL << 60 } };
	static const char *const bad[] = { "", "k", "1kk", "-1", "1 ", " 1", "1E", "1048577T", "0x10", "1\"" };
	uint64_t n;
	char back[24];
	size_t i;

	for (i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
		ck_assert(text_to_size(fine[i].text, &n));
		ck_assert_uint_eq(n, fine[i].bytes);
		text_from_size(n, back, sizeof(back));
		ck_assert(text_to_size(back, &n));
		ck_assert_uint_eq(n, fine[i].bytes);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!text_to_size(bad[i], &n), "%s", bad[i]);
}
END_TEST

START_TEST(meant)
{
	static const char *const words[] = { "start", "stop", "list", "rm" };

	ck_assert_str_eq(text_nearest("strat", words, 4), "start");
	ck_assert_str_eq(text_nearest("lst", words, 4), "list");
	ck_assert_ptr_null(text_nearest("frobnicate", words, 4));
	ck_assert_ptr_null(text_nearest("xy", words, 4));
	ck_assert_ptr_null(text_nearest("", words, 4));
}
END_TEST

START_TEST(texts_for_a_terminal)
{
	static const struct {
		const char *text, *clean;
	} rows[] = {
		{ "", "" }, { "plain, a\xc3\xa4 \xe2\x82\xac", "plain, a\xc3\xa4 \xe2\x82\xac" }, { "a\nb\r\tc", "a?b??c" }, { "\033[2J\x7f", "?[2J?" },
		{ "\xc2\x9b" "31m", "??31m" }, { "\xc2\xa0", "\xc2\xa0" }, { "\xc2", "\xc2" }, { "\xc2\n", "\xc2?" },
	};
	char text[40];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		strcpy(text, rows[i].text);
		text_clean(text);
		ck_assert_str_eq(text, rows[i].clean);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("config");
	TCase *t = tcase_create("config");
	SRunner *r;
	int failed;

	tcase_add_test(t, everything);
	tcase_add_test(t, texts_for_a_terminal);
	tcase_add_test(t, nothing_is_a_vm);
	tcase_add_loop_test(t, wrong_lines, 0, sizeof(refused) / sizeof(refused[0]));
	tcase_add_test(t, zero_byte);
	tcase_add_test(t, too_much);
	tcase_add_test(t, printed_is_read_the_same);
	tcase_add_test(t, changed_keeps_comments);
	tcase_add_test(t, changed_loses_sections);
	tcase_add_test(t, too_many_comments);
	tcase_add_loop_test(t, edits_keep_the_rest, 0, 8);
	tcase_add_test(t, names);
	tcase_add_loop_test(t, damaged, 0, 8);
	tcase_add_test(t, sizes);
	tcase_add_test(t, meant);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
