/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel images: a bzImage's setup header (Linux boot protocol, x86) and the payload behind it,
 * unpacked by the field's libraries. Each decoder is a step that puts out a piece and is called
 * until it is done, so that interrupts are not off for long.
 *
 *   offset  size  bzImage
 *   0x1f1   1     setup sectors of 512 bytes, without the first (0 means 4)
 *   0x1fe   2     0xaa55
 *   0x202   4     "HdrS"
 *   0x206   2     protocol version
 *   0x248   4     payload: offset from the end of the setup sectors
 *   0x24c   4     its length; its last four bytes are the unpacked length, little endian
 */
#define ZSTD_STATIC_LINKING_ONLY /* block-wise decoding, which needs no window of its own */
#include <zlib.h>
#include <lzma.h>
#include <zstd.h>
#include "boot/decompress.h"
#include "boot/libc_shim.h"
#include "lib/lib.h"

#define SETUP_SECTS     0x1f1
#define SETUP_FLAG      0x1fe
#define SETUP_MAGIC     0x202
#define SETUP_VERSION   0x206
#define SETUP_PAYLOAD   0x248
#define SETUP_HEADER    0x250 /* the part of the header that we read ends here */

#define MAX_UNPACKED    GB(1)
#define STEP            MB(1)
#define XZ_MEMORY_LIMIT MB(512)

/* One payload on its way. Steps return 1: done, 0: go on, or a negative errno. */
struct unpack {
    const uint8_t *in;
    size_t in_len, in_pos;
    uint8_t *out;
    size_t out_len, out_pos;
    int rc;
    union {
        z_stream gz;
        lzma_stream xz;
        ZSTD_DCtx *zstd;
    } s;
};

struct decoder {
    const char *name;
    uint8_t magic[6];
    uint8_t magic_len;
    bool own_size; /* the last four bytes are part of the compressed file */
    void (*start)(void *unpack), (*step)(void *unpack), (*end)(void *unpack);
};

static void __init gz_start(void *p)
{
    struct unpack *u = p;

    u->s.gz.next_in = (Bytef *)(uintptr_t)u->in;
    u->s.gz.avail_in = (uInt)u->in_len;
    u->s.gz.next_out = u->out;
    u->rc = inflateInit2(&u->s.gz, 16 + MAX_WBITS) == Z_OK ? 0 : -ENOMEM;
}
static void __init gz_step(void *p)
{
    struct unpack *u = p;
    size_t room = MIN(u->out_len - u->out_pos, (size_t)STEP);

    u->s.gz.avail_out = (uInt)room;
    int r = inflate(&u->s.gz, Z_NO_FLUSH);
    size_t made = room - u->s.gz.avail_out;
    u->out_pos += made;
    if (r == Z_STREAM_END)
        u->rc = 1;
    else if (r == Z_MEM_ERROR)
        u->rc = -ENOMEM;
    else if (r != Z_OK || !made)
        u->rc = -EINVAL; /* damaged, cut off, or longer than it says */
}
static void __init gz_end(void *p)
{
    inflateEnd(&((struct unpack *)p)->s.gz);
}

static void __init xz_start(void *p)
{
    struct unpack *u = p;

    u->s.xz = (lzma_stream)LZMA_STREAM_INIT;
    u->s.xz.next_in = u->in;
    u->s.xz.avail_in = u->in_len;
    u->s.xz.next_out = u->out;
    u->rc = lzma_stream_decoder(&u->s.xz, XZ_MEMORY_LIMIT, 0) == LZMA_OK ? 0 : -ENOMEM;
}
static void __init xz_step(void *p)
{
    struct unpack *u = p;
    size_t room = MIN(u->out_len - u->out_pos, (size_t)STEP);

    u->s.xz.avail_out = room;
    lzma_ret r = lzma_code(&u->s.xz, LZMA_FINISH);
    u->out_pos += room - u->s.xz.avail_out;
    if (r == LZMA_STREAM_END)
        u->rc = 1;
    else if (r == LZMA_MEM_ERROR || r == LZMA_MEMLIMIT_ERROR)
        u->rc = -ENOMEM;
    else if (r != LZMA_OK) /* LZMA_BUF_ERROR, the second time that nothing moves, among them */
        u->rc = -EINVAL;
}
static void __init xz_end(void *p)
{
    lzma_end(&((struct unpack *)p)->s.xz);
}

static void __init zstd_start(void *p)
{
    struct unpack *u = p;

    u->s.zstd = ZSTD_createDCtx();
    u->rc = u->s.zstd ? 0 : -ENOMEM;
    if (u->s.zstd && ZSTD_isError(ZSTD_decompressBegin(u->s.zstd)))
        u->rc = -EINVAL;
}
static void __init zstd_step(void *p)
{
    struct unpack *u = p;
    size_t stop = u->out_pos + STEP;

    while (u->out_pos < stop) {
        size_t want = ZSTD_nextSrcSizeToDecompress(u->s.zstd);
        if (!want) {
            u->rc = 1;
            return;
        }
        if (want > u->in_len - u->in_pos) {
            u->rc = -EINVAL;
            return;
        }
        size_t made = ZSTD_decompressContinue(u->s.zstd, u->out + u->out_pos,
                                              u->out_len - u->out_pos, u->in + u->in_pos, want);
        if (ZSTD_isError(made)) {
            u->rc = -EINVAL;
            return;
        }
        u->in_pos += want;
        u->out_pos += made;
    }
}
static void __init zstd_end(void *p)
{
    ZSTD_freeDCtx(((struct unpack *)p)->s.zstd);
}

static const struct decoder decoders[] = {
    {"gzip", {0x1f, 0x8b, 8}, 3, true, gz_start, gz_step, gz_end},
    {"xz", {0xfd, '7', 'z', 'X', 'Z', 0}, 6, false, xz_start, xz_step, xz_end},
    {"zstd", {0x28, 0xb5, 0x2f, 0xfd}, 4, false, zstd_start, zstd_step, zstd_end},
    /* Known by name only, for the message. */
    {"bzip2", {'B', 'Z', 'h'}, 3, false, NULL, NULL, NULL},
    {"lzma", {0x5d, 0, 0}, 3, false, NULL, NULL, NULL},
    {"lzo", {0x89, 'L', 'Z', 'O'}, 4, false, NULL, NULL, NULL},
    {"lz4", {0x02, 0x21, 'L', 0x18}, 4, false, NULL, NULL, NULL},
    {"lz4", {0x04, 0x22, 'M', 0x18}, 4, false, NULL, NULL, NULL},
};

static uint32_t __init le32(const uint8_t *p)
{
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static bool __init is_elf(const uint8_t *p, size_t len)
{
    return len >= 64 && !memcmp(p, "\177ELF", 4);
}

static bool __init is_bzimage(const uint8_t *p, size_t len)
{
    return len >= SETUP_HEADER && p[SETUP_FLAG] == 0x55 && p[SETUP_FLAG + 1] == 0xaa &&
           !memcmp(p + SETUP_MAGIC, "HdrS", 4);
}

/* Make *in and *len the payload of a bzImage. */
static int __init find_payload(const uint8_t **in, size_t *len)
{
    const uint8_t *p = *in;
    unsigned int version = p[SETUP_VERSION + 1] * 256u + p[SETUP_VERSION];
    size_t setup = ((p[SETUP_SECTS] ? p[SETUP_SECTS] : 4) + 1) * (size_t)512;

    if (version < 0x208) {
        printk(LOG_ERR "The kernel is too old: its boot protocol is %u.%02u, 2.08 is needed\n",
               version >> 8, version & 0xff);
        return -EINVAL;
    }
    size_t start = setup + le32(p + SETUP_PAYLOAD), size = le32(p + SETUP_PAYLOAD + 4);
    if (start > *len || size > *len - start || size < 8) {
        printk(LOG_ERR "The kernel is cut off: %zu bytes, its payload ends at %zu\n", *len,
               start + size);
        return -EINVAL;
    }
    *in = p + start;
    *len = size;
    return 0;
}

/* All of the payload; u->out holds out_len bytes. */
static int __init run_decoder(const struct decoder *dec, struct unpack *u)
{
    lib_call(dec->start, u);
    while (!u->rc)
        lib_call(dec->step, u);
    lib_call(dec->end, u);
    lib_heap_clear();
    if (u->rc < 0)
        return u->rc;
    return u->out_pos == u->out_len ? 0 : -EINVAL;
}

static void *unpacked __initdata; /* the buffer in use, so that freeing knows its own */

static int __init unpack_with(const struct decoder *dec, const uint8_t *in, size_t len, void **elf,
                              size_t *elf_len)
{
    struct unpack u = {.in = in, .in_len = dec->own_size ? len : len - 4};
    u.out_len = le32(in + len - 4);

    if (!u.out_len || u.out_len > MAX_UNPACKED) {
        printk(LOG_ERR "The kernel is damaged: %s payload of %zu bytes unpacked\n", dec->name,
               u.out_len);
        return -EINVAL;
    }
    u.out = boot_buf_alloc(u.out_len);
    if (!u.out) {
        printk(LOG_ERR "No memory for the kernel: %zu bytes unpacked\n", u.out_len);
        return -ENOMEM;
    }
    int rc = run_decoder(dec, &u);
    if (rc == -ENOMEM)
        printk(LOG_ERR "No memory to unpack the kernel (%s)\n", dec->name);
    else if (rc)
        printk(LOG_ERR "The kernel is damaged: its %s payload ends after %zu of %zu bytes\n",
               dec->name, u.out_pos, u.out_len);
    else if (!is_elf(u.out, u.out_len)) {
        printk(LOG_ERR "The kernel's %s payload is not an ELF file\n", dec->name);
        rc = -EINVAL;
    }
    if (rc) {
        boot_buf_free(u.out, u.out_len);
        return rc;
    }
    unpacked = u.out;
    *elf = u.out;
    *elf_len = u.out_len;
    return 0;
}

int __init kernel_unpack(const void *module, size_t module_len, void **elf, size_t *elf_len)
{
    const uint8_t *in = module;
    size_t len = module_len;

    if (is_bzimage(in, len)) {
        int rc = find_payload(&in, &len);
        if (rc)
            return rc;
    }
    if (is_elf(in, len)) {
        *elf = (void *)(uintptr_t)in;
        *elf_len = len;
        return 0;
    }
    for (size_t i = 0; len >= 8 && i < ARRAY_SIZE(decoders); i++) {
        const struct decoder *dec = &decoders[i];
        if (memcmp(in, dec->magic, dec->magic_len))
            continue;
        /* A bare file other than gzip does not say how long it is unpacked. */
        if (!dec->start || (in == module && !dec->own_size)) {
            printk(LOG_ERR "The kernel is compressed with %s; gzip, xz, zstd in a bzImage, gzip "
                           "alone, or ELF are understood\n",
                   dec->name);
            return -EOPNOTSUPP;
        }
        return unpack_with(dec, in, len, elf, elf_len);
    }
    printk(LOG_ERR "The kernel is neither a bzImage nor an ELF file\n");
    return -EINVAL;
}

void __init kernel_unpack_free(void *elf, size_t elf_len)
{
    if (!elf || elf != unpacked)
        return;
    unpacked = NULL;
    boot_buf_free(elf, elf_len);
}
