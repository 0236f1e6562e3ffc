// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every request on every kind of fd with pointers that lead nowhere, into the kernel, or out of a
 * page half-way.
 */
#include "hostile.h"

static bool takes_pointer(const struct request *request)
{
	return _IOC_SIZE(request->number) != 0;
}

static void machine(int fds[FD_KINDS], unsigned int with)
{
	struct vm *vm = vm_create(with);

	fds[FD_SYSTEM] = abi_open();
	fds[FD_VM] = vm->fd;
	fds[FD_VCPU] = vcpu_create(vm, 0)->fd;
	signal_every_ms(10);
}

static void try_all(const int fds[FD_KINDS], const void *argument, bool must_fail)
{
	size_t i;

	for (i = 0; i < request_count; i++) {
		const struct request *request = &requests[i];
		int result;

		if (!takes_pointer(request))
			continue;
		if (!must_fail && request->number == KVM_RUN)
			continue;
		errno = 0;
		result = ioctl(fds[request->kind], request->number, argument);
		if (must_fail && result != -1 && request->number != KVM_SET_SIGNAL_MASK)
			abi_fail(__FILE__, __LINE__, "%s(%p): %d", request->name, argument, result);
	}
}

ABI_TEST("pointers that lead nowhere fail")
{
	static void *const nowhere[] = {(void *)8, (void *)0x7fffffffe000, (void *)-1L,
		(void *)0xffff888000001000, (void *)0xffffffff81000000, (void *)0x800000000000};
	int fds[FD_KINDS];
	size_t i;

	machine(fds, VM_PIT);
	for (i = 0; i < ARRAY_SIZE(nowhere); i++)
		try_all(fds, nowhere[i], true);
	expect_device_works();
}

ABI_TEST("pointers that leave their page half-way do no harm")
{
	uint8_t *page = host_pages(8192);
	int fds[FD_KINDS];
	unsigned int left;

	machine(fds, VM_PIT);
	NEED(munmap(page + 4096, 4096) == 0);
	for (left = 1; left <= 64; left *= 2) {
		memset(page, 0xff, 4096);
		try_all(fds, page + 4096 - left, false);
		memset(page, 0, 4096);
		try_all(fds, page + 4096 - left, false);
	}
	expect_device_works();
}

ABI_TEST("results that cannot be written do no harm")
{
	uint8_t *page = host_pages(65536);
	int fds[FD_KINDS];

	machine(fds, VM_PIT);
	memset(page, 0x40, 65536);
	NEED(mprotect(page, 65536, PROT_READ) == 0);
	try_all(fds, page, false);
	expect_device_works();
}

ABI_TEST("requests with every direction and size but the right one do no harm")
{
	void *buffer = host_pages(65536);
	int fds[FD_KINDS];
	size_t i;
	unsigned int size;

	machine(fds, VM_PIT);
	for (i = 0; i < request_count; i++) {
		for (size = 0; size < 0x3fff; size = size * 3 + 1) {
			unsigned int number = _IOC_NR(requests[i].number);
			unsigned int type = _IOC_TYPE(requests[i].number);
			int kind;

			for (kind = 0; kind < FD_KINDS; kind++) {
				unsigned long other = _IOC(_IOC_READ, type, number, size);
				int made = ioctl(fds[kind], other, buffer);

				if (made > 2 && size == 0)
					close(made);
			}
		}
	}
	expect_device_works();
}
