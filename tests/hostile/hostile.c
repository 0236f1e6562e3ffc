// SPDX-License-Identifier: GPL-2.0-only
/*
 * hostile.c: seeds, child processes, and the question whether the host is still whole.
 */
#include "hostile.h"

#include <fcntl.h>
#include <signal.h>
#include <time.h>
#include <sys/time.h>
#include <sys/wait.h>

GUEST(alive, 16, "mov $0x2a, %al; out %al, $0xf4");

/**
 * hostile_seed() - HOSTILE_SEED, or one from the clock; printed
 */
uint64_t hostile_seed(void)
{
	const char *wanted = getenv("HOSTILE_SEED");
	uint64_t seed = wanted && *wanted ? strtoull(wanted, NULL, 0) : (uint64_t)time(NULL);

	printf("# HOSTILE_SEED=%llu\n", (unsigned long long)seed);
	return seed;
}

/**
 * hostile_random() - next number of a sequence (a 64-bit LCG with its high half folded in)
 * @state: the sequence
 */
uint64_t hostile_random(uint64_t *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return *state ^ *state >> 32;
}

/**
 * expect_device_works() - an honest machine still runs; ends signal_every_ms()
 */
void expect_device_works(void)
{
	struct itimerval never = {0};
	struct vcpu *vcpu;

	NEED(setitimer(ITIMER_REAL, &never, NULL) == 0);
	vcpu = vcpu_create(vm_create(VM_PIT), 0);
	vcpu_load16(vcpu, alive, alive_end);
	EXPECT(vcpu_done(vcpu));
	EXPECT_EQ(run_port_data(vcpu), 0x2a);
	close(vcpu->fd);
	munmap(vcpu->run, 3 * 4096);
	munmap(vcpu->vm->ram, RAM_SIZE);
	close(vcpu->vm->fd);
	free(vcpu->vm);
	free(vcpu);
}

/**
 * device_module() - the module that owns the device under test
 */
const char *device_module(void)
{
	if (!strstr(abi_device, "kvm"))
		return "vitrine";
	return access("/sys/module/kvm_intel", F_OK) ? "kvm_amd" : "kvm_intel";
}

/**
 * module_references() - how often the device's module is in use
 * Return: the count, -1 when it cannot be read.
 */
int module_references(void)
{
	char path[64];
	int count = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/module/%s/refcnt", device_module());
	file = fopen(path, "r");
	if (!file)
		return -1;
	if (fscanf(file, "%d", &count) != 1)
		count = -1;
	fclose(file);
	return count;
}

/**
 * in_child() - run something in a process of its own
 * Return: its wait status.
 */
int in_child(void (*body)(void *argument), void *argument)
{
	int status = -1;
	pid_t child;

	fflush(stdout);
	child = fork();
	NEED(child >= 0);
	if (!child) {
		body(argument);
		abi_stop();
	}
	NEED(waitpid(child, &status, 0) == child);
	return status;
}

static void on_tick(int signal)
{
	(void)signal;
}

/**
 * signal_every_ms() - from now on, no KVM_RUN of this process lasts longer than @ms
 */
void signal_every_ms(unsigned int ms)
{
	struct itimerval timer = {.it_interval.tv_usec = ms * 1000, .it_value.tv_usec = ms * 1000};
	struct sigaction action = {.sa_handler = on_tick};

	NEED(sigaction(SIGALRM, &action, NULL) == 0);
	NEED(setitimer(ITIMER_REAL, &timer, NULL) == 0);
}

/**
 * die_after_s() - SIGKILL for this process, whatever signals it has come to block
 */
void die_after_s(unsigned int seconds)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};
	struct itimerspec when = {.it_value.tv_sec = seconds};
	timer_t timer;

	NEED(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
	NEED(timer_settime(timer, 0, &when, NULL) == 0);
}

/**
 * struct usage - kernel memory in use, KiB
 * @slab: SUnreclaim
 * @tables: PageTables and SecPageTables
 * @all: everything but files and processes' own pages
 */
struct usage {
	long slab;
	long tables;
	long all;
};

static struct usage memory_usage(void)
{
	struct usage usage = {0};
	char line[128];
	FILE *file;
	int fd;

	sleep_ms(300); /* RCU and the work queues free what is under way */
	sync();
	fd = open("/proc/sys/vm/drop_caches", O_WRONLY);
	if (fd >= 0) {
		if (write(fd, "3", 1) != 1)
			abi_fail(__FILE__, __LINE__, "drop_caches");
		close(fd);
	}
	/* What each CPU has counted is added up first. */
	NEED(write_file("/proc/sys/vm/stat_refresh", "1"));
	file = fopen("/proc/meminfo", "r");
	NEED(file);
	while (fgets(line, sizeof(line), file)) {
		long value;

		if (sscanf(line, "SUnreclaim: %ld", &value) == 1)
			usage.slab = value;
		else if (sscanf(line, "PageTables: %ld", &value) == 1 ||
			 sscanf(line, "SecPageTables: %ld", &value) == 1)
			usage.tables += value;
		else if (sscanf(line, "MemTotal: %ld", &value) == 1)
			usage.all += value;
		else if (sscanf(line, "MemFree: %ld", &value) == 1 || sscanf(line, "Buffers: %ld", &value) == 1 ||
			 sscanf(line, "Cached: %ld", &value) == 1 || sscanf(line, "AnonPages: %ld", &value) == 1)
			usage.all -= value;
	}
	fclose(file);
	return usage;
}

enum { CACHES = 256, GREW_KIB = 32 };

struct cache {
	char name[64];
	long kib;
};

/* What /proc/slabinfo says of each cache (slabinfo(5)). */
static unsigned int read_caches(struct cache *caches)
{
	FILE *file = fopen("/proc/slabinfo", "r");
	unsigned int count = 0;
	char line[256];

	while (file && count < CACHES && fgets(line, sizeof(line), file)) {
		unsigned long pages, slabs;
		char *data = strstr(line, ": slabdata");

		if (data && sscanf(line, "%63s %*u %*u %*u %*u %lu", caches[count].name, &pages) == 2 &&
		    sscanf(data, ": slabdata %*u %lu", &slabs) == 1)
			caches[count++].kib = slabs * pages * 4;
	}
	if (file)
		fclose(file);
	return count;
}

static void print_grown(const struct cache *before, unsigned int before_count,
			const struct cache *after, unsigned int after_count)
{
	unsigned int i, j;

	for (i = 0; i < after_count; i++) {
		long was = 0;

		for (j = 0; j < before_count; j++) {
			if (!strcmp(before[j].name, after[i].name))
				was = before[j].kib;
		}
		if (after[i].kib - was >= GREW_KIB)
			printf("# %s: %+ld KiB\n", after[i].name, after[i].kib - was);
	}
}

enum { SLACK_KIB = 512, SLACK_ALL_KIB = 256, TRIES = 3 };

static bool leaked(const struct usage *before, const struct usage *after)
{
	return after->slab - before->slab >= SLACK_KIB ||
	       after->tables - before->tables >= SLACK_KIB ||
	       after->all - before->all >= SLACK_ALL_KIB;
}

/**
 * expect_no_leak() - a workload, repeated, leaves memory and references as they were
 * @workload: one round; runs in a process of its own
 * @warm_up: rounds before the first measurement
 * @rounds: rounds between the measurements
 *
 * The host's own memory comes and goes too, a few MiB at once now and then: what is a leak is there
 * again at the next try. A kernel with KASAN keeps what was freed, and no sum says anything: kmemleak,
 * which the lab asks at the end, says it of all of them.
 */
void expect_no_leak(void (*workload)(void), unsigned int warm_up, unsigned int rounds)
{
	static struct cache caches_before[CACHES], caches_after[CACHES];
	unsigned int i, count_before, count_after;
	struct usage before, after;
	int references, try = 0;

	for (i = 0; i < warm_up; i++)
		in_child((void (*)(void *))(void *)workload, NULL);
	do {
		before = memory_usage();
		count_before = read_caches(caches_before);
		references = module_references();
		for (i = 0; i < rounds; i++)
			in_child((void (*)(void *))(void *)workload, NULL);
		after = memory_usage();
		printf("# %u rounds: slab %+ld KiB, page tables %+ld KiB, all %+ld KiB\n", rounds,
		       after.slab - before.slab, after.tables - before.tables, after.all - before.all);
		count_after = read_caches(caches_after);
		print_grown(caches_before, count_before, caches_after, count_after);
		EXPECT_EQ(module_references(), references);
		if (!access("/sys/kernel/debug/kmemleak", F_OK))
			abi_skip("the kernel keeps what was freed: kmemleak judges");
	} while (leaked(&before, &after) && ++try < TRIES);
	EXPECT(!leaked(&before, &after));
}
