/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The journal's file. It is mapped shared, so what was added to it survives the death of the process
 * at any instruction (the pages belong to the kernel), at the cost of a memory copy and no system
 * call. It need not survive the machine: guests do not either.
 *
 *   page 0    struct jfile_header: the number of valid bytes is its last word
 *   page 1..  the entries (journal.h)
 */
#ifndef HOSPES_XENSTORE_JFILE_H
#define HOSPES_XENSTORE_JFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jfile_header {
    char magic[8];
    uint32_t version;
    uint32_t clean;   /* the last process ended by itself: every event was sent */
    char boot_id[40]; /* of the running system: a journal of an earlier boot is void */
    uint64_t used;    /* bytes of entries */
};

struct jfile {
    char *path;
    int fd;
    struct jfile_header *map;
    size_t size;   /* of the file */
    uint64_t base; /* bytes of the snapshot that it began with */
    bool failed;   /* no room: it no longer says what is */
};

/* Maps an existing journal of this boot for reading: its entries in *data. False if there is none.
 * *clean: how the last process ended. Undone by jfile_close(). */
bool jfile_load(struct jfile *f, const char *path, const void **data, size_t *len, bool *clean);

/* Starts a new journal with a snapshot, which takes the old one's place in one step. 0 or an errno;
 * then the old one, if there was one, is still in place but marked failed. */
int jfile_start(struct jfile *f, const char *path, const void *snapshot, size_t len);

/* Adds entries, all or none. */
void jfile_add(struct jfile *f, const void *data, size_t len);

/* True when a new snapshot would save much, or is needed. */
bool jfile_wants_snapshot(const struct jfile *f);

void jfile_set_clean(struct jfile *f, bool clean);
void jfile_close(struct jfile *f);

#endif
