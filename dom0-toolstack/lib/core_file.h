/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file of a domain's dump: ELF, as Xen's dump-core-format has it, for PV domains. Sections and
 * no program headers; what is in .xen_pages belongs, page by page, to the numbers in .xen_p2m.
 *
 *   ELF header, section headers, .shstrtab
 *   .note.Xen          what it is, how many vCPUs and pages, which hypervisor
 *   .xen_prstatus      a struct vcpu_guest_context for each vCPU
 *   .xen_shared_info   the page
 *   .xen_p2m           pairs (pfn, mfn), pfns ascending
 *   .xen_pages         pages; such that are all zeros are holes of the file
 */
#ifndef HL_CORE_FILE_H
#define HL_CORE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "dom0-toolstack/lib/guest_frames.h"

struct hl_error;
struct hv_version;
struct vcpu_guest_context;

#define CORE_PAGE_SIZE    4096u
#define CORE_P2M_BUFFERED 512

struct core_file {
    int fd;
    uint64_t nr_vcpus, nr_pages, max_pages;
    uint64_t notes, vcpus, shared_info, p2m, pages; /* where the sections begin */
    struct guest_frame buffer[CORE_P2M_BUFFERED];   /* the p2m's end, not written yet */
};

struct core_domain {
    uint64_t nr_vcpus;
    const struct vcpu_guest_context *vcpus;
    const void *shared_info; /* a page */
    const struct hv_version *version;
    uint64_t max_pages; /* there is room for so many */
};

/*
 * Each answers 0 or a negative errno. The file, open for writing and empty, stays the caller's;
 * until core_file_end() it does not look like a dump.
 */
int core_file_begin(struct core_file *f, int fd, const struct core_domain *d);
/*
 * Adds `count` pages that lie side by side at `pages`, with frames in the order of their pfns. Such
 * whose errors[i] is not 0 are left out, and those beyond max_pages.
 */
int core_file_add(struct core_file *f, const struct guest_frame *frames, const void *pages,
                  const int *errors, size_t count);
int core_file_end(struct core_file *f, const struct core_domain *d);

#endif
