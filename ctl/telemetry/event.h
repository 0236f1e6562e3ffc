/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * event.h - the module's events, decoded and in words.
 */
#ifndef TELEMETRY_EVENT_H
#define TELEMETRY_EVENT_H

#include "telemetry/family.h"
#include "telemetry/sample.h"
#include "uapi/vitrine.h"

#define EVENT_FAULTS	16
#define EVENT_CODE	16
#define EVENT_IDT	(32 * 16)	/* bytes */
#define EVENT_GDT	128
#define EVENT_WALKS	8
#define EVENT_LEVELS	5

/**
 * struct event_fault - an exception of the guest before a failure
 * @tsc: when, in cycles
 * @rip: of the instruction
 * @address: of a page fault
 * @vector: of the exception
 * @error: its error code
 * @source: enum vitrine_fault_source
 * @has_error: it has one
 * @has_address: it has one
 */
struct event_fault {
	uint64_t tsc, rip, address;
	uint32_t vector, error, source;
	bool has_error, has_address;
};

/**
 * struct event_walk - a linear address through the guest's page tables, as they were at a failure
 * @of: enum vitrine_walk_of
 * @error: the page fault's error code
 * @address: linear
 * @gpa: where it leads to
 * @entries: an entry's guest-physical address and the entry, topmost table first
 * @nentries: their number
 * @mapped: @gpa is there
 * @faulted: @error is; with neither, a table is where no memory is
 */
struct event_walk {
	uint32_t of, error;
	uint64_t address, gpa, entries[EVENT_LEVELS][2];
	unsigned int nentries;
	bool mapped, faulted;
};

/**
 * struct event - the set `event` of include/uapi/vitrine.h; what is absent there is 0 or empty here
 * @id: since the module was loaded
 * @seq: of this reader, 0 in dumps
 * @time_ns: since 1970
 * @type: enum vitrine_event_type
 * @vm: id
 * @uid: the VM's owner
 * @pid: its process
 * @parent: id
 * @vcpu: number, or -1
 * @name: of the VM
 * @note: a snapshot's name
 * @detail: the check that failed
 * @reason: of the CPU
 * @info1: of the CPU; so the next two
 * @info2: of the CPU
 * @vectoring: of the CPU
 * @suberror: KVM_INTERNAL_ERROR_
 * @has_exit: @reason to @vectoring are there
 * @has_regs: @regs are there
 * @regs: by VITRINE_A_REGS_
 * @faults: oldest first
 * @nfaults: their number
 * @code: bytes at RIP
 * @ncode: their number
 * @idt: its beginning, as far as it could be read
 * @nidt: bytes of it
 * @gdt: the same
 * @ngdt: bytes of it
 * @walks: of what an exception's delivery needs
 * @nwalks: their number
 */
struct event {
	uint64_t id, seq, time_ns;
	uint32_t type, vm, uid, pid, parent;
	int64_t vcpu;
	char name[TEL_NAME], note[TEL_NAME], detail[160];
	uint64_t reason, info1, info2, vectoring;
	uint32_t suberror;
	bool has_exit, has_regs;
	uint64_t regs[VITRINE_A_REGS_MAX + 1];
	struct event_fault faults[EVENT_FAULTS];
	unsigned int nfaults;
	uint8_t code[EVENT_CODE];
	unsigned int ncode;
	uint8_t idt[EVENT_IDT], gdt[EVENT_GDT];
	unsigned int nidt, ngdt;
	struct event_walk walks[EVENT_WALKS];
	unsigned int nwalks;
};

void event_decode(const struct family_message *m, struct event *e);
const char *event_word(uint32_t type);
bool event_is_failure(uint32_t type);
void event_text(const struct event *e, char *s, size_t room);
void event_vm_name(const struct event *e, char *s, size_t room);

#endif /* TELEMETRY_EVENT_H */
