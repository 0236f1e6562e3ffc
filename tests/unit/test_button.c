// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_button.c - vmtop's power button on a socket that answers what it is told to: whose VM it is, yes, no, nothing.
 */
/* sources: tui/button.c ctl/telemetry/socket.c ctl/telemetry/figures.c */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "button.h"

/* A process in the folder of a VM, as those of vmctl's are, with its socket; it answers so and ends. */
static pid_t serve(const char *const *answers)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = "control" };
	char folder[] = "/tmp/test-button-XXXXXX", line[256];
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), fd;
	FILE *requests;
	pid_t pid;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert(!chdir(folder) && !mkdir("one", 0700) && !chdir("one"));
	ck_assert(!bind(listener, (struct sockaddr *)&addr, sizeof(addr)) && !listen(listener, 1));
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid) {
		close(listener);
		return pid;
	}
	alarm(20);
	fd = accept(listener, NULL, NULL);
	requests = fdopen(fd, "r");
	for (; *answers && fgets(line, sizeof(line), requests); answers++) {
		snprintf(line, sizeof(line), *answers, (int)getpid());
		if (write(fd, line, strlen(line)) < 0)
			break;
	}
	unlink("control");
	if (!chdir("..") && !rmdir("one"))
		rmdir(folder);
	_exit(0);
}

START_TEST(press)
{
	static const struct {
		const char *answers[3];
		const char *error;
	} cases[] = {
		{ { "{\"ok\":true,\"pid\":%d}\n", "{\"ok\":true}\n" }, NULL },
		{ { "{\"ok\":true,\"pid\":%d}\n", "{\"ok\":false,\"what\":\"its guest \\u001b[2J sleeps\"}\n" },
		  "one: its guest ?[2J sleeps" },
		{ { "{\"ok\":true,\"pid\":%d}\n", "{\"ok\":false}\n" }, "one: its process does not answer" },
		{ { "{\"ok\":true,\"pid\":%d}\n" }, "one: its process does not answer" },
		{ { "{\"ok\":true,\"pid\":1}\n" }, "one is no VM of vmctl's: vmtop has no way to its process" },
		{ { "[]\n" }, "one is no VM of vmctl's: vmtop has no way to its process" },
	};
	struct tel_vm vm = { .name = "one" };
	char error[160] = "";
	int ret;

	vm.pid = serve(cases[_i].answers);
	ret = button_press(&vm, BUTTON_POWER, error, sizeof(error));
	waitpid(vm.pid, NULL, 0);
	ck_assert_str_eq(error, cases[_i].error ? cases[_i].error : "");
	ck_assert_int_eq(ret, cases[_i].error ? -1 : 0);
}
END_TEST

START_TEST(no_socket)
{
	struct tel_vm vm = { .name = "../one", .pid = getpid() };
	char error[160] = "";

	ck_assert_int_eq(button_press(&vm, BUTTON_POWER, error, sizeof(error)), -1);
	ck_assert_str_eq(error, "../one is no VM of vmctl's: vmtop has no way to its process");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("button");
	TCase *t = tcase_create("button");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_loop_test(t, press, 0, 6);
	tcase_add_test(t, no_socket);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
