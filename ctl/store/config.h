/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * config.h - a VM's configuration: the file `config` in its folder, and what it says.
 *
 * Lines `key = value`, comments from `#` at a line's start, and sections [disk] and [net], one for
 * each disk and network card, after the keys of the VM itself. A key that is not known, is given
 * twice or has a wrong value is refused, with its line.
 */
#ifndef STORE_CONFIG_H
#define STORE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_VERSION	1
#define CONFIG_MAX	65536	/* bytes of the file */
#define CONFIG_VALUE	4000	/* bytes of a value */
#define CONFIG_DISKS	24
#define CONFIG_NETS	8

/**
 * struct config_disk - a [disk]
 * @file: image; a relative path starts in the VM's folder
 * @format: of the image; NULL: what the file's name ends in, else raw. Never what it looks like: that is up to the guest
 * @readonly: the guest cannot write
 * @iops: limit in operations a second, 0 for none
 * @bandwidth: limit in bytes a second, 0 for none
 */
struct config_disk {
	char *file, *format;
	bool readonly;
	uint64_t iops, bandwidth;
};

/**
 * struct config_net - a [net]
 * @network: user, tap:INTERFACE, switch:NAME[,vlan=N] or none
 * @mac: six bytes in hexadecimal with colons
 */
struct config_net {
	char *network;
	char *mac;
};

/**
 * struct config - a VM as its owner wants it; strings are owned, NULL where not given
 * @uuid: of the machine
 * @hostname: for the guest's first start
 * @instance: what makes the guest's cloud-init run once more when it changes
 * @kernel: file, for direct boot; without it the firmware boots the first disk
 * @firmware: BIOS image, NULL for SeaBIOS
 * @initrd: file
 * @append: kernel command line
 * @device: hypervisor's device node
 * @pin: list of host CPUs, as in 0-3,6
 * @on_reboot: restart or stop, what a guest that resets its machine gets; NULL for the first
 * @cdrom: image in the CD drive, or `none`; NULL: there is no drive
 * @boot: disk or cd, where the firmware looks first; NULL for the first
 * @version: of the file's format
 * @cpus: 1..64
 * @memory: bytes
 * @weight: of its CPU time against others', 1..10000, 0 for the host's default
 * @cap: CPU time in percent of one CPU, 0 for no limit
 * @memory_limit: bytes of host memory, 0 for no limit
 * @balloon: bytes of its memory that the guest shall do without
 * @merge: the host may keep pages once that are the same in several VMs
 * @disks: in the guest's order
 * @ndisks: their number
 * @nets: in the guest's order
 * @nnets: their number
 * @source: the text that it was parsed from: printed again, it keeps comments and order
 */
struct config {
	char *uuid, *hostname, *instance, *kernel, *firmware, *initrd, *append, *device, *pin, *on_reboot;
	char *cdrom, *boot;
	uint64_t version, cpus, memory, weight, cap, memory_limit, balloon;
	bool merge;
	struct config_disk disks[CONFIG_DISKS];
	struct config_net nets[CONFIG_NETS];
	unsigned int ndisks, nnets;
	char *source;
};

/**
 * struct config_error - what is wrong with a configuration
 * @line: from 1, or 0 when it is about no line
 * @what: goes after the file's name and the line
 */
struct config_error {
	unsigned int line;
	char what[160];
};

void config_init(struct config *c);
void config_fini(struct config *c);
int config_parse(struct config *c, const char *text, size_t n, struct config_error *e);
int config_set(struct config *c, const char *key, const char *value, struct config_error *e);
char *config_print(const struct config *c);
char *config_edit(const char *text, const char *key, const char *value);
const char *config_key(unsigned int i);
bool config_network_ok(const char *network);
bool config_name_ok(const char *name);

#endif /* STORE_CONFIG_H */
