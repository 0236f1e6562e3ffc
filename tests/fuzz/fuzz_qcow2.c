// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_qcow2.c - qcow2 images whose header and tables are not what they should be: opened, read, checked, then
 * written. Whatever happens, no memory error, no endless work, no reading of other files.
 *
 * Input: pairs of an offset into a small image and a byte. With libFuzzer (-DLIBFUZZER) it is driven by coverage;
 * without, main() damages the fields that matter at random: fuzz_qcow2 [rounds [seed]].
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "disk/qcow2.h"

#define SIZE	(1U << 20)
#define IMAGE	(10U << 16)

static unsigned char image[IMAGE];
static int file = -1;

/* Clusters of all kinds, so that each kind of damage meets what it may harm. */
static void make_image(void)
{
	static char data[65536];
	struct iovec v = { data, sizeof(data) };
	struct disk_error e;
	struct disk *d;
	char path[64];

	file = memfd_create("qcow2", 0);
	if (file < 0 || qcow2_create(file, SIZE, NULL, DISK_AUTO))
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	d = disk_open(path, DISK_QCOW2, 0, &e);
	memset(data, 7, sizeof(data));
	if (!d || disk_pwritev(d, &v, 1, 0) < 0 || disk_pwritev(d, &v, 1, 3 * sizeof(data)) < 0)
		abort();
	disk_close(d);
	if (io_read(file, image, sizeof(image), 0))
		abort();
}

static void use(const char *path)
{
	static char data[SIZE];
	struct iovec v = { data, 0 };
	struct disk_check c;
	struct disk_error e;
	struct disk *d = disk_open(path, DISK_QCOW2, 0, &e);

	if (!d)
		d = disk_open(path, DISK_QCOW2, DISK_READ_ONLY, &e);
	if (!d) {
		if (!e.what[0] || !e.remedy[0])
			abort();
		return;
	}
	v.iov_len = disk_size(d) < SIZE ? disk_size(d) : SIZE;
	disk_preadv(d, &v, 1, 0);
	disk_check(d, false, &c);
	v.iov_len = v.iov_len < 3000 ? v.iov_len : 3000;
	disk_pwritev(d, &v, 1, 0);
	disk_discard(d, 0, v.iov_len);
	disk_write_zeroes(d, 0, v.iov_len, true);
	disk_flush(d);
	disk_close(d);
}

static int fuzz_one(const unsigned char *data, size_t size)
{
	char path[64];
	size_t i;
	unsigned char byte;

	if (file < 0)
		make_image();
	if (ftruncate(file, 0) || io_write(file, image, sizeof(image), 0))
		abort();
	for (i = 0; i + 4 <= size; i += 4) {
		byte = data[i + 3];
		if (io_write(file, &byte, 1, (data[i] << 16 | data[i + 1] << 8 | data[i + 2]) % IMAGE))
			abort();
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	use(path);
	return 0;
}

#ifdef LIBFUZZER
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	return fuzz_one(data, size);
}
#else
/* The header; the first entries of the refcount table, of the refcounts, of L1 and of L2. */
static const struct {
	unsigned int at, n;
} fields[] = {
	{ 0, 120 }, { 1 << 16, 8 }, { 2 << 16, 24 }, { 3 << 16, 8 }, { 4 << 16, 40 }, { 5 << 16, 40 },
};

int main(int argc, char **argv)
{
	unsigned int rounds = argc > 1 ? atoi(argv[1]) : 1000, i, k, f, at;
	unsigned char in[16], n;

	srand(argc > 2 ? atoi(argv[2]) : 1);
	for (i = 0; i < rounds; i++) {
		n = 1 + rand() % 4;
		for (k = 0; k < n; k++) {
			f = rand() % (sizeof(fields) / sizeof(fields[0]));
			at = fields[f].at + rand() % fields[f].n;
			in[4 * k] = at >> 16;
			in[4 * k + 1] = at >> 8;
			in[4 * k + 2] = at;
			in[4 * k + 3] = rand() % 3 ? 1 << rand() % 8 : rand();
		}
		fuzz_one(in, 4 * n);
	}
	printf("%u images\n", rounds);
	return 0;
}
#endif
