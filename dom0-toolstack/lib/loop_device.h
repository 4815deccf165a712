/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loop devices: files as block devices. They are made to clear themselves when the last user closes
 * them, so whoever dies leaves none behind.
 */
#ifndef HL_LOOP_DEVICE_H
#define HL_LOOP_DEVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct hl_error;

struct loop_device {
    int fd; /* while it is open the device stays */
    uint32_t number, major, minor;
};

/* Around the file `fd` (which may be closed then), with direct I/O where the file can. */
int loop_open(int fd, const char *path, bool readonly, struct loop_device *l, struct hl_error *e);

/* What a loop device shows: the bytes of a file from `begin` to before `end`, at the most. */
struct loop_file {
    dev_t dev;
    ino_t ino;
    uint64_t begin, end;
    bool readonly;
};

/* False where it has no file or cannot be asked. */
bool loop_file(uint32_t number, struct loop_file *f);

#define LOOP_MAJOR_NUMBER 7

#endif
