/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the dump of a PV guest as somebody who looks for its bug would, knowing the format alone: sections by their
 * names, notes, vCPUs; and from each vCPU's CR3 through the guest's page tables to the code that it was at, which works
 * only where frames and pages belong together.
 *
 *   core FILE MARKER
 *
 * Prints `core: V vCPUs at known code, N pages, M with the marker` and ends with 0, or says what is wrong.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE 4096ul
/* Of struct vcpu_guest_context, as the ABI lays it down. */
#define VCPU_SIZE 5168ul
#define VCPU_RIP  648ul
#define VCPU_CR3  5008ul

struct p2m {
    uint64_t pfn, mfn;
};

static const char *file;
static uint64_t file_size;
static const struct p2m *p2m;
static const char *pages;
static uint64_t nr_pages;

static _Noreturn __attribute__((format(printf, 1, 2))) void wrong(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    printf("core: ");
    vprintf(fmt, ap);
    printf("\n");
    exit(1);
}

static const void *section(const char *name, uint32_t type, uint64_t *size)
{
    const Elf64_Ehdr *elf = (const void *)file;
    const Elf64_Shdr *s = (const void *)(file + elf->e_shoff);
    const char *names = file + s[elf->e_shstrndx].sh_offset;

    for (unsigned int i = 0; i < elf->e_shnum; i++) {
        if (strcmp(names + s[i].sh_name, name) != 0)
            continue;
        if (s[i].sh_type != type)
            wrong("%s has the type %u", name, s[i].sh_type);
        if (s[i].sh_offset + s[i].sh_size > file_size)
            wrong("%s is beyond the file's end", name);
        *size = s[i].sh_size;
        return file + s[i].sh_offset;
    }
    wrong("there is no section %s", name);
}

static const void *note(uint32_t type, uint32_t want)
{
    uint64_t size, at = 0;
    const char *notes = section(".note.Xen", SHT_NOTE, &size);

    while (at + sizeof(Elf64_Nhdr) + 4 <= size) {
        const Elf64_Nhdr *n = (const void *)(notes + at);

        at += sizeof(*n) + 4 + ((n->n_descsz + 3) & ~3u);
        if (n->n_namesz != 4 || memcmp(n + 1, "Xen", 4) != 0 || at > size)
            wrong("a note is none of Xen's");
        if (n->n_type != type)
            continue;
        if (n->n_descsz != want)
            wrong("note %#x has %u bytes, not %u", type, n->n_descsz, want);
        return (const char *)(n + 1) + 4;
    }
    wrong("there is no note %#x", type);
}

static const uint64_t *frame(uint64_t mfn)
{
    for (uint64_t i = 0; i < nr_pages; i++) {
        if (p2m[i].mfn == mfn)
            return (const void *)(pages + i * PAGE);
    }
    return NULL;
}

/* The guest's mapping of an address leads to a page of the dump. */
static int is_mapped(uint64_t cr3, uint64_t va)
{
    const uint64_t *table = frame(cr3 >> 12);

    for (int level = 4; level >= 1 && table; level--) {
        uint64_t entry = table[va >> (12 + 9 * (level - 1)) & 511];

        if (!(entry & 1))
            return 0;
        table = frame(entry >> 12 & 0xffffffffffull);
    }
    return table != NULL;
}

static void check_p2m(void)
{
    for (uint64_t i = 1; i < nr_pages; i++) {
        if (p2m[i].pfn <= p2m[i - 1].pfn)
            wrong("entry %llu of the p2m is not above the one before it", (unsigned long long)i);
    }
}

static uint64_t count(const char *marker)
{
    uint64_t n = 0;

    for (uint64_t i = 0; i < nr_pages; i++)
        n += memmem(pages + i * PAGE, PAGE, marker, strlen(marker)) != NULL;
    return n;
}

static void load(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY);

    if (fd < 0 || fstat(fd, &st) < 0)
        wrong("%s: %s", path, strerror(errno));
    if ((st.st_mode & 07777) != 0600)
        wrong("%s has the mode %o", path, st.st_mode & 07777);
    file_size = (uint64_t)st.st_size;
    file = mmap(NULL, file_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (file_size < sizeof(Elf64_Ehdr) || file == MAP_FAILED)
        wrong("%s: no file to be read", path);
    close(fd);
}

int main(int argc, char **argv)
{
    const uint64_t *header;
    const char *vcpus;
    uint64_t size, known = 0;

    if (argc != 3)
        wrong("usage: core FILE MARKER");
    load(argv[1]);
    if (memcmp(file, ELFMAG "\2\1\1", 7) != 0 || ((const Elf64_Ehdr *)file)->e_type != ET_CORE)
        wrong("it is no 64-bit ELF core file");
    note(0x2000000, 0);
    header = note(0x2000001, 32);
    if (header[0] != 0xf00febed || header[3] != PAGE)
        wrong("the header is not of a PV domain");
    if (*(const uint64_t *)note(0x2000002, 1280) != 4 || *(const uint64_t *)note(0x2000003, 8) != 1)
        wrong("the versions are not 4 and 0.1");
    nr_pages = header[2];
    p2m = section(".xen_p2m", SHT_PROGBITS, &size);
    if (size != nr_pages * sizeof(*p2m))
        wrong("the p2m is not of as many pages as the header says");
    pages = section(".xen_pages", SHT_PROGBITS, &size);
    if (size != nr_pages * PAGE)
        wrong("there are not as many pages as the header says");
    section(".xen_shared_info", SHT_PROGBITS, &size);
    if (size != PAGE)
        wrong("the shared info is no page");
    vcpus = section(".xen_prstatus", SHT_PROGBITS, &size);
    if (size != header[1] * VCPU_SIZE)
        wrong("there are not as many vCPUs as the header says");
    check_p2m();
    for (uint64_t i = 0; i < header[1]; i++) {
        uint64_t rip, cr3;

        memcpy(&rip, vcpus + i * VCPU_SIZE + VCPU_RIP, sizeof(rip));
        memcpy(&cr3, vcpus + i * VCPU_SIZE + VCPU_CR3, sizeof(cr3));
        known += is_mapped(cr3, rip);
    }
    printf("core: %llu vCPUs at known code, %llu pages, %llu with the marker\n",
           (unsigned long long)known, (unsigned long long)nr_pages,
           (unsigned long long)count(argv[2]));
    return 0;
}
