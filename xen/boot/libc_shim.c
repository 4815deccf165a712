/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ground for zlib, liblzma and libzstd to stand on. Their archives were built for user space: they
 * use SSE2, read the stack canary at FS:0x28, keep data in the 128 bytes below the stack pointer,
 * and want malloc(). xen/boot/boot.mk links them into one object in which malloc, calloc and free
 * bear the names below, whose only callers they are, and which the hypervisor frees with its other
 * start-up code.
 */
#include "boot/libc_shim.h"
#include "lib/lib.h"
#include "lib/list.h"
#include "mm/alloc.h"
#include "x86/cpu.h"
#include "x86/cpu_setup.h"

void *boot_lib_malloc(size_t size);
void *boot_lib_calloc(size_t n, size_t size);
void boot_lib_free(void *p);
void __stack_chk_fail(void) __noreturn;
unsigned long long ZSTD_trace_decompress_begin(const void *dctx);
void ZSTD_trace_decompress_end(unsigned long long ctx, const void *trace);

/* Constructors of the libraries (boot_libs.lds). */
typedef void (*ctor_fn)(void);
extern const ctor_fn __boot_libs_ctors_start[] __attribute__((visibility("hidden")));
extern const ctor_fn __boot_libs_ctors_end[] __attribute__((visibility("hidden")));

#define CR0_EM 0x4

static uint64_t fs_area[8] __initdata; /* what FS:0 to FS:0x3f shows: the canary is any value */
static unsigned long lib_irq_flags __initdata;
static bool ctors_done __initdata;

/* In front of each object of the libraries' heap. */
struct lib_block {
    struct list link;
    size_t size;
    size_t pad; /* objects are 16-byte aligned */
};
static struct list lib_blocks __initdata = LIST_INIT(lib_blocks);

__attribute__((force_align_arg_pointer, noinline)) static void __init run(void (*fn)(void *),
                                                                          void *arg)
{
    if (!ctors_done) {
        ctors_done = true;
        for (const ctor_fn *c = __boot_libs_ctors_start; c < __boot_libs_ctors_end; c++)
            (*c)();
    }
    fn(arg);
}

void __init lib_call(void (*fn)(void *), void *arg)
{
    lib_irq_flags = irq_save();
    uint64_t fs = rdmsr(MSR_FS_BASE);
    unsigned long cr0 = read_cr0();
    wrmsr(MSR_FS_BASE, (uint64_t)fs_area);
    write_cr0(cr0 & ~(unsigned long)(CR0_TS | CR0_EM));
    run(fn, arg);
    write_cr0(cr0);
    wrmsr(MSR_FS_BASE, fs);
    irq_restore(lib_irq_flags);
}

static unsigned int __init order_of(uint64_t frames)
{
    unsigned int o = 0;

    while (1ull << o < frames)
        o++;
    return o;
}

/* Free frames [first, end), whatever their alignment. */
static void __init free_range(uint64_t first, uint64_t end)
{
    while (first < end) {
        unsigned int o = MIN((unsigned int)__builtin_ctzll(first), (unsigned int)MAX_ORDER);
        while (first + (1ull << o) > end)
            o--;
        frames_free(mfn_to_frame(mfn_make(first)), o);
        first += 1ull << o;
    }
}

void *__init boot_buf_alloc(size_t size)
{
    uint64_t n = DIV_ROUND_UP((uint64_t)size, PAGE_SIZE);

    if (!n || n > 1ull << MAX_ORDER)
        return NULL;
    unsigned int order = order_of(n);
    struct frame *f = frames_alloc(order, 0);
    if (!f)
        return NULL;
    uint64_t m = mfn_x(frame_to_mfn(f));
    free_range(m + n, m + (1ull << order));
    return frame_to_virt(f);
}

void __init boot_buf_free(void *p, size_t size)
{
    uint64_t m = mfn_x(virt_to_mfn(p));

    free_range(m, m + DIV_ROUND_UP((uint64_t)size, PAGE_SIZE));
}

/*
 * Allocating may flush other CPUs' TLBs, which needs interrupts. Our caller keeps nothing below its
 * stack pointer while it calls, so they may come in here.
 */
void *__init boot_lib_malloc(size_t size)
{
    if (size > SIZE_MAX - sizeof(struct lib_block))
        return NULL;
    irq_restore(lib_irq_flags);
    struct lib_block *b = boot_buf_alloc(size + sizeof(*b));
    irq_disable();
    if (!b)
        return NULL;
    b->size = size + sizeof(*b);
    list_add(&b->link, &lib_blocks);
    return b + 1;
}

void *__init boot_lib_calloc(size_t n, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(n, size, &bytes))
        return NULL;
    void *p = boot_lib_malloc(bytes);
    if (p)
        memset(p, 0, bytes);
    return p;
}

void __init boot_lib_free(void *p)
{
    if (!p)
        return;
    struct lib_block *b = (struct lib_block *)p - 1;
    list_del(&b->link);
    boot_buf_free(b, b->size);
}

void __init lib_heap_clear(void)
{
    while (!list_empty(&lib_blocks))
        boot_lib_free(list_first(&lib_blocks, struct lib_block, link) + 1);
}

void __init __stack_chk_fail(void)
{
    panic("A compression library overran its stack");
}

/* Hooks that libzstd would leave out, were they not at an address that its calls cannot reach. */
unsigned long long __init ZSTD_trace_decompress_begin(const void *dctx __unused)
{
    return 0;
}
void __init ZSTD_trace_decompress_end(unsigned long long ctx __unused, const void *trace __unused)
{
}
