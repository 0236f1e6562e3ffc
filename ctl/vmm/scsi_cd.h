/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * scsi_cd.h - a CD drive as SCSI commands find it. Pure: a command against the drive's state gives data, sense or what to read.
 */
#ifndef VMM_SCSI_CD_H
#define VMM_SCSI_CD_H

#include <stdbool.h>
#include <stdint.h>

#define SCSI_CD_BLOCK	2048U
#define SCSI_CD_CDB	16	/* bytes of a command; shorter ones end in zeros */
#define SCSI_CD_SENSE	18	/* bytes of sense data, in the fixed format */
#define SCSI_CD_DATA	128	/* bytes of the longest answer that is not the medium's */

/* Status codes that the drive gives. */
enum scsi_status {
	SCSI_GOOD = 0x00,
	SCSI_CHECK_CONDITION = 0x02,
};

/* Unit attention conditions that the next command is to be told of, a bit each. */
enum scsi_cd_attention {
	SCSI_CD_POWER_ON = 0x01,
	SCSI_CD_NEW_MEDIUM = 0x02,
	SCSI_CD_ATTENTIONS = 0x03,
};

/* What GET EVENT STATUS NOTIFICATION tells next: MMC "Media Class Events". */
enum scsi_cd_event {
	SCSI_CD_NO_CHANGE = 0,
	SCSI_CD_EJECT_REQUEST = 1,
	SCSI_CD_NEW_MEDIA = 2,
	SCSI_CD_MEDIA_REMOVAL = 3,
	SCSI_CD_EVENTS,
};

/**
 * struct scsi_cd - the drive; as it is in a snapshot
 * @blocks: of the medium, 0 without one
 * @open: 1: the tray is out
 * @locked: 1: the medium shall stay
 * @attention: enum scsi_cd_attention
 * @event: enum scsi_cd_event
 */
struct scsi_cd {
	uint32_t blocks;
	uint8_t open, locked, attention, event;
};

/**
 * struct scsi_cd_answer - what comes of a command
 * @status: enum scsi_status
 * @sense: sense data, with CHECK CONDITION
 * @data: to be transferred
 * @n: bytes of it
 * @lba: first block of the medium to be transferred; the range is inside
 * @count: blocks, 0 for none; then @n is 0
 * @ejected: the medium is out
 */
struct scsi_cd_answer {
	enum scsi_status status;
	uint8_t sense[SCSI_CD_SENSE];
	uint8_t data[SCSI_CD_DATA];
	uint32_t n;
	uint32_t lba, count;
	bool ejected;
};

void scsi_cd_command(struct scsi_cd *cd, const uint8_t *cdb, struct scsi_cd_answer *a);
void scsi_cd_absent(const uint8_t *cdb, struct scsi_cd_answer *a);
void scsi_cd_unreadable(struct scsi_cd_answer *a);
void scsi_cd_reset(struct scsi_cd *cd);
void scsi_cd_insert(struct scsi_cd *cd, uint32_t blocks);
void scsi_cd_remove(struct scsi_cd *cd);

#endif /* VMM_SCSI_CD_H */
