/* SPDX-License-Identifier: MIT */
/*
 * The root of the Xen ABI for x86-64: hypercall numbers, the basic types, the pages that a guest
 * and the hypervisor share, and the arguments of the calls that have no header of their own.
 *
 * Names, values and layouts are Xen's, in the newest form that Xen 4.17 knows. The file also serves
 * assembler sources (define __ASSEMBLY__): these see the constants only.
 */
#ifndef HOSPES_ABI_XEN_H
#define HOSPES_ABI_XEN_H

/* A program that wants an older form of some structure cannot get it here. */
#define __XEN_LATEST_INTERFACE_VERSION__ 0x00040e00
#ifndef __XEN_INTERFACE_VERSION__
#define __XEN_INTERFACE_VERSION__ __XEN_LATEST_INTERFACE_VERSION__
#endif

#ifdef __ASSEMBLY__
#define xen_mk_uint(x)   x
#define xen_mk_ulong(x)  x
#define xen_mk_ullong(x) x
#else

#include <stddef.h>
#include <stdint.h>

/* The second step expands a macro argument before the suffix is pasted on. */
#define __xen_mk_uint(x)   x##U
#define __xen_mk_ulong(x)  x##UL
#define __xen_mk_ullong(x) x##ULL
#define xen_mk_uint(x)     __xen_mk_uint(x)
#define xen_mk_ulong(x)    __xen_mk_ulong(x)
#define xen_mk_ullong(x)   __xen_mk_ullong(x)

/* C++ has no flexible array members, but every compiler we use takes a bound of zero there. */
#ifdef __cplusplus
#define XEN_FLEX_ARRAY_DIM 0
#else
#define XEN_FLEX_ARRAY_DIM
#endif

/*
 * Guest handles: the address of an object in the memory of the caller. Each handle is a structure
 * of its own, so that the hypervisor cannot dereference one by accident; a caller fills it with
 * set_xen_guest_handle(). DEFINE_XEN_GUEST_HANDLE(t) also makes the handle of const t, named
 * const_t.
 */
#define ___DEFINE_XEN_GUEST_HANDLE(name, type) \
    typedef struct {                           \
        type *p;                               \
    } __guest_handle_##name
#define __DEFINE_XEN_GUEST_HANDLE(name, type) \
    ___DEFINE_XEN_GUEST_HANDLE(name, type);   \
    ___DEFINE_XEN_GUEST_HANDLE(const_##name, const type)
#define DEFINE_XEN_GUEST_HANDLE(name) __DEFINE_XEN_GUEST_HANDLE(name, name)

#define __XEN_GUEST_HANDLE(name)      __guest_handle_##name
#define XEN_GUEST_HANDLE(name)        __XEN_GUEST_HANDLE(name)
#define XEN_GUEST_HANDLE_PARAM(name)  XEN_GUEST_HANDLE(name)
#define XEN_GUEST_HANDLE_64(name)     XEN_GUEST_HANDLE(name) /* 8 bytes at 8 anyway on x86-64 */

#define set_xen_guest_handle_raw(hnd, val) \
    do {                                   \
        (hnd).p = val;                     \
    } while (0)
#define set_xen_guest_handle(hnd, val) set_xen_guest_handle_raw(hnd, val)

/* The 64-bit fields of the tools interface, aligned to 8 even where a compiler would not. */
#ifndef int64_aligned_t
#define int64_aligned_t int64_t
#endif
#ifndef uint64_aligned_t
#define uint64_aligned_t uint64_t
#endif

/* Ours: pins a layout, in C and in C++. */
#ifdef __cplusplus
#define XEN_ABI_ASSERT(cond) static_assert(cond, #cond)
#else
#define XEN_ABI_ASSERT(cond) _Static_assert(cond, #cond)
#endif
#define XEN_ABI_SIZE(type, bytes)          XEN_ABI_ASSERT(sizeof(type) == (bytes))
#define XEN_ABI_OFFSET(type, field, bytes) XEN_ABI_ASSERT(offsetof(type, field) == (bytes))

/* Ours: the typedef and the handle that most structures have. */
#define XEN_ABI_STRUCT(tag)     \
    typedef struct tag tag##_t; \
    DEFINE_XEN_GUEST_HANDLE(tag##_t)

typedef uint16_t domid_t;
typedef unsigned long xen_pfn_t;
typedef unsigned long xen_ulong_t;
typedef unsigned long xen_callback_t; /* address of a guest's entry point */
#define PRI_xen_pfn   "lx"
#define PRIu_xen_pfn  "lu"
#define PRI_xen_ulong "lx"

DEFINE_XEN_GUEST_HANDLE(char);
DEFINE_XEN_GUEST_HANDLE(int);
DEFINE_XEN_GUEST_HANDLE(void);
DEFINE_XEN_GUEST_HANDLE(uint64_t);
DEFINE_XEN_GUEST_HANDLE(xen_pfn_t);
DEFINE_XEN_GUEST_HANDLE(xen_ulong_t);
__DEFINE_XEN_GUEST_HANDLE(uchar, unsigned char);
__DEFINE_XEN_GUEST_HANDLE(uint, unsigned int);
__DEFINE_XEN_GUEST_HANDLE(uint8, uint8_t);
__DEFINE_XEN_GUEST_HANDLE(uint16, uint16_t);
__DEFINE_XEN_GUEST_HANDLE(uint32, uint32_t);
__DEFINE_XEN_GUEST_HANDLE(uint64, uint64_t);

#endif /* __ASSEMBLY__ */

#include "arch-x86_64.h"

/*
 * Hypercall numbers. 64-bit callers: number in rax, arguments in rdi rsi rdx r10 r8 r9, result in
 * rax; a PV kernel uses SYSCALL, a hardware guest VMCALL or VMMCALL.
 */
#define __HYPERVISOR_set_trap_table                0
#define __HYPERVISOR_mmu_update                    1
#define __HYPERVISOR_set_gdt                       2
#define __HYPERVISOR_stack_switch                  3
#define __HYPERVISOR_set_callbacks                 4
#define __HYPERVISOR_fpu_taskswitch                5
#define __HYPERVISOR_sched_op_compat               6
#define __HYPERVISOR_platform_op                   7
#define __HYPERVISOR_set_debugreg                  8
#define __HYPERVISOR_get_debugreg                  9
#define __HYPERVISOR_update_descriptor             10
#define __HYPERVISOR_memory_op                     12
#define __HYPERVISOR_multicall                     13
#define __HYPERVISOR_update_va_mapping             14
#define __HYPERVISOR_set_timer_op                  15
#define __HYPERVISOR_event_channel_op_compat       16
#define __HYPERVISOR_xen_version                   17
#define __HYPERVISOR_console_io                    18
#define __HYPERVISOR_physdev_op_compat             19
#define __HYPERVISOR_grant_table_op                20
#define __HYPERVISOR_vm_assist                     21
#define __HYPERVISOR_update_va_mapping_otherdomain 22
#define __HYPERVISOR_iret                          23
#define __HYPERVISOR_vcpu_op                       24
#define __HYPERVISOR_set_segment_base              25
#define __HYPERVISOR_mmuext_op                     26
#define __HYPERVISOR_xsm_op                        27
#define __HYPERVISOR_nmi_op                        28
#define __HYPERVISOR_sched_op                      29
#define __HYPERVISOR_callback_op                   30
#define __HYPERVISOR_xenoprof_op                   31
#define __HYPERVISOR_event_channel_op              32
#define __HYPERVISOR_physdev_op                    33
#define __HYPERVISOR_hvm_op                        34
#define __HYPERVISOR_sysctl                        35
#define __HYPERVISOR_domctl                        36
#define __HYPERVISOR_kexec_op                      37
#define __HYPERVISOR_tmem_op                       38
#define __HYPERVISOR_argo_op                       39
#define __HYPERVISOR_xenpmu_op                     40
#define __HYPERVISOR_dm_op                         41
#define __HYPERVISOR_hypfs_op                      42
#define __HYPERVISOR_arch_0                        48
#define __HYPERVISOR_arch_1                        49
#define __HYPERVISOR_arch_2                        50
#define __HYPERVISOR_arch_3                        51
#define __HYPERVISOR_arch_4                        52
#define __HYPERVISOR_arch_5                        53
#define __HYPERVISOR_arch_6                        54
#define __HYPERVISOR_arch_7                        55

/*
 * Virtual interrupts, for EVTCHNOP_bind_virq. V: one per vCPU; G: one holder in the whole system.
 */
#define VIRQ_TIMER      0  /* V  the timer of the vCPU fired */
#define VIRQ_DEBUG      1  /* V  the operator asks for a state dump */
#define VIRQ_CONSOLE    2  /* G  input on the emergency console */
#define VIRQ_DOM_EXC    3  /* G  a domain died, shut down or changed its state */
#define VIRQ_TBUF       4  /* G  trace records wait */
#define VIRQ_DEBUGGER   6  /* G  a debugged domain was paused */
#define VIRQ_XENOPROF   7  /* V  a profiling sample */
#define VIRQ_CON_RING   8  /* G  new text in the console ring */
#define VIRQ_PCPU_STATE 9  /* G  a physical CPU came or went */
#define VIRQ_MEM_EVENT  10 /* G  a memory event */
#define VIRQ_ARGO       11 /* G  an Argo message */
#define VIRQ_ENOMEM     12 /* G  little memory left */
#define VIRQ_XENPMU     13 /* V  a performance counter overflowed */
#define VIRQ_ARCH_0     16 /* on x86: a machine check, see mca.h */
#define VIRQ_ARCH_1     17
#define VIRQ_ARCH_2     18
#define VIRQ_ARCH_3     19
#define VIRQ_ARCH_4     20
#define VIRQ_ARCH_5     21
#define VIRQ_ARCH_6     22
#define VIRQ_ARCH_7     23
#define NR_VIRQS        24

/* Domain ids with a meaning of their own; real domains stay below DOMID_FIRST_RESERVED. */
#define DOMID_FIRST_RESERVED xen_mk_uint(0x7FF0)
#define DOMID_SELF           xen_mk_uint(0x7FF0) /* the caller */
#define DOMID_IO             xen_mk_uint(0x7FF1) /* owner of frames that are not RAM */
#define DOMID_XEN            xen_mk_uint(0x7FF2) /* owner of the frames the hypervisor shares */
#define DOMID_COW            xen_mk_uint(0x7FF3) /* owner of frames shared between domains */
#define DOMID_INVALID        xen_mk_uint(0x7FF4) /* nobody */
#define DOMID_IDLE           xen_mk_uint(0x7FFF)
#define DOMID_MASK           xen_mk_uint(0x7FFF)

/* mmu_update: what the low two bits of a request's ptr ask for. */
#define MMU_NORMAL_PT_UPDATE       0 /* write a page-table entry, checked */
#define MMU_MACHPHYS_UPDATE        1 /* set the M2P entry of a frame */
#define MMU_PT_UPDATE_PRESERVE_AD  2 /* as 0, but keep the entry's accessed and dirty bits */
#define MMU_PT_UPDATE_NO_TRANSLATE 3 /* as 0, for an auto-translated caller that gives an MFN */

/* mmuext_op. In brackets: the arguments that count. */
#define MMUEXT_PIN_L1_TABLE       0 /* [mfn] a table of this level until unpinned */
#define MMUEXT_PIN_L2_TABLE       1
#define MMUEXT_PIN_L3_TABLE       2
#define MMUEXT_PIN_L4_TABLE       3
#define MMUEXT_UNPIN_TABLE        4 /* [mfn] */
#define MMUEXT_NEW_BASEPTR        5 /* [mfn] root of the kernel's address space */
#define MMUEXT_TLB_FLUSH_LOCAL    6
#define MMUEXT_INVLPG_LOCAL       7 /* [linear_addr] */
#define MMUEXT_TLB_FLUSH_MULTI    8 /* [vcpumask] */
#define MMUEXT_INVLPG_MULTI       9 /* [linear_addr, vcpumask] */
#define MMUEXT_TLB_FLUSH_ALL      10
#define MMUEXT_INVLPG_ALL         11 /* [linear_addr] */
#define MMUEXT_FLUSH_CACHE        12
#define MMUEXT_SET_LDT            13 /* [linear_addr, nr_ents] */
#define MMUEXT_NEW_USER_BASEPTR   15 /* [mfn] root of the user address space; 0 for none */
#define MMUEXT_CLEAR_PAGE         16 /* [mfn] */
#define MMUEXT_COPY_PAGE          17 /* [mfn from src_mfn] */
#define MMUEXT_FLUSH_CACHE_GLOBAL 18
#define MMUEXT_MARK_SUPER         19 /* [mfn] obsolete */
#define MMUEXT_UNMARK_SUPER       20

/*
 * update_va_mapping: how to flush. With FLUSH or INVLPG and neither LOCAL nor ALL the flags carry,
 * from bit 2 up, the address of a bitmap of vCPUs.
 */
#define UVMF_NONE           (xen_mk_ulong(0) << 0)
#define UVMF_TLB_FLUSH      (xen_mk_ulong(1) << 0)
#define UVMF_INVLPG         (xen_mk_ulong(2) << 0)
#define UVMF_FLUSHTYPE_MASK (xen_mk_ulong(3) << 0)
#define UVMF_MULTI          (xen_mk_ulong(0) << 2)
#define UVMF_LOCAL          (xen_mk_ulong(0) << 2)
#define UVMF_ALL            (xen_mk_ulong(1) << 2)

/* console_io(cmd, count, buffer) */
#define CONSOLEIO_write 0
#define CONSOLEIO_read  1

/* vm_assist(cmd, type) */
#define VMASST_CMD_enable                0
#define VMASST_CMD_disable               1
#define VMASST_TYPE_4gb_segments         0 /* 32-bit guests */
#define VMASST_TYPE_4gb_segments_notify  1
#define VMASST_TYPE_writable_pagetables  2  /* emulate writes to page tables */
#define VMASST_TYPE_pae_extended_cr3     3  /* 32-bit guests */
#define VMASST_TYPE_architectural_iopl   4  /* iopl in the flags of an iret, not by physdev_op */
#define VMASST_TYPE_runstate_update_flag 5  /* see XEN_RUNSTATE_UPDATE */
#define VMASST_TYPE_m2p_strict           32 /* no M2P in the user address space */

/* start_info.flags */
#define SIF_PRIVILEGED      (1 << 0)
#define SIF_INITDOMAIN      (1 << 1)
#define SIF_MULTIBOOT_MOD   (1 << 2) /* mod_start is a xen_multiboot_mod_list */
#define SIF_MOD_START_PFN   (1 << 3) /* mod_start is a PFN, the module is not mapped */
#define SIF_VIRT_P2M_4TOOLS (1 << 4) /* the guest need not build the p2m list of lists */
#define SIF_PM_MASK         (0xFF << 8)

#define MAX_GUEST_CMDLINE   1024

/* dom0_vga_console_info.video_type */
#define XEN_VGATYPE_TEXT_MODE_3 0x03
#define XEN_VGATYPE_VESA_LFB    0x23
#define XEN_VGATYPE_EFI_LFB     0x70

/* vcpu_time_info.flags */
#define XEN_PVCLOCK_TSC_STABLE_BIT (1 << 0) /* TSCs of all CPUs agree: no monotonicity fix needed */
#define XEN_PVCLOCK_GUEST_STOPPED  (1 << 1)

#ifndef __ASSEMBLY__

struct mmu_update {
    uint64_t ptr; /* machine address; low two bits: MMU_* */
    uint64_t val;
};
XEN_ABI_STRUCT(mmu_update);
XEN_ABI_SIZE(struct mmu_update, 16);

struct mmuext_op {
    unsigned int cmd; /* MMUEXT_* */
    union {
        xen_pfn_t mfn;
        unsigned long linear_addr;
    } arg1;
    union {
        unsigned int nr_ents;
        XEN_GUEST_HANDLE(const_void) vcpumask;
        xen_pfn_t src_mfn;
    } arg2;
};
XEN_ABI_STRUCT(mmuext_op);
XEN_ABI_SIZE(struct mmuext_op, 24);

struct multicall_entry {
    xen_ulong_t op, result;
    xen_ulong_t args[6];
};
XEN_ABI_STRUCT(multicall_entry);
XEN_ABI_SIZE(struct multicall_entry, 64);

/*
 * Time for one vCPU: ns = system_time + (((tsc - tsc_timestamp) << tsc_shift) * tsc_to_system_mul
 * >> 32), a right shift if tsc_shift is negative. Version is odd while the hypervisor writes; a
 * reader retries until it sees the same even version before and after.
 */
struct vcpu_time_info {
    uint32_t version;
    uint32_t pad0;
    uint64_t tsc_timestamp;
    uint64_t system_time; /* ns since boot at tsc_timestamp */
    uint32_t tsc_to_system_mul;
    int8_t tsc_shift;
    uint8_t flags; /* XEN_PVCLOCK_* */
    uint8_t pad1[2];
};
typedef struct vcpu_time_info vcpu_time_info_t;
XEN_ABI_SIZE(struct vcpu_time_info, 32);

/* Lives in shared_info for the first 32 vCPUs, or where VCPUOP_register_vcpu_info put it. */
struct vcpu_info {
    uint8_t evtchn_upcall_pending;  /* set by the hypervisor, cleared by the guest's handler */
    uint8_t evtchn_upcall_mask;     /* the vCPU's "interrupts off" (PV) */
    xen_ulong_t evtchn_pending_sel; /* words of evtchn_pending worth a look */
    struct arch_vcpu_info arch;
    vcpu_time_info_t time;
};
typedef struct vcpu_info vcpu_info_t;
XEN_ABI_SIZE(struct vcpu_info, 64);
XEN_ABI_OFFSET(struct vcpu_info, time, 32);

/* One page per domain. Wall-clock time of system time zero is wc_sec_hi:wc_sec seconds and wc_nsec,
 * under wc_version as in vcpu_time_info. */
struct shared_info {
    struct vcpu_info vcpu_info[XEN_LEGACY_MAX_VCPUS];
    xen_ulong_t evtchn_pending[sizeof(xen_ulong_t) * 8];
    xen_ulong_t evtchn_mask[sizeof(xen_ulong_t) * 8];
    uint32_t wc_version;
    uint32_t wc_sec;
    uint32_t wc_nsec;
    uint32_t wc_sec_hi;
    struct arch_shared_info arch;
};
typedef struct shared_info shared_info_t;
#define xen_wc_sec_hi wc_sec_hi
XEN_ABI_OFFSET(struct shared_info, evtchn_pending, 2048);
XEN_ABI_OFFSET(struct shared_info, evtchn_mask, 2560);
XEN_ABI_OFFSET(struct shared_info, wc_version, 3072);
XEN_ABI_SIZE(struct shared_info, 3136);

/* What a PV kernel finds at rsi when it starts. */
struct start_info {
    /* Also valid after a resume. */
    char magic[32]; /* "xen-3.0-x86_64" */
    unsigned long nr_pages;
    unsigned long shared_info; /* machine address */
    uint32_t flags;            /* SIF_* */
    xen_pfn_t store_mfn;
    uint32_t store_evtchn;
    union {
        struct {
            xen_pfn_t mfn;
            uint32_t evtchn;
        } domU;
        struct { /* a dom0_vga_console_info, relative to this structure */
            uint32_t info_off;
            uint32_t info_size;
        } dom0;
    } console;
    /* Only at the first start. */
    unsigned long pt_base; /* virtual address of the root page table */
    unsigned long nr_pt_frames;
    unsigned long mfn_list; /* virtual address of the p2m list */
    unsigned long mod_start;
    unsigned long mod_len;
    int8_t cmd_line[MAX_GUEST_CMDLINE];
    unsigned long first_p2m_pfn; /* the frames of the p2m list, if it is outside the initial map */
    unsigned long nr_p2m_frames;
};
typedef struct start_info start_info_t;
XEN_ABI_OFFSET(struct start_info, store_mfn, 56);
XEN_ABI_OFFSET(struct start_info, console, 72);
XEN_ABI_OFFSET(struct start_info, pt_base, 88);
XEN_ABI_OFFSET(struct start_info, cmd_line, 128);
XEN_ABI_SIZE(struct start_info, 1168);

struct xen_multiboot_mod_list {
    uint32_t mod_start;
    uint32_t mod_end;
    uint32_t cmdline;
    uint32_t pad;
};

/* The video mode that Domain 0 inherits. */
typedef struct dom0_vga_console_info {
    uint8_t video_type; /* XEN_VGATYPE_* */
    union {
        struct {
            uint16_t font_height;
            uint16_t cursor_x, cursor_y;
            uint16_t rows, columns;
        } text_mode_3;
        struct { /* also for EFI_LFB */
            uint16_t width, height;
            uint16_t bytes_per_line;
            uint16_t bits_per_pixel;
            uint32_t lfb_base;
            uint32_t lfb_size;
            uint8_t red_pos, red_size;
            uint8_t green_pos, green_size;
            uint8_t blue_pos, blue_size;
            uint8_t rsvd_pos, rsvd_size;
            uint32_t gbl_caps;
            uint16_t mode_attrs;
            uint16_t pad;
            uint32_t ext_lfb_base; /* bits 32 and up of the base */
        } vesa_lfb;
    } u;
} dom0_vga_console_info_t;
#define xen_vga_console_info   dom0_vga_console_info
#define xen_vga_console_info_t dom0_vga_console_info_t

typedef uint8_t xen_domain_handle_t[16];

typedef struct {
    uint8_t a[16]; /* in the order of the printed form */
} xen_uuid_t;

#define XEN_UUID_BYTE_(x, n) (((x) >> (8 * (n))) & 0xff)
/* clang-format off */
#define XEN_DEFINE_UUID_(a, b, c, d, e1, e2, e3, e4, e5, e6)                                   \
    {{ XEN_UUID_BYTE_(a, 3), XEN_UUID_BYTE_(a, 2), XEN_UUID_BYTE_(a, 1), XEN_UUID_BYTE_(a, 0), \
       XEN_UUID_BYTE_(b, 1), XEN_UUID_BYTE_(b, 0), XEN_UUID_BYTE_(c, 1), XEN_UUID_BYTE_(c, 0), \
       XEN_UUID_BYTE_(d, 1), XEN_UUID_BYTE_(d, 0), e1, e2, e3, e4, e5, e6 }}
/* clang-format on */
#define XEN_DEFINE_UUID(a, b, c, d, e1, e2, e3, e4, e5, e6) \
    ((xen_uuid_t)XEN_DEFINE_UUID_(a, b, c, d, e1, e2, e3, e4, e5, e6))

/* A bitmap in the caller's memory, for the tools interface: bit n is bit n % 8 of byte n / 8. */
struct xenctl_bitmap {
    XEN_GUEST_HANDLE_64(uint8) bitmap;
    uint32_t nr_bits;
};
typedef struct xenctl_bitmap xenctl_bitmap_t;
XEN_ABI_SIZE(struct xenctl_bitmap, 16);

#endif /* __ASSEMBLY__ */
#endif
