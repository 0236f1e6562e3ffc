/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * event.h - what happened to VMs: the log of the last events, and the guest faults that led to a failure.
 */
#ifndef VITRINE_EVENT_H
#define VITRINE_EVENT_H

#include "exit.h"
#include "registry.h"

struct vtr_vm;
struct vtr_vcpu;

#define VTR_FAULTS_KEPT		8	/* a vCPU; a power of two */
#define VTR_DETAIL_TEXT		96
#define VTR_FAILURE_IDT		(32 * 16)	/* bytes: the gates of all exceptions */
#define VTR_FAILURE_GDT		128		/* bytes: more than most guests have */
#define VTR_FAILURE_WALKS	7

/**
 * struct vtr_guest_fault - an exception of the guest that the module has seen
 * @tsc: when
 * @rip: where
 * @address: of a page fault
 * @error: error code
 * @vector: 0..31
 * @has_error: it has one
 * @has_address: it has one
 * @source: enum vitrine_fault_source
 */
struct vtr_guest_fault {
	u64 tsc;
	u64 rip;
	u64 address;
	u32 error;
	u8 vector;
	bool has_error;
	bool has_address;
	u8 source;
};

/**
 * struct vtr_fault_log - the last of them, of one vCPU; by its own thread
 * @nr: seen so far
 * @fault: number n is at n % VTR_FAULTS_KEPT
 */
struct vtr_fault_log {
	u32 nr;
	struct vtr_guest_fault fault[VTR_FAULTS_KEPT];
};

/**
 * struct vtr_failure_walk - a linear address through the guest's page tables, as they were
 * @address: linear
 * @gpa: result, with @err 0
 * @entry: where each table entry is and what it holds, from the topmost table on
 * @nr: entries
 * @of: enum vitrine_walk_of
 * @error: page-fault error code, with @err -EFAULT
 * @err: what vtr_walk() returned
 */
struct vtr_failure_walk {
	gva_t address;
	gpa_t gpa;
	u64 entry[5][2];
	u32 nr;
	u32 of;
	u32 error;
	int err;
};

/**
 * struct vtr_failure - a vCPU that cannot go on, as it was
 * @vcpu: its id
 * @suberror: KVM_INTERNAL_ERROR_*, with has_suberror
 * @has_suberror: see there
 * @code_len: bytes in @code
 * @hw: the CPU's words about the last exit
 * @regs: by VITRINE_A_REGS_*
 * @faults: oldest first
 * @nr_faults: how many
 * @code: bytes at RIP
 * @text: which check failed, or empty
 * @idt: its beginning
 * @idt_len: bytes of it, as far as its limit goes and it can be read
 * @gdt: its beginning
 * @gdt_len: the same
 * @walks: of addresses that delivering an exception needs
 * @nr_walks: how many
 */
struct vtr_failure {
	u32 vcpu;
	u32 suberror;
	bool has_suberror;
	u8 code_len;
	struct vtr_hw_exit hw;
	u64 regs[VITRINE_A_REGS_MAX + 1];
	struct vtr_guest_fault faults[VTR_FAULTS_KEPT];
	u32 nr_faults;
	u8 code[16];
	char text[VTR_DETAIL_TEXT];
	u8 idt[VTR_FAILURE_IDT];
	u32 idt_len;
	u8 gdt[VTR_FAILURE_GDT];
	u32 gdt_len;
	struct vtr_failure_walk walks[VTR_FAILURE_WALKS];
	u32 nr_walks;
};

/**
 * struct vtr_vm_event - one event
 * @id: number since load, from 1; 0: none
 * @time: CLOCK_REALTIME in ns
 * @type: enum vitrine_event_type
 * @vm_id: whose
 * @parent: see struct vtr_ident
 * @uid: the VM's owner
 * @net: cookie of its network namespace
 * @pid: its process; held
 * @name: the VM's
 * @note: text that came with it
 * @failure: with the three types that are one; owned
 */
struct vtr_vm_event {
	u64 id;
	u64 time;
	u32 type;
	u32 vm_id;
	u32 parent;
	kuid_t uid;
	u64 net;
	struct pid *pid;
	char name[VITRINE_NAME_SIZE];
	char note[VITRINE_NAME_SIZE];
	struct vtr_failure *failure;
};

int vtr_event_init(void);
void vtr_event_fini(void);
void vtr_vm_event(struct vtr_vm *vm, u32 type, const char *note);
void vtr_event_failed(struct vtr_vcpu *v, u32 type);
void vtr_event_runs(struct vtr_vcpu *v);
void vtr_event_lock(void);
void vtr_event_unlock(void);
const struct vtr_vm_event *vtr_event_after(u64 id);
u64 vtr_event_last(void);

void vtr_fault_note(struct vtr_vcpu *v, u8 source);

struct vtr_failure *vtr_failure_describe(struct vtr_vcpu *v, u32 type);

#endif /* VITRINE_EVENT_H */
