/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmm.h - the VM process: one VM on a KVM-ABI device node.
 *
 * Files: machine.c builds the VM and ends it, vcpu.c runs its CPUs, loop.c waits for the world,
 * boot.c and pvh.c load kernels, acpi.c writes the tables, bus.c finds the device of a port,
 * serial.c, rtc.c, pm.c are devices.
 */
#ifndef VMM_H
#define VMM_H

#include <linux/kvm.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VMM_MAX_CPUS	64
#define VMM_MIN_MEMORY	(16ULL << 20)
#define VMM_MAX_MEMORY	(512ULL << 30)
#define VMM_LOW_END	0xc0000000ULL	/* RAM below 4 GiB ends here, the rest goes above */
#define VMM_HIGH_START	0x100000000ULL

/* Where things stand in the first megabyte. */
#define VMM_GDT		0x500
#define VMM_BOOT_PARAMS	0x7000
#define VMM_PAGE_TABLES	0x9000		/* three pages */
#define VMM_CMDLINE	0x20000
#define VMM_CMDLINE_MAX	2047
#define VMM_EBDA	0x9fc00
#define VMM_ACPI	0xe0000		/* RSDP and tables */
#define VMM_ACPI_SIZE	0x10000
#define VMM_KERNEL	0x100000

#define VMM_IRQ_SERIAL	4
#define VMM_IRQ_RTC	8
#define VMM_IRQ_SCI	9

#define VMM_PORT_PM	0x600		/* PM1 event block, then control */
#define VMM_PORT_INIT	0xf4		/* a guest's /init says it runs: --timing */

/**
 * struct vmm_config - what the user asked for
 * @kernel: file
 * @initrd: file or NULL
 * @append: kernel command line
 * @device: path of the hypervisor's device node
 * @memory: bytes
 * @cpus: 1..VMM_MAX_CPUS
 * @timing: print times
 */
struct vmm_config {
	const char *kernel, *initrd, *append, *device;
	uint64_t memory;
	unsigned int cpus;
	bool timing;
};

/* Why the VM ends. The first reason stays. */
enum vmm_end {
	VMM_RUNNING,
	VMM_POWERED_OFF,
	VMM_RESET,
	VMM_LEFT,		/* the user typed ^] or a signal came */
	VMM_CRASHED,		/* the message has been printed */
};

struct vmm;

/**
 * struct vmm_vcpu - one virtual CPU and its thread
 */
struct vmm_vcpu {
	struct vmm *vmm;
	unsigned int id;
	int fd;
	struct kvm_run *run;
	pthread_t thread;
	bool started;
};

/**
 * struct vmm_device - a range of ports
 * @first: first port
 * @count: ports
 * @in: read of 1, 2 or 4 bytes
 * @out: write
 */
struct vmm_device {
	uint16_t first, count;
	uint32_t (*in)(void *opaque, uint16_t port, unsigned int size);
	void (*out)(void *opaque, uint16_t port, unsigned int size, uint32_t val);
	void *opaque;
};

#define VMM_MAX_DEVICES	16

struct vmm_serial;
struct vmm_rtc;

struct vmm {
	const struct vmm_config *config;
	int dev, vm;
	size_t run_size;
	uint8_t *ram;
	uint64_t low, high;		/* bytes below and above the hole */
	struct kvm_cpuid2 *cpuid;
	struct vmm_vcpu vcpus[VMM_MAX_CPUS];
	struct vmm_device devices[VMM_MAX_DEVICES];
	unsigned int ndevices;
	struct vmm_serial *serial;
	struct vmm_rtc *rtc;
	uint16_t pm1_enable, pm1_status, pm1_control;
	int wake;			/* eventfd: the loop looks at `end` and the serial output */
	_Atomic int end;		/* enum vmm_end */
	uint64_t start_tsc, start_us;
	_Atomic bool timed_first, timed_init;
};

/* machine.c */
int vmm_run(const struct vmm_config *config);
void vmm_end(struct vmm *m, enum vmm_end why);
void vmm_error(const char *object, const char *what, const char *remedy);
void *vmm_guest(struct vmm *m, uint64_t gpa, uint64_t len);
void vmm_irq(struct vmm *m, unsigned int gsi, bool level);
void vmm_timing(struct vmm *m, const char *what, _Atomic bool *done);

/* vcpu.c */
int vmm_vcpu_create(struct vmm *m, unsigned int id);
int vmm_vcpu_start(struct vmm_vcpu *v);
void vmm_vcpus_stop(struct vmm *m);
struct kvm_cpuid2 *vmm_cpuid_get(int dev);

/* loop.c */
int vmm_loop(struct vmm *m);

/* bus.c */
void vmm_bus_add(struct vmm *m, uint16_t first, uint16_t count, void *opaque,
		 uint32_t (*in)(void *, uint16_t, unsigned int),
		 void (*out)(void *, uint16_t, unsigned int, uint32_t));
void vmm_bus_access(struct vmm *m, uint16_t port, unsigned int size, bool out, void *data);

/* boot.c: fills regs and sregs for the boot CPU. 0, or -1 with the error printed. */
int vmm_boot_load(struct vmm *m, struct kvm_regs *regs, struct kvm_sregs *sregs);
int vmm_file_map(const char *path, const uint8_t **data, size_t *size);
int vmm_initrd_load(struct vmm *m, uint64_t floor, uint64_t limit, uint64_t *addr, uint64_t *size);

/* pvh.c */
bool vmm_is_elf(const uint8_t *data, size_t size);
int vmm_pvh_load(struct vmm *m, const uint8_t *data, size_t size, struct kvm_regs *regs,
		 struct kvm_sregs *sregs);

/* acpi.c */
size_t vmm_acpi_build(uint8_t *at, size_t room, uint32_t gpa, unsigned int cpus);

/* Devices. */
int vmm_serial_create(struct vmm *m);
void vmm_serial_input(struct vmm *m, const uint8_t *data, size_t n);
size_t vmm_serial_room(struct vmm *m);
void vmm_serial_flush(struct vmm *m, bool wait);
int vmm_rtc_create(struct vmm *m);
void vmm_pm_create(struct vmm *m);

#endif /* VMM_H */
