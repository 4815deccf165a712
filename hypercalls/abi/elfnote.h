/* SPDX-License-Identifier: MIT */
/* ELF notes (owner "Xen") by which a kernel says how it wants to be loaded and entered. */
#ifndef HOSPES_ABI_ELFNOTE_H
#define HOSPES_ABI_ELFNOTE_H

#define XEN_ELFNOTE_INFO               0  /* string, old */
#define XEN_ELFNOTE_ENTRY              1  /* virtual address of the PV entry */
#define XEN_ELFNOTE_HYPERCALL_PAGE     2  /* virtual address of the page to fill with stubs */
#define XEN_ELFNOTE_VIRT_BASE          3  /* virtual address of guest frame 0 */
#define XEN_ELFNOTE_PADDR_OFFSET       4  /* what to subtract from p_paddr */
#define XEN_ELFNOTE_XEN_VERSION        5  /* string, "xen-3.0" */
#define XEN_ELFNOTE_GUEST_OS           6  /* string */
#define XEN_ELFNOTE_GUEST_VERSION      7  /* string */
#define XEN_ELFNOTE_LOADER             8  /* string, "generic" */
#define XEN_ELFNOTE_PAE_MODE           9  /* string, 32-bit kernels */
#define XEN_ELFNOTE_FEATURES           10 /* string of feature names, "!" before a demanded one */
#define XEN_ELFNOTE_BSD_SYMTAB         11 /* "yes": load the symbol table behind the kernel */
#define XEN_ELFNOTE_HV_START_LOW       12 /* lowest hypervisor address it can live with */
#define XEN_ELFNOTE_L1_MFN_VALID       13 /* pairs (mask, value): an entry in use, to the kernel */
#define XEN_ELFNOTE_SUSPEND_CANCEL     14 /* the suspend hypercall may return 1: go on */
#define XEN_ELFNOTE_INIT_P2M           15 /* virtual address where the p2m list shall be */
#define XEN_ELFNOTE_MOD_START_PFN      16 /* the initrd need not be mapped */
#define XEN_ELFNOTE_SUPPORTED_FEATURES 17 /* XENFEAT bits it can live with */
#define XEN_ELFNOTE_PHYS32_ENTRY       18 /* physical address of the PVH entry */
#define XEN_ELFNOTE_MAX                XEN_ELFNOTE_PHYS32_ENTRY

/* Notes in crash dumps and core files */
#define XEN_ELFNOTE_CRASH_INFO              0x1000001
#define XEN_ELFNOTE_CRASH_REGS              0x1000002
#define XEN_ELFNOTE_DUMPCORE_NONE           0x2000000
#define XEN_ELFNOTE_DUMPCORE_HEADER         0x2000001
#define XEN_ELFNOTE_DUMPCORE_XEN_VERSION    0x2000002
#define XEN_ELFNOTE_DUMPCORE_FORMAT_VERSION 0x2000003

#endif
