/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pure.h - the one header of the pure files.
 *
 * A pure file holds logic that needs no kernel service: register machines, page-table formats,
 * the instruction decoder, policies. It includes this header and its own, and nothing else, so the
 * same source builds in vitrine.ko and in user space, where Check and the fuzzers run it under
 * sanitizers.
 */
#ifndef VITRINE_PURE_H
#define VITRINE_PURE_H

#ifdef __KERNEL__

#include <linux/types.h>
#include <linux/kernel.h>
#include <linux/bits.h>
#include <linux/bitops.h>
#include <linux/bitmap.h>
#include <linux/errno.h>
#include <linux/string.h>
#include <linux/minmax.h>
#include <linux/math64.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/kvm_types.h>	/* gpa_t, gva_t, gfn_t, hpa_t, hva_t */

#else

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

#define BIT(n)			(1UL << (n))
#define BIT_ULL(n)		(1ULL << (n))
#define GENMASK_ULL(h, l)	((~0ULL << (l)) & (~0ULL >> (63 - (h))))
#define GENMASK(h, l)		GENMASK_ULL(h, l)
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define offsetofend(type, m)	(offsetof(type, m) + sizeof(((type *)0)->m))
#define READ_ONCE(x)		(*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v)	(*(volatile __typeof__(x) *)&(x) = (v))
#define likely(x)		__builtin_expect(!!(x), 1)
#define unlikely(x)		__builtin_expect(!!(x), 0)
#define fallthrough		__attribute__((__fallthrough__))
#undef __always_inline
#define __always_inline		inline __attribute__((__always_inline__))
#define noinline		__attribute__((__noinline__))
#define __packed		__attribute__((__packed__))
#define __aligned(n)		__attribute__((__aligned__(n)))
#define __maybe_unused		__attribute__((__unused__))
#define static_assert		_Static_assert
#define min(a, b)		({ __typeof__(a) a_ = (a); __typeof__(b) b_ = (b); \
				   a_ < b_ ? a_ : b_; })
#define max(a, b)		({ __typeof__(a) a_ = (a); __typeof__(b) b_ = (b); \
				   a_ > b_ ? a_ : b_; })
#define min_t(t, a, b)		min((t)(a), (t)(b))
#define max_t(t, a, b)		max((t)(a), (t)(b))

static inline int fls64(u64 x)
{
	return x ? 64 - __builtin_clzll(x) : 0;
}

static inline int fls(u32 x)
{
	return x ? 32 - __builtin_clz(x) : 0;
}

static inline u64 mul_u64_u64_shr(u64 a, u64 b, unsigned int shift)
{
	return (u64)(((unsigned __int128)a * b) >> shift);
}

static inline u64 mul_u64_u32_div(u64 a, u32 mul, u32 div)
{
	return (u64)((unsigned __int128)a * mul / div);
}

/* Guest-physical, guest-virtual, host-physical and host-virtual addresses, and frame numbers. */
typedef u64 gpa_t;
typedef u64 gva_t;
typedef u64 gfn_t;
typedef u64 hpa_t;
typedef u64 hva_t;

#endif /* __KERNEL__ */

#define VTR_PAGE_SHIFT	12
#define VTR_PAGE_SIZE	(1UL << VTR_PAGE_SHIFT)
#define VTR_PAGE_MASK	(~(VTR_PAGE_SIZE - 1))

#endif /* VITRINE_PURE_H */
