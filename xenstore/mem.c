/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Allocation with a test hook, and a growing byte buffer. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xenstore/mem.h"

long mem_budget = -1;

static bool budget_spent(void)
{
    if (mem_budget < 0) {
        return false;
    }
    if (mem_budget == 0) {
        return true;
    }
    mem_budget--;
    return false;
}

void *mem_alloc(size_t size)
{
    return budget_spent() ? NULL : malloc(size);
}

void *mem_realloc(void *old, size_t size)
{
    return budget_spent() ? NULL : realloc(old, size);
}

char *mem_strdup(const char *s)
{
    size_t len = strlen(s) + 1;
    char *copy = mem_alloc(len);

    if (copy) {
        memcpy(copy, s, len);
    }
    return copy;
}

static bool reserve(struct buf *b, size_t more)
{
    size_t room = b->room ? b->room : 64;
    void *data;

    if (b->failed) {
        return false;
    }
    if (b->len + more <= b->room) {
        return true;
    }
    while (room < b->len + more) {
        room *= 2;
    }
    data = mem_realloc(b->data, room);
    if (!data) {
        b->failed = true;
        return false;
    }
    b->data = data;
    b->room = room;
    return true;
}

void buf_add(struct buf *b, const void *data, size_t len)
{
    if (len && reserve(b, len)) {
        memcpy(b->data + b->len, data, len);
        b->len += len;
    }
}

void buf_str(struct buf *b, const char *s)
{
    buf_add(b, s, strlen(s) + 1);
}

void buf_u8(struct buf *b, uint8_t v)
{
    buf_add(b, &v, sizeof(v));
}

void buf_u32(struct buf *b, uint32_t v)
{
    buf_add(b, &v, sizeof(v));
}

void buf_u64(struct buf *b, uint64_t v)
{
    buf_add(b, &v, sizeof(v));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    int len;

    va_start(ap, fmt);
    len = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (len < 0 || !reserve(b, (size_t)len + 1)) {
        return;
    }
    va_start(ap, fmt);
    vsnprintf((char *)b->data + b->len, (size_t)len + 1, fmt, ap);
    va_end(ap);
    b->len += (size_t)len;
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    b->failed = false;
}

void buf_free(struct buf *b)
{
    free(b->data);
    *b = (struct buf){0};
}
