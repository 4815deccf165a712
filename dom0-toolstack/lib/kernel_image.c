/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ELF kernels: program headers, Xen's notes and the older __xen_guest section, and what follows for
 * the layout of a PV domain. See kernel_image.h. All reads of the image go through at(), which checks
 * the range, and copy the structure out, so alignment does not matter.
 */
#include "dom0-toolstack/lib/kernel_image.h"

#include <ctype.h>
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dom0-toolstack/lib/error.h"
#include "hypercalls/abi/elfnote.h"
#include "hypercalls/abi/features.h"

#define MAX_SECTIONS 4096u
#define MAX_SPAN     ((uint64_t)1 << 31) /* biggest image in memory */

/* The hole that belongs to the hypervisor in every 64-bit PV address space. */
#define HOLE_START 0xffff800000000000ull
#define HOLE_END   0xffff880000000000ull

static const char step[] = "read the kernel";

/* One parse: the image so far, the file, and where to put the reason of a failure. */
struct parse {
    struct kernel_image *img;
    const uint8_t *buf;
    size_t len;
    Elf64_Ehdr eh;
    struct hl_error *e;
};

static int bad(struct parse *p, const char *cause)
{
    return hl_fail(p->e, ENOEXEC, step, NULL, "%s", cause);
}

/* The `size` bytes at `offset`, or NULL when they are not all in the file. */
static const uint8_t *at(const struct parse *p, uint64_t offset, uint64_t size)
{
    if (offset > p->len || size > p->len - offset)
        return NULL;
    return p->buf + offset;
}

static uint64_t round_up(uint64_t v, uint64_t unit)
{
    return (v + unit - 1) & ~(unit - 1);
}

/* ---- values of notes ---- */

static uint64_t note_number(const uint8_t *desc, uint32_t size)
{
    uint64_t v = 0;

    if (size == 0 || size > 8)
        return KERNEL_UNSET;
    memcpy(&v, desc, size); /* little-endian, as x86 is */
    return v;
}

static void note_text(char *to, size_t to_size, const uint8_t *desc, size_t size)
{
    size_t n = strnlen((const char *)desc, size);

    if (n >= to_size)
        n = to_size - 1;
    memcpy(to, desc, n);
    to[n] = '\0';
    for (size_t i = 0; i < n; i++)
        if (!isprint((unsigned char)to[i]))
            to[i] = '?';
}

static const char *const feature_names[] = {
    [XENFEAT_writable_page_tables] = "writable_page_tables",
    [XENFEAT_writable_descriptor_tables] = "writable_descriptor_tables",
    [XENFEAT_auto_translated_physmap] = "auto_translated_physmap",
    [XENFEAT_supervisor_mode_kernel] = "supervisor_mode_kernel",
    [XENFEAT_pae_pgdir_above_4gb] = "pae_pgdir_above_4gb",
    [XENFEAT_mmu_pt_update_preserve_ad] = "mmu_pt_update_preserve_ad",
    [XENFEAT_highmem_assist] = "highmem_assist",
    [XENFEAT_gnttab_map_avail_bits] = "gnttab_map_avail_bits",
    [XENFEAT_hvm_callback_vector] = "hvm_callback_vector",
    [XENFEAT_hvm_safe_pvclock] = "hvm_safe_pvclock",
    [XENFEAT_hvm_pirqs] = "hvm_pirqs",
    [XENFEAT_dom0] = "dom0",
};

/* "a|!b|c": each is supported, one after an exclamation mark is required as well. */
static void note_features(struct kernel_image *img, const uint8_t *desc, size_t size)
{
    const char *p = (const char *)desc, *end = p + strnlen(p, size);

    while (p < end) {
        const char *stop = memchr(p, '|', (size_t)(end - p));
        bool required = *p == '!';
        size_t n;

        if (stop == NULL)
            stop = end;
        if (required)
            p++;
        n = (size_t)(stop - p);
        for (size_t i = 0; i < sizeof(feature_names) / sizeof(feature_names[0]); i++) {
            if (feature_names[i] == NULL || strlen(feature_names[i]) != n ||
                memcmp(feature_names[i], p, n) != 0)
                continue;
            img->features_supported |= 1ull << i;
            if (required)
                img->features_required |= 1ull << i;
        }
        p = stop + 1;
    }
}

static void note_l1_valid(struct kernel_image *img, const uint8_t *desc, uint32_t size)
{
    /* Pairs of mask and value, of either word size; the first pair is all that is ever used. */
    if (size >= 16 && size % 16 == 0) {
        img->l1_mfn_mask = note_number(desc, 8);
        img->l1_mfn_value = note_number(desc + 8, 8);
    } else if (size >= 8) {
        img->l1_mfn_mask = note_number(desc, 4);
        img->l1_mfn_value = note_number(desc + 4, 4);
    }
}

static bool text_is(const uint8_t *desc, uint32_t size, const char *word)
{
    return strnlen((const char *)desc, size) >= strlen(word) &&
           memcmp(desc, word, strlen(word)) == 0;
}

static void take_note(struct kernel_image *img, uint32_t type, const uint8_t *desc, uint32_t size)
{
    uint64_t number = note_number(desc, size);

    img->has_notes = true;
    switch (type) {
    case XEN_ELFNOTE_ENTRY: img->entry = number; break;
    case XEN_ELFNOTE_HYPERCALL_PAGE: img->hypercall_page = number; break;
    case XEN_ELFNOTE_VIRT_BASE: img->virt_base = number; break;
    case XEN_ELFNOTE_PADDR_OFFSET: img->paddr_offset = number; break;
    case XEN_ELFNOTE_HV_START_LOW: img->hv_start_low = number; break;
    case XEN_ELFNOTE_INIT_P2M: img->init_p2m = number; break;
    case XEN_ELFNOTE_PHYS32_ENTRY: img->phys32_entry = number; break;
    case XEN_ELFNOTE_MOD_START_PFN:
        img->mod_start_pfn = number != 0 && number != KERNEL_UNSET;
        break;
    case XEN_ELFNOTE_SUSPEND_CANCEL:
        img->suspend_cancel = number != 0 && number != KERNEL_UNSET;
        break;
    case XEN_ELFNOTE_SUPPORTED_FEATURES:
        if (number != KERNEL_UNSET)
            img->features_supported |= number;
        break;
    case XEN_ELFNOTE_FEATURES: note_features(img, desc, size); break;
    case XEN_ELFNOTE_L1_MFN_VALID: note_l1_valid(img, desc, size); break;
    case XEN_ELFNOTE_PAE_MODE: img->pae = text_is(desc, size, "yes"); break;
    case XEN_ELFNOTE_BSD_SYMTAB: img->bsd_symtab = text_is(desc, size, "yes"); break;
    case XEN_ELFNOTE_GUEST_OS: note_text(img->guest_os, sizeof(img->guest_os), desc, size); break;
    case XEN_ELFNOTE_GUEST_VERSION:
        note_text(img->guest_version, sizeof(img->guest_version), desc, size);
        break;
    case XEN_ELFNOTE_XEN_VERSION:
        note_text(img->xen_version, sizeof(img->xen_version), desc, size);
        break;
    case XEN_ELFNOTE_LOADER: note_text(img->loader, sizeof(img->loader), desc, size); break;
    default: break; /* newer or informational */
    }
}

/* All notes of one segment or section; a broken one ends the list. */
static void take_notes(struct parse *p, uint64_t offset, uint64_t size)
{
    const uint8_t *n = at(p, offset, size);
    uint64_t left = size;

    if (n == NULL)
        return;
    while (left >= sizeof(Elf64_Nhdr)) {
        Elf64_Nhdr h;
        uint64_t name, total;

        memcpy(&h, n, sizeof(h));
        name = sizeof(h) + round_up(h.n_namesz, 4);
        total = name + round_up(h.n_descsz, 4);
        /* The last description may lack its padding. */
        if (name + h.n_descsz > left)
            return;
        if (h.n_namesz == 4 && memcmp(n + sizeof(h), "Xen", 4) == 0)
            take_note(p->img, h.n_type, n + name, h.n_descsz);
        if (total >= left)
            return;
        n += total;
        left -= total;
    }
}

/* ---- the older section ---- */

static void take_legacy_pair(struct kernel_image *img, const char *key, const char *value,
                             uint64_t *hypercall_pfn, bool *paddr_given)
{
    uint64_t number = strtoull(value, NULL, 0);
    const uint8_t *text = (const uint8_t *)value;
    uint32_t len = (uint32_t)strlen(value);

    if (strcmp(key, "VIRT_BASE") == 0)
        img->virt_base = number;
    else if (strcmp(key, "VIRT_ENTRY") == 0)
        img->entry = number;
    else if (strcmp(key, "ELF_PADDR_OFFSET") == 0)
        img->paddr_offset = number, *paddr_given = true;
    else if (strcmp(key, "HYPERCALL_PAGE") == 0)
        *hypercall_pfn = number;
    else if (strcmp(key, "FEATURES") == 0)
        note_features(img, text, len);
    else if (strcmp(key, "PAE") == 0)
        img->pae = strncmp(value, "yes", 3) == 0;
    else if (strcmp(key, "BSD_SYMTAB") == 0)
        img->bsd_symtab = true;
    else if (strcmp(key, "GUEST_OS") == 0)
        note_text(img->guest_os, sizeof(img->guest_os), text, len);
    else if (strcmp(key, "GUEST_VER") == 0)
        note_text(img->guest_version, sizeof(img->guest_version), text, len);
    else if (strcmp(key, "XEN_VER") == 0)
        note_text(img->xen_version, sizeof(img->xen_version), text, len);
    else if (strcmp(key, "LOADER") == 0)
        note_text(img->loader, sizeof(img->loader), text, len);
}

/* "KEY=value,KEY=value,KEY": virtual addresses, but the hypercall page as a frame number. */
static void take_legacy(struct parse *p, uint64_t offset, uint64_t size)
{
    const uint8_t *data = at(p, offset, size);
    uint64_t hypercall_pfn = KERNEL_UNSET;
    bool paddr_given = false;
    char text[1024], *save = NULL;
    size_t n;

    if (data == NULL)
        return;
    n = strnlen((const char *)data, size < sizeof(text) - 1 ? size : sizeof(text) - 1);
    memcpy(text, data, n);
    text[n] = '\0';
    p->img->has_notes = p->img->legacy = true;
    for (char *w = strtok_r(text, ",", &save); w != NULL; w = strtok_r(NULL, ",", &save)) {
        char *value = strchr(w, '=');

        if (value != NULL)
            *value++ = '\0';
        take_legacy_pair(p->img, w, value == NULL ? "" : value, &hypercall_pfn, &paddr_given);
    }
    /* Such kernels have virtual addresses in p_paddr. */
    if (!paddr_given)
        p->img->paddr_offset = p->img->virt_base;
    if (hypercall_pfn != KERNEL_UNSET && hypercall_pfn < MAX_SPAN >> 12)
        p->img->hypercall_page = p->img->virt_base + (hypercall_pfn << 12);
}

/* ---- headers ---- */

static int read_header(struct parse *p)
{
    const uint8_t *h = at(p, 0, EI_NIDENT);

    if (h == NULL || memcmp(h, ELFMAG, SELFMAG) != 0)
        return bad(p, "it is not an ELF file");
    if (h[EI_CLASS] == ELFCLASS32) {
        p->img->bits = 32;
        bad(p, "it is a 32-bit kernel, and PV domains are 64-bit here");
        hl_error_advise(p->e, "use an amd64 kernel");
        return -ENOEXEC;
    }
    if (h[EI_CLASS] != ELFCLASS64 || h[EI_DATA] != ELFDATA2LSB)
        return bad(p, "it is not a 64-bit little-endian ELF file");
    h = at(p, 0, sizeof(p->eh));
    if (h == NULL)
        return bad(p, "its ELF header is cut short");
    memcpy(&p->eh, h, sizeof(p->eh));
    if (p->eh.e_machine != EM_X86_64)
        return bad(p, "it is for another machine than x86-64");
    if (p->eh.e_type != ET_EXEC && p->eh.e_type != ET_DYN)
        return bad(p, "it is not an executable ELF file");
    if (p->eh.e_phnum == 0 || p->eh.e_phentsize != sizeof(Elf64_Phdr))
        return bad(p, "it has no program headers");
    if (at(p, p->eh.e_phoff, (uint64_t)p->eh.e_phnum * sizeof(Elf64_Phdr)) == NULL)
        return bad(p, "its program headers lie beyond its end: the file is cut short");
    return 0;
}

static Elf64_Phdr program_header(const struct parse *p, unsigned int i)
{
    Elf64_Phdr ph;

    memcpy(&ph, at(p, p->eh.e_phoff + i * sizeof(ph), sizeof(ph)), sizeof(ph));
    return ph;
}

static int read_segments(struct parse *p)
{
    struct kernel_image *img = p->img;

    for (unsigned int i = 0; i < p->eh.e_phnum; i++) {
        Elf64_Phdr ph = program_header(p, i);

        if (ph.p_type != PT_LOAD || ph.p_memsz == 0)
            continue;
        if (img->nr_segments == KERNEL_MAX_SEGMENTS)
            return bad(p, "it has too many segments");
        if (ph.p_filesz > ph.p_memsz || at(p, ph.p_offset, ph.p_filesz) == NULL)
            return bad(p, "a segment lies beyond its end: the file is cut short");
        if (ph.p_memsz > MAX_SPAN || ph.p_paddr > UINT64_MAX - ph.p_memsz)
            return bad(p, "a segment is too big");
        img->segments[img->nr_segments++] = (struct kernel_segment){
            .offset = ph.p_offset,
            .file_size = ph.p_filesz,
            .paddr = ph.p_paddr,
            .mem_size = ph.p_memsz,
        };
    }
    if (img->nr_segments == 0)
        return bad(p, "it has nothing to load");
    return 0;
}

static unsigned int section_count(const struct parse *p)
{
    if (p->eh.e_shoff == 0 || p->eh.e_shentsize != sizeof(Elf64_Shdr) ||
        p->eh.e_shnum > MAX_SECTIONS)
        return 0;
    if (at(p, p->eh.e_shoff, (uint64_t)p->eh.e_shnum * sizeof(Elf64_Shdr)) == NULL)
        return 0;
    return p->eh.e_shnum;
}

static Elf64_Shdr section(const struct parse *p, unsigned int i)
{
    Elf64_Shdr sh;

    memcpy(&sh, at(p, p->eh.e_shoff + i * sizeof(sh), sizeof(sh)), sizeof(sh));
    return sh;
}

static bool section_is_named(const struct parse *p, const Elf64_Shdr *sh, const char *name)
{
    Elf64_Shdr strings;
    const uint8_t *text;
    size_t n = strlen(name) + 1;

    if (p->eh.e_shstrndx >= section_count(p))
        return false;
    strings = section(p, p->eh.e_shstrndx);
    if (strings.sh_size < n || sh->sh_name > strings.sh_size - n)
        return false;
    text = at(p, strings.sh_offset, strings.sh_size);
    return text != NULL && memcmp(text + sh->sh_name, name, n) == 0;
}

/* Notes in program headers; else in sections; else the older section. */
static void read_notes(struct parse *p)
{
    unsigned int nr = section_count(p);

    for (unsigned int i = 0; i < p->eh.e_phnum; i++) {
        Elf64_Phdr ph = program_header(p, i);

        if (ph.p_type == PT_NOTE)
            take_notes(p, ph.p_offset, ph.p_filesz);
    }
    for (unsigned int i = 0; i < nr && !p->img->has_notes; i++) {
        Elf64_Shdr sh = section(p, i);

        if (sh.sh_type == SHT_NOTE)
            take_notes(p, sh.sh_offset, sh.sh_size);
    }
    for (unsigned int i = 0; i < nr && !p->img->has_notes; i++) {
        Elf64_Shdr sh = section(p, i);

        if (sh.sh_type != SHT_NOBITS && section_is_named(p, &sh, "__xen_guest"))
            take_legacy(p, sh.sh_offset, sh.sh_size);
    }
}

/* ---- what follows ---- */

/* Where a segment goes in the domain's virtual memory; sums wrap on purpose and are checked after. */
static uint64_t segment_va(const struct kernel_image *img, const struct kernel_segment *s)
{
    return s->paddr - img->paddr_offset + img->virt_base;
}

/*
 * Ascending by where they go: that need not be the order of their p_paddr, whose distance may wrap
 * around. False if two overlap. Ends do not wrap.
 */
static bool sort_segments(struct kernel_image *img)
{
    struct kernel_segment *s = img->segments;

    for (unsigned int i = 1; i < img->nr_segments; i++)
        for (unsigned int j = i; j > 0 && segment_va(img, &s[j]) < segment_va(img, &s[j - 1]);
             j--) {
            struct kernel_segment t = s[j];

            s[j] = s[j - 1];
            s[j - 1] = t;
        }
    for (unsigned int i = 1; i < img->nr_segments; i++)
        if (segment_va(img, &s[i]) - segment_va(img, &s[i - 1]) < s[i - 1].mem_size)
            return false;
    return true;
}

static int place(struct parse *p)
{
    struct kernel_image *img = p->img;

    if (img->virt_base % 4096 != 0)
        return bad(p, "its VIRT_BASE is not the start of a page");
    img->virt_start = UINT64_MAX;
    img->virt_end = 0;
    for (unsigned int i = 0; i < img->nr_segments; i++) {
        uint64_t va = segment_va(img, &img->segments[i]);
        uint64_t end = va + img->segments[i].mem_size;

        if (va < img->virt_base || va - img->virt_base > MAX_SPAN || end < va)
            return bad(p, "a segment lies outside the range that VIRT_BASE begins");
        if (va < img->virt_start)
            img->virt_start = va;
        if (end > img->virt_end)
            img->virt_end = end;
    }
    if (img->virt_end - img->virt_base > MAX_SPAN)
        return bad(p, "it needs more than 2 GiB when loaded");
    if (!sort_segments(img))
        return bad(p, "two of its segments overlap");
    if (img->virt_start < HOLE_END && img->virt_end > HOLE_START)
        return bad(p, "it wants addresses that belong to the hypervisor");
    if (img->entry < img->virt_start || img->entry >= img->virt_end)
        return bad(p, "its entry point lies outside of it");
    if (img->hypercall_page != KERNEL_UNSET &&
        (img->hypercall_page % 4096 != 0 || img->hypercall_page < img->virt_start ||
         img->hypercall_page >= img->virt_end))
        return bad(p, "its hypercall page lies outside of it");
    if (img->init_p2m != KERNEL_UNSET && img->init_p2m % 4096 != 0)
        return bad(p, "its INIT_P2M is not the start of a page");
    return 0;
}

/* ---- BSD's symbol table behind the image ---- */

struct symbols {
    Elf64_Shdr table, strings;
};

/* The layout: a 32-bit size, an ELF header with three section headers, symbols, strings. */
struct __attribute__((packed)) symbol_header {
    uint32_t size;
    Elf64_Ehdr eh;
    Elf64_Shdr sections[3];
};

static bool find_symbols(const struct parse *p, struct symbols *s)
{
    unsigned int nr = section_count(p);

    for (unsigned int i = 0; i < nr; i++) {
        s->table = section(p, i);
        if (s->table.sh_type != SHT_SYMTAB || s->table.sh_link >= nr)
            continue;
        s->strings = section(p, s->table.sh_link);
        return s->strings.sh_type == SHT_STRTAB && s->table.sh_size < MAX_SPAN / 4 &&
               s->strings.sh_size < MAX_SPAN / 4 &&
               at(p, s->table.sh_offset, s->table.sh_size) != NULL &&
               at(p, s->strings.sh_offset, s->strings.sh_size) != NULL;
    }
    return false;
}

static uint64_t symbols_size(const struct symbols *s)
{
    return sizeof(struct symbol_header) + round_up(s->table.sh_size, 8) +
           round_up(s->strings.sh_size, 8);
}

static void reserve_symbols(struct parse *p)
{
    struct symbols s;

    if (!p->img->bsd_symtab || !find_symbols(p, &s))
        return;
    p->img->symtab_size = round_up(p->img->virt_end, 8) - p->img->virt_end + symbols_size(&s);
    p->img->virt_end += p->img->symtab_size;
}

static void load_symbols(const struct kernel_image *img, uint8_t *dest)
{
    struct parse p = {.buf = img->elf, .len = img->elf_len};
    struct symbol_header h;
    struct symbols s;
    uint64_t table_at = sizeof(h) - sizeof(h.size), strings_at;

    memcpy(&p.eh, img->elf, sizeof(p.eh));
    if (!find_symbols(&p, &s))
        return;
    strings_at = table_at + round_up(s.table.sh_size, 8);
    memset(&h, 0, sizeof(h));
    h.size = (uint32_t)(symbols_size(&s) - sizeof(h.size));
    h.eh = p.eh;
    h.eh.e_phoff = h.eh.e_phnum = h.eh.e_phentsize = 0;
    h.eh.e_shoff = sizeof(Elf64_Ehdr);
    h.eh.e_shnum = 3;
    h.eh.e_shstrndx = 0;
    h.sections[1] = s.table;
    h.sections[1].sh_offset = table_at;
    h.sections[1].sh_link = 2;
    h.sections[2] = s.strings;
    h.sections[2].sh_offset = strings_at;
    memcpy(dest, &h, sizeof(h));
    memcpy(dest + sizeof(h.size) + table_at, img->elf + s.table.sh_offset, s.table.sh_size);
    memcpy(dest + sizeof(h.size) + strings_at, img->elf + s.strings.sh_offset, s.strings.sh_size);
}

/* ---- public ---- */

int kernel_image_parse(const void *buf, size_t len, struct kernel_image *img, struct hl_error *e)
{
    struct parse p = {.img = img, .buf = buf, .len = len, .e = e};
    int rc;

    memset(img, 0, sizeof(*img));
    img->elf = buf;
    img->elf_len = len;
    img->bits = 64;
    img->entry = img->hypercall_page = img->init_p2m = KERNEL_UNSET;
    img->hv_start_low = img->phys32_entry = KERNEL_UNSET;
    rc = read_header(&p);
    if (rc == 0)
        rc = read_segments(&p);
    if (rc != 0)
        return rc;
    read_notes(&p);
    if (!img->has_notes) {
        bad(&p, "it has no Xen notes, so it is not a PV kernel");
        hl_error_advise(e, "use a kernel built with CONFIG_XEN_PV");
        return -ENOEXEC;
    }
    if (img->entry == KERNEL_UNSET && img->phys32_entry != KERNEL_UNSET && img->virt_base == 0 &&
        img->init_p2m == KERNEL_UNSET) {
        bad(&p, "it has only an entry for PVH, none for PV");
        hl_error_advise(e, "set type=\"pvh\"");
        return -ENOEXEC;
    }
    if (img->entry == KERNEL_UNSET)
        img->entry = p.eh.e_entry;
    rc = place(&p);
    if (rc == 0)
        reserve_symbols(&p);
    return rc;
}

int kernel_image_load(const struct kernel_image *img, void *dest, size_t size, struct hl_error *e)
{
    uint8_t *to = dest;
    uint64_t done = 0; /* in bytes from virt_start; segments are sorted and do not overlap */

    if (size < img->virt_end - img->virt_start)
        return hl_fail(e, EINVAL, "load the kernel", NULL, "no room for it");
    for (unsigned int i = 0; i < img->nr_segments; i++) {
        const struct kernel_segment *s = &img->segments[i];
        uint64_t start = segment_va(img, s) - img->virt_start;

        memset(to + done, 0, start - done);
        memcpy(to + start, img->elf + s->offset, s->file_size);
        memset(to + start + s->file_size, 0, s->mem_size - s->file_size);
        done = start + s->mem_size;
    }
    memset(to + done, 0, size - done);
    if (img->symtab_size != 0)
        load_symbols(img, to + (round_up(img->virt_end - img->symtab_size, 8) - img->virt_start));
    return 0;
}
