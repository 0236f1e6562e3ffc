// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_vsock.c - the socket device between a driver and programs of the host, both of them the test: connections in both
 * directions, credit, ends and resets, drivers that lie, forks.
 */
/* sources: ctl/vmm/bus.c ctl/vmm/memory.c ctl/vmm/msix.c ctl/vmm/part.c ctl/vmm/pci.c ctl/vmm/route.c ctl/vmm/virtio.c ctl/vmm/virtio_loop.c ctl/vmm/virtio_pci.c ctl/vmm/virtio_vsock.c ctl/vmm/virtq.c ctl/vmm/vsock_peer.c */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "devices.h"
#include "fake_machine.h"
#include "local.h"
#include "vsock.h"

#define SIZE	32
#define QUEUES	0x10000
#define BUFFERS	0x20000		/* for the device to write: 4 KiB each */
#define ROOM	4096
#define OUT	0x60000		/* packets of the driver */
#define HOST	2
#define GUEST	3

enum { REQUEST = 1, RESPONSE, RST, SHUTDOWN, RW, UPDATE, ASK };

struct packet {
	uint64_t src, dst;
	uint32_t src_port, dst_port, len;
	uint16_t type, op;
	uint32_t flags, alloc, done;
} __attribute__((packed));

static struct vmm_owner owner;
static struct fake_queue queue[3];
static int next_peer;
static struct packet got;
static uint8_t got_data[ROOM];

int vmm_local_listen(int folder, const char *name)
{
	(void)folder;
	ck_assert_str_eq(name, "vsock");
	return open("/dev/null", O_RDONLY);
}

int vmm_local_accept(int listener)
{
	int fd = next_peer;

	(void)listener;
	next_peer = -1;
	return fd;
}

static void turn(void)
{
	struct vmm_vsock *v = fake.vsock;
	unsigned int i, k;

	for (k = 0; k < 4; k++) {
		for (i = 0; i < 3; i++)
			fake_turn(&v->dev.source[i]);
		for (i = 0; i < VSOCK_CONNS; i++)
			fake_turn(&v->conn[i].source);
	}
}

/* A program of the host: its end of a connection. */
static int program(const char *line)
{
	int fd[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	next_peer = fd[0];
	fake.vsock->listener.ready(fake.vsock->listener.opaque, POLLIN);
	/* It may be sent away at once. */
	ck_assert(send(fd[1], line, strlen(line), MSG_NOSIGNAL) == (ssize_t)strlen(line) || errno == EPIPE);
	turn();
	return fd[1];
}

static const char *hears(int fd)
{
	static char text[65536];
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

	if (!n || (n < 0 && errno != EAGAIN))
		return NULL;
	text[n > 0 ? n : 0] = 0;
	return text;
}

static void give_buffer(unsigned int i)
{
	fake_desc(queue[0].desc, i, BUFFERS + ROOM * i, ROOM, 2, 0);
	fake_offer(&queue[0], i);
}

static void send_raw(struct packet p, const void *data, uint32_t size)
{
	uint32_t head, length;

	memcpy(fake.ram + OUT, &p, sizeof(p));
	memcpy(fake.ram + OUT + sizeof(p), data, size);
	fake_desc(queue[1].desc, 0, OUT, sizeof(p) + size, 0, 0);
	fake_offer(&queue[1], 0);
	virtio_kick(&fake.vsock->dev.queue[1]);
	turn();
	while (fake_take(&queue[1], &head, &length))
		;
}

static void say(uint16_t op, uint32_t guest_port, uint32_t host_port, uint32_t flags)
{
	send_raw((struct packet){ GUEST, HOST, guest_port, host_port, 0, 1, op, flags, 65536, 0 }, "", 0);
}

static void say_data(uint32_t guest_port, uint32_t host_port, const void *data, uint32_t n)
{
	send_raw((struct packet){ GUEST, HOST, guest_port, host_port, n, 1, RW, 0, 65536, 0 }, data, n);
}

/* The next packet of the device; its buffer is given back. 0 if there is none. */
static int next_packet(void)
{
	uint32_t head, length;

	if (!fake_take(&queue[0], &head, &length))
		return 0;
	ck_assert_uint_ge(length, sizeof(got));
	memcpy(&got, fake.ram + BUFFERS + ROOM * head, sizeof(got));
	ck_assert_uint_eq(length, sizeof(got) + got.len);
	memcpy(got_data, fake.ram + BUFFERS + ROOM * head + sizeof(got), got.len);
	ck_assert_uint_eq(got.src, HOST);
	ck_assert_uint_eq(got.dst, GUEST);
	give_buffer(head);
	virtio_kick(&fake.vsock->dev.queue[0]);
	turn();
	return got.op;
}

static void start(void)
{
	unsigned int i;

	ck_assert_uint_eq(fake_driver(fake.vsock->dev.pci.slot, VIRTIO_F_1, queue, 3, QUEUES, SIZE), 15);
	for (i = 0; i < SIZE; i++)
		give_buffer(i);
	turn();
}

static void setup(void)
{
	fake_create();
	fake_config.owner = &owner;
	ck_assert_int_eq(vmm_vsock_create(&fake), 0);
	start();
}

static void teardown(void)
{
	vmm_vsock_destroy(&fake);
	fake_destroy();
}

/* A connection of the host's program to the guest's port 7; returns the program's end, *@port is the host's. */
static int connected(uint32_t *port)
{
	int fd = program("CONNECT 7\n");
	char answer[32];

	ck_assert_int_eq(next_packet(), REQUEST);
	ck_assert_uint_eq(got.dst_port, 7);
	ck_assert_uint_eq(got.alloc, VSOCK_BUFFER);
	*port = got.src_port;
	ck_assert_str_eq(hears(fd), "");
	say(RESPONSE, 7, *port, 0);
	snprintf(answer, sizeof(answer), "OK %u\n", *port);
	ck_assert_str_eq(hears(fd), answer);
	return fd;
}

START_TEST(from_the_host)
{
	uint32_t port, other;
	int fd = connected(&port), second = connected(&other);

	ck_assert_uint_ne(port, other);
	ck_assert_int_eq(send(fd, "hello", 5, 0), 5);
	turn();
	ck_assert_int_eq(next_packet(), RW);
	ck_assert_uint_eq(got.src_port, port);
	ck_assert_uint_eq(got.len, 5);
	ck_assert_mem_eq(got_data, "hello", 5);
	say_data(7, port, "world", 5);
	ck_assert_str_eq(hears(fd), "world");
	ck_assert_str_eq(hears(second), "");
	/* The program goes: the guest is told, and says when it has read all. */
	close(fd);
	turn();
	ck_assert_int_eq(next_packet(), SHUTDOWN);
	ck_assert_uint_eq(got.flags, 3);
	say(UPDATE, 7, port, 0);
	ck_assert_int_eq(next_packet(), 0);
	say(RST, 7, port, 0);
	ck_assert_int_eq(next_packet(), 0);
	close(second);
}
END_TEST

START_TEST(from_the_guest)
{
	int first = program("ACCEPT 9\n"), second = program("ACCEPT 9\n");

	say(REQUEST, 100, 9, 0);
	ck_assert_int_eq(next_packet(), RESPONSE);
	ck_assert_str_eq(hears(first), "OK 100\n");
	ck_assert_str_eq(hears(second), "");
	say(REQUEST, 101, 9, 0);
	ck_assert_int_eq(next_packet(), RESPONSE);
	ck_assert_str_eq(hears(second), "OK 101\n");
	say(REQUEST, 102, 9, 0);
	ck_assert_int_eq(next_packet(), RST);
	ck_assert_uint_eq(got.dst_port, 102);
	/* The guest ends: what it said is there before the end is. */
	say_data(100, 9, "last", 4);
	say(SHUTDOWN, 100, 9, 2);
	ck_assert_str_eq(hears(first), "last");
	ck_assert_ptr_null(hears(first));
	ck_assert_int_eq(send(first, "back", 4, 0), 4);
	turn();
	ck_assert_int_eq(next_packet(), RW);
	say(SHUTDOWN, 100, 9, 3);
	ck_assert_int_eq(next_packet(), RST);
	ck_assert_int_eq(next_packet(), 0);
	close(first);
	close(second);
}
END_TEST

START_TEST(credit)
{
	static uint8_t data[100000];
	uint32_t port, sum = 0;
	int fd = connected(&port);

	send_raw((struct packet){ GUEST, HOST, 7, port, 0, 1, UPDATE, 0, 6000, 0 }, "", 0);
	ck_assert_int_gt(send(fd, data, sizeof(data), 0), 10000);
	turn();
	while (next_packet() == RW)
		sum += got.len;
	ck_assert_uint_eq(sum, 6000);
	send_raw((struct packet){ GUEST, HOST, 7, port, 0, 1, UPDATE, 0, 6000, 6000 }, "", 0);
	while (next_packet() == RW)
		sum += got.len;
	ck_assert_uint_eq(sum, 12000);
	/* A guest that read more than it got, or has less room than is under way, gets nothing. */
	send_raw((struct packet){ GUEST, HOST, 7, port, 0, 1, UPDATE, 0, 6000, 13000 }, "", 0);
	send_raw((struct packet){ GUEST, HOST, 7, port, 0, 1, UPDATE, 0, 10, 6000 }, "", 0);
	ck_assert_int_eq(next_packet(), 0);
	close(fd);
}
END_TEST

/* What a program does not read stays with us up to the buffer's size; then the guest has no credit, or breaks its word. */
START_TEST(buffer)
{
	static uint8_t data[16384], back[1 << 20];
	uint32_t port, said = 0, heard = 0, i;
	int fd = connected(&port), small = 4096;
	struct vsock_conn *c;
	ssize_t n;

	for (c = fake.vsock->conn; c->state != VSOCK_OPEN; c++)
		;
	setsockopt(c->source.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	while (said - c->done + sizeof(data) <= VSOCK_BUFFER) {
		for (i = 0; i < sizeof(data); i++)
			data[i] = (said + i) * 31 >> 3;
		say_data(7, port, data, sizeof(data));
		said += sizeof(data);
	}
	ck_assert_uint_gt(c->have, VSOCK_BUFFER - sizeof(data));
	while (heard < said) {
		n = recv(fd, back + heard, sizeof(back) - heard, 0);
		ck_assert(n > 0 || errno == EAGAIN);
		heard += n > 0 ? n : 0;
		turn();
	}
	for (i = 0; i < said; i++)
		ck_assert_uint_eq(back[i], (uint8_t)(i * 31 >> 3));
	ck_assert_int_eq(next_packet(), UPDATE);
	ck_assert_uint_ge(got.done, VSOCK_BUFFER / 2);
	/* More than there is room for. */
	for (i = 0; i < 20 && c->source.fd >= 0; i++)
		say_data(7, port, data, sizeof(data));
	while (next_packet() == UPDATE)
		;
	ck_assert_int_eq(got.op, RST);
	close(fd);
}
END_TEST

START_TEST(liars)
{
	static const struct {
		struct packet p;
		int answer;
	} row[] = {
		{ { 4, HOST, 1, 9, 0, 1, REQUEST, 0, 0, 0 }, 0 },		/* somebody else's address */
		{ { GUEST, 5, 1, 9, 0, 1, REQUEST, 0, 0, 0 }, RST },	/* to nobody */
		{ { GUEST, HOST, 1, 9, 0, 2, REQUEST, 0, 0, 0 }, RST },	/* no stream */
		{ { GUEST, HOST, 1, 9, 0, 1, RW, 0, 0, 0 }, RST },
		{ { GUEST, HOST, 1, 9, 0, 1, RST, 0, 0, 0 }, 0 },
		{ { GUEST, HOST, 1, 9, 0, 1, 99, 0, 0, 0 }, RST },
		{ { GUEST, HOST, 1, 9, 0, 1, RESPONSE, 0, 0, 0 }, RST },
	};
	uint32_t port;
	int fd;

	send_raw(row[_i].p, "", 0);
	ck_assert_int_eq(next_packet(), row[_i].answer);
	fd = connected(&port);
	/* It says that there is more in the packet than there is. */
	send_raw((struct packet){ GUEST, HOST, 7, port, 1000, 1, RW, 0, 65536, 0 }, "abc", 3);
	ck_assert_int_eq(next_packet(), RST);
	ck_assert_ptr_null(hears(fd));
	close(fd);
}
END_TEST

START_TEST(greetings)
{
	static const char *const bad[] = { "\n", "CONNECT\n", "CONNECT x\n", "CONNECT 1 2\n", "connect 1\n",
		"a line that is longer than any that could be meant, and goes on and on\n" };
	int fd = program(bad[_i]);

	ck_assert_ptr_null(hears(fd));
	close(fd);
	/* In pieces, and with what is the guest's behind it. */
	fd = program("ACC");
	ck_assert_int_eq(send(fd, "EPT 5\nearly", 11, 0), 11);
	turn();
	say(REQUEST, 1, 5, 0);
	ck_assert_int_eq(next_packet(), RESPONSE);
	ck_assert_int_eq(next_packet(), RW);
	ck_assert_mem_eq(got_data, "early", 5);
	close(fd);
}
END_TEST

START_TEST(refused)
{
	int fd = program("CONNECT 7\n"), gone = program("ACCEPT 5\n");

	ck_assert_int_eq(next_packet(), REQUEST);
	say(RST, 7, got.src_port, 0);
	ck_assert_ptr_null(hears(fd));
	close(fd);
	/* Who waited and went is not there any more. */
	close(gone);
	turn();
	say(REQUEST, 1, 5, 0);
	ck_assert_int_eq(next_packet(), RST);
	/* Without a driver there is nobody to connect to. */
	fake_write(fake.vsock->dev.pci.slot, FAKE_STATUS, 1, 0);
	fd = program("CONNECT 7\n");
	ck_assert_ptr_null(hears(fd));
	close(fd);
}
END_TEST

START_TEST(too_many)
{
	int fd[VSOCK_CONNS + 1], i;
	uint32_t port;

	for (i = 0; i <= VSOCK_CONNS; i++)
		fd[i] = program("ACCEPT 5\n");
	ck_assert_str_eq(hears(fd[0]), "");
	ck_assert_ptr_null(hears(fd[VSOCK_CONNS]));
	for (i = 0; i <= VSOCK_CONNS; i++)
		close(fd[i]);
	turn();
	/* A guest that never says that it is done with a connection keeps nobody out. */
	for (i = 0; i < 2 * VSOCK_CONNS; i++) {
		close(connected(&port));
		turn();
		ck_assert_int_eq(next_packet(), SHUTDOWN);
	}
	/* One that sends and takes no answers is not listened to for ever. */
	queue[0].next -= SIZE;
	fake_put16(queue[0].avail + 2, queue[0].next);
	fake.vsock->dev.queue[0].q.next = queue[0].next;
	for (i = 0; i < 2 * VSOCK_CONNS; i++)
		say(RW, 1000 + i, 9, 0);
	ck_assert_uint_eq(fake.vsock->nresets, VSOCK_CONNS);
}
END_TEST

START_TEST(forked)
{
	uint32_t port, head, length;
	int fd = connected(&port);

	fake_desc(queue[2].desc, 0, OUT, 4, 2, 0);
	fake_offer(&queue[2], 0);
	ck_assert_int_eq(vmm_vsock_forked(&fake, open("/dev/null", O_RDONLY)), 0);
	virtio_kick(&fake.vsock->dev.queue[2]);
	turn();
	ck_assert_ptr_null(hears(fd));
	ck_assert_int_eq(fake_take(&queue[2], &head, &length), 1);
	ck_assert_uint_eq(fake_get32(OUT), 0);
	ck_assert_int_eq(next_packet(), 0);
	say_data(7, port, "x", 1);
	ck_assert_int_eq(next_packet(), RST);
	close(fd);
	fd = connected(&port);
	close(fd);
}
END_TEST

START_TEST(saved)
{
	struct vmm_part *p;
	uint32_t port;
	int fd = connected(&port);

	for (p = fake.parts; p; p = p->next)
		if (p->save)
			p->save(p->opaque);
	ck_assert_uint_eq(fake.vsock->saved.cut, 1);
	/* The machine that goes on has its connection. */
	say_data(7, port, "on", 2);
	ck_assert_str_eq(hears(fd), "on");
	for (p = fake.parts; p; p = p->next)
		if (!strcmp(p->name, "virtio-vsock-connections"))
			ck_assert_int_eq(p->load(p->opaque), 0);
	ck_assert(fake.vsock->cut);
	close(fd);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("vsock");
	TCase *t = tcase_create("vsock");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, from_the_host);
	tcase_add_test(t, from_the_guest);
	tcase_add_test(t, credit);
	tcase_add_test(t, buffer);
	tcase_add_loop_test(t, liars, 0, 7);
	tcase_add_loop_test(t, greetings, 0, 6);
	tcase_add_test(t, refused);
	tcase_add_test(t, too_many);
	tcase_add_test(t, forked);
	tcase_add_test(t, saved);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
