/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzzer of Domain 0's kernel as the hypervisor takes it: bzImage and compressed payloads
 * (boot/decompress.c), ELF segments and notes (pv/elf.c).
 *
 *   input:  one byte: 'E': an ELF made by elf_input.h; else what follows is the boot module
 */
#include "boot/decompress.h"
#include "boot/libc_shim.h"
#include "lib/lib.h"
#include "pv/elf.h"
#include "tests/fuzz/elf_input.h"

/* ---- stand-ins for libc_shim.c and the log ---- */

static unsigned int buffers;

void lib_call(void (*fn)(void *), void *arg)
{
    fn(arg);
}

void lib_heap_clear(void)
{
}

void *boot_buf_alloc(size_t size)
{
    if (size > MB(64))
        return NULL;
    buffers++;
    return malloc(size);
}

void boot_buf_free(void *p, size_t size __unused)
{
    buffers--;
    free(p);
}

void printk(const char *fmt, ...)
{
    char line[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
}

void panic(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    abort();
}

/* ---- checks ---- */

struct loaded {
    const struct elf_kernel *k;
    uint64_t sum;
};

/* As dom0.c's: it may write anywhere between vstart and vend, nowhere else. */
static int segment(void *arg, uint64_t va, const void *src, size_t n, size_t total)
{
    struct loaded *l = arg;
    const uint8_t *p = src;

    FUZZ_CHECK(n <= total && va >= l->k->vstart && va <= l->k->vend && total <= l->k->vend - va);
    for (size_t i = 0; i < n; i++)
        l->sum += p[i];
    return 0;
}

static void parse(const uint8_t *data, size_t size)
{
    uint8_t *exact = malloc(size ? size : 1);
    struct elf_kernel k;

    memcpy(exact, data, size);
    if (elf_parse(&k, exact, size) == 0) {
        struct loaded l = {&k, 0};

        FUZZ_CHECK(k.vstart < k.vend && k.entry >= k.vstart && k.entry < k.vend);
        FUZZ_CHECK(k.vstart >= k.virt_base && k.vend - k.virt_base <= GB(1));
        FUZZ_CHECK(memchr(k.guest_os, 0, sizeof(k.guest_os)));
        FUZZ_CHECK(memchr(k.loader, 0, sizeof(k.loader)));
        FUZZ_CHECK(elf_load(&k, segment, &l) == 0);
    }
    free(exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t made[ELF_INPUT_MAX];
    void *elf = NULL;
    size_t len = 0;

    if (!size)
        return 0;
    if (*data == 'E') {
        struct input in = {data + 1, data + size};

        len = elf_input_make(&in, made);
        parse(made, len);
        return 0;
    }
    uint8_t *exact = malloc(size);
    memcpy(exact, data + 1, size - 1);
    int rc = kernel_unpack(exact, size - 1, &elf, &len);
    if (rc == 0) {
        FUZZ_CHECK(len >= 64 && !memcmp(elf, "\177ELF", 4));
        parse(elf, len < ELF_INPUT_MAX * 8 ? len : ELF_INPUT_MAX * 8);
        kernel_unpack_free(elf, len);
    } else {
        FUZZ_CHECK(rc == -EINVAL || rc == -ENOMEM || rc == -EOPNOTSUPP);
    }
    FUZZ_CHECK(!buffers);
    free(exact);
    return 0;
}
