/* SPDX-License-Identifier: MIT */
/* kexec_op(cmd, arg): Domain 0 prepares another kernel, for a reboot or for a crash. */
#ifndef HOSPES_ABI_KEXEC_H
#define HOSPES_ABI_KEXEC_H

#include "xen.h"

#define KEXEC_CMD_kexec           0
#define KEXEC_CMD_kexec_load_v1   1
#define KEXEC_CMD_kexec_unload_v1 2
#define KEXEC_CMD_kexec_get_range 3
#define KEXEC_CMD_kexec_load      4
#define KEXEC_CMD_kexec_unload    5
#define KEXEC_CMD_kexec_status    6 /* result: 1 if an image is loaded */

#define KEXEC_TYPE_DEFAULT        0
#define KEXEC_TYPE_CRASH          1

#define KEXEC_RANGE_MA_CRASH      0 /* the area reserved for a crash kernel */
#define KEXEC_RANGE_MA_XEN        1 /* the hypervisor */
#define KEXEC_RANGE_MA_CPU        2 /* the crash note of CPU <nr> */
#define KEXEC_RANGE_MA_XENHEAP    3
#define KEXEC_RANGE_MA_BOOT_PARAM 4
#define KEXEC_RANGE_MA_EFI_MEMMAP 5
#define KEXEC_RANGE_MA_VMCOREINFO 6

#define KEXEC_XEN_NO_PAGES        17

typedef struct xen_kexec_exec {
    int type;
} xen_kexec_exec_t;

typedef struct xen_kexec_range {
    int range;           /* IN  KEXEC_RANGE_MA_* */
    int nr;              /* IN */
    unsigned long size;  /* OUT */
    unsigned long start; /* OUT machine address */
} xen_kexec_range_t;

typedef struct xen_kexec_segment {
    union {
        XEN_GUEST_HANDLE(const_void) h;
        uint64_t _pad;
    } buf;
    uint64_t buf_size;
    uint64_t dest_maddr;
    uint64_t dest_size;
} xen_kexec_segment_t;
DEFINE_XEN_GUEST_HANDLE(xen_kexec_segment_t);

typedef struct xen_kexec_load {
    uint8_t type;
    uint8_t _pad;
    uint16_t arch; /* ELF machine */
    uint32_t nr_segments;
    union {
        XEN_GUEST_HANDLE(xen_kexec_segment_t) h;
        uint64_t _pad;
    } segments;
    uint64_t entry_maddr;
} xen_kexec_load_t;
DEFINE_XEN_GUEST_HANDLE(xen_kexec_load_t);
XEN_ABI_SIZE(struct xen_kexec_load, 24);

typedef struct xen_kexec_unload {
    uint8_t type;
} xen_kexec_unload_t;
DEFINE_XEN_GUEST_HANDLE(xen_kexec_unload_t);

typedef struct xen_kexec_status {
    uint8_t type;
} xen_kexec_status_t;
DEFINE_XEN_GUEST_HANDLE(xen_kexec_status_t);

/* The first version of load */
typedef struct xen_kexec_image {
    unsigned long page_list[KEXEC_XEN_NO_PAGES];
    unsigned long indirection_page;
    unsigned long start_address;
} xen_kexec_image_t;

typedef struct xen_kexec_load_v1 {
    int type;
    xen_kexec_image_t image;
} xen_kexec_load_v1_t;

#endif
