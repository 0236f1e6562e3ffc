// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_virtio.c - a guest's driver that does what it likes: to configuration space, to registers, to the queues' memory of
 * five devices, while programs of the host use what is behind them. Whatever happens, no memory error and no endless work.
 *
 * Input: operations of 8 bytes. With libFuzzer (-DLIBFUZZER) it is driven by coverage; without, main() makes drivers
 * that begin well: fuzz_virtio [rounds [seed]].
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "balloon.h"
#include "cdrom.h"
#include "devices.h"
#include "fake_machine.h"
#include "local.h"
#include "vsock.h"

#define DEVICES		5
#define SOCKETS		2	/* which of them they are */
#define CD		4
#define CD_SIZE		(64 * 2048)
#define QUEUES_AT	0x1000
#define DATA		0x40000
#define PEERS		8

enum operation {
	DRIVER, REGISTER, CONFIG, READ, RING, SAVE, DESCRIPTOR, OFFER, KICK, PEER, CONSOLE, BALLOON, PACKET,
	COMMAND, MEDIUM, DRIVE,
	OPERATIONS,
};

static struct vmm_owner owner;
static struct fake_queue queue[DEVICES][8];
static int peer[PEERS], next_peer;
static struct virtio_device *device[DEVICES];
static struct virtio_worker *worker;
static int medium = -1;

int vmm_local_listen(int folder, const char *name)
{
	(void)folder;
	(void)name;
	return open("/dev/null", O_RDONLY);
}

int vmm_local_accept(int listener)
{
	(void)listener;
	return next_peer;
}

/* The CD drive's thread, whose rounds are turn()'s. */
void virtio_worker_start(struct virtio_worker *w)
{
	worker = w;
}

void virtio_worker_stop(struct virtio_worker *w)
{
	(void)w;
	worker = NULL;
}

void virtio_worker_quiesce(struct virtio_worker *w)
{
	(void)w;
}

void virtio_worker_resume(struct virtio_worker *w)
{
	(void)w;
}

void virtio_worker_forked(struct virtio_worker *w)
{
	(void)w;
}

void vmm_wake(struct vmm *m)
{
	(void)m;
}

/* The devices stand on the bus one after the other; the host bridge is first. */
static struct virtio_device *device_at(unsigned int slot)
{
	struct vmm_part *p;
	unsigned int i = 0;

	for (p = fake.parts; p; p = p->next)
		if (p->fields && p->opaque && p->quiesce && i++ == slot)
			return p->opaque;
	abort();
}

/* An image that has a path. */
static const char *medium_path(void)
{
	static char path[40];

	if (medium < 0)
		medium = memfd_create("medium", 0);
	if (medium < 0 || ftruncate(medium, CD_SIZE))
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", medium);
	return path;
}

static void create(void)
{
	unsigned int i;

	fake_create();
	fake_config.owner = &owner;
	fake_config.balloon = 16 * 4096;
	fake_config.cdrom = medium_path();
	for (i = 0; i < PEERS; i++)
		peer[i] = -1;
	if (vmm_rng_create(&fake) || vmm_balloon_create(&fake) || vmm_vsock_create(&fake) || vmm_hvc_create(&fake) ||
	    vmm_cd_create(&fake))
		abort();
	for (i = 0; i < DEVICES; i++)
		device[i] = device_at(i);
}

static void destroy(void)
{
	unsigned int i;

	for (i = 0; i < PEERS; i++)
		if (peer[i] >= 0)
			close(peer[i]);
	vmm_cd_destroy(&fake);
	vmm_hvc_destroy(&fake);
	vmm_vsock_destroy(&fake);
	vmm_balloon_destroy(&fake);
	vmm_rng_destroy(&fake);
	fake_destroy();
}

static void turn(void)
{
	unsigned int i, k;

	for (i = 0; i < DEVICES; i++)
		for (k = 0; device[i]->source && k < device[i]->nqueues; k++)
			fake_turn(&device[i]->source[k]);
	for (i = 0; i < VSOCK_CONNS; i++)
		fake_turn(&fake.vsock->conn[i].source);
	if (worker)
		worker->work(worker);
}

static void use_peer(const uint8_t *op)
{
	static const char *const lines[] = { "CONNECT 5\n", "ACCEPT 6\n", "CONNECT", "x\n" };
	int *fd = &peer[op[1] % PEERS], pair[2];
	char data[4096] = "";

	if (*fd < 0) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair))
			abort();
		next_peer = pair[0];
		*fd = pair[1];
		fake.vsock->listener.ready(fake.vsock->listener.opaque, POLLIN);
		send(*fd, lines[op[2] % 4], strlen(lines[op[2] % 4]), MSG_NOSIGNAL);
	} else if (op[2] % 8 == 0) {
		close(*fd);
		*fd = -1;
	} else if (op[2] % 8 == 1) {
		shutdown(*fd, SHUT_WR);
	} else if (op[2] % 2) {
		send(*fd, data, op[3] * 16 + 1, MSG_NOSIGNAL);
	} else {
		recv(*fd, data, sizeof(data), 0);
	}
	turn();
}

static void use_console(const uint8_t *op)
{
	uint8_t data[4096] = "";
	size_t n;

	if (op[1] & 1) {
		n = vmm_hvc_room(&fake);
		vmm_hvc_input(&fake, data, n < sizeof(data) ? n : sizeof(data));
	} else {
		n = vmm_hvc_peek(&fake, data, op[2] * 16 + 1);
		if (n)
			vmm_hvc_drop(&fake, op[3] & 1 ? n : (n + 1) / 2);
	}
}

static void use_balloon(const uint8_t *op)
{
	struct vmm_balloon_stats s;

	vmm_balloon_set(&fake, op[2] * 4096ULL);
	vmm_balloon_stats(&fake, &s, op[1] & 1);
}

/* What was saved is loaded into the same machine, with a byte that is another. */
static void save_and_load(const uint8_t *op)
{
	struct virtio_device *dev = device[op[1] % DEVICES];

	dev->part.save(dev);
	((uint8_t *)dev->state)[(op[2] << 8 | op[3]) % sizeof(*dev->state)] ^= op[4];
	fake_write(dev->pci.slot, FAKE_STATUS, 1, 0);
	/* A machine that refuses its state is not used. */
	fake_may_fail = true;
	if (dev->part.load(dev))
		fake_write(dev->pci.slot, FAKE_STATUS, 1, 0);
	fake_may_fail = false;
}

/* A packet for the socket device, most of it plausible. */
static void put_packet(const uint8_t *op)
{
	struct {
		uint64_t src, dst;
		uint32_t src_port, dst_port, len;
		uint16_t type, op;
		uint32_t flags, alloc, done;
	} __attribute__((packed)) p = {
		3 + (op[2] == 0), 2, 5, op[3] & 1 ? 6 : 0x40000000 + (op[3] >> 5), op[4] * 16, 1, op[5] % 9, op[5] >> 6,
		op[6] << 8, op[7] << 4,
	};
	struct fake_queue *q = &queue[SOCKETS][1];

	if (!q->size)
		return;
	memcpy(fake.ram + DATA + (op[1] << 8), &p, sizeof(p));
	fake_desc(q->desc, op[1] % q->size, DATA + (op[1] << 8), sizeof(p) + op[4] * 16, 0, 0);
	fake_offer(q, op[1] % q->size);
	virtio_kick(&device[SOCKETS]->queue[1]);
	turn();
}

/* A request of two buffers for the CD drive. */
static void offer_request(unsigned int n, const uint8_t *op, const void *request, size_t size, size_t room)
{
	struct fake_queue *q = &queue[CD][n];
	uint64_t at = DATA + (op[1] << 8);

	if (!q->size)
		return;
	memcpy(fake.ram + at, request, size);
	fake_desc(q->desc, op[1] % q->size, at, size, 1, (op[1] + 1) % q->size);
	fake_desc(q->desc, (op[1] + 1) % q->size, at + 64, room, 2, 0);
	fake_offer(q, op[1] % q->size);
	virtio_kick(&device[CD]->queue[n]);
	turn();
}

/* A command, most of it plausible, or task management. */
static void put_command(const uint8_t *op)
{
	static const uint8_t opcodes[] = { 0x00, 0x03, 0x12, 0x1a, 0x1b, 0x1e, 0x25, 0x28, 0x35, 0x43, 0x46, 0x4a, 0x51, 0x5a,
					   0xa0, 0xa8, 0xbd };
	uint8_t request[19 + 32] = { 1 }, *cdb = request + 19;
	uint8_t task[24] = { op[2] % 8 == 7, 0, 0, 0, op[4] % 9, 0, 0, 0, 1, op[5] == 1 };

	if (op[3] % 8 == 7) {
		offer_request(0, op, task, sizeof(task), 1 + op[6]);
		return;
	}
	request[3] = op[3] % 16 == 5;
	memcpy(cdb + 1, op + 3, 5);
	cdb[0] = opcodes[op[2] % sizeof(opcodes)];
	cdb[8] = op[7];
	if (cdb[0] == 0x28 || cdb[0] == 0xa8) {
		memcpy(cdb + 2, (uint8_t []){ 0, 0, 0, op[6] % 66, 0, 0, op[7] % 16, op[7] % 16 }, 8);
		cdb[cdb[0] == 0x28 ? 9 : 8] = 0;
	}
	offer_request(2, op, request, sizeof(request) - (op[4] == 255), 108 + op[5] * 256);
}

/* The host's side of the drive. */
static void change_medium(const uint8_t *op)
{
	int fd = op[1] & 1 ? dup(medium) : -1;
	bool in, locked;

	if (vmm_cd_change(&fake, fd) && fd >= 0)
		close(fd);
	vmm_cd_state(&fake, &in, &locked);
	/* An image that is cut short meanwhile. */
	if (op[2] < 16 && ftruncate(medium, op[3] * 2048))
		abort();
}

/* What the drive was saved with is loaded with a byte that is another. */
static void load_drive(const uint8_t *op)
{
	const struct vmm_field *f;
	struct vmm_part *p;

	for (p = fake.parts; strcmp(p->name, "cdrom"); p = p->next)
		;
	f = &p->fields[op[1] % p->nfields];
	((uint8_t *)p->state)[f->offset + op[2] % f->size] ^= op[3];
	fake_may_fail = true;
	/* A machine that refuses its state is not used. */
	if (p->load(p->opaque))
		((uint8_t *)p->state)[f->offset + op[2] % f->size] ^= op[3];
	fake_may_fail = false;
}

/* What a driver does first: buffers for the device to fill. */
static void begin(unsigned int n, const uint8_t *op)
{
	struct virtio_device *dev = device[n];
	unsigned int i;

	fake_driver(dev->pci.slot, VIRTIO_F_1 | (op[4] & (n == CD ? 0 : 0x3f)) | (op[3] & 1 ? VIRTIO_F_EVENT_IDX : 0), queue[n], dev->nqueues,
		    QUEUES_AT + n * 0xc000, 1 << (op[5] % 6));
	for (i = 0; n != CD && i < queue[n][0].size; i++) {
		fake_desc(queue[n][0].desc, i, DATA + i * 4096, 4096, 2, 0);
		fake_offer(&queue[n][0], i);
	}
}

static void operate(const uint8_t *op)
{
	struct virtio_device *dev = device[op[1] % DEVICES];
	unsigned int slot = dev->pci.slot, n = op[2] % dev->nqueues;
	struct fake_queue *q = &queue[op[1] % DEVICES][n];
	static const uint16_t at[] = { 0, 0x1000, 0x2000, 0x3000, 0x3800, 0 };
	uint32_t val = op[4] | op[5] << 8 | op[6] << 16 | (uint32_t)op[7] << 24;
	unsigned int size = 1 << (op[3] & 3);

	switch (op[0] % OPERATIONS) {
	case DRIVER:
		begin(op[1] % DEVICES, op);
		break;
	case REGISTER:
		fake_write(slot, at[op[2] % 6] + (op[3] >> 2), size, val);
		break;
	case CONFIG:
		fake_config_write(slot, op[2] & -(size > 4 ? 4 : size), size > 4 ? 4 : size, val);
		break;
	case READ:
		fake_read(slot, at[op[2] % 6] + (op[3] >> 2), size);
		fake_config_read(slot, op[4] & 0xfc, 4);
		break;
	case RING:
		if (q->size)
			fake_put16(q->desc + ((op[3] << 8 | op[4]) % 0x2400), op[5] | op[6] << 8);
		break;
	case DESCRIPTOR:
		if (q->size)
			fake_desc(q->desc, op[3] % q->size, DATA + (op[4] << 8) + (op[6] >> 4), op[5] * 16 + (op[6] & 15), op[7] & 7,
				  (op[3] + 1) % q->size);
		break;
	case OFFER:
		if (q->size)
			fake_offer(q, op[3] % q->size);
		break;
	case KICK:
		virtio_kick(&dev->queue[n]);
		turn();
		break;
	case PEER:
		use_peer(op);
		break;
	case CONSOLE:
		use_console(op);
		break;
	case BALLOON:
		use_balloon(op);
		break;
	case PACKET:
		put_packet(op);
		break;
	case COMMAND:
		put_command(op);
		break;
	case MEDIUM:
		change_medium(op);
		break;
	case DRIVE:
		load_drive(op);
		break;
	case SAVE:
		save_and_load(op);
		break;
	}
}

static int fuzz_one(const uint8_t *data, size_t size)
{
	size_t i;

	memset(queue, 0, sizeof(queue));
	create();
	for (i = 0; i + 8 <= size; i += 8)
		operate(data + i);
	turn();
	destroy();
	return 0;
}

#ifdef LIBFUZZER
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_one(data, size);
}
#else
#define LENGTH	200

static uint64_t state;

static uint8_t next(void)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return state >> 56;
}

/* First drivers as they should be; then most of it work, little of it damage. */
static void fill(uint8_t (*op)[8])
{
	unsigned int i, k;

	for (i = 0; i < LENGTH; i++) {
		for (k = 0; k < 8; k++)
			op[i][k] = next();
		if (i < DEVICES)
			memcpy(op[i], (uint8_t []){ DRIVER, i, 0, next(), next(), 5, 0, 0 }, 8);
		else if (op[i][0] % 8)
			op[i][0] = DESCRIPTOR + next() % (OPERATIONS - DESCRIPTOR);
	}
}

int main(int argc, char **argv)
{
	unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 0) : 1000, i;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	static uint8_t op[LENGTH][8];

	/* Broken queues are told of. */
	if (!getenv("LOUD") && !freopen("/dev/null", "w", stderr))
		return 1;
	for (i = 0; i < rounds; i++) {
		state = seed + i;
		next();
		fill(op);
		fuzz_one(op[0], sizeof(op));
	}
	printf("%lu rounds, seeds from %llu: no complaint\n", rounds, (unsigned long long)seed);
	return 0;
}
#endif
