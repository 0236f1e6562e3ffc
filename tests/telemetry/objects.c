// SPDX-License-Identifier: GPL-2.0-only
/*
 * host-get, vm-get, vcpu-get, exit-stats-get: what they say is true, and said to those it concerns.
 */
#include "telemetry.h"

#include <sys/stat.h>

GUEST(fifty, 16, "mov $50, %cx; 1: push %cx; xor %eax, %eax; cpuid; pop %cx; loop 1b; out %al, $0xf4; out %al, $0xf4");
GUEST(spin, 16, "sti; 1: pause; jmp 1b");

static struct vcpu *fifty_cpuids(void)
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);

	vcpu_load16(vcpu, fifty, fifty_end);
	NEED(vcpu_done(vcpu));
	/* An exit is counted with the next entry. */
	NEED(vcpu_done(vcpu));
	return vcpu;
}

/* The number of a kind of exit. */
static uint32_t kind_of(struct genl *g, const char *name)
{
	struct message *m = genl_dump(g, VITRINE_CMD_HOST_GET, NULL);
	const uint8_t *at = m->data;
	uint32_t left = m->size;

	while (left >= NLA_HDRLEN) {
		const struct nlattr *a = (const void *)at;
		uint32_t step = NLA_ALIGN(a->nla_len), len, kind;
		const uint8_t *nest = at + NLA_HDRLEN;

		if ((a->nla_type & NLA_TYPE_MASK) == VITRINE_A_HOST_EXIT_KIND &&
		    !strcmp(attr_in(nest, a->nla_len - NLA_HDRLEN, VITRINE_A_KIND_NAME, &len), name)) {
			memcpy(&kind, attr_in(nest, a->nla_len - NLA_HDRLEN, VITRINE_A_KIND_ID, &len), 4);
			return kind;
		}
		at += step;
		left -= step < left ? step : left;
	}
	abi_fail(__FILE__, __LINE__, "no kind of exit is called %s", name);
	abi_stop();
}

static struct message *exit_get(struct genl *g, uint32_t vm, uint32_t vcpu, uint32_t kind)
{
	struct message *m;

	errno = -genl_do(g, VITRINE_CMD_EXIT_STATS_GET,
			 ARGS({ VITRINE_A_EXIT_VM_ID, vm }, { VITRINE_A_EXIT_VCPU_ID, vcpu },
			      { VITRINE_A_EXIT_KIND, kind }), &m);
	NEED(!errno && m);
	return m;
}

static unsigned int count(const struct message *m)
{
	unsigned int n = 0;

	for (; m; m = m->next)
		n++;
	return n;
}

ABI_TEST("the host says what it is and names the kinds of exits")
{
	struct genl *g = genl_open();
	struct message *m, *dump = genl_dump(g, VITRINE_CMD_HOST_GET, NULL);

	EXPECT_OK(genl_do(g, VITRINE_CMD_HOST_GET, NULL, &m));
	NEED(m && dump);
	EXPECT_EQ(count(dump), 1);
	EXPECT(*attr_string(m, VITRINE_A_HOST_VERSION));
	EXPECT(!strcmp(attr_string(m, VITRINE_A_HOST_BACKEND), abi_vmx() ? "vmx" : "svm"));
	EXPECT(attr_u32(m, VITRINE_A_HOST_TSC_KHZ) > 1000);
	EXPECT_EQ(attr_u32(m, VITRINE_A_HOST_CPUS), sysconf(_SC_NPROCESSORS_ONLN));
	EXPECT_EQ(attr_u32(m, VITRINE_A_HOST_VMS), 0);
	EXPECT(kind_of(g, "cpuid") != kind_of(g, "hlt"));
}

ABI_TEST("a VM is described: owner, name, size, what it did")
{
	struct genl *g = genl_open();
	struct vcpu *vcpu = fifty_cpuids();
	struct message *m;
	char comm[32];
	FILE *f = fopen("/proc/self/comm", "r");

	NEED(f && fscanf(f, "%31s", comm) == 1);
	m = vm_get(g, vm_id(vcpu->vm));
	EXPECT(!attr_has(m, VITRINE_A_VM_NAME));
	EXPECT_OK(vm_name(vcpu->vm, "glass case"));
	m = vm_get(g, vm_id(vcpu->vm));
	EXPECT(!strcmp(attr_string(m, VITRINE_A_VM_NAME), "glass case"));
	EXPECT(!strcmp(attr_string(m, VITRINE_A_VM_COMM), comm));
	EXPECT_EQ(attr_u32(m, VITRINE_A_VM_UID), geteuid());
	EXPECT_EQ(attr_u32(m, VITRINE_A_VM_PID), getpid());
	EXPECT_EQ(attr_u32(m, VITRINE_A_VM_VCPUS), 1);
	EXPECT_EQ(attr_u32(m, VITRINE_A_VM_STATE), VITRINE_VM_RUNNING);
	EXPECT_EQ(attr_u64(m, VITRINE_A_VM_MEMORY), RAM_SIZE);
	EXPECT(attr_u64(m, VITRINE_A_VM_PAGE_TABLES) >= 4096);
	EXPECT(attr_u64(m, VITRINE_A_VM_EXITS) >= 51);
	EXPECT(attr_u64(m, VITRINE_A_VM_GUEST_CYCLES) > 0);
	EXPECT(attr_u64(m, VITRINE_A_VM_HOST_CYCLES) > attr_u64(m, VITRINE_A_VM_USER_CYCLES));
	EXPECT(!attr_has(m, VITRINE_A_VM_PARENT));
}

ABI_TEST("names are of printable characters and bounded")
{
	struct vm *vm = vm_create(0);
	struct vitrine_vm_name n;

	memset(&n, 'x', sizeof(n));
	EXPECT_ERRNO(ioctl(vm->fd, VITRINE_VM_SET_NAME, &n), EINVAL);
	EXPECT_ERRNO(vm_name(vm, ""), EINVAL);
	EXPECT_ERRNO(vm_name(vm, "two\nlines"), EINVAL);
	EXPECT_ERRNO(ioctl(vm->fd, VITRINE_VM_SET_NAME, 8L), EFAULT);
	n.name[sizeof(n) - 1] = 0;
	EXPECT_OK(ioctl(vm->fd, VITRINE_VM_SET_NAME, &n));
	EXPECT_EQ(ioctl(vm->fd, KVM_CHECK_EXTENSION, (long)VITRINE_CAP_VM_NAME), 1);
}

ABI_TEST("exits are counted by kind, and the histogram has each once")
{
	struct genl *g = genl_open();
	struct vcpu *vcpu = fifty_cpuids();
	struct message *m = exit_get(g, vm_id(vcpu->vm), 0, kind_of(g, "cpuid"));
	uint64_t sum = 0, bucket;
	uint32_t size, i;
	const uint8_t *hist = attr_find(m, VITRINE_A_EXIT_HIST, &size);

	EXPECT_EQ(attr_u64(m, VITRINE_A_EXIT_COUNT), 50);
	EXPECT(attr_u64(m, VITRINE_A_EXIT_CYCLES) > 50);
	EXPECT(!strcmp(attr_string(m, VITRINE_A_EXIT_NAME), "cpuid"));
	NEED(hist && size % 8 == 0);
	EXPECT(attr_u32(m, VITRINE_A_EXIT_HIST_FIRST) + size / 8 <= 65);
	for (i = 0; i < size; i += 8) {
		memcpy(&bucket, hist + i, 8);
		sum += bucket;
	}
	EXPECT_EQ(sum, 50);
	EXPECT_EQ(count(genl_dump(g, VITRINE_CMD_VCPU_GET, ARGS({ VITRINE_A_VCPU_VM_ID, vm_id(vcpu->vm) }))), 1);
}

ABI_TEST("a vCPU says where it is and what it met")
{
	struct genl *g = genl_open();
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 7);
	const struct arg *which = ARGS({ VITRINE_A_VCPU_VM_ID, vm_id(vcpu->vm) }, { VITRINE_A_VCPU_ID, 7 });
	struct kvm_mp_state runnable = { .mp_state = KVM_MP_STATE_RUNNABLE };
	struct message *m;
	int i;

	EXPECT_OK(genl_do(g, VITRINE_CMD_VCPU_GET, which, &m));
	EXPECT_EQ(attr_u32(m, VITRINE_A_VCPU_STATE), VITRINE_VCPU_USER);
	EXPECT(!attr_has(m, VITRINE_A_VCPU_TID));
	EXPECT_EQ(attr_u32(vm_get(g, vm_id(vcpu->vm)), VITRINE_A_VM_STATE), VITRINE_VM_CREATED);
	NEED(!ioctl(vcpu->fd, KVM_SET_MP_STATE, &runnable));
	vcpu_load16(vcpu, spin, spin_end);
	vcpu_start(vcpu);
	for (i = 0; i < 100; i++) {
		sleep_ms(10);
		EXPECT_OK(genl_do(g, VITRINE_CMD_VCPU_GET, which, &m));
		if (attr_u64(m, VITRINE_A_VCPU_GUEST_CYCLES))
			break;
	}
	EXPECT(attr_u32(m, VITRINE_A_VCPU_STATE) != VITRINE_VCPU_USER);
	EXPECT(attr_u32(m, VITRINE_A_VCPU_TID) != (uint32_t)getpid());
	EXPECT(attr_u64(m, VITRINE_A_VCPU_EXITS) > 0);
	EXPECT(attr_u64(m, VITRINE_A_VCPU_FAULTS_FETCH) > 0);
	EXPECT(attr_u64(m, VITRINE_A_VCPU_MAPPED_4K) + attr_u64(m, VITRINE_A_VCPU_MAPPED_2M) > 0);
	vcpu_kick(vcpu);
	NEED(vcpu_returns_within(vcpu, 5000));
}

ABI_TEST("requests that are not of the protocol are refused")
{
	struct genl *g = genl_open();
	uint32_t id = vm_id(vm_create(0));

	EXPECT_EQ(genl_do(g, VITRINE_CMD_VM_GET, NULL, NULL), -EINVAL);
	EXPECT_EQ(genl_do(g, VITRINE_CMD_VM_GET, ARGS({ VITRINE_A_VM_ID, id + 1 }), NULL), -ENOENT);
	EXPECT_EQ(genl_do(g, VITRINE_CMD_VM_GET, ARGS({ VITRINE_A_VM_ID, id }, { VITRINE_A_VM_STATE, 1 }), NULL),
		  -EINVAL);
	EXPECT_EQ(genl_do(g, VITRINE_CMD_VCPU_GET, ARGS({ VITRINE_A_VCPU_VM_ID, id }), NULL), -EINVAL);
	EXPECT_EQ(genl_do(g, VITRINE_CMD_VCPU_GET, ARGS({ VITRINE_A_VCPU_VM_ID, id }, { VITRINE_A_VCPU_ID, 0 }),
			  NULL), -ENOENT);
	EXPECT_EQ(genl_do(g, VITRINE_CMD_EXIT_STATS_GET, ARGS({ VITRINE_A_EXIT_VM_ID, id }), NULL), -EINVAL);
	EXPECT_EQ(genl_do(g, VITRINE_CMD_HOST_GET, ARGS({ 1, 1 }), NULL), -EINVAL);
	EXPECT_EQ(genl_do(g, VITRINE_CMD_EVENT_NTF, NULL, NULL), -EOPNOTSUPP);
	EXPECT_EQ(genl_do(g, VITRINE_CMD_MAX + 1, NULL, NULL), -EOPNOTSUPP);
	EXPECT_EQ(genl_do(g, VITRINE_CMD_VM_PAUSE, NULL, NULL), -EINVAL);
}

/* Another user's view. */
static void stranger(void *arg)
{
	struct genl *g = genl_open();
	const struct arg *which = ARGS({ VITRINE_A_VM_ID, *(uint32_t *)arg });
	struct message *m;

	EXPECT(!genl_dump(g, VITRINE_CMD_VM_GET, NULL));
	EXPECT(!genl_dump(g, VITRINE_CMD_VCPU_GET, NULL));
	EXPECT(!genl_dump(g, VITRINE_CMD_EXIT_STATS_GET, NULL));
	EXPECT(!genl_dump(g, VITRINE_CMD_EVENT_GET, NULL));
	EXPECT_EQ(genl_do(g, VITRINE_CMD_VM_GET, which, NULL), -ENOENT);
	EXPECT_EQ(genl_do(g, VITRINE_CMD_VM_PAUSE, which, NULL), -ENOENT);
	EXPECT_EQ(genl_do(g, VITRINE_CMD_VM_RESUME, which, NULL), -ENOENT);
	EXPECT_EQ(genl_do(g, VITRINE_CMD_VM_KILL, which, NULL), -ENOENT);
	EXPECT_OK(genl_do(g, VITRINE_CMD_HOST_GET, NULL, &m));
	EXPECT_EQ(attr_u32(m, VITRINE_A_HOST_VMS), 0);
}

ABI_TEST("another user's VM does not exist")
{
	struct vcpu *vcpu = fifty_cpuids();
	uint32_t id = vm_id(vcpu->vm);

	EXPECT(ended_well(as_user(1000, stranger, &id)));
}

/* Makes a VM as this user, tells its id, and stays until killed. */
static void owner(void *arg)
{
	uint32_t id = vm_id(vm_create(0));
	struct genl *g = genl_open();

	EXPECT_EQ(count(genl_dump(g, VITRINE_CMD_VM_GET, NULL)), 1);
	EXPECT_EQ(attr_u32(vm_get(g, id), VITRINE_A_VM_UID), 1000);
	NEED(write(*(int *)arg, &id, 4) == 4);
	pause();
}

ABI_TEST("its owner and the privileged see it, and kill it")
{
	struct genl *g = genl_open();
	struct message *m;
	int pipes[2];
	uint32_t id;
	pid_t pid;
	int i;

	NEED(!chmod(abi_device, 0666));
	NEED(!pipe(pipes));
	pid = as_user(1000, owner, &pipes[1]);
	NEED(read(pipes[0], &id, 4) == 4);
	m = vm_get(g, id);
	EXPECT_EQ(attr_u32(m, VITRINE_A_VM_UID), 1000);
	EXPECT_EQ(attr_u32(m, VITRINE_A_VM_PID), pid);
	EXPECT_OK(genl_do(g, VITRINE_CMD_VM_KILL, ARGS({ VITRINE_A_VM_ID, id }), NULL));
	EXPECT(!ended_well(pid));
	for (i = 0; i < 200 && genl_do(g, VITRINE_CMD_VM_GET, ARGS({ VITRINE_A_VM_ID, id }), &m) != -ENOENT; i++)
		sleep_ms(10);
	EXPECT(i < 200);
}
