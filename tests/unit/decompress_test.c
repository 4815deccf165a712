/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of xen/boot/decompress.c: kernels in each compression, cut off at many places and with
 * bytes changed. Whatever comes in, it gives the kernel or an error, touches nothing else (ASan sees
 * to that: buffers are of the exact size) and keeps no memory.
 */
#include <zlib.h>
#include <lzma.h>
#include <zstd.h>
#include "boot/decompress.h"
#include "boot/libc_shim.h"
#include "host/host.h"

/* Two blocks of zstd, and no more than ASan's allocator has without a map for each. */
#define KERNEL_SIZE 200000
static uint8_t kernel[KERNEL_SIZE];

/* ---- stand-in for libc_shim.c -------------------------------------------------------------- */

static unsigned int buffers;
static bool no_memory;

void lib_call(void (*fn)(void *), void *arg)
{
    fn(arg);
}
void lib_heap_clear(void)
{
}
void *boot_buf_alloc(size_t size)
{
    if (no_memory || size > MB(64))
        return NULL;
    buffers++;
    return malloc(size);
}
void boot_buf_free(void *p, size_t size __unused)
{
    buffers--;
    free(p);
}

/* ---- images -------------------------------------------------------------------------------- */

struct image {
    uint8_t *data;
    size_t len;
};

static void put32(uint8_t *p, uint32_t v)
{
    for (unsigned int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

/* A bzImage around a payload: 3 setup sectors, 100 bytes of head, the payload, a tail. */
static struct image bzimage(const uint8_t *payload, size_t len, bool add_size)
{
    size_t start = 3 * 512 + 100, total = start + len + (add_size ? 4 : 0) + 77;
    struct image im = {calloc(1, total), total};

    im.data[0x1f1] = 2;
    im.data[0x1fe] = 0x55;
    im.data[0x1ff] = 0xaa;
    memcpy(im.data + 0x202, "HdrS", 4);
    im.data[0x206] = 0x0f;
    im.data[0x207] = 2;
    put32(im.data + 0x248, 100);
    put32(im.data + 0x24c, (uint32_t)(len + (add_size ? 4 : 0)));
    memcpy(im.data + start, payload, len);
    if (add_size)
        put32(im.data + start + len, KERNEL_SIZE);
    return im;
}

static struct image gzip_file(void)
{
    struct image im = {malloc(KERNEL_SIZE * 2), 0};
    z_stream s = {.next_in = kernel,
                  .avail_in = KERNEL_SIZE,
                  .next_out = im.data,
                  .avail_out = KERNEL_SIZE * 2};

    EXPECT_EQ(deflateInit2(&s, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    EXPECT_EQ(deflate(&s, Z_FINISH), Z_STREAM_END);
    im.len = s.total_out;
    deflateEnd(&s);
    return im;
}

/* As Linux's build does it: the x86 filter and LZMA2, CRC32. */
static struct image xz_file(void)
{
    struct image im = {malloc(KERNEL_SIZE * 2), 0};
    lzma_options_lzma opt;
    lzma_filter filters[] = {{.id = LZMA_FILTER_X86},
                             {.id = LZMA_FILTER_LZMA2, .options = &opt},
                             {.id = LZMA_VLI_UNKNOWN}};

    lzma_lzma_preset(&opt, 6);
    EXPECT_EQ(lzma_stream_buffer_encode(filters, LZMA_CHECK_CRC32, NULL, kernel, KERNEL_SIZE,
                                        im.data, &im.len, KERNEL_SIZE * 2),
              LZMA_OK);
    return im;
}

static struct image zstd_file(void)
{
    struct image im = {malloc(KERNEL_SIZE * 2), 0};

    ZSTD_CCtx *c = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, 19);
    ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
    im.len = ZSTD_compress2(c, im.data, KERNEL_SIZE * 2, kernel, KERNEL_SIZE);
    ZSTD_freeCCtx(c);
    EXPECT(!ZSTD_isError(im.len));
    return im;
}

/* Half code-like, half noise. */
static void make_kernel(void)
{
    for (size_t i = 0; i < KERNEL_SIZE; i++)
        kernel[i] = (uint8_t)(i / 1000 % 2 ? host_random(256) : (i * 7 / 13) ^ (i >> 9));
    memcpy(kernel, "\177ELF\2\1\1", 7);
}

static struct image make(const char *format)
{
    make_kernel();
    if (format[0] == 'e')
        return bzimage(kernel, KERNEL_SIZE, false);
    struct image file = format[0] == 'g' ? gzip_file() : format[0] == 'x' ? xz_file() : zstd_file();
    struct image im = bzimage(file.data, file.len, format[0] != 'g');
    free(file.data);
    return im;
}

/* ---- checks -------------------------------------------------------------------------------- */

/* Unpack a copy of exactly this size; true if the kernel came out, false for an error. */
static bool unpack(const uint8_t *data, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    void *elf = NULL;
    size_t elf_len = 0;

    memcpy(copy, data, len);
    int rc = kernel_unpack(copy, len, &elf, &elf_len);
    bool whole = false;
    if (!rc) {
        EXPECT(elf_len >= 64 && !memcmp(elf, "\177ELF", 4));
        whole = elf_len == KERNEL_SIZE && !memcmp(elf, kernel, KERNEL_SIZE);
        kernel_unpack_free(elf, elf_len);
    } else {
        EXPECT(rc == -EINVAL || rc == -ENOMEM || rc == -EOPNOTSUPP);
    }
    EXPECT(!memcmp(copy, data, len)); /* the module is left as it was */
    free(copy);
    EXPECT_EQ(buffers, 0);
    return whole;
}

static void good_and_bad(const char *format)
{
    struct image im = make(format);

    EXPECT(unpack(im.data, im.len));
    /* Cut off: the payload's end is what counts, 77 bytes follow it. */
    size_t end = im.len - 77;
    for (size_t len = 0; len < end; len += len < 2000 || len > end - 300 ? 1 : 997)
        EXPECT(!unpack(im.data, len));
    /* A payload that says it is shorter than it is. */
    for (unsigned int cut = 1; cut < 200; cut++) {
        struct image c = {malloc(im.len), im.len};
        memcpy(c.data, im.data, im.len);
        put32(c.data + 0x24c, (uint32_t)(end - 3 * 512 - 100 - cut));
        bool ok = unpack(c.data, c.len);
        EXPECT(!ok);
        free(c.data);
    }
    /* Changed bytes: an error, or no difference. An uncompressed kernel has no check. */
    unsigned int caught = 0;
    for (unsigned int i = 0; i < 400; i++) {
        size_t at = i < 200 ? 3 * 512 + 100 + i : host_random((uint32_t)im.len);
        uint8_t old = im.data[at];
        im.data[at] ^= (uint8_t)(1 + host_random(255));
        caught += !unpack(im.data, im.len);
        im.data[at] = old;
    }
    EXPECT(format[0] == 'e' || caught > 300);
    /* Sizes that lie. */
    static const uint32_t sizes[] = {0,          1,          KERNEL_SIZE - 1, KERNEL_SIZE + 1,
                                     0x3fffffff, 0x40000000, 0x40000001,      0xffffffff};
    for (unsigned int i = 0; format[0] != 'e' && i < ARRAY_SIZE(sizes); i++) {
        put32(im.data + end - 4, sizes[i]);
        EXPECT(!unpack(im.data, im.len));
    }
    put32(im.data + end - 4, KERNEL_SIZE);
    no_memory = true;
    EXPECT(format[0] == 'e' || !unpack(im.data, im.len));
    no_memory = false;
    free(im.data);
}

static void gzip(void)
{
    good_and_bad("gzip");
}
static void xz(void)
{
    good_and_bad("xz");
}
static void zstd(void)
{
    good_and_bad("zstd");
}
static void elf_in_bzimage(void)
{
    good_and_bad("elf");
}

static void plain_files(void)
{
    make_kernel();
    EXPECT(unpack(kernel, KERNEL_SIZE)); /* ELF: as it is */
    EXPECT(!unpack(kernel, 63));
    struct image im = gzip_file();
    EXPECT(unpack(im.data, im.len));
    free(im.data);
    im = xz_file(); /* does not say how long it becomes */
    void *elf;
    size_t len;
    EXPECT_EQ(kernel_unpack(im.data, im.len, &elf, &len), -EOPNOTSUPP);
    free(im.data);
}

static void others(void)
{
    static const struct {
        uint8_t magic[8];
        int rc;
    } cases[] = {
        {{'B', 'Z', 'h', '9', '1', 'A', 'Y', '&'}, -EOPNOTSUPP},
        {{0x5d, 0, 0, 0, 4, 0xff, 0xff, 0xff}, -EOPNOTSUPP},
        {{0x89, 'L', 'Z', 'O', 0, 0x0d, 0x0a, 0x1a}, -EOPNOTSUPP},
        {{0x02, 0x21, 0x4c, 0x18, 0, 0, 0, 0}, -EOPNOTSUPP},
        {{0, 1, 2, 3, 4, 5, 6, 7}, -EINVAL},
        {{'M', 'Z', 0, 0, 0, 0, 0, 0}, -EINVAL},
    };
    void *elf;
    size_t len;

    for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
        struct image im = bzimage(cases[i].magic, 8, true);
        EXPECT_EQ(kernel_unpack(im.data, im.len, &elf, &len), cases[i].rc);
        free(im.data);
    }
    /* A boot protocol without payload; header fields beyond the file. */
    struct image im = make("gzip");
    im.data[0x206] = 7;
    EXPECT_EQ(kernel_unpack(im.data, im.len, &elf, &len), -EINVAL);
    im.data[0x206] = 0x0f;
    for (unsigned int i = 0; i < 8; i++) {
        im.data[0x248 + i] ^= 0x80;
        EXPECT(!unpack(im.data, im.len));
        im.data[0x248 + i] ^= 0x80;
    }
    im.data[0x1f1] = 0; /* means 4 */
    EXPECT(!unpack(im.data, im.len));
    free(im.data);
}

#define TEST(name)                \
    {                             \
        "decompress/" #name, name \
    }
static const struct unit_test tests[] = {
    TEST(gzip), TEST(xz), TEST(zstd), TEST(elf_in_bzimage), TEST(plain_files), TEST(others),
};

int main(int argc, char **argv)
{
    return unit_main(tests, ARRAY_SIZE(tests), argc, argv);
}
