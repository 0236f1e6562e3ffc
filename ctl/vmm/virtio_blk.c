// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtio_blk.c - disks: a pool of threads for each queue takes requests and has disk.h serve them. Source: virtio 1.2
 * "Block Device".
 *
 * A transfer that is one piece of a file is one system call on it. If it need not wait (a read of what the host has in
 * memory), the queue's next request is served by the same thread; else by another, while this one waits.
 *
 * A request is done when it is given back; a flush makes permanent all that was given back before it. A driver
 * that cannot flush gets every write permanent.
 */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <linux/magic.h>

#include "blk.h"
#include "compiler.h"
#include "disk/disk.h"
#include "virtio.h"

#define SECTOR		512
#define QUEUE_SIZE	256
#define QUEUES_MAX	4
#define SEGMENTS	128	/* pieces of data in a request */
#define RANGES		16	/* of a discard or a zeroing */
#define RANGE_SECTORS	(1U << 21)
#define ID_SIZE		20

#define F_SEG_MAX	(1ULL << 2)
#define F_RO		(1ULL << 5)
#define F_BLK_SIZE	(1ULL << 6)
#define F_FLUSH		(1ULL << 9)
#define F_TOPOLOGY	(1ULL << 10)
#define F_MQ		(1ULL << 12)
#define F_DISCARD	(1ULL << 13)
#define F_WRITE_ZEROES	(1ULL << 14)

enum request_type {
	T_IN = 0,
	T_OUT = 1,
	T_FLUSH = 4,
	T_GET_ID = 8,
	T_DISCARD = 11,
	T_WRITE_ZEROES = 13,
};

enum status {
	S_OK,
	S_IOERR,
	S_UNSUPP,
};

struct request {
	uint32_t type, reserved;
	uint64_t sector;
};

struct range {
	uint64_t sector;
	uint32_t count, flags;
};

#define RANGE_UNMAP	1

struct config {
	uint64_t capacity;
	uint32_t size_max, seg_max;
	uint8_t geometry[4];
	uint32_t blk_size;
	uint8_t physical_block_exp, alignment_offset;
	uint16_t min_io_size;
	uint32_t opt_io_size;
	uint8_t writeback, unused;
	uint16_t num_queues;
	uint32_t max_discard_sectors, max_discard_seg, discard_sector_alignment;
	uint32_t max_write_zeroes_sectors, max_write_zeroes_seg;
	uint8_t write_zeroes_may_unmap, unused1[3];
} __attribute__((packed));

_Static_assert(sizeof(struct config) == 60, "as in \"Device configuration layout\"");

/**
 * struct vmm_blk - a disk of the machine
 * @dev: what the guest sees
 * @config: its configuration
 * @disk: the image with its backing chain
 * @id: serial number for the guest, padded with zeros
 * @in_memory: its file system keeps no data elsewhere, so that nothing waits
 * @waits: [0] reads, [1] writes: the file system does not tell whether they would wait, so they may
 * @pool: one for each queue
 * @next: the machine's next disk
 */
struct vmm_blk {
	struct virtio_device dev;
	struct config config;
	struct disk *disk;
	char id[ID_SIZE];
	bool in_memory;
	_Atomic bool waits[2];
	struct virtio_pool pool[QUEUES_MAX];
	struct vmm_blk *next;
};

static struct vmm_blk *blk_of(struct virtio_device *dev)
{
	return (struct vmm_blk *)((char *)dev - offsetof(struct vmm_blk, dev));
}

static enum status outcome(int err)
{
	return err == -EOPNOTSUPP ? S_UNSUPP : err < 0 ? S_IOERR : S_OK;
}

/* Requests are whole sectors, inside the disk. */
static bool inside(const struct vmm_blk *b, uint64_t sector, uint64_t bytes)
{
	uint64_t capacity = b->config.capacity;

	return !(bytes % SECTOR) && sector <= capacity && bytes / SECTOR <= capacity - sector;
}

static enum status flush(struct vmm_blk *b, struct virtio_turn *t)
{
	virtio_pool_waits(t);
	return outcome(disk_flush(b->disk));
}

static ssize_t file_io(const struct disk_map *map, bool in, const struct iovec *iov, int n, int flags)
{
	return in ? preadv2(map->fd, iov, n, map->offset, flags) : pwritev2(map->fd, iov, n, map->offset, flags);
}

/* All of it in one system call, if it is one piece of a file; else, or if that fails, false. */
static bool in_one_piece(struct vmm_blk *b, struct virtio_turn *t, bool in, const struct iovec *iov, int n,
			 uint64_t offset, uint64_t bytes)
{
	struct disk_map map;
	ssize_t done = -1;

	if (!disk_map(b->disk, offset, bytes, !in, &map))
		return false;
	if (map.length == bytes && !atomic_load(&b->waits[!in])) {
		done = file_io(&map, in, iov, n, b->in_memory ? 0 : RWF_NOWAIT);
		if (done < 0 && errno == EOPNOTSUPP)
			atomic_store(&b->waits[!in], true);
	}
	if (map.length == bytes && done < 0) {
		virtio_pool_waits(t);
		done = file_io(&map, in, iov, n, 0);
	}
	disk_unmap(b->disk);
	return done >= 0 && (uint64_t)done == bytes;
}

static enum status transfer(struct vmm_blk *b, struct virtio_turn *t, const struct request *r,
			    const struct virtq_chain *c, uint32_t *written)
{
	bool in = r->type == T_IN;
	uint64_t bytes = in ? c->in - 1 : c->out - sizeof(*r), offset = r->sector * SECTOR;
	struct iovec iov[VIRTQ_IOV];
	ssize_t done = bytes;
	int n;

	n = in ? virtq_data(c->iov + c->nout, c->nin, 0, 1, iov) :
		 virtq_data(c->iov, c->nout, sizeof(*r), 0, iov);
	if (n < 0 || !inside(b, r->sector, bytes))
		return S_IOERR;
	if (!in_one_piece(b, t, in, iov, n, offset, bytes)) {
		virtio_pool_waits(t);
		done = in ? disk_preadv(b->disk, iov, n, offset) : disk_pwritev(b->disk, iov, n, offset);
	}
	if (done < 0 || (uint64_t)done != bytes)
		return S_IOERR;
	if (in)
		*written = bytes;
	else if (!virtio_has(&b->dev, F_FLUSH))
		return flush(b, t);
	return S_OK;
}

static enum status change_ranges(struct vmm_blk *b, const struct request *r, const struct virtq_chain *c)
{
	uint64_t bytes = c->out - sizeof(*r);
	struct range range[RANGES];
	unsigned int i, n = bytes / sizeof(range[0]);
	int err = 0;

	if (!n || n > RANGES || bytes % sizeof(range[0]))
		return S_IOERR;
	virtq_copy_out(c, sizeof(*r), range, bytes);
	for (i = 0; i < n && !err; i++) {
		uint64_t at = range[i].sector * SECTOR, size = (uint64_t)range[i].count * SECTOR;
		bool unmap = range[i].flags & RANGE_UNMAP;

		if (!inside(b, range[i].sector, size))
			return S_IOERR;
		if (range[i].flags & ~RANGE_UNMAP || (r->type == T_DISCARD && unmap))
			return S_UNSUPP;
		if (r->type == T_DISCARD)
			err = disk_discard(b->disk, at, size);
		else
			err = disk_write_zeroes(b->disk, at, size, unmap);
	}
	return outcome(err);
}

static enum status serve(struct vmm_blk *b, struct virtio_turn *t, const struct virtq_chain *c, uint32_t *written)
{
	struct request r;

	if (virtq_copy_out(c, 0, &r, sizeof(r)) < sizeof(r))
		return S_IOERR;
	switch (r.type) {
	case T_IN:
	case T_OUT:
		return transfer(b, t, &r, c, written);
	case T_FLUSH:
		return flush(b, t);
	case T_GET_ID:
		*written = virtq_copy_in(c, 0, b->id, c->in - 1 < ID_SIZE ? c->in - 1 : ID_SIZE);
		return S_OK;
	case T_DISCARD:
	case T_WRITE_ZEROES:
		virtio_pool_waits(t);
		return disk_is_read_only(b->disk) ? S_IOERR : change_ranges(b, &r, c);
	default:
		return S_UNSUPP;
	}
}

/* The status is the last byte that the device may write; a request without room for it is nonsense. */
static int64_t serve_chain(struct virtio_turn *t, struct virtio_queue *vq, const struct virtq_chain *c)
{
	struct vmm_blk *b = blk_of(vq->dev);
	uint32_t written = 0;
	uint8_t status;

	if (!c->in)
		return -1;
	status = serve(b, t, c, &written);
	virtq_copy_in(c, c->in - 1, &status, 1);
	/* Up to the status all is written only after a full transfer. */
	return written + 1;
}

static void start(struct virtio_device *dev)
{
	struct vmm_blk *b = blk_of(dev);
	unsigned int i;

	for (i = 0; i < dev->nqueues; i++) {
		b->pool[i].vq = &dev->queue[i];
		b->pool[i].serve = serve_chain;
		if (dev->queue[i].enabled)
			virtio_pool_start(&b->pool[i]);
	}
}

static void stop(struct virtio_device *dev)
{
	struct vmm_blk *b = blk_of(dev);
	unsigned int i;

	for (i = 0; i < dev->nqueues; i++)
		virtio_pool_stop(&b->pool[i]);
}

static void quiesce(struct virtio_device *dev)
{
	struct vmm_blk *b = blk_of(dev);
	unsigned int i;

	for (i = 0; i < dev->nqueues; i++)
		virtio_pool_quiesce(&b->pool[i]);
}

static void resume(struct virtio_device *dev)
{
	struct vmm_blk *b = blk_of(dev);
	unsigned int i;

	for (i = 0; i < dev->nqueues; i++)
		virtio_pool_resume(&b->pool[i]);
}

static int forked(struct virtio_device *dev)
{
	struct vmm_blk *b = blk_of(dev);
	unsigned int i;

	for (i = 0; i < dev->nqueues; i++)
		virtio_pool_forked(&b->pool[i]);
	return 0;
}

static const struct virtio_ops ops = {
	.type = VIRTIO_BLK, .class = 0x010000, .start = start, .stop = stop, .quiesce = quiesce,
	.resume = resume, .forked = forked,
};

static void fill_config(struct vmm_blk *b)
{
	struct config *c = &b->config;
	uint32_t cluster = disk_cluster(b->disk);

	c->capacity = disk_size(b->disk) / SECTOR;
	c->seg_max = SEGMENTS;
	c->blk_size = SECTOR;
	c->physical_block_exp = 3;
	c->min_io_size = 8;
	c->opt_io_size = cluster / SECTOR;
	c->writeback = 1;
	c->num_queues = b->dev.nqueues;
	c->max_discard_sectors = c->max_write_zeroes_sectors = RANGE_SECTORS;
	c->max_discard_seg = c->max_write_zeroes_seg = RANGES;
	c->discard_sector_alignment = cluster ? cluster / SECTOR : 8;
	c->write_zeroes_may_unmap = 1;
}

static bool is_in_memory(const char *path)
{
	struct statfs s;

	return !statfs(path, &s) && (s.f_type == TMPFS_MAGIC || s.f_type == RAMFS_MAGIC);
}

static int add_disk(struct vmm *m, struct vmm_blk *b, const struct vmm_disk *d, unsigned int number)
{
	struct virtio_device *dev = &b->dev;
	struct disk_error e;
	unsigned int i;

	b->disk = disk_open(d->path, d->format, d->readonly ? DISK_READ_ONLY : 0, &e);
	if (!b->disk) {
		vmm_error(e.object, e.what, e.remedy);
		return -1;
	}
	b->in_memory = is_in_memory(d->path);
	snprintf(dev->name, sizeof(dev->name), "virtio-blk%u", number);
	snprintf(b->id, sizeof(b->id), "vitrine-disk%u", number);
	dev->ops = &ops;
	dev->nqueues = m->config->cpus < QUEUES_MAX ? m->config->cpus : QUEUES_MAX;
	for (i = 0; i < dev->nqueues; i++)
		dev->queue[i].max = QUEUE_SIZE;
	dev->offered = F_SEG_MAX | F_BLK_SIZE | F_FLUSH | F_TOPOLOGY | F_MQ;
	dev->offered |= disk_is_read_only(b->disk) ? F_RO : F_DISCARD | F_WRITE_ZEROES;
	fill_config(b);
	dev->config = &b->config;
	dev->config_size = sizeof(b->config);
	return virtio_add(m, dev);
}

/**
 * vmm_blk_create() - open the configuration's images and give the guest its disks
 * @m: the machine, with a PCI bus
 *
 * Return: 0, or -1 with the error printed.
 */
int vmm_blk_create(struct vmm *m)
{
	struct vmm_blk **end = &m->disks, *b;
	unsigned int i;

	/* A write beyond a limit on file sizes shall fail, not kill the guest. */
	signal(SIGXFSZ, SIG_IGN);
	for (i = 0; i < m->config->ndisks; i++) {
		b = calloc(1, sizeof(*b));
		if (!b) {
			vmm_error("disks", strerror(errno), "free some memory");
			return -1;
		}
		*end = b;
		end = &b->next;
		if (add_disk(m, b, &m->config->disks[i], i))
			return -1;
	}
	return 0;
}

/**
 * vmm_blk_destroy() - all that guests wrote goes to the images, and they are closed
 * @m: the machine, its CPUs are gone
 */
void vmm_blk_destroy(struct vmm *m)
{
	struct vmm_blk *b;

	while (m->disks) {
		b = m->disks;
		m->disks = b->next;
		virtio_remove(&b->dev);
		if (b->disk && disk_flush(b->disk))
			vmm_error(b->dev.name, "its last writes may be lost", "see whether the disk is full or broken");
		if (b->disk)
			disk_close(b->disk);
		free(b);
	}
}

/* What the guest was told; a frozen disk is still one that can be written. */
static bool writable(const struct vmm_blk *b)
{
	return !(b->dev.offered & F_RO);
}

/**
 * vmm_blk_flush() - what was written to the disks so far is permanent: vmm_blk_freeze() has less to wait for
 * @m: the machine, which may run
 *
 * What goes wrong is for vmm_blk_freeze() to meet, and tell.
 */
void vmm_blk_flush(struct vmm *m)
{
	struct vmm_blk *b;

	for (b = m->disks; b; b = b->next)
		if (writable(b))
			disk_flush(b->disk);
}

/**
 * vmm_blk_freeze() - all disks' top layers are permanent and do not change any more
 * @m: the machine, quiesced
 *
 * Return: 0, or -1 with the error printed.
 */
int vmm_blk_freeze(struct vmm *m)
{
	struct vmm_blk *b;
	int err;

	for (b = m->disks; b; b = b->next) {
		err = writable(b) ? disk_freeze(b->disk) : 0;
		if (!err)
			continue;
		vmm_error(b->dev.name, strerror(-err), "see whether its disk works");
		return -1;
	}
	return 0;
}

/**
 * vmm_blk_push() - a fresh layer over each disk that is frozen
 * @m: the machine
 * @fd: open layers, in the order of the disks that can be written; taken over
 *
 * A disk that could not be frozen goes on with its layer: what of it is in memory only would be lost under
 * another. The configuration names the empty layer over it, which changes nothing.
 *
 * Return: 0, or -1 with the error printed.
 */
int vmm_blk_push(struct vmm *m, const int *fd)
{
	struct disk_error e;
	struct vmm_blk *b;

	for (b = m->disks; b; b = b->next) {
		if (!writable(b))
			continue;
		/* Of one that can be written this is what being frozen means. */
		if (!disk_is_read_only(b->disk)) {
			close(*fd++);
			continue;
		}
		if (disk_push(b->disk, *fd++, b->dev.name, &e)) {
			vmm_error(e.object, e.what, e.remedy);
			return -1;
		}
	}
	return 0;
}

/**
 * vmm_blk_writable() - how many disks can be written
 * @m: the machine
 *
 * Return: their number.
 */
unsigned int vmm_blk_writable(const struct vmm *m)
{
	const struct vmm_blk *b;
	unsigned int n = 0;

	for (b = m->disks; b; b = b->next)
		n += writable(b);
	return n;
}

/**
 * vmm_blk_disk() - the image under a disk, for forks and snapshots
 * @m: the machine
 * @number: of the disk, from 0
 *
 * Return: the image, NULL behind the last.
 */
struct disk *vmm_blk_disk(struct vmm *m, unsigned int number)
{
	struct vmm_blk *b = m->disks;

	while (b && number--)
		b = b->next;
	return b ? b->disk : NULL;
}
