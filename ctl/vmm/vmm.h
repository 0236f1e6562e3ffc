/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmm.h - the VM process: one VM on a KVM-ABI device node.
 *
 * Files: machine.c builds the VM and ends it, vcpu.c runs its CPUs, loop.c waits for the world,
 * console.c ties the terminal to the serial port, hub.c the users' sockets and logs instead,
 * control.c serves vmctl, pause.c parks the CPUs, image.c reads files, boot.c and pvh.c load
 * kernels, firmware.c the BIOS, acpi.c writes the tables, memory.c is RAM, route.c says where interrupts go, bus.c finds the device of a
 * port, serial.c, rtc.c with rtc_event.c, pm.c, i8042.c are devices, reset.c starts it all again, part.h is what they have in common; pci.h and virtio.h begin the others.
 *
 * Threads: one per vCPU, and the main one, which runs the loop. A device's handlers run on vCPU
 * threads and take the device's own lock; no thread holds two locks. `end` and the times are atomic;
 * everything else in struct vmm is set before the vCPUs start and then only read.
 */
#ifndef VMM_H
#define VMM_H

#include <linux/kvm.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "disk/disk.h"
#include "hub.h"

#define VMM_MAX_CPUS	64
#define VMM_MIN_MEMORY	(16ULL << 20)
#define VMM_MAX_MEMORY	(512ULL << 30)
#define VMM_LOW_END	0xc0000000ULL	/* RAM below 4 GiB ends here, the rest goes above */
#define VMM_HIGH_START	0x100000000ULL
#define VMM_TSS		0xfffbd000UL	/* three pages; the one before is the identity map's */

/* Where things stand in the first megabyte. */
#define VMM_GDT		0x500
#define VMM_BOOT_PARAMS	0x7000
#define VMM_PAGE_TABLES	0x9000		/* two pages, and one for each GiB below VMM_LOW_END */
#define VMM_CMDLINE	0x20000
#define VMM_CMDLINE_MAX	2047
#define VMM_EBDA	0x9fc00
#define VMM_ACPI	0xe0000		/* RSDP and tables */
#define VMM_ACPI_SIZE	0x10000		/* the generation ID has the last page */
#define VMM_KERNEL	0x100000

#define VMM_IRQ_SERIAL	4
#define VMM_IRQ_RTC	8
#define VMM_IRQ_SCI	9

#define VMM_KICK	SIGUSR1		/* gets a CPU's thread out of the guest */

#define VMM_PORT_PM	0x600		/* PM1 event block, then control */
#define VMM_PORT_GPE	0x608		/* general-purpose events: status, then enable, a byte each */
#define VMM_PORT_PANIC	0x505		/* pvpanic: the guest's kernel says it died */
#define VMM_PORT_INIT	0xf4		/* a guest's /init says it runs: --timing */

/* General-purpose events. */
#define VMM_GPE_GENID	0		/* the generation ID is another one */

/* How far a VM process is, as its owner records it. */
enum vmm_phase {
	VMM_PHASE_READY,	/* built, the first instruction comes next; once */
	VMM_PHASE_RUNNING,
	VMM_PHASE_PAUSED,
	VMM_PHASE_ENDED,	/* as the guest or the user wanted */
	VMM_PHASE_CRASHED,
};

/**
 * struct vmm_owner - who keeps the folder of a VM and its state
 * @name: of the VM, as the module shall know it
 * @folder: descriptor of the VM's folder: its sockets and its log are made there
 * @phase: called in the main thread at each change, with a reason for the last two, else NULL
 * @forked: this process is another VM's from now on: its name, its record and its log
 */
struct vmm_owner {
	const char *name;
	int folder;
	void (*phase)(const struct vmm_owner *o, enum vmm_phase phase, const char *reason);
	int (*forked)(const struct vmm_owner *o, const char *name, int run, int log);
};

/**
 * struct vmm_disk - a disk as the user asked for it
 * @path: image
 * @format: of the image; never found out by looking, as the guest writes what is looked at
 * @readonly: the guest cannot write
 */
struct vmm_disk {
	const char *path;
	enum disk_format format;
	bool readonly;
};

/**
 * struct vmm_net - a network card as the user asked for it
 * @network: user, tap:INTERFACE, switch:NAME[,vlan=N] or none
 * @mac: as in 52:54:00:12:34:56
 */
struct vmm_net {
	const char *network, *mac;
};

/* What a guest sees of the time that passed while it was saved. */
enum vmm_clock {
	VMM_CLOCK_REALTIME,
	VMM_CLOCK_CONTINUE,
};

struct vmm_restore;

/**
 * struct vmm_config - what the user asked for
 * @kernel: file, or NULL: the firmware looks for one on the disks
 * @firmware: BIOS image, NULL for SeaBIOS
 * @initrd: file or NULL
 * @append: kernel command line
 * @device: path of the hypervisor's device node
 * @memory: bytes
 * @cpus: 1..VMM_MAX_CPUS
 * @disks: in the guest's order
 * @ndisks: their number
 * @nets: in the guest's order
 * @nnets: their number
 * @cdrom: image in the CD drive, or CDROM_NONE; NULL: there is no drive
 * @boot_cd: the firmware looks at the CD before the disks
 * @balloon: bytes that the guest shall do without
 * @merge: the host may merge pages of its memory with same ones of other processes
 * @restore: where the machine goes on, see save.h, or NULL: it boots
 * @clock: what a restored guest sees of the time that passed
 * @paused: its CPUs do not run yet
 * @timing: print times
 * @asked: since when they are counted, microseconds of the monotonic clock; 0: since vmm_run()
 * @restarts: a guest that resets its machine starts again; else that ends the VM
 * @owner: of a VM in the store; NULL for a VM that is the terminal's
 */
struct vmm_config {
	const char *kernel, *firmware, *initrd, *append, *device;
	uint64_t memory, balloon;
	unsigned int cpus;
	const struct vmm_disk *disks;
	unsigned int ndisks;
	const struct vmm_net *nets;
	unsigned int nnets;
	const char *cdrom;
	const struct vmm_restore *restore;
	enum vmm_clock clock;
	bool paused, timing, restarts, merge, boot_cd;
	uint64_t asked;
	const struct vmm_owner *owner;
};

/* Why the VM ends. The first reason stays. */
enum vmm_end {
	VMM_RUNNING,
	VMM_POWERED_OFF,
	VMM_RESET,
	VMM_LEFT,		/* the user typed ^] or a signal came */
	VMM_CRASHED,		/* `last_words` says why */
};

/* A guest that resets its machine, which shall start again. */
enum vmm_restart {
	VMM_RESTART_NONE,
	VMM_RESTART_ASKED,	/* CPUs shall park */
	VMM_RESTART_LEAVE,	/* their threads shall end */
};

/* The moments that --timing tells. */
enum vmm_moment {
	VMM_FIRST_INSTRUCTION,
	VMM_INIT,
	VMM_MOMENTS,
};

/**
 * struct vmm_time - since the process started
 * @tsc: cycles of the time-stamp counter; 0 while the moment has not come
 * @us: microseconds
 */
struct vmm_time {
	_Atomic uint64_t tsc;
	uint64_t us;
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

#define VMM_MAX_DEVICES	32

/**
 * struct vmm_source - something the event loop waits for
 * @fd: descriptor
 * @ready: called in the main thread with the EPOLL bits that are set
 * @opaque: its argument
 * @events: EPOLL bits asked for; the loop's own
 */
struct vmm_source {
	int fd;
	void (*ready)(void *opaque, uint32_t events);
	void *opaque;
	uint32_t events;
};

/**
 * struct vmm_image - a file to load into the guest
 * @path: its name, for messages
 * @fd: descriptor
 * @size: bytes
 */
struct vmm_image {
	const char *path;
	int fd;
	uint64_t size;
};

struct vmm_balloon;
struct vmm_blk;
struct vmm_cd;
struct vmm_console;
struct vmm_control;
struct vmm_fw_cfg;
struct vmm_hub;
struct vmm_i8042;
struct vmm_hvc;
struct vmm_nic;
struct vmm_part;
struct vmm_pci;
struct vmm_pm;
struct vmm_fork;
struct vmm_rng;
struct vmm_routes;
struct vmm_rtc;
struct vmm_serial;
struct vmm_vcpu_state;
struct vmm_vm_state;
struct vmm_vsock;

struct vmm {
	const struct vmm_config *config;
	int dev, vm;
	uint32_t vm_id;			/* the module's number of the VM, 0 where it has none */
	char name[64];			/* as the module was told */
	size_t run_size;
	uint8_t *ram;
	uint64_t low, high;		/* bytes below and above the hole */
	uint8_t *pieces;		/* a bit for each huge page's room: parts of it went back to the host */
	unsigned int npieces;		/* such bits */
	bool huge;			/* where none is set may be huge pages */
	uint64_t acpi;			/* address of the RSDP, which the tables follow */
	struct vmm_image kernel, initrd;	/* open as long as the machine; no path: not open */
	uint8_t *rom;			/* the firmware, NULL with a kernel */
	size_t rom_size;
	uint8_t genid[16];		/* the VM's generation; all 0 before the first start */
	struct kvm_cpuid2 *cpuid;
	struct vmm_vcpu vcpus[VMM_MAX_CPUS];
	struct vmm_device devices[VMM_MAX_DEVICES];
	unsigned int ndevices;
	struct vmm_console *console;	/* of a VM without owner */
	struct vmm_hub *hubs[VMM_HUBS];	/* of one with */
	struct vmm_control *control;
	struct vmm_fw_cfg *fw_cfg;
	struct vmm_i8042 *i8042;
	struct vmm_pm *pm;
	struct vmm_rtc *rtc;
	struct vmm_serial *serial;
	struct vmm_part *parts;		/* part.h */
	struct vmm_vm_state *vm_state;
	struct vmm_vcpu_state *vcpu_states;
	enum vmm_clock clock;
	struct vmm_fork *fork;		/* what the main thread shall do next, or NULL */
	struct vmm_routes *routes;
	struct vmm_pci *pci;
	struct vmm_blk *disks;
	struct vmm_nic *nics;
	struct vmm_rng *rng;
	struct vmm_vsock *vsock;	/* of a VM with owner, as the next */
	struct vmm_hvc *hvc;
	struct vmm_balloon *balloon;
	struct vmm_cd *cd;		/* NULL without one */
	int epoll;
	struct vmm_source wake;		/* eventfd: there is something for the main thread to look at */
	struct vmm_source signals;
	struct vmm_source flap;		/* timer of links that went for a moment; its fd is not above 0 otherwise */
	unsigned int flaps;		/* times that it came while CPUs might run */
	_Atomic int end;		/* enum vmm_end */
	_Atomic int restart;		/* enum vmm_restart */
	_Atomic bool pausing;		/* CPUs shall park, or have */
	uint64_t released;		/* when they last were let go, see vmm_now_us() */
	char last_words[256];		/* written by who sets `end` to VMM_CRASHED */
	struct vmm_time start, moments[VMM_MOMENTS];
};

/* memory.c */
int vmm_memory_create(struct vmm *m);
int vmm_memory_clear(struct vmm *m);
void vmm_memory_advise(struct vmm *m);
int vmm_memory_slots(struct vmm *m);
int vmm_memory_rom(struct vmm *m);
void vmm_memory_give_back(struct vmm *m, uint8_t *at, uint64_t size);
void vmm_memory_taken_back(struct vmm *m);
void *vmm_guest(const struct vmm *m, uint64_t gpa, uint64_t len);

/* ident.c */
void vmm_ident_tell(struct vmm *m, const char *name);
void vmm_ident_forked(struct vmm *m, const char *name);
void vmm_ident_snapshot(const struct vmm *m, const char *name);
void vmm_ident_held(const struct vmm *m, bool held);

/* machine.c */
int vmm_run(const struct vmm_config *config);
int vmm_hypervisor_create(struct vmm *m);
void vmm_hypervisor_drop(struct vmm *m);
int vmm_power_on(struct vmm *m);
void vmm_files_reserve(void);
int vmm_vcpus_start(struct vmm *m);
void vmm_error(const char *object, const char *what, const char *remedy);
void vmm_end(struct vmm *m, enum vmm_end why);
void vmm_crash(struct vmm *m, const char *object, const char *what, const char *remedy);
void vmm_irq(struct vmm *m, unsigned int gsi, bool level);
uint64_t vmm_now_us(void);
void vmm_time_stamp(struct vmm *m, enum vmm_moment moment);

/* reset.c */
void vmm_reset(struct vmm *m);
void vmm_reset_run(struct vmm *m);

/* vcpu.c */
int vmm_vcpu_create(struct vmm *m, unsigned int id);
int vmm_vcpu_start(struct vmm_vcpu *v);
void vmm_vcpu_kick(struct vmm_vcpu *v);
void vmm_vcpus_stop(struct vmm *m);
struct kvm_cpuid2 *vmm_cpuid_get(int dev);

/* pause.c */
bool vmm_may_run(const struct vmm *m);
void vmm_pause_point(struct vmm_vcpu *v);
void vmm_pause(struct vmm *m);
void vmm_resume(struct vmm *m);
void vmm_pause_forked(void);
void vmm_pause_end(struct vmm *m);

/* loop.c */
int vmm_loop_init(struct vmm *m);
void vmm_loop_fini(struct vmm *m);
int vmm_loop_add(struct vmm *m, struct vmm_source *s, uint32_t events);
void vmm_loop_change(struct vmm *m, struct vmm_source *s, uint32_t events);
void vmm_loop_run(struct vmm *m);
void vmm_wake(struct vmm *m);

/* console.c */
int vmm_console_create(struct vmm *m);
void vmm_console_destroy(struct vmm *m);
void vmm_console_service(struct vmm *m);

/* control.c */
int vmm_control_create(struct vmm *m);
int vmm_control_forked(struct vmm *m, int listener);
void vmm_control_destroy(struct vmm *m);

/* bus.c */
void vmm_bus_add(struct vmm *m, uint16_t first, uint16_t count, void *opaque,
		 uint32_t (*in)(void *, uint16_t, unsigned int),
		 void (*out)(void *, uint16_t, unsigned int, uint32_t));
bool vmm_bus_access(struct vmm *m, uint16_t port, unsigned int size, bool out, void *data);

/* image.c */
int vmm_image_open(struct vmm_image *i, const char *path, const char *remedy);
void vmm_image_close(struct vmm_image *i);
int vmm_image_read(const struct vmm_image *i, uint64_t offset, void *to, uint64_t n);

/* boot.c, pvh.c: fill regs and sregs for the boot CPU. 0, or -1 with the error printed. */
int vmm_boot_open(struct vmm *m);
void vmm_boot_close(struct vmm *m);
int vmm_boot_load(struct vmm *m, struct kvm_regs *regs, struct kvm_sregs *sregs);
int vmm_pvh_load(struct vmm *m, const struct vmm_image *k, struct kvm_regs *regs,
		 struct kvm_sregs *sregs);
int vmm_cmdline_load(struct vmm *m, uint64_t max);
int vmm_initrd_load(struct vmm *m, uint64_t floor, uint64_t limit, uint64_t *addr, uint64_t *size);

/* acpi.c */
int vmm_acpi_load(struct vmm *m);
size_t vmm_acpi_build(uint8_t *at, size_t room, uint32_t gpa, unsigned int cpus);

/* genid.c */
int vmm_genid_renew(struct vmm *m);
int vmm_genid_load(struct vmm *m);

/* The host's time-stamp counter. */
static inline uint64_t vmm_tsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return lo | (uint64_t)hi << 32;
}

static inline uint64_t vmm_genid_address(uint64_t acpi)
{
	return acpi + VMM_ACPI_SIZE - 4096;
}

/* Devices. */
int vmm_serial_create(struct vmm *m);
void vmm_serial_destroy(struct vmm *m);
size_t vmm_serial_room(struct vmm *m);
void vmm_serial_input(struct vmm *m, const uint8_t *data, size_t n);
size_t vmm_serial_peek(struct vmm *m, uint8_t *data, size_t max);
void vmm_serial_drop(struct vmm *m, size_t n);
bool vmm_serial_watch(struct vmm *m);
int vmm_rtc_create(struct vmm *m);
void vmm_rtc_store(struct vmm *m, uint8_t at, uint8_t val);
void vmm_rtc_destroy(struct vmm *m);
int vmm_pm_create(struct vmm *m);
void vmm_pm_destroy(struct vmm *m);
void vmm_power_button(struct vmm *m);
void vmm_gpe(struct vmm *m, unsigned int event);
int vmm_i8042_create(struct vmm *m);
void vmm_i8042_destroy(struct vmm *m);

#endif /* VMM_H */
