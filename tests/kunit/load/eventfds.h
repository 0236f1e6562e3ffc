/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * eventfds.h - what load.c leaves open for irq_test.c: a kernel has no way to make an eventfd.
 */
#ifndef VTR_KUNIT_EVENTFDS_H
#define VTR_KUNIT_EVENTFDS_H

#define VTR_TEST_EVENTFD	100	/* the first descriptor */
#define VTR_TEST_EVENTFDS	48

#endif /* VTR_KUNIT_EVENTFDS_H */
