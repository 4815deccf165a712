/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A server of 9P2000.L for one folder: a message in, its answer out. It knows nothing of where messages come from.
 *
 * Nobody leaves the folder: every file is reached from a descriptor of ours by one name at a time (openat2() with
 * RESOLVE_BENEATH), symbolic links are the guest's to follow and never ours, what is mounted below is not entered.
 * Permissions within it are the guest's kernel's affair, as is usual with security_model=none: files belong to the numbers
 * that the guest says. It makes no devices, and nothing set-uid.
 */
#ifndef PVB_9P_SERVER_H
#define PVB_9P_SERVER_H

#include "pv-backends/9p/fids.h"
#include "pv-backends/9p/wire.h"

/* The longest message that we agree to. */
#define P9_MAX_MESSAGE (128u << 10)
#define P9_MIN_MESSAGE 512u

struct p9_server {
    int root;        /* the folder, O_PATH */
    uint64_t device; /* its st_dev and st_ino */
    uint64_t inode;
    uint32_t most;         /* the longest message that the transport takes */
    uint32_t message_size; /* as agreed */
    struct p9_fids fids;
};

struct hl_error;

/* Opens the folder. `most`: the longest message, P9_MIN_MESSAGE to P9_MAX_MESSAGE. Undone by p9_server_close(). */
int p9_server_open(struct p9_server *s, const char *folder, uint32_t most, struct hl_error *e);
void p9_server_close(struct p9_server *s);

/* Answers a whole message of `size` bytes (what stands in its size field, at least P9_HEADER). `answer` has P9_MAX_MESSAGE
 * bytes; the length of what stands there is returned, never more than was agreed. */
uint32_t p9_server_answer(struct p9_server *s, const uint8_t *message, uint32_t size,
                          uint8_t *answer);

#endif
