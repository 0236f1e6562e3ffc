/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * vitrine.h - what the Vitrine module offers beside the KVM ABI: the generic netlink family `vitrine`, the
 * extension ioctls, the exit trace. include/uapi/vitrine.yaml describes the family for the kernel's ynl tool.
 *
 * THE FAMILY
 *
 * Requests carry no attributes but those named below; unknown ones are refused (-EINVAL, with the kernel's
 * extended acknowledgement). An object is sent as one message of the command that asks for it. Counters are
 * cumulative, 64 bits wide, never reset and written without locks by the CPU that runs the vCPU: each is one
 * true value, two of one message may be some microseconds apart. An exit is counted when it is over, with the next
 * entry. An attribute that does not apply is absent.
 * Times in "cycles" are of the host's TSC: host-get tells its rate. Times in "ns" are of CLOCK_REALTIME.
 *
 *   host-get        do, dump: one object of the set `host`.
 *   vm-get          do with vm.id; dump: every VM, in the order of creation, no filter.
 *   vcpu-get        do with vcpu.vm-id and vcpu.id; dump: of every VM, or of vcpu.vm-id alone.
 *   exit-stats-get  do with exit.vm-id, exit.vcpu-id, exit.kind; dump: one message for each kind of exit that a
 *                   vCPU has had, of every VM, or of exit.vm-id alone, or of exit.vcpu-id in that.
 *   event-get       dump: the last events (the module keeps VITRINE_EVENTS_KEPT), oldest first; with event.vm-id
 *                   that VM's alone, with event.after those whose event.id is greater. Of failures, the last
 *                   VITRINE_FAILURES_KEPT have their registers, tables and code; older ones have event.type alone.
 *   event-watch     do, no attributes: from now on this socket gets an event-ntf for each event it may see.
 *                   Ends when the socket is closed. -EALREADY for a second one.
 *   vm-pause        do with vm.id: returns at once; each vCPU leaves the guest within the time of an interrupt,
 *   vm-resume       and its KVM_RUN waits, or returns -EINTR for a signal, until vm-resume. Idempotent.
 *                   vm-resume is -EBUSY where nobody but the VM's own process, which told, holds it.
 *   vm-kill         do with vm.id: SIGKILL to the process that created the VM; -ESRCH if it is gone.
 *
 * Dumps: a VM or vCPU that exists from the first message to the last is there exactly once, whatever else comes
 * and goes meanwhile. Ids are never used twice, so an id is one VM for as long as the module is loaded.
 *
 * Who sees what: a VM belongs to the effective user and the network namespace that created it. In that
 * namespace its owner, and who has CAP_NET_ADMIN there, see it and may act on it; in the initial namespace its
 * owner and who has CAP_NET_ADMIN or CAP_SYS_ADMIN there. For all others it does not exist (-ENOENT). Both
 * the socket's opener and the sender have to be the owner, or to have the capability. A uid or pid without a number in the reader's namespaces is absent.
 *
 * Errors: -ENOENT no such VM, vCPU or kind (or none of the caller's), -EINVAL a missing or malformed attribute,
 * -EMSGSIZE, -ENOMEM.
 *
 * EVENTS
 *
 * event-ntf reaches a socket in two ways. Sockets that asked with event-watch get the events of the VMs that they
 * may see; event.seq counts what this socket should have got, from 1. Members of the multicast group `events`
 * (CAP_NET_ADMIN; initial network namespace) get all events; event.seq counts all since the module was loaded and
 * equals event.id. A reader that falls behind gets ENOBUFS from recvmsg(2) and sees by the gap in event.seq how many
 * it missed; event-get with event.after gives back those still kept. event.id grows in the order in which events
 * happened, and they are delivered in that order.
 *
 * To follow without a hole: event-watch, then event-get; skip what comes again by event.id.
 *
 * IOCTLS
 *
 * On the KVM ABI's file descriptors; KVM_CHECK_EXTENSION with a VITRINE_CAP_ number tells whether one is there.
 */
#ifndef _UAPI_VITRINE_H
#define _UAPI_VITRINE_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define VITRINE_FAMILY_NAME	"vitrine"
#define VITRINE_FAMILY_VERSION	1
#define VITRINE_MCGRP_EVENTS	"events"

#define VITRINE_NAME_SIZE	64	/* of a VM's name or a note, with its terminating zero byte */
#define VITRINE_EVENTS_KEPT	1024
#define VITRINE_FAILURES_KEPT	64	/* with registers, tables and code */

enum {
	VITRINE_CMD_HOST_GET = 1,
	VITRINE_CMD_VM_GET,
	VITRINE_CMD_VCPU_GET,
	VITRINE_CMD_EXIT_STATS_GET,
	VITRINE_CMD_EVENT_GET,
	VITRINE_CMD_EVENT_WATCH,
	VITRINE_CMD_EVENT_NTF,		/* from the module only */
	VITRINE_CMD_VM_PAUSE,
	VITRINE_CMD_VM_RESUME,
	VITRINE_CMD_VM_KILL,

	__VITRINE_CMD_MAX,
	VITRINE_CMD_MAX = __VITRINE_CMD_MAX - 1
};

/* The set `host`. */
enum {
	VITRINE_A_HOST_PAD = 1,
	VITRINE_A_HOST_VERSION,		/* string: the module's */
	VITRINE_A_HOST_BACKEND,		/* string: "vmx" or "svm" */
	VITRINE_A_HOST_TSC_KHZ,		/* u32: cycles a millisecond */
	VITRINE_A_HOST_CPUS,		/* u32: online */
	VITRINE_A_HOST_VMS,		/* u32: that the caller sees */
	VITRINE_A_HOST_VCPUS,		/* u32: of those */
	VITRINE_A_HOST_LAST_EVENT,	/* u64: event.id of the newest event, 0: none yet */
	VITRINE_A_HOST_EXIT_KIND,	/* nest of the set `kind`, one for each */

	__VITRINE_A_HOST_MAX,
	VITRINE_A_HOST_MAX = __VITRINE_A_HOST_MAX - 1
};

/* The set `kind`: the names of the kinds of exits, numbers that hold as long as the module is loaded. */
enum {
	VITRINE_A_KIND_ID = 1,		/* u32 */
	VITRINE_A_KIND_NAME,		/* string */

	__VITRINE_A_KIND_MAX,
	VITRINE_A_KIND_MAX = __VITRINE_A_KIND_MAX - 1
};

enum vitrine_vm_state {
	VITRINE_VM_CREATED,		/* no vCPU has run yet */
	VITRINE_VM_RUNNING,		/* it may run: whether it does is in the vCPUs' states */
	VITRINE_VM_PAUSED,		/* by vm-pause, or by its process, which told */
	VITRINE_VM_FAILED,		/* triple fault, failed entry or internal error; until a vCPU runs again */
};

/* The set `vm`. Counters are the sums over the VM's vCPUs. */
enum {
	VITRINE_A_VM_PAD = 1,
	VITRINE_A_VM_ID,		/* u32 */
	VITRINE_A_VM_NAME,		/* string, absent before it is set */
	VITRINE_A_VM_COMM,		/* string: the creating thread's name */
	VITRINE_A_VM_STATE,		/* u32: enum vitrine_vm_state */
	VITRINE_A_VM_UID,		/* u32: owner */
	VITRINE_A_VM_PID,		/* u32: the process that created it */
	VITRINE_A_VM_PARENT,		/* u32: the id of the VM it was forked from */
	VITRINE_A_VM_CREATED,		/* u64: ns */
	VITRINE_A_VM_VCPUS,		/* u32 */
	VITRINE_A_VM_MEMORY,		/* u64: bytes in memory slots */
	VITRINE_A_VM_PAGE_TABLES,	/* u64: bytes of nested page tables */
	VITRINE_A_VM_EXITS,		/* u64 */
	VITRINE_A_VM_GUEST_CYCLES,	/* u64: in the guest */
	VITRINE_A_VM_HOST_CYCLES,	/* u64: from exits to the next entries, halts and user space included */
	VITRINE_A_VM_HALT_CYCLES,	/* u64: of those asleep in HLT or waiting for a start-up IPI */
	VITRINE_A_VM_USER_CYCLES,	/* u64: of those outside KVM_RUN */
	VITRINE_A_VM_TRACED,		/* flag: an exit trace is open */

	__VITRINE_A_VM_MAX,
	VITRINE_A_VM_MAX = __VITRINE_A_VM_MAX - 1
};

enum vitrine_vcpu_state {
	VITRINE_VCPU_USER,		/* not in KVM_RUN */
	VITRINE_VCPU_GUEST,		/* in the guest */
	VITRINE_VCPU_HOST,		/* in KVM_RUN, an exit is handled */
	VITRINE_VCPU_HALTED,		/* asleep in HLT, or waiting for a start-up IPI */
	VITRINE_VCPU_PAUSED,		/* held by vm-pause */
};

/* The set `vcpu`. */
enum {
	VITRINE_A_VCPU_PAD = 1,
	VITRINE_A_VCPU_VM_ID,		/* u32 */
	VITRINE_A_VCPU_ID,		/* u32: the APIC id */
	VITRINE_A_VCPU_STATE,		/* u32: enum vitrine_vcpu_state */
	VITRINE_A_VCPU_CPU,		/* u32: host CPU it runs on or ran on last */
	VITRINE_A_VCPU_TID,		/* u32: thread inside KVM_RUN */
	VITRINE_A_VCPU_EXITS,		/* u64 */
	VITRINE_A_VCPU_GUEST_CYCLES,	/* u64: in the guest */
	VITRINE_A_VCPU_HOST_CYCLES,	/* u64: from exits to the next entries: contains the next three */
	VITRINE_A_VCPU_HALT_CYCLES,	/* u64: asleep in HLT or waiting for a start-up IPI */
	VITRINE_A_VCPU_USER_CYCLES,	/* u64: outside KVM_RUN */
	VITRINE_A_VCPU_PAUSE_CYCLES,	/* u64: held by vm-pause */
	VITRINE_A_VCPU_STEAL_NS,	/* u64: ready to run in KVM_RUN, but without a host CPU */
	VITRINE_A_VCPU_HALTS,		/* u64 */
	VITRINE_A_VCPU_USER_EXITS,	/* u64: returns of KVM_RUN with an exit reason */
	VITRINE_A_VCPU_IRQS,		/* u64: interrupts injected at an entry */
	VITRINE_A_VCPU_NMIS,		/* u64 */
	VITRINE_A_VCPU_EXCEPTIONS,	/* u64 */
	VITRINE_A_VCPU_FAULTS_READ,	/* u64: nested page faults that mapped memory, by access */
	VITRINE_A_VCPU_FAULTS_WRITE,	/* u64 */
	VITRINE_A_VCPU_FAULTS_FETCH,	/* u64 */
	VITRINE_A_VCPU_MAPPED_4K,	/* u64: the same, by the size of the page mapped */
	VITRINE_A_VCPU_MAPPED_2M,	/* u64 */
	VITRINE_A_VCPU_MAPPED_1G,	/* u64 */
	VITRINE_A_VCPU_MMIO,		/* u64: accesses where no memory is */
	VITRINE_A_VCPU_DIRTY_PAGES,	/* u64: pages entered in the dirty log */
	VITRINE_A_VCPU_TLB_FLUSHES,	/* u64 */

	__VITRINE_A_VCPU_MAX,
	VITRINE_A_VCPU_MAX = __VITRINE_A_VCPU_MAX - 1
};

/*
 * The set `exit`: one kind of exit of one vCPU. Bucket n of the histogram counts exits that took 2^(n-1) to
 * 2^n - 1 cycles until the next entry; buckets below hist-first and above the last one sent are zero.
 */
enum {
	VITRINE_A_EXIT_PAD = 1,
	VITRINE_A_EXIT_VM_ID,		/* u32 */
	VITRINE_A_EXIT_VCPU_ID,		/* u32 */
	VITRINE_A_EXIT_KIND,		/* u32 */
	VITRINE_A_EXIT_NAME,		/* string: the kind's */
	VITRINE_A_EXIT_COUNT,		/* u64 */
	VITRINE_A_EXIT_CYCLES,		/* u64: until the next entry, user space included */
	VITRINE_A_EXIT_HIST_FIRST,	/* u32: number of the first bucket in hist */
	VITRINE_A_EXIT_HIST,		/* binary: buckets, u64 each in the host's byte order */

	__VITRINE_A_EXIT_MAX,
	VITRINE_A_EXIT_MAX = __VITRINE_A_EXIT_MAX - 1
};

enum vitrine_event_type {
	VITRINE_EVENT_CREATED = 1,
	VITRINE_EVENT_NAMED,
	VITRINE_EVENT_STARTED,		/* a vCPU's first entry of a VM that had not run */
	VITRINE_EVENT_PAUSED,
	VITRINE_EVENT_RESUMED,
	VITRINE_EVENT_TRIPLE_FAULT,	/* with vcpu-id, exit information, regs, fault, code, idt, gdt, walk */
	VITRINE_EVENT_ENTRY_FAILURE,	/* the same */
	VITRINE_EVENT_INTERNAL_ERROR,	/* the same, and suberror */
	VITRINE_EVENT_SNAPSHOT,		/* with note: the snapshot's name */
	VITRINE_EVENT_FORKED,		/* of the new VM, with parent */
	VITRINE_EVENT_DESTROYED,
};

/* The set `event`. */
enum {
	VITRINE_A_EVENT_PAD = 1,
	VITRINE_A_EVENT_ID,		/* u64: since the module was loaded, from 1 */
	VITRINE_A_EVENT_SEQ,		/* u64: of this reader, see above; not in event-get */
	VITRINE_A_EVENT_AFTER,		/* u64: event-get's filter, in requests only */
	VITRINE_A_EVENT_TYPE,		/* u32: enum vitrine_event_type */
	VITRINE_A_EVENT_TIME,		/* u64: ns */
	VITRINE_A_EVENT_VM_ID,		/* u32 */
	VITRINE_A_EVENT_NAME,		/* string: the VM's, absent before it is set */
	VITRINE_A_EVENT_UID,		/* u32: the VM's owner; in event-ntf as the initial namespaces number it */
	VITRINE_A_EVENT_PID,		/* u32: the process that created it; the same */
	VITRINE_A_EVENT_VCPU_ID,	/* u32 */
	VITRINE_A_EVENT_PARENT,		/* u32 */
	VITRINE_A_EVENT_NOTE,		/* string: a snapshot's name */
	VITRINE_A_EVENT_DETAIL,		/* string: which check failed, in the words of the manual */
	VITRINE_A_EVENT_HW_REASON,	/* u64: the CPU's exit reason (SDM) or exit code (APM2) */
	VITRINE_A_EVENT_HW_INFO1,	/* u64: exit qualification, or EXITINFO1 */
	VITRINE_A_EVENT_HW_INFO2,	/* u64: guest-physical address, or EXITINFO2 */
	VITRINE_A_EVENT_HW_EVENT,	/* u64: IDT-vectoring information, or EXITINTINFO */
	VITRINE_A_EVENT_SUBERROR,	/* u32: KVM_INTERNAL_ERROR_ */
	VITRINE_A_EVENT_REGS,		/* nest of the set `regs` */
	VITRINE_A_EVENT_FAULT,		/* nest of the set `fault`, one for each of the last, oldest first */
	VITRINE_A_EVENT_CODE,		/* binary: bytes at RIP, up to 16, where they could be read */
	VITRINE_A_EVENT_IDT,		/* binary: its first gates, of up to 32 vectors, where they could be read */
	VITRINE_A_EVENT_GDT,		/* binary: its first descriptors, up to 128 bytes; the same */
	VITRINE_A_EVENT_WALK,		/* nest of the set `walk`, one for each address that an exception's delivery needs */

	__VITRINE_A_EVENT_MAX,
	VITRINE_A_EVENT_MAX = __VITRINE_A_EVENT_MAX - 1
};

/* The set `fault`: an exception of the guest that passed through the module. */
enum {
	VITRINE_A_FAULT_PAD = 1,
	VITRINE_A_FAULT_TSC,		/* u64: when, in the host's TSC */
	VITRINE_A_FAULT_VECTOR,		/* u32: 0 to 31 */
	VITRINE_A_FAULT_ERROR,		/* u32: error code, absent if it has none */
	VITRINE_A_FAULT_RIP,		/* u64: of the instruction it was raised at */
	VITRINE_A_FAULT_ADDRESS,	/* u64: CR2 of a page fault, absent with others */
	VITRINE_A_FAULT_SOURCE,		/* u32: enum vitrine_fault_source */

	__VITRINE_A_FAULT_MAX,
	VITRINE_A_FAULT_MAX = __VITRINE_A_FAULT_MAX - 1
};

enum vitrine_fault_source {
	VITRINE_FAULT_RAISED,		/* by the module, or handed in by user space */
	VITRINE_FAULT_INTERCEPTED,	/* raised by the CPU, an exit, handed back to the guest */
	VITRINE_FAULT_INTERRUPTED,	/* its delivery was cut short by an exit, and was begun again */
};

/* What a walk was made for. */
enum vitrine_walk_of {
	VITRINE_WALK_CODE,		/* RIP, an instruction fetch */
	VITRINE_WALK_CR2,		/* a read of the last page fault's address */
	VITRINE_WALK_IDT,		/* a read of #DF's gate, or of the table's beginning if it ends before it */
	VITRINE_WALK_GDT,		/* a read of the table's beginning */
	VITRINE_WALK_TSS,		/* the same */
	VITRINE_WALK_STACK,		/* the first push of an exception's delivery: at RSP, or at the TSS's stack for level 0 */
	VITRINE_WALK_DF_STACK,		/* the same for #DF, where its gate names a stack of the TSS */
};

/* The set `walk`: a linear address through the guest's page tables, at privilege level 0 but for `code`. */
enum {
	VITRINE_A_WALK_PAD = 1,
	VITRINE_A_WALK_OF,		/* u32: enum vitrine_walk_of */
	VITRINE_A_WALK_ADDRESS,		/* u64: linear */
	VITRINE_A_WALK_ENTRIES,		/* binary: pairs of u64, an entry's guest-physical address and itself, from the top */
	VITRINE_A_WALK_GPA,		/* u64: where it leads to; absent if it leads nowhere */
	VITRINE_A_WALK_ERROR,		/* u32: the page fault's error code; with neither, a table is where no memory is */

	__VITRINE_A_WALK_MAX,
	VITRINE_A_WALK_MAX = __VITRINE_A_WALK_MAX - 1
};

/* The set `regs`, u64 each. A segment's selector stands in bits 0 to 15, its hidden attributes in 16 to 31. */
enum {
	VITRINE_A_REGS_PAD = 1,
	VITRINE_A_REGS_RAX, VITRINE_A_REGS_RCX, VITRINE_A_REGS_RDX, VITRINE_A_REGS_RBX,
	VITRINE_A_REGS_RSP, VITRINE_A_REGS_RBP, VITRINE_A_REGS_RSI, VITRINE_A_REGS_RDI,
	VITRINE_A_REGS_R8, VITRINE_A_REGS_R9, VITRINE_A_REGS_R10, VITRINE_A_REGS_R11,
	VITRINE_A_REGS_R12, VITRINE_A_REGS_R13, VITRINE_A_REGS_R14, VITRINE_A_REGS_R15,
	VITRINE_A_REGS_RIP, VITRINE_A_REGS_RFLAGS,
	VITRINE_A_REGS_CR0, VITRINE_A_REGS_CR2, VITRINE_A_REGS_CR3, VITRINE_A_REGS_CR4,
	VITRINE_A_REGS_EFER,
	VITRINE_A_REGS_CS, VITRINE_A_REGS_CS_BASE, VITRINE_A_REGS_SS, VITRINE_A_REGS_SS_BASE,
	VITRINE_A_REGS_TR, VITRINE_A_REGS_TR_BASE,
	VITRINE_A_REGS_GDT_BASE, VITRINE_A_REGS_GDT_LIMIT,
	VITRINE_A_REGS_IDT_BASE, VITRINE_A_REGS_IDT_LIMIT,

	__VITRINE_A_REGS_MAX,
	VITRINE_A_REGS_MAX = __VITRINE_A_REGS_MAX - 1
};

/*
 * KVM_CHECK_EXTENSION answers 1 to these, on the device and on VMs. The numbers are far from KVM's, which
 * answers 0 to them.
 */
#define VITRINE_CAP_VM_NAME	0x56540001	/* VITRINE_VM_SET_NAME, VITRINE_VM_GET_ID */
#define VITRINE_CAP_VM_NOTE	0x56540002	/* VITRINE_VM_NOTE */
#define VITRINE_CAP_TRACE	0x56540003	/* VITRINE_TRACE_OPEN */

#define VITRINE_IOCTL		0xbf

/**
 * struct vitrine_vm_name - VITRINE_VM_SET_NAME
 * @name: one to 63 printable ASCII characters and a zero byte
 *
 * The name is for people: it need not be unique and may be set again.
 *
 * On a VM. 0; -EINVAL for another name; -EFAULT; -EIO in another process than the VM's.
 */
struct vitrine_vm_name {
	char name[VITRINE_NAME_SIZE];
};

/**
 * struct vitrine_vm_note - VITRINE_VM_NOTE: what the VM's process has done with it
 * @type: VITRINE_EVENT_SNAPSHOT; VITRINE_EVENT_FORKED; VITRINE_EVENT_PAUSED: it keeps the vCPUs back, until VITRINE_EVENT_RESUMED
 * @parent: FORKED: the id of the VM this one was forked from, one of the caller's; else 0
 * @text: SNAPSHOT: its name; as for a VM's name, or empty
 *
 * On a VM. 0; -EINVAL; -ENOENT for a parent that does not exist or is another user's; -EFAULT; -EIO.
 */
struct vitrine_vm_note {
	__u32 type;
	__u32 parent;
	char text[VITRINE_NAME_SIZE];
};

/**
 * struct vitrine_trace_open - VITRINE_TRACE_OPEN: trace the exits of a VM
 * @vm_id: whose exits
 * @records: in: room for so many records a vCPU, a power of two from 64 to 65536
 * @flags: 0
 * @vcpus: out: vCPUs traced, those the VM has now
 * @ring_size: out: bytes of one vCPU's ring, a multiple of the page size
 *
 * On the device. Returns a descriptor: mmap(2) it shared, ring i at offset i * ring_size. Exits are recorded until
 * it is closed; a VM has one trace at a time. After the VM is gone the rings stay readable.
 *
 * For the VM's owner, and who has CAP_SYS_ADMIN. -ENOENT no such VM, or another user's; -EBUSY it is traced
 * already; -EINVAL; -E2BIG more than 64 MiB of rings; -ENOMEM; -EFAULT.
 */
struct vitrine_trace_open {
	__u32 vm_id;
	__u32 records;
	__u32 flags;
	__u32 vcpus;
	__u64 ring_size;
};

#define VITRINE_VM_SET_NAME	_IOW(VITRINE_IOCTL, 0x01, struct vitrine_vm_name)
#define VITRINE_VM_GET_ID	_IOR(VITRINE_IOCTL, 0x02, __u32)	/* on a VM: its id */
#define VITRINE_VM_NOTE		_IOW(VITRINE_IOCTL, 0x03, struct vitrine_vm_note)
#define VITRINE_TRACE_OPEN	_IOWR(VITRINE_IOCTL, 0x04, struct vitrine_trace_open)

#define VITRINE_TRACE_MAGIC	0x31525456	/* "VTR1" */

/**
 * struct vitrine_trace_ring - the first page of a ring; records begin at @data
 * @magic: VITRINE_TRACE_MAGIC
 * @vcpu: the vCPU's id
 * @records: room for so many, a power of two
 * @record_size: bytes of one; larger in a later version, which adds to the end
 * @data: offset of record 0 in the ring
 * @tsc_khz: cycles a millisecond
 * @base_tsc: TSC at @base_ns
 * @base_ns: CLOCK_REALTIME when the trace was opened
 * @head: records written so far; written by the module after the record itself (read it with acquire order)
 * @lost: exits not recorded because there was no room; written by the module
 * @tail: records read so far; written by the reader when it has read them (with release order)
 *
 * Record n is at data + (n & (records - 1)) * record_size. The module writes while head - tail < records.
 * A reader looks again when it likes: it is not woken.
 */
struct vitrine_trace_ring {
	__u32 magic;
	__u32 vcpu;
	__u32 records;
	__u32 record_size;
	__u32 data;
	__u32 tsc_khz;
	__u64 base_tsc;
	__u64 base_ns;
	__u64 reserved1[3];
	__u64 head;
	__u64 lost;
	__u64 reserved2[6];
	__u64 tail;
	__u64 reserved3[7];
};

enum vitrine_outcome {
	VITRINE_OUTCOME_RESUMED,	/* handled with interrupts off, entered again */
	VITRINE_OUTCOME_SLOW,		/* handled with preemption on, entered again */
	VITRINE_OUTCOME_SLEPT,		/* HLT and what else leaves the vCPU idle */
	VITRINE_OUTCOME_USER,		/* returned to user space: user_reason */
	VITRINE_OUTCOME_FAULT,		/* KVM_RUN returned -EFAULT */
};

/**
 * struct vitrine_trace_record - one exit
 * @tsc: when it happened
 * @rip: the guest's, of the instruction that exited
 * @info1: exit qualification (SDM 3C "Exit Qualification"), or EXITINFO1 (APM2)
 * @info2: guest-physical address of an EPT violation, else 0; or EXITINFO2
 * @host_cycles: until the next entry, or the return to user space
 * @rax: low 32 bits of RAX: CPUID leaf, MSR value
 * @rcx: low 32 bits of RCX: CPUID subleaf, MSR number
 * @guest_cycles: in the guest before it, at most 2^32 - 1
 * @hw_reason: exit reason (SDM), or low 32 bits of the exit code (APM2)
 * @kind: host-get names it
 * @outcome: enum vitrine_outcome
 * @insn_len: length of the instruction, 0 where the CPU did not say
 * @user_reason: KVM_EXIT_ with VITRINE_OUTCOME_USER
 * @code: bytes at RIP, at most to the end of their page
 * @code_len: how many; 0 where they could not be read at once: no memory is there, or it is not present in the VM's process
 * @code_bits: 16, 32 or 64: how wide that code is; 0 with no bytes
 * @reserved: 0
 */
struct vitrine_trace_record {
	__u64 tsc;
	__u64 rip;
	__u64 info1;
	__u64 info2;
	__u64 host_cycles;
	__u32 rax;
	__u32 rcx;
	__u32 guest_cycles;
	__u32 hw_reason;
	__u16 kind;
	__u8 outcome;
	__u8 insn_len;
	__u32 user_reason;
	__u8 code[16];
	__u8 code_len;
	__u8 code_bits;
	__u8 reserved[6];
};

#endif /* _UAPI_VITRINE_H */
