// SPDX-License-Identifier: GPL-2.0-only
/*
 * config.c - parse, check, print and edit a VM's configuration. Pure: text in, text out.
 *
 * The keys are a table; a file comes from anybody and is believed in nothing.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler.h"
#include "config.h"
#include "vmctl.h"

#define MEMORY_MIN	(16ULL << 20)

enum section {
	TOP,
	DISK,
	NET,
};

enum type {
	TEXT,		/* char *, anything printable */
	NUMBER,		/* uint64_t */
	SIZE,		/* uint64_t, bytes with a suffix */
	FLAG,		/* bool: yes or no */
	UUID,		/* char * */
	MAC,		/* char * */
	CPULIST,	/* char * */
	NETWORK,	/* char * */
	HOST,		/* char * */
	FORMAT,		/* char *, of an image */
	REBOOT,		/* char *, restart or stop */
	CDROM,		/* char *, none or a file by its whole path: who forks or restores the VM has another folder */
	BOOT,		/* char *, disk or cd */
};

struct key {
	enum section section;
	const char *name;
	enum type type;
	size_t offset;		/* in the section's struct */
	uint64_t min, max;	/* of NUMBER and SIZE */
	const char *wants;	/* the right form, for messages */
};

#define TOP_KEY(name, type, field, min, max, wants) \
	{ TOP, name, type, offsetof(struct config, field), min, max, wants }
#define DISK_KEY(name, type, field, min, max, wants) \
	{ DISK, name, type, offsetof(struct config_disk, field), min, max, wants }
#define NET_KEY(name, type, field, wants) \
	{ NET, name, type, offsetof(struct config_net, field), 0, 0, wants }

static const struct key keys[] = {
	TOP_KEY("version", NUMBER, version, CONFIG_VERSION, CONFIG_VERSION, "1"),
	TOP_KEY("uuid", UUID, uuid, 0, 0, "a UUID"),
	TOP_KEY("cpus", NUMBER, cpus, 1, 64, "a number from 1 to 64"),
	TOP_KEY("memory", SIZE, memory, MEMORY_MIN, 512ULL << 30, "a size from 16M to 512G"),
	TOP_KEY("kernel", TEXT, kernel, 0, 0, "a file"),
	TOP_KEY("firmware", TEXT, firmware, 0, 0, "a file"),
	TOP_KEY("initrd", TEXT, initrd, 0, 0, "a file"),
	TOP_KEY("append", TEXT, append, 0, 0, "a kernel command line"),
	TOP_KEY("device", TEXT, device, 0, 0, "a device node"),
	TOP_KEY("hostname", HOST, hostname, 0, 0, "letters, digits, '-' and '.'"),
	TOP_KEY("instance", TEXT, instance, 0, 0, "an instance id"),
	TOP_KEY("cpu-weight", NUMBER, weight, 0, 10000, "1 to 10000, or 0 for the default"),
	TOP_KEY("cpu-cap", NUMBER, cap, 0, 6400, "percent of one CPU, or 0 for no limit"),
	TOP_KEY("cpu-pin", CPULIST, pin, 0, 0, "a list of host CPUs as in 0-3,6"),
	TOP_KEY("memory-limit", SIZE, memory_limit, 0, 1ULL << 50, "a size, or 0 for no limit"),
	TOP_KEY("balloon", SIZE, balloon, 0, 512ULL << 30, "a size, or 0 for none"),
	TOP_KEY("merge", FLAG, merge, 0, 0, "yes or no"),
	TOP_KEY("on-reboot", REBOOT, on_reboot, 0, 0, "restart or stop"),
	TOP_KEY("cdrom", CDROM, cdrom, 0, 0, "an image by its path from / on, or none"),
	TOP_KEY("boot", BOOT, boot, 0, 0, "disk or cd"),
	DISK_KEY("file", TEXT, file, 0, 0, "an image"),
	DISK_KEY("format", FORMAT, format, 0, 0, "raw, qcow2, vmdk, vhd, vhdx or vdi"),
	DISK_KEY("readonly", FLAG, readonly, 0, 0, "yes or no"),
	DISK_KEY("iops", NUMBER, iops, 0, 1ULL << 40, "operations a second, or 0 for no limit"),
	DISK_KEY("bandwidth", SIZE, bandwidth, 0, 1ULL << 50, "bytes a second, or 0 for no limit"),
	NET_KEY("network", NETWORK, network, "user, tap:INTERFACE, switch:NAME[,vlan=N] or none"),
	NET_KEY("mac", MAC, mac, "an individual address as in 52:54:00:12:34:56"),
};

__attribute__((format(printf, 3, 4)))
static int refuse(struct config_error *e, unsigned int line, const char *format, ...)
{
	va_list args;

	e->line = line;
	va_start(args, format);
	vsnprintf(e->what, sizeof(e->what), format, args);
	va_end(args);
	return -EINVAL;
}

static bool hex(const char *s, size_t n)
{
	return strspn(s, "0123456789abcdefABCDEF") >= n;
}

static bool is_uuid(const char *s)
{
	return strlen(s) == 36 && hex(s, 8) && s[8] == '-' && hex(s + 9, 4) && s[13] == '-' &&
	       hex(s + 14, 4) && s[18] == '-' && hex(s + 19, 4) && s[23] == '-' && hex(s + 24, 12);
}

/* An address of one card: not of a group, not zero. */
static bool is_mac(const char *s)
{
	unsigned int i;

	if (strlen(s) != 17 || strchr("13579bdfBDF", s[1]) || !strcmp(s, "00:00:00:00:00:00"))
		return false;
	for (i = 0; i < 17; i += 3)
		if (!hex(s + i, 2) || (i < 15 && s[i + 2] != ':'))
			return false;
	return true;
}

static bool is_cpulist(const char *s)
{
	unsigned long from, to;
	char *end;

	do {
		if (*s < '0' || *s > '9')
			return false;
		from = strtoul(s, &end, 10);
		to = from;
		if (*end == '-') {
			s = end + 1;
			if (*s < '0' || *s > '9')
				return false;
			to = strtoul(s, &end, 10);
		}
		if (to < from || to > 4095)
			return false;
		s = end + 1;
	} while (*end == ',');
	return !*end;
}

static bool is_word(const char *s, size_t n, size_t max)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_.";

	return n && n <= max && strspn(s, letters) >= n;
}

/**
 * config_network_ok() - is it the name of a network?
 * @s: user, tap:INTERFACE, switch:NAME[,vlan=N] or none
 *
 * Return: true if so.
 */
bool config_network_ok(const char *s)
{
	const char *comma = strchr(s, ',');
	size_t n = comma ? (size_t)(comma - s) : strlen(s);
	uint64_t vlan;

	if (!strcmp(s, "user") || !strcmp(s, "none"))
		return true;
	if (!strncmp(s, "tap:", 4))
		return is_word(s + 4, strlen(s + 4), 15);
	if (strncmp(s, "switch:", 7) || !is_word(s + 7, n - 7, 12))
		return false;
	return !comma || (!strncmp(comma, ",vlan=", 6) && text_to_uint(comma + 6, 1, 4094, &vlan));
}

/* RFC 1123: labels of letters, digits and inner hyphens. */
static bool is_host(const char *s)
{
	size_t i, n = strlen(s);

	if (!is_word(s, n, 63) || strchr(s, '_'))
		return false;
	for (i = 0; i < n; i++)
		if ((s[i] == '-' || s[i] == '.') &&
		    (!i || i == n - 1 || s[i - 1] == '.' || s[i + 1] == '.'))
			return false;
	return true;
}

/**
 * config_name_ok() - may a VM be called this
 * @name: 1 to 63 letters, digits, '-', '_' and '.', a letter or digit first
 *
 * Return: whether.
 */
bool config_name_ok(const char *name)
{
	return is_word(name, strlen(name), 63) && !strchr("-_.", name[0]);
}

static bool is_printable(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return false;
	return true;
}

/* Those of disk.h; the configuration is read where no image is. */
static bool is_format(const char *s)
{
	static const char * const names[] = { "raw", "qcow2", "vmdk", "vhd", "vhdx", "vdi" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(s, names[i]))
			return true;
	return false;
}

static bool is_form(enum type type, const char *value)
{
	switch (type) {
	case UUID:
		return is_uuid(value);
	case MAC:
		return is_mac(value);
	case CPULIST:
		return is_cpulist(value);
	case NETWORK:
		return config_network_ok(value);
	case HOST:
		return is_host(value);
	case FORMAT:
		return is_format(value);
	case REBOOT:
		return !strcmp(value, "restart") || !strcmp(value, "stop");
	case CDROM:
		return !strcmp(value, "none") || (*value == '/' && strlen(value) <= CONFIG_VALUE);
	case BOOT:
		return !strcmp(value, "disk") || !strcmp(value, "cd");
	default:
		return *value && strlen(value) <= CONFIG_VALUE;
	}
}

static int assign_number(const struct key *k, uint64_t *to, const char *value)
{
	uint64_t n;

	if (!(k->type == SIZE ? text_to_size(value, &n) : text_to_uint(value, 0, UINT64_MAX, &n)))
		return -EINVAL;
	if (n < k->min || n > k->max)
		return -EINVAL;
	*to = n;
	return 0;
}

static int assign_text(const struct key *k, char **to, const char *value)
{
	char *copy;

	if (!is_printable(value) || !is_form(k->type, value))
		return -EINVAL;
	copy = strdup(value);
	if (!copy)
		return -ENOMEM;
	free(*to);
	*to = copy;
	return 0;
}

static int assign(const struct key *k, void *section, const char *value)
{
	void *field = (char *)section + k->offset;

	switch (k->type) {
	case NUMBER:
	case SIZE:
		return assign_number(k, field, value);
	case FLAG:
		if (strcmp(value, "yes") && strcmp(value, "no"))
			return -EINVAL;
		*(bool *)field = !strcmp(value, "yes");
		return 0;
	default:
		return assign_text(k, field, value);
	}
}

/**
 * config_init() - what a VM is when nothing is said
 * @c: to fill
 */
void config_init(struct config *c)
{
	*c = (struct config){ .version = CONFIG_VERSION, .cpus = 1, .memory = 256 << 20 };
}

static bool is_owned(enum type type)
{
	return type != NUMBER && type != SIZE && type != FLAG;
}

/**
 * config_fini() - free what it owns
 * @c: usable after config_init() only
 */
void config_fini(struct config *c)
{
	unsigned int i;
	size_t k;

	for (k = 0; k < ARRAY_SIZE(keys); k++)
		if (keys[k].section == TOP && is_owned(keys[k].type))
			free(*(char **)((char *)c + keys[k].offset));
	for (i = 0; i < c->ndisks; i++) {
		free(c->disks[i].file);
		free(c->disks[i].format);
	}
	for (i = 0; i < c->nnets; i++) {
		free(c->nets[i].network);
		free(c->nets[i].mac);
	}
	free(c->source);
	config_init(c);
}

static const struct key *find_key(enum section section, const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i].section == section && !strcmp(keys[i].name, name))
			return &keys[i];
	return NULL;
}

/**
 * config_key() - the keys of a VM itself, one by one
 * @i: from 0
 *
 * Return: its name, or NULL after the last.
 */
const char *config_key(unsigned int i)
{
	return i < ARRAY_SIZE(keys) && keys[i].section == TOP ? keys[i].name : NULL;
}

/**
 * config_set() - set one key of the VM itself
 * @c: the configuration
 * @key: its name
 * @value: as in the file
 * @e: filled on failure, without a line
 *
 * Return: 0, -EINVAL, or -ENOMEM.
 */
int config_set(struct config *c, const char *key, const char *value, struct config_error *e)
{
	const struct key *k = find_key(TOP, key);
	int err;

	if (!k)
		return refuse(e, 0, "there is no key `%.40s`", key);
	err = assign(k, c, value);
	return err ? refuse(e, 0, "%s wants %s", key, k->wants) : 0;
}

/**
 * struct parser - while a file is read
 * @c: what it says so far
 * @e: what is wrong with it
 * @line: number of the line
 * @section: that the line is in
 * @at: the section's struct
 * @seen: keys that the section has had, a bit each
 */
struct parser {
	struct config *c;
	struct config_error *e;
	unsigned int line;
	enum section section;
	void *at;
	uint64_t seen;
};

static int end_section(struct parser *p)
{
	if (p->section == DISK && !((struct config_disk *)p->at)->file)
		return refuse(p->e, p->line, "the [disk] before here lacks `file`");
	if (p->section == NET && !((struct config_net *)p->at)->network)
		return refuse(p->e, p->line, "the [net] before here lacks `network`");
	return 0;
}

static int begin_section(struct parser *p, const char *name)
{
	struct config *c = p->c;

	if (end_section(p))
		return -EINVAL;
	p->seen = 0;
	if (!strcmp(name, "[disk]")) {
		if (c->ndisks == CONFIG_DISKS)
			return refuse(p->e, p->line, "more than %d disks", CONFIG_DISKS);
		p->section = DISK;
		p->at = &c->disks[c->ndisks++];
	} else if (!strcmp(name, "[net]")) {
		if (c->nnets == CONFIG_NETS)
			return refuse(p->e, p->line, "more than %d network cards", CONFIG_NETS);
		p->section = NET;
		p->at = &c->nets[c->nnets++];
	} else {
		return refuse(p->e, p->line, "no section `%.40s`: there are [disk] and [net]", name);
	}
	return 0;
}

static char *trim(char *s)
{
	size_t n;

	s += strspn(s, " \t");
	for (n = strlen(s); n && strchr(" \t", s[n - 1]); n--)
		s[n - 1] = 0;
	return s;
}

static int parse_line(struct parser *p, char *line)
{
	const struct key *k;
	char *equals, *name, *value;
	uint64_t bit;

	line = trim(line);
	if (!*line || *line == '#')
		return 0;
	if (*line == '[')
		return begin_section(p, line);
	equals = strchr(line, '=');
	if (!equals)
		return refuse(p->e, p->line, "neither `key = value` nor a section");
	*equals = 0;
	name = trim(line);
	value = trim(equals + 1);
	k = find_key(p->section, name);
	if (!k)
		return refuse(p->e, p->line, "there is no key `%.40s` here", name);
	bit = 1ULL << (k - keys);
	if (p->seen & bit)
		return refuse(p->e, p->line, "`%s` is given a second time", name);
	p->seen |= bit;
	switch (assign(k, p->at, value)) {
	case 0:
		return 0;
	case -ENOMEM:
		refuse(p->e, p->line, "not enough memory");
		return -ENOMEM;
	default:
		return refuse(p->e, p->line, "%s wants %s", name, k->wants);
	}
}

/* Values may have tabs for blanks around them, and nothing else that moves a cursor. */
static int check_bytes(struct parser *p, const char *text, size_t n)
{
	unsigned int line = 1;
	size_t i;

	if (n > CONFIG_MAX)
		return refuse(p->e, 0, "larger than %d bytes", CONFIG_MAX);
	for (i = 0; i < n; i++) {
		if (text[i] == '\n')
			line++;
		else if (((unsigned char)text[i] < ' ' && text[i] != '\t') || text[i] == 0x7f)
			return refuse(p->e, line, "a control character (0x%02x)", text[i]);
	}
	return 0;
}

/**
 * config_parse() - read a configuration
 * @c: of config_init(); filled, to be freed with config_fini() in any case
 * @text: of the file
 * @n: bytes
 * @e: filled on failure
 *
 * Return: 0, -EINVAL, or -ENOMEM.
 */
int config_parse(struct config *c, const char *text, size_t n, struct config_error *e)
{
	struct parser p = { .c = c, .e = e, .section = TOP, .at = c };
	char *copy, *next, *line;
	int err;

	err = check_bytes(&p, text, n);
	if (err)
		return err;
	copy = strndup(text, n);
	if (!copy) {
		refuse(e, 0, "not enough memory");
		return -ENOMEM;
	}
	next = copy;
	while (!err && (line = strsep(&next, "\n"))) {
		p.line++;
		err = parse_line(&p, line);
	}
	if (!err)
		err = end_section(&p);
	if (!err && c->balloon && c->balloon > c->memory - MEMORY_MIN)
		err = refuse(e, 0, "`balloon` leaves less than 16M of `memory`");
	free(copy);
	if (err)
		return err;
	free(c->source);
	c->source = strndup(text, n);
	if (c->source)
		return 0;
	refuse(e, 0, "not enough memory");
	return -ENOMEM;
}

static void print_value(FILE *f, const struct key *k, const void *section)
{
	const void *field = (const char *)section + k->offset;
	char size[24];

	switch (k->type) {
	case NUMBER:
		fprintf(f, "%s = %" PRIu64 "\n", k->name, *(const uint64_t *)field);
		break;
	case SIZE:
		text_from_size(*(const uint64_t *)field, size, sizeof(size));
		fprintf(f, "%s = %s\n", k->name, size);
		break;
	case FLAG:
		fprintf(f, "%s = %s\n", k->name, *(const bool *)field ? "yes" : "no");
		break;
	default:
		fprintf(f, "%s = %s\n", k->name, *(char *const *)field);
		break;
	}
}

/* What says nothing is left out. */
static bool is_given(const struct key *k, const void *section)
{
	const void *field = (const char *)section + k->offset;

	switch (k->type) {
	case NUMBER:
	case SIZE:
		return *(const uint64_t *)field;
	case FLAG:
		return *(const bool *)field;
	default:
		return *(char *const *)field;
	}
}

static void print_section(FILE *f, enum section section, const void *at)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i].section == section && is_given(&keys[i], at))
			print_value(f, &keys[i], at);
}

/* The disks and network cards from these numbers on. */
static void print_rest(FILE *f, const struct config *c, unsigned int disk, unsigned int net)
{
	for (; disk < c->ndisks; disk++) {
		fputs("\n[disk]\n", f);
		print_section(f, DISK, &c->disks[disk]);
	}
	for (; net < c->nnets; net++) {
		fputs("\n[net]\n", f);
		print_section(f, NET, &c->nets[net]);
	}
}

/**
 * struct revision - while the text of one configuration becomes that of another
 * @f: the new text
 * @was: what the old text says
 * @c: what the new one shall say
 * @section: that the line is in
 * @old: the section in @was
 * @new: in @c, NULL if it is not there any more
 * @ndisks: disks so far
 * @nnets: network cards so far
 * @said: keys of the section that the new text has, a bit each
 * @held: empty lines and comments that may belong to what follows
 * @end: end of them
 */
struct revision {
	FILE *f;
	const struct config *was, *c;
	enum section section;
	const void *old, *new;
	unsigned int ndisks, nnets;
	uint64_t said;
	const char *held, *end;
};

static bool is_same(const struct key *k, const void *a, const void *b)
{
	const void *x = (const char *)a + k->offset, *y = (const char *)b + k->offset;
	const char *s, *t;

	switch (k->type) {
	case NUMBER:
	case SIZE:
		return *(const uint64_t *)x == *(const uint64_t *)y;
	case FLAG:
		return *(const bool *)x == *(const bool *)y;
	default:
		s = *(char *const *)x;
		t = *(char *const *)y;
		return s && t && !strcmp(s, t);
	}
}

static void put_held(struct revision *r)
{
	if (r->new)
		fwrite(r->held, r->end - r->held, 1, r->f);
	r->held = r->end;
}

/* What the section says that the old text had nothing of. */
static void revise_end(struct revision *r)
{
	size_t i;

	for (i = 0; r->new && i < ARRAY_SIZE(keys); i++)
		if (keys[i].section == r->section && !(r->said & 1ULL << i) && is_given(&keys[i], r->new) &&
		    !is_same(&keys[i], r->new, r->old))
			print_value(r->f, &keys[i], r->new);
	put_held(r);
}

static void revise_section(struct revision *r, bool disk)
{
	unsigned int i = disk ? r->ndisks++ : r->nnets++;

	revise_end(r);
	r->said = 0;
	r->section = disk ? DISK : NET;
	r->old = disk ? (const void *)&r->was->disks[i] : &r->was->nets[i];
	if (disk)
		r->new = i < r->c->ndisks ? &r->c->disks[i] : NULL;
	else
		r->new = i < r->c->nnets ? &r->c->nets[i] : NULL;
}

static void revise_key(struct revision *r, const char *line, size_t n, size_t name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i].section == r->section && strlen(keys[i].name) == name && !strncmp(keys[i].name, line, name))
			break;
	put_held(r);
	if (!r->new || i == ARRAY_SIZE(keys))
		return;
	r->said |= 1ULL << i;
	if (is_same(&keys[i], r->new, r->old))
		fprintf(r->f, "%.*s\n", (int)n, line);
	else if (is_given(&keys[i], r->new))
		print_value(r->f, &keys[i], r->new);
}

static void revise(struct revision *r, const char *text)
{
	const char *line = text, *next, *body;

	r->held = text;
	r->end = text;
	for (; *line; line = next) {
		next = strchrnul(line, '\n');
		next += *next == '\n';
		body = line + strspn(line, " \t");
		r->end = line;
		if (body == next || *body == '\n' || *body == '#') {
			r->end = next;
			continue;
		}
		if (*body == '[') {
			revise_section(r, body[1] == 'd');
			if (r->new)
				fputs(r->section == DISK ? "[disk]\n" : "[net]\n", r->f);
		} else {
			revise_key(r, body, strcspn(body, "\n"), strcspn(body, " \t="));
		}
		r->held = next;
		r->end = next;
	}
	revise_end(r);
	print_rest(r->f, r->c, r->ndisks, r->nnets);
}

/* Comments and order are kept where the old text has them. */
static bool print_revised(FILE *f, const struct config *c)
{
	struct config was;
	struct revision r = { .f = f, .was = &was, .c = c, .section = TOP, .old = &was, .new = c };
	struct config_error e;
	bool ok;

	config_init(&was);
	ok = !config_parse(&was, c->source, strlen(c->source), &e);
	if (ok)
		revise(&r, c->source);
	config_fini(&was);
	return ok;
}

static bool print_plain(FILE *f, const struct config *c)
{
	fputs("# A virtual machine: see CONFIGURATION in vmctl(8). Changes count from the next start.\n", f);
	print_section(f, TOP, c);
	print_rest(f, c, 0, 0);
	return true;
}

static char *print_as(const struct config *c, bool (*print)(FILE *f, const struct config *c))
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);
	bool ok;

	if (!f)
		return NULL;
	ok = print(f, c);
	if (!fclose(f) && ok)
		return text;
	free(text);
	return NULL;
}

/**
 * config_print() - the text that config_parse() reads as the same configuration
 * @c: the configuration; one that was parsed has the comments of its source
 *
 * Return: the text, to be freed, or NULL with errno.
 */
char *config_print(const struct config *c)
{
	char *text = c->source ? print_as(c, print_revised) : NULL;

	if (text && strlen(text) <= CONFIG_MAX)
		return text;
	free(text);
	return print_as(c, print_plain);
}

static bool line_has_key(const char *line, const char *key)
{
	size_t n = strlen(key);

	line += strspn(line, " \t");
	if (strncmp(line, key, n))
		return false;
	line += n;
	return line[strspn(line, " \t")] == '=';
}

/**
 * config_edit() - change one key of the VM itself and keep all the rest, comments too
 * @text: a configuration that parses
 * @key: the key's name
 * @value: its value, or NULL to take it out
 *
 * Return: the new text, to be freed, or NULL with errno.
 */
char *config_edit(const char *text, const char *key, const char *value)
{
	const char *line = text, *end, *to = NULL, *rest = NULL;
	char *edited = NULL;

	/* The place is the key's line, else after the last line that sets another. */
	while (*line && line[strspn(line, " \t")] != '[') {
		end = strchrnul(line, '\n');
		end += *end == '\n';
		if (line_has_key(line, key)) {
			to = line;
			rest = end;
			break;
		}
		if (line[strspn(line, " \t")] != '\n' && line[strspn(line, " \t")]) {
			to = end;
			rest = end;
		}
		line = end;
	}
	if (!to)
		to = rest = text;
	if (asprintf(&edited, "%.*s%s%s%s%s%s%s", (int)(to - text), text,
		     value && to > text && to[-1] != '\n' ? "\n" : "", value ? key : "",
		     value ? " = " : "", value ? value : "", value ? "\n" : "", rest) < 0)
		return NULL;
	return edited;
}
