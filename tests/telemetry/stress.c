// SPDX-License-Identifier: GPL-2.0-only
/*
 * stress.c: readers of everything the module tells, and machines to tell of, each killed at a random moment and
 * replaced by another. What they see is not looked at; the test that has them run looks for itself.
 */
#include "telemetry.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum { AT_ONCE = 6, LATEST_US = 40000, RECORDS = 64 };

GUEST(exits, 16, "1: xor %eax, %eax; cpuid; jmp 1b");

/* Root's view of all VMs, dump after dump. */
static void dump_for_ever(void)
{
	struct genl *g = genl_open();

	for (;;)
		genl_dump(g, random() & 1 ? VITRINE_CMD_EXIT_STATS_GET : VITRINE_CMD_VCPU_GET, NULL);
}

/* One that is asked for and not read. */
static void leave_a_dump(void)
{
	struct genl *g = genl_open();

	NEED(!genl_send(g, VITRINE_CMD_EXIT_STATS_GET, NLM_F_DUMP, "", 0));
	for (;;)
		pause();
}

static void watch_events(void)
{
	struct genl *g = genl_open();

	genl_do(g, VITRINE_CMD_EVENT_WATCH, NULL, NULL);
	for (;;)
		genl_wait(g, 1000);
}

/* With next to no room for them. */
static void ignore_events(void)
{
	struct genl *g = genl_open();
	int room = 1;

	NEED(!setsockopt(g->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)));
	genl_do(g, VITRINE_CMD_EVENT_WATCH, NULL, NULL);
	for (;;)
		pause();
}

/* The rings of a VM, each emptied some times. Another may trace it, and it may go at any time. */
static void trace_one(uint32_t vm)
{
	struct vitrine_trace_open o = { .vm_id = vm, .records = RECORDS };
	struct vitrine_trace_ring *r;
	int fd = ioctl(abi_open(), VITRINE_TRACE_OPEN, &o), i;
	uint32_t k;
	char *at;

	if (fd < 0)
		return;
	at = mmap(NULL, o.ring_size * o.vcpus, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	NEED(at != MAP_FAILED);
	for (i = 0; i < 20; i++)
		for (k = 0; k < o.vcpus; k++) {
			r = (void *)(at + k * o.ring_size);
			__atomic_store_n(&r->tail, __atomic_load_n(&r->head, __ATOMIC_ACQUIRE), __ATOMIC_RELEASE);
			usleep(50);
		}
	munmap(at, o.ring_size * o.vcpus);
	close(fd);
}

/* Traces switched on and off: of any VM, of the newest more often. */
static void trace_for_ever(void)
{
	struct genl *g = genl_open();
	const struct message *m;
	uint32_t vm;

	for (;;) {
		vm = 0;
		for (m = genl_dump(g, VITRINE_CMD_VM_GET, NULL); m; m = m->next)
			if (!vm || random() & 1)
				vm = attr_u32(m, VITRINE_A_VM_ID);
		if (vm)
			trace_one(vm);
	}
}

static void *run_for_ever(void *vcpu)
{
	for (;;)
		vcpu_run(vcpu);
	return NULL;
}

static void machine(void)
{
	struct vm *vm = vm_create(0);
	pthread_t thread;
	int i;

	for (i = 0; i < 2; i++) {
		struct vcpu *vcpu = vcpu_create(vm, i);

		vcpu_load16(vcpu, exits, exits_end);
		NEED(!pthread_create(&thread, NULL, run_for_ever, vcpu));
	}
	for (;;)
		vm_name(vm, random() & 1 ? "odd" : "even");
}

static const struct kind {
	const char *name;
	void (*run)(void);
} kinds[] = {
	{ "machine", machine }, { "tracer", trace_for_ever }, { "reader of dumps", dump_for_ever },
	{ "reader that reads nothing", leave_a_dump }, { "reader of events", watch_events },
	{ "reader without room", ignore_events }, { "machine", machine }, { "tracer", trace_for_ever },
};

struct one {
	pid_t pid;
	const struct kind *kind;
};

static struct one begin(void)
{
	struct one o = { .kind = &kinds[random() % (sizeof(kinds) / sizeof(kinds[0]))] };
	unsigned int seed = random();

	fflush(stdout);
	o.pid = fork();
	NEED(o.pid >= 0);
	if (!o.pid) {
		srandom(seed);
		o.kind->run();
	}
	return o;
}

/* Was it running until the signal? */
static bool end(const struct one *o)
{
	int status;

	NEED(!kill(o->pid, SIGKILL) && waitpid(o->pid, &status, 0) == o->pid);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		printf("# a %s ended by itself: status %#x\n", o->kind->name, status);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

static void kill_for_ever(struct stress *s)
{
	struct one ones[AT_ONCE];
	int i;

	for (i = 0; i < AT_ONCE; i++)
		ones[i] = begin();
	while (!__atomic_load_n(&s->stop, __ATOMIC_ACQUIRE)) {
		usleep(random() % LATEST_US);
		i = random() % AT_ONCE;
		s->failed |= !end(&ones[i]);
		ones[i] = begin();
		__atomic_add_fetch(&s->kills, 1, __ATOMIC_RELEASE);
	}
	for (i = 0; i < AT_ONCE; i++)
		s->failed |= !end(&ones[i]);
	fflush(stdout);
}

/**
 * stress_begin() - from now on, until stress_end()
 *
 * To be called before the caller has VMs: its children would be theirs too.
 */
struct stress *stress_begin(void)
{
	struct stress *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned int seed = time(NULL);
	pid_t pid;

	NEED(s != MAP_FAILED);
	printf("# stress: seed %u\n", seed);
	fflush(stdout);
	srandom(seed);
	pid = fork();
	NEED(pid >= 0);
	if (!pid) {
		kill_for_ever(s);
		_exit(0);
	}
	/* In memory that the child shares: only here. */
	s->pid = pid;
	return s;
}

/**
 * stress_end() - all of them are gone
 *
 * Return: did each run until it was killed?
 */
bool stress_end(struct stress *s)
{
	int status;

	__atomic_store_n(&s->stop, true, __ATOMIC_RELEASE);
	NEED(waitpid(s->pid, &status, 0) == s->pid);
	if (status)
		printf("# who kills them ended with status %#x\n", status);
	return !status && !s->failed;
}
