// SPDX-License-Identifier: GPL-2.0-only
/*
 * abi.c: machines, vCPUs and short forms for the ABI tests.
 *
 * The registry and the runner are in main.c.  Helpers here stop the test when the device refuses
 * what every test takes for granted.
 */
#include "abi.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <time.h>
#include <sys/eventfd.h>

enum {
	CR0_PE = 1,
	CR0_PG = 0x80000000,
	CR4_PAE = 0x20,
	CR4_OSFXSR = 0x600,
	EFER_LME_LMA = 0x500,
	PTE_PRESENT_WRITE_USER = 7,
	PTE_LARGE = 0x80,
};

/**
 * abi_open() - the device under test
 * Return: a new system fd; stops the test when there is none.
 */
int abi_open(void)
{
	int fd = open(abi_device, O_RDWR | O_CLOEXEC);

	NEED(fd >= 0);
	return fd;
}

/**
 * abi_vmx() - whether the host's CPU is an Intel one with VMX
 */
bool abi_vmx(void)
{
	char line[4096];
	bool vmx = false;
	FILE *f = fopen("/proc/cpuinfo", "r");

	while (f && !vmx && fgets(line, sizeof(line), f))
		vmx = !strncmp(line, "flags", 5) && strstr(line, " vmx ");
	if (f)
		fclose(f);
	return vmx;
}

/**
 * abi_stock() - whether this is stock KVM, of which a test cannot ask what only ours keeps
 */
bool abi_stock(void)
{
	return !strcmp(abi_device, "/dev/kvm");
}

/**
 * abi_stock_vmx() - whether this is stock KVM on an Intel CPU, whose faults are no reason to change a test
 */
bool abi_stock_vmx(void)
{
	return abi_vmx() && abi_stock();
}

/**
 * abi_tcg() - whether the host's CPU is one that QEMU emulates
 */
bool abi_tcg(void)
{
	uint32_t eax, ebx, ecx, edx;

	__asm__("cpuid" : "=a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx) : "a"(0x40000000));
	return ebx == 0x54474354; /* TCGT */
}

/**
 * abi_cap() - what the system fd says of a capability
 * @cap: KVM_CAP_*
 * Return: KVM_CHECK_EXTENSION's result.
 */
int abi_cap(int cap)
{
	int fd = abi_open();
	int value = ioctl(fd, KVM_CHECK_EXTENSION, (unsigned long)cap);

	close(fd);
	return value;
}

/**
 * host_pages() - zeroed anonymous memory, page-aligned
 * @size: bytes
 */
void *host_pages(size_t size)
{
	void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	NEED(pages != MAP_FAILED);
	return pages;
}

/**
 * vm_slot() - KVM_SET_USER_MEMORY_REGION with its arguments in a row
 * Return: the ioctl's.
 */
int vm_slot(struct vm *vm, uint32_t slot, uint32_t flags, uint64_t gpa, uint64_t size, void *host)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)host,
	};

	return ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region);
}

/**
 * vm_create() - a VM with RAM_SIZE bytes of memory at 0
 * @with: VM_* bits
 */
struct vm *vm_create(unsigned int with)
{
	struct kvm_pit_config pit = {0};
	struct vm *vm = calloc(1, sizeof(*vm));
	int sys = abi_open();

	NEED(vm);
	do {
		vm->fd = ioctl(sys, KVM_CREATE_VM, 0UL);
	} while (vm->fd < 0 && errno == EINTR);
	NEED(vm->fd >= 0);
	close(sys);
	if (with & (VM_IRQCHIP | VM_PIT))
		NEED(ioctl(vm->fd, KVM_CREATE_IRQCHIP) == 0);
	if (with & VM_PIT)
		NEED(ioctl(vm->fd, KVM_CREATE_PIT2, &pit) == 0);
	vm->ram = host_pages(RAM_SIZE);
	NEED(vm_slot(vm, 0, 0, 0, RAM_SIZE, vm->ram) == 0);
	return vm;
}

/**
 * supported_cpuid() - what the device supports, and the TSC deadline, which clients add themselves
 * Return: the list, for the life of the test.
 */
struct kvm_cpuid2 *supported_cpuid(void)
{
	enum { ENTRIES = 100 };
	struct kvm_cpuid2 *cpuid;
	int sys = abi_open();
	uint32_t i;

	cpuid = calloc(1, sizeof(*cpuid) + ENTRIES * sizeof(cpuid->entries[0]));
	NEED(cpuid);
	cpuid->nent = ENTRIES;
	NEED(ioctl(sys, KVM_GET_SUPPORTED_CPUID, cpuid) == 0);
	for (i = 0; i < cpuid->nent; i++) {
		if (cpuid->entries[i].function == 1)
			cpuid->entries[i].ecx |= 1 << 24;
	}
	close(sys);
	return cpuid;
}

static void on_kick(int signal)
{
	(void)signal;
}

/**
 * vcpu_create_bare() - a vCPU as KVM_CREATE_VCPU leaves it
 * @vm: its machine
 * @id: APIC id
 */
struct vcpu *vcpu_create_bare(struct vm *vm, unsigned long id)
{
	struct sigaction action = {.sa_handler = on_kick};
	struct vcpu *vcpu = calloc(1, sizeof(*vcpu));
	int sys = abi_open(), size;

	NEED(vcpu);
	vcpu->vm = vm;
	vcpu->fd = ioctl(vm->fd, KVM_CREATE_VCPU, id);
	NEED(vcpu->fd >= 0);
	size = ioctl(sys, KVM_GET_VCPU_MMAP_SIZE, 0UL);
	NEED(size >= (int)sizeof(*vcpu->run));
	close(sys);
	vcpu->run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	NEED(vcpu->run != MAP_FAILED);
	NEED(sigaction(SIGUSR1, &action, NULL) == 0);
	return vcpu;
}

/**
 * vcpu_create() - a vCPU that has every supported CPUID feature
 * @vm: its machine
 * @id: APIC id
 */
struct vcpu *vcpu_create(struct vm *vm, unsigned long id)
{
	struct vcpu *vcpu = vcpu_create_bare(vm, id);
	struct kvm_cpuid2 *cpuid = supported_cpuid();

	NEED(ioctl(vcpu->fd, KVM_SET_CPUID2, cpuid) == 0);
	free(cpuid);
	return vcpu;
}

/**
 * vcpu_place() - copy code into guest memory
 */
void vcpu_place(struct vcpu *vcpu, uint64_t gpa, const uint8_t *code, const uint8_t *end)
{
	NEED(gpa + (end - code) <= RAM_SIZE);
	memcpy(vcpu->vm->ram + gpa, code, end - code);
}

static void load_regs(struct vcpu *vcpu, const uint8_t *code, const uint8_t *end)
{
	struct kvm_regs regs = {.rip = CODE_GPA, .rsp = STACK_GPA, .rflags = 2};

	vcpu_place(vcpu, CODE_GPA, code, end);
	NEED(ioctl(vcpu->fd, KVM_SET_REGS, &regs) == 0);
}

/**
 * vcpu_load16() - code for real mode at CODE_GPA
 *
 * Every segment has base 0 and, for data, a limit of 4 GiB, so that 32-bit addresses reach the
 * interrupt controllers.
 */
void vcpu_load16(struct vcpu *vcpu, const uint8_t *code, const uint8_t *end)
{
	struct kvm_sregs sregs = vcpu_sregs(vcpu);
	struct kvm_segment *data[] = {&sregs.ds, &sregs.es, &sregs.fs, &sregs.gs, &sregs.ss};
	size_t i;

	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	for (i = 0; i < ARRAY_SIZE(data); i++) {
		data[i]->base = 0;
		data[i]->selector = 0;
		data[i]->limit = ~0U;
		data[i]->g = 1;
	}
	NEED(ioctl(vcpu->fd, KVM_SET_SREGS, &sregs) == 0);
	load_regs(vcpu, code, end);
}

/* Identity map of the first and of the fourth GiB in 2 MiB pages. */
static uint64_t long_mode_tables(struct vm *vm)
{
	uint64_t *pml4 = (uint64_t *)(vm->ram + TABLES_GPA);
	uint64_t *pdpt = pml4 + 512, *low = pdpt + 512, *high = low + 512;
	unsigned int i;

	pml4[0] = (TABLES_GPA + 0x1000) | PTE_PRESENT_WRITE_USER;
	pdpt[0] = (TABLES_GPA + 0x2000) | PTE_PRESENT_WRITE_USER;
	pdpt[3] = (TABLES_GPA + 0x3000) | PTE_PRESENT_WRITE_USER;
	for (i = 0; i < 512; i++) {
		low[i] = ((uint64_t)i << 21) | PTE_LARGE | PTE_PRESENT_WRITE_USER;
		high[i] = (3ULL << 30) | ((uint64_t)i << 21) | PTE_LARGE | PTE_PRESENT_WRITE_USER;
	}
	return TABLES_GPA;
}

/**
 * vcpu_load64() - code for 64-bit mode at CODE_GPA, memory identity-mapped, no IDT
 */
void vcpu_load64(struct vcpu *vcpu, const uint8_t *code, const uint8_t *end)
{
	struct kvm_sregs sregs = vcpu_sregs(vcpu);
	struct kvm_segment cs = {
		.limit = ~0U, .selector = 8, .type = 11, .present = 1, .s = 1, .l = 1, .g = 1};
	struct kvm_segment data = {
		.limit = ~0U, .selector = 16, .type = 3, .present = 1, .s = 1, .db = 1, .g = 1};

	sregs.cr3 = long_mode_tables(vcpu->vm);
	sregs.cr4 = CR4_PAE | CR4_OSFXSR;
	sregs.cr0 = CR0_PE | CR0_PG | 0x32; /* MP, ET and NE: no trap on FPU use */
	sregs.efer = EFER_LME_LMA;
	sregs.cs = cs;
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
	sregs.idt.limit = 0;
	NEED(ioctl(vcpu->fd, KVM_SET_SREGS, &sregs) == 0);
	load_regs(vcpu, code, end);
}

/**
 * guest_handler16() - point a real-mode interrupt vector at 0:@gpa
 */
void guest_handler16(struct vcpu *vcpu, unsigned int vector, uint64_t gpa)
{
	((uint32_t *)vcpu->vm->ram)[vector] = gpa;
}

/**
 * vcpu_run() - one KVM_RUN
 * Return: 0 or the errno.
 */
int vcpu_run(struct vcpu *vcpu)
{
	return ioctl(vcpu->fd, KVM_RUN, 0UL) ? errno : 0;
}

static void describe_exit(struct vcpu *vcpu, int error)
{
	struct kvm_regs regs = vcpu_regs(vcpu);
	const struct kvm_run *run = vcpu->run;

	printf("# KVM_RUN: %s, exit reason %u, rip %#llx", strerror(error), run->exit_reason,
	       (unsigned long long)regs.rip);
	if (run->exit_reason == KVM_EXIT_IO)
		printf(", port %#x", run->io.port);
	if (run->exit_reason == KVM_EXIT_MMIO)
		printf(", address %#llx", (unsigned long long)run->mmio.phys_addr);
	if (run->exit_reason == KVM_EXIT_INTERNAL_ERROR)
		printf(", suberror %u", run->internal.suberror);
	putchar('\n');
}

/**
 * vcpu_runs_to() - run until the next exit
 * @reason: the KVM_EXIT_* it must be
 * Return: whether it was; says what it was instead.
 */
bool vcpu_runs_to(struct vcpu *vcpu, unsigned int reason)
{
	int error = vcpu_run(vcpu);

	if (!error && vcpu->run->exit_reason == reason)
		return true;
	describe_exit(vcpu, error);
	return false;
}

/**
 * vcpu_runs_to_port() - run until the next exit, which must be an access to @port
 */
bool vcpu_runs_to_port(struct vcpu *vcpu, unsigned int port)
{
	if (!vcpu_runs_to(vcpu, KVM_EXIT_IO))
		return false;
	if (vcpu->run->io.port == port)
		return true;
	describe_exit(vcpu, 0);
	return false;
}

/**
 * run_port_data() - the first element of a port access that exited
 */
uint32_t run_port_data(struct vcpu *vcpu)
{
	uint32_t value = 0;

	memcpy(&value, (uint8_t *)vcpu->run + vcpu->run->io.data_offset, vcpu->run->io.size);
	return value;
}

static void *run_thread(void *argument)
{
	struct vcpu *vcpu = argument;

	errno = 0;
	vcpu->result = ioctl(vcpu->fd, KVM_RUN, 0UL);
	vcpu->error = vcpu->result ? errno : 0;
	return NULL;
}

/**
 * vcpu_start() - one KVM_RUN in a thread of its own
 */
void vcpu_start(struct vcpu *vcpu)
{
	NEED(pthread_create(&vcpu->thread, NULL, run_thread, vcpu) == 0);
}

/**
 * vcpu_returns_within() - wait for the thread of vcpu_start()
 * @ms: how long
 * Return: whether KVM_RUN came back; @vcpu->result and @vcpu->error then say how.
 */
bool vcpu_returns_within(struct vcpu *vcpu, unsigned int ms)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += (ms % 1000) * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	return pthread_timedjoin_np(vcpu->thread, NULL, &until) == 0;
}

/**
 * vcpu_kick() - send the vCPU's thread a signal that is caught
 */
void vcpu_kick(struct vcpu *vcpu)
{
	NEED(pthread_kill(vcpu->thread, SIGUSR1) == 0);
}

/**
 * vcpu_regs() - KVM_GET_REGS
 */
struct kvm_regs vcpu_regs(struct vcpu *vcpu)
{
	struct kvm_regs regs = {0};

	NEED(ioctl(vcpu->fd, KVM_GET_REGS, &regs) == 0);
	return regs;
}

/**
 * vcpu_allow_interrupts() - RFLAGS.IF is set
 */
void vcpu_allow_interrupts(struct vcpu *vcpu)
{
	struct kvm_regs regs = vcpu_regs(vcpu);

	regs.rflags |= 1 << 9;
	NEED(ioctl(vcpu->fd, KVM_SET_REGS, &regs) == 0);
}

/**
 * vcpu_sregs() - KVM_GET_SREGS
 */
struct kvm_sregs vcpu_sregs(struct vcpu *vcpu)
{
	struct kvm_sregs sregs = {0};

	NEED(ioctl(vcpu->fd, KVM_GET_SREGS, &sregs) == 0);
	return sregs;
}

/**
 * vcpu_mp_state() - KVM_GET_MP_STATE
 */
int vcpu_mp_state(struct vcpu *vcpu)
{
	struct kvm_mp_state state = {.mp_state = ~0U};

	NEED(ioctl(vcpu->fd, KVM_GET_MP_STATE, &state) == 0);
	return state.mp_state;
}

static int one_msr(struct vcpu *vcpu, unsigned long request, uint32_t index, uint64_t *value)
{
	union {
		struct kvm_msrs head;
		uint8_t room[sizeof(struct kvm_msrs) + sizeof(struct kvm_msr_entry)];
	} list = {.head.nmsrs = 1};
	int done;

	list.head.entries[0].index = index;
	list.head.entries[0].data = *value;
	done = ioctl(vcpu->fd, request, &list);
	*value = list.head.entries[0].data;
	return done;
}

/**
 * msr_get() - KVM_GET_MSRS of one
 * Return: 1 when it was read, 0 when refused.
 */
int msr_get(struct vcpu *vcpu, uint32_t index, uint64_t *value)
{
	*value = 0;
	return one_msr(vcpu, KVM_GET_MSRS, index, value);
}

/**
 * msr_set() - KVM_SET_MSRS of one
 * Return: 1 when it was written, 0 when refused.
 */
int msr_set(struct vcpu *vcpu, uint32_t index, uint64_t value)
{
	return one_msr(vcpu, KVM_SET_MSRS, index, &value);
}

/**
 * lapic_read() - a local APIC register through KVM_GET_LAPIC
 * @reg: xAPIC offset
 */
uint32_t lapic_read(struct vcpu *vcpu, unsigned int reg)
{
	struct kvm_lapic_state state;
	uint32_t value;

	NEED(ioctl(vcpu->fd, KVM_GET_LAPIC, &state) == 0);
	memcpy(&value, state.regs + reg, sizeof(value));
	return value;
}

/**
 * lapic_write() - a local APIC register through KVM_SET_LAPIC
 * @reg: xAPIC offset
 */
void lapic_write(struct vcpu *vcpu, unsigned int reg, uint32_t value)
{
	struct kvm_lapic_state state;

	NEED(ioctl(vcpu->fd, KVM_GET_LAPIC, &state) == 0);
	memcpy(state.regs + reg, &value, sizeof(value));
	NEED(ioctl(vcpu->fd, KVM_SET_LAPIC, &state) == 0);
}

/**
 * irq_line() - KVM_IRQ_LINE_STATUS
 * Return: the status, or -1 with errno.
 */
int irq_line(struct vm *vm, unsigned int gsi, int level)
{
	struct kvm_irq_level line = {.irq = gsi, .level = level};

	return ioctl(vm->fd, KVM_IRQ_LINE_STATUS, &line) ? -1 : (int)line.status;
}

/**
 * set_routes() - KVM_SET_GSI_ROUTING
 * Return: the ioctl's.
 */
int set_routes(struct vm *vm, const struct kvm_irq_routing_entry *entries, unsigned int count)
{
	struct kvm_irq_routing *table;
	int result, error;

	table = calloc(1, sizeof(*table) + count * sizeof(*entries));
	NEED(table);
	table->nr = count;
	if (count)
		memcpy(table->entries, entries, count * sizeof(*entries));
	result = ioctl(vm->fd, KVM_SET_GSI_ROUTING, table);
	error = errno;
	free(table);
	errno = error;
	return result;
}

/**
 * route_chip() - a routing entry to an interrupt controller's pin
 */
struct kvm_irq_routing_entry route_chip(uint32_t gsi, uint32_t chip, uint32_t pin)
{
	return (struct kvm_irq_routing_entry){
		.gsi = gsi, .type = KVM_IRQ_ROUTING_IRQCHIP, .u.irqchip = {chip, pin}};
}

/**
 * route_msi() - a routing entry to a message
 */
struct kvm_irq_routing_entry route_msi(uint32_t gsi, uint32_t address, uint32_t data)
{
	struct kvm_irq_routing_entry entry = {.gsi = gsi, .type = KVM_IRQ_ROUTING_MSI};

	entry.u.msi.address_lo = address;
	entry.u.msi.data = data;
	return entry;
}

/**
 * event_fd() - a non-blocking eventfd at zero
 */
int event_fd(void)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	NEED(fd >= 0);
	return fd;
}

/**
 * event_count() - take an eventfd's count
 * Return: 0 when nothing was signalled.
 */
uint64_t event_count(int fd)
{
	uint64_t count = 0;

	return read(fd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

/**
 * sleep_ms() - give other threads time
 */
void sleep_ms(unsigned int ms)
{
	poll(NULL, 0, ms);
}

/**
 * vcpu_stat() - a statistic of a vCPU
 * @name: its name in the binary statistics
 *
 * Return: -1 where there is none of that name.
 */
int64_t vcpu_stat(struct vcpu *vcpu, const char *name)
{
	struct kvm_stats_header header;
	int fd = ioctl(vcpu->fd, KVM_GET_STATS_FD, NULL);
	int64_t value = -1;
	uint32_t i;

	NEED(fd >= 0 && pread(fd, &header, sizeof(header), 0) == sizeof(header));
	for (i = 0; i < header.num_desc && value < 0; i++) {
		size_t size = sizeof(struct kvm_stats_desc) + header.name_size;
		struct kvm_stats_desc *desc = calloc(1, size + 1);

		NEED(pread(fd, desc, size, header.desc_offset + i * size) == (ssize_t)size);
		if (!strcmp(desc->name, name))
			NEED(pread(fd, &value, 8, header.data_offset + desc->offset) == 8);
		free(desc);
	}
	close(fd);
	return value;
}

/**
 * cpuid_leaf() - the first entry of a leaf
 *
 * Return: NULL where there is none.
 */
const struct kvm_cpuid_entry2 *cpuid_leaf(const struct kvm_cpuid2 *cpuid, uint32_t leaf)
{
	uint32_t i;

	for (i = 0; i < cpuid->nent; i++) {
		if (cpuid->entries[i].function == leaf)
			return &cpuid->entries[i];
	}
	return NULL;
}

/**
 * host_huge() - 2 MiB of memory, aligned to their size
 * @huge: the host is to use a huge page for it, and is not to if not
 */
uint8_t *host_huge(bool huge)
{
	uintptr_t p = (uintptr_t)host_pages(2 * HUGE_SIZE);
	uint8_t *host = (uint8_t *)((p + HUGE_SIZE - 1) & -(uintptr_t)HUGE_SIZE);

	madvise(host, HUGE_SIZE, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	return host;
}

/**
 * host_is_huge() - whether the host has a huge page there, as it says itself
 * @host: in a mapping of its own, as host_huge() makes one
 */
bool host_is_huge(const void *host)
{
	uintptr_t at = (uintptr_t)host, start, end;
	FILE *f = fopen("/proc/self/smaps", "r");
	bool there = false;
	size_t kb = 0;
	char line[512];

	NEED(f);
	while (!kb && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			there = at >= start && at < end;
		else if (there)
			sscanf(line, "AnonHugePages: %zu kB", &kb);
	}
	fclose(f);
	return kb;
}

/* A file of the kernel's, which takes the text in one piece or not at all. */
bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	bool written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return written;
}
