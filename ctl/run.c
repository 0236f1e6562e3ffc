// SPDX-License-Identifier: GPL-2.0-only
/*
 * run.c - vmctl run: the options, then the VM process in the foreground.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/config.h"
#include "store/store.h"
#include "vmctl.h"
#include "vmm/cdrom.h"
#include "vmm/vmm.h"

const char vmctl_run_help[] =
"usage: vmctl run --kernel FILE | --disk FILE | --cdrom FILE [OPTIONS]\n"
"\n"
"Boots a Linux bzImage, or an ELF kernel with a PVH entry, in the foreground; without --kernel, what the\n"
"BIOS finds on the first disk, or else on the CD. The guest's first serial port is this terminal,\n"
"and the BIOS's screen and keyboard; ^] leaves (the VM ends).\n"
"\n"
"  -k, --kernel FILE    the kernel\n"
"  -i, --initrd FILE    its initial RAM disk\n"
"  -a, --append STRING  its command line (default: console=ttyS0)\n"
"  -c, --cpus N         virtual CPUs, 1 to 64 (default 1)\n"
"  -m, --memory SIZE    guest memory with suffix K, M or G (default 256M)\n"
"  -D, --disk FILE      a disk image: FILE[,readonly][,format=F]; may be repeated; without format=, what\n"
"                       the file's name ends in (qcow2, vmdk, ...) or raw\n"
"  -C, --cdrom FILE     a CD drive with this ISO image in it, or none\n"
"  -b, --boot WHAT      where the BIOS looks first: disk (default) or cd\n"
"  -n, --net NETWORK    a network card on user, tap:INTERFACE, switch:NAME[,vlan=N] or none; may be repeated\n"
"  -f, --firmware FILE  the BIOS, if there is no --kernel (default: SeaBIOS, of the package seabios)\n"
"  -r, --on-reboot WHAT when the guest resets its machine: restart (default) it, or stop, which ends the VM\n"
"  -d, --device PATH    the hypervisor: /dev/vitrine, or a stock /dev/kvm (default: /dev/vitrine)\n"
"  -t, --timing         print how long the guest's first instruction and its /init took\n"
"\n"
"Exit status: 0 when the guest powered off, or reset its machine with --on-reboot stop, or the user left\n"
"(^], SIGINT, SIGTERM, SIGHUP, SIGQUIT); 1 when it crashed or could not be run; 2 for wrong usage.\n"
"\n"
"A guest's /init tells --timing that it runs by writing a byte to I/O port 0xf4:\n"
"  printf i | dd of=/dev/port bs=1 seek=244\n"
"\n"
"Examples:\n"
"  vmctl run --kernel /boot/vmlinuz-6.1.0-56-amd64 --initrd initrd.gz --memory 512M\n"
"  vmctl run --disk debian.qcow2 --memory 1G\n"
"  vmctl run --cdrom debian-12.iso --disk new.qcow2 --boot cd --memory 1G\n"
"  vmctl run -k vmlinux -c 4 -m 1G -a 'console=ttyS0 quiet' --device /dev/kvm\n";

static const struct option options[] = {
	{ "kernel", required_argument, NULL, 'k' },
	{ "initrd", required_argument, NULL, 'i' },
	{ "append", required_argument, NULL, 'a' },
	{ "cpus", required_argument, NULL, 'c' },
	{ "memory", required_argument, NULL, 'm' },
	{ "disk", required_argument, NULL, 'D' },
	{ "cdrom", required_argument, NULL, 'C' },
	{ "boot", required_argument, NULL, 'b' },
	{ "net", required_argument, NULL, 'n' },
	{ "firmware", required_argument, NULL, 'f' },
	{ "on-reboot", required_argument, NULL, 'r' },
	{ "device", required_argument, NULL, 'd' },
	{ "timing", no_argument, NULL, 't' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static bool parse_cpus(const char *s, unsigned int *cpus)
{
	char *end;
	unsigned long n = strtoul(s, &end, 10);

	if (*end || end == s || n < 1 || n > VMM_MAX_CPUS)
		return false;
	*cpus = n;
	return true;
}

static bool parse_size(const char *s, uint64_t *bytes)
{
	unsigned int shift = 0;
	uint64_t n;
	char *end;

	errno = 0;
	n = strtoull(s, &end, 10);
	if (end == s || errno || *s == '-')
		return false;
	if (*end == 'K' || *end == 'k')
		shift = 10;
	else if (*end == 'M' || *end == 'm')
		shift = 20;
	else if (*end == 'G' || *end == 'g')
		shift = 30;
	if (shift)
		end++;
	if (*end || n > (1ULL << 40) >> shift)
		return false;
	*bytes = n << shift;
	return true;
}

/* FILE[,readonly][,format=F], which is cut into its words. */
static bool parse_disk(char *s, struct vmm_disk *d)
{
	char *option;

	*d = (struct vmm_disk){ .path = strsep(&s, ",") };
	d->format = disk_format_of_name(d->path);
	while ((option = strsep(&s, ","))) {
		if (!strcmp(option, "readonly"))
			d->readonly = true;
		else if (!strncmp(option, "format=", 7))
			d->format = disk_format_named(option + 7);
		else
			return false;
	}
	return *d->path && d->format != DISK_AUTO && d->format != DISK_FORMATS;
}

static int usage(const char *object, const char *what)
{
	fprintf(stderr, "vmctl run: %s: %s: see `vmctl help run`\n", object, what);
	return VMCTL_USAGE;
}

int vmctl_run(int argc, char **argv)
{
	struct vmm_disk disks[CONFIG_DISKS];
	struct vmm_net nets[CONFIG_NETS];
	char mac[CONFIG_NETS][18];
	struct vmm_config c = {
		.append = "console=ttyS0", .cpus = 1, .memory = 256 << 20, .device = "/dev/vitrine",
		.restarts = true,
		.disks = disks, .nets = nets,
	};
	const char *boot = NULL;
	int opt;

	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":k:i:a:c:m:D:C:b:n:f:r:d:th", options, NULL)) != -1) {
		switch (opt) {
		case 'k':
			c.kernel = optarg;
			break;
		case 'i':
			c.initrd = optarg;
			break;
		case 'a':
			c.append = optarg;
			break;
		case 'c':
			if (!parse_cpus(optarg, &c.cpus))
				return usage(optarg, "--cpus takes a number from 1 to 64");
			break;
		case 'm':
			if (!parse_size(optarg, &c.memory) || c.memory < VMM_MIN_MEMORY ||
			    c.memory > VMM_MAX_MEMORY)
				return usage(optarg, "--memory takes a size from 16M to 512G");
			break;
		case 'D':
			if (c.ndisks == CONFIG_DISKS)
				return usage(optarg, "there are 24 disks already");
			if (!parse_disk(optarg, &disks[c.ndisks++]))
				return usage(optarg, "--disk takes FILE[,readonly][,format=F]");
			break;
		case 'C':
			c.cdrom = optarg;
			break;
		case 'b':
			boot = optarg;
			c.boot_cd = !strcmp(boot, "cd");
			if (!c.boot_cd && strcmp(boot, "disk"))
				return usage(boot, "--boot takes disk or cd");
			break;
		case 'n':
			if (c.nnets == CONFIG_NETS)
				return usage(optarg, "there are 8 network cards already");
			if (!config_network_ok(optarg))
				return usage(optarg, "--net takes user, tap:INTERFACE, switch:NAME[,vlan=N] or none");
			if (identity_mac(mac[c.nnets]))
				return VMCTL_FAILED;
			nets[c.nnets] = (struct vmm_net){ .network = optarg, .mac = mac[c.nnets] };
			c.nnets++;
			break;
		case 'f':
			c.firmware = optarg;
			break;
		case 'r':
			c.restarts = !strcmp(optarg, "restart");
			if (!c.restarts && strcmp(optarg, "stop"))
				return usage(optarg, "--on-reboot takes restart or stop");
			break;
		case 'd':
			c.device = optarg;
			break;
		case 't':
			c.timing = true;
			break;
		case 'h':
			fputs(vmctl_run_help, stdout);
			return VMCTL_OK;
		case ':':
			return usage(argv[optind - 1], "wants a value");
		default:
			return usage(argv[optind - 1], "is no option");
		}
	}
	if (optind < argc)
		return usage(argv[optind], "not expected here");
	if (c.kernel && c.firmware)
		return usage("--firmware", "has nothing to do beside --kernel");
	if (c.kernel && boot)
		return usage("--boot", "has nothing to do beside --kernel");
	if (!c.kernel && !c.ndisks && !c.firmware && !cdrom_is_image(c.cdrom))
		return usage("--kernel", "missing, and there is no --disk or --cdrom to boot from");
	return vmm_run(&c);
}
