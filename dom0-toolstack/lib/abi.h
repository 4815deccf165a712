/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hypervisor's interface, as the library's own files include it: all families at once, with
 * the tools-only parts. Public headers of the library never include this.
 */
#ifndef HL_ABI_H
#define HL_ABI_H

#include <stdint.h>
#include <string.h>

#ifndef __XEN_TOOLS__
#define __XEN_TOOLS__ 1
#endif

#include "hypercalls/abi/xen.h"
#include "hypercalls/abi/domctl.h"
#include "hypercalls/abi/event_channel.h"
#include "hypercalls/abi/features.h"
#include "hypercalls/abi/grant_table.h"
#include "hypercalls/abi/memory.h"
#include "hypercalls/abi/sched.h"
#include "hypercalls/abi/sysctl.h"
#include "hypercalls/abi/version.h"

/* A guest handle is eight bytes that hold an address, however the ABI headers spell its type. */
#define HANDLE_SET(handle, pointer)                                                    \
    do {                                                                               \
        uint64_t value_ = (uintptr_t)(pointer);                                        \
        _Static_assert(sizeof(handle) == sizeof(value_), "a guest handle is 64 bits"); \
        memcpy(&(handle), &value_, sizeof(value_));                                    \
    } while (0)

#endif
