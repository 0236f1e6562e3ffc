// SPDX-License-Identifier: GPL-2.0-only
/*
 * why_text.c - a VM's story for people.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "compiler.h"
#include "telemetry/disasm.h"
#include "telemetry/figures.h"
#include "why.h"

#define CONSOLE_LINES	10
#define EFER_LMA	(1ULL << 10)

static void print_clock(uint64_t ns)
{
	time_t t = ns / 1000000000;
	char clock[32] = "";
	struct tm tm;

	if (localtime_r(&t, &tm))
		strftime(clock, sizeof(clock), "%F %T", &tm);
	printf("  %s.%03u  ", clock, (unsigned int)(ns / 1000000 % 1000));
}

static void print_events(const struct why *w)
{
	char text[160];
	unsigned int i;

	if (!w->nevents)
		return;
	puts("\nWhat happened");
	for (i = 0; i < w->nevents; i++) {
		event_text(&w->events[i], text, sizeof(text));
		print_clock(w->events[i].time_ns);
		printf("%s%s%s\n", event_word(w->events[i].type), text[0] ? ": " : "", text);
	}
}

static void print_exit(const struct why *w, const struct event *e)
{
	struct hw_exit x = { .vmx = w->vmx, .reason = e->reason, .info1 = e->info1, .info2 = e->info2,
			     .rax = e->regs[VITRINE_A_REGS_RAX], .rcx = e->regs[VITRINE_A_REGS_RCX] };
	char name[80], details[120], event[80];

	hw_exit_name(&x, name, sizeof(name));
	hw_exit_details(&x, details, sizeof(details));
	hw_vectoring(e->vectoring, event, sizeof(event));
	puts("\nThe exit");
	printf("  %s 0x%" PRIx64 ": %s%s%s\n", w->vmx ? "exit reason" : "exit code", e->reason, name,
	       details[0] ? ", " : "", details);
	printf("  %s 0x%" PRIx64 ", %s 0x%" PRIx64 "\n", w->vmx ? "qualification" : "EXITINFO1", e->info1,
	       w->vmx ? "guest-physical address" : "EXITINFO2", e->info2);
	if (event[0])
		printf("  while %s was delivered\n", event);
	if (e->detail[0])
		printf("  %s\n", e->detail);
}

static void print_fault(const struct event_fault *f, unsigned int number)
{
	static const char *const sources[] = {
		[VITRINE_FAULT_RAISED] = "raised for an instruction that was emulated, or by the VM process",
		[VITRINE_FAULT_INTERCEPTED] = "raised by the guest's instruction",
		[VITRINE_FAULT_INTERRUPTED] = "its delivery was cut short",
	};
	char error[80];

	printf("  %u. %s %s at RIP 0x%" PRIx64, number, hw_exception(f->vector), hw_exception_title(f->vector), f->rip);
	if (f->has_address)
		printf(", address 0x%" PRIx64, f->address);
	if (f->has_error && f->vector == 14) {
		hw_page_fault(f->error, error, sizeof(error));
		printf(", error 0x%x (%s)", f->error, error);
	} else if (f->has_error) {
		printf(", error 0x%x", f->error);
	}
	printf("\n     %s\n", f->source < ARRAY_SIZE(sources) ? sources[f->source] : "of an unknown source");
}

static void print_faults(const struct event *e)
{
	unsigned int i;

	if (!e->nfaults)
		return;
	puts("\nThe guest's last exceptions that the module saw, oldest first");
	for (i = 0; i < e->nfaults; i++)
		print_fault(&e->faults[i], i + 1);
}

static void print_chain(const struct event *e, const struct why_chain *c)
{
	unsigned int i;

	if (!c->n)
		return;
	puts("\nThe exceptions that led to it, worked out from the guest's memory");
	for (i = 0; i < c->n; i++) {
		if (c->steps[i].vector == WHY_UNKNOWN)
			printf("  %u. an exception %s\n", i + 1, c->steps[i].how);
		else
			printf("  %u. %s %s: %s\n", i + 1, hw_exception(c->steps[i].vector),
			       hw_exception_title(c->steps[i].vector), c->steps[i].how);
	}
	if (c->whole)
		printf("  and the shutdown: #DF could not be delivered: %s\n", c->end);
	else
		puts("  What followed, the guest's memory does not tell.");
	why_tables_print(e, c);
}

static const char *mode_of(const struct event *e)
{
	if (!(e->regs[VITRINE_A_REGS_CR0] & 1))
		return "real-address mode";
	switch (why_bits(e)) {
	case 64:
		return "64-bit mode";
	case 32:
		return e->regs[VITRINE_A_REGS_CR0] >> 31 & 1 ? "32-bit protected mode, paging" :
							       "32-bit protected mode, no paging";
	default:
		return e->regs[VITRINE_A_REGS_CR0] >> 31 & 1 ? "16-bit protected mode, paging" :
							       "16-bit protected mode, no paging";
	}
}

static void print_registers(const struct event *e)
{
	static const struct {
		const char *name;
		int at;
	} registers[] = {
		{ "RAX", VITRINE_A_REGS_RAX }, { "RBX", VITRINE_A_REGS_RBX }, { "RCX", VITRINE_A_REGS_RCX },
		{ "RDX", VITRINE_A_REGS_RDX }, { "RSI", VITRINE_A_REGS_RSI }, { "RDI", VITRINE_A_REGS_RDI },
		{ "RSP", VITRINE_A_REGS_RSP }, { "RBP", VITRINE_A_REGS_RBP }, { "R8", VITRINE_A_REGS_R8 },
		{ "R9", VITRINE_A_REGS_R9 }, { "R10", VITRINE_A_REGS_R10 }, { "R11", VITRINE_A_REGS_R11 },
		{ "R12", VITRINE_A_REGS_R12 }, { "R13", VITRINE_A_REGS_R13 }, { "R14", VITRINE_A_REGS_R14 },
		{ "R15", VITRINE_A_REGS_R15 }, { "RIP", VITRINE_A_REGS_RIP }, { "FLAGS", VITRINE_A_REGS_RFLAGS },
		{ "CR0", VITRINE_A_REGS_CR0 }, { "CR2", VITRINE_A_REGS_CR2 }, { "CR3", VITRINE_A_REGS_CR3 },
		{ "CR4", VITRINE_A_REGS_CR4 }, { "EFER", VITRINE_A_REGS_EFER },
	};
	static const struct {
		const char *name;
		int value, base;
	} tables[] = {
		{ "CS", VITRINE_A_REGS_CS, VITRINE_A_REGS_CS_BASE }, { "SS", VITRINE_A_REGS_SS, VITRINE_A_REGS_SS_BASE },
		{ "TR", VITRINE_A_REGS_TR, VITRINE_A_REGS_TR_BASE },
		{ "GDT", VITRINE_A_REGS_GDT_LIMIT, VITRINE_A_REGS_GDT_BASE },
		{ "IDT", VITRINE_A_REGS_IDT_LIMIT, VITRINE_A_REGS_IDT_BASE },
	};
	bool wide = e->regs[VITRINE_A_REGS_EFER] & EFER_LMA;
	size_t i, n = 0;

	printf("\nRegisters of vCPU %" PRId64 ", %s", e->vcpu, mode_of(e));
	for (i = 0; i < ARRAY_SIZE(registers); i++)
		if (wide || registers[i].at < VITRINE_A_REGS_R8 || registers[i].at > VITRINE_A_REGS_R15)
			printf("%s%-5s %0*" PRIx64, n++ % 3 ? "  " : "\n  ", registers[i].name, wide ? 16 : 8,
			       e->regs[registers[i].at]);
	putchar('\n');
	for (i = 0; i < ARRAY_SIZE(tables); i++)
		printf("  %-5s %04x base %" PRIx64 "%s\n", tables[i].name,
		       (unsigned int)(e->regs[tables[i].value] & 0xffff), e->regs[tables[i].base],
		       i >= 3 ? " (limit first)" : "");
}

static void print_code(const struct event *e)
{
	uint64_t rip = e->regs[VITRINE_A_REGS_RIP];
	unsigned int i, k, n;
	char text[80];

	if (!e->ncode)
		return;
	puts("\nCode at RIP");
	for (i = 0; i < e->ncode; i += n) {
		n = disasm(e->code + i, e->ncode - i, rip + i, why_bits(e), text, sizeof(text));
		if (!n)
			n = e->ncode - i;
		printf("  %" PRIx64 ": ", rip + i);
		for (k = 0; k < n; k++)
			printf(" %02x", e->code[i + k]);
		printf("%*s%s\n", n < 8 ? (int)(8 - n) * 3 + 2 : 2, "", text);
	}
}

/* The last lines; nothing that the guest said is a command to the terminal. */
static void print_console(const char *text)
{
	const char *p = text + strlen(text);
	char line[200];
	int lines = 0;
	size_t n;

	while (p > text && p[-1] == '\n')
		p--;
	while (p > text && !(p[-1] == '\n' && ++lines == CONSOLE_LINES))
		p--;
	if (!*p)
		return;
	puts("\nThe end of its console");
	while (*p) {
		n = strcspn(p, "\n");
		snprintf(line, sizeof(line), "%.*s", (int)(n && p[n - 1] == '\r' ? n - 1 : n), p);
		figure_clean(line);
		if (n)
			printf("  %s\n", line);
		p += n + (p[n] == '\n');
	}
}

static void print_head(const struct why *w)
{
	printf("%s", w->name);
	if (w->in_store)
		printf(": %s%s%s", w->state, w->reason[0] ? ": " : "", w->reason);
	if (w->vm)
		printf(": on the module as #%" PRIu64 ", %s, process %d", w->vm->id, w->vm->state, (int)w->vm->pid);
	/* Its process may have seen it after the reset only. */
	if (w->failed && w->failure.type == VITRINE_EVENT_TRIPLE_FAULT && w->failure.has_regs)
		printf("\nThe triple fault: vCPU %" PRId64 " at RIP 0x%" PRIx64 ", in %s", w->failure.vcpu,
		       w->failure.regs[VITRINE_A_REGS_RIP], mode_of(&w->failure));
	putchar('\n');
}

/* One remedy may serve several findings. */
static bool is_told(const struct why *w, unsigned int at)
{
	unsigned int i;

	for (i = 0; i < at; i++)
		if (w->hints[i] && !strcmp(w->hints[i], w->hints[at]))
			return true;
	return false;
}

static void print_findings(const struct why *w)
{
	unsigned int i;
	bool any = false;

	if (w->nfindings)
		puts("\nWhat was found");
	else if (w->vm || w->nevents)
		puts("\nNothing was found that is wrong.");
	for (i = 0; i < w->nfindings; i++)
		printf("  %s\n", w->findings[i]);
	for (i = 0; i < w->nfindings; i++) {
		if (!w->hints[i] || is_told(w, i))
			continue;
		if (!any)
			puts("\nWhat to try");
		any = true;
		printf("  %s\n", w->hints[i]);
	}
}

/**
 * why_text() - tell a VM's story
 * @w: what is known and found
 */
void why_text(const struct why *w)
{
	print_head(w);
	print_findings(w);
	print_events(w);
	if (w->failed && w->failure.has_exit)
		print_exit(w, &w->failure);
	if (w->failed) {
		print_faults(&w->failure);
		print_chain(&w->failure, &w->chain);
	}
	if (w->failed && w->failure.has_regs) {
		print_registers(&w->failure);
		print_code(&w->failure);
	}
	if (w->console)
		print_console(w->console);
}
