// SPDX-License-Identifier: GPL-2.0-only
/*
 * pm.c - how a guest ends its machine, and is asked to: ACPI's PM1 block with the power button, its
 * general-purpose events, the reset register at 0xcf9, pvpanic; and the port that tells --timing of /init.
 *
 * Source: ACPI 6.4 "PM1 Control Registers", "Fixed Power Button"; QEMU docs/specs/pvpanic "Bit Definition".
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compiler.h"
#include "part.h"
#include "vmm.h"

#define PM1_BUTTON	0x0100	/* power button, in status and in enable */
#define PM1_SCI_EN	0x0001
#define PM1_SLP_EN	0x2000

#define RESET_CPU	0x04

#define PANICKED	0x01

struct vmm_pm {
	struct vmm *m;
	pthread_mutex_t lock;
	uint16_t status, enable, control;
	uint8_t gpe_status, gpe_enable;
	bool level;		/* of the SCI */
	struct vmm_part part;
};

static bool sci(const struct vmm_pm *pm)
{
	return pm->status & pm->enable & PM1_BUTTON || pm->gpe_status & pm->gpe_enable;
}

static void update_sci(struct vmm_pm *pm)
{
	bool level = sci(pm);

	if (level != pm->level)
		vmm_irq(pm->m, VMM_IRQ_SCI, level);
	pm->level = level;
}

static uint32_t pm_in(void *opaque, uint16_t port, unsigned int size)
{
	struct vmm_pm *pm = opaque;
	unsigned int at = port - VMM_PORT_PM;
	uint64_t block;

	(void)size;
	pthread_mutex_lock(&pm->lock);
	block = pm->status | (uint64_t)pm->enable << 16 | (uint64_t)pm->control << 32;
	pthread_mutex_unlock(&pm->lock);
	return block >> (8 * at);
}

static void pm_out(void *opaque, uint16_t port, unsigned int size, uint32_t val)
{
	struct vmm_pm *pm = opaque;

	(void)size;
	pthread_mutex_lock(&pm->lock);
	switch (port - VMM_PORT_PM) {
	case 0:
		pm->status &= ~val;
		break;
	case 2:
		pm->enable = val;
		break;
	case 4:
		/* Any sleep type is S5: the tables offer no other. */
		if (val & PM1_SLP_EN)
			vmm_end(pm->m, VMM_POWERED_OFF);
		pm->control = (val & ~PM1_SLP_EN) | PM1_SCI_EN;
		break;
	}
	update_sci(pm);
	pthread_mutex_unlock(&pm->lock);
}

/**
 * vmm_power_button() - press it: a guest that has a driver for it shuts down; any thread
 * @m: the machine
 */
void vmm_power_button(struct vmm *m)
{
	struct vmm_pm *pm = m->pm;

	pthread_mutex_lock(&pm->lock);
	pm->status |= PM1_BUTTON;
	update_sci(pm);
	pthread_mutex_unlock(&pm->lock);
}

static uint32_t gpe_in(void *opaque, uint16_t port, unsigned int size)
{
	struct vmm_pm *pm = opaque;
	uint32_t val;

	(void)size;
	pthread_mutex_lock(&pm->lock);
	val = pm->gpe_status | pm->gpe_enable << 8;
	pthread_mutex_unlock(&pm->lock);
	return val >> 8 * (port - VMM_PORT_GPE);
}

static void gpe_out(void *opaque, uint16_t port, unsigned int size, uint32_t val)
{
	struct vmm_pm *pm = opaque;
	unsigned int i;

	pthread_mutex_lock(&pm->lock);
	for (i = port - VMM_PORT_GPE; size-- && i < 2; i++, val >>= 8) {
		if (i)
			pm->gpe_enable = val;
		else
			pm->gpe_status &= ~val;
	}
	update_sci(pm);
	pthread_mutex_unlock(&pm->lock);
}

/**
 * vmm_gpe() - a general-purpose event; any thread
 * @m: the machine
 * @event: its number, 0..7
 */
void vmm_gpe(struct vmm *m, unsigned int event)
{
	struct vmm_pm *pm = m->pm;

	pthread_mutex_lock(&pm->lock);
	pm->gpe_status |= 1 << event;
	update_sci(pm);
	pthread_mutex_unlock(&pm->lock);
}

/* These registers hold nothing. */
static uint32_t zero_in(void *opaque, uint16_t port, unsigned int size)
{
	(void)opaque;
	(void)port;
	(void)size;
	return 0;
}

static void reset_out(void *opaque, uint16_t port, unsigned int size, uint32_t val)
{
	struct vmm_pm *pm = opaque;

	(void)port;
	(void)size;
	if (val & RESET_CPU)
		vmm_reset(pm->m);
}

static uint32_t panic_in(void *opaque, uint16_t port, unsigned int size)
{
	(void)opaque;
	(void)port;
	(void)size;
	return PANICKED;	/* the one event that is understood */
}

static void panic_out(void *opaque, uint16_t port, unsigned int size, uint32_t val)
{
	struct vmm_pm *pm = opaque;

	(void)port;
	(void)size;
	if (val & PANICKED)
		vmm_crash(pm->m, "guest", "its kernel panicked", "look at the end of its console");
}

static void init_out(void *opaque, uint16_t port, unsigned int size, uint32_t val)
{
	struct vmm_pm *pm = opaque;

	(void)port;
	(void)size;
	(void)val;
	vmm_time_stamp(pm->m, VMM_INIT);
}

static const struct vmm_field fields[] = {
	VMM_FIELD(struct vmm_pm, status),
	VMM_FIELD(struct vmm_pm, enable),
	VMM_FIELD(struct vmm_pm, control),
	VMM_FIELD(struct vmm_pm, gpe_status),
	VMM_FIELD(struct vmm_pm, gpe_enable),
};

/* The line's level is no part of the state: it follows. */
static int load(void *opaque)
{
	struct vmm_pm *pm = opaque;

	pm->level = !sci(pm);
	update_sci(pm);
	return 0;
}

static void reset(void *opaque)
{
	struct vmm_pm *pm = opaque;

	pthread_mutex_lock(&pm->lock);
	pm->status = pm->enable = 0;
	pm->control = PM1_SCI_EN;
	pm->gpe_status = pm->gpe_enable = 0;
	pm->level = false;
	pthread_mutex_unlock(&pm->lock);
}

/**
 * vmm_pm_create() - add them to the bus
 * @m: the machine
 *
 * Return: 0, or -1 with the error printed.
 */
int vmm_pm_create(struct vmm *m)
{
	struct vmm_pm *pm = calloc(1, sizeof(*pm));

	if (!pm) {
		vmm_error("power management", strerror(errno), "free some memory");
		return -1;
	}
	pm->m = m;
	pm->control = PM1_SCI_EN;
	pthread_mutex_init(&pm->lock, NULL);
	pm->part = (struct vmm_part){ .name = "pm", .version = 1, .fields = fields,
				      .nfields = ARRAY_SIZE(fields), .state = pm, .opaque = pm,
				      .load = load, .reset = reset };
	m->pm = pm;
	vmm_part_add(m, &pm->part);
	vmm_bus_add(m, VMM_PORT_PM, 6, pm, pm_in, pm_out);
	vmm_bus_add(m, 0xcf9, 1, pm, zero_in, reset_out);
	vmm_bus_add(m, VMM_PORT_GPE, 2, pm, gpe_in, gpe_out);
	vmm_bus_add(m, VMM_PORT_PANIC, 1, pm, panic_in, panic_out);
	vmm_bus_add(m, VMM_PORT_INIT, 1, pm, zero_in, init_out);
	return 0;
}

/**
 * vmm_pm_destroy() - free them
 * @m: the machine, its CPUs are gone
 */
void vmm_pm_destroy(struct vmm *m)
{
	if (!m->pm)
		return;
	pthread_mutex_destroy(&m->pm->lock);
	free(m->pm);
	m->pm = NULL;
}
