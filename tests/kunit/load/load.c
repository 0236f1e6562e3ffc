// SPDX-License-Identifier: GPL-2.0-only
/*
 * load.c: load MODULE: load a module with eventfds open that its suites take over.
 *
 * The kernel holds the module's loader until the suites are through, and a file that this process closed
 * in there would live as long: another thread closes them, once the suites have said they hold them.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include "eventfds.h"

static void *let_go(void *unused)
{
	uint64_t taken;
	int i;

	(void)unused;
	if (read(VTR_TEST_EVENTFD, &taken, sizeof(taken)) != sizeof(taken))
		perror("load: eventfd");
	for (i = 0; i < VTR_TEST_EVENTFDS; i++)
		close(VTR_TEST_EVENTFD + i);
	return NULL;
}

int main(int argc, char **argv)
{
	int module = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1, i, fd;
	pthread_t thread;

	for (i = 0; i < VTR_TEST_EVENTFDS; i++) {
		fd = eventfd(0, 0);
		if (fd < 0 || dup2(fd, VTR_TEST_EVENTFD + i) < 0) {
			perror("load: eventfd");
			return 1;
		}
		close(fd);
	}
	if (pthread_create(&thread, NULL, let_go, NULL) ||
	    syscall(SYS_finit_module, module, "", 0)) {
		perror("load: finit_module");
		return 1;
	}
	return 0;
}
