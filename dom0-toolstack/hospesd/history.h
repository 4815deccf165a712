/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The latest output of a console, as a window on an endless stream. Readers keep their own position
 * in the stream; one that is too slow loses the oldest bytes, never holds the guest up.
 */
#ifndef HL_HOSPESD_HISTORY_H
#define HL_HOSPESD_HISTORY_H

#include <stddef.h>
#include <stdint.h>

struct history {
    char *buf;
    size_t size;
    uint64_t end; /* bytes that were ever appended */
};

/* 0 or -ENOMEM. */
int history_init(struct history *h, size_t size);
void history_free(struct history *h);
void history_append(struct history *h, const char *data, size_t len);

/* The oldest position that is still there. */
uint64_t history_start(const struct history *h);

/* Moves *pos up to the window if it fell behind, and answers how many bytes lie there in one piece
 * at *data; 0 at the end. */
size_t history_peek(const struct history *h, uint64_t *pos, const char **data);

#endif
