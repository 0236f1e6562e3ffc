// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtio_scsi.c - a SCSI host with one target, the CD drive: requests become commands of scsi_cd.c, and the blocks that these
 * name go from the image straight to the guest's memory. Source: virtio 1.2 "SCSI Host Device".
 *
 * One thread serves requests and task management, so that a task that was served is at rest: a drive does one thing
 * at a time. Nothing is ever told through the event queue, whose features are not offered: drives with removable media are
 * asked whether theirs changed.
 *
 * The medium belongs to the world: it stays over resets, and the host changes it while the guest does not lock it.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "cdrom.h"
#include "compiler.h"
#include "scsi_cd.h"
#include "virtio.h"

#define QUEUE_SIZE	256
#define SEGMENTS	128	/* pieces of data in a request */
#define SECTORS		2048	/* of 512 bytes, in a request */
#define COMMANDS	16	/* at once for a logical unit */
#define SENSE_SIZE	96	/* unless the driver wants another */
#define CDB_SIZE	32
#define PATIENCE_S	1

enum {
	CONTROL,
	EVENT,
	REQUEST,
	QUEUES,
};

/* "Device Operation: Request Queues", field response. */
enum response {
	R_DONE = 0,
	R_OVERRUN = 1,
	R_BAD_TARGET = 3,
	R_FUNCTION_REJECTED = 11,
	R_INCORRECT_LUN = 12,
};

/* "Device Operation: controlq" */
enum control_type {
	T_TASK_MANAGEMENT = 0,
	T_AN_QUERY = 1,
	T_AN_SUBSCRIBE = 2,
};

enum task_management {
	ABORT_TASK = 0,
	ABORT_TASK_SET = 1,
	CLEAR_ACA = 2,
	CLEAR_TASK_SET = 3,
	NEXUS_RESET = 4,
	LOGICAL_UNIT_RESET = 5,
	QUERY_TASK = 6,
	QUERY_TASK_SET = 7,
};

/* What the command's bytes follow. */
struct request {
	uint8_t lun[8];
	uint64_t id;
	uint8_t task_attr, prio, crn;
} __attribute__((packed));

/* What the sense data follows. */
struct response_head {
	uint32_t sense_len, residual;
	uint16_t status_qualifier;
	uint8_t status, response;
};

_Static_assert(sizeof(struct request) == 19 && sizeof(struct response_head) == 12, "as in \"Request Queues\"");

struct task_request {
	uint32_t type, subtype;
	uint8_t lun[8];
	uint64_t id;
};

struct config {
	uint32_t num_queues, seg_max, max_sectors, cmd_per_lun, event_info_size, sense_size, cdb_size;
	uint16_t max_channel, max_target;
	uint32_t max_lun;
};

/**
 * struct vmm_cd - the drive and its host
 * @dev: what the guest sees
 * @config: its configuration; the driver writes @sense_size and @cdb_size
 * @part: what of it is saved beside all that virtio devices save
 * @worker: serves requests and task management
 * @lock: of what follows; held while the medium is read
 * @cd: the drive
 * @fd: the medium's image, or -1
 * @blocks: of the image
 */
struct vmm_cd {
	struct virtio_device dev;
	struct config config;
	struct vmm_part part;
	struct virtio_worker worker;
	pthread_mutex_t lock;
	struct scsi_cd cd;
	int fd;
	uint32_t blocks;
};

static struct vmm_cd *cd_of(struct virtio_device *dev)
{
	return (struct vmm_cd *)((char *)dev - offsetof(struct vmm_cd, dev));
}

static void set_medium(struct vmm_cd *c, int fd, uint32_t blocks)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = fd;
	c->blocks = blocks;
}

/* All of the blocks that an answer names, after @skip bytes of the buffers, which have room for them. */
static bool read_medium(const struct vmm_cd *c, const struct scsi_cd_answer *a, const struct virtq_chain *chain,
			uint64_t skip)
{
	uint64_t left = (uint64_t)a->count * SCSI_CD_BLOCK, offset = (uint64_t)a->lba * SCSI_CD_BLOCK;
	uint64_t leave = chain->in - skip - left;
	struct iovec iov[VIRTQ_IOV];
	ssize_t got;
	int n;

	while (left) {
		n = virtq_data(chain->iov + chain->nout, chain->nin, skip, leave, iov);
		got = preadv(c->fd, iov, n, offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		skip += got;
		offset += got;
		left -= got;
	}
	return true;
}

static bool is_target(const uint8_t *lun)
{
	return lun[0] == 1 && !lun[1];
}

/* In the flat form, or the one of a single level that gives the same number. */
static bool is_unit(const uint8_t *lun)
{
	return (lun[2] == 0x40 || !lun[2]) && !lun[3];
}

/* Sense data and bytes of the answer; what is given back then. */
static uint64_t respond(const struct virtq_chain *chain, uint64_t head, struct response_head *r,
			const struct scsi_cd_answer *a, uint64_t transferred)
{
	uint64_t room = head - sizeof(*r), sense = a->status == SCSI_CHECK_CONDITION ? SCSI_CD_SENSE : 0;

	r->status = a->status;
	r->sense_len = sense < room ? sense : room;
	r->residual = chain->in - head - transferred;
	virtq_copy_in(chain, 0, r, sizeof(*r));
	virtq_copy_in(chain, sizeof(*r), a->sense, r->sense_len);
	return head + transferred;
}

/* The command is done; of data that does not fit nothing is transferred, and that is told. */
static uint64_t answer(struct vmm_cd *c, const struct virtq_chain *chain, uint64_t head, struct scsi_cd_answer *a)
{
	uint64_t room = chain->in - head, bytes = a->count ? (uint64_t)a->count * SCSI_CD_BLOCK : a->n;
	struct response_head r = { .response = R_DONE };

	if (bytes > room) {
		r.response = R_OVERRUN;
		bytes = 0;
	} else if (a->count && !read_medium(c, a, chain, head)) {
		scsi_cd_unreadable(a);
		bytes = 0;
	} else if (a->n) {
		virtq_copy_in(chain, head, a->data, bytes);
	}
	return respond(chain, head, &r, a, bytes);
}

static uint64_t command(struct vmm_cd *c, const struct request *request, const uint8_t *cdb,
			const struct virtq_chain *chain, uint64_t head)
{
	struct response_head r = { .response = R_BAD_TARGET };
	struct scsi_cd_answer a = { .status = SCSI_GOOD };
	uint64_t written;

	if (!is_target(request->lun))
		return respond(chain, head, &r, &a, 0);
	pthread_mutex_lock(&c->lock);
	if (is_unit(request->lun))
		scsi_cd_command(&c->cd, cdb, &a);
	else
		scsi_cd_absent(cdb, &a);
	if (a.ejected)
		set_medium(c, -1, 0);
	written = answer(c, chain, head, &a);
	pthread_mutex_unlock(&c->lock);
	return written;
}

/* Bytes written, or -1 for what no driver sends. */
static int64_t serve_request(struct vmm_cd *c, const struct virtq_chain *chain)
{
	uint64_t size = __atomic_load_n(&c->config.cdb_size, __ATOMIC_RELAXED);
	uint64_t head = sizeof(struct response_head) + __atomic_load_n(&c->config.sense_size, __ATOMIC_RELAXED);
	uint8_t cdb[SCSI_CD_CDB] = { 0 };
	struct request request;

	if (chain->out < sizeof(request) + size || chain->in < head)
		return -1;
	virtq_copy_out(chain, 0, &request, sizeof(request));
	virtq_copy_out(chain, sizeof(request), cdb, size < sizeof(cdb) ? size : sizeof(cdb));
	return command(c, &request, cdb, chain, head);
}

/* All tasks that were there have been served: none is left to abort or to be found. */
static uint8_t manage(struct vmm_cd *c, const struct task_request *t)
{
	if (!is_target(t->lun))
		return R_BAD_TARGET;
	if (t->subtype != NEXUS_RESET && !is_unit(t->lun))
		return R_INCORRECT_LUN;
	switch (t->subtype) {
	case ABORT_TASK:
	case ABORT_TASK_SET:
	case CLEAR_TASK_SET:
	case QUERY_TASK:
	case QUERY_TASK_SET:
		return R_DONE;
	case NEXUS_RESET:
	case LOGICAL_UNIT_RESET:
		pthread_mutex_lock(&c->lock);
		scsi_cd_reset(&c->cd);
		pthread_mutex_unlock(&c->lock);
		return R_DONE;
	default:
		return R_FUNCTION_REJECTED;
	}
}

/* Bytes written, or -1 for what no driver sends. Of asynchronous notification there are no events. */
static int64_t serve_control(struct vmm_cd *c, const struct virtq_chain *chain)
{
	struct {
		uint32_t events;
		uint8_t response;
	} __attribute__((packed)) none = { .response = R_DONE };
	struct task_request t = { 0 };
	uint8_t response;

	if (virtq_copy_out(chain, 0, &t, sizeof(t)) < sizeof(t.type))
		return -1;
	switch (t.type) {
	case T_TASK_MANAGEMENT:
		if (chain->out < sizeof(t) || !chain->in)
			return -1;
		response = manage(c, &t);
		return virtq_copy_in(chain, 0, &response, sizeof(response));
	case T_AN_QUERY:
	case T_AN_SUBSCRIBE:
		if (chain->in < sizeof(none))
			return -1;
		return virtq_copy_in(chain, 0, &none, sizeof(none));
	default:
		return -1;
	}
}

static void give_back(struct virtio_queue *vq, const struct virtq_chain *chain, int64_t written)
{
	if (written < 0)
		vq->q.broken = true;
	else
		virtq_push(&vq->q, chain->head, written);
}

/* Up to as many as the queue has; true if there may be more. */
static bool serve_requests(struct vmm_cd *c)
{
	struct virtio_queue *vq = &c->dev.queue[REQUEST];
	struct virtq_chain chain;
	unsigned int i;

	for (i = 0; i < vq->size; i++) {
		if (virtq_pop(&vq->q, &chain) <= 0)
			return false;
		give_back(vq, &chain, serve_request(c, &chain));
		virtio_tell(vq);
	}
	return true;
}

/* The tasks that somebody wants to manage came before he said so. */
static void serve_controls(struct vmm_cd *c)
{
	struct virtio_queue *vq = &c->dev.queue[CONTROL];
	struct virtq_chain chain;

	while (!c->worker.parking && virtq_pop(&vq->q, &chain) > 0) {
		serve_requests(c);
		give_back(vq, &chain, serve_control(c, &chain));
		virtio_tell(vq);
	}
}

static void work(struct virtio_worker *w)
{
	struct vmm_cd *c = w->opaque;
	struct virtio_queue *requests = &c->dev.queue[REQUEST], *controls = &c->dev.queue[CONTROL];
	bool more;

	do {
		more = serve_requests(c);
		serve_controls(c);
		more |= virtq_more(&requests->q);
		more |= virtq_more(&controls->q);
	} while (more && !w->parking);
	if (requests->enabled)
		virtio_check_broken(requests);
	if (controls->enabled)
		virtio_check_broken(controls);
}

static void wait_for_work(struct virtio_worker *w)
{
	struct virtio_device *dev = w->vq->dev;
	struct pollfd p[2] = {
		{ .fd = dev->queue[REQUEST].kick, .events = POLLIN },
		{ .fd = dev->queue[CONTROL].kick, .events = POLLIN },
	};
	uint64_t count;
	unsigned int i;

	if (poll(p, 2, -1) <= 0)
		return;
	for (i = 0; i < 2; i++)
		if (p[i].revents && read(p[i].fd, &count, sizeof(count)) < 0)
			errno = 0;
}

static void start(struct virtio_device *dev)
{
	struct vmm_cd *c = cd_of(dev);

	c->worker.vq = &dev->queue[REQUEST];
	c->worker.work = work;
	c->worker.wait = wait_for_work;
	c->worker.opaque = c;
	virtio_worker_start(&c->worker);
}

static void stop(struct virtio_device *dev)
{
	virtio_worker_stop(&cd_of(dev)->worker);
}

static void quiesce(struct virtio_device *dev)
{
	virtio_worker_quiesce(&cd_of(dev)->worker);
}

static void resume(struct virtio_device *dev)
{
	virtio_worker_resume(&cd_of(dev)->worker);
}

static int forked(struct virtio_device *dev)
{
	virtio_worker_forked(&cd_of(dev)->worker);
	return 0;
}

static void config_write(struct virtio_device *dev, uint32_t offset, unsigned int size, const void *data)
{
	struct vmm_cd *c = cd_of(dev);

	if (size != sizeof(uint32_t))
		return;
	if (offset == offsetof(struct config, sense_size))
		__atomic_store_n(&c->config.sense_size, *(const uint32_t *)data, __ATOMIC_RELAXED);
	else if (offset == offsetof(struct config, cdb_size))
		__atomic_store_n(&c->config.cdb_size, *(const uint32_t *)data, __ATOMIC_RELAXED);
}

static void reset(struct virtio_device *dev)
{
	struct vmm_cd *c = cd_of(dev);

	__atomic_store_n(&c->config.sense_size, SENSE_SIZE, __ATOMIC_RELAXED);
	__atomic_store_n(&c->config.cdb_size, CDB_SIZE, __ATOMIC_RELAXED);
	pthread_mutex_lock(&c->lock);
	scsi_cd_reset(&c->cd);
	pthread_mutex_unlock(&c->lock);
}

static const struct virtio_ops ops = {
	.type = VIRTIO_SCSI, .class = 0x010000, .start = start, .stop = stop, .quiesce = quiesce, .resume = resume,
	.forked = forked, .config_write = config_write, .reset = reset,
};

#define FIELD(name, member)	\
	{ name, offsetof(struct vmm_cd, member), sizeof(((struct vmm_cd *)0)->member), 1 }

static const struct vmm_field fields[] = {
	FIELD("sense_size", config.sense_size),
	FIELD("cdb_size", config.cdb_size),
	FIELD("blocks", cd.blocks),
	FIELD("open", cd.open),
	FIELD("locked", cd.locked),
	FIELD("attention", cd.attention),
	FIELD("event", cd.event),
};

/* The medium that was saved is the one that is there, or it was changed meanwhile. */
static int load(void *opaque)
{
	struct vmm_cd *c = opaque;

	if (c->cd.open > 1 || c->cd.locked > 1 || c->cd.attention & ~SCSI_CD_ATTENTIONS ||
	    c->cd.event >= SCSI_CD_EVENTS) {
		vmm_error(c->dev.name, "its saved state is not one of a CD drive",
			  "restore with the vmctl that the snapshot was made with");
		return -1;
	}
	if (!c->cd.blocks)
		set_medium(c, -1, 0);
	else if (!c->blocks)
		scsi_cd_remove(&c->cd);
	else if (c->blocks != c->cd.blocks)
		scsi_cd_insert(&c->cd, c->blocks);
	return 0;
}

/* Before the one that virtio has, which starts to serve when it is loaded. */
static void add_part(struct vmm *m, struct vmm_cd *c)
{
	c->part = (struct vmm_part){
		.name = "cdrom", .version = 1, .fields = fields, .nfields = ARRAY_SIZE(fields), .state = c, .opaque = c,
		.load = load,
	};
	vmm_part_add(m, &c->part);
}

/* A restored machine goes on without the medium if that is gone. */
static int open_medium(struct vmm *m, struct vmm_cd *c)
{
	const char *remedy = CDROM_REMEDY;
	uint32_t blocks;
	int fd;

	if (!cdrom_is_image(m->config->cdrom))
		return 0;
	if (m->config->restore)
		remedy = "the CD drive is empty until you fill it with `vmctl set --cdrom`";
	fd = cdrom_open(m->config->cdrom, remedy, &blocks);
	if (fd < 0)
		return m->config->restore ? 0 : -1;
	set_medium(c, fd, blocks);
	c->cd.blocks = blocks;
	return 0;
}

static void init_device(struct vmm_cd *c)
{
	unsigned int i;

	strcpy(c->dev.name, "virtio-scsi");
	c->config = (struct config){
		.num_queues = 1, .seg_max = SEGMENTS, .max_sectors = SECTORS, .cmd_per_lun = COMMANDS,
		.event_info_size = 16, .sense_size = SENSE_SIZE, .cdb_size = CDB_SIZE,
	};
	c->dev.ops = &ops;
	c->dev.config = &c->config;
	c->dev.config_size = sizeof(c->config);
	c->dev.nqueues = QUEUES;
	for (i = 0; i < QUEUES; i++)
		c->dev.queue[i].max = QUEUE_SIZE;
}

/**
 * vmm_cd_create() - give the guest its CD drive, if it shall have one
 * @m: the machine, with a PCI bus
 *
 * Return: 0, or -1 with the error printed.
 */
int vmm_cd_create(struct vmm *m)
{
	struct vmm_cd *c;

	if (!m->config->cdrom)
		return 0;
	c = calloc(1, sizeof(*c));
	if (!c) {
		vmm_error("CD drive", strerror(errno), "free some memory");
		return -1;
	}
	m->cd = c;
	c->fd = -1;
	pthread_mutex_init(&c->lock, NULL);
	init_device(c);
	scsi_cd_reset(&c->cd);
	if (open_medium(m, c))
		return -1;
	add_part(m, c);
	return virtio_add(m, &c->dev);
}

/**
 * vmm_cd_destroy() - take it away
 * @m: the machine, its CPUs are gone
 */
void vmm_cd_destroy(struct vmm *m)
{
	struct vmm_cd *c = m->cd;

	if (!c)
		return;
	virtio_remove(&c->dev);
	set_medium(c, -1, 0);
	pthread_mutex_destroy(&c->lock);
	free(c);
	m->cd = NULL;
}

static const char *change(struct vmm_cd *c, int fd)
{
	const char *wrong = NULL;
	uint32_t blocks = 0;

	if (c->cd.locked) {
		c->cd.event = SCSI_CD_EJECT_REQUEST;
		return "its guest has locked the CD drive, and has been asked to let go of the medium";
	}
	if (fd >= 0)
		wrong = cdrom_check(fd, &blocks);
	if (wrong)
		return wrong;
	if (fd >= 0)
		scsi_cd_insert(&c->cd, blocks);
	else if (c->cd.blocks)
		scsi_cd_remove(&c->cd);
	set_medium(c, fd, blocks);
	return NULL;
}

/**
 * vmm_cd_change() - another medium in the drive, or none; main thread
 * @m: the machine, with a CD drive
 * @fd: of its image, taken over if all goes well; -1 for none
 *
 * Return: NULL, or what is wrong.
 */
const char *vmm_cd_change(struct vmm *m, int fd)
{
	struct timespec until;
	const char *wrong;

	/* Others wait for the main thread, which does not wait for a slow medium. */
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_S;
	if (pthread_mutex_timedlock(&m->cd->lock, &until))
		return "its CD drive is busy";
	wrong = change(m->cd, fd);
	pthread_mutex_unlock(&m->cd->lock);
	return wrong;
}

/**
 * vmm_cd_state() - how the drive is; main thread
 * @m: the machine, with a CD drive
 * @medium: filled: one is in it
 * @locked: filled: the guest has locked it
 *
 * A command that is being done may change it.
 */
void vmm_cd_state(struct vmm *m, bool *medium, bool *locked)
{
	const struct scsi_cd *cd = &m->cd->cd;

	*medium = __atomic_load_n(&cd->blocks, __ATOMIC_RELAXED);
	*locked = __atomic_load_n(&cd->locked, __ATOMIC_RELAXED);
}
