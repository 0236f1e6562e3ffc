// SPDX-License-Identifier: GPL-2.0-only
/*
 * eject.c - eject DEVICE, in a guest: opens the tray of a CD drive, as eject(1), which busybox is built without.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/cdrom.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

int main(int argc, char **argv)
{
	int fd;

	if (argc != 2)
		return 2;
	fd = open(argv[1], O_RDONLY | O_NONBLOCK);
	if (fd >= 0 && !ioctl(fd, CDROMEJECT) && ioctl(fd, CDROM_DRIVE_STATUS, CDSL_CURRENT) == CDS_TRAY_OPEN)
		return 0;
	printf("%s: %s\n", argv[1], strerror(errno));
	return 1;
}
