/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * abi.h: what every ABI test shares.
 *
 * Owns the test registry, the expectations, and short forms for "a machine with a vCPU that runs
 * these bytes".  A test file holds one behaviour of the KVM ABI; it talks to the device through
 * plain ioctl() wherever the ioctl itself is the subject.
 *
 * Every test runs in a process of its own, which owns all it makes: nothing is closed or freed
 * unless the closing is the point.  A device that hangs costs one test its time limit.
 */
#ifndef ABI_H
#define ABI_H

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/**
 * struct abi_test - one test case
 * @name: what must hold, one sentence
 * @file: source file, which names the behaviour
 * @body: runs in a child process; returns when done
 * @next: registry
 */
struct abi_test {
	const char *name;
	const char *file;
	void (*body)(void);
	struct abi_test *next;
};

void abi_register(struct abi_test *test);

#define ABI_PASTE2(a, b) a##b
#define ABI_PASTE(a, b)	 ABI_PASTE2(a, b)

#define ABI_TEST_ID(id, what)                                                                      \
	static void ABI_PASTE(body_, id)(void);                                                    \
	static struct abi_test ABI_PASTE(test_, id) = {what, __FILE__, ABI_PASTE(body_, id), 0};   \
	__attribute__((constructor)) static void ABI_PASTE(register_, id)(void)                    \
	{                                                                                          \
		abi_register(&ABI_PASTE(test_, id));                                               \
	}                                                                                          \
	static void ABI_PASTE(body_, id)(void)

/* ABI_TEST("what must hold") { body } */
#define ABI_TEST(what) ABI_TEST_ID(__LINE__, what)

void abi_fail(const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void abi_stop(void) __attribute__((noreturn));
void abi_skip(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* EXPECT*: a failure is recorded and the test goes on. */
#define EXPECT(condition)                                                                          \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abi_fail(__FILE__, __LINE__, "%s", #condition);                            \
	} while (0)

#define EXPECT_EQ(actual, expected)                                                                \
	do {                                                                                       \
		long long actual_ = (long long)(actual), expected_ = (long long)(expected);        \
		if (actual_ != expected_)                                                          \
			abi_fail(__FILE__, __LINE__, "%s: expected %#llx (%s), got %#llx",         \
				 #actual, expected_, #expected, actual_);                          \
	} while (0)

#define EXPECT_OK(call)                                                                            \
	do {                                                                                       \
		long result_ = (call);                                                             \
		if (result_)                                                                       \
			abi_fail(__FILE__, __LINE__, "%s: expected 0, got %ld (%s)", #call,        \
				 result_, result_ < 0 ? strerror(errno) : "no error");             \
	} while (0)

#define EXPECT_ERRNO(call, expected)                                                               \
	do {                                                                                       \
		errno = 0;                                                                         \
		long result_ = (call);                                                             \
		if (result_ != -1 || errno != (expected))                                          \
			abi_fail(__FILE__, __LINE__, "%s: expected %s, got %ld (%s)", #call,       \
				 #expected, result_, result_ < 0 ? strerror(errno) : "success");   \
	} while (0)

/* NEED: without it the rest of the test means nothing. */
#define NEED(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			abi_fail(__FILE__, __LINE__, "%s (%s)", #condition, strerror(errno));      \
			abi_stop();                                                                \
		}                                                                                  \
	} while (0)

/* Guest code: assembled in place, so that it can be read. */
#define GUEST(label, bits, text)                                                                   \
	extern const uint8_t label[], label##_end[];                                               \
	__asm__(".pushsection .rodata\n.code" #bits "\n" #label ":\n" text "\n" #label             \
		"_end:\n.code64\n.popsection")

enum {
	RAM_SIZE = 4 << 20,	/* slot 0, guest-physical 0 */
	CODE_GPA = 0x1000,
	STACK_GPA = 0x8000,	/* grows down */
	HANDLER_GPA = 0x7000,	/* interrupt handler of guest_handler16() */
	DATA_GPA = 0x20000,	/* free for the test, up to RAM_SIZE */
	TABLES_GPA = 0x10000,	/* page tables, GDT and IDT of long mode */
	HOLE_GPA = 0x10000000,	/* no slot there */
	LAPIC_GPA = 0xfee00000,
	DONE_PORT = 0xf4,	/* a guest that is through writes here */
};

/* VM_*: what vm_create() makes besides memory. */
enum {
	VM_IRQCHIP = 1,
	VM_PIT = 2,
};

/**
 * struct vm - a machine under test
 * @fd: VM fd
 * @ram: host address of slot 0, RAM_SIZE bytes
 */
struct vm {
	int fd;
	uint8_t *ram;
};

/**
 * struct vcpu - one vCPU of it
 * @vm: its machine
 * @fd: vCPU fd
 * @run: the mapped kvm_run, with its data page behind it
 * @thread: of vcpu_start()
 * @result: what the thread's KVM_RUN returned
 * @error: errno with it
 */
struct vcpu {
	struct vm *vm;
	int fd;
	struct kvm_run *run;
	pthread_t thread;
	int result;
	int error;
};

extern const char *abi_device;

int abi_open(void);
bool abi_vmx(void);
bool abi_stock(void);
bool abi_stock_vmx(void);
bool abi_tcg(void);
int abi_cap(int cap);
struct vm *vm_create(unsigned int with);
int vm_slot(struct vm *vm, uint32_t slot, uint32_t flags, uint64_t gpa, uint64_t size, void *host);
void *host_pages(size_t size);

struct vcpu *vcpu_create(struct vm *vm, unsigned long id);
struct vcpu *vcpu_create_bare(struct vm *vm, unsigned long id);
struct kvm_cpuid2 *supported_cpuid(void);
void vcpu_load16(struct vcpu *vcpu, const uint8_t *code, const uint8_t *end);
void vcpu_load64(struct vcpu *vcpu, const uint8_t *code, const uint8_t *end);
void vcpu_place(struct vcpu *vcpu, uint64_t gpa, const uint8_t *code, const uint8_t *end);
void guest_handler16(struct vcpu *vcpu, unsigned int vector, uint64_t gpa);

int vcpu_run(struct vcpu *vcpu);
bool vcpu_runs_to(struct vcpu *vcpu, unsigned int reason);
bool vcpu_runs_to_port(struct vcpu *vcpu, unsigned int port);
int64_t vcpu_stat(struct vcpu *vcpu, const char *name);
const struct kvm_cpuid_entry2 *cpuid_leaf(const struct kvm_cpuid2 *cpuid, uint32_t leaf);

enum { HUGE_SIZE = 2 << 20 };

uint8_t *host_huge(bool huge);
bool host_is_huge(const void *host);
#define vcpu_done(vcpu) vcpu_runs_to_port(vcpu, DONE_PORT)
void vcpu_start(struct vcpu *vcpu);
bool vcpu_returns_within(struct vcpu *vcpu, unsigned int ms);
void vcpu_kick(struct vcpu *vcpu);
uint32_t run_port_data(struct vcpu *vcpu);

struct kvm_regs vcpu_regs(struct vcpu *vcpu);
void vcpu_allow_interrupts(struct vcpu *vcpu);
struct kvm_sregs vcpu_sregs(struct vcpu *vcpu);
int vcpu_mp_state(struct vcpu *vcpu);
int msr_get(struct vcpu *vcpu, uint32_t index, uint64_t *value);
int msr_set(struct vcpu *vcpu, uint32_t index, uint64_t value);
uint32_t lapic_read(struct vcpu *vcpu, unsigned int reg);
void lapic_write(struct vcpu *vcpu, unsigned int reg, uint32_t value);

int irq_line(struct vm *vm, unsigned int gsi, int level);
int set_routes(struct vm *vm, const struct kvm_irq_routing_entry *entries, unsigned int count);
struct kvm_irq_routing_entry route_chip(uint32_t gsi, uint32_t chip, uint32_t pin);
struct kvm_irq_routing_entry route_msi(uint32_t gsi, uint32_t address, uint32_t data);
int event_fd(void);
uint64_t event_count(int fd);
void sleep_ms(unsigned int ms);
bool write_file(const char *path, const char *text);

#endif
