/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Filling an empty PV domain: memory, kernel, ramdisk, first page tables, start_info, rings, grants
 * and the first vCPU's state. On failure the caller destroys the domain; nothing else stays.
 */
#ifndef HL_PV_BUILD_H
#define HL_PV_BUILD_H

#include <stdbool.h>
#include <stdint.h>

struct hl_error;
struct hv;
struct kernel_image;

struct pv_build {
    /* IN */
    struct hv *hv;
    uint32_t domid;
    const struct kernel_image *image;
    int ramdisk_fd; /* -1: none; read from offset 0 */
    uint64_t ramdisk_bytes;
    const char *ramdisk_name; /* for messages */
    const char *cmdline;      /* may be NULL */
    uint64_t nr_pages;
    bool claim; /* stake the memory out before it is allocated */
    uint32_t store_port, console_port;
    uint32_t store_domid, console_domid; /* who may map the rings */
    /* OUT */
    uint64_t store_mfn, console_mfn;
    uint64_t missing_pages; /* after -ENOMEM: those that the host did not have */
};

int pv_build(struct pv_build *b, struct hl_error *e);

#endif
