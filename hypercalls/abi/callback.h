/* SPDX-License-Identifier: MIT */
/* callback_op(cmd, arg): entry points of a PV kernel, per vCPU. */
#ifndef HOSPES_ABI_CALLBACK_H
#define HOSPES_ABI_CALLBACK_H

#include "xen.h"

#define CALLBACKOP_register              0
#define CALLBACKOP_unregister            1

#define CALLBACKTYPE_event               0 /* event upcall */
#define CALLBACKTYPE_failsafe            1 /* a return to the guest failed on a bad segment */
#define CALLBACKTYPE_syscall             2
#define CALLBACKTYPE_sysenter_deprecated 3
#define CALLBACKTYPE_nmi                 4
#define CALLBACKTYPE_sysenter            5
#define CALLBACKTYPE_syscall32           7

#define _CALLBACKF_mask_events           0
#define CALLBACKF_mask_events            (1U << _CALLBACKF_mask_events) /* mask upcalls on entry */

struct callback_register {
    uint16_t type;
    uint16_t flags;
    xen_callback_t address;
};
XEN_ABI_STRUCT(callback_register);
XEN_ABI_SIZE(struct callback_register, 16);

struct callback_unregister {
    uint16_t type;
    uint16_t _unused;
};
XEN_ABI_STRUCT(callback_unregister);

#endif
