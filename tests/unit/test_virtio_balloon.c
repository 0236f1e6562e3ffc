// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_virtio_balloon.c - the balloon: pages that go back to the host and those that must not, reports, statistics
 * that stay in their queue, drivers that lie.
 */
/* sources: ctl/vmm/memory.c ctl/vmm/virtio_balloon.c ctl/vmm/virtq.c */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "balloon.h"
#include "virtio.h"

#define PAGE	4096ULL
#define PAGES	2048
#define DESC	0x1000
#define AVAIL	0x2000
#define USED	0x3000
#define DATA	0x4000
#define FIRST	64	/* pages from here on are the guest's own */
#define SIZE	64

#define F_STATS	(1ULL << 1)
#define WRITE	2

static struct vmm m;
static struct vmm_config machine_config;
static struct virtio_device *dev;
static void (*handler)(struct virtio_queue *vq);
static unsigned int tells, kicks, changes;

void vmm_error(const char *object, const char *what, const char *remedy)
{
	ck_abort_msg("%s: %s: %s", object, what, remedy);
}

void vmm_part_add(struct vmm *machine, struct vmm_part *p)
{
	p->next = machine->parts;
	machine->parts = p;
}

int virtio_add(struct vmm *machine, struct virtio_device *d)
{
	unsigned int i;

	d->m = machine;
	pthread_mutex_init(&d->lock, NULL);
	for (i = 0; i < d->nqueues; i++) {
		d->queue[i].dev = d;
		d->queue[i].index = i;
	}
	dev = d;
	return 0;
}

void virtio_remove(struct virtio_device *d)
{
	pthread_mutex_destroy(&d->lock);
}

int virtio_loop_add(struct virtio_device *d, void (*kicked)(struct virtio_queue *vq))
{
	(void)d;
	handler = kicked;
	return 0;
}

void virtio_loop_start(struct virtio_device *d)
{
	d->running = true;
}

void virtio_loop_stop(struct virtio_device *d)
{
	d->running = false;
}

void virtio_kick(struct virtio_queue *vq)
{
	(void)vq;
	kicks++;
}

void virtio_tell(struct virtio_queue *vq)
{
	tells += virtq_shall_tell(&vq->q);
}

void virtio_check_broken(struct virtio_queue *vq)
{
	(void)vq;
}

void virtio_config_changed(struct virtio_device *d)
{
	(void)d;
	changes++;
}

bool virtio_has(const struct virtio_device *d, uint64_t feature)
{
	return d->accepted & feature;
}

static void use(unsigned int queue, uint64_t accepted)
{
	struct virtio_queue *vq = &dev->queue[queue];

	dev->accepted = accepted;
	memset(m.ram + DESC, 0, DATA - DESC);
	vq->enabled = true;
	vq->q = (struct virtq){ .m = &m, .size = SIZE };
	ck_assert_int_eq(virtq_map(&vq->q, DESC, AVAIL, USED), 0);
	dev->ops->start(dev);
}

/* The driver adds a request of one buffer, as number @n. */
static void add(uint16_t n, uint64_t at, uint32_t size, uint16_t flags)
{
	uint8_t *d = m.ram + DESC + 16 * (n % SIZE);
	uint16_t head = n % SIZE, next = n + 1;

	memcpy(d, &at, 8);
	memcpy(d + 8, &size, 4);
	memcpy(d + 12, &flags, 2);
	memcpy(m.ram + AVAIL + 4 + 2 * head, &head, 2);
	memcpy(m.ram + AVAIL + 2, &next, 2);
}

static unsigned int used(void)
{
	uint16_t n;

	memcpy(&n, m.ram + USED + 2, 2);
	return n;
}

static void put_pfns(const uint32_t *pfn, size_t n)
{
	memcpy(m.ram + DATA, pfn, n * sizeof(*pfn));
}

static bool kept(unsigned int page)
{
	return m.ram[page * PAGE + 17] == 0xa5;
}

static void setup(void)
{
	machine_config = (struct vmm_config){ .balloon = 8 * PAGE, .memory = PAGES * PAGE };
	m = (struct vmm){ .config = &machine_config };
	ck_assert_int_eq(vmm_memory_create(&m), 0);
	memset(m.ram + FIRST * PAGE, 0xa5, m.low - FIRST * PAGE);
	tells = kicks = changes = 0;
	ck_assert_int_eq(vmm_balloon_create(&m), 0);
}

static void teardown(void)
{
	vmm_balloon_destroy(&m);
	munmap(m.ram, PAGES * PAGE);
	free(m.pieces);
}

START_TEST(inflates)
{
	/* A run backwards, one alone, one twice, the last page. */
	static const uint32_t pfn[] = { 103, 102, 101, 200, 300, 300, PAGES - 1 };
	unsigned int i, gone = 0;

	use(0, F_STATS);
	put_pfns(pfn, 7);
	add(0, DATA, sizeof(pfn), 0);
	handler(&dev->queue[0]);
	ck_assert_uint_eq(used(), 1);
	ck_assert_uint_eq(tells, 1);
	for (i = FIRST; i < PAGES; i++)
		gone += !kept(i);
	ck_assert_uint_eq(gone, 6);
	ck_assert(!kept(101) && !kept(102) && !kept(103) && !kept(200) && !kept(300) && !kept(PAGES - 1));
}
END_TEST

START_TEST(ignores_what_is_no_ram)
{
	static const uint32_t pfn[] = { PAGES, 0xffffffff, PAGES + 5, 0x80000000 };
	unsigned int i;

	use(0, 0);
	put_pfns(pfn, 4);
	add(0, DATA, sizeof(pfn), 0);
	add(1, DATA, 3, 0);		/* less than a number */
	add(2, DATA, sizeof(pfn), WRITE);	/* nothing to read */
	handler(&dev->queue[0]);
	ck_assert_uint_eq(used(), 3);
	for (i = FIRST; i < PAGES; i++)
		ck_assert(kept(i));
}
END_TEST

START_TEST(deflating_takes_nothing)
{
	static const uint32_t pfn[] = { 100, 101 };

	use(1, 0);
	put_pfns(pfn, 2);
	add(0, DATA, sizeof(pfn), 0);
	handler(&dev->queue[1]);
	ck_assert_uint_eq(used(), 1);
	ck_assert(kept(100) && kept(101));
}
END_TEST

/* Which queue is the one for reports depends on the features, and on how the driver counts. */
START_TEST(reports)
{
	static const struct {
		unsigned int queue;
		uint64_t accepted;
	} forms[] = { { 2, 0 }, { 3, F_STATS }, { 4, F_STATS }, { 4, 0 } };

	use(forms[_i].queue, forms[_i].accepted);
	add(0, 100 * PAGE, 3 * PAGE, WRITE);
	add(1, 200 * PAGE + 1, 2 * PAGE, WRITE);	/* one whole page in it */
	add(2, 300 * PAGE + 8, PAGE, WRITE);		/* none */
	add(3, 400 * PAGE, PAGE, 0);			/* not to be written */
	handler(&dev->queue[forms[_i].queue]);
	ck_assert_uint_eq(used(), 4);
	ck_assert(kept(99) && !kept(100) && !kept(101) && !kept(102) && kept(103));
	ck_assert(kept(200) && !kept(201) && kept(202));
	ck_assert(kept(300) && kept(301) && kept(400));
}
END_TEST

/* A huge page that has lost a piece is none any more; one that went as a whole may be one again. */
START_TEST(pieces_of_huge_pages)
{
	static const uint32_t pfn[] = { 100, 513, 515, 1023, 1024 };

	ck_assert(!m.huge);	/* so small a guest has none */
	use(0, 0);
	put_pfns(pfn, 1);
	add(0, DATA, 4, 0);
	handler(&dev->queue[0]);
	ck_assert_uint_eq(m.npieces, 0);
	m.huge = true;
	put_pfns(pfn, 5);
	add(1, DATA, 20, 0);
	handler(&dev->queue[0]);
	ck_assert_uint_eq(m.npieces, 3);
	ck_assert_uint_eq(m.pieces[0], 7);
	use(3, 0);
	add(0, 1536 * PAGE, 512 * PAGE, WRITE);
	handler(&dev->queue[3]);
	ck_assert(!kept(1536) && !kept(2047));
	ck_assert_uint_eq(m.npieces, 3);
}
END_TEST

/* They are worth having again when the user wants nothing of the guest any more. */
START_TEST(pieces_come_back)
{
	static const uint32_t pfn[] = { 100 };

	m.huge = true;
	use(0, 0);
	put_pfns(pfn, 1);
	add(0, DATA, 4, 0);
	handler(&dev->queue[0]);
	use(1, 0);
	add(0, DATA, 4, 0);
	handler(&dev->queue[1]);
	ck_assert_uint_eq(m.npieces, 1);
	ck_assert_int_eq(vmm_balloon_set(&m, 0), 0);
	add(1, DATA, 4, 0);
	handler(&dev->queue[1]);
	ck_assert_uint_eq(m.npieces, 0);
	ck_assert_uint_eq(m.pieces[0], 0);
}
END_TEST

static void put_stat(unsigned int i, uint16_t tag, uint64_t val)
{
	memcpy(m.ram + DATA + 10 * i, &tag, 2);
	memcpy(m.ram + DATA + 10 * i + 2, &val, 8);
}

START_TEST(stats_stay_in_their_queue)
{
	struct vmm_balloon_stats s;

	use(2, F_STATS);
	vmm_balloon_stats(&m, &s, true);
	ck_assert_uint_eq(s.round, 0);
	put_stat(0, VMM_BALLOON_FREE, 1234);
	put_stat(1, VMM_BALLOON_TOTAL, 5678);
	put_stat(2, 0xffff, 1);
	add(0, DATA, 30, 0);
	handler(&dev->queue[2]);
	ck_assert_uint_eq(used(), 0);
	vmm_balloon_stats(&m, &s, false);
	ck_assert_uint_eq(s.round, 1);
	ck_assert_uint_eq(s.known, 1U << VMM_BALLOON_FREE | 1U << VMM_BALLOON_TOTAL);
	ck_assert_uint_eq(s.value[VMM_BALLOON_FREE], 1234);
	ck_assert_uint_eq(s.value[VMM_BALLOON_TOTAL], 5678);
	ck_assert_uint_eq(used(), 0);
	/* Asked for newer ones the driver gets its buffer back, once. */
	vmm_balloon_stats(&m, &s, true);
	ck_assert_uint_eq(used(), 1);
	ck_assert_uint_eq(tells, 1);
	vmm_balloon_stats(&m, &s, true);
	ck_assert_uint_eq(used(), 1);
	put_stat(0, VMM_BALLOON_FREE, 4321);
	add(1, DATA, 30, 0);
	handler(&dev->queue[2]);
	vmm_balloon_stats(&m, &s, false);
	ck_assert_uint_eq(s.round, 2);
	ck_assert_uint_eq(s.value[VMM_BALLOON_FREE], 4321);
}
END_TEST

START_TEST(stats_of_a_liar)
{
	struct vmm_balloon_stats s;

	use(2, F_STATS);
	memset(m.ram + DATA, 0xff, 0x1000);
	add(0, DATA, 0x1000, 0);
	handler(&dev->queue[2]);
	vmm_balloon_stats(&m, &s, false);
	ck_assert_uint_eq(s.known, 0);
	/* A buffer that has become nonsense since it was looked at. */
	add(0, m.low, 16, 0);
	vmm_balloon_stats(&m, &s, true);
	ck_assert(dev->queue[2].q.broken);
	ck_assert_uint_eq(used(), 0);
}
END_TEST

START_TEST(size)
{
	uint32_t pages[2], actual = 5, other = 77;
	struct vmm_balloon_stats s;

	use(0, F_STATS);
	memcpy(pages, dev->config, sizeof(pages));
	ck_assert_uint_eq(pages[0], 8);
	ck_assert_uint_eq(pages[1], 0);
	dev->ops->config_write(dev, 4, 4, &actual);
	dev->ops->config_write(dev, 0, 4, &other);	/* not the driver's to write */
	dev->ops->config_write(dev, 8, 4, &other);
	dev->ops->config_write(dev, 4, 2, &other);
	vmm_balloon_stats(&m, &s, false);
	ck_assert_uint_eq(s.target, 8 * PAGE);
	ck_assert_uint_eq(s.actual, 5 * PAGE);
	ck_assert_int_eq(vmm_balloon_set(&m, 100 * PAGE), 0);
	ck_assert_uint_eq(changes, 1);
	memcpy(pages, dev->config, sizeof(pages));
	ck_assert_uint_eq(pages[0], 100);
	ck_assert_int_eq(vmm_balloon_set(&m, m.low + 1), -1);
	ck_assert_uint_eq(changes, 1);
	/* The driver goes: the user's wish stays. */
	dev->ops->stop(dev);
	vmm_balloon_stats(&m, &s, true);
	ck_assert_uint_eq(s.target, 100 * PAGE);
	ck_assert_uint_eq(s.actual, 0);
	ck_assert_uint_eq(s.round, 0);
}
END_TEST

START_TEST(others_have_their_turn)
{
	unsigned int i;

	use(1, 0);
	for (i = 0; i < 40; i++)
		add(i, DATA, 4, 0);
	handler(&dev->queue[1]);
	ck_assert_uint_eq(used(), 32);
	ck_assert_uint_eq(kicks, 1);
	handler(&dev->queue[1]);
	ck_assert_uint_eq(used(), 40);
	ck_assert_uint_eq(kicks, 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("virtio_balloon");
	TCase *t = tcase_create("balloon");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, inflates);
	tcase_add_test(t, ignores_what_is_no_ram);
	tcase_add_test(t, deflating_takes_nothing);
	tcase_add_test(t, pieces_of_huge_pages);
	tcase_add_test(t, pieces_come_back);
	tcase_add_loop_test(t, reports, 0, 4);
	tcase_add_test(t, stats_stay_in_their_queue);
	tcase_add_test(t, stats_of_a_liar);
	tcase_add_test(t, size);
	tcase_add_test(t, others_have_their_turn);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
