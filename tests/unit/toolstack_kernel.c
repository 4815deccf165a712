/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel images: what is read from a good one, that no bad one is believed, unpacking of every
 * format, the cache, and the layout of a domain. Kernels are made up here, byte by byte; the last
 * test reads Debian's own where the lab has fetched it.
 */
#include "tests/unit/toolstack_test.h"

#include <bzlib.h>
#include <elf.h>
#include <errno.h>
#include <lz4.h>
#include <lz4frame.h>
#include <lzma.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/files.h"
#include "dom0-toolstack/lib/kernel_cache.h"
#include "dom0-toolstack/lib/kernel_image.h"
#include "dom0-toolstack/lib/pv_layout.h"
#include "hypercalls/abi/elfnote.h"

/* ---- a kernel in memory ---- */

struct buffer {
    uint8_t *p;
    size_t len;
};

static void add(struct buffer *b, const void *data, size_t len)
{
    b->p = realloc(b->p, b->len + len + 1);
    memcpy(b->p + b->len, data, len);
    b->len += len;
}

static void add_note(struct buffer *b, uint32_t type, const void *desc, uint32_t size)
{
    Elf64_Nhdr h = {.n_namesz = 4, .n_descsz = size, .n_type = type};
    static const char zero[4] = "";

    add(b, &h, sizeof(h));
    add(b, "Xen", 4);
    add(b, desc, size);
    add(b, zero, (4 - size % 4) % 4);
}

static void add_number(struct buffer *b, uint32_t type, uint64_t v)
{
    add_note(b, type, &v, sizeof(v));
}

#define BASE  0xffffffff80000000ull
#define PADDR 0x1000000ull

static struct buffer linux_notes(void)
{
    struct buffer n = {NULL, 0};
    uint64_t valid[2] = {1, 1};

    add_note(&n, XEN_ELFNOTE_GUEST_OS, "linux", 6);
    add_note(&n, XEN_ELFNOTE_XEN_VERSION, "xen-3.0", 8);
    add_number(&n, XEN_ELFNOTE_VIRT_BASE, BASE);
    add_number(&n, XEN_ELFNOTE_INIT_P2M, 0x8000000000ull);
    add_number(&n, XEN_ELFNOTE_ENTRY, BASE + PADDR + 0x40);
    add_note(&n, XEN_ELFNOTE_FEATURES, "!writable_page_tables|pae_pgdir_above_4gb", 42);
    add_note(&n, XEN_ELFNOTE_SUPPORTED_FEATURES, "\x01\x88\0", 4);
    add_note(&n, XEN_ELFNOTE_PAE_MODE, "yes", 4);
    add_note(&n, XEN_ELFNOTE_LOADER, "generic", 8);
    add_note(&n, XEN_ELFNOTE_L1_MFN_VALID, valid, sizeof(valid));
    add_note(&n, XEN_ELFNOTE_MOD_START_PFN, "\x01\0\0", 4);
    add_note(&n, XEN_ELFNOTE_SUSPEND_CANCEL, "\x01\0\0", 4);
    add_number(&n, XEN_ELFNOTE_HV_START_LOW, 0xffff800000000000ull);
    add_number(&n, XEN_ELFNOTE_PADDR_OFFSET, 0);
    return n;
}

/* ELF header, three program headers (text, data with bss, notes), the data, the notes. */
static struct buffer make_elf(struct buffer notes)
{
    const size_t headers = sizeof(Elf64_Ehdr) + 3 * sizeof(Elf64_Phdr), text = 0x3000;
    Elf64_Ehdr eh = {
        .e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_EXEC,
        .e_machine = EM_X86_64,
        .e_version = 1,
        .e_entry = PADDR,
        .e_phoff = sizeof(Elf64_Ehdr),
        .e_ehsize = sizeof(Elf64_Ehdr),
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = 3,
    };
    Elf64_Phdr ph[3] = {
        {.p_type = PT_LOAD,
         .p_offset = headers,
         .p_paddr = PADDR,
         .p_filesz = 0x2000,
         .p_memsz = 0x2000},
        {.p_type = PT_LOAD,
         .p_offset = headers + 0x2000,
         .p_paddr = PADDR + 0x200000,
         .p_filesz = 0x1000,
         .p_memsz = 0x5000},
        {.p_type = PT_NOTE, .p_offset = headers + text, .p_filesz = notes.len},
    };
    struct buffer b = {NULL, 0};
    uint8_t *data = malloc(text);

    for (size_t i = 0; i < text; i++)
        data[i] = (uint8_t)(i * 7 + i / 256);
    add(&b, &eh, sizeof(eh));
    add(&b, ph, sizeof(ph));
    add(&b, data, text);
    add(&b, notes.p, notes.len);
    free(data);
    free(notes.p);
    return b;
}

/* The same with a section instead of notes: section names, then __xen_guest. */
static struct buffer make_legacy(const char *text)
{
    static const char names[] = "\0__xen_guest\0.shstrtab";
    struct buffer b = make_elf((struct buffer){calloc(1, 1), 0});
    Elf64_Shdr sh[3] = {{0}};
    Elf64_Ehdr eh;

    memcpy(&eh, b.p, sizeof(eh));
    sh[1] = (Elf64_Shdr){
        .sh_name = 1, .sh_type = SHT_PROGBITS, .sh_offset = b.len, .sh_size = strlen(text) + 1};
    add(&b, text, strlen(text) + 1);
    sh[2] = (Elf64_Shdr){
        .sh_name = 13, .sh_type = SHT_STRTAB, .sh_offset = b.len, .sh_size = sizeof(names)};
    add(&b, names, sizeof(names));
    eh.e_shoff = b.len;
    eh.e_shentsize = sizeof(Elf64_Shdr);
    eh.e_shnum = 3;
    eh.e_shstrndx = 2;
    add(&b, sh, sizeof(sh));
    memcpy(b.p, &eh, sizeof(eh));
    return b;
}

/* ---- parsing ---- */

static void parse_good(void)
{
    struct buffer b = make_elf(linux_notes());
    struct kernel_image img;

    CHECK(kernel_image_parse(b.p, b.len, &img, NULL) == 0);
    CHECK(img.has_notes && !img.legacy && img.bits == 64);
    CHECK_STR(img.guest_os, "linux");
    CHECK_STR(img.xen_version, "xen-3.0");
    CHECK_STR(img.loader, "generic");
    CHECK(img.virt_base == BASE && img.entry == BASE + PADDR + 0x40);
    CHECK(img.init_p2m == 0x8000000000ull && img.hv_start_low == 0xffff800000000000ull);
    CHECK(img.mod_start_pfn && img.suspend_cancel && img.pae && !img.bsd_symtab);
    CHECK(img.hypercall_page == KERNEL_UNSET && img.phys32_entry == KERNEL_UNSET);
    CHECK(img.l1_mfn_mask == 1 && img.l1_mfn_value == 1);
    CHECK(img.features_supported == (0x8801 | 1 << 4) && img.features_required == 1);
    CHECK(img.nr_segments == 2);
    CHECK(img.virt_start == BASE + PADDR && img.virt_end == BASE + PADDR + 0x205000);
    free(b.p);
}

static void load_good(void)
{
    struct buffer b = make_elf(linux_notes());
    const size_t headers = sizeof(Elf64_Ehdr) + 3 * sizeof(Elf64_Phdr);
    struct kernel_image img;
    uint8_t *mem;
    size_t size;

    CHECK(kernel_image_parse(b.p, b.len, &img, NULL) == 0);
    size = img.virt_end - img.virt_start;
    mem = calloc(1, size);
    CHECK(kernel_image_load(&img, mem, size - 1, NULL) == -EINVAL);
    CHECK(kernel_image_load(&img, mem, size, NULL) == 0);
    CHECK(memcmp(mem, b.p + headers, 0x2000) == 0);
    CHECK(memcmp(mem + 0x200000, b.p + headers + 0x2000, 0x1000) == 0);
    CHECK(mem[0x2000] == 0 && mem[0x201000] == 0);
    free(mem);
    free(b.p);
}

/* Physical addresses that wrap around lie in another order than the virtual ones. */
static void load_wrapped(void)
{
    const size_t headers = sizeof(Elf64_Ehdr) + 3 * sizeof(Elf64_Phdr);
    struct buffer n = linux_notes(), b;
    struct kernel_image img;
    Elf64_Phdr ph[2];
    uint8_t *mem;

    add_number(&n, XEN_ELFNOTE_PADDR_OFFSET, -0x1000000ull);
    add_number(&n, XEN_ELFNOTE_ENTRY, BASE + 0xe00040);
    b = make_elf(n);
    memcpy(ph, b.p + sizeof(Elf64_Ehdr), sizeof(ph));
    ph[0].p_paddr = -0x200000ull;
    ph[1].p_paddr = 0x1000;
    memcpy(b.p + sizeof(Elf64_Ehdr), ph, sizeof(ph));
    CHECK(kernel_image_parse(b.p, b.len, &img, NULL) == 0);
    CHECK(img.virt_start == BASE + 0xe00000 && img.virt_end == BASE + 0x1006000);
    mem = malloc(img.virt_end - img.virt_start);
    CHECK(kernel_image_load(&img, mem, img.virt_end - img.virt_start, NULL) == 0);
    CHECK(memcmp(mem, b.p + headers, 0x2000) == 0);
    CHECK(memcmp(mem + 0x201000, b.p + headers + 0x2000, 0x1000) == 0);
    free(mem);
    ph[1].p_paddr = -0x200000ull - 0x3000; /* 0x5000 long: into the other one */
    memcpy(b.p + sizeof(Elf64_Ehdr), ph, sizeof(ph));
    CHECK(kernel_image_parse(b.p, b.len, &img, NULL) == -ENOEXEC);
    free(b.p);
}

static void parse_legacy(void)
{
    struct buffer b = make_legacy("GUEST_OS=netbsd,XEN_VER=xen-3.0,VIRT_BASE=0xffffffff80000000,"
                                  "ELF_PADDR_OFFSET=0x0,VIRT_ENTRY=0xffffffff81000100,"
                                  "HYPERCALL_PAGE=0x1001,LOADER=generic,PAE=yes,BSD_SYMTAB=yes,"
                                  "FEATURES=writable_descriptor_tables");
    struct kernel_image img;

    CHECK(kernel_image_parse(b.p, b.len, &img, NULL) == 0);
    CHECK(img.has_notes && img.legacy && img.bsd_symtab && img.pae);
    CHECK_STR(img.guest_os, "netbsd");
    CHECK(img.entry == BASE + PADDR + 0x100 && img.hypercall_page == BASE + PADDR + 0x1000);
    CHECK(img.features_supported == 2 && img.features_required == 0);
    free(b.p);
    /* Without an offset, p_paddr is taken as a virtual address: here it is below VIRT_BASE. */
    b = make_legacy("VIRT_BASE=0xffffffff80000000");
    CHECK(kernel_image_parse(b.p, b.len, &img, NULL) == -ENOEXEC);
    free(b.p);
    b = make_legacy("VIRT_BASE=0x1000000,VIRT_ENTRY=0x1000000");
    CHECK(kernel_image_parse(b.p, b.len, &img, NULL) == 0);
    CHECK(img.virt_start == 0x1000000 && img.paddr_offset == 0x1000000);
    free(b.p);
}

static void symbols(void)
{
    struct buffer b = make_legacy("VIRT_BASE=0xffffffff80000000,ELF_PADDR_OFFSET=0,BSD_SYMTAB=yes,"
                                  "VIRT_ENTRY=0xffffffff81000000");
    Elf64_Ehdr eh;
    Elf64_Shdr sh;
    struct kernel_image img;
    uint64_t plain_end;
    uint32_t size;
    uint8_t *mem, *at;

    CHECK(kernel_image_parse(b.p, b.len, &img, NULL) == 0);
    CHECK(img.symtab_size == 0); /* it has none */
    plain_end = img.virt_end;
    /* Call the section with the names' text a symbol table; its strings are the section names. */
    memcpy(&eh, b.p, sizeof(eh));
    memcpy(&sh, b.p + eh.e_shoff, sizeof(sh));
    sh = (Elf64_Shdr){.sh_type = SHT_SYMTAB, .sh_offset = 64, .sh_size = 30, .sh_link = 2};
    memcpy(b.p + eh.e_shoff, &sh, sizeof(sh));
    CHECK(kernel_image_parse(b.p, b.len, &img, NULL) == 0);
    CHECK(img.symtab_size != 0 && img.virt_end == plain_end + img.symtab_size);
    mem = calloc(1, img.virt_end - img.virt_start);
    CHECK(kernel_image_load(&img, mem, img.virt_end - img.virt_start, NULL) == 0);
    at = mem + (plain_end - img.virt_start);
    memcpy(&size, at, sizeof(size));
    CHECK(size + 4 == img.symtab_size && memcmp(at + 4, ELFMAG, 4) == 0);
    CHECK(memcmp(at + 4 + sizeof(Elf64_Ehdr) + 3 * sizeof(Elf64_Shdr), b.p + 64, 30) == 0);
    free(mem);
    /* A link out of the table. */
    sh.sh_link = 200;
    memcpy(b.p + eh.e_shoff, &sh, sizeof(sh));
    CHECK(kernel_image_parse(b.p, b.len, &img, NULL) == 0 && img.symtab_size == 0);
    free(b.p);
}

static bool says(const void *buf, size_t len, const char *word)
{
    struct hl_error *e = hl_error_new();
    struct kernel_image img;
    bool ok = kernel_image_parse(buf, len, &img, e) == -ENOEXEC &&
              strstr(hl_error_cause(e), word) != NULL;

    if (!ok)
        fprintf(stderr, "instead of \"%s\": %s\n", word, hl_error_cause(e));
    hl_error_free(e);
    return ok;
}

static void parse_wrong_kind(void)
{
    struct buffer b = make_elf((struct buffer){calloc(1, 1), 0}), n = {NULL, 0};

    CHECK(says("", 0, "not an ELF"));
    CHECK(says("MZ this is no kernel", 20, "not an ELF"));
    CHECK(says(b.p, b.len, "no Xen notes"));
    b.p[EI_CLASS] = ELFCLASS32;
    CHECK(says(b.p, b.len, "32-bit"));
    b.p[EI_CLASS] = ELFCLASS64;
    b.p[18] = 183; /* e_machine: another */
    CHECK(says(b.p, b.len, "another machine"));
    free(b.p);
    add_number(&n, XEN_ELFNOTE_PHYS32_ENTRY, PADDR);
    b = make_elf(n);
    CHECK(says(b.p, b.len, "PVH"));
    free(b.p);
}

static void parse_bad_notes(void)
{
    static const struct {
        uint32_t type;
        uint64_t value;
    } bad[] = {
        {XEN_ELFNOTE_ENTRY, 0},
        {XEN_ELFNOTE_ENTRY, BASE + PADDR + 0x205000},
        {XEN_ELFNOTE_VIRT_BASE, 0x123},
        {XEN_ELFNOTE_VIRT_BASE, 0xffff800000000000ull - PADDR},
        {XEN_ELFNOTE_VIRT_BASE, 0xfffffffffffff000ull},
        {XEN_ELFNOTE_PADDR_OFFSET, PADDR + 0x100000},
        {XEN_ELFNOTE_PADDR_OFFSET, 0xffffffff00000000ull},
        {XEN_ELFNOTE_HYPERCALL_PAGE, BASE + PADDR + 0x40},
        {XEN_ELFNOTE_HYPERCALL_PAGE, BASE},
        {XEN_ELFNOTE_INIT_P2M, 0x8000000001ull},
    };
    struct kernel_image img;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct buffer n = linux_notes(), b;

        add_number(&n, bad[i].type, bad[i].value); /* the last one counts */
        b = make_elf(n);
        if (kernel_image_parse(b.p, b.len, &img, NULL) != -ENOEXEC)
            fprintf(stderr, "case %zu was accepted\n", i);
        CHECK(kernel_image_parse(b.p, b.len, &img, NULL) == -ENOEXEC);
        free(b.p);
    }
}

/* A buffer of exactly that length, so that ASan sees a read past it. */
static void parse_exactly(const uint8_t *p, size_t len)
{
    uint8_t *copy = malloc(len == 0 ? 1 : len);
    struct kernel_image img;
    uint8_t *mem;

    memcpy(copy, p, len);
    if (kernel_image_parse(copy, len, &img, NULL) == 0 && img.virt_end - img.virt_start < 1 << 24) {
        mem = calloc(1, img.virt_end - img.virt_start);
        kernel_image_load(&img, mem, img.virt_end - img.virt_start, NULL);
        free(mem);
    }
    free(copy);
}

static void parse_truncated(void)
{
    struct buffer b = make_elf(linux_notes()), legacy;
    struct kernel_image img;

    for (size_t n = 0; n < b.len; n += n < 600 || n > 0x3000 ? 1 : 61)
        parse_exactly(b.p, n);
    /* Without all of its notes it may still parse; without all of its data it must not. */
    CHECK(kernel_image_parse(b.p, 0x3000, &img, NULL) == -ENOEXEC);
    free(b.p);
    legacy = make_legacy("VIRT_BASE=0xffffffff80000000,ELF_PADDR_OFFSET=0");
    for (size_t n = 0x3000; n < legacy.len; n++)
        parse_exactly(legacy.p, n);
    free(legacy.p);
}

/* A few, quickly: check-fuzz-kernel goes further. */
static void parse_mutated(void)
{
    static const uint8_t tricky[] = {0, 1, 0x7f, 0x80, 0xff, 0xfe, 4, 0x40};
    struct buffer b[2] = {make_elf(linux_notes()),
                          make_legacy("VIRT_BASE=0xffffffff80000000,ELF_PADDR_OFFSET=0,"
                                      "BSD_SYMTAB=yes,HYPERCALL_PAGE=0x1001")};

    /* check-fuzz-kernel goes on with this. */
    for (int round = 0; round < 600; round++) {
        struct buffer *x = &b[round % 2];
        size_t head = sizeof(Elf64_Ehdr) + 3 * sizeof(Elf64_Phdr);
        uint8_t *copy = malloc(x->len);

        memcpy(copy, x->p, x->len);
        for (unsigned int n = 1 + test_random() % 6; n > 0; n--) {
            size_t tail = x->len - head - 0x3000;
            size_t at = test_random() % (head + tail);

            if (at >= head)
                at += 0x3000; /* headers, notes, sections: where the meaning is */
            copy[at] =
                test_random() % 2 ? (uint8_t)test_random() : tricky[test_random() % sizeof(tricky)];
        }
        parse_exactly(copy, x->len);
        free(copy);
    }
    free(b[0].p);
    free(b[1].p);
}

/* ---- unpacking ---- */

static struct buffer pack_gzip(const struct buffer *in)
{
    struct buffer b = {malloc(in->len + 1000), 0};
    z_stream z = {.next_in = in->p,
                  .avail_in = (uInt)in->len,
                  .next_out = b.p,
                  .avail_out = (uInt)(in->len + 1000)};

    deflateInit2(&z, 9, Z_DEFLATED, 16 + 15, 8, Z_DEFAULT_STRATEGY);
    deflate(&z, Z_FINISH);
    b.len = z.total_out;
    deflateEnd(&z);
    return b;
}

static struct buffer pack_xz(const struct buffer *in)
{
    struct buffer b = {malloc(in->len + 1000), 0};
    lzma_options_lzma options;
    lzma_filter filters[3] = {{LZMA_FILTER_X86, NULL}, {LZMA_FILTER_LZMA2, &options}, {0}};

    filters[2].id = LZMA_VLI_UNKNOWN;
    lzma_lzma_preset(&options, 6);
    if (lzma_stream_buffer_encode(filters, LZMA_CHECK_CRC32, NULL, in->p, in->len, b.p, &b.len,
                                  in->len + 1000) != LZMA_OK)
        abort();
    return b;
}

static struct buffer pack_lzma(const struct buffer *in)
{
    struct buffer b = {malloc(in->len + 1000), 0};
    lzma_stream z = LZMA_STREAM_INIT;
    lzma_options_lzma options;

    lzma_lzma_preset(&options, 6);
    options.dict_size = 1 << 16; /* the magic's fourth byte and on differ by it */
    if (lzma_alone_encoder(&z, &options) != LZMA_OK)
        abort();
    z.next_in = in->p;
    z.avail_in = in->len;
    z.next_out = b.p;
    z.avail_out = in->len + 1000;
    if (lzma_code(&z, LZMA_FINISH) != LZMA_STREAM_END)
        abort();
    b.len = z.total_out;
    lzma_end(&z);
    return b;
}

static struct buffer pack_bzip2(const struct buffer *in)
{
    unsigned int len = (unsigned int)in->len + 1000;
    struct buffer b = {malloc(len), 0};

    BZ2_bzBuffToBuffCompress((char *)b.p, &len, (char *)in->p, (unsigned int)in->len, 9, 0, 0);
    b.len = len;
    return b;
}

static struct buffer pack_zstd(const struct buffer *in)
{
    struct buffer b = {malloc(in->len + 1000), 0};

    b.len = ZSTD_compress(b.p, in->len + 1000, in->p, in->len, 5);
    return b;
}

static struct buffer pack_lz4(const struct buffer *in)
{
    struct buffer b = {malloc(in->len + 1000), 0};

    b.len = LZ4F_compressFrame(b.p, in->len + 1000, in->p, in->len, NULL);
    return b;
}

/* Linux's framing, in blocks of half the size so that there are several. */
static struct buffer pack_lz4_legacy(const struct buffer *in)
{
    struct buffer b = {NULL, 0};
    char *out = malloc(in->len + 1000);

    add(&b, "\x02\x21\x4c\x18", 4);
    for (size_t at = 0; at < in->len;) {
        size_t n = in->len - at > in->len / 2 ? in->len / 2 : in->len - at;
        uint32_t len =
            (uint32_t)LZ4_compress_default((char *)in->p + at, out, (int)n, (int)in->len + 1000);

        add(&b, &len, 4);
        add(&b, out, len);
        at += n;
    }
    free(out);
    return b;
}

static struct buffer pack_none(const struct buffer *in)
{
    struct buffer b = {NULL, 0};

    add(&b, in->p, in->len);
    return b;
}

static const struct {
    struct buffer (*pack)(const struct buffer *);
    enum kernel_compression c;
} formats[] = {
    {pack_none, KERNEL_PLAIN}, {pack_gzip, KERNEL_GZIP},   {pack_xz, KERNEL_XZ},
    {pack_lzma, KERNEL_LZMA},  {pack_bzip2, KERNEL_BZIP2}, {pack_lz4_legacy, KERNEL_LZ4},
    {pack_lz4, KERNEL_LZ4},    {pack_zstd, KERNEL_ZSTD},
};
#define NR_FORMATS (sizeof(formats) / sizeof(formats[0]))

/* A bzImage around a payload, which gets its unpacked size behind it unless it is gzip. */
static struct buffer make_bzimage(struct buffer payload, size_t unpacked, bool gzip)
{
    const uint32_t setup = 3 * 512, inner = 100;
    uint32_t size = (uint32_t)unpacked, length = (uint32_t)payload.len + (gzip ? 0 : 4);
    struct buffer b = {NULL, 0};
    uint8_t *head = calloc(1, setup + inner);

    head[0x1f1] = 2;
    head[0x1fe] = 0x55;
    head[0x1ff] = 0xaa;
    memcpy(head + 0x202, "HdrS", 4);
    head[0x206] = 0x0f;
    head[0x207] = 0x02;
    memcpy(head + 0x248, &inner, 4);
    memcpy(head + 0x24c, &length, 4);
    add(&b, head, setup + inner);
    add(&b, payload.p, payload.len);
    if (!gzip)
        add(&b, &size, 4);
    add(&b, "trailing rubbish", 16);
    free(head);
    free(payload.p);
    return b;
}

static int unpack(const struct buffer *in, enum kernel_compression *c, struct buffer *out)
{
    struct kernel_payload p;
    void *data;
    int rc = kernel_find_payload(in->p, in->len, &p, NULL);

    *out = (struct buffer){NULL, 0};
    if (rc != 0)
        return rc;
    *c = p.compression;
    rc = kernel_unpack(&p, &data, &out->len, NULL);
    out->p = data;
    return rc;
}

static void unpack_all(void)
{
    struct buffer elf = make_elf(linux_notes());

    for (size_t i = 0; i < 2 * NR_FORMATS; i++) {
        struct buffer b = formats[i / 2].pack(&elf), out;
        enum kernel_compression c;

        if (i % 2 == 1)
            b = make_bzimage(b, elf.len, formats[i / 2].c == KERNEL_GZIP);
        CHECK(unpack(&b, &c, &out) == 0);
        CHECK(c == formats[i / 2].c);
        /* A plain payload of a bzImage has the size behind it still. */
        CHECK(out.len >= elf.len && memcmp(out.p, elf.p, elf.len) == 0);
        CHECK(out.len == elf.len || (c == KERNEL_PLAIN && i % 2 == 1));
        free(out.p);
        free(b.p);
    }
    free(elf.p);
}

/* Cut anywhere: an error or (where only the checksum or size is missing) the right data. */
static void unpack_truncated(void)
{
    struct buffer elf = make_elf(linux_notes());

    for (size_t i = 1; i < NR_FORMATS; i++) {
        struct buffer b = formats[i].pack(&elf);

        for (size_t n = 0; n < b.len; n += n < 64 || n + 64 > b.len ? 1 : 97) {
            struct buffer cut = {malloc(n == 0 ? 1 : n), n}, out;
            enum kernel_compression c = KERNEL_UNKNOWN;

            memcpy(cut.p, b.p, n);
            if (unpack(&cut, &c, &out) == 0) {
                /* LZ4's legacy frames have no end mark: whole blocks are a whole file. */
                CHECK(c == KERNEL_LZ4 || out.len == elf.len);
                CHECK(out.len <= elf.len && memcmp(out.p, elf.p, out.len) == 0);
            }
            free(out.p);
            free(cut.p);
        }
        free(b.p);
    }
    free(elf.p);
}

static void unpack_mutated(void)
{
    struct buffer elf = make_elf(linux_notes());

    for (size_t i = 1; i < NR_FORMATS; i++) {
        struct buffer b = make_bzimage(formats[i].pack(&elf), elf.len, false);

        for (int round = 0; round < 20; round++) {
            struct buffer bad = {malloc(b.len), b.len}, out;
            enum kernel_compression c;

            memcpy(bad.p, b.p, b.len);
            for (unsigned int n = 1 + test_random() % 3; n > 0; n--)
                bad.p[round % 3 == 0 ? 0x1f0 + test_random() % 0x60 : test_random() % b.len] =
                    (uint8_t)test_random();
            if (unpack(&bad, &c, &out) == 0)
                parse_exactly(out.p, out.len);
            free(out.p);
            free(bad.p);
        }
        free(b.p);
    }
    free(elf.p);
}

static void unpack_lzo(void)
{
    static const char lzo[] = "\x89LZO\0\r\n\x1a\n and more";
    struct hl_error *e = hl_error_new();
    struct kernel_payload p;
    void *data;
    size_t len;

    CHECK(kernel_find_payload(lzo, sizeof(lzo), &p, NULL) == 0 && p.compression == KERNEL_LZO);
    CHECK(kernel_unpack(&p, &data, &len, e) == -ENOEXEC);
    CHECK(strstr(hl_error_cause(e), "lzo") != NULL && *hl_error_advice(e) != '\0');
    hl_error_free(e);
}

/* A small file that unpacks to more than any kernel. */
static void unpack_bomb(void)
{
    z_stream z = {0};
    struct buffer b = {malloc(4 << 20), 0}, out;
    static uint8_t zero[1 << 20];
    enum kernel_compression c;

    z.next_out = b.p;
    z.avail_out = 4 << 20;
    deflateInit2(&z, 1, Z_DEFLATED, 16 + 15, 8, Z_DEFAULT_STRATEGY);
    for (size_t i = 0; i <= KERNEL_MAX_SIZE >> 20; i++) {
        z.next_in = zero;
        z.avail_in = sizeof(zero);
        deflate(&z, i == KERNEL_MAX_SIZE >> 20 ? Z_FINISH : Z_NO_FLUSH);
    }
    b.len = z.total_out;
    deflateEnd(&z);
    CHECK(unpack(&b, &c, &out) == -EFBIG);
    free(b.p);
}

/* ---- the cache ---- */

static char cache_path[] = "/tmp/hospes-cache-XXXXXX";

static int open_file(const char *path, struct kernel_file *k, const struct buffer *want,
                     bool cached)
{
    int rc = kernel_file_open(path, k, NULL);

    if (rc != 0)
        return rc;
    if (k->size != want->len || memcmp(k->data, want->p, k->size) != 0)
        rc = -EBADMSG;
    else if (k->from_cache != cached)
        rc = -EEXIST;
    kernel_file_close(k);
    return rc;
}

static void write_file(const char *path, const struct buffer *b)
{
    FILE *f = fopen(path, "w");

    fwrite(b->p, 1, b->len, f);
    fclose(f);
}

static unsigned long run(const char *format, const char *arg)
{
    char command[512];
    unsigned long n = 0;
    FILE *f;

    snprintf(command, sizeof(command), format, arg);
    f = popen(command, "r");
    if (f == NULL || fscanf(f, "%lu", &n) != 1)
        n = 0;
    if (f != NULL)
        pclose(f);
    return n;
}

static void cache(void)
{
    struct buffer elf = make_elf(linux_notes()), z = pack_zstd(&elf), g = pack_gzip(&elf);
    char kernel[128], copy[128], plain[128], dir[128];
    struct kernel_file k;

    CHECK(mkdtemp(cache_path) != NULL);
    snprintf(dir, sizeof(dir), "%s/a/cache", cache_path);
    snprintf(kernel, sizeof(kernel), "%s/vmlinuz", cache_path);
    snprintf(copy, sizeof(copy), "%s/copy", cache_path);
    snprintf(plain, sizeof(plain), "%s/vmlinux", cache_path);
    kernel_cache_configure(dir, 0);
    write_file(kernel, &z);
    write_file(copy, &z);
    write_file(plain, &elf);
    CHECK(open_file(kernel, &k, &elf, false) == 0);
    CHECK(open_file(kernel, &k, &elf, true) == 0);
    CHECK(open_file(copy, &k, &elf, true) == 0); /* by content */
    CHECK(open_file(plain, &k, &elf, false) == 0);
    CHECK(open_file(plain, &k, &elf, false) == 0); /* nothing to save */
    CHECK(run("ls %s/*.elf | wc -l", dir) == 1);
    /* Another kernel under the same name. */
    write_file(kernel, &g);
    CHECK(open_file(kernel, &k, &elf, false) == 0);
    CHECK(open_file(kernel, &k, &elf, true) == 0);
    CHECK(run("ls %s/*.elf | wc -l", dir) == 2);
    /* Damage: cut short, a changed byte, emptied; each is noticed, replaced and works again. */
    run("for f in %s/*.elf; do truncate -s -1 $f; done; echo 1", dir);
    CHECK(open_file(kernel, &k, &elf, false) == 0);
    CHECK(open_file(kernel, &k, &elf, true) == 0);
    run("for f in %s/*.elf; do printf X | dd of=$f bs=1 seek=5000 conv=notrunc 2>/dev/null; done;"
        " echo 1",
        dir);
    CHECK(open_file(kernel, &k, &elf, false) == 0);
    run("for f in %s/*.elf; do : >$f; done; echo 1", dir);
    CHECK(open_file(copy, &k, &elf, false) == 0);
    CHECK(open_file(copy, &k, &elf, true) == 0);
    CHECK(run("ls %s/tmp-* 2>/dev/null | wc -l", dir) == 0);
    /* Bounded: two entries do not fit, so the older goes. */
    kernel_cache_configure(dir, elf.len + 1000);
    write_file(kernel, &g);
    CHECK(open_file(kernel, &k, &elf, false) == 0);
    CHECK(run("ls %s/*.elf | wc -l", dir) == 1);
    CHECK(open_file(copy, &k, &elf, false) == 0);
    /* A folder that cannot be: still works. */
    kernel_cache_configure("/dev/null/x", 0);
    CHECK(open_file(kernel, &k, &elf, false) == 0);
    CHECK(kernel_file_open("/nonexistent/kernel", &k, NULL) == -ENOENT);
    CHECK(kernel_file_open("/tmp", &k, NULL) == -EISDIR);
    CHECK(kernel_file_open("/dev/zero", &k, NULL) != 0);
    kernel_cache_configure(NULL, 0);
    run("rm -rf %s; echo 1", cache_path);
    free(elf.p);
    free(z.p);
    free(g.p);
}

/* ---- the layout ---- */

static bool disjoint(uint64_t a, uint64_t n, uint64_t b, uint64_t m)
{
    return n == 0 || m == 0 || a + n <= b || b + m <= a;
}

static void check_layout(const struct pv_layout *l)
{
    const uint64_t part[][2] = {
        {l->kernel_pfn, l->kernel_pages},
        {l->ramdisk_pfn, l->ramdisk_pages},
        {l->p2m_pfn, l->p2m_pages + l->p2m_table_pages},
        {l->start_info_pfn, 1},
        {l->store_pfn, 1},
        {l->console_pfn, 1},
        {l->tables_pfn, l->nr_tables},
        {l->stack_pfn, 1},
    };
    const size_t n = sizeof(part) / sizeof(part[0]);
    uint64_t end_va = l->virt_base + l->mapped_end * 4096, apart = l->p2m_va;

    for (size_t i = 0; i < n; i++) {
        CHECK(part[i][0] + part[i][1] <= l->end && l->end <= l->nr_pages);
        for (size_t j = 0; j < i; j++)
            CHECK(disjoint(part[i][0], part[i][1], part[j][0], part[j][1]));
    }
    CHECK(end_va % (4 << 20) == 0 && l->mapped_end - l->used_end >= 128);
    CHECK(l->stack_pfn < l->used_end && l->p2m_pages * 512 >= l->nr_pages);
    CHECK(l->ramdisk_mapped == (l->ramdisk_pfn < l->mapped_end && l->ramdisk_pages != 0));
    /* Each address of both ranges has a table on each level, and only these are tables. */
    for (uint64_t pfn = 0; pfn < l->mapped_end; pfn += 512) {
        for (unsigned int level = 1; level <= 4; level++) {
            uint64_t t = pv_layout_table(l, level, l->virt_base + pfn * 4096);

            CHECK(t >= l->tables_pfn && t < l->tables_pfn + l->nr_tables);
            CHECK(pv_layout_is_table(l, t));
        }
    }
    for (uint64_t i = 0; l->p2m_apart && i < l->p2m_pages; i++)
        for (unsigned int level = 1; level <= 4; level++)
            CHECK(pv_layout_is_table(l, pv_layout_table(l, level, apart + i * 4096)));
    CHECK(!pv_layout_is_table(l, l->stack_pfn) && !pv_layout_is_table(l, l->p2m_pfn));
    CHECK(!pv_layout_is_table(l, l->start_info_pfn));
}

static void layouts(void)
{
    static const uint64_t p2m_at[] = {KERNEL_UNSET,          0x8000000000ull,
                                      0xffffff8000000000ull, 0xffffffff00000000ull,
                                      0xffffffffc0000000ull, 0x1000};
    static const uint64_t sizes[] = {1, 4096, 5ull << 20, 70ull << 20, 300ull << 20};
    static const uint64_t pages[] = {65536, 131072, 262144 + 1, 4u << 20};
    struct kernel_image img = {.virt_base = BASE};
    unsigned int made = 0;

    for (unsigned int i = 0; i < 6 * 5 * 5 * 4 * 2; i++) {
        uint64_t kernel = sizes[i / 6 % 5], disk = sizes[i / 30 % 5];
        struct pv_layout l;

        img.init_p2m = p2m_at[i % 6];
        img.virt_start = BASE + PADDR;
        img.virt_end = img.virt_start + kernel;
        img.mod_start_pfn = i / 600 != 0;
        if (disk == 1)
            disk = 0;
        if (pv_layout_make(&l, &img, disk, pages[i / 150 % 4], NULL) != 0)
            continue;
        made++;
        check_layout(&l);
        if (test_failed)
            return;
    }
    CHECK(made > 1000);
}

static void layouts_refused(void)
{
    struct hl_error *e = hl_error_new();
    struct kernel_image img = {
        .virt_base = BASE,
        .virt_start = BASE + PADDR,
        .virt_end = BASE + PADDR + (40 << 20),
        .init_p2m = 0x8000000000ull,
    };
    struct pv_layout l;

    CHECK(pv_layout_make(&l, &img, 0, 8192, e) == -ENOMEM);
    CHECK(strstr(hl_error_cause(e), "32 MiB") != NULL);
    CHECK(pv_layout_make(&l, &img, 0, 65536, e) == 0);
    img.init_p2m = 0xffff800000000000ull; /* the hypervisor's */
    CHECK(pv_layout_make(&l, &img, 0, 65536, e) == -ENOEXEC);
    img.init_p2m = 0x0000900000000000ull; /* not canonical */
    CHECK(pv_layout_make(&l, &img, 0, 65536, e) == -ENOEXEC);
    img.init_p2m = BASE + PADDR; /* in itself */
    CHECK(pv_layout_make(&l, &img, 0, 65536, e) == -ENOEXEC);
    img.init_p2m = 0xfffffffffffff000ull;
    CHECK(pv_layout_make(&l, &img, 0, 65536, e) == -ENOEXEC);
    img.init_p2m = 0x8000000000ull;
    CHECK(pv_layout_make(&l, &img, UINT64_MAX, 65536, e) == -EINVAL);
    CHECK(pv_layout_make(&l, &img, 3ull << 30, 1 << 24, e) == -ENOEXEC); /* past the top */
    img.mod_start_pfn = true;
    CHECK(pv_layout_make(&l, &img, 3ull << 30, 1 << 24, e) == 0);
    hl_error_free(e);
}

/* ---- the real one ---- */

static void debian(void)
{
    static const char path[] = "build/lab/kernel/vmlinuz";
    struct kernel_image img;
    struct kernel_payload p;
    void *packed, *data;
    size_t size, len;

    if (file_read_all(path, 1 << 30, &packed, &size) != 0) {
        test_skip("the lab has no kernel yet");
        return;
    }
    CHECK(kernel_find_payload(packed, size, &p, NULL) == 0);
    CHECK(p.bzimage && p.compression == KERNEL_XZ);
    CHECK(kernel_unpack(&p, &data, &len, NULL) == 0);
    CHECK(len == p.size_hint);
    CHECK(kernel_image_parse(data, len, &img, NULL) == 0);
    CHECK_STR(img.guest_os, "linux");
    CHECK(img.virt_base == BASE && img.init_p2m == 0x8000000000ull && img.mod_start_pfn);
    CHECK(img.hypercall_page == KERNEL_UNSET && img.suspend_cancel);
    CHECK(img.hv_start_low == 0xffff800000000000ull && img.phys32_entry != KERNEL_UNSET);
    CHECK((img.features_supported & 0x8801) == 0x8801);
    free(packed);
    free(data);
}

int main(void)
{
    static const struct test tests[] = {
        {"parse_good", parse_good},
        {"load_good", load_good},
        {"load_wrapped", load_wrapped},
        {"parse_legacy", parse_legacy},
        {"symbols", symbols},
        {"parse_wrong_kind", parse_wrong_kind},
        {"parse_bad_notes", parse_bad_notes},
        {"parse_truncated", parse_truncated},
        {"parse_mutated", parse_mutated},
        {"unpack_all", unpack_all},
        {"unpack_truncated", unpack_truncated},
        {"unpack_mutated", unpack_mutated},
        {"unpack_lzo", unpack_lzo},
        {"unpack_bomb", unpack_bomb},
        {"cache", cache},
        {"layouts", layouts},
        {"layouts_refused", layouts_refused},
        {"debian", debian},
    };

    return test_run("toolstack_kernel", tests, sizeof(tests) / sizeof(tests[0]));
}
