// SPDX-License-Identifier: GPL-2.0-only
/*
 * serial.c - a 16550 at 0x3f8, interrupt 4: the guest's console.
 *
 * Output goes into a ring that the console empties; while it is full the transmitter reports that
 * it is busy, as a slow line would, and no CPU of the guest waits for the terminal. The first byte wakes the console; those
 * that follow it closely are looked for (vmm_serial_watch()), so that a byte does not cost a change of threads. The console asks
 * how much input fits and is woken when a full receiver has room again.
 * Source: National Semiconductor PC16550D data sheet.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compiler.h"
#include "part.h"
#include "vmm.h"

#define RING		16384
#define RX_FIFO		64

#define IER_RX		0x01
#define IER_TX		0x02
#define IER_LINE	0x04
#define IIR_NONE	0x01
#define IIR_TX		0x02
#define IIR_RX		0x04
#define IIR_LINE	0x06
#define IIR_FIFO	0xc0
#define FCR_ENABLE	0x01
#define FCR_CLEAR_RX	0x02
#define LCR_DLAB	0x80
#define LSR_DATA	0x01
#define LSR_OVERRUN	0x02
#define LSR_THRE	0x20
#define LSR_TEMT	0x40
#define MCR_OUT2	0x08
#define MCR_LOOP	0x10

struct vmm_serial {
	struct vmm *m;
	pthread_mutex_t lock;
	uint8_t ier, lcr, mcr, scr, fcr, dll, dlm, line;
	bool tx_pending;	/* THR-empty interrupt not yet acknowledged */
	bool level;		/* of the interrupt line */
	bool starved;		/* input waits for room */
	bool said;		/* something was sent since vmm_serial_watch() */
	bool watched;		/* the main thread looks by itself */
	uint8_t rx[RX_FIFO];
	unsigned int rx_n;
	uint8_t ring[RING];
	unsigned int head, n;
	struct vmm_part part;
};

static bool tx_ready(const struct vmm_serial *s)
{
	return s->n < RING;
}

/* OUT2 gates the line on a PC. */
static bool wants_irq(const struct vmm_serial *s)
{
	return s->mcr & MCR_OUT2 &&
	       ((s->ier & IER_RX && s->rx_n) || (s->ier & IER_TX && s->tx_pending) ||
		(s->ier & IER_LINE && s->line));
}

static void update_irq(struct vmm_serial *s)
{
	bool level = wants_irq(s);

	if (level != s->level) {
		s->level = level;
		vmm_irq(s->m, VMM_IRQ_SERIAL, level);
	}
}

/* The receiver has room: whoever found it full wants to know. */
static void rx_made_room(struct vmm_serial *s)
{
	if (s->starved)
		vmm_wake(s->m);
	s->starved = false;
}

static void receive(struct vmm_serial *s, uint8_t byte)
{
	if (s->rx_n < RX_FIFO)
		s->rx[s->rx_n++] = byte;
	else
		s->line |= LSR_OVERRUN;
}

static uint8_t read_iir(struct vmm_serial *s)
{
	uint8_t id = IIR_NONE;

	if (s->ier & IER_LINE && s->line) {
		id = IIR_LINE;
	} else if (s->ier & IER_RX && s->rx_n) {
		id = IIR_RX;
	} else if (s->ier & IER_TX && s->tx_pending) {
		id = IIR_TX;
		s->tx_pending = false;
	}
	return id | (s->fcr & FCR_ENABLE ? IIR_FIFO : 0);
}

static uint8_t serial_read(struct vmm_serial *s, unsigned int reg)
{
	uint8_t val = 0;

	switch (reg) {
	case 0:
		if (s->lcr & LCR_DLAB)
			return s->dll;
		if (s->rx_n) {
			val = s->rx[0];
			memmove(s->rx, s->rx + 1, --s->rx_n);
			rx_made_room(s);
		}
		return val;
	case 1:
		return s->lcr & LCR_DLAB ? s->dlm : s->ier;
	case 2:
		return read_iir(s);
	case 3:
		return s->lcr;
	case 4:
		return s->mcr;
	case 5:
		val = (s->rx_n ? LSR_DATA : 0) | s->line;
		/* What is in the ring has left the chip: firmware waits for that with each character, and gives up after a while. */
		if (tx_ready(s))
			val |= LSR_THRE | LSR_TEMT;
		s->line = 0;
		return val;
	case 6:
		/* Looped back: the outputs come in again. Else a terminal that is there. */
		if (s->mcr & MCR_LOOP)
			return (s->mcr & 0x0c) << 4 | (s->mcr & 2) << 3 | (s->mcr & 1) << 5;
		return 0xb0;
	default:
		return s->scr;
	}
}

static void transmit(struct vmm_serial *s, uint8_t byte)
{
	if (s->mcr & MCR_LOOP) {
		receive(s, byte);
	} else if (s->n < RING) {
		s->ring[(s->head + s->n++) % RING] = byte;
		s->said = true;
		/* While the ring holds more the console is at it already. */
		if (s->n == 1 && !s->watched)
			vmm_wake(s->m);
	}
	s->tx_pending = tx_ready(s);
}

static void serial_write(struct vmm_serial *s, unsigned int reg, uint8_t val)
{
	switch (reg) {
	case 0:
		if (s->lcr & LCR_DLAB)
			s->dll = val;
		else
			transmit(s, val);
		break;
	case 1:
		if (s->lcr & LCR_DLAB) {
			s->dlm = val;
		} else {
			/* Enabling the interrupt while the register is empty raises it. */
			if (!(s->ier & IER_TX) && val & IER_TX && tx_ready(s))
				s->tx_pending = true;
			s->ier = val & 0x0f;
		}
		break;
	case 2:
		s->fcr = val;
		if (val & FCR_CLEAR_RX) {
			s->rx_n = 0;
			rx_made_room(s);
		}
		break;
	case 3:
		s->lcr = val;
		break;
	case 4:
		s->mcr = val & 0x1f;
		break;
	case 7:
		s->scr = val;
		break;
	}
}

static uint32_t serial_in(void *opaque, uint16_t port, unsigned int size)
{
	struct vmm_serial *s = opaque;
	uint8_t val;

	(void)size;
	pthread_mutex_lock(&s->lock);
	val = serial_read(s, port & 7);
	update_irq(s);
	pthread_mutex_unlock(&s->lock);
	return val;
}

static void serial_out(void *opaque, uint16_t port, unsigned int size, uint32_t val)
{
	struct vmm_serial *s = opaque;

	(void)size;
	pthread_mutex_lock(&s->lock);
	serial_write(s, port & 7, val);
	update_irq(s);
	pthread_mutex_unlock(&s->lock);
}

/**
 * vmm_serial_room() - how many bytes of input fit
 * @m: the machine
 *
 * Return: bytes; at 0 vmm_wake() is called as soon as there is room again.
 */
size_t vmm_serial_room(struct vmm *m)
{
	struct vmm_serial *s = m->serial;
	size_t room;

	pthread_mutex_lock(&s->lock);
	room = RX_FIFO - s->rx_n;
	s->starved = !room;
	pthread_mutex_unlock(&s->lock);
	return room;
}

/**
 * vmm_serial_input() - bytes from the terminal
 * @m: the machine
 * @data: at most vmm_serial_room() bytes
 * @n: how many
 */
void vmm_serial_input(struct vmm *m, const uint8_t *data, size_t n)
{
	struct vmm_serial *s = m->serial;
	size_t i;

	pthread_mutex_lock(&s->lock);
	for (i = 0; i < n; i++)
		receive(s, data[i]);
	update_irq(s);
	pthread_mutex_unlock(&s->lock);
}

/**
 * vmm_serial_peek() - copy what the guest sent; it stays in the ring
 * @m: the machine
 * @data: for @max bytes
 * @max: bytes
 *
 * Return: bytes copied.
 */
size_t vmm_serial_peek(struct vmm *m, uint8_t *data, size_t max)
{
	struct vmm_serial *s = m->serial;
	size_t n, first;

	pthread_mutex_lock(&s->lock);
	n = s->n < max ? s->n : max;
	first = n < RING - s->head ? n : RING - s->head;
	memcpy(data, s->ring + s->head, first);
	memcpy(data + first, s->ring, n - first);
	pthread_mutex_unlock(&s->lock);
	return n;
}

/**
 * vmm_serial_drop() - the oldest bytes in the ring are written
 * @m: the machine
 * @n: how many, at most what vmm_serial_peek() gave
 */
void vmm_serial_drop(struct vmm *m, size_t n)
{
	struct vmm_serial *s = m->serial;

	pthread_mutex_lock(&s->lock);
	/* A transmitter that was busy becomes empty, which is an interrupt. */
	if (n && !tx_ready(s))
		s->tx_pending = true;
	s->head = (s->head + n) % RING;
	s->n -= n;
	update_irq(s);
	pthread_mutex_unlock(&s->lock);
}

/**
 * vmm_serial_watch() - does the guest send something just now? In the main thread
 * @m: the machine
 *
 * Return: whether it sent something since the last call. If so it wakes nobody any more: the caller services the console after a
 * moment, and then asks again.
 */
bool vmm_serial_watch(struct vmm *m)
{
	struct vmm_serial *s = m->serial;

	pthread_mutex_lock(&s->lock);
	s->watched = s->said;
	s->said = false;
	pthread_mutex_unlock(&s->lock);
	return s->watched;
}

/* Output that is on its way belongs to the console, not to the guest. */
static const struct vmm_field fields[] = {
	VMM_FIELD(struct vmm_serial, ier),
	VMM_FIELD(struct vmm_serial, lcr),
	VMM_FIELD(struct vmm_serial, mcr),
	VMM_FIELD(struct vmm_serial, scr),
	VMM_FIELD(struct vmm_serial, fcr),
	VMM_FIELD(struct vmm_serial, dll),
	VMM_FIELD(struct vmm_serial, dlm),
	VMM_FIELD(struct vmm_serial, line),
	VMM_FIELD(struct vmm_serial, tx_pending),
	VMM_FIELD_ARRAY(struct vmm_serial, rx),
	VMM_FIELD(struct vmm_serial, rx_n),
};

static int load(void *opaque)
{
	struct vmm_serial *s = opaque;

	if (s->rx_n > RX_FIFO) {
		vmm_error("serial port", "its saved state cannot be", "make the snapshot anew");
		return -1;
	}
	pthread_mutex_lock(&s->lock);
	/* A transmitter that was busy is not any more. */
	s->tx_pending = s->tx_pending || s->ier & IER_TX;
	s->level = !wants_irq(s);
	update_irq(s);
	rx_made_room(s);
	pthread_mutex_unlock(&s->lock);
	return 0;
}

/* What the guest said stays on its way to the console. */
static void reset(void *opaque)
{
	struct vmm_serial *s = opaque;

	pthread_mutex_lock(&s->lock);
	s->ier = s->lcr = s->mcr = s->scr = s->fcr = s->dlm = s->line = 0;
	s->dll = 1;
	s->tx_pending = false;
	s->rx_n = 0;
	s->level = false;
	rx_made_room(s);
	pthread_mutex_unlock(&s->lock);
}

/**
 * vmm_serial_create() - add the port
 * @m: the machine
 *
 * Return: 0, or -1 with the error printed.
 */
int vmm_serial_create(struct vmm *m)
{
	struct vmm_serial *s = calloc(1, sizeof(*s));

	if (!s) {
		vmm_error("serial port", strerror(errno), "free some memory");
		return -1;
	}
	s->m = m;
	pthread_mutex_init(&s->lock, NULL);
	s->dll = 1;
	s->part = (struct vmm_part){ .name = "serial", .version = 1, .fields = fields,
				     .nfields = ARRAY_SIZE(fields), .state = s, .opaque = s,
				     .load = load, .reset = reset };
	m->serial = s;
	vmm_part_add(m, &s->part);
	vmm_bus_add(m, 0x3f8, 8, s, serial_in, serial_out);
	return 0;
}

/**
 * vmm_serial_destroy() - free it
 * @m: the machine, its CPUs and its console are gone
 */
void vmm_serial_destroy(struct vmm *m)
{
	if (!m->serial)
		return;
	pthread_mutex_destroy(&m->serial->lock);
	free(m->serial);
	m->serial = NULL;
}
