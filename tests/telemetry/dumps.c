// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dumps while VMs come and go, other readers are killed, and traces are switched on and off: what was there all the
 * time is there once.
 */
#include "telemetry.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

enum { VMS = 100, VCPUS = 10, KILLS = 100, DUMPS = 5 };

GUEST(leave, 16, "out %al, $0xf4; out %al, $0xf4");

static struct vm *vms[VMS];
static uint32_t ids[VMS];

/* A VM with VCPUS that have each had one exit, which is counted. */
static struct vm *settled(void)
{
	struct vm *vm = vm_create(0);
	int i;

	for (i = 0; i < VCPUS; i++) {
		struct vcpu *vcpu = vcpu_create(vm, i);

		vcpu_load16(vcpu, leave, leave_end);
		NEED(vcpu_done(vcpu) && vcpu_done(vcpu));
	}
	return vm;
}

static void come_and_go(void)
{
	struct vm *vm;

	for (;;) {
		vm = vm_create(0);
		close(vcpu_create(vm, 0)->fd);
		close(vm->fd);
		munmap(vm->ram, RAM_SIZE);
	}
}

/* How often each vCPU of ours is in a dump: once, if nothing is missed or doubled. */
static void check(const struct message *m, uint16_t vm_attr, uint16_t vcpu_attr, uint16_t kind_attr,
		  unsigned int *others)
{
	static uint8_t seen[VMS][VCPUS];
	uint32_t last_vm = 0, i, k;

	memset(seen, 0, sizeof(seen));
	for (; m; m = m->next) {
		uint32_t id = attr_u32(m, vm_attr);

		EXPECT(id >= last_vm);
		last_vm = id;
		for (i = 0; i < VMS && ids[i] != id; i++)
			;
		if (i == VMS) {
			++*others;
			continue;
		}
		/* Port writes alone: what else there was depends on the host. */
		if (kind_attr && strcmp(attr_string(m, kind_attr), "port_io"))
			continue;
		NEED(attr_u32(m, vcpu_attr) < VCPUS);
		seen[i][attr_u32(m, vcpu_attr)]++;
	}
	for (i = 0; i < VMS; i++)
		for (k = 0; k < VCPUS; k++)
			EXPECT_EQ(seen[i][k], 1);
}

/* @stress: of which KILLS are to be killed meanwhile, or NULL */
static void dump_crowd(const struct stress *stress)
{
	struct rlimit files = { 8192, 8192 };
	struct genl *g = genl_open();
	unsigned int others = 0;
	pid_t child;
	int i;

	child = fork();
	if (!child)
		come_and_go();
	NEED(!setrlimit(RLIMIT_NOFILE, &files));
	for (i = 0; i < VMS; i++) {
		vms[i] = settled();
		ids[i] = vm_id(vms[i]);
	}
	for (i = 0; i < DUMPS || (stress && __atomic_load_n(&stress->kills, __ATOMIC_ACQUIRE) < KILLS); i++) {
		check(genl_dump(g, VITRINE_CMD_EXIT_STATS_GET, NULL), VITRINE_A_EXIT_VM_ID,
		      VITRINE_A_EXIT_VCPU_ID, VITRINE_A_EXIT_NAME, &others);
		check(genl_dump(g, VITRINE_CMD_VCPU_GET, NULL), VITRINE_A_VCPU_VM_ID, VITRINE_A_VCPU_ID, 0,
		      &others);
	}
	for (i = 0; !others && i < 200; i++) {
		sleep_ms(10);
		check(genl_dump(g, VITRINE_CMD_VCPU_GET, NULL), VITRINE_A_VCPU_VM_ID, VITRINE_A_VCPU_ID, 0,
		      &others);
	}
	EXPECT(others > 0);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

ABI_TEST("a dump of a thousand vCPUs misses and doubles none while VMs come and go")
{
	dump_crowd(NULL);
}

ABI_TEST("nor while other readers and machines are killed, and traces switched on and off")
{
	struct stress *stress;

	if (!getenv("TELEMETRY_STRESS"))
		abi_skip("set TELEMETRY_STRESS for it");
	stress = stress_begin();
	dump_crowd(stress);
	EXPECT(stress_end(stress));
	printf("# %u killed\n", stress->kills);
}
