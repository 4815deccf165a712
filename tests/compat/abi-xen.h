/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The headers of libxen-dev that hypercalls/abi/all.h stands for, in the form that Xen's own tools
 * see. They are included by path, so that nothing of ours can get in between.
 */
#ifndef ABI_XEN_H
#define ABI_XEN_H

#define __XEN_TOOLS__ 1
#define XEN_WANT_FLEX_CONSOLE_RING

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Xen leaves the barriers to its users. */
#define xen_mb()  __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define xen_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define xen_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)

#include <xen/xen.h>
#include <xen/arch-x86/cpuid.h>
#include <xen/arch-x86/hvm/start_info.h>
#include <xen/arch-x86/xen-mca.h>
#include <xen/callback.h>
#include <xen/domctl.h>
#include <xen/elfnote.h>
#include <xen/errno.h>
#include <xen/event_channel.h>
#include <xen/features.h>
#include <xen/grant_table.h>
#include <xen/hvm/dm_op.h>
#include <xen/hvm/e820.h>
#include <xen/hvm/hvm_info_table.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/hvm_vcpu.h>
#include <xen/hvm/ioreq.h>
#include <xen/hvm/params.h>
#include <xen/hypfs.h>
#include <xen/io/ring.h>
#include <xen/io/9pfs.h>
#include <xen/io/blkif.h>
#include <xen/io/console.h>
#include <xen/io/fbif.h>
#include <xen/io/kbdif.h>
#include <xen/io/netif.h>
#include <xen/io/protocols.h>
#include <xen/io/xenbus.h>
#include <xen/io/xs_wire.h>
#include <xen/kexec.h>
#include <xen/memory.h>
#include <xen/nmi.h>
#include <xen/physdev.h>
#include <xen/platform.h>
#include <xen/pmu.h>
#include <xen/sched.h>
#include <xen/sysctl.h>
#include <xen/vcpu.h>
#include <xen/version.h>

#endif
