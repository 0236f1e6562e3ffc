// SPDX-License-Identifier: GPL-2.0-only
/*
 * create.c - vmctl create: a configuration from options or a file, completed with an identity, becomes
 * a VM's folder.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "disk/disk.h"
#include "client.h"
#include "compiler.h"
#include "overlay.h"
#include "seed.h"
#include "vmm/cdrom.h"

#define IMAGE_FILE	"disks/disk0.qcow2"

#define KEY_DISK	0x100
#define KEY_NET		0x101
#define KEY_FILE	0x102
#define KEY_DRY_RUN	0x103
#define KEY_SET		0x104
#define KEY_IMAGE	0x105
#define KEY_SSH_KEY	0x106
#define KEY_USER_DATA	0x107
#define KEY_ON_REBOOT	0x108
#define KEY_CDROM	0x109
#define KEY_BOOT	0x10a

static struct config config;
static const char *file, *image, *ssh_key, *user_data;
static bool dry_run;

static const struct argp_option options[] = {
	{ "cpus", 'c', "N", 0, "Virtual CPUs, 1 to 64 (default: 1)", 0 },
	{ "memory", 'm', "SIZE", 0, "Memory, 16M to 512G (default: 256M)", 0 },
	{ "kernel", 'k', "FILE", 0, "The kernel to boot; without it SeaBIOS boots the first disk, or else the CD", 0 },
	{ "initrd", 'i', "FILE", 0, "Its initial RAM disk", 0 },
	{ "append", 'a', "STRING", 0, "Its command line", 0 },
	{ "device", 'd', "PATH", 0, "/dev/vitrine (default), or a stock /dev/kvm", 0 },
	{ "disk", KEY_DISK, "FILE[,readonly][,format=F]", 0, "A disk image to use where it is; may "
	  "be repeated", 0 },
	{ "cdrom", KEY_CDROM, "FILE", 0, "A CD drive with this ISO image in it, or none", 0 },
	{ "boot", KEY_BOOT, "WHAT", 0, "Where SeaBIOS looks first: disk (default) or cd", 0 },
	{ "image", KEY_IMAGE, "FILE", 0,
	  "The VM's first disk is a layer over this image, which must stay", 0 },
	{ "hostname", 'n', "NAME", 0, "What cloud-init calls the guest (default: the VM's name)", 0 },
	{ "ssh-key", KEY_SSH_KEY, "FILE", 0, "Public keys that cloud-init lets in", 0 },
	{ "user-data", KEY_USER_DATA, "FILE", 0, "What cloud-init does at the first start", 0 },
	{ "net", KEY_NET, "NETWORK", 0, "A network card on user, tap:INTERFACE or "
	  "switch:NAME[,vlan=N], or none; may be repeated", 0 },
	{ "on-reboot", KEY_ON_REBOOT, "ACTION", 0, "When the guest reboots: restart (default) the VM in its process, or "
	  "stop it", 0 },
	{ "set", KEY_SET, "KEY=VALUE", 0, "Any key of the configuration; may be repeated", 0 },
	{ "file", KEY_FILE, "FILE", 0, "Begin with this configuration", 0 },
	{ "dry-run", KEY_DRY_RUN, NULL, 0, "Print the configuration and make nothing", 0 },
	{ 0 },
};

static error_t set(const char *key, const char *value)
{
	struct config_error e;

	return config_set(&config, key, value, &e) ? vmctl_bad_value(value, e.what) : 0;
}

static error_t set_file(const char *key, const char *path)
{
	char *full = text_absolute(path);
	error_t err = full ? set(key, full) : ENOMEM;

	free(full);
	return err;
}

static error_t set_any(char *arg)
{
	char *equals = strchr(arg, '=');

	if (!equals)
		return vmctl_bad_value(arg, "--set takes KEY=VALUE");
	*equals = 0;
	return set(arg, equals + 1);
}

/* The user's image says now what it is; later its guest could make it say something else. */
static enum disk_format look_at(const char *path)
{
	uint8_t head[1024];
	FILE *f = fopen(path, "re");
	size_t n = 0;

	if (f) {
		n = fread(head, 1, sizeof(head), f);
		fclose(f);
	}
	return f ? disk_format_probe(head, n, 0) : disk_format_of_name(path);
}

static error_t disk_option(struct config_disk *d, const char *option)
{
	enum disk_format f = DISK_FORMATS;

	if (!strcmp(option, "readonly")) {
		d->readonly = true;
		return 0;
	}
	if (!strncmp(option, "format=", 7))
		f = disk_format_named(option + 7);
	if (f == DISK_AUTO || f == DISK_FORMATS)
		return vmctl_bad_value(option, "--disk takes FILE[,readonly][,format=raw|qcow2|vmdk|vhd|vhdx|vdi]");
	free(d->format);
	d->format = strdup(disk_format_name(f));
	return d->format ? 0 : ENOMEM;
}

static error_t add_disk(char *arg)
{
	struct config_disk *d = &config.disks[config.ndisks];
	char *path = strsep(&arg, ","), *option;
	error_t err = 0;

	if (config.ndisks == CONFIG_DISKS)
		return vmctl_bad_value(path, "there are 24 disks already");
	config.ndisks++;
	d->file = text_absolute(path);
	while (!err && (option = strsep(&arg, ",")))
		err = disk_option(d, option);
	if (err || !d->file)
		return err ? err : ENOMEM;
	if (!d->format)
		d->format = strdup(disk_format_name(look_at(d->file)));
	return d->format ? 0 : ENOMEM;
}

static error_t add_net(const char *arg)
{
	struct config_net *n = &config.nets[config.nnets];

	if (config.nnets == CONFIG_NETS)
		return vmctl_bad_value(arg, "there are 8 network cards already");
	n->network = strdup(arg);
	if (!n->network)
		return ENOMEM;
	config.nnets++;
	return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	(void)state;
	switch (key) {
	case 'c':
		return set("cpus", arg);
	case 'm':
		return set("memory", arg);
	case 'k':
		return set_file("kernel", arg);
	case 'i':
		return set_file("initrd", arg);
	case 'a':
		return set("append", arg);
	case 'd':
		return set_file("device", arg);
	case KEY_DISK:
		return add_disk(arg);
	case KEY_CDROM:
		return cdrom_is_image(arg) ? set_file("cdrom", arg) : set("cdrom", arg);
	case KEY_BOOT:
		return set("boot", arg);
	case 'n':
		return set("hostname", arg);
	case KEY_IMAGE:
		image = text_absolute(arg);
		return image ? 0 : ENOMEM;
	case KEY_SSH_KEY:
		ssh_key = arg;
		return 0;
	case KEY_USER_DATA:
		user_data = arg;
		return 0;
	case KEY_NET:
		return add_net(arg);
	case KEY_ON_REBOOT:
		return set("on-reboot", arg);
	case KEY_SET:
		return set_any(arg);
	case KEY_FILE:
		return 0;	/* has been read first: the other options add to it */
	case KEY_DRY_RUN:
		dry_run = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options, .parser = parse, .args_doc = "NAME",
	.doc = "Makes a VM. It gets a UUID, and a MAC address for each network card, unless they are "
	       "given.\v"
	       "Examples:\n"
	       "  vmctl create web --kernel vmlinuz --initrd initrd.img --memory 512M\n"
	       "  vmctl create deb --image debian.qcow2 --ssh-key ~/.ssh/id_ed25519.pub --net user\n"
	       "  vmctl create new --disk new.qcow2 --cdrom debian-12.iso --memory 1G\n"
	       "  vmctl create db --file db.conf --cpus 4\n"
	       "  vmctl create web --kernel vmlinuz --set cpu-weight=200 --dry-run >web.conf",
};

const struct vmctl_args vmctl_create_args = { .argp = &argp, .min = 1, .max = 1 };

/* The file named by --file, wherever it stands on the command line. */
static const char *find_file(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++) {
		if (!strncmp(argv[i], "--file=", 7))
			return argv[i] + 7;
		if (!strcmp(argv[i], "--file") && i + 1 < argc)
			return argv[i + 1];
	}
	return NULL;
}

static int read_file(void)
{
	struct config_error e = { 0 };
	char object[PATH_MAX + 32];
	char *text;
	size_t n;
	int err;

	text = file_read(AT_FDCWD, file, CONFIG_MAX, &n);
	if (!text)
		return vmctl_errno(file, "name a file that can be read");
	err = config_parse(&config, text, n, &e);
	free(text);
	if (!err)
		return VMCTL_OK;
	snprintf(object, sizeof(object), e.line ? "%s line %u" : "%s", file, e.line);
	return vmctl_error(object, e.what, "edit the file");
}

static int complete_uuid(void)
{
	char uuid[37];

	if (config.uuid)
		return VMCTL_OK;
	if (identity_uuid(uuid))
		return VMCTL_FAILED;
	config.uuid = strdup(uuid);
	return config.uuid ? VMCTL_OK : vmctl_errno("uuid", "free some memory");
}

static int complete_mac(struct config_net *n)
{
	char mac[18];

	if (n->mac)
		return VMCTL_OK;
	if (identity_mac(mac))
		return VMCTL_FAILED;
	n->mac = strdup(mac);
	return n->mac ? VMCTL_OK : vmctl_errno("mac", "free some memory");
}

static bool wants_seed(void)
{
	return image || ssh_key || user_data;
}

/* The VM's name as a host's: what a host may not be called is left out. */
static int complete_hostname(const char *name)
{
	struct config_error e;
	char host[64];
	size_t i, n;

	if (config.hostname)
		return VMCTL_OK;
	n = snprintf(host, sizeof(host), "%s", name);
	for (i = 0; i < n; i++)
		if (host[i] == '_' || host[i] == '.')
			host[i] = '-';
	while (n && host[n - 1] == '-')
		host[--n] = 0;
	return config_set(&config, "hostname", host, &e) ? vmctl_usage(name, e.what) : VMCTL_OK;
}

static int complete_instance(void)
{
	if (!config.instance)
		config.instance = strdup(config.uuid);
	return config.instance ? VMCTL_OK : vmctl_errno("instance", "free some memory");
}

/* The image's copy comes first, the seed last, as names in the VM's folder. */
static int complete_disks(void)
{
	struct config_disk *d = config.disks;

	if (config.ndisks + !!image + wants_seed() > CONFIG_DISKS)
		return vmctl_usage("--disk", "there are more than 24 disks");
	if (image) {
		/* What the file says of its disks is not said of the same ones any more. */
		free(config.source);
		config.source = NULL;
		memmove(d + 1, d, config.ndisks++ * sizeof(*d));
		d[0] = (struct config_disk){ .file = strdup(IMAGE_FILE), .format = strdup("qcow2") };
	}
	if (wants_seed())
		d[config.ndisks++] = (struct config_disk){ .file = strdup(SEED_FILE),
							   .format = strdup("raw"), .readonly = true };
	return VMCTL_OK;
}

static int complete(const char *name)
{
	unsigned int i;

	if (complete_uuid() || complete_disks())
		return VMCTL_FAILED;
	if (wants_seed() && (complete_hostname(name) || complete_instance()))
		return VMCTL_FAILED;
	for (i = 0; i < config.nnets; i++)
		if (complete_mac(&config.nets[i]))
			return VMCTL_FAILED;
	return VMCTL_OK;
}

/* What the options put together must be what a file may say. */
static int check_config(const char *name)
{
	struct config_error e = { 0 };
	struct config again;
	char *text = config_print(&config);
	int err;

	if (!text)
		return vmctl_errno(name, "free some memory");
	config_init(&again);
	err = config_parse(&again, text, strlen(text), &e);
	config_fini(&again);
	free(text);
	return err ? vmctl_usage(name, e.what) : VMCTL_OK;
}

static int check_cdrom(void)
{
	uint32_t blocks;
	int fd;

	if (!cdrom_is_image(config.cdrom))
		return VMCTL_OK;
	fd = cdrom_open(config.cdrom, CDROM_REMEDY, &blocks);
	if (fd < 0)
		return VMCTL_FAILED;
	close(fd);
	return VMCTL_OK;
}

static int check_files(void)
{
	const char *files[] = { config.kernel, config.firmware, config.initrd };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(files); i++)
		if (files[i] && access(files[i], R_OK))
			return vmctl_errno(files[i], "name a file that can be read");
	for (i = 0; i < config.ndisks; i++)
		if (config.disks[i].file[0] == '/' && access(config.disks[i].file, R_OK))
			return vmctl_errno(config.disks[i].file, "name an image that can be read");
	return check_cdrom();
}

static int print(void)
{
	char *text = config_print(&config);

	if (!text || fputs(text, stdout) == EOF)
		return vmctl_errno("standard output", "see where it goes");
	free(text);
	return VMCTL_OK;
}

/* What belongs to the VM and is no configuration. */
static int fill(struct vm *vm)
{
	struct seed seed = { .instance = config.instance, .hostname = config.hostname,
			     .key_file = ssh_key, .user_data = user_data };

	if (image && overlay_create(vm->fd, IMAGE_FILE, image))
		return VMCTL_FAILED;
	return wants_seed() ? seed_write(vm->fd, &seed) : VMCTL_OK;
}

static int create(const struct vmctl_args *a)
{
	struct store s;
	struct vm vm;
	int err;

	if (dry_run)
		return print();
	if (store_open(&s, a->store))
		return VMCTL_FAILED;
	err = vm_create_begin(&vm, &s, a->names[0]);
	if (!err && fill(&vm)) {
		vm_create_cancel(&vm);
		err = -1;
	}
	if (!err)
		err = vm_create_end(&vm, &config);
	if (!err)
		vm_close(&vm);
	store_close(&s);
	return err ? VMCTL_FAILED : VMCTL_OK;
}

/**
 * vmctl_create() - the verb
 * @argc: of the verb
 * @argv: of the verb
 *
 * Return: the exit status.
 */
int vmctl_create(int argc, char **argv)
{
	struct vmctl_args a = vmctl_create_args;
	int status;

	config_init(&config);
	file = find_file(argc, argv);
	status = file ? read_file() : VMCTL_OK;
	if (!status)
		status = vmctl_parse(&a, argc, argv);
	if (!status && !config_name_ok(a.names[0]))
		status = vmctl_usage(a.names[0], "is no name for a VM");
	if (!status)
		status = check_config(a.names[0]);
	if (!status)
		status = complete(a.names[0]) || check_files() || create(&a);
	config_fini(&config);
	return status;
}
