// SPDX-License-Identifier: GPL-2.0-only
/*
 * serial.c - a 16550 at 0x3f8, interrupt 4: the guest's console.
 *
 * Output goes into a ring that the event loop empties; while it is full the transmitter reports that
 * it is busy, as a slow line would, and no CPU of the guest waits for the terminal.
 * Source: National Semiconductor PC16550D data sheet.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm.h"

#define RING		16384
#define RX_FIFO		64

#define IER_RX		0x01
#define IER_TX		0x02
#define IER_LINE	0x04
#define IIR_NONE	0x01
#define IIR_TX		0x02
#define IIR_RX		0x04
#define IIR_FIFO	0xc0
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
	uint8_t rx[RX_FIFO];
	unsigned int rx_n;
	uint8_t ring[RING];
	unsigned int head, n;
};

static bool tx_ready(const struct vmm_serial *s)
{
	return s->n < RING;
}

static void update_irq(struct vmm_serial *s)
{
	bool level = (s->ier & IER_RX && s->rx_n) || (s->ier & IER_TX && s->tx_pending) ||
		     (s->ier & IER_LINE && s->line);

	/* OUT2 gates the line on a PC. */
	if (!(s->mcr & MCR_OUT2))
		level = false;
	if (level != s->level) {
		s->level = level;
		vmm_irq(s->m, VMM_IRQ_SERIAL, level);
	}
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

	if (s->ier & IER_LINE && s->line)
		id = 0x06;
	else if (s->ier & IER_RX && s->rx_n)
		id = IIR_RX;
	else if (s->ier & IER_TX && s->tx_pending) {
		id = IIR_TX;
		s->tx_pending = false;
	}
	return id | (s->fcr & 1 ? IIR_FIFO : 0);
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
		if (tx_ready(s))
			val |= LSR_THRE | (s->n ? 0 : LSR_TEMT);
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
	uint64_t one = 1;

	if (s->mcr & MCR_LOOP) {
		receive(s, byte);
	} else if (s->n < RING) {
		s->ring[(s->head + s->n++) % RING] = byte;
		if (s->n == 1 && write(s->m->wake, &one, sizeof(one)) < 0 && errno != EAGAIN)
			vmm_end(s->m, VMM_CRASHED);
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
		if (val & 2)
			s->rx_n = 0;
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
 * Return: bytes; the loop leaves more in the terminal.
 */
size_t vmm_serial_room(struct vmm *m)
{
	struct vmm_serial *s = m->serial;
	size_t room;

	pthread_mutex_lock(&s->lock);
	room = RX_FIFO - s->rx_n;
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
 * vmm_serial_flush() - write what the guest sent to standard output; by the loop
 * @m: the machine
 * @wait: write all of it, however slow the reader
 */
void vmm_serial_flush(struct vmm *m, bool wait)
{
	struct vmm_serial *s = m->serial;
	uint8_t buf[4096];

	for (;;) {
		struct pollfd p = { .fd = STDOUT_FILENO, .events = POLLOUT };
		unsigned int n, first;
		ssize_t done;

		pthread_mutex_lock(&s->lock);
		n = s->n < sizeof(buf) ? s->n : sizeof(buf);
		first = n < RING - s->head ? n : RING - s->head;
		memcpy(buf, s->ring + s->head, first);
		memcpy(buf + first, s->ring, n - first);
		pthread_mutex_unlock(&s->lock);
		if (!n)
			return;
		if (poll(&p, 1, wait ? 1000 : 0) <= 0 && !wait)
			return;
		done = write(STDOUT_FILENO, buf, n);
		/* A reader that is gone does not stop the guest: its output is dropped. */
		if (done < 0)
			done = errno == EAGAIN || errno == EINTR ? 0 : (ssize_t)n;
		pthread_mutex_lock(&s->lock);
		s->head = (s->head + done) % RING;
		s->n -= done;
		s->tx_pending = true;
		update_irq(s);
		pthread_mutex_unlock(&s->lock);
	}
}

/**
 * vmm_serial_create() - add the port
 * @m: the machine
 *
 * Return: 0 or -1 without memory.
 */
int vmm_serial_create(struct vmm *m)
{
	struct vmm_serial *s = calloc(1, sizeof(*s));

	if (!s)
		return -1;
	s->m = m;
	pthread_mutex_init(&s->lock, NULL);
	s->dll = 1;
	m->serial = s;
	vmm_bus_add(m, 0x3f8, 8, s, serial_in, serial_out);
	return 0;
}
