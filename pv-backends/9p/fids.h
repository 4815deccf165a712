/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a guest holds of the shared folder: numbers of its choice for files, each a descriptor of ours. */
#ifndef PVB_9P_FIDS_H
#define PVB_9P_FIDS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* More are refused: each is a descriptor, or two. */
#define P9_MAX_FIDS 8192u
#define P9_BUCKETS  1024u

struct p9_fid {
    struct p9_fid *next;
    uint32_t number;
    uid_t uid;   /* who attached */
    int path;    /* O_PATH: the file itself, wherever it moves; may be a symbolic link */
    int open;    /* after lopen and lcreate: to read and write it; else -1 */
    mode_t type; /* S_IFMT bits: a file's never change */
};

struct p9_fids {
    struct p9_fid *bucket[P9_BUCKETS];
    unsigned int count;
};

/* NULL: there is none of this number. */
struct p9_fid *p9_fid_find(struct p9_fids *fids, uint32_t number);

/* A new one; takes the descriptor, whatever the outcome. -EBADF: the number is taken; -ENFILE: too many; -ENOMEM; and what
 * fstat() says. */
int p9_fid_add(struct p9_fids *fids, uint32_t number, int path, uid_t uid, struct p9_fid **out);

void p9_fid_remove(struct p9_fids *fids, struct p9_fid *fid);
void p9_fids_clear(struct p9_fids *fids);

#endif
