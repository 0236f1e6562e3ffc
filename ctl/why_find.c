// SPDX-License-Identifier: GPL-2.0-only
/*
 * why_find.c - what follows from what is known of a VM: of its failure, or of what its vCPUs do now.
 *
 * A finding is said only where it follows; what may be wrong is left to the reader, who has the facts before him.
 */
#include <inttypes.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "compiler.h"
#include "why.h"

#define BUSY		95.0	/* percent: does nothing else */
#define QUIET		100.0	/* exits a second: hardly any */
#define STORM		200000.0
#define STOLEN		20.0

static void __printf(3, 4) find(struct why *w, const char *hint, const char *format, ...)
{
	va_list args;

	if (w->nfindings == WHY_FINDINGS)
		return;
	va_start(args, format);
	vsnprintf(w->findings[w->nfindings], sizeof(w->findings[0]), format, args);
	va_end(args);
	w->hints[w->nfindings++] = hint;
}

/* The delivery that failed first: what comes after it mostly follows from it. */
static void find_delivery(struct why *w, const struct why_chain *c)
{
	static const char *const hints[] = {
		[WHY_NOTHING] = "look at what was pushed on its stack, and whether the handler's page is mapped",
		[WHY_UNREADABLE] = "see whether the guest's tables are where it has memory",
		[WHY_IDT_SHORT] = "load an IDT with handlers before anything can fault (LIDT)",
		[WHY_IDT_UNMAPPED] = "map the IDT's pages in every address space; compare CR3 and IDTR below with what the guest loads",
		[WHY_GATE] = "see what has written to the IDT, or set the gate up before anything can fault",
		[WHY_SEGMENT] = "load a GDT with the code segment that the gates name (LGDT)",
		[WHY_STACK] = "see where RSP has gone: a stack that overflowed, or one that the page tables in CR3 lack; a stack "
			      "of its own for #DF (IST) would let the guest tell it",
	};
	const char *how = c->n > 1 ? c->steps[1].how : c->end;

	if (how[0])
		find(w, hints[c->cause], "%s: %s.", c->steps[0].vector == WHY_UNKNOWN ? "#DF" :
		     hw_exception(c->steps[0].vector), how);
	else
		find(w, hints[c->cause], "Nothing in the guest's tables would keep %s from being delivered.",
		     c->steps[0].vector == WHY_UNKNOWN ? "#DF" : hw_exception(c->steps[0].vector));
}

static void find_triple_fault(struct why *w, const struct event *e)
{
	const struct event_walk *code = why_walk(e, VITRINE_WALK_CODE);

	find(w, "look at the first of the exceptions below: the others follow from it",
	     "The guest's CPU could not deliver an exception, could not deliver the double fault that this is, and "
	     "shut down (SDM 3A \"Interrupt 8 - Double Fault Exception (#DF)\").");
	if (!e->has_regs)
		return;
	why_chain(e, &w->chain);
	if (code && code->faulted)
		find(w, "see where it jumped from (its stack's top may tell), or what changed its page tables",
		     "The guest executes at 0x%" PRIx64 ", where no code can be.", code->address);
	find_delivery(w, &w->chain);
	if (!e->nfaults && e->regs[VITRINE_A_REGS_IDT_LIMIT] == 0)
		find(w, NULL, "Its IDT is empty, as guests make it that mean to reset the machine by a triple fault.");
}

static void find_internal_error(struct why *w, const struct event *e)
{
	static const struct {
		uint32_t suberror;
		const char *what, *hint;
	} table[] = {
		{ KVM_INTERNAL_ERROR_EMULATION,
		  "The guest accessed a device with an instruction that the module does not decode.",
		  "compare the code bytes below with what the guest's driver uses for device memory; report them" },
		{ KVM_INTERNAL_ERROR_SIMUL_EX, "Two exceptions met that cannot be merged.",
		  "report it with the output of `vmctl why --format json`" },
		{ KVM_INTERNAL_ERROR_DELIVERY_EV, "An exit came while an event was delivered that cannot be handled so.",
		  "see whether the guest's IDT, stack or task lie in device memory" },
		{ KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON, "The CPU left the guest for a reason nobody asked it for.",
		  "report it with the output of `vmctl why --format json`" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].suberror == e->suberror)
			find(w, table[i].hint, "%s", table[i].what);
}

static void find_entry_failure(struct why *w, const struct event *e)
{
	if (e->detail[0])
		find(w, "set that register to a value that the manual allows, before the vCPU runs",
		     "The CPU refused to enter the guest: %s.", e->detail);
	else
		find(w, "see the host's log (dmesg): the module says there what it found",
		     "The CPU refused to enter the guest, and no check of the manual's was found to fail.");
}

static void find_failure(struct why *w)
{
	switch (w->failure.type) {
	case VITRINE_EVENT_TRIPLE_FAULT:
		find_triple_fault(w, &w->failure);
		break;
	case VITRINE_EVENT_ENTRY_FAILURE:
		find_entry_failure(w, &w->failure);
		break;
	case VITRINE_EVENT_INTERNAL_ERROR:
		find_internal_error(w, &w->failure);
		break;
	}
}

static void find_kill(struct why *w)
{
	if (w->oom_kills)
		find(w, "raise its limit (`vmctl set VM memory-limit=`), or give its guest less memory",
		     "The kernel killed its process: the VM would have taken more memory than its limit allows.");
	else
		find(w, "`vmctl kill` does that, and so does a host that is out of memory: its kernel's log (dmesg) says then whom it killed",
		     "Its process was killed from outside (SIGKILL): neither the guest nor the process ended it.");
}

static void find_vcpu(struct why *w, const struct tel_vcpu_row *r)
{
	if (r->guest >= BUSY && r->exits < QUIET)
		find(w, "see where: a guest's kernel tells it of itself (sysrq-l), or attach gdb to the VMM's stub",
		     "vCPU %u executes guest code and hardly leaves it: it may loop with interrupts off.", r->vcpu->id);
	if (r->user >= BUSY)
		find(w, "look at the VM's process: `vmctl logs --process`, or a debugger",
		     "vCPU %u is outside of KVM_RUN: its VM process does something else, or has stopped it.",
		     r->vcpu->id);
	if (r->exits >= STORM)
		find(w, "`vmctl stats` shows all reasons; a device that is polled is a common one",
		     "vCPU %u leaves the guest %.0f times a second, mostly for %s.", r->vcpu->id, r->exits,
		     r->reason < 0 ? "nothing" : w->new->reasons[r->reason]);
	if (r->steal >= STOLEN)
		find(w, "run fewer VMs on these CPUs, or give this one more weight (`vmctl set VM cpu-weight=`)",
		     "vCPU %u waits %.0f %% of its time for a host CPU.", r->vcpu->id, r->steal);
}

static void find_now(struct why *w)
{
	const struct tel_vm *vm = w->vm;
	struct tel_vcpu_row r;
	uint32_t i, asleep = 0;

	if (w->in_store && !strcmp(w->state, "paused")) {
		find(w, "`vmctl resume` lets it go on", "Its process holds its vCPUs, as `vmctl pause` asks it to.");
		return;
	}
	for (i = 0; i < vm->nvcpus; i++) {
		rates_of_vcpu(w->old, w->new, vm, &vm->vcpus[i], &r);
		asleep += !strcmp(vm->vcpus[i].state, "halted") && r.exits == 0;
		find_vcpu(w, &r);
	}
	if (!strcmp(vm->state, "paused"))
		find(w, "`vmtop`, F8, lets it go on", "Its vCPUs are held by a pause.");
	else if (!strcmp(vm->state, "created"))
		find(w, "start it, or end the process that made it", "No vCPU of it has run yet.");
	else if (vm->nvcpus && asleep == vm->nvcpus)
		find(w, "send it something: its console, its network, its power button",
		     "All its vCPUs sleep in HLT, and no interrupt comes.");
}

/**
 * why_find() - draw the conclusions
 * @w: what is known; findings and hints are filled
 */
void why_find(struct why *w)
{
	if (w->failed)
		find_failure(w);
	else if (w->killed)
		find_kill(w);
	if (w->vm && strcmp(w->vm->state, "failed"))
		find_now(w);
}
