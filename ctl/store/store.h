/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * store.h - where VMs are kept: a folder with one folder per VM.
 *
 *	NAME/config		what the VM is (config.h)
 *	NAME/lock		held by a vmctl that changes the folder or starts the VM
 *	NAME/run		locked by the VM process for as long as it lives: that lock, not the text,
 *				says that the VM runs; the text says how far it is and how it ended
 *	NAME/disks/		images
 *	NAME/boot/		kernel, initrd and firmware of a VM that was imported
 *	NAME/snapshots/		see snapshot/record.h
 *	NAME/seed.iso		what cloud-init reads
 *	NAME/console.log	what the guest said; console.log.1 what it said before
 *	NAME/hvc.log		the same of its virtio console
 *	NAME/vmm.log		what the VM process said
 *	NAME/control, console, hvc, vsock
 *				its sockets
 *	NAME/unborn		the VM is to come from another, or from a snapshot, and has not yet: as long as it never ran
 *				it is none for any verb, and debris once its `lock` is free
 *	.lock			held while a folder comes or goes
 *	.new-*, .old-*		a VM that is being made or removed; debris once its `lock` is free
 *
 * Order of locks: .lock, then NAME/lock, then NAME/run. All of them go with their process, so nothing
 * is left to repair after a crash. A folder appears and disappears by one rename.
 *
 * Functions return 0, or -1 with the error told as all errors are, unless they say otherwise.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#include "store/config.h"

/**
 * struct store - the folder of the VMs
 * @fd: its descriptor
 * @path: its name
 */
struct store {
	int fd;
	char *path;
};

/**
 * struct vm - one VM's folder, opened
 * @store: where it is
 * @name: of the VM
 * @temporary: the folder's name while it is made or removed, else empty
 * @fd: its descriptor
 * @lock: descriptor of its lock, or -1 when it is not held
 */
struct vm {
	struct store *store;
	char name[64], temporary[112];
	int fd, lock;
};

enum vm_state {
	VM_STOPPED,
	VM_STARTING,
	VM_RUNNING,
	VM_PAUSED,
	VM_CRASHED,
	VM_STATES,
};

/**
 * struct vm_status - how a VM is
 * @state: in short
 * @pid: of its process, 0 when there is none
 * @since: when it came into that state, 0 when not known
 * @reason: how it ended, or empty
 */
struct vm_status {
	enum vm_state state;
	pid_t pid;
	time_t since;
	char reason[300];
};

/* store.c */
int store_open(struct store *s, const char *path);
void store_close(struct store *s);
int store_lock(struct store *s);
int store_names(struct store *s, char ***names, size_t *n);
void store_free_names(char **names, size_t n);

/* vm.c */
bool vm_is_there(struct store *s, const char *name);
int vm_open(struct vm *vm, struct store *s, const char *name);
int vm_open_locked(struct vm *vm, struct store *s, const char *name);
void vm_unlock(struct vm *vm);
void vm_close(struct vm *vm);
int vm_config(struct vm *vm, struct config *c);
int vm_config_write(const struct vm *vm, const struct config *c);
int vm_lock(struct vm *vm);
int vm_lock_within(struct vm *vm, unsigned int ms);
char *vm_config_text(struct vm *vm);

/* create.c */
int vm_create_begin(struct vm *vm, struct store *s, const char *name);
int vm_create_end(struct vm *vm, const struct config *c);
int vm_create_unborn(const struct vm *vm);
void vm_create_born(const struct vm *vm);
bool vm_is_unborn(int store, const char *name);
void vm_create_cancel(struct vm *vm);
int vm_remove(struct vm *vm);

/* run.c: the record of the VM process */
int run_take(int folder);
int run_adopt(int run);
void run_record(int run, enum vm_state state, const char *reason);
int run_status(int folder, struct vm_status *status);
int run_wait(int folder, unsigned int states, int timeout_ms, struct vm_status *status);
const char *vm_state_name(enum vm_state state);
bool vm_state_by_name(const char *name, enum vm_state *state);
bool vm_state_lives(enum vm_state state);

/* file.c */
char *file_read(int folder, const char *name, size_t max, size_t *n);
int file_write(int folder, const char *name, const char *text, size_t n);
int folder_sync(int folder, const char *name);
int tree_sync(int folder, const char *name);
int tree_remove(int folder, const char *name);

/* boot.c: files that a machine boots from and its VM's folder has */
#define BOOT_FILES	3
const char *boot_name(unsigned int i);
char **boot_file(struct config *c, unsigned int i);
bool boot_inside(const struct config *c, unsigned int i);
int boot_share(const struct vm *from, const struct vm *to, const struct config *c);

/* identity.c */
int identity_uuid(char uuid[37]);
int identity_mac(char mac[18]);
int identity_renew(struct config *c);

#endif /* STORE_STORE_H */
