/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two sides of a boot, in two processes with a socket between them: one reads what the guest wrote (find.h) and has
 * nothing but the socket; the other reads the image for it, and takes what it found. The second trusts nothing that the
 * first says.
 *
 *   finder -> server   struct wire_head, then `length` bytes for all but WIRE_READ
 *   server -> finder   to WIRE_READ only: int32_t (0 or a negative errno), then `length` bytes if it is 0
 */
#ifndef BOOTLOADER_WIRE_H
#define BOOTLOADER_WIRE_H

#include <stdint.h>

#include "dom0-toolstack/bootloader/find.h"

struct hl_error;

enum wire_op {
    WIRE_READ,                         /* of the disk, at `offset` */
    WIRE_PUT,                          /* + enum boot_part */
    WIRE_DONE = WIRE_PUT + BOOT_PARTS, /* `offset` is the errno, what follows the sentence */
};
#define WIRE_MAX ((uint32_t)1 << 20) /* of one message */

struct wire_head {
    uint32_t op, length;
    uint64_t offset;
};

/* The finder's side: a disk of `size` bytes behind the socket; runs boot_find() and says how it ended. */
void wire_find(int fd, uint64_t size, const struct boot_request *r);

/* What the server's side collects. */
struct wire_result {
    int kernel_fd, ramdisk_fd; /* where they are written, -1: thrown away */
    uint64_t kernel_size, ramdisk_size;
    char args[BOOT_MAX_ARGS + 1];
    uint32_t args_length;
    char *list; /* malloc'd: the caller's; lines without control characters */
    uint32_t list_length;
};

/*
 * The server's side, until the finder is done or breaks off. `disk` is the image. 0; or a negative errno with the finder's
 * reason, or what is wrong with it, in the record. Gives up after `seconds`.
 */
int wire_serve(int fd, struct disk *disk, struct wire_result *out, unsigned int seconds,
               struct hl_error *e);

#endif
