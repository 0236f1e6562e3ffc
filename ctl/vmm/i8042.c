// SPDX-License-Identifier: GPL-2.0-only
/*
 * i8042.c - a keyboard controller without a keyboard, for what else hangs on it: the line that resets the machine,
 * and the A20 gate, which old loaders open and wait for; port 0x92, the other way to both. A20 is always open.
 *
 * Nothing is ever connected that could raise an interrupt. Source: Intel 8042 as in the IBM PS/2 Technical
 * Reference "Keyboard and Auxiliary Device Controller", "System Control Port A".
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compiler.h"
#include "part.h"
#include "vmm.h"

#define PORT_DATA	0x60
#define PORT_COMMAND	0x64
#define PORT_A		0x92

#define STATUS_OUTPUT	0x01	/* there is a byte to read */
#define STATUS_SYSTEM	0x04	/* the self-test was passed */
#define STATUS_COMMAND	0x08	/* the last byte written was a command */
#define STATUS_OPEN	0x10	/* no lock on the keyboard */
#define STATUS_TIMEOUT	0x40	/* no device answered */

#define CMD_READ_MODE	0x20
#define CMD_WRITE_MODE	0x60
#define CMD_TEST_MOUSE	0xa9
#define CMD_SELF_TEST	0xaa
#define CMD_TEST_KBD	0xab
#define CMD_READ_OUT	0xd0
#define CMD_WRITE_OUT	0xd1
#define CMD_LOOP_KBD	0xd2
#define CMD_PULSE	0xf0	/* F0..FF: the output lines whose bit is 0 */

#define SELF_TEST_OK	0x55
#define TEST_OK		0x00
#define TEST_NO_DEVICE	0x01	/* its clock line stays low */
#define ANSWER_RESEND	0xfe	/* what the controller answers in the place of a device that is not there */

#define OUT_RESET	0x01	/* the line: low resets */
#define OUT_A20		0x02

#define A_RESET		0x01
#define A_A20		0x02

struct vmm_i8042 {
	struct vmm *m;
	pthread_mutex_t lock;
	uint8_t status, mode, output, data;
	uint8_t awaits;		/* command whose byte is still to come, or 0 */
	uint8_t port_a;
	struct vmm_part part;
};

static void answer(struct vmm_i8042 *k, uint8_t byte, uint8_t status)
{
	k->data = byte;
	k->status = (k->status & ~STATUS_TIMEOUT) | STATUS_OUTPUT | status;
}

static void set_output(struct vmm_i8042 *k, uint8_t val)
{
	k->output = val;
	if (!(val & OUT_RESET))
		vmm_reset(k->m);
}

static void command(struct vmm_i8042 *k, uint8_t cmd)
{
	k->status |= STATUS_COMMAND;
	k->awaits = 0;
	switch (cmd) {
	case CMD_READ_MODE:
		answer(k, k->mode, 0);
		break;
	case CMD_SELF_TEST:
		answer(k, SELF_TEST_OK, STATUS_SYSTEM);
		break;
	case CMD_TEST_KBD:
		answer(k, TEST_OK, 0);
		break;
	case CMD_TEST_MOUSE:
		answer(k, TEST_NO_DEVICE, 0);
		break;
	case CMD_READ_OUT:
		answer(k, k->output, 0);
		break;
	case CMD_WRITE_MODE:
	case CMD_WRITE_OUT:
	case CMD_LOOP_KBD:
		k->awaits = cmd;
		break;
	default:
		if ((cmd & CMD_PULSE) == CMD_PULSE && !(cmd & OUT_RESET))
			vmm_reset(k->m);
	}
}

static void data(struct vmm_i8042 *k, uint8_t val)
{
	k->status &= ~STATUS_COMMAND;
	switch (k->awaits) {
	case CMD_WRITE_MODE:
		k->mode = val;
		break;
	case CMD_WRITE_OUT:
		set_output(k, val);
		break;
	case CMD_LOOP_KBD:
		answer(k, val, 0);
		break;
	default:
		answer(k, ANSWER_RESEND, STATUS_TIMEOUT);
	}
	k->awaits = 0;
}

static uint32_t i8042_in(void *opaque, uint16_t port, unsigned int size)
{
	struct vmm_i8042 *k = opaque;
	uint8_t val;

	(void)size;
	pthread_mutex_lock(&k->lock);
	val = k->status;
	if (port == PORT_DATA) {
		val = k->data;
		k->status &= ~(STATUS_OUTPUT | STATUS_TIMEOUT);
	}
	pthread_mutex_unlock(&k->lock);
	return val;
}

static void i8042_out(void *opaque, uint16_t port, unsigned int size, uint32_t val)
{
	struct vmm_i8042 *k = opaque;

	(void)size;
	pthread_mutex_lock(&k->lock);
	if (port == PORT_COMMAND)
		command(k, val);
	else
		data(k, val);
	pthread_mutex_unlock(&k->lock);
}

static uint32_t port_a_in(void *opaque, uint16_t port, unsigned int size)
{
	struct vmm_i8042 *k = opaque;
	uint8_t val;

	(void)port;
	(void)size;
	pthread_mutex_lock(&k->lock);
	val = k->port_a;
	pthread_mutex_unlock(&k->lock);
	return val;
}

static void port_a_out(void *opaque, uint16_t port, unsigned int size, uint32_t val)
{
	struct vmm_i8042 *k = opaque;

	(void)port;
	(void)size;
	pthread_mutex_lock(&k->lock);
	/* The line follows the bit's edge, and the bit is kept. */
	if (val & ~k->port_a & A_RESET)
		vmm_reset(k->m);
	k->port_a = val;
	pthread_mutex_unlock(&k->lock);
}

static const struct vmm_field fields[] = {
	VMM_FIELD(struct vmm_i8042, status),
	VMM_FIELD(struct vmm_i8042, mode),
	VMM_FIELD(struct vmm_i8042, output),
	VMM_FIELD(struct vmm_i8042, data),
	VMM_FIELD(struct vmm_i8042, awaits),
	VMM_FIELD(struct vmm_i8042, port_a),
};

static void reset(void *opaque)
{
	struct vmm_i8042 *k = opaque;

	k->status = STATUS_OPEN;
	k->mode = k->data = k->awaits = 0;
	k->output = OUT_RESET | OUT_A20;
	k->port_a = A_A20;
}

/**
 * vmm_i8042_create() - add it to the bus
 * @m: the machine
 *
 * Return: 0, or -1 with the error printed.
 */
int vmm_i8042_create(struct vmm *m)
{
	struct vmm_i8042 *k = calloc(1, sizeof(*k));

	if (!k) {
		vmm_error("keyboard controller", strerror(errno), "free some memory");
		return -1;
	}
	k->m = m;
	reset(k);
	pthread_mutex_init(&k->lock, NULL);
	k->part = (struct vmm_part){ .name = "i8042", .version = 1, .fields = fields,
				     .nfields = ARRAY_SIZE(fields), .state = k, .opaque = k,
				     .reset = reset };
	m->i8042 = k;
	vmm_part_add(m, &k->part);
	vmm_bus_add(m, PORT_DATA, 1, k, i8042_in, i8042_out);
	vmm_bus_add(m, PORT_COMMAND, 1, k, i8042_in, i8042_out);
	vmm_bus_add(m, PORT_A, 1, k, port_a_in, port_a_out);
	return 0;
}

/**
 * vmm_i8042_destroy() - free it
 * @m: the machine, its CPUs are gone
 */
void vmm_i8042_destroy(struct vmm *m)
{
	if (!m->i8042)
		return;
	pthread_mutex_destroy(&m->i8042->lock);
	free(m->i8042);
	m->i8042 = NULL;
}
