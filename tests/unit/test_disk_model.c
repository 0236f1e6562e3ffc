// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_disk_model.c - disks under random work, beside a copy in memory: formats, chains, overlays, reopening, a
 * writer that is killed at a random moment, files that may not grow. Our own checker judges the images, and
 * qemu-img beside it where it is installed.
 */
/* sources: ctl/disk/check.c ctl/disk/commit.c ctl/disk/create.c ctl/disk/newfile.c ctl/disk/disk.c ctl/disk/fork.c ctl/disk/format.c ctl/disk/gate.c ctl/disk/io.c ctl/disk/layer.c ctl/disk/lock.c ctl/disk/nbd.c ctl/disk/qcow2.c ctl/disk/qcow2_cache.c ctl/disk/qcow2_check.c ctl/disk/qcow2_create.c ctl/disk/qcow2_entry.c ctl/disk/qcow2_header.c ctl/disk/qcow2_inflate.c ctl/disk/qcow2_io.c ctl/disk/qcow2_map.c ctl/disk/qcow2_refcount.c ctl/disk/qcow2_sync.c ctl/disk/raw.c */
/* libs: -lz -lzstd */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "disk/qcow2.h"

#define SIZE	(5U << 20)
#define MOST	(200U << 10)
#define BLOCK	512

static char folder[64];
static unsigned char *model;
static unsigned int seed;

static uint32_t any(uint32_t below)
{
	return rand_r(&seed) % below;
}

static char *name(const char *leaf)
{
	static char names[4][128];
	static unsigned int i;
	char *n = names[i++ % 4];

	snprintf(n, sizeof(names[0]), "%s/%s", folder, leaf);
	return n;
}

static void setup(void)
{
	strcpy(folder, "/tmp/vitrine-disk-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	model = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	seed = 1;
	signal(SIGXFSZ, SIG_IGN);
}

static int run(const char *format, const char *a, const char *b)
{
	char command[512];

	snprintf(command, sizeof(command), format, a, b);
	return WEXITSTATUS(system(command));
}

static void teardown(void)
{
	run("rm -rf %s%s", folder, "");
	munmap(model, SIZE);
}

static struct disk *open_disk(const char *path, enum disk_format format, unsigned int flags)
{
	struct disk_error e = { "", "", "" };
	struct disk *d = disk_open(path, format, flags, &e);

	ck_assert_msg(d != NULL, "%s: %s: %s", e.object, e.what, e.remedy);
	return d;
}

static void compare(struct disk *d)
{
	static unsigned char got[SIZE];
	struct iovec v = { got, SIZE };
	size_t i;

	ck_assert_int_eq(disk_preadv(d, &v, 1, 0), SIZE);
	for (i = 0; i < SIZE; i++)
		if (got[i] != model[i])
			ck_abort_msg("byte %#zx: %#x, not %#x", i, got[i], model[i]);
}

/* No errors, and leaks only where a crash may have left them. */
static void judge(const char *path, bool may_leak)
{
	struct disk *d = open_disk(path, DISK_QCOW2, DISK_READ_ONLY);
	struct qcow2_check c;
	int status;

	ck_assert_int_eq(qcow2_check(d->top->private, false, false, &c), 0);
	disk_close(d);
	ck_assert_msg(!c.errors && (may_leak || !c.leaks), "%s: %lu errors, %lu leaks", path,
		      (unsigned long)c.errors, (unsigned long)c.leaks);
	if (run("command -v qemu-img >/dev/null%s%s", "", ""))
		return;
	status = run("qemu-img check -f qcow2 %s >/dev/null 2>&1%s", path, "");
	ck_assert_msg(!status || (status == 3 && may_leak), "%s: qemu-img check: %d", path, status);
	ck_assert_int_eq(!!c.leaks, status == 3);
}

/* One random request, done to the model as well. Return: its status. */
static int step(struct disk *d)
{
	static unsigned char data[MOST];
	uint32_t what = any(10), offset = any(SIZE / BLOCK) * BLOCK;
	uint32_t length = (1 + any(any(4) ? 40 : MOST / BLOCK)) * BLOCK, split, i;
	uint32_t cluster = disk_cluster(d);
	struct iovec v[2];
	int err = 0;

	if (length > SIZE - offset)
		length = SIZE - offset;
	if (what < 6) {
		for (i = 0; i < length; i++)
			data[i] = rand_r(&seed);
		split = any(length + 1);
		v[0] = (struct iovec){ data, split };
		v[1] = (struct iovec){ data + split, length - split };
		err = disk_pwritev(d, v, 2, offset);
		if (err > 0)
			memcpy(model + offset, data, length);
	} else if (what < 8) {
		err = disk_write_zeroes(d, offset, length, any(2));
		if (!err)
			memset(model + offset, 0, length);
	} else if (what < 9) {
		offset -= offset % cluster;
		length = (length + cluster - 1) / cluster * cluster;
		if (length > SIZE - offset)
			length = SIZE - offset;
		err = disk_discard(d, offset, length);
		if (!err)
			memset(model + offset, 0, length);
	} else {
		err = disk_flush(d);
	}
	return err < 0 ? err : 0;
}

static void create(const char *path, enum disk_format format, const char *backing,
		   enum disk_format backing_format)
{
	struct disk_error e;

	if (disk_create(path, format, SIZE, backing, backing_format, &e))
		ck_abort_msg("%s: %s: %s", e.object, e.what, e.remedy);
}

/* Random work, in between closed and opened again. */
static void work(const char *path, enum disk_format format, unsigned int rounds)
{
	unsigned int i, k;
	struct disk *d;

	for (i = 0; i < rounds; i++) {
		d = open_disk(path, format, 0);
		for (k = 0; k < 60; k++)
			ck_assert_int_eq(step(d), 0);
		compare(d);
		disk_close(d);
		if (format == DISK_QCOW2)
			judge(path, false);
		d = open_disk(path, format, DISK_READ_ONLY);
		compare(d);
		disk_close(d);
	}
}

START_TEST(test_raw)
{
	create(name("a"), DISK_RAW, NULL, DISK_AUTO);
	work(name("a"), DISK_RAW, 3);
}
END_TEST

START_TEST(test_qcow2)
{
	create(name("a"), DISK_QCOW2, NULL, DISK_AUTO);
	work(name("a"), DISK_QCOW2, 5);
}
END_TEST

/* Images of QEMU's making: small and large clusters, old version, refcounts of any width. */
START_TEST(test_foreign)
{
	static const char * const options[] = {
		"cluster_size=512", "cluster_size=2M", "compat=0.10", "refcount_bits=1",
		"refcount_bits=64,cluster_size=1024", "lazy_refcounts=on", "preallocation=metadata",
		"cluster_size=512,refcount_bits=64",
	};

	if (run("qemu-img create -q -f qcow2 -o %s %s 5M", options[_i], name("a")))
		return;
	work(name("a"), DISK_QCOW2, 3);
	ck_assert_int_eq(run("qemu-img convert -f qcow2 -O raw %s %s", name("a"), name("r")), 0);
	work(name("r"), DISK_RAW, 1);
}
END_TEST

/* A raw backing file shorter than the disk, overlays on overlays, compressed clusters. */
START_TEST(test_chain)
{
	struct disk_error e;
	struct disk *d;
	unsigned int i, k;
	char leaf[8];

	create(name("base"), DISK_RAW, NULL, DISK_AUTO);
	work(name("base"), DISK_RAW, 1);
	ck_assert_int_eq(truncate(name("base"), 3 << 20), 0);
	memset(model + (3 << 20), 0, SIZE - (3 << 20));
	create(name("a"), DISK_QCOW2, "base", DISK_RAW);
	work(name("a"), DISK_QCOW2, 2);
	d = open_disk(name("a"), DISK_QCOW2, 0);
	for (i = 0; i < 5; i++) {
		snprintf(leaf, sizeof(leaf), "o%u", i);
		if (disk_freeze_and_overlay(d, name(leaf), &e))
			ck_abort_msg("%s: %s: %s", e.object, e.what, e.remedy);
		for (k = 0; k < 40; k++)
			ck_assert_int_eq(step(d), 0);
		compare(d);
	}
	disk_close(d);
	work(name(leaf), DISK_QCOW2, 1);
}
END_TEST

static unsigned int patience;

static bool be_patient(uint64_t done, uint64_t size)
{
	(void)done;
	(void)size;
	return patience && patience--;
}

static int commit(const char *from, const char *to, unsigned int steps)
{
	struct disk *f = open_disk(from, DISK_QCOW2, DISK_READ_ONLY | DISK_NO_BACKING), *t = open_disk(to, DISK_QCOW2, 0);
	int err;

	patience = steps;
	err = disk_commit(f, t, be_patient);
	disk_close(f);
	disk_close(t);
	return err;
}

static void compare_file(const char *path)
{
	struct disk *d = open_disk(path, DISK_QCOW2, DISK_READ_ONLY);

	compare(d);
	disk_close(d);
}

/* Layers go into one under them, some of it or all: the chain reads as before, and at last the lowest one alone. */
START_TEST(test_commit)
{
	const char *format = _i ? "qemu-img create -q -f qcow2 -o cluster_size=512 -b base -F raw %s 5M%s" : "false";
	unsigned int i;

	create(name("base"), DISK_RAW, NULL, DISK_AUTO);
	work(name("base"), DISK_RAW, 1);
	ck_assert_int_eq(truncate(name("base"), 3 << 20), 0);
	memset(model + (3 << 20), 0, SIZE - (3 << 20));
	if (run(format, name("a"), ""))
		create(name("a"), DISK_QCOW2, "base", DISK_RAW);
	work(name("a"), DISK_QCOW2, 1);
	create(name("b"), DISK_QCOW2, "a", DISK_QCOW2);
	work(name("b"), DISK_QCOW2, 1);
	create(name("c"), DISK_QCOW2, "b", DISK_QCOW2);
	work(name("c"), DISK_QCOW2, 1);
	for (i = 0; i < 20; i += 4) {
		ck_assert_int_eq(commit(name("b"), name("a"), i), -EINTR);
		compare_file(name("c"));
	}
	ck_assert_int_eq(commit(name("b"), name("a"), UINT32_MAX), 0);
	compare_file(name("c"));
	ck_assert_int_eq(commit(name("c"), name("a"), 10), -EINTR);
	compare_file(name("c"));
	ck_assert_int_eq(commit(name("c"), name("a"), UINT32_MAX), 0);
	compare_file(name("c"));
	compare_file(name("a"));
	judge(name("a"), false);
	ck_assert_int_eq(disk_create(name("small"), DISK_QCOW2, SIZE / 2, NULL, DISK_AUTO, &(struct disk_error){ 0 }), 0);
	ck_assert_int_eq(commit(name("c"), name("small"), UINT32_MAX), -EINVAL);
}
END_TEST

/* A folder that may be written but not opened cannot be synced: no image is left where that was to be said of one. */
START_TEST(test_unsynced_folder)
{
	struct disk_error e = { 0 };
	uid_t was = geteuid();
	int err;

	if (!was)
		ck_assert_int_eq(chown(folder, 65534, 65534), 0);
	ck_assert_int_eq(chmod(folder, 0300), 0);
	if (!was)
		ck_assert_int_eq(seteuid(65534), 0);
	err = disk_create(name("a"), _i ? DISK_QCOW2 : DISK_RAW, SIZE, NULL, DISK_AUTO, &e);
	ck_assert_int_eq(seteuid(was), 0);
	ck_assert_int_eq(chmod(folder, 0700), 0);
	ck_assert_int_eq(err, -1);
	ck_assert_int_eq(access(name("a"), F_OK), -1);
}
END_TEST

START_TEST(test_compressed)
{
	create(name("r"), DISK_RAW, NULL, DISK_AUTO);
	work(name("r"), DISK_RAW, 1);
	if (run("command -v qemu-img >/dev/null%s%s", "", ""))
		return;
	ck_assert_int_eq(run(_i ? "qemu-img convert -c -O qcow2 -o compression_type=zstd -f raw %s %s" :
			     "qemu-img convert -c -O qcow2 -f raw %s %s", name("r"), name("a")), 0);
	work(name("a"), DISK_QCOW2, 3);
}
END_TEST

/* Snapshots inside the file keep what they had, whatever is written. */
START_TEST(test_snapshot)
{
	unsigned char *then = malloc(SIZE);
	struct disk *d;

	create(name("a"), DISK_QCOW2, NULL, DISK_AUTO);
	work(name("a"), DISK_QCOW2, 1);
	if (!run("qemu-img snapshot -c s %s%s", name("a"), "")) {
		memcpy(then, model, SIZE);
		work(name("a"), DISK_QCOW2, 3);
		ck_assert_int_eq(run("qemu-img snapshot -a s %s%s", name("a"), ""), 0);
		memcpy(model, then, SIZE);
		d = open_disk(name("a"), DISK_QCOW2, 0);
		compare(d);
		disk_close(d);
		work(name("a"), DISK_QCOW2, 1);
	}
	free(then);
}
END_TEST

/* Each block says how often it was written and flushed; what was flushed must be there. */
static void write_until_killed(const char *path, uint64_t *flushed)
{
	struct disk *d = open_disk(path, DISK_QCOW2, 0);
	static uint64_t data[8192];
	struct iovec v = { data, 0 };
	uint32_t i, k, block;
	uint64_t round;

	for (round = flushed[SIZE / BLOCK];; round++) {
		for (i = 0; i < 20; i++) {
			block = any(SIZE / BLOCK - 128);
			v.iov_len = (1 + any(120)) * BLOCK;
			for (k = 0; k < v.iov_len / 8; k++)
				data[k] = round << 32 | (block + k / 64);
			if (disk_pwritev(d, &v, 1, (uint64_t)block * BLOCK) < 0)
				_exit(1);
			for (k = 0; k < v.iov_len / BLOCK; k++)
				flushed[SIZE / BLOCK + 1 + block + k] = round;
		}
		if (disk_flush(d))
			_exit(1);
		memcpy(flushed, flushed + SIZE / BLOCK + 1, SIZE / BLOCK * 8);
		flushed[SIZE / BLOCK] = round + 1;
	}
}

static void check_flushed(const char *path, const uint64_t *flushed)
{
	struct disk *d = open_disk(path, DISK_QCOW2, DISK_READ_ONLY);
	uint64_t data[64], block;
	struct iovec v = { data, BLOCK };

	for (block = 0; block < SIZE / BLOCK; block++) {
		ck_assert_int_eq(disk_preadv(d, &v, 1, block * BLOCK), BLOCK);
		ck_assert_uint_ge(data[0] >> 32, flushed[block]);
		ck_assert(!data[0] || (data[0] & UINT32_MAX) == block);
	}
	disk_close(d);
}

START_TEST(test_killed)
{
	size_t n = (2 * (SIZE / BLOCK) + 1) * 8;
	uint64_t *flushed = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned int i;
	pid_t pid;

	for (i = 0; i < 25; i++) {
		if (i % 5 == 0) {
			unlink(name("a"));
			memset(flushed, 0, n);
			flushed[SIZE / BLOCK] = 1;
			if (i % 2 || run("qemu-img create -q -f qcow2 -o cluster_size=1k %s 5M%s",
					 name("a"), ""))
				create(name("a"), DISK_QCOW2, NULL, DISK_AUTO);
		}
		seed = i;
		pid = fork();
		if (!pid)
			write_until_killed(name("a"), flushed);
		usleep(1000 + any(200000));
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		judge(name("a"), true);
		check_flushed(name("a"), flushed);
		/* What was written after the last flush may be there or not. */
		memcpy(flushed + SIZE / BLOCK + 1, flushed, SIZE / BLOCK * 8);
		flushed[SIZE / BLOCK]++;
	}
	munmap(flushed, n);
}
END_TEST

/* A file that may not grow: writes fail, and nothing is lost or wrong. */
START_TEST(test_full)
{
	struct rlimit limit = { (1 << 20) + _i * 70000, RLIM_INFINITY };
	unsigned int i, failed = 0;
	struct disk *d;

	create(name("a"), DISK_QCOW2, NULL, DISK_AUTO);
	d = open_disk(name("a"), DISK_QCOW2, 0);
	setrlimit(RLIMIT_FSIZE, &limit);
	for (i = 0; i < 100; i++)
		failed += step(d) < 0;
	ck_assert_uint_gt(failed, 0);
	disk_close(d);
	limit.rlim_cur = RLIM_INFINITY;
	setrlimit(RLIMIT_FSIZE, &limit);
	judge(name("a"), false);
}
END_TEST

START_TEST(test_locks)
{
	struct disk_error e;
	struct disk *d, *r;

	create(name("a"), DISK_QCOW2, NULL, DISK_AUTO);
	d = open_disk(name("a"), DISK_AUTO, 0);
	ck_assert_ptr_null(disk_open(name("a"), DISK_AUTO, 0, &e));
	ck_assert_ptr_null(disk_open(name("a"), DISK_AUTO, DISK_READ_ONLY, &e));
	ck_assert_int_eq(disk_freeze_and_overlay(d, name("b"), &e), 0);
	r = open_disk(name("a"), DISK_AUTO, DISK_READ_ONLY);
	ck_assert_ptr_null(disk_open(name("a"), DISK_AUTO, 0, &e));
	disk_close(r);
	disk_close(d);
	d = open_disk(name("a"), DISK_AUTO, 0);
	disk_close(d);
}
END_TEST

/* Parent and child go on from the same contents, each alone; the parent may end first. */
START_TEST(test_fork)
{
	unsigned char *then = malloc(SIZE);
	struct disk_error e;
	struct disk *d;
	int i, status;
	pid_t pid;

	create(name("a"), DISK_QCOW2, NULL, DISK_AUTO);
	d = open_disk(name("a"), DISK_QCOW2, 0);
	for (i = 0; i < 60; i++)
		ck_assert_int_eq(step(d), 0);
	ck_assert_int_eq(disk_freeze(d), 0);
	memcpy(then, model, SIZE);
	pid = fork();
	if (!pid) {
		model = then;
		seed = 77;
		if (disk_reopen(d, &e) || disk_overlay(d, name("child"), &e))
			_exit(1);
		for (i = 0; i < 60; i++)
			if (step(d))
				_exit(2);
		compare(d);
		disk_close(d);
		judge(name("child"), false);
		_exit(0);
	}
	ck_assert_int_eq(disk_overlay(d, name("parent"), &e), 0);
	for (i = 0; i < 60; i++)
		ck_assert_int_eq(step(d), 0);
	waitpid(pid, &status, 0);
	ck_assert_int_eq(status, 0);
	compare(d);
	disk_close(d);
	judge(name("parent"), false);
	judge(name("a"), false);
	free(then);
}
END_TEST

START_TEST(test_refused)
{
	struct disk_error e;
	struct disk *d;
	struct iovec v = { "QFI\xfb" "1234", 8 };

	create(name("a"), DISK_QCOW2, "b", DISK_QCOW2);
	create(name("b"), DISK_QCOW2, "a", DISK_QCOW2);
	ck_assert_ptr_null(disk_open(name("a"), DISK_AUTO, DISK_READ_ONLY, &e));
	ck_assert_ptr_nonnull(strstr(e.what, "loop"));
	create(name("r"), DISK_RAW, NULL, DISK_AUTO);
	d = open_disk(name("r"), DISK_AUTO, 0);
	ck_assert_int_eq(disk_pwritev(d, &v, 1, 0), -EPERM);
	disk_close(d);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("disk");
	TCase *c = tcase_create("model");
	SRunner *r = srunner_create(s);
	int failed;

	suite_add_tcase(s, c);
	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, test_raw);
	tcase_add_test(c, test_qcow2);
	tcase_add_loop_test(c, test_foreign, 0, 8);
	tcase_add_test(c, test_chain);
	tcase_add_loop_test(c, test_commit, 0, 2);
	tcase_add_loop_test(c, test_unsynced_folder, 0, 2);
	tcase_add_loop_test(c, test_compressed, 0, 2);
	tcase_add_test(c, test_snapshot);
	tcase_add_test(c, test_killed);
	tcase_add_loop_test(c, test_full, 0, 8);
	tcase_add_test(c, test_locks);
	tcase_add_test(c, test_fork);
	tcase_add_test(c, test_refused);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
