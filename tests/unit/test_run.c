// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_run.c - how a VM is: the lock of its process and the record, after every kind of end, and with
 * records that nobody wrote; files that are written as a whole; trees removed.
 */
/* sources: ctl/store/run.c ctl/store/file.c */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "store/store.h"

static char path[] = "/tmp/test_run.XXXXXX";
static int folder;

int vmctl_errno(const char *object, const char *remedy)
{
	ck_abort_msg("%s: %s", object, remedy);
	return 1;
}

static void setup(void)
{
	strcpy(path + strlen(path) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(path));
	folder = open(path, O_RDONLY | O_DIRECTORY);
}

static void teardown(void)
{
	close(folder);
	ck_assert_int_eq(tree_remove(AT_FDCWD, path), 0);
}

static struct vm_status status(void)
{
	struct vm_status s;

	ck_assert_int_eq(run_status(folder, &s), 0);
	return s;
}

/* A VM process that records `state` and then waits, or ends when `ends`. */
static pid_t process(enum vm_state state, const char *reason, bool ends)
{
	int ready[2];
	pid_t pid;
	char byte;

	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		int run = run_take(folder);

		if (run < 0)
			_exit(errno);
		run_record(run, state, reason);
		if (write(ready[1], "R", 1) != 1 || ends)
			_exit(0);
		for (;;)
			pause();
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

START_TEST(never_ran)
{
	struct vm_status s = status();

	ck_assert_int_eq(s.state, VM_STOPPED);
	ck_assert_int_eq(s.pid, 0);
	close(openat(folder, "run", O_WRONLY | O_CREAT, 0600));
	ck_assert_int_eq(status().state, VM_STOPPED);
}
END_TEST

START_TEST(lives_and_is_killed)
{
	pid_t pid = process(VM_PAUSED, "", false);

	ck_assert_int_eq(status().state, VM_PAUSED);
	ck_assert_int_eq(status().pid, pid);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ck_assert_int_eq(status().state, VM_CRASHED);
	ck_assert_int_eq(status().pid, 0);
	ck_assert_str_eq(status().reason, "its process was killed");
}
END_TEST

START_TEST(ends)
{
	pid_t pid = process(VM_CRASHED, "CPU 0: fell\nover", true);

	waitpid(pid, NULL, 0);
	ck_assert_int_eq(status().state, VM_CRASHED);
	ck_assert_str_eq(status().reason, "CPU 0: fell?over");
	ck_assert_int_ne(status().since, 0);
}
END_TEST

START_TEST(only_one)
{
	pid_t pid = process(VM_RUNNING, "", false);

	errno = 0;
	ck_assert_int_eq(run_take(folder), -1);
	ck_assert_int_eq(errno, EAGAIN);
	/* To look does not take the lock away. */
	ck_assert_int_eq(status().state, VM_RUNNING);
	ck_assert_int_eq(run_take(folder), -1);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}
END_TEST

START_TEST(host_went_down)
{
	static const char record[] = "running 1 1700000000 00000000-0000-0000-0000-000000000000 \n";

	ck_assert_int_eq(file_write(folder, "run", record, strlen(record)), 0);
	ck_assert_int_eq(status().state, VM_STOPPED);
	ck_assert_str_eq(status().reason, "the host went down");
}
END_TEST

/* What a fork of the VM process does not have: the lock, although it has the descriptor. */
START_TEST(a_child_is_not_the_vm)
{
	pid_t parent, child = 0;
	struct vm_status s;
	int got[2];

	ck_assert_int_eq(pipe(got), 0);
	parent = fork();
	if (!parent) {
		run_record(run_take(folder), VM_RUNNING, "");
		child = fork();
		if (child && write(got[1], &child, sizeof(child)) < 0)
			_exit(1);
		for (;;)
			pause();
	}
	ck_assert_int_eq(read(got[0], &child, sizeof(child)), sizeof(child));
	ck_assert_int_eq(status().pid, parent);
	kill(parent, SIGKILL);
	waitpid(parent, NULL, 0);
	ck_assert_int_eq(run_wait(folder, 1 << VM_CRASHED, 5000, &s), 0);
	kill(child, SIGKILL);
}
END_TEST

START_TEST(waiting)
{
	pid_t pid = process(VM_RUNNING, "", false);
	struct vm_status s;

	ck_assert_int_eq(run_wait(folder, 1 << VM_RUNNING, 1000, &s), 0);
	ck_assert_int_eq(run_wait(folder, 1 << VM_PAUSED, 50, &s), -1);
	ck_assert_int_eq(errno, ETIMEDOUT);
	kill(pid, SIGKILL);
	ck_assert_int_eq(run_wait(folder, 1 << VM_CRASHED, 5000, &s), 0);
	waitpid(pid, NULL, 0);
}
END_TEST

START_TEST(no_record_of_ours)
{
	static const char *const texts[] = { "\n", "running\n", "flying 1 2 x \n", "running x y z\n",
		"stopped 1 2 xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx \n",
		"\377\377\377\377", "stopped 99999999999999999999 99999999999999999999 - \n" };
	char noise[2000];
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		ck_assert_int_eq(file_write(folder, "run", texts[i], strlen(texts[i])), 0);
		ck_assert_int_eq(status().pid, 0);
	}
	srand(1);
	for (i = 0; i < sizeof(noise); i++)
		noise[i] = rand();
	ck_assert_int_eq(file_write(folder, "run", noise, sizeof(noise)), 0);
	ck_assert_int_eq(status().state, VM_STOPPED);
}
END_TEST

START_TEST(files)
{
	char *text;
	size_t n;

	ck_assert_int_eq(file_write(folder, "f", "one", 3), 0);
	ck_assert_int_eq(file_write(folder, "f", "three", 5), 0);
	text = file_read(folder, "f", 5, &n);
	ck_assert_uint_eq(n, 5);
	ck_assert_str_eq(text, "three");
	free(text);
	ck_assert_ptr_null(file_read(folder, "f", 4, &n));
	ck_assert_int_eq(errno, EFBIG);
	ck_assert_ptr_null(file_read(folder, ".", 4, &n));
	ck_assert_int_eq(mkfifoat(folder, "p", 0600), 0);
	ck_assert_ptr_null(file_read(folder, "p", 4, &n));
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_ne(faccessat(folder, ".f.new", F_OK, 0), 0);
}
END_TEST

START_TEST(trees)
{
	ck_assert_int_eq(mkdirat(folder, "t", 0700), 0);
	ck_assert_int_eq(mkdirat(folder, "t/u", 0700), 0);
	ck_assert_int_eq(file_write(folder, "keep", "k", 1), 0);
	ck_assert_int_eq(symlinkat("../keep", folder, "t/link"), 0);
	ck_assert_int_eq(symlinkat("..", folder, "t/u/up"), 0);
	ck_assert_int_eq(tree_remove(folder, "t"), 0);
	ck_assert_int_ne(faccessat(folder, "t", F_OK, 0), 0);
	ck_assert_int_eq(faccessat(folder, "keep", F_OK, 0), 0);
	ck_assert_int_eq(tree_remove(folder, "t"), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("run");
	TCase *t = tcase_create("run");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, never_ran);
	tcase_add_test(t, lives_and_is_killed);
	tcase_add_test(t, ends);
	tcase_add_test(t, only_one);
	tcase_add_test(t, host_went_down);
	tcase_add_test(t, a_child_is_not_the_vm);
	tcase_add_test(t, waiting);
	tcase_add_test(t, no_record_of_ours);
	tcase_add_test(t, files);
	tcase_add_test(t, trees);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
