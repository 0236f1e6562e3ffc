// SPDX-License-Identifier: GPL-2.0-only
/*
 * vm-pause, vm-resume, vm-kill: the guest stands still between them, whatever its vCPUs were doing.
 */
#include "telemetry.h"

GUEST(count, 16, "sti; 1: incl %ss:0x7000; jmp 1b");
GUEST(halt, 16, "sti; 1: hlt; jmp 1b");

static int act(struct genl *g, uint8_t cmd, const struct vm *vm)
{
	return genl_do(g, cmd, ARGS({ VITRINE_A_VM_ID, vm_id(vm) }), NULL);
}

static struct message *vcpu_get(struct genl *g, const struct vcpu *vcpu)
{
	struct message *m;

	NEED(!genl_do(g, VITRINE_CMD_VCPU_GET,
		      ARGS({ VITRINE_A_VCPU_VM_ID, vm_id(vcpu->vm) }, { VITRINE_A_VCPU_ID, 0 }), &m));
	return m;
}

static bool reaches(struct genl *g, const struct vcpu *vcpu, uint32_t state)
{
	int i;

	for (i = 0; i < 500; i++) {
		if (attr_u32(vcpu_get(g, vcpu), VITRINE_A_VCPU_STATE) == state)
			return true;
		sleep_ms(10);
	}
	return false;
}

static uint32_t counter(const struct vcpu *vcpu)
{
	return *(volatile uint32_t *)(vcpu->vm->ram + 0x7000);
}

/* The guest counts on. */
static bool counts(const struct vcpu *vcpu)
{
	uint32_t before = counter(vcpu);
	int i;

	for (i = 0; i < 500 && counter(vcpu) == before; i++)
		sleep_ms(10);
	return i < 500;
}

ABI_TEST("a running guest stands still while it is paused")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	struct genl *g = genl_open();
	uint32_t before;

	vcpu_load16(vcpu, count, count_end);
	vcpu_start(vcpu);
	NEED(counts(vcpu));
	EXPECT_OK(act(g, VITRINE_CMD_VM_PAUSE, vcpu->vm));
	NEED(reaches(g, vcpu, VITRINE_VCPU_PAUSED));
	EXPECT_EQ(attr_u32(vm_get(g, vm_id(vcpu->vm)), VITRINE_A_VM_STATE), VITRINE_VM_PAUSED);
	before = counter(vcpu);
	NEED(before);
	sleep_ms(100);
	EXPECT_EQ(counter(vcpu), before);
	EXPECT_OK(act(g, VITRINE_CMD_VM_RESUME, vcpu->vm));
	NEED(counts(vcpu));
	EXPECT(attr_u64(vcpu_get(g, vcpu), VITRINE_A_VCPU_PAUSE_CYCLES) > 0);
	vcpu_kick(vcpu);
	NEED(vcpu_returns_within(vcpu, 5000));
	EXPECT_EQ(vcpu->error, EINTR);
}

ABI_TEST("a signal ends the wait of a paused vCPU, and the next KVM_RUN waits again")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	struct genl *g = genl_open();
	uint32_t before;

	vcpu_load16(vcpu, count, count_end);
	EXPECT_OK(act(g, VITRINE_CMD_VM_PAUSE, vcpu->vm));
	vcpu_start(vcpu);
	NEED(reaches(g, vcpu, VITRINE_VCPU_PAUSED));
	vcpu_kick(vcpu);
	NEED(vcpu_returns_within(vcpu, 5000));
	EXPECT_EQ(vcpu->result, -1);
	EXPECT_EQ(vcpu->error, EINTR);
	before = counter(vcpu);
	vcpu_start(vcpu);
	NEED(reaches(g, vcpu, VITRINE_VCPU_PAUSED));
	EXPECT_EQ(counter(vcpu), before);
	EXPECT_OK(act(g, VITRINE_CMD_VM_RESUME, vcpu->vm));
	NEED(counts(vcpu));
	vcpu_kick(vcpu);
	NEED(vcpu_returns_within(vcpu, 5000));
}

ABI_TEST("a halted vCPU, and one that is made while the VM is paused, are paused too")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0), *late;
	struct genl *g = genl_open();

	vcpu_load16(vcpu, halt, halt_end);
	vcpu_start(vcpu);
	NEED(reaches(g, vcpu, VITRINE_VCPU_HALTED));
	EXPECT_OK(act(g, VITRINE_CMD_VM_PAUSE, vcpu->vm));
	NEED(reaches(g, vcpu, VITRINE_VCPU_PAUSED));
	late = vcpu_create(vcpu->vm, 1);
	vcpu_start(late);
	EXPECT(!vcpu_returns_within(late, 100));
	EXPECT_OK(act(g, VITRINE_CMD_VM_RESUME, vcpu->vm));
	NEED(reaches(g, vcpu, VITRINE_VCPU_HALTED));
	EXPECT(attr_u64(vcpu_get(g, vcpu), VITRINE_A_VCPU_HALT_CYCLES) > 0);
	vcpu_kick(late);
	vcpu_kick(vcpu);
	NEED(vcpu_returns_within(vcpu, 5000) && vcpu_returns_within(late, 5000));
}

ABI_TEST("a paused VM can be killed and taken apart")
{
	struct genl *g = genl_open();
	int pipes[2];
	uint32_t id;
	pid_t pid;
	int i;

	NEED(!pipe(pipes));
	pid = fork();
	if (!pid) {
		struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);

		vcpu_load16(vcpu, count, count_end);
		vcpu_start(vcpu);
		id = vm_id(vcpu->vm);
		act(genl_open(), VITRINE_CMD_VM_PAUSE, vcpu->vm);
		NEED(write(pipes[1], &id, 4) == 4);
		for (;;)
			pause();
	}
	NEED(read(pipes[0], &id, 4) == 4);
	EXPECT_OK(genl_do(g, VITRINE_CMD_VM_KILL, ARGS({ VITRINE_A_VM_ID, id }), NULL));
	EXPECT(!ended_well(pid));
	for (i = 0; i < 500 && genl_do(g, VITRINE_CMD_VM_GET, ARGS({ VITRINE_A_VM_ID, id }), NULL) != -ENOENT; i++)
		sleep_ms(10);
	EXPECT(i < 500);
}
