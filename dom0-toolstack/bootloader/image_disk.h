/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A disk image (pv-backends/block) as a disk to read from, one read after the other. */
#ifndef BOOTLOADER_IMAGE_DISK_H
#define BOOTLOADER_IMAGE_DISK_H

#include "dom0-toolstack/bootloader/disk.h"

struct hl_error;

/* `format` as in image_open(). Undone by image_disk_close(). */
int image_disk_open(struct disk *d, const char *format, const char *target, struct hl_error *e);
void image_disk_close(struct disk *d);

#endif
