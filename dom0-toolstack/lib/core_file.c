/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file of a domain's dump; see core_file.h. The notes' and sections' layouts are the format's. */
#include "dom0-toolstack/lib/core_file.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "dom0-toolstack/lib/abi.h"
#include "dom0-toolstack/lib/hv_system.h"
#include "hypercalls/abi/elfnote.h"

#define CORE_MAGIC_PV 0xF00FEBEDull

enum section {
    SECTION_NULL,
    SECTION_NAMES,
    SECTION_NOTES,
    SECTION_VCPUS,
    SECTION_SHARED_INFO,
    SECTION_P2M,
    SECTION_PAGES,
    NR_SECTIONS
};

static const char *const section_names[NR_SECTIONS] = {
    "", ".shstrtab", ".note.Xen", ".xen_prstatus", ".xen_shared_info", ".xen_p2m", ".xen_pages",
};

#define NAMES_SIZE 128
#define NAMES_AT   (sizeof(Elf64_Ehdr) + NR_SECTIONS * sizeof(Elf64_Shdr))

struct note_head {
    Elf64_Nhdr h;
    char name[4];
};

/* .note.Xen; no padding is needed between notes whose sizes are multiples of 8. */
struct notes {
    struct note_head none;
    struct note_head header;
    struct {
        uint64_t magic, nr_vcpus, nr_pages, page_size;
    } header_desc;
    struct note_head version;
    struct {
        uint64_t major, minor;
        xen_extraversion_t extra;
        struct xen_compile_info compile_info;
        xen_capabilities_info_t capabilities;
        xen_changeset_info_t changeset;
        struct xen_platform_parameters platform_parameters;
        uint64_t page_size;
    } version_desc;
    struct note_head format;
    uint64_t format_desc; /* major << 32 | minor */
};

_Static_assert(sizeof(struct note_head) == 16, "a note's head");
_Static_assert(sizeof(((struct notes *)0)->version_desc) == 1280, "a note's layout");
_Static_assert(sizeof(struct notes) == 4 * 16 + 32 + 1280 + 8, "notes lie without gaps");
_Static_assert(sizeof(struct guest_frame) == 16, "an entry of .xen_p2m");

/* ---- writing ---- */

static int put(struct core_file *f, const void *data, size_t size, uint64_t at)
{
    const char *p = data;

    while (size > 0) {
        ssize_t n = pwrite(f->fd, p, size, (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return -EIO;
        p += n;
        at += (uint64_t)n;
        size -= (size_t)n;
    }
    return 0;
}

static uint64_t align(uint64_t at, uint64_t to)
{
    return (at + to - 1) / to * to;
}

int core_file_begin(struct core_file *f, int fd, const struct core_domain *d)
{
    uint64_t vcpus_size = d->nr_vcpus * sizeof(*d->vcpus);
    int rc;

    *f = (struct core_file){.fd = fd, .nr_vcpus = d->nr_vcpus, .max_pages = d->max_pages};
    f->notes = align(NAMES_AT + NAMES_SIZE, 8);
    f->vcpus = align(f->notes + sizeof(struct notes), 8);
    f->shared_info = align(f->vcpus + vcpus_size, 8);
    f->p2m = align(f->shared_info + CORE_PAGE_SIZE, 8);
    f->pages = align(f->p2m + d->max_pages * sizeof(struct guest_frame), CORE_PAGE_SIZE);
    rc = put(f, d->vcpus, vcpus_size, f->vcpus);
    return rc == 0 ? put(f, d->shared_info, CORE_PAGE_SIZE, f->shared_info) : rc;
}

static bool is_zero(const char *page)
{
    return page[0] == 0 && memcmp(page, page + 1, CORE_PAGE_SIZE - 1) == 0;
}

/* The last n numbers, which are those in the buffer. */
static int flush_p2m(struct core_file *f, uint64_t n)
{
    return put(f, f->buffer, n * sizeof(*f->buffer),
               f->p2m + (f->nr_pages - n) * sizeof(*f->buffer));
}

static int add_number(struct core_file *f, const struct guest_frame *frame)
{
    f->buffer[f->nr_pages++ % CORE_P2M_BUFFERED] = *frame;
    return f->nr_pages % CORE_P2M_BUFFERED == 0 ? flush_p2m(f, CORE_P2M_BUFFERED) : 0;
}

int core_file_add(struct core_file *f, const struct guest_frame *frames, const void *pages,
                  const int *errors, size_t count)
{
    const char *p = pages;
    int rc = 0;

    for (size_t i = 0; i < count && rc == 0 && f->nr_pages < f->max_pages;) {
        uint64_t at = f->pages + f->nr_pages * CORE_PAGE_SIZE, room = f->max_pages - f->nr_pages;
        size_t run = 0;

        if (errors[i] != 0) {
            i++;
            continue;
        }
        /* What lies side by side in memory and in the file goes in one. */
        while (run < room && i + run < count && errors[i + run] == 0 &&
               !is_zero(p + (i + run) * CORE_PAGE_SIZE))
            run++;
        rc = put(f, p + i * CORE_PAGE_SIZE, run * CORE_PAGE_SIZE, at);
        if (run == 0)
            run = 1; /* zeros: a hole */
        for (size_t end = i + run; i < end && rc == 0; i++)
            rc = add_number(f, &frames[i]);
    }
    return rc;
}

/* ---- the head ---- */

static struct note_head note(uint32_t type, size_t size)
{
    return (struct note_head){{4, (uint32_t)size, type}, "Xen"};
}

/* The version's texts are NUL-terminated and no longer than the note's fields. */
#define COPY_TEXT(to, from)                                          \
    do {                                                             \
        _Static_assert(sizeof(to) >= sizeof(from), "the text fits"); \
        memcpy(to, from, strnlen(from, sizeof(from)));               \
    } while (0)

static int put_notes(struct core_file *f, const struct hv_version *v)
{
    struct notes n = {0};

    n.none = note(XEN_ELFNOTE_DUMPCORE_NONE, 0);
    n.header = note(XEN_ELFNOTE_DUMPCORE_HEADER, sizeof(n.header_desc));
    n.header_desc.magic = CORE_MAGIC_PV;
    n.header_desc.nr_vcpus = f->nr_vcpus;
    n.header_desc.nr_pages = f->nr_pages;
    n.header_desc.page_size = CORE_PAGE_SIZE;
    n.version = note(XEN_ELFNOTE_DUMPCORE_XEN_VERSION, sizeof(n.version_desc));
    n.version_desc.major = v->major;
    n.version_desc.minor = v->minor;
    COPY_TEXT(n.version_desc.extra, v->extra);
    COPY_TEXT(n.version_desc.compile_info.compiler, v->compiler);
    COPY_TEXT(n.version_desc.compile_info.compile_by, v->compile_by);
    COPY_TEXT(n.version_desc.compile_info.compile_domain, v->compile_domain);
    COPY_TEXT(n.version_desc.compile_info.compile_date, v->compile_date);
    COPY_TEXT(n.version_desc.capabilities, v->capabilities);
    COPY_TEXT(n.version_desc.changeset, v->changeset);
    n.version_desc.platform_parameters.virt_start = v->virt_start;
    n.version_desc.page_size = v->page_size;
    n.format = note(XEN_ELFNOTE_DUMPCORE_FORMAT_VERSION, sizeof(n.format_desc));
    n.format_desc = 1; /* 0.1 */
    return put(f, &n, sizeof(n), f->notes);
}

static void describe(const struct core_file *f, Elf64_Shdr s[NR_SECTIONS])
{
    s[SECTION_NAMES] = (Elf64_Shdr){
        .sh_type = SHT_STRTAB, .sh_offset = NAMES_AT, .sh_size = NAMES_SIZE, .sh_addralign = 1};
    s[SECTION_NOTES] =
        (Elf64_Shdr){.sh_type = SHT_NOTE, .sh_offset = f->notes, .sh_size = sizeof(struct notes)};
    s[SECTION_VCPUS] = (Elf64_Shdr){.sh_type = SHT_PROGBITS,
                                    .sh_offset = f->vcpus,
                                    .sh_size = f->nr_vcpus * sizeof(struct vcpu_guest_context),
                                    .sh_entsize = sizeof(struct vcpu_guest_context)};
    s[SECTION_SHARED_INFO] = (Elf64_Shdr){
        .sh_type = SHT_PROGBITS, .sh_offset = f->shared_info, .sh_size = CORE_PAGE_SIZE};
    s[SECTION_P2M] = (Elf64_Shdr){.sh_type = SHT_PROGBITS,
                                  .sh_offset = f->p2m,
                                  .sh_size = f->nr_pages * sizeof(struct guest_frame),
                                  .sh_entsize = sizeof(struct guest_frame)};
    s[SECTION_PAGES] = (Elf64_Shdr){.sh_type = SHT_PROGBITS,
                                    .sh_offset = f->pages,
                                    .sh_size = f->nr_pages * CORE_PAGE_SIZE,
                                    .sh_addralign = CORE_PAGE_SIZE,
                                    .sh_entsize = CORE_PAGE_SIZE};
    for (unsigned int i = SECTION_NOTES; i < SECTION_PAGES; i++)
        s[i].sh_addralign = 8;
    s[SECTION_NOTES].sh_addralign = 4; /* as notes are read */
}

int core_file_end(struct core_file *f, const struct core_domain *d)
{
    struct {
        Elf64_Ehdr elf;
        Elf64_Shdr sections[NR_SECTIONS];
        char names[NAMES_SIZE];
    } head = {
        .elf = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT,
                            ELFOSABI_SYSV},
                .e_type = ET_CORE,
                .e_machine = EM_X86_64,
                .e_version = EV_CURRENT,
                .e_shoff = sizeof(Elf64_Ehdr),
                .e_ehsize = sizeof(Elf64_Ehdr),
                .e_shentsize = sizeof(Elf64_Shdr),
                .e_shnum = NR_SECTIONS,
                .e_shstrndx = SECTION_NAMES},
    };
    size_t used = 1; /* the first name is "" */
    int rc;

    _Static_assert(sizeof(head) == NAMES_AT + NAMES_SIZE, "no gap");
    describe(f, head.sections);
    for (unsigned int i = 1; i < NR_SECTIONS; i++) {
        size_t len = strlen(section_names[i]) + 1;

        memcpy(head.names + used, section_names[i], len); /* 76 bytes in all */
        head.sections[i].sh_name = (uint32_t)used;
        used += len;
    }
    rc = flush_p2m(f, f->nr_pages % CORE_P2M_BUFFERED);
    if (rc == 0)
        rc = put_notes(f, d->version);
    if (rc == 0 && ftruncate(f->fd, (off_t)(f->pages + f->nr_pages * CORE_PAGE_SIZE)) < 0)
        rc = -errno; /* it may end in a hole */
    return rc == 0 ? put(f, &head, sizeof(head), 0) : rc;
}
