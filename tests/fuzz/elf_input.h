/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ELF kernels out of a fuzzer's input: the shape is right, every number in it may be anything, and
 * often is one at which address arithmetic ends. Raw bytes seldom get past the first checks.
 */
#ifndef HOSPES_TESTS_ELF_INPUT_H
#define HOSPES_TESTS_ELF_INPUT_H
#include <elf.h>

#include "tests/fuzz/fuzz.h"

static inline uint64_t elf_input_value(struct input *in)
{
    static const uint64_t base[] = {
        0,
        0xffffffff80000000,
        0x1000000,
        0xffff800000000000,
        0xffff880000000000,
        0x8000000000,
        1ull << 31,
        ~0ull << 12,
        ~0ull,
        0x7ffffffff000,
        1ull << 63,
        1ull << 30,
    };
    uint8_t how = in_u8(in);
    uint64_t b = base[how / 8 % (sizeof(base) / sizeof(base[0]))];

    switch (how % 8) {
    case 0: return in_u8(in);
    case 1: return (uint64_t)in_u8(in) << 12;
    case 2: return b;
    case 3: return b + ((uint64_t)(int64_t)(int8_t)in_u8(in) << 12);
    case 4: return b + (uint64_t)(int64_t)(int16_t)in_uint(in, 2);
    case 5: return b - 1 - in_u8(in);
    case 6: return (uint64_t)in_u8(in) << (in_u8(in) % 64);
    default: return in_uint(in, 8);
    }
}

/* Notes up to `end`; lengths mostly tell the truth. Answers where they end. */
static inline uint8_t *elf_input_notes(struct input *in, uint8_t *at, const uint8_t *end)
{
    static const char *const texts[] = {"generic", "linux",  "yes", "!writable_page_tables|dom0|!",
                                        "|||",     "xen-3.0"};
    unsigned int n = in_u8(in) % 24;

    while (n-- && end - at > 128) {
        uint8_t how = in_u8(in);
        Elf64_Nhdr h = {.n_namesz = 4, .n_descsz = 8, .n_type = in_u8(in) % 32};
        uint64_t value = 0;
        const void *desc = &value;

        if (how & 1) {
            desc = texts[how / 16 % 6];
            h.n_descsz = (Elf64_Word)strlen(desc) + (how >> 1 & 1);
        } else {
            value = elf_input_value(in);
            h.n_descsz = how & 2 ? 8 : how >> 4;
        }
        size_t size = h.n_descsz < 8 && desc == &value ? 8 : h.n_descsz;
        if ((how & 0xc) == 0xc) /* a lie */
            *(how & 16 ? &h.n_namesz : &h.n_descsz) = (Elf64_Word)elf_input_value(in);
        memcpy(at, &h, sizeof(h));
        memcpy(at + sizeof(h), "Xen", 4);
        memcpy(at + sizeof(h) + 4, desc, desc == &value ? 8 : size);
        at += sizeof(h) + 4 + ((desc == &value && size < 8 ? 8 : size) + 3) / 4 * 4;
    }
    return at;
}

#define ELF_INPUT_MAX 8192

/* Writes a kernel to buf (of ELF_INPUT_MAX bytes); answers its length. */
static inline size_t elf_input_make(struct input *in, uint8_t *buf)
{
    Elf64_Ehdr eh = {
        .e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_EXEC,
        .e_machine = EM_X86_64,
        .e_phoff = sizeof(eh),
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_shentsize = sizeof(Elf64_Shdr),
    };
    uint8_t how = in_u8(in);
    unsigned int nr = how % 5, sections = how / 8 % 4;
    uint8_t *at, *end = buf + ELF_INPUT_MAX - 2048;

    memset(buf, 0, ELF_INPUT_MAX);
    eh.e_phnum = (Elf64_Half)(nr + 1);
    eh.e_entry = elf_input_value(in);
    at = buf + sizeof(eh) + (nr + 1) * sizeof(Elf64_Phdr);
    Elf64_Phdr notes = {.p_type = how & 128 ? PT_NULL : PT_NOTE, .p_offset = (Elf64_Off)(at - buf)};
    at = elf_input_notes(in, at, end);
    notes.p_filesz = (Elf64_Xword)(at - buf) - notes.p_offset;
    uint64_t notes_offset = notes.p_offset;
    memcpy(buf + sizeof(eh), &notes, sizeof(notes));
    for (unsigned int i = 1; i <= nr; i++) {
        uint8_t seg = in_u8(in);
        Elf64_Phdr ph = {
            .p_type = seg & 1 ? PT_LOAD : in_u8(in),
            .p_paddr = elf_input_value(in),
            .p_filesz = seg & 2 ? elf_input_value(in) : in_u8(in),
            .p_offset = seg & 4 ? elf_input_value(in) : sizeof(eh),
        };
        ph.p_memsz = seg & 8 ? elf_input_value(in) : ph.p_filesz + (uint64_t)(seg >> 4) * 512;
        memcpy(buf + sizeof(eh) + i * sizeof(ph), &ph, sizeof(ph));
    }
    if (sections) {
        eh.e_shoff = (Elf64_Off)(at - buf);
        eh.e_shnum = (Elf64_Half)sections;
        eh.e_shstrndx = in_u8(in);
        for (unsigned int i = 0; i < sections; i++) {
            Elf64_Shdr sh = {.sh_type = in_u8(in) % 10,
                             .sh_offset = in_u8(in) & 1 ? notes_offset : elf_input_value(in),
                             .sh_size = elf_input_value(in),
                             .sh_link = in_u8(in) % 8,
                             .sh_name = in_u8(in)};
            memcpy(at, &sh, sizeof(sh));
            at += sizeof(sh);
        }
    }
    size_t n = in_left(in) < 1024 ? in_left(in) : 1024;
    memcpy(at, in->p, n);
    memcpy(buf, &eh, sizeof(eh));
    return (size_t)(at - buf) + n;
}

#endif
