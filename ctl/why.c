// SPDX-License-Identifier: GPL-2.0-only
/*
 * why.c - vmctl why: the story of a VM that stopped or misbehaves, from the module's events and counters and from
 * the VM's folder. Each of them may be missing: a VM of another program has no folder, one on a stock /dev/kvm no
 * events.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client.h"
#include "compiler.h"
#include "telemetry/collect.h"
#include "telemetry/figures.h"
#include "vmm/cgroup.h"
#include "why.h"

#define MOMENT_MS	500
#define LOG_MAX		(4 << 20)

static const struct argp argp = {
	.args_doc = "VM",
	.doc = "Tells the story of a VM that stopped or misbehaves: its last events, the exit that ended it and which check of "
	       "the manual failed, the guest's last exceptions, registers and code, the end of its console; and for one "
	       "that runs, what its vCPUs do. The VM is one of vmctl's, or any on the module, by its name, or by # and "
	       "its number.\v"
	       "Examples:\n"
	       "  vmctl why web\n"
	       "  vmctl why --format json '#7' >report.json",
};

const struct vmctl_args vmctl_why_args = { .argp = &argp, .reads = true, .min = 1, .max = 1 };

/**
 * struct search - the VM among the module's
 * @w: what is known
 * @id: its number
 * @found: there is one
 * @trouble: why the module could not be asked, or empty
 */
struct search {
	struct why *w;
	uint32_t id;
	bool found;
	struct family_trouble trouble;
};

/* The latest VM that had the name. */
static void take_name(const struct family_message *m, void *arg)
{
	struct search *s = arg;
	struct event e;

	event_decode(m, &e);
	if (strcmp(e.name, s->w->name) || (s->found && e.vm < s->id))
		return;
	s->id = e.vm;
	s->found = true;
}

static void take_event(const struct family_message *m, void *arg)
{
	struct why *w = arg;
	struct event e;

	event_decode(m, &e);
	if (w->nevents == WHY_EVENTS) {
		memmove(w->events, w->events + 1, sizeof(w->events) - sizeof(w->events[0]));
		w->nevents--;
	}
	w->events[w->nevents++] = e;
	if (event_is_failure(e.type)) {
		w->failure = e;
		w->failed = true;
	}
	/* It has been put right, or reset. */
	if (e.type == VITRINE_EVENT_STARTED)
		w->failed = false;
}

static void take_host(const struct family_message *m, void *arg)
{
	struct why *w = arg;
	char backend[16];

	family_text(m, VITRINE_A_HOST_BACKEND, backend, sizeof(backend));
	w->vmx = !strcmp(backend, "vmx");
}

static void look_now(struct why *w, struct collector *c, uint32_t id)
{
	struct timespec t = { 0, MOMENT_MS * 1000000L };
	char error[160];

	w->old = collect_sample(c, 0, error, sizeof(error));
	if (!sample_find(w->old, id))
		return;
	nanosleep(&t, NULL);
	w->new = collect_sample(c, 0, error, sizeof(error));
	w->vm = sample_find(w->new, id);
}

/* What the module knows; nothing is no error. */
static void ask_module(struct why *w, struct search *s)
{
	struct family_argument id = { .type = VITRINE_A_EVENT_VM_ID };
	struct collector *c = collect_open(&s->trouble);

	if (!c)
		return;
	family_do(collect_family(c), VITRINE_CMD_HOST_GET, NULL, 0, take_host, w);
	s->found = seen_number(w->name, &s->id);
	if (!s->found)
		family_dump(collect_family(c), VITRINE_CMD_EVENT_GET, NULL, 0, take_name, s);
	if (s->found) {
		id.value = s->id;
		family_dump(collect_family(c), VITRINE_CMD_EVENT_GET, &id, 1, take_event, w);
		look_now(w, c, s->id);
	}
	collect_close(c);
}

static void read_console(struct why *w, struct vm *vm)
{
	size_t n;
	char *text = file_read(vm->fd, "console.log", LOG_MAX, &n);

	if (!text)
		return;
	w->console = strndup(text + (n > WHY_CONSOLE ? n - WHY_CONSOLE : 0), WHY_CONSOLE);
	free(text);
}

/* A process that was killed wrote nothing: what it left in its group tells whether it was for its memory. */
static void look_for_kill(struct why *w, struct vm *vm, const struct vm_status *status)
{
	struct config c;

	w->killed = status->state == VM_CRASHED && !status->since;
	if (!w->killed)
		return;
	config_init(&c);
	if (!vm_config(vm, &c) && c.uuid)
		w->oom_kills = cgroup_oom_kills(c.uuid);
	config_fini(&c);
}

/* What vmctl keeps of it, if it does. */
static int ask_store(struct why *w, const char *path)
{
	struct vm_status status;
	struct store s;
	struct vm vm;

	if (w->name[0] == '#')
		return VMCTL_OK;
	if (store_open(&s, path))
		return VMCTL_FAILED;
	if (vm_is_there(&s, w->name) && !vm_open(&vm, &s, w->name)) {
		if (!run_status(vm.fd, &status)) {
			w->in_store = true;
			snprintf(w->state, sizeof(w->state), "%s", vm_state_name(status.state));
			snprintf(w->reason, sizeof(w->reason), "%s", status.reason);
			look_for_kill(w, &vm, &status);
			read_console(w, &vm);
		}
		vm_close(&vm);
	}
	store_close(&s);
	return VMCTL_OK;
}

static json_t *lines_of(const char *text)
{
	json_t *lines = json_array();
	char line[WHY_CONSOLE + 1];
	size_t n;

	for (; text && *text; text += n + (text[n] == '\n')) {
		n = strcspn(text, "\n");
		snprintf(line, sizeof(line), "%.*s", (int)(n && text[n - 1] == '\r' ? n - 1 : n), text);
		figure_clean(line);
		if (n)
			json_array_append_new(lines, json_string(line));
	}
	return lines;
}

static json_t *hex(uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%" PRIx64, value);
	return json_string(text);
}

static json_t *registers_of(const struct event *e)
{
	static const char *const names[VITRINE_A_REGS_MAX + 1] = {
		[VITRINE_A_REGS_RAX] = "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10",
		"r11", "r12", "r13", "r14", "r15", "rip", "rflags", "cr0", "cr2", "cr3", "cr4", "efer", "cs", "cs_base",
		"ss", "ss_base", "tr", "tr_base", "gdt_base", "gdt_limit", "idt_base", "idt_limit",
	};
	json_t *o = json_object();
	int i;

	for (i = VITRINE_A_REGS_RAX; i <= VITRINE_A_REGS_MAX; i++)
		json_object_set_new(o, names[i], hex(e->regs[i]));
	return o;
}

static json_t *chain_of(const struct why_chain *c)
{
	json_t *steps = json_array(), *s;
	unsigned int i;

	for (i = 0; i < c->n; i++) {
		s = json_pack("{s:s}", "how", c->steps[i].how);
		if (c->steps[i].vector != WHY_UNKNOWN)
			json_object_set_new(s, "exception", json_string(hw_exception(c->steps[i].vector)));
		json_array_append_new(steps, s);
	}
	return json_pack("{s:o, s:b, s:s}", "steps", steps, "whole", c->whole, "end", c->end);
}

static json_t *walks_of(const struct event *e)
{
	static const char *const names[] = {
		[VITRINE_WALK_CODE] = "code", [VITRINE_WALK_CR2] = "cr2", [VITRINE_WALK_IDT] = "idt",
		[VITRINE_WALK_GDT] = "gdt", [VITRINE_WALK_TSS] = "tss", [VITRINE_WALK_STACK] = "stack",
		[VITRINE_WALK_DF_STACK] = "df-stack",
	};
	json_t *walks = json_array(), *entries;
	unsigned int i, k;
	char end[120];

	for (i = 0; i < e->nwalks; i++) {
		const struct event_walk *w = &e->walks[i];

		entries = json_array();
		for (k = 0; k < w->nentries; k++)
			json_array_append_new(entries, json_pack("{s:o, s:o}", "at", hex(w->entries[k][0]), "entry",
								 hex(w->entries[k][1])));
		why_walk_end(e, w, end, sizeof(end));
		json_array_append_new(walks, json_pack("{s:s, s:o, s:o, s:b, s:s}", "of",
						       w->of < ARRAY_SIZE(names) ? names[w->of] : "unknown", "address",
						       hex(w->address), "entries", entries, "mapped", w->mapped, "end",
						       end));
	}
	return walks;
}

static void add_details(json_t *failure, const struct why *w)
{
	if (w->failure.has_regs)
		json_object_set_new(failure, "registers", registers_of(&w->failure));
	if (w->failure.nwalks)
		json_object_set_new(failure, "walks", walks_of(&w->failure));
	if (w->chain.n)
		json_object_set_new(failure, "chain", chain_of(&w->chain));
}

static int print_json(const struct why *w)
{
	json_t *o = json_pack("{s:s, s:o, s:o}", "name", w->name, "events", json_array(), "findings", json_array());
	json_t *f;
	unsigned int i;

	if (w->in_store)
		json_object_update_new(o, json_pack("{s:s, s:s}", "state", w->state, "reason", w->reason));
	if (w->vm)
		json_object_update_new(o, json_pack("{s:I, s:s, s:i}", "id", (json_int_t)w->vm->id, "module_state",
						    w->vm->state, "pid", (int)w->vm->pid));
	for (i = 0; i < w->nevents; i++)
		json_array_append_new(json_object_get(o, "events"), seen_event(&w->events[i]));
	if (w->failed) {
		f = seen_event(&w->failure);
		add_details(f, w);
		json_object_set_new(o, "failure", f);
	}
	for (i = 0; i < w->nfindings; i++)
		json_array_append_new(json_object_get(o, "findings"),
				      json_pack("{s:s, s:s*}", "what", w->findings[i], "try", w->hints[i]));
	if (w->console)
		json_object_set_new(o, "console", lines_of(w->console));
	return output_object(VMCTL_JSON, NULL, 0, o);
}

static int tell(struct why *w, const struct search *s, enum vmctl_format format)
{
	if (!w->in_store && s->trouble.what)
		return vmctl_error("/dev/vitrine", s->trouble.what, s->trouble.remedy);
	if (!w->in_store && !w->nevents && !w->vm)
		return vmctl_error(w->name, s->found ? "the module knows no event of it" : "there is no such VM",
				   "`vmctl list` and `vmtop` show those that are; loading the module anew forgets events");
	why_find(w);
	if (format == VMCTL_JSON)
		return print_json(w);
	why_text(w);
	return fflush(stdout) ? vmctl_errno("standard output", "see where it goes") : VMCTL_OK;
}

int vmctl_why(int argc, char **argv)
{
	struct vmctl_args a = vmctl_why_args;
	struct search s = { 0 };
	static struct why w;
	int status;

	if (vmctl_parse(&a, argc, argv))
		return VMCTL_USAGE;
	w.name = a.names[0];
	s.w = &w;
	if (ask_store(&w, a.store))
		return VMCTL_FAILED;
	ask_module(&w, &s);
	status = tell(&w, &s, a.format);
	sample_free(w.old);
	sample_free(w.new);
	free(w.console);
	return status;
}
