// SPDX-License-Identifier: GPL-2.0-only
/*
 * pm.c - how a guest ends its machine: ACPI's PM1 block, the reset register at 0xcf9, the keyboard
 * controller's reset line; and the port that tells --timing of /init.
 *
 * Source: ACPI 6.4 "PM1 Control Registers".
 */
#include "vmm.h"

#define PM1_SLP_EN	0x2000
#define PM1_SCI_EN	0x0001

static uint32_t pm_in(void *opaque, uint16_t port, unsigned int size)
{
	struct vmm *m = opaque;
	uint32_t event = m->pm1_status | (uint32_t)m->pm1_enable << 16;
	unsigned int at = port - VMM_PORT_PM;

	(void)size;
	return at < 4 ? event >> (8 * at) : (uint32_t)m->pm1_control >> (8 * (at - 4));
}

static void pm_out(void *opaque, uint16_t port, unsigned int size, uint32_t val)
{
	struct vmm *m = opaque;

	(void)size;
	switch (port - VMM_PORT_PM) {
	case 0:
		m->pm1_status &= ~val;
		break;
	case 2:
		m->pm1_enable = val;
		break;
	case 4:
		/* Any sleep type is S5: the tables offer no other. */
		if (val & PM1_SLP_EN)
			vmm_end(m, VMM_POWERED_OFF);
		m->pm1_control = (val & ~PM1_SLP_EN) | PM1_SCI_EN;
		break;
	}
}

static uint32_t reset_in(void *opaque, uint16_t port, unsigned int size)
{
	(void)opaque;
	(void)port;
	(void)size;
	return 0;
}

static void reset_out(void *opaque, uint16_t port, unsigned int size, uint32_t val)
{
	(void)port;
	(void)size;
	if (val & 4)
		vmm_end(opaque, VMM_RESET);
}

/* No keyboard: the controller's buffers are empty and its self test never answers. */
static uint32_t kbd_in(void *opaque, uint16_t port, unsigned int size)
{
	(void)opaque;
	(void)port;
	(void)size;
	return 0;
}

static void kbd_out(void *opaque, uint16_t port, unsigned int size, uint32_t val)
{
	(void)size;
	/* Commands F0..FF pulse output lines; line 0 is the CPU's reset. */
	if (port == 0x64 && (val & 0xf1) == 0xf0)
		vmm_end(opaque, VMM_RESET);
}

static void init_out(void *opaque, uint16_t port, unsigned int size, uint32_t val)
{
	struct vmm *m = opaque;

	(void)port;
	(void)size;
	(void)val;
	vmm_timing(m, "guest's /init", &m->timed_init);
}

/**
 * vmm_pm_create() - add them to the bus
 * @m: the machine
 */
void vmm_pm_create(struct vmm *m)
{
	m->pm1_control = PM1_SCI_EN;
	vmm_bus_add(m, VMM_PORT_PM, 6, m, pm_in, pm_out);
	vmm_bus_add(m, 0xcf9, 1, m, reset_in, reset_out);
	vmm_bus_add(m, 0x60, 1, m, kbd_in, kbd_out);
	vmm_bus_add(m, 0x64, 1, m, kbd_in, kbd_out);
	vmm_bus_add(m, VMM_PORT_INIT, 1, m, reset_in, init_out);
}
