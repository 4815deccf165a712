/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An ELF64 kernel image with Xen's notes, for Domain 0. (pv/elf.c; System V ABI, ELF-64) */
#ifndef XEN_PV_ELF_H
#define XEN_PV_ELF_H
#include "lib/types.h"

#define ELF_NO_VALUE (~0ull)

struct elf_kernel {
    const uint8_t *image;
    size_t len;
    /* From the notes; ELF_NO_VALUE where absent */
    uint64_t virt_base, paddr_offset, entry, hypercall_page, init_p2m, hv_start_low, mod_start_pfn;
    char guest_os[16], loader[16];
    bool has_xen_notes;
    uint64_t vstart, vend; /* of the loaded segments */
};
/* Check the image and read its notes: -EINVAL with the reason logged. */
int elf_parse(struct elf_kernel *k, const void *image, size_t len);
/* Call fn for each piece of a segment: src bytes (zero fill after n up to total). */
int elf_load(const struct elf_kernel *k,
             int (*fn)(void *arg, uint64_t vaddr, const void *src, size_t n, size_t total),
             void *arg);

#endif
