/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Domains that are being made. As long as a tool makes one, it holds a lock (flock) on the file
 * HOSPES_RUN_DIR/creating/UUID, which ends with the process in any case. A file that nobody has
 * locked tells of a tool that died half-way: hospesd removes that domain, now or when it starts.
 */
#ifndef HL_CREATION_H
#define HL_CREATION_H

#include <stddef.h>
#include <stdint.h>

struct hl_error;

struct creation {
    int fd; /* -1: none */
    uint8_t uuid[16];
};

#define CREATION_NONE \
    {                 \
        .fd = -1      \
    }
#define CREATION_NO_DOMID UINT32_MAX

/* -EBUSY when somebody makes, or removes, a domain of this uuid just now. */
int creation_begin(struct creation *c, const uint8_t uuid[16], struct hl_error *e);
/* Its number, as soon as it has one. */
int creation_domid(struct creation *c, uint32_t domid, struct hl_error *e);

/* The domain is complete, or nothing of it is left. Nothing happens for CREATION_NONE. */
void creation_end(struct creation *c);
/* Something of it is left: hospesd shall remove it. */
void creation_leave(struct creation *c);

/*
 * For hospesd: takes over from a creator that died; ended as any other. *domid may be
 * CREATION_NO_DOMID. -EBUSY: it lives. -ENOENT: it has finished.
 */
int creation_take_over(struct creation *c, const uint8_t uuid[16], uint32_t *domid);

/* The folder of these files; makes it. A file in it that was closed by its writer is worth a look. */
int creations_dir(char *path, size_t size);

#endif
