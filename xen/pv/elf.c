/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The contract is in elf.h. Every offset of the image is checked against its length. */
#include "pv/elf.h"
#include "hypercalls/abi/elfnote.h"
#include "lib/lib.h"

struct ehdr {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, phoff, shoff;
    uint32_t flags;
    uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
struct phdr {
    uint32_t type, flags;
    uint64_t offset, vaddr, paddr, filesz, memsz, align;
};
struct shdr {
    uint32_t name, type;
    uint64_t flags, addr, offset, size;
    uint32_t link, info;
    uint64_t addralign, entsize;
};
struct note {
    uint32_t namesz, descsz, type;
};
#define PT_LOAD  1
#define PT_NOTE  4
#define SHT_NOTE 7

static bool in_image(const struct elf_kernel *k, uint64_t off, uint64_t n)
{
    return off <= k->len && n <= k->len - off;
}

static uint64_t note_number(const uint8_t *desc, uint32_t size)
{
    uint64_t v = 0;

    memcpy(&v, desc, MIN(size, 8u));
    return v;
}

static void read_note(struct elf_kernel *k, uint32_t type, const uint8_t *desc, uint32_t size)
{
    uint64_t v = note_number(desc, size);

    k->has_xen_notes = true;
    switch (type) {
    case XEN_ELFNOTE_ENTRY: k->entry = v; break;
    case XEN_ELFNOTE_HYPERCALL_PAGE: k->hypercall_page = v; break;
    case XEN_ELFNOTE_VIRT_BASE: k->virt_base = v; break;
    case XEN_ELFNOTE_PADDR_OFFSET: k->paddr_offset = v; break;
    case XEN_ELFNOTE_INIT_P2M: k->init_p2m = v; break;
    case XEN_ELFNOTE_HV_START_LOW: k->hv_start_low = v; break;
    case XEN_ELFNOTE_MOD_START_PFN: k->mod_start_pfn = v; break;
    case XEN_ELFNOTE_GUEST_OS:
        hv_copy_text(k->guest_os, sizeof(k->guest_os), (const char *)desc, size);
        break;
    case XEN_ELFNOTE_LOADER:
        hv_copy_text(k->loader, sizeof(k->loader), (const char *)desc, size);
        break;
    }
}

static void read_notes(struct elf_kernel *k, uint64_t off, uint64_t size)
{
    if (!in_image(k, off, size))
        return;
    for (uint64_t end = off + size; end - off >= sizeof(struct note);) {
        struct note n;
        memcpy(&n, k->image + off, sizeof(n));
        off += sizeof(n);
        uint64_t name_len = ROUND_UP((uint64_t)n.namesz, 4),
                 desc_len = ROUND_UP((uint64_t)n.descsz, 4);
        if (name_len > end - off || desc_len > end - off - name_len)
            return;
        if (n.namesz == 4 && !memcmp(k->image + off, "Xen", 4))
            read_note(k, n.type, k->image + off + name_len, n.descsz);
        off += name_len + desc_len;
    }
}

static int fail(const char *what)
{
    printk(LOG_ERR "Domain 0 kernel: %s\n", what);
    return -EINVAL;
}

/* Headers are copied out: nothing says that they are aligned. */
static struct ehdr elf_header(const struct elf_kernel *k)
{
    struct ehdr h;

    memcpy(&h, k->image, sizeof(h));
    return h;
}

static struct phdr program_header(const struct elf_kernel *k, uint64_t phoff, unsigned int i)
{
    struct phdr p;

    memcpy(&p, k->image + phoff + i * sizeof(p), sizeof(p));
    return p;
}

static void read_note_sections(struct elf_kernel *k, const struct ehdr *h)
{
    if (h->shentsize != sizeof(struct shdr) ||
        !in_image(k, h->shoff, (uint64_t)h->shnum * sizeof(struct shdr)))
        return;
    for (unsigned int i = 0; i < h->shnum; i++) {
        struct shdr s;
        memcpy(&s, k->image + h->shoff + i * sizeof(s), sizeof(s));
        if (s.type == SHT_NOTE)
            read_notes(k, s.offset, s.size);
    }
}

int elf_parse(struct elf_kernel *k, const void *image, size_t len)
{
    struct ehdr h;

    memset(k, 0, sizeof(*k));
    k->image = image;
    k->len = len;
    k->virt_base = k->paddr_offset = k->entry = k->hypercall_page = ELF_NO_VALUE;
    k->init_p2m = k->hv_start_low = k->mod_start_pfn = ELF_NO_VALUE;
    if (len < sizeof(h) || memcmp(image, "\177ELF\2\1", 6))
        return fail("not a 64-bit little-endian ELF file");
    h = elf_header(k);
    if (h.machine != 62)
        return fail("not for x86-64");
    if (h.phentsize != sizeof(struct phdr) ||
        !in_image(k, h.phoff, (uint64_t)h.phnum * sizeof(struct phdr)))
        return fail("damaged program headers");

    uint64_t lo = ~0ull, hi = 0;
    bool notes_in_segments = false;
    for (unsigned int i = 0; i < h.phnum; i++) {
        struct phdr p = program_header(k, h.phoff, i);
        if (p.type == PT_NOTE) {
            read_notes(k, p.offset, p.filesz);
            notes_in_segments = true;
        }
        if (p.type != PT_LOAD || !p.memsz)
            continue;
        if (p.filesz > p.memsz || !in_image(k, p.offset, p.filesz) || p.paddr + p.memsz < p.paddr)
            return fail("damaged segment");
        lo = MIN(lo, p.paddr);
        hi = MAX(hi, p.paddr + p.memsz);
    }
    if (!notes_in_segments)
        read_note_sections(k, &h);
    if (!k->has_xen_notes)
        return fail("no Xen ELF notes: it was built without support for PV guests");
    if (k->loader[0] && strcmp(k->loader, "generic"))
        return fail("its LOADER note asks for something else than \"generic\"");
    if (lo >= hi)
        return fail("nothing to load");
    if (k->virt_base == ELF_NO_VALUE)
        k->virt_base = 0;
    if (k->paddr_offset == ELF_NO_VALUE)
        k->paddr_offset = 0;
    if (k->entry == ELF_NO_VALUE)
        k->entry = h.entry;
    k->vstart = lo - k->paddr_offset + k->virt_base;
    k->vend = hi - k->paddr_offset + k->virt_base;
    if (k->vend < k->vstart || k->vstart < k->virt_base || k->vend - k->virt_base > GB(1))
        return fail("its segments do not fit the address space that its notes describe");
    if (k->entry < k->vstart || k->entry >= k->vend)
        return fail("its entry lies outside its segments");
    return 0;
}

int elf_load(const struct elf_kernel *k,
             int (*fn)(void *arg, uint64_t vaddr, const void *src, size_t n, size_t total),
             void *arg)
{
    struct ehdr h = elf_header(k);
    int rc = 0;

    for (unsigned int i = 0; i < h.phnum && !rc; i++) {
        struct phdr p = program_header(k, h.phoff, i);
        if (p.type == PT_LOAD && p.memsz)
            rc = fn(arg, p.paddr - k->paddr_offset + k->virt_base, k->image + p.offset, p.filesz,
                    p.memsz);
    }
    return rc;
}
