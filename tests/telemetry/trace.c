// SPDX-License-Identifier: GPL-2.0-only
/*
 * The exit trace: each exit once, in order, with what it was and what became of it; those there was no room for are counted.
 */
#include "telemetry.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

GUEST(forty, 16,
      "mov $40, %cx; 1: push %cx; mov $7, %eax; cpuid; pop %cx; loop 1b; mov $0x55, %al; out %al, $0xf4; hlt");
GUEST(endless, 16, "1: xor %eax, %eax; cpuid; jmp 1b");

/* The ring of the only vCPU. fd: the trace. */
static struct vitrine_trace_ring *trace(const struct vm *vm, uint32_t records, int *fd)
{
	struct vitrine_trace_open o = { .vm_id = vm_id(vm), .records = records };
	void *at;

	*fd = ioctl(abi_open(), VITRINE_TRACE_OPEN, &o);
	NEED(*fd >= 0);
	NEED(o.vcpus == 1 && o.ring_size % 4096 == 0);
	at = mmap(NULL, o.ring_size, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	NEED(at != MAP_FAILED);
	return at;
}

static const struct vitrine_trace_record *record(const struct vitrine_trace_ring *r, uint64_t n)
{
	return (const void *)((const char *)r + r->data + (n & (r->records - 1)) * r->record_size);
}

static long open_error(uint32_t vm, uint32_t records, uint32_t flags)
{
	struct vitrine_trace_open o = { .vm_id = vm, .records = records, .flags = flags };

	return ioctl(abi_open(), VITRINE_TRACE_OPEN, &o) < 0 ? errno : 0;
}

ABI_TEST("each exit is one record, in order")
{
	struct vcpu *vcpu = vcpu_create(vm_create(0), 0);
	const struct vitrine_trace_record *e;
	struct vitrine_trace_ring *r;
	uint64_t i, cpuids = 0, last = 0;
	int fd;

	vcpu_load16(vcpu, forty, forty_end);
	r = trace(vcpu->vm, 1024, &fd);
	EXPECT_EQ(r->magic, VITRINE_TRACE_MAGIC);
	EXPECT_EQ(r->record_size, sizeof(*e));
	EXPECT(r->tsc_khz > 1000 && r->base_tsc && r->base_ns);
	NEED(vcpu_done(vcpu));
	EXPECT_EQ(r->lost, 0);
	NEED(r->head > 40 && r->head < 1024);
	for (i = 0; i < r->head; i++) {
		e = record(r, i);
		EXPECT(e->tsc > last);
		last = e->tsc;
		if (e->hw_reason != (abi_vmx() ? 10 : 0x72))
			continue;
		cpuids++;
		EXPECT_EQ(e->rax, 7);
		EXPECT_EQ(e->rip, CODE_GPA + 3 + 1 + 6);
		EXPECT_EQ(e->code_len, 16);
		EXPECT_EQ(e->code_bits, 16);
		EXPECT(!memcmp(e->code, forty + 3 + 1 + 6, 10));
		EXPECT(e->outcome == VITRINE_OUTCOME_RESUMED || e->outcome == VITRINE_OUTCOME_SLOW);
		EXPECT(e->host_cycles > 0);
	}
	EXPECT_EQ(cpuids, 40);
	e = record(r, r->head - 1);
	EXPECT_EQ(e->outcome, VITRINE_OUTCOME_USER);
	EXPECT_EQ(e->user_reason, KVM_EXIT_IO);
	EXPECT_EQ(e->rax & 0xff, 0x55);
}

/* The only vCPU's last record, after its KVM_RUN has come back. */
static const struct vitrine_trace_record *last_record(struct vcpu *vcpu)
{
	struct vitrine_trace_ring *r;
	int fd;

	r = trace(vcpu->vm, 64, &fd);
	ioctl(vcpu->fd, KVM_RUN, 0);
	NEED(r->head > 0);
	return record(r, r->head - 1);
}

ABI_TEST("code is read up to the end of its page")
{
	struct vcpu *vcpu = vcpu_create(vm_create(0), 0);
	const struct vitrine_trace_record *e;
	struct kvm_regs regs;

	vcpu_load16(vcpu, forty, forty_end);
	/* OUT, four bytes before the page's end, in a segment of base 0. */
	memcpy(vcpu->vm->ram + CODE_GPA + 4092, "\xe6\xf4\xf4\xf4\xf4", 5);
	NEED(!ioctl(vcpu->fd, KVM_GET_REGS, &regs));
	regs.rip = CODE_GPA + 4092;
	NEED(!ioctl(vcpu->fd, KVM_SET_REGS, &regs));
	e = last_record(vcpu);
	EXPECT_EQ(e->rip, CODE_GPA + 4092);
	EXPECT_EQ(e->code_len, 4);
	EXPECT(!memcmp(e->code, "\xe6\xf4\xf4\xf4", 4));
}

ABI_TEST("of code where no memory is there are no bytes")
{
	struct vcpu *vcpu = vcpu_create(vm_create(0), 0);
	const struct vitrine_trace_record *e;
	struct kvm_sregs s;

	vcpu_load16(vcpu, forty, forty_end);
	NEED(!ioctl(vcpu->fd, KVM_GET_SREGS, &s));
	s.cs.base = HOLE_GPA;
	NEED(!ioctl(vcpu->fd, KVM_SET_SREGS, &s));
	e = last_record(vcpu);
	EXPECT_EQ(e->code_len, 0);
	EXPECT_EQ(e->code_bits, 0);
	EXPECT_EQ(e->code[0], 0);
}

ABI_TEST("a ring without room counts what it lost, and goes on when it was read")
{
	struct vcpu *vcpu = vcpu_create(vm_create(0), 0);
	struct genl *g = genl_open();
	struct vitrine_trace_ring *r;
	uint64_t lost;
	int fd, i;

	vcpu_load16(vcpu, endless, endless_end);
	r = trace(vcpu->vm, 64, &fd);
	EXPECT(attr_has(vm_get(g, vm_id(vcpu->vm)), VITRINE_A_VM_TRACED));
	vcpu_start(vcpu);
	for (i = 0; i < 500 && *(volatile uint64_t *)&r->lost < 1000; i++)
		sleep_ms(10);
	EXPECT_EQ(r->head, 64);
	lost = *(volatile uint64_t *)&r->lost;
	EXPECT(lost >= 1000);
	*(volatile uint64_t *)&r->tail = 64;
	for (i = 0; i < 500 && *(volatile uint64_t *)&r->head < 128; i++)
		sleep_ms(10);
	EXPECT_EQ(r->head, 128);
	/* A reader that lies harms its own ring only. */
	*(volatile uint64_t *)&r->tail = ~0ULL;
	r->magic = r->records = r->data = r->record_size = ~0U;
	r->head = ~0ULL;
	sleep_ms(50);
	/* Closed while it is written. */
	NEED(!munmap(r, 4096 + 64 * sizeof(struct vitrine_trace_record)));
	NEED(!close(fd));
	EXPECT(!attr_has(vm_get(g, vm_id(vcpu->vm)), VITRINE_A_VM_TRACED));
	vcpu_kick(vcpu);
	NEED(vcpu_returns_within(vcpu, 5000));
}

ABI_TEST("a VM has one trace; its rings outlive it")
{
	struct vcpu *vcpu = vcpu_create(vm_create(0), 0);
	uint32_t id = vm_id(vcpu->vm);
	struct vitrine_trace_ring *r;
	uint64_t head;
	int fd;

	EXPECT_EQ(open_error(id, 100, 0), EINVAL);
	EXPECT_EQ(open_error(id, 32, 0), EINVAL);
	EXPECT_EQ(open_error(id, 131072, 0), EINVAL);
	EXPECT_EQ(open_error(id, 64, 1), EINVAL);
	EXPECT_EQ(open_error(id + 1, 64, 0), ENOENT);
	vcpu_load16(vcpu, forty, forty_end);
	r = trace(vcpu->vm, 64, &fd);
	EXPECT_EQ(open_error(id, 64, 0), EBUSY);
	EXPECT(mmap(NULL, 1 << 20, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED);
	EXPECT(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0) == MAP_FAILED);
	NEED(vcpu_done(vcpu));
	head = r->head;
	NEED(head > 40);
	munmap(vcpu->run, 3 * 4096);
	NEED(!close(vcpu->fd) && !close(vcpu->vm->fd));
	EXPECT_EQ(genl_do(genl_open(), VITRINE_CMD_VM_GET, ARGS({ VITRINE_A_VM_ID, id }), NULL), -ENOENT);
	EXPECT_EQ(r->head, head);
	EXPECT_EQ(record(r, head - 1)->outcome, VITRINE_OUTCOME_USER);
	NEED(!close(fd));
}

static void stranger(void *arg)
{
	EXPECT_EQ(open_error(*(uint32_t *)arg, 64, 0), ENOENT);
}

ABI_TEST("another user cannot trace it")
{
	struct vcpu *vcpu = vcpu_create(vm_create(0), 0);
	uint32_t id = vm_id(vcpu->vm);

	NEED(!chmod(abi_device, 0666));
	EXPECT(ended_well(as_user(1000, stranger, &id)));
}

ABI_TEST("the tracepoint says the same")
{
	struct vcpu *vcpu = vcpu_create(vm_create(0), 0);
	char text[1 << 15], *at = text;
	int fd, n = 0;

	if (mount("none", "/sys/kernel/tracing", "tracefs", 0, NULL) && errno != EBUSY)
		abi_skip("no tracefs: %s", strerror(errno));
	if (!write_file("/sys/kernel/tracing/events/vitrine/vitrine_exit/enable", "1"))
		abi_skip("no tracepoints in this kernel");
	vcpu_load16(vcpu, forty, forty_end);
	NEED(vcpu_done(vcpu));
	EXPECT(write_file("/sys/kernel/tracing/events/vitrine/vitrine_exit/enable", "0"));
	fd = open("/sys/kernel/tracing/trace", O_RDONLY);
	while (at < text + sizeof(text) - 1 && (n = read(fd, at, text + sizeof(text) - 1 - at)) > 0)
		at += n;
	*at = 0;
	for (n = 0, at = text; (at = strstr(at, " vcpu 0 cpuid reason ")); at++)
		n++;
	EXPECT_EQ(n, 40);
	EXPECT(strstr(text, " vcpu 0 port_io "));
	close(open("/sys/kernel/tracing/trace", O_WRONLY | O_TRUNC));
}
