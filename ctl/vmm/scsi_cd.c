// SPDX-License-Identifier: GPL-2.0-only
/*
 * scsi_cd.c - the commands of a CD drive: what each answers in the drive's state, and what it makes of that state. Pure: who
 * transfers the medium's blocks, and where they are, is virtio_scsi.c's.
 *
 * A medium of one session with one data track; of up to 80 minutes it is a CD-ROM, else a DVD-ROM. Nothing is written,
 * nothing is played.
 *
 * Source: SPC-4 "Commands for all device types", "Sense data"; MMC-6 "Commands", "Features", "Profiles"; MMC-3 "CD Capabilities
 * and Mechanical Status Page"; SBC-3 "READ (10) command".
 */
#include <string.h>

#include "compiler.h"
#include "scsi_cd.h"

enum opcode {
	TEST_UNIT_READY = 0x00,
	REQUEST_SENSE = 0x03,
	INQUIRY = 0x12,
	MODE_SENSE_6 = 0x1a,
	START_STOP_UNIT = 0x1b,
	PREVENT_ALLOW = 0x1e,
	READ_CAPACITY = 0x25,
	READ_10 = 0x28,
	SYNCHRONIZE_CACHE = 0x35,
	READ_TOC = 0x43,
	GET_CONFIGURATION = 0x46,
	GET_EVENT_STATUS = 0x4a,
	READ_DISC_INFORMATION = 0x51,
	MODE_SENSE_10 = 0x5a,
	REPORT_LUNS = 0xa0,
	READ_12 = 0xa8,
	MECHANISM_STATUS = 0xbd,
};

/* SPC-4 "Sense key and additional sense code definitions": key, code and qualifier. */
#define SENSE(key, asc, ascq)	((key) << 16 | (asc) << 8 | (ascq))

enum sense {
	NO_SENSE = 0,
	TRAY_CLOSED = SENSE(2, 0x3a, 0x01),		/* MEDIUM NOT PRESENT - TRAY CLOSED */
	TRAY_OPEN = SENSE(2, 0x3a, 0x02),
	UNRECOVERED_READ_ERROR = SENSE(3, 0x11, 0x00),
	INVALID_OPCODE = SENSE(5, 0x20, 0x00),
	LBA_OUT_OF_RANGE = SENSE(5, 0x21, 0x00),
	INVALID_FIELD = SENSE(5, 0x24, 0x00),		/* in CDB */
	NO_LOGICAL_UNIT = SENSE(5, 0x25, 0x00),
	SAVING_NOT_SUPPORTED = SENSE(5, 0x39, 0x00),
	REMOVAL_PREVENTED = SENSE(5, 0x53, 0x02),
	MEDIUM_CHANGED = SENSE(6, 0x28, 0x00),
	POWER_ON = SENSE(6, 0x29, 0x00),
};

#define SENSE_FIXED	0x70	/* current error, fixed format */

#define TYPE_CD		0x05
#define TYPE_NONE	0x7f	/* no logical unit can be there */
#define REMOVABLE	0x80
#define SPC_3		0x05
#define FORMAT_SPC	0x02

#define SERIAL		"vitrine-cd0"
#define VENDOR		"VITRINE "
#define PRODUCT		"CD-ROM          "
#define REVISION	"1.0 "

#define TRACK_DATA	0x14	/* ADR 1, a data track that may not be copied */
#define LEAD_OUT	0xaa
#define READ_MOST	0xffff	/* blocks: what READ (10) can ask for is soon done */
#define MSF_START	150	/* blocks before the first that has an address */
#define CD_BLOCKS	(80 * 60 * 75)
#define SPEED		4234	/* KB/s: 24 times what music takes */
#define BUFFER_KB	512

#define PROFILE_CD	0x0008
#define PROFILE_DVD	0x0010

#define PAGE_CAPABILITIES	0x2a
#define PAGE_ALL		0x3f

static uint32_t get16(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

static uint32_t get32(const uint8_t *p)
{
	return get16(p) << 16 | get16(p + 2);
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = v >> 8;
	p[1] = v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

static void fill_sense(uint8_t *to, enum sense s)
{
	memset(to, 0, SCSI_CD_SENSE);
	to[0] = SENSE_FIXED;
	to[2] = s >> 16;
	to[7] = SCSI_CD_SENSE - 8;
	to[12] = s >> 8;
	to[13] = s;
}

/* The command ends with an error; what it would have transferred is not. */
static void fail(struct scsi_cd_answer *a, enum sense s)
{
	a->status = SCSI_CHECK_CONDITION;
	a->n = a->count = 0;
	fill_sense(a->sense, s);
}

/* Room for the next bytes of the answer, all zero. */
static uint8_t *add(struct scsi_cd_answer *a, uint32_t n)
{
	uint8_t *at = a->data + a->n;

	a->n += n;
	return at;
}

static void add_bytes(struct scsi_cd_answer *a, const void *bytes, uint32_t n)
{
	memcpy(add(a, n), bytes, n);
}

/* No more than the initiator has allocated. */
static void clip(struct scsi_cd_answer *a, uint32_t allocated)
{
	if (a->n > allocated)
		a->n = allocated;
}

static enum sense not_ready(const struct scsi_cd *cd)
{
	return cd->open ? TRAY_OPEN : TRAY_CLOSED;
}

/* The most urgent of the unit attention conditions, which counts as told. */
static enum sense take_attention(struct scsi_cd *cd)
{
	if (cd->attention & SCSI_CD_POWER_ON) {
		cd->attention &= ~SCSI_CD_POWER_ON;
		return POWER_ON;
	}
	cd->attention = 0;
	return MEDIUM_CHANGED;
}

static void test_unit_ready(struct scsi_cd *cd, const uint8_t *cdb, struct scsi_cd_answer *a)
{
	(void)cd;
	(void)cdb;
	(void)a;	/* that there is a medium has been seen */
}

static void synchronize_cache(struct scsi_cd *cd, const uint8_t *cdb, struct scsi_cd_answer *a)
{
	(void)cd;
	(void)cdb;
	(void)a;	/* nothing is written */
}

/* Only what is not told with the command that failed: SPC-4 "Pollable sense data". */
static void request_sense(struct scsi_cd *cd, const uint8_t *cdb, struct scsi_cd_answer *a)
{
	enum sense s = NO_SENSE;

	if (cdb[1] & 1) {	/* in the descriptor format */
		fail(a, INVALID_FIELD);
		return;
	}
	if (cd->attention)
		s = take_attention(cd);
	else if (!cd->blocks)
		s = not_ready(cd);
	fill_sense(add(a, SCSI_CD_SENSE), s);
	clip(a, cdb[4]);
}

static void add_standard_inquiry(struct scsi_cd_answer *a, uint8_t type)
{
	uint8_t *head = add(a, 8);

	head[0] = type;
	head[1] = REMOVABLE;
	head[2] = SPC_3;
	head[3] = FORMAT_SPC;
	add_bytes(a, VENDOR, 8);
	add_bytes(a, PRODUCT, 16);
	add_bytes(a, REVISION, 4);
	head[4] = a->n - 5;
}

static uint8_t *add_vpd(struct scsi_cd_answer *a, uint8_t page)
{
	uint8_t *head = add(a, 4);

	head[0] = TYPE_CD;
	head[1] = page;
	return head;
}

static bool add_vpd_page(struct scsi_cd_answer *a, uint8_t page)
{
	static const uint8_t pages[] = { 0x00, 0x80, 0x83 };
	/* In ASCII, of the logical unit, by the vendor: what follows is as long as the last byte says. */
	static const uint8_t designator[] = { 0x02, 0x01, 0x00, 8 + sizeof(SERIAL) - 1 };
	uint8_t *head = add_vpd(a, page);

	switch (page) {
	case 0x00:
		add_bytes(a, pages, sizeof(pages));
		break;
	case 0x80:
		add_bytes(a, SERIAL, sizeof(SERIAL) - 1);
		break;
	case 0x83:
		add_bytes(a, designator, sizeof(designator));
		add_bytes(a, VENDOR, 8);
		add_bytes(a, SERIAL, sizeof(SERIAL) - 1);
		break;
	default:
		return false;
	}
	put16(head + 2, a->n - 4);
	return true;
}

static void inquiry(struct scsi_cd *cd, const uint8_t *cdb, struct scsi_cd_answer *a)
{
	bool vital = cdb[1] & 1;

	(void)cd;
	if (cdb[1] & ~1 || (!vital && cdb[2]) || (vital && !add_vpd_page(a, cdb[2]))) {
		fail(a, INVALID_FIELD);
		return;
	}
	if (!vital)
		add_standard_inquiry(a, TYPE_CD);
	clip(a, get16(cdb + 3));
}

/* One logical unit, number 0, and no well-known ones. */
static void report_luns(struct scsi_cd *cd, const uint8_t *cdb, struct scsi_cd_answer *a)
{
	uint8_t *head;

	(void)cd;
	if (cdb[2] > 2) {
		fail(a, INVALID_FIELD);
		return;
	}
	head = add(a, 8);
	if (cdb[2] != 1)
		add(a, 8);
	put32(head, a->n - 8);
	clip(a, get32(cdb + 6));
}

static void read_capacity(struct scsi_cd *cd, const uint8_t *cdb, struct scsi_cd_answer *a)
{
	uint8_t *p = add(a, 8);

	(void)cdb;
	put32(p, cd->blocks - 1);
	put32(p + 4, SCSI_CD_BLOCK);
}

static void read_blocks(const struct scsi_cd *cd, uint32_t lba, uint32_t count, struct scsi_cd_answer *a)
{
	if (lba >= cd->blocks || count > cd->blocks - lba) {
		fail(a, LBA_OUT_OF_RANGE);
		return;
	}
	if (count > READ_MOST) {
		fail(a, INVALID_FIELD);
		return;
	}
	a->lba = lba;
	a->count = count;
}

static void read_10(struct scsi_cd *cd, const uint8_t *cdb, struct scsi_cd_answer *a)
{
	read_blocks(cd, get32(cdb + 2), get16(cdb + 7), a);
}

static void read_12(struct scsi_cd *cd, const uint8_t *cdb, struct scsi_cd_answer *a)
{
	read_blocks(cd, get32(cdb + 2), get32(cdb + 6), a);
}

/* As a block number or as minute, second and frame, of which a DVD has more than there is room for. */
static void put_address(uint8_t *p, uint32_t lba, bool msf)
{
	uint64_t frames = (uint64_t)lba + MSF_START;

	if (!msf) {
		put32(p, lba);
		return;
	}
	if (frames >= 256 * 60 * 75)
		frames = 256 * 60 * 75 - 1;
	p[1] = frames / (60 * 75);
	p[2] = frames / 75 % 60;
	p[3] = frames % 75;
}

static void add_track(struct scsi_cd_answer *a, uint8_t number, uint32_t lba, bool msf)
{
	uint8_t *p = add(a, 8);

	p[1] = TRACK_DATA;
	p[2] = number;
	put_address(p + 4, lba, msf);
}

/* MMC-6 "READ TOC/PMA/ATIP Command". Format 1 is the same with the session in place of the track. */
static void read_toc(struct scsi_cd *cd, const uint8_t *cdb, struct scsi_cd_answer *a)
{
	/* MMC-1 had the format at the end, and Linux still asks there. */
	unsigned int format = cdb[2] & 15 ? cdb[2] & 15 : cdb[9] >> 6;
	bool msf = cdb[1] & 2;
	uint8_t *head = add(a, 4);

	if (format > 1 || (!format && cdb[6] > 1 && cdb[6] != LEAD_OUT)) {
		fail(a, INVALID_FIELD);
		return;
	}
	head[2] = head[3] = 1;
	if (format || cdb[6] <= 1)
		add_track(a, 1, 0, msf);
	if (!format)
		add_track(a, LEAD_OUT, cd->blocks, msf);
	put16(head, a->n - 2);
	clip(a, get16(cdb + 7));
}

static uint32_t profile_of(const struct scsi_cd *cd)
{
	return !cd->blocks ? 0 : cd->blocks <= CD_BLOCKS ? PROFILE_CD : PROFILE_DVD;
}

/**
 * struct feature - what the drive can do
 * @code: its number
 * @version: and whether it is persistent, as in the third byte
 * @profile: it is current with media of this profile; 0: always, 0xffff: with any medium
 * @n: bytes of @data
 * @data: what follows the feature's header
 */
struct feature {
	uint16_t code;
	uint8_t version;
	uint16_t profile;
	uint8_t n, data[8];
};

#define PERSISTENT	0x02
#define CURRENT		0x01
#define ANY_MEDIUM	0xffff

/* In ascending order. */
static const struct feature features[] = {
	/* Profile list: which of the two is current is filled in. */
	{ 0x0000, PERSISTENT, 0, 8, { 0, PROFILE_DVD, 0, 0, 0, PROFILE_CD, 0, 0 } },
	/* Core: the SCSI family. */
	{ 0x0001, PERSISTENT | 2 << 2, 0, 8, { 0, 0, 0, 1 } },
	/* Morphing: operational changes are polled for. */
	{ 0x0002, PERSISTENT | 1 << 2, 0, 4, { 0x02 } },
	/* Removable medium: a tray that can be locked and ejected. */
	{ 0x0003, PERSISTENT, 0, 4, { 0x29 } },
	/* Random readable: blocks of 2048 bytes, one at a time. */
	{ 0x0010, 0, ANY_MEDIUM, 8, { 0, 0, SCSI_CD_BLOCK >> 8, 0, 0, 1 } },
	/* CD read, DVD read. */
	{ 0x001e, 0, PROFILE_CD, 4, { 0 } },
	{ 0x001f, 0, PROFILE_DVD, 4, { 0 } },
};

static bool is_current(const struct feature *f, uint32_t profile)
{
	return !f->profile || (f->profile == ANY_MEDIUM ? profile : profile == f->profile);
}

static void add_feature(struct scsi_cd_answer *a, const struct feature *f, uint32_t profile)
{
	uint8_t *head = add(a, 4);

	put16(head, f->code);
	head[2] = f->version | (is_current(f, profile) ? CURRENT : 0);
	head[3] = f->n;
	add_bytes(a, f->data, f->n);
	if (f->code)
		return;
	head[6] = profile == PROFILE_DVD;
	head[10] = profile == PROFILE_CD;
}

/* MMC-6 "GET CONFIGURATION Command": all from a number on, those of them that are current, or that one. */
static void get_configuration(struct scsi_cd *cd, const uint8_t *cdb, struct scsi_cd_answer *a)
{
	uint32_t profile = profile_of(cd), from = get16(cdb + 2);
	unsigned int wanted = cdb[1] & 3;
	uint8_t *head = add(a, 8);
	size_t i;

	if (wanted == 3) {
		fail(a, INVALID_FIELD);
		return;
	}
	put16(head + 6, profile);
	for (i = 0; i < ARRAY_SIZE(features); i++) {
		const struct feature *f = &features[i];

		if (f->code < from || (wanted == 1 && !is_current(f, profile)) || (wanted == 2 && f->code != from))
			continue;
		add_feature(a, f, profile);
	}
	put32(head, a->n - 4);
	clip(a, get16(cdb + 7));
}

#define EVENT_NONE	0x80	/* no event of a class that was asked for can be told */
#define EVENT_MEDIA	4

/* MMC-6 "GET EVENT STATUS NOTIFICATION Command". An event that did not fit is told again. */
static void get_event_status(struct scsi_cd *cd, const uint8_t *cdb, struct scsi_cd_answer *a)
{
	uint32_t allocated = get16(cdb + 7);
	uint8_t *head, *event;

	if (!(cdb[1] & 1)) {	/* not polled */
		fail(a, INVALID_FIELD);
		return;
	}
	head = add(a, 4);
	head[2] = EVENT_NONE;
	head[3] = 1 << EVENT_MEDIA;
	if (cdb[4] & 1 << EVENT_MEDIA) {
		head[2] = EVENT_MEDIA;
		event = add(a, 4);
		event[0] = cd->event;
		event[1] = (cd->blocks ? 2 : 0) | cd->open;
		if (allocated > 4)
			cd->event = SCSI_CD_NO_CHANGE;
	}
	put16(head, a->n - 2);
	clip(a, allocated);
}

static void add_capabilities(struct scsi_cd_answer *a, const struct scsi_cd *cd)
{
	uint8_t *p = add(a, 22);

	p[0] = PAGE_CAPABILITIES;
	p[1] = 20;
	p[2] = 0x0b;			/* reads CD-R, CD-RW, DVD-ROM */
	p[4] = 0x70;			/* reads mode 2 in both forms and several sessions */
	p[6] = 0x29 | cd->locked << 1;	/* a tray that can be locked and ejected */
	put16(p + 8, SPEED);
	put16(p + 12, BUFFER_KB);
	put16(p + 14, SPEED);
}

/* One page, in any of the values but saved ones; nothing of it can be changed. */
static bool add_mode_page(struct scsi_cd_answer *a, const struct scsi_cd *cd, const uint8_t *cdb)
{
	unsigned int page = cdb[2] & 0x3f, control = cdb[2] >> 6;
	uint32_t at = a->n;

	if (control == 3) {
		fail(a, SAVING_NOT_SUPPORTED);
		return false;
	}
	if ((page != PAGE_CAPABILITIES && page != PAGE_ALL) || (cdb[3] && cdb[3] != 0xff)) {
		fail(a, INVALID_FIELD);
		return false;
	}
	add_capabilities(a, cd);
	if (control == 1)
		memset(a->data + at + 2, 0, a->n - at - 2);
	return true;
}

static void mode_sense_6(struct scsi_cd *cd, const uint8_t *cdb, struct scsi_cd_answer *a)
{
	uint8_t *head = add(a, 4);

	if (!add_mode_page(a, cd, cdb))
		return;
	head[0] = a->n - 1;
	clip(a, cdb[4]);
}

static void mode_sense_10(struct scsi_cd *cd, const uint8_t *cdb, struct scsi_cd_answer *a)
{
	uint8_t *head = add(a, 8);

	if (!add_mode_page(a, cd, cdb))
		return;
	put16(head, a->n - 2);
	clip(a, get16(cdb + 7));
}

/* MMC-6 "READ DISC INFORMATION Command": a disc that is complete. */
static void read_disc_information(struct scsi_cd *cd, const uint8_t *cdb, struct scsi_cd_answer *a)
{
	uint8_t *p;

	(void)cd;
	if (cdb[1] & 7) {
		fail(a, INVALID_FIELD);
		return;
	}
	p = add(a, 34);
	put16(p, a->n - 2);
	p[2] = 0x0e;				/* so is its last session */
	p[3] = p[4] = p[5] = p[6] = 1;		/* the only track of the only session */
	p[7] = 0x20;				/* for unrestricted use */
	put32(p + 16, 0xffffffff);		/* there is no place for another session */
	put32(p + 20, 0xffffffff);
	clip(a, get16(cdb + 7));
}

static void mechanism_status(struct scsi_cd *cd, const uint8_t *cdb, struct scsi_cd_answer *a)
{
	uint8_t *p = add(a, 8);

	p[1] = cd->open << 4;
	clip(a, get16(cdb + 8));
}

/* Without persistent prevention, which the drive does not claim to have. */
static void prevent_allow(struct scsi_cd *cd, const uint8_t *cdb, struct scsi_cd_answer *a)
{
	if (cdb[4] & 2)
		fail(a, INVALID_FIELD);
	else
		cd->locked = cdb[4] & 1;
}

/* MMC-6 "START STOP UNIT Command". What the guest took out it cannot put back: an empty tray closes. */
static void start_stop_unit(struct scsi_cd *cd, const uint8_t *cdb, struct scsi_cd_answer *a)
{
	bool power = cdb[4] >> 4, eject = cdb[4] & 2, start = cdb[4] & 1;

	if (power || !eject)
		return;
	if (start) {
		cd->open = 0;
	} else if (cd->locked) {
		fail(a, REMOVAL_PREVENTED);
	} else {
		a->ejected = cd->blocks;
		if (cd->blocks)
			scsi_cd_remove(cd);
		cd->open = 1;
	}
}

/**
 * struct command - what is answered
 * @opcode: first byte
 * @always: unit attention conditions do not keep it from being done
 * @medium: it needs one
 * @run: does it; the answer is good and empty before
 */
struct command {
	uint8_t opcode;
	bool always, medium;
	void (*run)(struct scsi_cd *cd, const uint8_t *cdb, struct scsi_cd_answer *a);
};

static const struct command commands[] = {
	{ TEST_UNIT_READY, false, true, test_unit_ready },
	{ REQUEST_SENSE, true, false, request_sense },
	{ INQUIRY, true, false, inquiry },
	{ MODE_SENSE_6, false, false, mode_sense_6 },
	{ START_STOP_UNIT, false, false, start_stop_unit },
	{ PREVENT_ALLOW, false, false, prevent_allow },
	{ READ_CAPACITY, false, true, read_capacity },
	{ READ_10, false, true, read_10 },
	{ SYNCHRONIZE_CACHE, false, true, synchronize_cache },
	{ READ_TOC, false, true, read_toc },
	{ GET_CONFIGURATION, true, false, get_configuration },
	{ GET_EVENT_STATUS, true, false, get_event_status },
	{ READ_DISC_INFORMATION, false, true, read_disc_information },
	{ MODE_SENSE_10, false, false, mode_sense_10 },
	{ REPORT_LUNS, true, false, report_luns },
	{ READ_12, false, true, read_12 },
	{ MECHANISM_STATUS, false, false, mechanism_status },
};

static const struct command *find(uint8_t opcode)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i].opcode == opcode)
			return &commands[i];
	return NULL;
}

/**
 * scsi_cd_command() - do a command
 * @cd: the drive
 * @cdb: SCSI_CD_CDB bytes, with anything in them
 * @a: filled
 *
 * A command that transfers blocks has done no more than to say which.
 */
void scsi_cd_command(struct scsi_cd *cd, const uint8_t *cdb, struct scsi_cd_answer *a)
{
	const struct command *c = find(cdb[0]);

	memset(a, 0, sizeof(*a));
	if (!c)
		fail(a, INVALID_OPCODE);
	else if (!c->always && cd->attention)
		fail(a, take_attention(cd));
	else if (c->medium && !cd->blocks)
		fail(a, not_ready(cd));
	else
		c->run(cd, cdb, a);
}

/**
 * scsi_cd_absent() - the same for a logical unit that is not there: SAM-5 "Incorrect logical unit numbers for commands"
 * @cdb: SCSI_CD_CDB bytes
 * @a: filled
 */
void scsi_cd_absent(const uint8_t *cdb, struct scsi_cd_answer *a)
{
	memset(a, 0, sizeof(*a));
	switch (cdb[0]) {
	case INQUIRY:
		add_standard_inquiry(a, TYPE_NONE);
		clip(a, get16(cdb + 3));
		break;
	case REPORT_LUNS:
		report_luns(NULL, cdb, a);
		break;
	case REQUEST_SENSE:
		fill_sense(add(a, SCSI_CD_SENSE), NO_LOGICAL_UNIT);
		clip(a, cdb[4]);
		break;
	default:
		fail(a, NO_LOGICAL_UNIT);
		break;
	}
}

/**
 * scsi_cd_unreadable() - the blocks that an answer names could not be read
 * @a: becomes an error
 */
void scsi_cd_unreadable(struct scsi_cd_answer *a)
{
	fail(a, UNRECOVERED_READ_ERROR);
}

/**
 * scsi_cd_reset() - the drive was switched on, or its bus was reset; medium and tray stay as they are
 * @cd: the drive
 */
void scsi_cd_reset(struct scsi_cd *cd)
{
	cd->locked = 0;
	cd->attention |= SCSI_CD_POWER_ON;
}

/**
 * scsi_cd_insert() - somebody put a medium in, in place of the one that was there, and closed the tray
 * @cd: the drive
 * @blocks: of the medium, 1 or more
 */
void scsi_cd_insert(struct scsi_cd *cd, uint32_t blocks)
{
	cd->blocks = blocks;
	cd->open = 0;
	cd->attention |= SCSI_CD_NEW_MEDIUM;
	cd->event = SCSI_CD_NEW_MEDIA;
}

/**
 * scsi_cd_remove() - the medium was taken out
 * @cd: the drive, with a medium; the tray is as before
 */
void scsi_cd_remove(struct scsi_cd *cd)
{
	cd->blocks = 0;
	cd->event = SCSI_CD_MEDIA_REMOVAL;
}
