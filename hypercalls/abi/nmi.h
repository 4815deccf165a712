/* SPDX-License-Identifier: MIT */
/* nmi_op(cmd, arg): the old way to register an NMI handler, and the reasons in arch_shared_info. */
#ifndef HOSPES_ABI_NMI_H
#define HOSPES_ABI_NMI_H

#include "xen.h"

#define XENNMI_register_callback   0
#define XENNMI_unregister_callback 1

/* arch_shared_info.nmi_reason */
#define _XEN_NMIREASON_io_error 0
#define XEN_NMIREASON_io_error  (1UL << _XEN_NMIREASON_io_error)
#define _XEN_NMIREASON_pci_serr 1
#define XEN_NMIREASON_pci_serr  (1UL << _XEN_NMIREASON_pci_serr)
#define _XEN_NMIREASON_unknown  2
#define XEN_NMIREASON_unknown   (1UL << _XEN_NMIREASON_unknown)

struct xennmi_callback {
    unsigned long handler_address;
    unsigned long pad;
};
XEN_ABI_STRUCT(xennmi_callback);

#endif
