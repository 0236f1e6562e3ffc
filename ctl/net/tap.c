// SPDX-License-Identifier: GPL-2.0-only
/*
 * tap.c - a tap interface: frames of a guest appear on it, with the offloads that the guest asked for. Source: kernel
 * Documentation/networking/tuntap "Universal TUN/TAP device driver".
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "net.h"
#include "vmctl.h"

#define HEADER	12	/* struct virtio_net_hdr_v1 */

/* One queue of the interface, which the first one makes if it is not there. */
static int open_queue(char name[NET_NAME], bool multi)
{
	struct ifreq r = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (multi ? IFF_MULTI_QUEUE : 0) };
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC), size = HEADER, err;

	if (fd < 0)
		return -1;
	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	if (ioctl(fd, TUNSETIFF, &r) || ioctl(fd, TUNSETVNETHDRSZ, &size)) {
		err = errno;
		close(fd);
		errno = err;
		return -1;
	}
	memcpy(name, r.ifr_name, NET_NAME);
	name[NET_NAME - 1] = 0;
	return fd;
}

/**
 * net_tap_plug() - open an interface, without a word
 * @l: filled
 * @name: of the interface; a name with %d is filled in
 * @pairs: queues wanted
 *
 * An interface that was made for one queue gives one.
 * Return: 0, or -errno: -EPERM without the right to, -EBUSY, -EINVAL if it is no tap interface.
 */
int net_tap_plug(struct net_link *l, char name[NET_NAME], unsigned int pairs)
{
	bool multi = pairs > 1;

	l->header = true;
	l->fd[0] = open_queue(name, multi);
	if (l->fd[0] < 0 && errno == EINVAL) {
		pairs = 1;
		l->fd[0] = open_queue(name, !multi);
	}
	if (l->fd[0] < 0)
		return -errno;
	for (l->pairs = 1; l->pairs < pairs; l->pairs++) {
		l->fd[l->pairs] = open_queue(name, true);
		if (l->fd[l->pairs] < 0)
			break;
	}
	return 0;
}

static int refuse(const char *name, int err)
{
	switch (err) {
	case EPERM:
	case EACCES:
		return vmctl_error(name, "this user may not use the interface",
				   "have root run `ip tuntap add dev NAME mode tap user USER`, or start the VM as root");
	case EBUSY:
		return vmctl_error(name, "it is in use", "give each VM an interface of its own");
	case EINVAL:
		return vmctl_error(name, "it is no tap interface, or one without several queues",
				   "make it with `ip tuntap add dev NAME mode tap multi_queue`");
	case ENOENT:
		return vmctl_error(name, "there is no /dev/net/tun", "load the module tun");
	default:
		errno = err;
		return vmctl_errno(name, "see `ip link`");
	}
}

/**
 * net_tap_open() - open an interface
 * @l: filled
 * @name: of the interface
 * @pairs: queues wanted
 *
 * Return: 0, or -1 with the error printed.
 */
int net_tap_open(struct net_link *l, char name[NET_NAME], unsigned int pairs)
{
	int err = net_tap_plug(l, name, pairs);

	if (!err)
		return 0;
	refuse(name, -err);
	return -1;
}

/**
 * net_tap_offload() - what the guest takes from us without our doing it
 * @l: open interface
 * @checksum: packets without a checksum
 * @tso4: large segments of TCP over IPv4
 * @tso6: large segments of TCP over IPv6
 *
 * Return: 0, or -1 with errno.
 */
int net_tap_offload(const struct net_link *l, bool checksum, bool tso4, bool tso6)
{
	unsigned long bits = (checksum ? TUN_F_CSUM : 0) | (tso4 ? TUN_F_TSO4 : 0) | (tso6 ? TUN_F_TSO6 : 0);

	return l->header && !l->none ? ioctl(l->fd[0], TUNSETOFFLOAD, bits) : 0;
}

/**
 * net_tap_enable() - let a pair take part, or not
 * @l: open interface with several pairs
 * @pair: number
 * @on: take part
 *
 * Return: 0, or -1 with errno.
 */
int net_tap_enable(const struct net_link *l, unsigned int pair, bool on)
{
	struct ifreq r = { .ifr_flags = on ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE };

	return l->none ? 0 : ioctl(l->fd[pair], TUNSETQUEUE, &r);
}
