// SPDX-License-Identifier: GPL-2.0-only
/*
 * sandbox.c - shut the VM process in, before the guest's first instruction: a device that its guest has
 * taken over works on what is open and opens nothing new.
 *
 * No privilege can be gained again, no capability is kept, no file can be reached by a path (Landlock,
 * where the kernel has it), and of the system calls those remain that the
 * event loop, the devices and the vCPU threads need (seccomp). Other calls fail with EPERM. New files,
 * if need be, come in over the control socket.
 *
 * Threads that are created later are in it as well: enter it while there is one.
 */
#include <errno.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "compiler.h"
#include "sandbox.h"
#include "vitrine.h"
#include "vmm.h"

#define FORK_FLAGS	(CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID)
#define IOCTL_TYPE	0xff00	/* the byte that says whose request it is */

static const int calls[] = {
	/* data */
	SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev), SCMP_SYS(pread64),
	SCMP_SYS(pwrite64), SCMP_SYS(preadv), SCMP_SYS(pwritev), SCMP_SYS(preadv2),
	SCMP_SYS(pwritev2), SCMP_SYS(lseek), SCMP_SYS(sendfile), SCMP_SYS(copy_file_range),
	SCMP_SYS(fsync), SCMP_SYS(fdatasync), SCMP_SYS(sync_file_range), SCMP_SYS(fallocate),
	SCMP_SYS(ftruncate), SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(close), SCMP_SYS(close_range),
	SCMP_SYS(fcntl), SCMP_SYS(dup2), SCMP_SYS(pipe2),
	/* sockets that are there, and connections to them */
	SCMP_SYS(accept4), SCMP_SYS(recvmsg), SCMP_SYS(recvfrom), SCMP_SYS(recvmmsg),
	SCMP_SYS(sendmsg), SCMP_SYS(sendto), SCMP_SYS(sendmmsg), SCMP_SYS(getsockopt),
	SCMP_SYS(setsockopt), SCMP_SYS(shutdown),
	/* waiting */
	SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_pwait2), SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_create1), SCMP_SYS(signalfd4), SCMP_SYS(eventfd2), SCMP_SYS(timerfd_create),
	SCMP_SYS(timerfd_settime), SCMP_SYS(timerfd_gettime), SCMP_SYS(futex),
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep),
	SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(restart_syscall), SCMP_SYS(sched_yield),
	/* threads and memory */
	SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(munmap), SCMP_SYS(mremap),
	SCMP_SYS(madvise), SCMP_SYS(brk), SCMP_SYS(mincore), SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack),
	SCMP_SYS(sched_getaffinity), SCMP_SYS(sched_setaffinity), SCMP_SYS(membarrier),
	SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getuid), SCMP_SYS(geteuid),
	SCMP_SYS(getrandom), SCMP_SYS(exit), SCMP_SYS(exit_group),
};

/* Requests that devices make of what is open; all of KVM's and vhost's are allowed beside them. */
static const unsigned int requests[] = {
	0x5421,		/* FIONBIO */
	0x541b,		/* FIONREAD */
	0x400454d0,	/* TUNSETOFFLOAD */
	0x400454d8,	/* TUNSETVNETHDRSZ */
	0x400454d9,	/* TUNSETQUEUE */
	0x1277,		/* BLKDISCARD */
	0x127f,		/* BLKZEROOUT */
	VITRINE_VM_SET_NAME,
	VITRINE_VM_GET_ID,
	VITRINE_VM_NOTE,
};

static int allow_ioctls(scmp_filter_ctx f)
{
	size_t i;
	int err;

	err = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
			       SCMP_A1(SCMP_CMP_MASKED_EQ, IOCTL_TYPE, KVMIO << 8));
	if (!err)
		err = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
				       SCMP_A1(SCMP_CMP_MASKED_EQ, IOCTL_TYPE, 0xaf00));
	for (i = 0; !err && i < ARRAY_SIZE(requests); i++)
		err = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
				       SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff, requests[i]));
	return err;
}

/* Calls that are allowed in one form only. */
static int allow_forms(scmp_filter_ctx f)
{
	int err;

	err = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
			       SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (!err)
		err = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
				       SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (!err)
		err = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
				       SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
	/* Its flags are in memory, where a filter cannot look; the C library then takes clone(). */
	if (!err)
		err = seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	if (!err)
		err = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
				       SCMP_A0(SCMP_CMP_MASKED_EQ, ~(uint64_t)FORK_FLAGS, SIGCHLD));
	/* Of a fork's child the number is not known yet; VM processes alone take this signal for a kick. */
	if (!err)
		err = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
				       SCMP_A2(SCMP_CMP_EQ, VMM_KICK));
	if (!err)
		err = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
				       SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME));
	return err;
}

static int filter_calls(void)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	size_t i;
	int err;

	if (!f) {
		errno = ENOMEM;
		return -1;
	}
	err = allow_ioctls(f);
	if (!err)
		err = allow_forms(f);
	for (i = 0; !err && i < ARRAY_SIZE(calls); i++)
		err = seccomp_rule_add(f, SCMP_ACT_ALLOW, calls[i], 0);
	if (!err)
		err = seccomp_load(f);
	seccomp_release(f);
	errno = -err;
	return err ? -1 : 0;
}

/* A ruleset that knows every right of the first version and grants none. */
static int forbid_paths(void)
{
	struct landlock_ruleset_attr attr = {
		.handled_access_fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1,
	};
	int fd = syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0), err;

	/* A kernel without it has the filter alone. */
	if (fd < 0)
		return errno == ENOSYS || errno == EOPNOTSUPP ? 0 : -1;
	err = syscall(SYS_landlock_restrict_self, fd, 0);
	close(fd);
	return err;
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};

	return syscall(SYS_capset, &head, none);
}

/**
 * vmm_sandbox_enter() - shut this process in
 *
 * Context: all that the VM needs is open; there are no other threads.
 * Return: 0, or -1 with the error printed.
 */
int vmm_sandbox_enter(void)
{
	if (!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) && !forbid_paths() && !drop_capabilities() &&
	    !filter_calls())
		return 0;
	vmm_error("sandbox", strerror(errno), "run a kernel with seccomp");
	return -1;
}
