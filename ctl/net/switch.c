// SPDX-License-Identifier: GPL-2.0-only
/*
 * switch.c - a switch for VMs: a Linux bridge of no address, made by its first VM and gone with its last.
 *
 * NAME is the bridge vt-NAME, unless there is a bridge called NAME: then it is that one, which is the administrator's and stays. A VM's
 * port is a tap interface that goes with the VM's process. Who removes the bridge is a process that does nothing but
 * wait for the VM's end: the VM itself has no privilege left then. What a killed one leaves the next start removes.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net.h"
#include "client.h"
#include "vmctl.h"

#define PREFIX	"vt-"
#define LOCK	"/run/vitrine-switch.lock"

/* Two minutes. */
#define KEEPER_PAUSE_US	50000
#define KEEPER_TRIES	2400

static bool is_bridge(const char *name)
{
	char path[300];

	snprintf(path, sizeof(path), "/sys/class/net/%s/bridge", name);
	return !access(path, F_OK);
}

/**
 * net_switch_bridge() - the bridge of a switch
 * @bridge: filled with its name
 * @name: of the switch
 */
void net_switch_bridge(char bridge[NET_NAME], const char *name)
{
	snprintf(bridge, NET_NAME, "%s%s", is_bridge(name) ? "" : PREFIX, name);
}

/**
 * net_switch_name() - the switch of a bridge of ours
 * @interface: name of an interface
 *
 * Return: the switch's name, or NULL if it is no bridge that we made.
 */
const char *net_switch_name(const char *interface)
{
	return !strncmp(interface, PREFIX, strlen(PREFIX)) && is_bridge(interface) ? interface + strlen(PREFIX) : NULL;
}

/* An administrator's bridge may take VLANs for nothing but bytes. */
static bool keeps_vlans_apart(const char *bridge)
{
	char path[300], c = 0;
	int fd;

	snprintf(path, sizeof(path), "/sys/class/net/%s/bridge/vlan_filtering", bridge);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (read(fd, &c, 1) != 1)
		c = 0;
	close(fd);
	return c == '1';
}

static bool has_ports(const char *bridge)
{
	struct dirent *e;
	bool any = false;
	char path[300];
	DIR *d;

	snprintf(path, sizeof(path), "/sys/class/net/%s/brif", bridge);
	d = opendir(path);
	while (d && !any && (e = readdir(d)))
		any = e->d_name[0] != '.';
	if (d)
		closedir(d);
	return any;
}

/* One at a time makes, fills and removes bridges: an empty one may be about to be filled. */
static int take_lock(void)
{
	int fd = open(LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return errno == EACCES ? -EPERM : -errno;
	while (flock(fd, LOCK_EX) && errno == EINTR)
		;
	return fd;
}

/**
 * net_switch_collect() - remove our bridges that have no port any more
 *
 * What this user may not remove stays.
 */
void net_switch_collect(void)
{
	int lock = take_lock();
	DIR *d = lock < 0 ? NULL : opendir("/sys/class/net");
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (net_switch_name(e->d_name) && !has_ports(e->d_name))
			net_bridge_delete(e->d_name);
	if (d)
		closedir(d);
	if (lock >= 0)
		close(lock);
}

/* Waits until the VM's process is gone, with its port. */
static void be_keeper(int vm, unsigned int port)
{
	char byte, name[IF_NAMESIZE];
	int i;

	title_set("vmctl: switch");
	setsid();
	signal(SIGHUP, SIG_IGN);
	close_range(0, vm - 1, 0);
	close_range(vm + 1, ~0U, 0);
	while (read(vm, &byte, 1) < 0 && errno == EINTR)
		;
	/* The kernel takes a dead process's interfaces away after its pipes: a moment, or seconds where the host is busy. */
	for (i = 0; i < KEEPER_TRIES && if_indextoname(port, name); i++)
		usleep(KEEPER_PAUSE_US);
	net_switch_collect();
	_exit(0);
}

static int start_keeper(struct net_link *l, const char *port)
{
	unsigned int index = if_nametoindex(port);
	int end[2];
	pid_t pid;

	if (pipe2(end, O_CLOEXEC))
		return -1;
	pid = fork();
	if (!pid) {
		if (fork())
			_exit(0);
		be_keeper(end[0], index);
	}
	close(end[0]);
	/* Nobody ever writes to it: it is open as long as the VM's process is there. */
	l->keep = end[1];
	return pid < 0 ? -1 : waitpid(pid, NULL, 0) < 0;
}

static int refuse(const char *object, int err)
{
	errno = -err;
	if (err == -EPERM || err == -EACCES)
		return vmctl_error(object, "making a switch needs CAP_NET_ADMIN",
				   "start the VM as root, or use the network `user`");
	if (err == -EMEDIUMTYPE)
		return vmctl_error(object, "this bridge does not keep VLANs apart",
				   "have root run `ip link set BRIDGE type bridge vlan_filtering 1`, or leave vlan= out");
	if (err == -ENOENT)
		return vmctl_error(object, "there is no /dev/net/tun", "load the module tun");
	if (err == -ELIBACC)
		return vmctl_error(object, "libnl-3 is not installed", "install Debian's package libnl-route-3-200");
	return vmctl_errno(object, "see `ip link` and the kernel's log");
}

static int plug_in(const char *name, const char *port, unsigned int vlan)
{
	int lock = take_lock(), err = lock;
	char bridge[NET_NAME];

	if (lock < 0)
		return err;
	net_switch_bridge(bridge, name);
	if (!is_bridge(bridge))
		err = net_bridge_create(bridge);
	else
		err = vlan && !keeps_vlans_apart(bridge) ? -EMEDIUMTYPE : 0;
	if (!err)
		err = net_port_add(bridge, port, vlan);
	close(lock);
	return err;
}

/**
 * net_switch_open() - a port of a switch
 * @l: filled
 * @name: of the switch
 * @vlan: whose members alone hear the VM, 0 for those without one
 * @pairs: queues wanted
 *
 * Return: 0, or -1 with the error printed.
 */
int net_switch_open(struct net_link *l, const char *name, unsigned int vlan, unsigned int pairs)
{
	char port[NET_NAME] = "vtp%d";
	int err;

	net_switch_collect();
	err = net_tap_plug(l, port, pairs);
	if (!err)
		err = plug_in(name, port, vlan);
	if (err) {
		net_close(l);
		net_switch_collect();
		refuse(name, err);
		return -1;
	}
	if (!start_keeper(l, port))
		return 0;
	vmctl_errno(name, "raise the limit on processes");
	net_close(l);
	return -1;
}
