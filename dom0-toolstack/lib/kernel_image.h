/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest kernels as files: taking bzImage and compressed ELF apart, and reading an ELF kernel's facts
 * for PV start. Every byte of an image is hostile: sizes and offsets are checked before use.
 */
#ifndef HL_KERNEL_IMAGE_H
#define HL_KERNEL_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hl_error;

enum kernel_compression {
    KERNEL_PLAIN,
    KERNEL_GZIP,
    KERNEL_XZ,
    KERNEL_LZMA,
    KERNEL_BZIP2,
    KERNEL_LZ4,
    KERNEL_ZSTD,
    KERNEL_LZO,
    KERNEL_UNKNOWN,
};
const char *kernel_compression_name(enum kernel_compression c);

/* Biggest kernel that is unpacked: a bound for corrupt or hostile files. */
#define KERNEL_MAX_SIZE ((size_t)512 << 20)

/* Where the payload of a file is: all of it, or a bzImage's. */
struct kernel_payload {
    const uint8_t *data;
    size_t size;
    size_t size_hint; /* unpacked size where the file tells, else 0 */
    enum kernel_compression compression;
    bool bzimage;
};
int kernel_find_payload(const void *buf, size_t len, struct kernel_payload *p, struct hl_error *e);

/* Unpacks into malloc'd memory. KERNEL_PLAIN is copied. */
int kernel_unpack(const struct kernel_payload *p, void **out, size_t *out_len, struct hl_error *e);

#define KERNEL_MAX_SEGMENTS 64
struct kernel_segment {
    uint64_t offset, file_size; /* in the file */
    uint64_t paddr, mem_size;   /* where it goes, as the ELF says */
};

#define KERNEL_UNSET (~(uint64_t)0)

/* What a PV start needs to know. Addresses are virtual unless they say otherwise. */
struct kernel_image {
    const uint8_t *elf; /* the buffer given to kernel_image_parse(); not owned */
    size_t elf_len;
    unsigned int bits;                                   /* 64, or 32 */
    struct kernel_segment segments[KERNEL_MAX_SEGMENTS]; /* ascending, without overlap */
    unsigned int nr_segments;

    bool has_notes; /* Xen ELF notes or a __xen_guest section */
    bool legacy;    /* the latter */
    char guest_os[32], guest_version[32], loader[32], xen_version[32];
    uint64_t entry;
    uint64_t virt_base;      /* 0 where unset */
    uint64_t paddr_offset;   /* VIRT_BASE's counterpart */
    uint64_t hypercall_page; /* KERNEL_UNSET: none */
    uint64_t init_p2m;       /* KERNEL_UNSET: right after the modules */
    uint64_t hv_start_low;   /* KERNEL_UNSET: none */
    uint64_t phys32_entry;   /* KERNEL_UNSET: none (physical) */
    bool mod_start_pfn;      /* ramdisk need not be mapped */
    bool suspend_cancel;
    bool bsd_symtab;
    bool pae; /* 32-bit kernels: runs on PAE */
    uint64_t l1_mfn_mask, l1_mfn_value;
    uint64_t features_supported, features_required; /* XENFEAT_* bits */

    /* Derived: where the image starts and ends when loaded. */
    uint64_t virt_start, virt_end;
    /* BSD symbol table: bytes to reserve and fill after the image (0: none). */
    uint64_t symtab_size;
};

/*
 * Parses an unpacked ELF kernel. `buf` must outlive the result. -ENOEXEC with a record that says
 * what is wrong: not an ELF, cut short, no Xen notes, not for PV, wrong machine.
 */
int kernel_image_parse(const void *buf, size_t len, struct kernel_image *img, struct hl_error *e);

/*
 * Places the image at `dest`, the memory that begins at img->virt_start and is `size` bytes long (at
 * least virt_end - virt_start), and zeroes the rest of it.
 */
int kernel_image_load(const struct kernel_image *img, void *dest, size_t size, struct hl_error *e);

#endif
