/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compressed kernels: finding the payload of a bzImage (Linux, Documentation/x86/boot.rst) and
 * unpacking it with the library of its format. See kernel_image.h. Linux appends the unpacked size
 * as four bytes to every payload but gzip's, so each decoder stops at the end of its own stream.
 */
#include "dom0-toolstack/lib/kernel_image.h"

#include <bzlib.h>
#include <errno.h>
#include <lz4.h>
#include <lz4frame.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "dom0-toolstack/lib/error.h"

/* No packer of kernels wants a dictionary of more than 64 MiB; a file could ask for 4 GiB. */
#define DECODER_MEMORY ((uint64_t)256 << 20)

static const char step[] = "unpack the kernel";

const char *kernel_compression_name(enum kernel_compression c)
{
    static const char *const names[] = {"none", "gzip", "xz",  "lzma",   "bzip2",
                                        "lz4",  "zstd", "lzo", "unknown"};

    return (unsigned int)c < sizeof(names) / sizeof(names[0]) ? names[c] : "unknown";
}

static enum kernel_compression recognise(const uint8_t *p, size_t n)
{
    static const struct {
        enum kernel_compression c;
        unsigned int len;
        uint8_t magic[9];
    } table[] = {
        {KERNEL_PLAIN, 4, {0x7f, 'E', 'L', 'F'}},
        {KERNEL_GZIP, 2, {0x1f, 0x8b}},
        {KERNEL_XZ, 6, {0xfd, '7', 'z', 'X', 'Z', 0}},
        {KERNEL_LZMA, 3, {0x5d, 0, 0}},
        {KERNEL_BZIP2, 3, {'B', 'Z', 'h'}},
        {KERNEL_LZ4, 4, {0x02, 0x21, 0x4c, 0x18}}, /* legacy framing, Linux's */
        {KERNEL_LZ4, 4, {0x04, 0x22, 0x4d, 0x18}},
        {KERNEL_ZSTD, 4, {0x28, 0xb5, 0x2f, 0xfd}},
        {KERNEL_LZO, 9, {0x89, 'L', 'Z', 'O', 0, 0x0d, 0x0a, 0x1a, 0x0a}},
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (n >= table[i].len && memcmp(p, table[i].magic, table[i].len) == 0)
            return table[i].c;
    return KERNEL_UNKNOWN;
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* The setup header of a bzImage: offsets are fixed by the boot protocol. */
#define SETUP_SECTS    0x1f1
#define BOOT_FLAG      0x1fe
#define HEADER_MAGIC   0x202
#define HEADER_VERSION 0x206
#define PAYLOAD_OFFSET 0x248
#define PAYLOAD_LENGTH 0x24c
#define HEADER_END     0x250

static bool is_bzimage(const uint8_t *p, size_t n)
{
    return n >= HEADER_END && p[BOOT_FLAG] == 0x55 && p[BOOT_FLAG + 1] == 0xaa &&
           memcmp(p + HEADER_MAGIC, "HdrS", 4) == 0;
}

static int find_in_bzimage(const uint8_t *p, size_t n, struct kernel_payload *out,
                           struct hl_error *e)
{
    unsigned int version = p[HEADER_VERSION] | (unsigned int)p[HEADER_VERSION + 1] << 8;
    uint64_t sectors = p[SETUP_SECTS] == 0 ? 4 : p[SETUP_SECTS];
    uint64_t offset, length;

    if (version < 0x208)
        return hl_fail(e, ENOEXEC, step, NULL, "it is a bzImage older than boot protocol 2.08");
    offset = (sectors + 1) * 512 + get32(p + PAYLOAD_OFFSET);
    length = get32(p + PAYLOAD_LENGTH);
    if (length < 8 || offset > n || length > n - offset)
        return hl_fail(e, ENOEXEC, step, NULL, "the bzImage is cut short");
    out->data = p + offset;
    out->size = length;
    out->bzimage = true;
    return 0;
}

int kernel_find_payload(const void *buf, size_t len, struct kernel_payload *out, struct hl_error *e)
{
    int rc;

    *out = (struct kernel_payload){.data = buf, .size = len};
    if (len == 0)
        return hl_fail(e, ENOEXEC, step, NULL, "the file is empty");
    if (is_bzimage(buf, len)) {
        rc = find_in_bzimage(buf, len, out, e);
        if (rc != 0)
            return rc;
    }
    out->compression = recognise(out->data, out->size);
    if (out->compression == KERNEL_UNKNOWN) {
        hl_fail(e, ENOEXEC, step, NULL, "it is neither a bzImage nor an ELF kernel");
        hl_error_advise(e, "give a Linux vmlinuz or an ELF file as kernel=");
        return -ENOEXEC;
    }
    if (out->size >= 4 && (out->compression == KERNEL_GZIP || out->bzimage))
        out->size_hint = get32(out->data + out->size - 4);
    return 0;
}

/* ---- output that grows ---- */

struct sink {
    uint8_t *p;
    size_t len, cap;
};

#define SINK_STEP ((size_t)1 << 20)

/* Makes room for at least one more byte. */
static int sink_grow(struct sink *s)
{
    size_t cap = s->cap + (s->cap / 2 > SINK_STEP ? s->cap / 2 : SINK_STEP);
    uint8_t *p;

    if (s->len < s->cap)
        return 0;
    if (s->cap >= KERNEL_MAX_SIZE)
        return -EFBIG;
    if (cap > KERNEL_MAX_SIZE)
        cap = KERNEL_MAX_SIZE;
    p = realloc(s->p, cap);
    if (p == NULL)
        return -ENOMEM;
    s->p = p;
    s->cap = cap;
    return 0;
}

/* ---- one function a format: 0, -EBADMSG for corrupt data, or another negative errno ---- */

static int unpack_gzip(const struct kernel_payload *in, struct sink *s)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)in->data, .avail_in = (uInt)in->size};
    int rc, zrc = Z_OK;

    if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK)
        return -ENOMEM;
    for (rc = sink_grow(s); rc == 0 && zrc == Z_OK; rc = sink_grow(s)) {
        z.next_out = s->p + s->len;
        z.avail_out = (uInt)(s->cap - s->len);
        zrc = inflate(&z, Z_NO_FLUSH);
        s->len = s->cap - z.avail_out;
        if (zrc == Z_STREAM_END)
            break;
    }
    inflateEnd(&z);
    if (rc == 0 && zrc != Z_STREAM_END)
        rc = zrc == Z_MEM_ERROR ? -ENOMEM : -EBADMSG;
    return rc;
}

static int unpack_lzma(const struct kernel_payload *in, struct sink *s)
{
    lzma_stream z = LZMA_STREAM_INIT;
    lzma_ret zrc;
    int rc;

    if (in->compression == KERNEL_XZ)
        zrc = lzma_stream_decoder(&z, DECODER_MEMORY, 0);
    else
        zrc = lzma_alone_decoder(&z, DECODER_MEMORY);
    if (zrc != LZMA_OK)
        return -ENOMEM;
    z.next_in = in->data;
    z.avail_in = in->size;
    for (rc = sink_grow(s); rc == 0 && zrc == LZMA_OK; rc = sink_grow(s)) {
        z.next_out = s->p + s->len;
        z.avail_out = s->cap - s->len;
        zrc = lzma_code(&z, LZMA_RUN);
        s->len = s->cap - z.avail_out;
        if (zrc == LZMA_STREAM_END)
            break;
    }
    lzma_end(&z);
    if (rc == 0 && zrc != LZMA_STREAM_END)
        rc = zrc == LZMA_MEM_ERROR || zrc == LZMA_MEMLIMIT_ERROR ? -ENOMEM : -EBADMSG;
    return rc;
}

static int unpack_bzip2(const struct kernel_payload *in, struct sink *s)
{
    bz_stream z = {.next_in = (char *)(uintptr_t)in->data, .avail_in = (unsigned int)in->size};
    int rc, zrc = BZ_OK;

    if (BZ2_bzDecompressInit(&z, 0, 0) != BZ_OK)
        return -ENOMEM;
    for (rc = sink_grow(s); rc == 0 && zrc == BZ_OK; rc = sink_grow(s)) {
        size_t before = s->len;
        unsigned int in_before = z.avail_in;

        z.next_out = (char *)s->p + s->len;
        z.avail_out = (unsigned int)(s->cap - s->len);
        zrc = BZ2_bzDecompress(&z);
        s->len = s->cap - z.avail_out;
        if (zrc == BZ_STREAM_END)
            break;
        if (s->len == before && z.avail_in == in_before)
            break; /* input has ended before the stream */
    }
    BZ2_bzDecompressEnd(&z);
    if (rc == 0 && zrc != BZ_STREAM_END)
        rc = zrc == BZ_MEM_ERROR ? -ENOMEM : -EBADMSG;
    return rc;
}

static int unpack_zstd(const struct kernel_payload *in, struct sink *s)
{
    ZSTD_inBuffer from = {in->data, in->size, 0};
    ZSTD_DCtx *z = ZSTD_createDCtx();
    size_t left = 1;
    int rc;

    if (z == NULL)
        return -ENOMEM;
    for (rc = sink_grow(s); rc == 0; rc = sink_grow(s)) {
        ZSTD_outBuffer to = {s->p, s->cap, s->len};
        size_t in_before = from.pos;

        left = ZSTD_decompressStream(z, &to, &from);
        if (ZSTD_isError(left))
            break;
        if (left == 0 || (to.pos == s->len && from.pos == in_before)) {
            s->len = to.pos;
            break;
        }
        s->len = to.pos;
    }
    ZSTD_freeDCtx(z);
    if (rc == 0 && left != 0)
        rc = -EBADMSG;
    return rc;
}

#define LZ4_LEGACY_BLOCK ((size_t)8 << 20)

/* Blocks of at most 8 MiB, each with its packed size before it. */
static int unpack_lz4_legacy(const struct kernel_payload *in, struct sink *s)
{
    const uint8_t *p = in->data + 4, *end = in->data + in->size;

    /* Four bytes at the end are the unpacked size, and no block is that short. */
    while (end - p > 4) {
        uint32_t size = get32(p);
        uint8_t *grown;
        int n;

        if (size == 0x184c2102) { /* another frame follows */
            p += 4;
            continue;
        }
        p += 4;
        if (size > (size_t)(end - p))
            return -EBADMSG;
        if (s->len + LZ4_LEGACY_BLOCK > KERNEL_MAX_SIZE)
            return -EFBIG;
        if (s->cap - s->len < LZ4_LEGACY_BLOCK) {
            grown = realloc(s->p, s->len + LZ4_LEGACY_BLOCK);
            if (grown == NULL)
                return -ENOMEM;
            s->p = grown;
            s->cap = s->len + LZ4_LEGACY_BLOCK;
        }
        n = LZ4_decompress_safe((const char *)p, (char *)s->p + s->len, (int)size,
                                (int)LZ4_LEGACY_BLOCK);
        if (n < 0)
            return -EBADMSG;
        s->len += (size_t)n;
        p += size;
    }
    return s->len == 0 ? -EBADMSG : 0;
}

static int unpack_lz4(const struct kernel_payload *in, struct sink *s)
{
    LZ4F_dctx *z;
    size_t at = 0, left = 1;
    int rc;

    if (get32(in->data) == 0x184c2102)
        return unpack_lz4_legacy(in, s);
    if (LZ4F_isError(LZ4F_createDecompressionContext(&z, LZ4F_VERSION)))
        return -ENOMEM;
    for (rc = sink_grow(s); rc == 0 && left != 0; rc = sink_grow(s)) {
        size_t out = s->cap - s->len, n = in->size - at;

        left = LZ4F_decompress(z, s->p + s->len, &out, in->data + at, &n, NULL);
        if (LZ4F_isError(left) || (out == 0 && n == 0 && left != 0)) {
            rc = -EBADMSG;
            break;
        }
        s->len += out;
        at += n;
    }
    LZ4F_freeDecompressionContext(z);
    return rc;
}

static int unpack_plain(const struct kernel_payload *in, struct sink *s)
{
    if (in->size > KERNEL_MAX_SIZE)
        return -EFBIG;
    s->p = malloc(in->size);
    if (s->p == NULL)
        return -ENOMEM;
    memcpy(s->p, in->data, in->size);
    s->len = s->cap = in->size;
    return 0;
}

int kernel_unpack(const struct kernel_payload *in, void **out, size_t *out_len, struct hl_error *e)
{
    static int (*const unpack[])(const struct kernel_payload *, struct sink *) = {
        [KERNEL_PLAIN] = unpack_plain, [KERNEL_GZIP] = unpack_gzip,   [KERNEL_XZ] = unpack_lzma,
        [KERNEL_LZMA] = unpack_lzma,   [KERNEL_BZIP2] = unpack_bzip2, [KERNEL_LZ4] = unpack_lz4,
        [KERNEL_ZSTD] = unpack_zstd,
    };
    const char *name = kernel_compression_name(in->compression);
    struct sink s = {NULL, 0, 0};
    int rc;

    *out = NULL;
    *out_len = 0;
    if (in->compression == KERNEL_LZO || in->compression == KERNEL_UNKNOWN) {
        hl_fail(e, ENOEXEC, step, NULL, "its compression (%s) is not supported", name);
        hl_error_advise(e, "repack the kernel with gzip, xz, zstd, lz4, lzma or bzip2");
        return -ENOEXEC;
    }
    /* One allocation where the file tells the truth about its size, and no harm where it lies. */
    if (in->size_hint != 0 && in->size_hint <= KERNEL_MAX_SIZE && in->size_hint / 64 <= in->size) {
        s.cap = in->compression == KERNEL_PLAIN ? 0 : in->size_hint + 1;
        s.p = s.cap == 0 ? NULL : malloc(s.cap);
        if (s.p == NULL)
            s.cap = 0;
    }
    rc = unpack[in->compression](in, &s);
    if (rc == 0) {
        *out = s.p;
        *out_len = s.len;
        return 0;
    }
    free(s.p);
    if (rc == -EBADMSG) {
        hl_fail(e, ENOEXEC, step, NULL, "its %s data is corrupt or cut short", name);
        hl_error_advise(e, "install the kernel again");
        return -ENOEXEC;
    }
    if (rc == -EFBIG)
        return hl_fail(e, EFBIG, step, NULL, "it unpacks to more than %zu MiB",
                       KERNEL_MAX_SIZE >> 20);
    return hl_fail(e, -rc, step, NULL, NULL);
}
