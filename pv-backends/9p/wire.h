/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages of 9P2000.L: size[4] type[1] tag[2], then what the type has; numbers little-endian, texts with their length [2]
 * in front. Reading past the end or writing past the room is remembered, gives zeroes, and does no harm.
 */
#ifndef PVB_9P_WIRE_H
#define PVB_9P_WIRE_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define P9_HEADER   7u
#define P9_NAME_MAX 255u

struct p9_in {
    const uint8_t *p, *end;
    bool bad;
};

struct p9_out {
    uint8_t *base, *p, *end;
    bool full;
};

struct p9_qid {
    uint8_t type; /* P9_QID_* */
    uint32_t version;
    uint64_t path;
};
#define P9_QID_DIR     0x80
#define P9_QID_SYMLINK 0x02
#define P9_QID_FILE    0x00

static inline const void *p9_get(struct p9_in *in, size_t n)
{
    const void *p = in->p;

    if (in->bad || n > (size_t)(in->end - in->p)) {
        in->bad = true;
        return NULL;
    }
    in->p += n;
    return p;
}

static inline uint64_t p9_get_number(struct p9_in *in, size_t n)
{
    uint64_t v = 0;
    const void *p = p9_get(in, n);

    if (p != NULL)
        memcpy(&v, p, n);
    return le64toh(v);
}

static inline uint8_t p9_get8(struct p9_in *in)
{
    return (uint8_t)p9_get_number(in, 1);
}

static inline uint16_t p9_get16(struct p9_in *in)
{
    return (uint16_t)p9_get_number(in, 2);
}

static inline uint32_t p9_get32(struct p9_in *in)
{
    return (uint32_t)p9_get_number(in, 4);
}

static inline uint64_t p9_get64(struct p9_in *in)
{
    return p9_get_number(in, 8);
}

/* A text of 1 to size - 1 bytes without NUL; anything else makes the message bad. */
static inline void p9_get_text(struct p9_in *in, char *out, size_t size)
{
    size_t n = p9_get16(in);
    const char *p = p9_get(in, n);

    out[0] = '\0';
    if (p == NULL || n == 0 || n >= size || memchr(p, '\0', n) != NULL) {
        in->bad = true;
        return;
    }
    memcpy(out, p, n);
    out[n] = '\0';
}

static inline void *p9_put(struct p9_out *out, size_t n)
{
    void *p = out->p;

    if (out->full || n > (size_t)(out->end - out->p)) {
        out->full = true;
        return NULL;
    }
    out->p += n;
    return p;
}

static inline void p9_put_number(struct p9_out *out, uint64_t v, size_t n)
{
    void *p = p9_put(out, n);

    v = htole64(v);
    if (p != NULL)
        memcpy(p, &v, n);
}

static inline void p9_put_text(struct p9_out *out, const char *text, size_t n)
{
    p9_put_number(out, n, 2);
    void *p = p9_put(out, n);

    if (p != NULL)
        memcpy(p, text, n);
}

static inline void p9_put_qid(struct p9_out *out, const struct p9_qid *q)
{
    p9_put_number(out, q->type, 1);
    p9_put_number(out, q->version, 4);
    p9_put_number(out, q->path, 8);
}

#endif
