/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See history.h. */
#include "dom0-toolstack/hospesd/history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int history_init(struct history *h, size_t size)
{
    *h = (struct history){.buf = malloc(size), .size = size};
    return h->buf ? 0 : -ENOMEM;
}

void history_free(struct history *h)
{
    free(h->buf);
    *h = (struct history){0};
}

void history_append(struct history *h, const char *data, size_t len)
{
    if (len > h->size) {
        h->end += len - h->size;
        data += len - h->size;
        len = h->size;
    }
    while (len) {
        size_t at = (size_t)(h->end % h->size);
        size_t n = len < h->size - at ? len : h->size - at;

        memcpy(h->buf + at, data, n);
        h->end += n;
        data += n;
        len -= n;
    }
}

uint64_t history_start(const struct history *h)
{
    return h->end > h->size ? h->end - h->size : 0;
}

size_t history_peek(const struct history *h, uint64_t *pos, const char **data)
{
    size_t at, left;

    if (*pos < history_start(h))
        *pos = history_start(h);
    left = (size_t)(h->end - *pos);
    if (!left)
        return 0;
    at = (size_t)(*pos % h->size);
    *data = h->buf + at;
    return left < h->size - at ? left : h->size - at;
}
