/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a boot module to a kernel image in memory. */
#ifndef XEN_BOOT_DECOMPRESS_H
#define XEN_BOOT_DECOMPRESS_H
#include "lib/types.h"

/*
 * The ELF file that a boot module holds: the module itself, or the unpacked payload of a bzImage
 * (boot protocol 2.08 or later) or of a gzip file. in is not changed. On success *elf and *elf_len
 * say where it is; the caller checks that it is a sound ELF file (only its magic was looked at).
 * -EINVAL: damaged or no kernel; -EOPNOTSUPP: compressed in a way that we do not know; -ENOMEM.
 * What went wrong is logged. Context: boot CPU, process context, after the frame allocator is up.
 * Undone by kernel_unpack_free().
 */
int kernel_unpack(const void *in, size_t len, void **elf, size_t *elf_len);
/* Give the memory of an unpacked kernel back; does nothing for a module that was an ELF file. */
void kernel_unpack_free(void *elf, size_t elf_len);

#endif
