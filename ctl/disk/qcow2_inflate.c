// SPDX-License-Identifier: GPL-2.0-only
/*
 * qcow2_inflate.c - the contents of a compressed cluster.
 */
#include <errno.h>
#include <zlib.h>
#include <zstd.h>

#include "qcow2.h"

#define WINDOW_BITS	(-15)	/* raw deflate; QEMU writes with a window of 4 KiB, any is read */

static int inflate_zlib(void *to, size_t n, const void *from, size_t m)
{
	z_stream z = { .next_in = (Bytef *)from, .avail_in = m, .next_out = to, .avail_out = n };
	int ret;

	if (inflateInit2(&z, WINDOW_BITS) != Z_OK)
		return -ENOMEM;
	ret = inflate(&z, Z_FINISH);
	inflateEnd(&z);
	/* What follows the stream up to the sector's end is nobody's. */
	return !z.avail_out && (ret == Z_STREAM_END || ret == Z_BUF_ERROR || ret == Z_OK) ? 0 : -EIO;
}

static int inflate_zstd(void *to, size_t n, const void *from, size_t m)
{
	ZSTD_outBuffer out = { .dst = to, .size = n };
	ZSTD_inBuffer in = { .src = from, .size = m };
	ZSTD_DStream *z = ZSTD_createDStream();
	size_t ret = 1, before;

	if (!z)
		return -ENOMEM;
	while (out.pos < n && ret && !ZSTD_isError(ret)) {
		before = in.pos + out.pos;
		ret = ZSTD_decompressStream(z, &out, &in);
		if (in.pos + out.pos == before)
			break;
	}
	ZSTD_freeDStream(z);
	return out.pos == n && !ZSTD_isError(ret) ? 0 : -EIO;
}

/**
 * qcow2_inflate() - decompress a cluster
 * @how: by what it was compressed
 * @to: for the cluster
 * @n: its bytes
 * @from: compressed bytes
 * @m: at least as many as belong to it
 *
 * Return: 0, -EIO if the bytes are no whole cluster, -ENOMEM.
 */
int qcow2_inflate(enum qcow2_compression how, void *to, size_t n, const void *from, size_t m)
{
	return how == QCOW2_ZSTD ? inflate_zstd(to, n, from, m) : inflate_zlib(to, n, from, m);
}
