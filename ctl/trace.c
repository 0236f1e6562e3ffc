// SPDX-License-Identifier: GPL-2.0-only
/*
 * trace.c - vmctl trace: a VM's exits one by one, in the words of the CPU's manual.
 *
 * The module writes them into a ring for each vCPU, which is looked into many times a second; what came in between is
 * put into the order of time. Exits that found no room are counted.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "compiler.h"
#include "seen.h"
#include "telemetry/collect.h"
#include "telemetry/disasm.h"
#include "telemetry/figures.h"
#include "telemetry/hw.h"
#include "telemetry/ring.h"

#define LOOK_MS		10
#define BATCH		65536	/* records put into order at once */
#define RECORDS		16384	/* of a vCPU; where many vCPUs ask for too much, fewer */
#define RECORDS_MIN	64

static const char *device = "/dev/vitrine", *reason;
static double seconds;

static const struct argp_option options[] = {
	{ "reason", 'r', "REASON", 0, "Only exits whose name has this in it, as `vmctl stats` or the manual names them", 0 },
	{ "for", 'f', "SECONDS", 0, "End after so long (0.01 to 86400); else at ^C, or with the VM", 0 },
	{ "device", 'D', "NODE", 0, "The module's device (default: /dev/vitrine)", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	char *end;

	(void)state;
	switch (key) {
	case 'r':
		reason = arg;
		return 0;
	case 'D':
		device = arg;
		return 0;
	case 'f':
		seconds = strtod(arg, &end);
		end += *end == 's';
		/* Written so that what is no number fails. */
		if (end == arg || *end || !(seconds >= 0.01 && seconds <= 86400))
			return vmctl_bad_value(arg, "--for takes 0.01 to 86400 seconds");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options, .parser = parse, .args_doc = "VM",
	.doc = "Prints each exit of a VM as it happens: when, which vCPU, the guest's RIP and its instruction there, how long the "
	       "guest waited, what became of the exit, and what the CPU said of it in the words of its manual. Instructions "
	       "are read by the module at the exit; where it cannot, the column says so. The VM is "
	       "one of any program on the module, by its name, or by # and its number. JSON is an object a line.\v"
	       "Examples:\n"
	       "  vmctl trace --for 5s web\n"
	       "  vmctl trace --reason MSR web\n"
	       "  vmctl trace --for 1s --format json '#7' | jq -r .reason | sort | uniq -c",
};

const struct vmctl_args vmctl_trace_args = { .argp = &argp, .reads = true, .no_store = true, .min = 1, .max = 1 };

/**
 * struct trace - an open trace
 * @name: of the VM
 * @id: its number
 * @family: to ask whether it is still there
 * @vmx: the CPU is of Intel's kind
 * @kinds: names of the kinds of exits, by number, in a sample
 * @fd: of the trace
 * @map: all rings
 * @size: bytes of @map
 * @rings: a ring for each vCPU
 * @n: their number
 * @lost: exits that were told as not recorded
 */
struct trace {
	const char *name;
	uint32_t id;
	struct family *family;
	bool vmx;
	struct tel_sample *kinds;
	int fd;
	uint8_t *map;
	size_t size;
	struct ring *rings;
	uint32_t n;
	uint64_t lost;
};

/**
 * struct seen_exit - a record and whose it is
 * @record: what the module wrote
 * @ring: of its vCPU
 */
struct seen_exit {
	struct vitrine_trace_record record;
	const struct ring *ring;
};

static volatile sig_atomic_t stopped;

static void on_stop(int sig)
{
	(void)sig;
	stopped = 1;
}

static const char *kind_of(const struct trace *t, const struct vitrine_trace_record *r)
{
	return r->kind < t->kinds->nreasons ? t->kinds->reasons[r->kind] : "unknown";
}

static void write_outcome(const struct vitrine_trace_record *r, char *s, size_t room)
{
	static const char *const outcomes[] = {
		[VITRINE_OUTCOME_RESUMED] = "resumed", [VITRINE_OUTCOME_SLOW] = "slow",
		[VITRINE_OUTCOME_SLEPT] = "slept", [VITRINE_OUTCOME_USER] = "user", [VITRINE_OUTCOME_FAULT] = "fault",
	};
	static const char *const reasons[] = {
		[KVM_EXIT_UNKNOWN] = "UNKNOWN", [KVM_EXIT_EXCEPTION] = "EXCEPTION", [KVM_EXIT_IO] = "IO",
		[KVM_EXIT_HYPERCALL] = "HYPERCALL", [KVM_EXIT_DEBUG] = "DEBUG", [KVM_EXIT_HLT] = "HLT",
		[KVM_EXIT_MMIO] = "MMIO", [KVM_EXIT_IRQ_WINDOW_OPEN] = "IRQ_WINDOW_OPEN",
		[KVM_EXIT_SHUTDOWN] = "SHUTDOWN", [KVM_EXIT_FAIL_ENTRY] = "FAIL_ENTRY", [KVM_EXIT_INTR] = "INTR",
		[KVM_EXIT_INTERNAL_ERROR] = "INTERNAL_ERROR", [KVM_EXIT_SYSTEM_EVENT] = "SYSTEM_EVENT",
		[KVM_EXIT_IOAPIC_EOI] = "IOAPIC_EOI", [KVM_EXIT_X86_RDMSR] = "X86_RDMSR",
		[KVM_EXIT_X86_WRMSR] = "X86_WRMSR",
	};

	if (r->outcome == VITRINE_OUTCOME_USER && r->user_reason < ARRAY_SIZE(reasons) && reasons[r->user_reason])
		snprintf(s, room, "KVM_EXIT_%s", reasons[r->user_reason]);
	else if (r->outcome == VITRINE_OUTCOME_USER)
		snprintf(s, room, "user, exit reason %u", r->user_reason);
	else
		snprintf(s, room, "%s", r->outcome < ARRAY_SIZE(outcomes) ? outcomes[r->outcome] : "unknown");
}

/* The bytes of @n in hexadecimal. */
static void write_bytes(const uint8_t *code, size_t n, char *s, size_t room)
{
	size_t i;

	*s = 0;
	for (i = 0; i < n && 2 * i + 2 < room; i++)
		snprintf(s + 2 * i, room - 2 * i, "%02x", code[i]);
}

/* The instruction at RIP; what is left of it, if it is none or goes on in the next page. */
static void write_instruction(const struct vitrine_trace_record *r, char *s, size_t room)
{
	size_t n = r->code_len < sizeof(r->code) ? r->code_len : sizeof(r->code);

	if (!n)
		snprintf(s, room, "(not readable)");
	else if (!disasm(r->code, n, r->rip, r->code_bits, s, room))
		write_bytes(r->code, n, s, room);
}

static void add_instruction(json_t *o, const struct vitrine_trace_record *r)
{
	size_t n = r->code_len < sizeof(r->code) ? r->code_len : sizeof(r->code);
	char text[80];

	if (!n)
		return;
	write_bytes(r->code, n, text, sizeof(text));
	json_object_set_new(o, "code", json_string(text));
	json_object_set_new(o, "bits", json_integer(r->code_bits));
	if (disasm(r->code, n, r->rip, r->code_bits, text, sizeof(text)))
		json_object_set_new(o, "instruction", json_string(text));
}

static void print_json(const struct trace *t, const struct seen_exit *e, const char *name, const char *details,
		       const char *outcome)
{
	const struct vitrine_trace_record *r = &e->record;
	char rip[24];
	json_t *o;

	snprintf(rip, sizeof(rip), "0x%" PRIx64, (uint64_t)r->rip);
	o = json_pack("{s:I, s:I, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:s}", "time_ns",
		      (json_int_t)ring_ns(e->ring, r->tsc), "vcpu", (json_int_t)e->ring->vcpu, "rip", rip, "kind",
		      kind_of(t, r), "reason", name, "hw_reason", (json_int_t)r->hw_reason, "info1",
		      (json_int_t)r->info1, "info2", (json_int_t)r->info2, "host_cycles",
		      (json_int_t)r->host_cycles, "guest_cycles", (json_int_t)r->guest_cycles, "outcome", outcome);
	if (details[0])
		json_object_set_new(o, "details", json_string(details));
	add_instruction(o, r);
	json_dumpf(o, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(o);
}

static void print_line(const struct seen_exit *e, const char *name, const char *details, const char *outcome)
{
	const struct vitrine_trace_record *r = &e->record;
	uint64_t ns = ring_ns(e->ring, r->tsc);
	uint32_t khz = e->ring->page->tsc_khz;
	time_t time = ns / 1000000000;
	char clock[16] = "", took[16], instruction[80];
	struct tm tm;

	if (localtime_r(&time, &tm))
		strftime(clock, sizeof(clock), "%T", &tm);
	figure_time(khz ? r->host_cycles * 1e6 / khz : 0, took, sizeof(took));
	write_instruction(r, instruction, sizeof(instruction));
	printf("%s.%06u  %3u  %016" PRIx64 "  %-32s  %5s  %-8s  %s%s%s\n", clock, (unsigned int)(ns / 1000 % 1000000),
	       e->ring->vcpu, (uint64_t)r->rip, instruction, took, outcome, name, details[0] ? ": " : "", details);
}

static void show(const struct trace *t, const struct seen_exit *e, enum vmctl_format format)
{
	const struct vitrine_trace_record *r = &e->record;
	struct hw_exit x = { .vmx = t->vmx, .reason = r->hw_reason, .info1 = r->info1, .info2 = r->info2,
			     .rax = r->rax, .rcx = r->rcx };
	char name[80], details[120], outcome[40];

	hw_exit_name(&x, name, sizeof(name));
	if (reason && !strcasestr(name, reason) && !strcasestr(kind_of(t, r), reason))
		return;
	hw_exit_details(&x, details, sizeof(details));
	write_outcome(r, outcome, sizeof(outcome));
	if (format == VMCTL_JSON)
		print_json(t, e, name, details, outcome);
	else
		print_line(e, name, details, outcome);
}

static int by_time(const void *a, const void *b)
{
	const struct seen_exit *x = a, *y = b;

	return x->record.tsc < y->record.tsc ? -1 : x->record.tsc > y->record.tsc;
}

/* What has come since the last look; returns how many. */
static size_t look(struct trace *t, struct seen_exit *list, enum vmctl_format format)
{
	size_t n = 0, i;
	uint32_t k;

	for (k = 0; k < t->n; k++) {
		while (n < BATCH && ring_next(&t->rings[k], &list[n].record))
			list[n++].ring = &t->rings[k];
		ring_release(&t->rings[k]);
	}
	qsort(list, n, sizeof(*list), by_time);
	for (i = 0; i < n; i++)
		show(t, &list[i], format);
	return n;
}

static void tell_lost(struct trace *t)
{
	uint64_t lost = 0;
	uint32_t k;

	for (k = 0; k < t->n; k++)
		lost += ring_lost(&t->rings[k]);
	if (lost != t->lost)
		fprintf(stderr, "vmctl trace: %" PRIu64 " exits came too fast to be recorded\n", lost - t->lost);
	t->lost = lost;
}

static bool is_gone(struct trace *t)
{
	const struct family_argument id = { .type = VITRINE_A_VM_ID, .value = t->id };

	return family_do(t->family, VITRINE_CMD_VM_GET, &id, 1, NULL, NULL) == -ENOENT;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static int follow(struct trace *t, enum vmctl_format format)
{
	struct seen_exit *list = malloc(BATCH * sizeof(*list));
	const struct timespec pause = { 0, LOOK_MS * 1000000L };
	double end = seconds > 0 ? now() + seconds : 0, ask = now() + 1;
	bool last = false;

	if (!list)
		return vmctl_errno(t->name, "free some memory");
	if (!disasm_there())
		fputs("vmctl trace: instructions: shown as bytes: install libcapstone4\n", stderr);
	while (!ferror(stdout)) {
		if (look(t, list, format) == BATCH)
			continue;
		if (fflush(stdout) || last)
			break;
		if (now() >= ask) {
			tell_lost(t);
			last = is_gone(t);
			ask = now() + 1;
		}
		last = last || stopped || (end > 0 && now() >= end);
		if (!last)
			nanosleep(&pause, NULL);
	}
	free(list);
	tell_lost(t);
	return ferror(stdout) ? vmctl_errno("standard output", "see where it goes") : VMCTL_OK;
}

static int map_rings(struct trace *t, const struct vitrine_trace_open *o)
{
	uint32_t k;

	t->size = o->vcpus * o->ring_size;
	t->map = mmap(NULL, t->size, PROT_READ | PROT_WRITE, MAP_SHARED, t->fd, 0);
	if (t->map == MAP_FAILED)
		return vmctl_errno(t->name, "free some memory");
	t->n = o->vcpus;
	t->rings = calloc(t->n, sizeof(*t->rings));
	for (k = 0; k < t->n && t->rings; k++)
		if (!ring_open(&t->rings[k], t->map + k * o->ring_size, o->ring_size))
			return vmctl_error(device, "the module's trace is of another version", "use its own vmctl");
	return t->rings ? VMCTL_OK : vmctl_errno(t->name, "free some memory");
}

static int refused(const struct trace *t)
{
	switch (errno) {
	case EBUSY:
		return vmctl_error(t->name, "it is being traced already", "end that trace first");
	case ENOENT:
		return vmctl_error(t->name, "it is gone, or another user's", "ask its owner, or root");
	default:
		return vmctl_errno(t->name, "see `vmctl doctor`");
	}
}

static int begin(struct trace *t, int dev)
{
	struct vitrine_trace_open o = { .vm_id = t->id, .records = RECORDS };

	if (ioctl(dev, KVM_CHECK_EXTENSION, VITRINE_CAP_TRACE) <= 0)
		return vmctl_error(device, "it has no exit trace", "load the module of this version");
	do {
		t->fd = ioctl(dev, VITRINE_TRACE_OPEN, &o);
		o.records /= 2;
	} while (t->fd < 0 && errno == E2BIG && o.records >= RECORDS_MIN);
	if (t->fd < 0)
		return refused(t);
	if (!o.vcpus)
		return vmctl_error(t->name, "it has no vCPU", "wait until it has been started");
	return map_rings(t, &o);
}

static void take_host(const struct family_message *m, void *arg)
{
	struct trace *t = arg;
	char backend[16];

	family_text(m, VITRINE_A_HOST_BACKEND, backend, sizeof(backend));
	t->vmx = !strcmp(backend, "vmx");
}

/* A filter that nothing passes is a slip of the pen. */
static bool names_exits(const struct trace *t)
{
	uint32_t i;

	for (i = 0; i < t->kinds->nreasons; i++)
		if (strcasestr(t->kinds->reasons[i], reason))
			return true;
	return hw_exit_named(t->vmx, reason);
}

static int run(struct trace *t, struct collector *c, enum vmctl_format format)
{
	struct sigaction stop = { .sa_handler = on_stop };
	const struct tel_vm *vm;
	char error[160];
	int dev, status;

	t->kinds = collect_sample(c, 0, error, sizeof(error));
	if (!t->kinds)
		return vmctl_error(device, error, "see `vmctl doctor`");
	vm = seen_vm(t->kinds, t->name);
	if (!vm)
		return VMCTL_FAILED;
	t->id = vm->id;
	t->family = collect_family(c);
	family_do(t->family, VITRINE_CMD_HOST_GET, NULL, 0, take_host, t);
	if (reason && !names_exits(t))
		return vmctl_error(reason, "no exit of this host's CPU has that in its name",
				   "take a name of `vmctl stats`, or of the CPU's manual");
	dev = open(device, O_RDWR | O_CLOEXEC);
	if (dev < 0)
		return vmctl_errno(device, "join the group vitrine, or see `vmctl doctor`");
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	status = begin(t, dev);
	close(dev);
	return status ? status : follow(t, format);
}

int vmctl_trace(int argc, char **argv)
{
	struct vmctl_args a = vmctl_trace_args;
	struct trace t = { .fd = -1, .map = MAP_FAILED };
	struct family_trouble trouble;
	struct collector *c;
	int status;

	if (vmctl_parse(&a, argc, argv))
		return VMCTL_USAGE;
	t.name = a.names[0];
	c = collect_open(&trouble);
	if (!c)
		return vmctl_error(device, trouble.what, trouble.remedy);
	status = run(&t, c, a.format);
	if (t.map != MAP_FAILED)
		munmap(t.map, t.size);
	if (t.fd >= 0)
		close(t.fd);
	free(t.rings);
	sample_free(t.kinds);
	collect_close(c);
	return status;
}
