/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * seed.h - the disk that tells a cloud image's guest who it is.
 */
#ifndef VMCTL_SEED_H
#define VMCTL_SEED_H

#define SEED_FILE	"seed.iso"

/**
 * struct seed - what a guest is told at its first start
 * @instance: a new one makes cloud-init run once more
 * @hostname: the guest's name
 * @key_file: public SSH keys, one a line, or NULL
 * @user_data: file with cloud-init's user-data, or NULL
 */
struct seed {
	const char *instance, *hostname, *key_file, *user_data;
};

int seed_write(int folder, const struct seed *s);

#endif /* VMCTL_SEED_H */
