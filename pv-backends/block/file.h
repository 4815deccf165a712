/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file or block device that holds an image. */
#ifndef PVB_FILE_H
#define PVB_FILE_H

#include <stdbool.h>
#include <stdint.h>

struct hl_error;

struct file {
    int fd;
    uint64_t size;
    bool block;          /* a block device */
    unsigned int sector; /* its logical sector */
    bool discard;        /* holes can be punched */
    bool direct;         /* goes around the page cache */
};

/*
 * Opens it, and keeps everybody else of this kind from it while it is open for writing (an open-file-description lock; -EBUSY).
 * `shared`: whoever else has it open, has so on purpose; but one who opens it for writing keeps those away who are not
 * told so. `direct`: goes around the page cache where that works. Undone by file_close().
 */
int file_open(struct file *f, const char *path, bool read_only, bool shared, bool direct,
              struct hl_error *e);
void file_close(struct file *f);

/* Its length now, which writing may have changed. */
uint64_t file_length(const struct file *f);

/* The whole length, or a negative errno (-EIO: the file ends before). */
int file_read(const struct file *f, uint64_t offset, void *to, uint64_t n);
int file_write(const struct file *f, uint64_t offset, const void *from, uint64_t n);

#endif
