// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_peers.c - the VM process's sockets, with peers that behave and peers that do not: requests and answers,
 * junk, endless lines, too many of them, peers that never read; the console's log, its bounds, who types.
 */
/* sources: ctl/vmm/control.c ctl/vmm/hub.c ctl/vmm/local.c ctl/vmm/loop.c */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "balloon.h"
#include "cdrom.h"
#include "fork.h"
#include "vmm.h"

#define SERIAL_RING	16384

static struct vmm m;
static struct vmm_config config;
static struct vmm_owner owner;
static char path[] = "/tmp/test_peers.XXXXXX";
static char said[SERIAL_RING], typed[256];
static size_t said_n, typed_n, room, hvc_said;
static int phase, presses;

void vmm_error(const char *object, const char *what, const char *remedy)
{
	ck_abort_msg("%s: %s: %s", object, what, remedy);
}

void vmm_end(struct vmm *machine, enum vmm_end why)
{
	machine->end = why;
}

void vmm_pause(struct vmm *machine)
{
	machine->pausing = true;
}

void vmm_resume(struct vmm *machine)
{
	machine->pausing = false;
}

void vmm_ident_held(const struct vmm *machine, bool held)
{
	(void)machine;
	(void)held;
}

void vmm_power_button(struct vmm *machine)
{
	(void)machine;
	presses++;
}

bool vmm_serial_watch(struct vmm *machine)
{
	(void)machine;
	return false;
}

void vmm_console_service(struct vmm *machine)
{
	(void)machine;
	ck_abort();
}

const char *vmm_fork_check(const struct vmm *machine, const struct vmm_fork *f)
{
	(void)machine;
	return strcmp(f->name, "right") ? "not here" : NULL;
}

void vmm_reset_run(struct vmm *machine)
{
	(void)machine;
	ck_abort_msg("nobody resets it");
}

void vmm_fork_run(struct vmm *machine)
{
	(void)machine;
	ck_abort();
}

int vmm_balloon_set(struct vmm *machine, uint64_t bytes)
{
	(void)machine;
	return bytes > 1 << 20 ? -1 : 0;
}

void vmm_balloon_stats(struct vmm *machine, struct vmm_balloon_stats *stats, bool again)
{
	(void)machine;
	*stats = (struct vmm_balloon_stats){ .actual = 4096, .round = again };
}

static int medium;

const char *vmm_cd_change(struct vmm *machine, int fd)
{
	(void)machine;
	if (fd < 0 && !medium)
		return "locked";
	medium = fd;
	return NULL;
}

void vmm_cd_state(struct vmm *machine, bool *in, bool *locked)
{
	(void)machine;
	*in = medium > 0;
	*locked = false;
}

size_t vmm_serial_room(struct vmm *machine)
{
	(void)machine;
	return room;
}

void vmm_serial_input(struct vmm *machine, const uint8_t *data, size_t n)
{
	(void)machine;
	ck_assert_uint_le(n, room);
	ck_assert_uint_le(typed_n + n, sizeof(typed) - 1);
	memcpy(typed + typed_n, data, n);
	typed_n += n;
	room -= n;
}

size_t vmm_serial_peek(struct vmm *machine, uint8_t *data, size_t max)
{
	size_t n = said_n < max ? said_n : max;

	(void)machine;
	memcpy(data, said, n);
	return n;
}

void vmm_serial_drop(struct vmm *machine, size_t n)
{
	(void)machine;
	memmove(said, said + n, said_n - n);
	said_n -= n;
}

size_t vmm_hvc_room(struct vmm *machine)
{
	(void)machine;
	return 0;
}

void vmm_hvc_input(struct vmm *machine, const uint8_t *data, size_t n)
{
	(void)machine;
	(void)data;
	ck_assert_uint_eq(n, 0);
}

size_t vmm_hvc_peek(struct vmm *machine, uint8_t *data, size_t max)
{
	size_t n = hvc_said < max ? hvc_said : max;

	(void)machine;
	memset(data, 'h', n);
	return n;
}

void vmm_hvc_drop(struct vmm *machine, size_t n)
{
	(void)machine;
	hvc_said -= n;
}

static void on_phase(const struct vmm_owner *o, enum vmm_phase p, const char *reason)
{
	ck_assert_ptr_eq(o, &owner);
	ck_assert_ptr_null(reason);
	phase = p;
}

static void setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(path));
	owner = (struct vmm_owner){ .folder = open(path, O_RDONLY | O_DIRECTORY), .phase = on_phase };
	config = (struct vmm_config){ .cpus = 2, .owner = &owner };
	m.config = &config;
	room = 64;
	phase = -1;
	ck_assert_int_eq(vmm_loop_init(&m), 0);
	ck_assert_int_eq(vmm_hubs_create(&m), 0);
	ck_assert_int_eq(vmm_control_create(&m), 0);
}

static void teardown(void)
{
	char command[64];

	vmm_control_destroy(&m);
	vmm_hubs_destroy(&m);
	vmm_loop_fini(&m);
	snprintf(command, sizeof(command), "rm -r %s", path);
	ck_assert_int_eq(system(command), 0);
}

/* What the loop would do until nothing is ready. */
static void turn(void)
{
	struct epoll_event ev[8];
	int n, i, rounds = 0;

	while ((n = epoll_wait(m.epoll, ev, 8, 0)) > 0 && rounds++ < 10000)
		for (i = 0; i < n; i++) {
			struct vmm_source *s = ev[i].data.ptr;

			s->ready(s->opaque, ev[i].events);
		}
	ck_assert_int_lt(rounds, 10000);
}

static int peer(const char *name)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/%s", path, name);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	turn();
	return fd;
}

static void send_text(int fd, const char *text)
{
	ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
	turn();
}

/* What has come; "" when nothing did, NULL at the connection's end. */
static const char *got(int fd)
{
	static char text[1 << 18];
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

	if (!n || (n < 0 && errno == ECONNRESET))
		return NULL;
	text[n > 0 ? n : 0] = 0;
	return text;
}

static const char *ask(int fd, const char *text)
{
	send_text(fd, text);
	return got(fd);
}

static void say(const char *text, size_t n)
{
	ck_assert_uint_le(said_n + n, sizeof(said));
	memcpy(said + said_n, text, n);
	said_n += n;
	vmm_wake(&m);
	turn();
}

START_TEST(commands)
{
	int fd = peer("control");

	ck_assert_ptr_nonnull(strstr(ask(fd, "{\"version\":1,\"do\":\"info\"}\n"), "\"cpus\":2"));
	ck_assert_str_eq(ask(fd, "{\"version\":1,\"do\":\"pause\"}\n"), "{\"ok\":true}\n");
	ck_assert_int_eq(phase, VMM_PHASE_PAUSED);
	ask(fd, "{\"version\":1,\"do\":\"resume\"}\n{\"version\":1,\"do\":\"power-button\"}\n");
	ck_assert_int_eq(phase, VMM_PHASE_RUNNING);
	ck_assert_int_eq(presses, 1);
	ck_assert_ptr_nonnull(strstr(ask(fd, "{\"version\":1,\"do\":\"fly\"}\n"), "no such command"));
	ck_assert_ptr_nonnull(strstr(ask(fd, "{\"version\":2,\"do\":\"info\"}\n"), "version 1"));
	ck_assert_ptr_nonnull(strstr(ask(fd, "{\"do\":\"info\"}\n"), "lacks"));
	ck_assert_ptr_nonnull(strstr(ask(fd, "{\"version\":\"1\",\"do\":[]}\n"), "lacks"));
	ck_assert_ptr_nonnull(strstr(ask(fd, "{\"version\":1,\"do\":\"memory\",\"again\":true}\n"), "\"round\":1"));
	ck_assert_ptr_nonnull(strstr(ask(fd, "{\"version\":1,\"do\":\"balloon\",\"size\":4096}\n"), "\"ok\":true"));
	ck_assert_ptr_nonnull(strstr(ask(fd, "{\"version\":1,\"do\":\"balloon\",\"size\":-1}\n"), "lacks"));
	ck_assert_ptr_nonnull(strstr(ask(fd, "{\"version\":1,\"do\":\"balloon\",\"size\":9999999}\n"), "larger"));
	ck_assert_ptr_nonnull(strstr(ask(fd, "{\"version\":1,\"do\":\"cdrom\"}\n"), "no CD drive"));
	m.cd = (struct vmm_cd *)&m;
	ck_assert_ptr_nonnull(strstr(ask(fd, "{\"version\":1,\"do\":\"cdrom\"}\n"), "\"medium\":false"));
	ck_assert_ptr_nonnull(strstr(ask(fd, "{\"version\":1,\"do\":\"cdrom\",\"change\":true}\n"), "locked"));
	m.cd = NULL;
	ck_assert_ptr_nonnull(strstr(ask(fd, "{\"version\":1,\"do\":\"fork\"}\n"), "damaged"));
	ck_assert_ptr_nonnull(strstr(ask(fd, "{\"version\":1,\"do\":\"fork\",\"name\":\"x\",\"paused\":false,"
					     "\"limited\":false,\"mac\":[],\"none\":[]}\n"), "not here"));
	ck_assert_ptr_null(m.fork);
	ask(fd, "{\"version\":1,\"do\":\"quit\"}\n");
	ck_assert_int_eq(m.end, VMM_LEFT);
}
END_TEST

START_TEST(control_junk)
{
	static const char *const junk[] = { "\n", "x\n", "[]\n", "{\n", "\"a\"\n", "null\n",
		"{\"version\":1,\"version\":1,\"do\":\"quit\"}\n" };
	char line[8192];
	size_t i;
	int fd;

	for (i = 0; i < sizeof(junk) / sizeof(junk[0]); i++) {
		fd = peer("control");
		ck_assert_ptr_null(ask(fd, junk[i]));
		close(fd);
	}
	memset(line, '[', sizeof(line));
	fd = peer("control");
	ck_assert_int_gt(send(fd, line, sizeof(line), MSG_NOSIGNAL), 0);
	turn();
	ck_assert_ptr_null(got(fd));
	close(fd);
	ck_assert_int_eq(m.end, VMM_RUNNING);
	fd = peer("control");
	ck_assert_str_eq(ask(fd, "{\"version\":1,\"do\":\"pause\"}\n"), "{\"ok\":true}\n");
	close(fd);
}
END_TEST

START_TEST(control_crowd)
{
	int fds[40], i, alive = 0;

	for (i = 0; i < 40; i++)
		fds[i] = peer("control");
	for (i = 0; i < 40; i++) {
		const char *text = got(fds[i]);

		alive += text != NULL;
		close(fds[i]);
	}
	ck_assert_int_eq(alive, 16);
	turn();
	fds[0] = peer("control");
	ck_assert_str_eq(ask(fds[0], "{\"version\":1,\"do\":\"pause\"}\n"), "{\"ok\":true}\n");
	close(fds[0]);
}
END_TEST

/* Requests without end from a peer that reads no answer: it is served no further than its buffer goes. */
START_TEST(control_never_reads)
{
	static const char request[] = "{\"version\":1,\"do\":\"info\"}\n";
	int fd = peer("control"), i, other;

	for (i = 0; i < 20000; i++)
		if (send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			turn();
	turn();
	other = peer("control");
	ck_assert_str_eq(ask(other, "{\"version\":1,\"do\":\"pause\"}\n"), "{\"ok\":true}\n");
	close(fd);
	close(other);
	turn();
}
END_TEST

static int console(const char *mode, const char *answer)
{
	char line[64];
	int fd = peer("console");

	snprintf(line, sizeof(line), "{\"version\": 1, \"mode\": \"%s\"}\n", mode);
	ck_assert_msg(strstr(ask(fd, line), answer), "%s: %s", mode, answer);
	return fd;
}

START_TEST(console_types)
{
	int one = console("write", "\"writer\": true"), two = console("write", "\"writer\": false");
	int three = console("read", "\"writer\": false");

	send_text(one, "abc");
	send_text(two, "xyz");
	send_text(three, "xyz");
	ck_assert_str_eq(typed, "abc");
	say("hello", 5);
	ck_assert_str_eq(got(one), "hello");
	ck_assert_str_eq(got(two), "hello");
	close(one);
	turn();
	one = console("write", "\"writer\": true");
	close(three);
	three = console("steal", "\"writer\": true");
	ck_assert_ptr_nonnull(strstr(got(one), "another console"));
	send_text(one, "no");
	send_text(three, "yes");
	ck_assert_str_eq(typed, "abcyes");
}
END_TEST

START_TEST(console_replays)
{
	int fd;

	say("before", 6);
	fd = console("read", "\"ok\": true");
	/* The greeting and the replay may come as one. */
	say("after", 5);
	ck_assert_ptr_nonnull(strstr(got(fd), "after"));
	close(fd);
}
END_TEST

START_TEST(console_junk)
{
	static const char *const junk[] = { "\n", "{}\n", "hello\n", "{\"version\": 1, \"mode\": \"fly\"}\n",
		"{\"version\": 9, \"mode\": \"read\"}\n", "{\"version\": 1, \"mode\": 1}\n" };
	char line[1000];
	const char *text;
	size_t i;
	int fd;

	for (i = 0; i < sizeof(junk) / sizeof(junk[0]); i++) {
		fd = peer("console");
		text = ask(fd, junk[i]);
		ck_assert_ptr_nonnull(strstr(text, "not understood"));
		ck_assert_ptr_null(got(fd));
		close(fd);
	}
	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = 0;
	fd = peer("console");
	send_text(fd, line);
	while ((text = got(fd)) && *text)
		;
	ck_assert_ptr_null(text);
	close(fd);
	ck_assert_uint_eq(typed_n, 0);
}
END_TEST

/* A full port takes no more; what is typed waits in the socket and comes later. */
START_TEST(console_waits_for_room)
{
	int fd = console("write", "\"writer\": true");

	room = 2;
	send_text(fd, "abcd");
	ck_assert_str_eq(typed, "ab");
	room = 64;
	vmm_wake(&m);
	turn();
	ck_assert_str_eq(typed, "abcd");
	close(fd);
}
END_TEST

START_TEST(consoles_are_apart)
{
	char line[200];
	int fd;

	hvc_said = 7;
	vmm_wake(&m);
	turn();
	say("serial", 6);
	fd = peer("hvc");
	send_text(fd, "{\"version\": 1, \"mode\": \"write\"}\n");
	snprintf(line, sizeof(line), "%s", got(fd));
	ck_assert_ptr_nonnull(strstr(line, "hhhhhhh"));
	ck_assert_ptr_null(strstr(line, "serial"));
	/* It has no room: nothing is read, nothing is typed elsewhere. */
	send_text(fd, "abc");
	ck_assert_uint_eq(typed_n, 0);
	close(fd);
}
END_TEST

/* Ten MiB to one who does not read, while another does and the log stays in bounds. */
START_TEST(console_flood)
{
	int slow = console("read", "\"ok\": true"), fast = console("read", "\"ok\": true"), i;
	static char block[SERIAL_RING];
	struct stat st;
	size_t sum = 0;
	const char *text;

	memset(block, 'y', sizeof(block));
	for (i = 0; i < 640; i++) {
		say(block, sizeof(block));
		while ((text = got(fast)) && *text)
			sum += strlen(text);
	}
	turn();
	while ((text = got(fast)) && *text) {
		sum += strlen(text);
		turn();
	}
	ck_assert_uint_eq(sum, 640 * sizeof(block));
	ck_assert_int_eq(fstatat(owner.folder, "console.log", &st, 0), 0);
	ck_assert_int_le(st.st_size, 1 << 20);
	ck_assert_int_eq(fstatat(owner.folder, "console.log.1", &st, 0), 0);
	ck_assert_int_gt(st.st_size, 1000000);
	ck_assert_int_le(st.st_size, 1 << 20);
	while ((text = got(slow)) && *text) {
		sum = strstr(text, "was lost") ? 0 : sum;
		turn();
	}
	ck_assert_uint_eq(sum, 0);
	close(slow);
	close(fast);
	turn();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("peers");
	TCase *t = tcase_create("peers");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, commands);
	tcase_add_test(t, control_junk);
	tcase_add_test(t, control_crowd);
	tcase_add_test(t, control_never_reads);
	tcase_add_test(t, console_types);
	tcase_add_test(t, console_replays);
	tcase_add_test(t, console_junk);
	tcase_add_test(t, console_waits_for_room);
	tcase_add_test(t, consoles_are_apart);
	tcase_add_test(t, console_flood);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
