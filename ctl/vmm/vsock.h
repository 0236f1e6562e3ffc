/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vsock.h - the two halves of the socket device: virtio_vsock.c speaks with the guest's driver in packets, vsock_peer.c with
 * programs of the host, which connect to the socket `vsock` in the VM's folder. docs/vsock.md says what they say.
 *
 * A connection that the guest has a part in is one struct vsock_conn. All of it is under the device's lock.
 */
#ifndef VMM_VSOCK_H
#define VMM_VSOCK_H

#include "virtio.h"

#define VSOCK_CONNS	64
#define VSOCK_BUFFER	65536U	/* of a connection, for what the guest sends and nobody has read */
#define VSOCK_LINE	64

enum vsock_state {
	VSOCK_FREE,
	VSOCK_GREETING,		/* the host's program has not said what it wants */
	VSOCK_ACCEPTING,	/* it waits for a connection from the guest */
	VSOCK_CONNECTING,	/* the guest is asked */
	VSOCK_OPEN,
	VSOCK_ENDING,		/* the host's program is gone, the guest knows */
};

/* What the guest is to be told; sent in the order of the bits. */
enum vsock_say {
	VSOCK_SAY_REQUEST = 1 << 0,
	VSOCK_SAY_RESPONSE = 1 << 1,
	VSOCK_SAY_CREDIT = 1 << 2,
	VSOCK_SAY_SHUTDOWN = 1 << 3,
	VSOCK_SAY_RESET = 1 << 4,	/* then the connection is free */
};

/**
 * struct vsock_conn - a connection; VSOCK_FREE while it is none
 * @v: the device
 * @source: the socket to the host's program; its descriptor is -1 when it is closed
 * @state: how far it is
 * @order: grows from one to the next: who accepted first is connected first
 * @host_port: port of the host's side
 * @guest_port: port of the guest's side
 * @line: what the host's program said first, as far as it came
 * @n: bytes in @line
 * @say: enum vsock_say
 * @readable: the socket has something to read, or its end
 * @host_ended: the host's program sends no more, and that is told or in @say
 * @guest_ended: the guest sends no more
 * @guest_deaf: the guest receives no more
 * @sent: bytes sent to the guest, modulo 2^32
 * @peer_room: size of the guest's buffer
 * @peer_done: bytes that the guest's program has read, modulo 2^32
 * @buffer: VSOCK_BUFFER bytes, or NULL while none was needed
 * @at: of the first byte in @buffer
 * @have: bytes in @buffer
 * @done: bytes that the host's socket took, modulo 2^32
 * @told: the same, as far as the guest knows
 */
struct vsock_conn {
	struct vmm_vsock *v;
	struct vmm_source source;
	enum vsock_state state;
	uint64_t order;
	uint32_t host_port, guest_port;
	char line[VSOCK_LINE];
	unsigned int n;
	uint32_t say;
	bool readable, host_ended, guest_ended, guest_deaf;
	uint32_t sent, peer_room, peer_done;
	uint8_t *buffer;
	uint32_t at, have, done, told;
};

/**
 * struct vsock_saved - what of it is saved: connections do not survive, and the guest is told
 * @cut: as in struct vmm_vsock, or there are connections
 * @next_port: as in struct vmm_vsock
 */
struct vsock_saved {
	uint32_t cut, next_port;
};

/**
 * struct vmm_vsock - the device
 * @dev: what the guest sees
 * @cid: its configuration: the guest's address
 * @part: what of it is saved beside all that virtio devices save
 * @saved: the same
 * @cut: the guest had connections that are no more, and does not know
 * @next_port: of the host's side
 * @listener: the socket in the VM's folder
 * @orders: connections so far
 * @reset: ports of connections that are none, whose guest is to be told: host's and guest's
 * @nresets: how many
 * @turn: whose turn it is to send to the guest
 * @conn: connections
 */
struct vmm_vsock {
	struct virtio_device dev;
	uint64_t cid;
	struct vmm_part part;
	struct vsock_saved saved;
	bool cut;
	uint32_t next_port;
	struct vmm_source listener;
	uint64_t orders;
	uint32_t reset[VSOCK_CONNS][2];
	unsigned int nresets, turn;
	struct vsock_conn conn[VSOCK_CONNS];
};

/* virtio_vsock.c */
void vsock_talk(struct vmm_vsock *v);

/* vsock_peer.c */
int vsock_listen(struct vmm_vsock *v, int folder);
int vsock_listen_forked(struct vmm_vsock *v, int listener);
struct vsock_conn *vsock_accepting(struct vmm_vsock *v, uint32_t port);
void vsock_opened(struct vsock_conn *c, uint32_t peer_port);
bool vsock_receive(struct vsock_conn *c, const struct virtq_chain *chain, uint64_t offset, uint32_t n);
void vsock_flush(struct vsock_conn *c);
void vsock_wait(struct vsock_conn *c);
void vsock_close(struct vsock_conn *c);
void vsock_drop(struct vsock_conn *c);

#endif /* VMM_VSOCK_H */
