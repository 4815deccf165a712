/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who uses a disk already. One writer alone, or any number of readers; access "w!" says that its users
 * know of each other. Called with LOCK_DISKS.
 */
#ifndef HL_DISK_USERS_H
#define HL_DISK_USERS_H

#include <sys/stat.h>
#include <sys/types.h>

struct hl_ctx;
struct hl_device;
struct hl_device_list;
struct hl_disk;
struct hl_error;

/* -EBUSY with a record that names the user. Of a loop device the file behind it counts as well. */
int disk_users_check_device(struct hl_ctx *ctx, const struct stat *st, const struct hl_disk *disk,
                            struct hl_error *e);
int disk_users_check_file(struct hl_ctx *ctx, const struct stat *st, const struct hl_disk *disk,
                          struct hl_error *e);
/* The same of a file or device that an image is based on. For the image's program, which has it locked already: without
 * LOCK_DISKS. */
int disk_users_check_backing(struct hl_ctx *ctx, const char *path, struct hl_error *e);
/* `dev`, an item of the list, whose file or device is `st`: do those before it use that? They show nowhere else yet. */
int disk_users_check_list(const struct hl_device_list *list, const struct hl_device *dev,
                          const struct stat *st, struct hl_error *e);

/*
 * Programs that serve images lock them, and the images that these are based on: hospes-block, and QEMU's. `fd`: the disk,
 * open for what the guest may do. -EBUSY with a record.
 */
int disk_users_check_locks(int fd, const struct hl_disk *disk, struct hl_error *e);

#endif
