// SPDX-License-Identifier: GPL-2.0-only
/*
 * cdrom.c - images of CDs and DVDs: files of whole blocks, which are read and never written. Used by the VM process and by the
 * verbs that name one.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cdrom.h"
#include "scsi_cd.h"
#include "vmm.h"

/**
 * cdrom_check() - is a file the image of a medium?
 * @fd: of the file
 * @blocks: filled with its size
 *
 * Return: NULL, or what is wrong with it.
 */
const char *cdrom_check(int fd, uint32_t *blocks)
{
	struct stat st;

	if (fstat(fd, &st))
		return strerror(errno);
	if (!S_ISREG(st.st_mode) || !st.st_size)
		return "is empty or no regular file";
	if (st.st_size % SCSI_CD_BLOCK)
		return "is no CD image, or not all of one: its size is no multiple of 2048";
	if (st.st_size / SCSI_CD_BLOCK > UINT32_MAX)
		return "is larger than 8 TiB";
	*blocks = st.st_size / SCSI_CD_BLOCK;
	return NULL;
}

/**
 * cdrom_open() - open an image
 * @path: its name
 * @remedy: what to do if it is none
 * @blocks: filled with its size
 *
 * Return: its descriptor, or -1 with the error printed.
 */
int cdrom_open(const char *path, const char *remedy, uint32_t *blocks)
{
	/* Without waiting for the other end, should it be a FIFO. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	const char *wrong = fd < 0 ? strerror(errno) : cdrom_check(fd, blocks);

	if (!wrong)
		return fd;
	vmm_error(path, wrong, remedy);
	if (fd >= 0)
		close(fd);
	return -1;
}
