// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_virtio_net.c - a network card with two pairs of queues: which of them take part, as the driver says it, in a machine that goes on
 * from a snapshot, and after a reset. The interface is a pipe that nothing comes from.
 */
/* sources: ctl/vmm/bus.c ctl/vmm/memory.c ctl/vmm/msix.c ctl/vmm/part.c ctl/vmm/pci.c ctl/vmm/route.c ctl/vmm/virtio.c ctl/vmm/virtio_loop.c ctl/vmm/virtio_net.c ctl/vmm/virtio_pci.c ctl/vmm/virtio_worker.c ctl/vmm/virtq.c */
#include <check.h>
#include <fcntl.h>
#include <time.h>

#include "devices.h"
#include "fake_machine.h"
#include "net/net.h"
#include "part.h"

#define QUEUES		5
#define CONTROL		4
#define AT		0x10000
#define SIZE		16
#define REQUEST		0x40000
#define ACK		0x41000
#define F_CTRL_VQ	(1ULL << 17)
#define F_MQ		(1ULL << 22)
#define FEATURES	(VIRTIO_F_1 | F_CTRL_VQ | F_MQ)

static const struct vmm_net nets[] = { { "tap:none", "52:54:00:12:34:56" } };
static struct fake_queue queue[QUEUES];
static struct virtio_device *dev;
static bool takes_part[2];
static int plug;		/* the newest interface, which that is of */

int net_open(struct net_link *l, const char *network, unsigned int pairs)
{
	int ends[2];

	(void)network;
	ck_assert_int_eq(pipe2(ends, O_NONBLOCK), 0);
	*l = (struct net_link){ .fd = { ends[0], dup(ends[0]) }, .pairs = pairs, .keep = ends[1], .header = true };
	takes_part[0] = takes_part[1] = true;
	plug = ends[0];
	return 0;
}

void net_close(struct net_link *l)
{
	close(l->fd[0]);
	close(l->fd[1]);
	close(l->keep);
}

int net_tap_enable(const struct net_link *l, unsigned int pair, bool on)
{
	if (l->fd[0] == plug)
		takes_part[pair] = on;
	return 0;
}

int net_tap_offload(const struct net_link *l, bool checksum, bool tso4, bool tso6)
{
	(void)l;
	(void)checksum;
	(void)tso4;
	(void)tso6;
	return 0;
}

bool vmm_may_run(const struct vmm *m)
{
	(void)m;
	return true;
}

static struct vmm_part *part(const char *name)
{
	struct vmm_part *p;

	for (p = fake.parts; p && strcmp(p->name, name); p = p->next)
		;
	ck_assert_ptr_nonnull(p);
	return p;
}

static void create(void)
{
	fake_create();
	fake_config.cpus = 2;
	fake_config.nets = nets;
	fake_config.nnets = 1;
	ck_assert_int_eq(vmm_net_create(&fake), 0);
	dev = part("virtio-net0")->opaque;
}

static void setup(void)
{
	create();
	ck_assert_uint_eq(fake_driver(dev->pci.slot, FEATURES, queue, QUEUES, AT, SIZE), 15);
}

static void teardown(void)
{
	vmm_net_destroy(&fake);
	fake_destroy();
}

/* The driver's wish; what the device says of it. */
static uint8_t set_pairs(uint16_t pairs)
{
	struct timespec pause = { .tv_nsec = 1000000 };
	uint32_t head, length;
	unsigned int i;

	memcpy(fake.ram + REQUEST, (uint8_t [4]){ 4, 0, pairs }, 4);
	fake.ram[ACK] = 0xee;
	fake_desc(queue[CONTROL].desc, 0, REQUEST, 4, 1, 1);
	fake_desc(queue[CONTROL].desc, 1, ACK, 1, 2, 0);
	fake_offer(&queue[CONTROL], 0);
	virtio_kick(&dev->queue[CONTROL]);
	for (i = 0; i < 5000; i++) {
		if (fake_take(&queue[CONTROL], &head, &length))
			return fake.ram[ACK];
		nanosleep(&pause, NULL);
	}
	ck_abort_msg("no answer");
}

START_TEST(pairs)
{
	ck_assert(takes_part[0] && !takes_part[1]);
	ck_assert_uint_eq(set_pairs(2), 0);
	ck_assert(takes_part[0] && takes_part[1]);
	ck_assert_uint_eq(set_pairs(3), 1);
	ck_assert_uint_eq(set_pairs(0), 1);
	ck_assert(takes_part[0] && takes_part[1]);
	ck_assert_uint_eq(set_pairs(1), 0);
	ck_assert(takes_part[0] && !takes_part[1]);
	ck_assert_uint_eq(set_pairs(2), 0);
	fake_write(dev->pci.slot, FAKE_STATUS, 1, 0);
	ck_assert(takes_part[0] && !takes_part[1]);
}
END_TEST

static int load(struct vmm_part *p, const uint8_t *from)
{
	uint32_t i;

	for (i = 0; i < p->nfields; i++)
		memcpy((uint8_t *)p->state + p->fields[i].offset, from + p->fields[i].offset,
		       (size_t)p->fields[i].size * p->fields[i].count);
	return p->load(p->opaque);
}

/* Into a new machine with the same memory, as a restore does it; the old one is gone afterwards. */
static void restore(void)
{
	struct vmm_part *card = part("virtio-net0"), *pairs = part("virtio-net0-pairs");
	struct vmm old;

	card->quiesce(card->opaque);
	card->save(card->opaque);
	pairs->save(pairs->opaque);
	old = fake;
	create();
	memcpy(fake.ram, old.ram, FAKE_RAM);
	ck_assert_int_eq(load(part("virtio-net0-pairs"), pairs->state), 0);
	ck_assert_int_eq(load(part("virtio-net0"), card->state), 0);
	card->resume(card->opaque);
	vmm_net_destroy(&old);
	vmm_pci_destroy(&old);
	vmm_routes_destroy(&old);
	free(old.ram);
}

START_TEST(restored)
{
	ck_assert_uint_eq(set_pairs(2), 0);
	restore();
	ck_assert(takes_part[0] && takes_part[1]);
	ck_assert_uint_eq(set_pairs(1), 0);
	ck_assert(!takes_part[1]);
}
END_TEST

START_TEST(restored_of_more_pairs)
{
	struct vmm_part *p = part("virtio-net0-pairs");
	uint32_t three = 3;

	memcpy((uint8_t *)p->state + p->fields[0].offset, &three, sizeof(three));
	fake_may_fail = true;
	ck_assert_int_eq(p->load(p->opaque), -1);
	fake_may_fail = false;
}
END_TEST

int main(void)
{
	Suite *s = suite_create("network card");
	TCase *t = tcase_create("pairs");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, pairs);
	tcase_add_test(t, restored);
	tcase_add_test(t, restored_of_more_pairs);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
