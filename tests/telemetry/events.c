// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events: what happens to a VM is told once, in order, to those it concerns; who falls behind learns how far.
 */
#include "telemetry.h"

#include <sched.h>
#include <linux/netlink.h>
#include <sys/socket.h>

GUEST(done, 16, "out %al, $0xf4");
GUEST(crash, 16, "mov $0x1234, %eax; lidt %cs:(2f - crash + 0x1000); ud2; 2: .word 0; .long 0");

static void watch(struct genl *g)
{
	EXPECT_OK(genl_do(g, VITRINE_CMD_EVENT_WATCH, NULL, NULL));
}

/* The next event has to be this one. */
static struct message *next_is(struct genl *g, uint32_t type, uint32_t vm)
{
	struct message *m = genl_wait(g, 5000);

	NEED(m);
	EXPECT_EQ(m->cmd, VITRINE_CMD_EVENT_NTF);
	EXPECT_EQ(attr_u32(m, VITRINE_A_EVENT_TYPE), type);
	EXPECT_EQ(attr_u32(m, VITRINE_A_EVENT_VM_ID), vm);
	return m;
}

ABI_TEST("a VM's life is told in order, without a gap")
{
	struct genl *g = genl_open();
	struct vcpu *vcpu;
	struct message *m, *log;
	uint64_t id, seq;
	uint32_t vm;

	watch(g);
	EXPECT_EQ(genl_do(g, VITRINE_CMD_EVENT_WATCH, NULL, NULL), -EALREADY);
	vcpu = vcpu_create(vm_create(0), 0);
	vm = vm_id(vcpu->vm);
	m = next_is(g, VITRINE_EVENT_CREATED, vm);
	EXPECT_EQ(attr_u64(m, VITRINE_A_EVENT_SEQ), 1);
	EXPECT(attr_u64(m, VITRINE_A_EVENT_TIME) > 0);
	EXPECT_EQ(attr_u32(m, VITRINE_A_EVENT_UID), geteuid());
	id = attr_u64(m, VITRINE_A_EVENT_ID);
	NEED(!vm_name(vcpu->vm, "told"));
	m = next_is(g, VITRINE_EVENT_NAMED, vm);
	EXPECT(!strcmp(attr_string(m, VITRINE_A_EVENT_NAME), "told"));
	vcpu_load16(vcpu, done, done_end);
	NEED(vcpu_done(vcpu));
	next_is(g, VITRINE_EVENT_STARTED, vm);
	EXPECT_OK(genl_do(g, VITRINE_CMD_VM_PAUSE, ARGS({ VITRINE_A_VM_ID, vm }), NULL));
	EXPECT_OK(genl_do(g, VITRINE_CMD_VM_PAUSE, ARGS({ VITRINE_A_VM_ID, vm }), NULL));
	EXPECT_OK(genl_do(g, VITRINE_CMD_VM_RESUME, ARGS({ VITRINE_A_VM_ID, vm }), NULL));
	for (log = genl_dump(g, VITRINE_CMD_EVENT_GET, ARGS({ VITRINE_A_EVENT_VM_ID, vm })), seq = 0; log;
	     log = log->next, seq++) {
		EXPECT(!attr_has(log, VITRINE_A_EVENT_SEQ));
		EXPECT_EQ(attr_u64(log, VITRINE_A_EVENT_ID), id + seq);
	}
	EXPECT_EQ(seq, 5);
}

ABI_TEST("pauses and the end are told to who watches")
{
	struct genl *g = genl_open();
	struct vm *vm;
	uint32_t id;

	watch(g);
	vm = vm_create(0);
	id = vm_id(vm);
	EXPECT_EQ(attr_u64(next_is(g, VITRINE_EVENT_CREATED, id), VITRINE_A_EVENT_SEQ), 1);
	EXPECT_OK(genl_do(genl_open(), VITRINE_CMD_VM_PAUSE, ARGS({ VITRINE_A_VM_ID, id }), NULL));
	EXPECT_EQ(attr_u64(next_is(g, VITRINE_EVENT_PAUSED, id), VITRINE_A_EVENT_SEQ), 2);
	EXPECT_OK(genl_do(genl_open(), VITRINE_CMD_VM_RESUME, ARGS({ VITRINE_A_VM_ID, id }), NULL));
	EXPECT_EQ(attr_u64(next_is(g, VITRINE_EVENT_RESUMED, id), VITRINE_A_EVENT_SEQ), 3);
	NEED(!close(vm->fd));
	next_is(g, VITRINE_EVENT_DESTROYED, id);
}

ABI_TEST("a triple fault comes with registers, code and the CPU's words")
{
	struct genl *g = genl_open();
	struct vcpu *vcpu = vcpu_create(vm_create(0), 0);
	uint32_t size, len, vm = vm_id(vcpu->vm);
	const void *regs, *code;
	struct message *m;
	uint64_t value;

	vcpu_load16(vcpu, crash, crash_end);
	watch(g);
	NEED(!vcpu_run(vcpu));
	NEED(vcpu->run->exit_reason == KVM_EXIT_SHUTDOWN);
	next_is(g, VITRINE_EVENT_STARTED, vm);
	m = next_is(g, VITRINE_EVENT_TRIPLE_FAULT, vm);
	EXPECT_EQ(attr_u32(m, VITRINE_A_EVENT_VCPU_ID), 0);
	EXPECT_EQ(attr_u64(m, VITRINE_A_EVENT_HW_REASON), abi_vmx() ? 2 : 0x7f);
	regs = attr_find(m, VITRINE_A_EVENT_REGS, &size);
	NEED(regs);
	memcpy(&value, attr_in(regs, size, VITRINE_A_REGS_RAX, &len), 8);
	EXPECT_EQ(value, 0x1234);
	memcpy(&value, attr_in(regs, size, VITRINE_A_REGS_IDT_LIMIT, &len), 8);
	EXPECT_EQ(value, 0);
	code = attr_find(m, VITRINE_A_EVENT_CODE, &size);
	NEED(code && size >= 2);
	EXPECT(!memcmp(code, "\x0f\x0b", 2)); /* UD2 */
	EXPECT_EQ(attr_u32(vm_get(g, vm), VITRINE_A_VM_STATE), VITRINE_VM_FAILED);
}

ABI_TEST("of many failures the last have their registers, the older ones are still told")
{
	struct vcpu *vcpu = vcpu_create(vm_create(0), 0);
	uint32_t vm = vm_id(vcpu->vm), failures = 0, described = 0;
	const uint32_t many = VITRINE_FAILURES_KEPT + 20;
	struct message *m;

	vcpu_load16(vcpu, crash, crash_end);
	while (failures++ < many) {
		struct kvm_regs regs = vcpu_regs(vcpu);
		struct kvm_sregs sregs = vcpu_sregs(vcpu);

		NEED(!vcpu_run(vcpu));
		NEED(vcpu->run->exit_reason == KVM_EXIT_SHUTDOWN);
		NEED(!ioctl(vcpu->fd, KVM_SET_SREGS, &sregs));
		NEED(!ioctl(vcpu->fd, KVM_SET_REGS, &regs));
	}
	failures = 0;
	for (m = genl_dump(genl_open(), VITRINE_CMD_EVENT_GET, ARGS({ VITRINE_A_EVENT_VM_ID, vm })); m; m = m->next) {
		if (attr_u32(m, VITRINE_A_EVENT_TYPE) != VITRINE_EVENT_TRIPLE_FAULT)
			continue;
		failures++;
		described += attr_has(m, VITRINE_A_EVENT_REGS);
		EXPECT_EQ(attr_has(m, VITRINE_A_EVENT_REGS), failures > many - VITRINE_FAILURES_KEPT);
	}
	EXPECT_EQ(failures, many);
	EXPECT_EQ(described, VITRINE_FAILURES_KEPT);
}

ABI_TEST("a state no CPU enters is a failed entry, and the check it failed is named")
{
	struct genl *g = genl_open();
	struct vcpu *vcpu = vcpu_create(vm_create(0), 0);
	uint32_t vm = vm_id(vcpu->vm);
	struct kvm_sregs s;
	struct message *m;

	if (!abi_vmx())
		abi_skip("AMD CPUs check less: what they refuse cannot be set");
	vcpu_load64(vcpu, done, done_end);
	s = vcpu_sregs(vcpu);
	s.gdt.base = 1ULL << 60;	/* not canonical */
	NEED(!ioctl(vcpu->fd, KVM_SET_SREGS, &s));
	watch(g);
	NEED(vcpu_runs_to(vcpu, KVM_EXIT_FAIL_ENTRY));
	next_is(g, VITRINE_EVENT_STARTED, vm);
	m = next_is(g, VITRINE_EVENT_ENTRY_FAILURE, vm);
	EXPECT(strstr(attr_string(m, VITRINE_A_EVENT_DETAIL), "GDT"));
}

ABI_TEST("code where no memory is is an internal error")
{
	struct genl *g = genl_open();
	struct vcpu *vcpu = vcpu_create(vm_create(0), 0);
	uint32_t vm = vm_id(vcpu->vm);
	struct kvm_sregs s;
	struct message *m;

	vcpu_load16(vcpu, done, done_end);
	s = vcpu_sregs(vcpu);
	s.cs.base = HOLE_GPA;
	NEED(!ioctl(vcpu->fd, KVM_SET_SREGS, &s));
	watch(g);
	NEED(vcpu_runs_to(vcpu, KVM_EXIT_INTERNAL_ERROR));
	next_is(g, VITRINE_EVENT_STARTED, vm);
	m = next_is(g, VITRINE_EVENT_INTERNAL_ERROR, vm);
	EXPECT_EQ(attr_u32(m, VITRINE_A_EVENT_SUBERROR), vcpu->run->internal.suberror);
	EXPECT(!attr_has(m, VITRINE_A_EVENT_CODE));
}

ABI_TEST("forks and snapshots are told by the VM's process")
{
	struct genl *g = genl_open();
	struct vm *old = vm_create(0), *new = vm_create(0);
	struct vitrine_vm_note n = { .type = VITRINE_EVENT_FORKED, .parent = vm_id(old) };
	struct message *m;

	watch(g);
	EXPECT_OK(ioctl(new->fd, VITRINE_VM_NOTE, &n));
	m = next_is(g, VITRINE_EVENT_FORKED, vm_id(new));
	EXPECT_EQ(attr_u32(m, VITRINE_A_EVENT_PARENT), vm_id(old));
	EXPECT_EQ(attr_u32(vm_get(g, vm_id(new)), VITRINE_A_VM_PARENT), vm_id(old));
	n.parent = vm_id(new);
	EXPECT_ERRNO(ioctl(new->fd, VITRINE_VM_NOTE, &n), ENOENT);
	n.parent = vm_id(new) + 1;
	EXPECT_ERRNO(ioctl(new->fd, VITRINE_VM_NOTE, &n), ENOENT);
	n = (struct vitrine_vm_note){ .type = VITRINE_EVENT_SNAPSHOT, .text = "before" };
	EXPECT_OK(ioctl(old->fd, VITRINE_VM_NOTE, &n));
	m = next_is(g, VITRINE_EVENT_SNAPSHOT, vm_id(old));
	EXPECT(!strcmp(attr_string(m, VITRINE_A_EVENT_NOTE), "before"));
	n.type = VITRINE_EVENT_DESTROYED;
	EXPECT_ERRNO(ioctl(old->fd, VITRINE_VM_NOTE, &n), EINVAL);
}

ABI_TEST("that its vCPUs are held is told by the VM's process, and others do not let them go")
{
	struct vitrine_vm_note n = { .type = VITRINE_EVENT_PAUSED };
	struct genl *g = genl_open(), *ask = genl_open();
	struct vm *vm = vm_create(0);
	uint32_t id = vm_id(vm), before = attr_u32(vm_get(ask, id), VITRINE_A_VM_STATE);
	const struct arg *which = ARGS({ VITRINE_A_VM_ID, id });

	watch(g);
	EXPECT_OK(ioctl(vm->fd, VITRINE_VM_NOTE, &n));
	next_is(g, VITRINE_EVENT_PAUSED, id);
	EXPECT_OK(ioctl(vm->fd, VITRINE_VM_NOTE, &n));	/* nothing new: no event */
	EXPECT_EQ(attr_u32(vm_get(ask, id), VITRINE_A_VM_STATE), VITRINE_VM_PAUSED);
	EXPECT_EQ(genl_do(ask, VITRINE_CMD_VM_RESUME, which, NULL), -EBUSY);
	EXPECT_EQ(genl_do(ask, VITRINE_CMD_VM_PAUSE, which, NULL), 0);
	next_is(g, VITRINE_EVENT_PAUSED, id);
	EXPECT_EQ(genl_do(ask, VITRINE_CMD_VM_RESUME, which, NULL), 0);
	next_is(g, VITRINE_EVENT_RESUMED, id);
	EXPECT_EQ(attr_u32(vm_get(ask, id), VITRINE_A_VM_STATE), VITRINE_VM_PAUSED);
	n.type = VITRINE_EVENT_RESUMED;
	EXPECT_OK(ioctl(vm->fd, VITRINE_VM_NOTE, &n));
	next_is(g, VITRINE_EVENT_RESUMED, id);
	EXPECT_EQ(attr_u32(vm_get(ask, id), VITRINE_A_VM_STATE), before);
	n.parent = id;
	EXPECT_ERRNO(ioctl(vm->fd, VITRINE_VM_NOTE, &n), EINVAL);
	n = (struct vitrine_vm_note){ .type = VITRINE_EVENT_PAUSED, .text = "why" };
	EXPECT_ERRNO(ioctl(vm->fd, VITRINE_VM_NOTE, &n), EINVAL);
}

ABI_TEST("who falls behind learns how many events were missed, and gets those kept")
{
	struct genl *g = genl_open();
	struct vm *vm = vm_create(0);
	uint64_t id = 0, last = 0, kept = 0;
	int room = 4096, i;
	struct message *m;
	bool told = false;

	NEED(!setsockopt(g->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)));
	watch(g);
	for (i = 0; i < 200; i++)
		NEED(!vm_name(vm, "again"));
	/* What there was room for, without a gap. */
	for (;;) {
		errno = 0;
		m = genl_wait(g, 100);
		told |= errno == ENOBUFS;
		if (!m && errno != ENOBUFS)
			break;
		if (!m)
			continue;
		EXPECT_EQ(attr_u64(m, VITRINE_A_EVENT_SEQ), ++last);
		id = attr_u64(m, VITRINE_A_EVENT_ID);
	}
	EXPECT(told);
	NEED(last && last < 200);
	NEED(!vm_name(vm, "once more"));
	EXPECT_EQ(attr_u64(next_is(g, VITRINE_EVENT_NAMED, vm_id(vm)), VITRINE_A_EVENT_SEQ), 201);
	for (m = genl_dump(genl_open(), VITRINE_CMD_EVENT_GET, ARGS({ VITRINE_A_EVENT_VM_ID, vm_id(vm) })); m; m = m->next)
		kept += attr_u64(m, VITRINE_A_EVENT_ID) > id;
	EXPECT_EQ(kept, 201 - last);
}

static void joins(void *arg)
{
	struct genl *g = genl_open();

	EXPECT_ERRNO(setsockopt(g->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &g->group, 4), EPERM);
	watch(g);
	/* Root's VM, made while this socket watches. */
	NEED(write(((int *)arg)[1], "", 1) == 1);
	EXPECT(!genl_wait(g, 300));
}

ABI_TEST("the group is for the privileged; others see nothing of VMs that are not theirs")
{
	struct genl *g = genl_open();
	struct message *m;
	int pipes[2];
	pid_t pid;
	char c;

	EXPECT_OK(setsockopt(g->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &g->group, 4));
	NEED(!pipe(pipes));
	pid = as_user(1000, joins, pipes);
	NEED(read(pipes[0], &c, 1) == 1);
	m = next_is(g, VITRINE_EVENT_CREATED, vm_id(vm_create(0)));
	EXPECT_EQ(attr_u64(m, VITRINE_A_EVENT_SEQ), attr_u64(m, VITRINE_A_EVENT_ID));
	EXPECT(ended_well(pid));
}
