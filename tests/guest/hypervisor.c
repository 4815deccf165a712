/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See hypervisor.h. */
#include "hypervisor.h"
#include "kit/hypercall.h"
#include "hypercalls/abi/sysctl.h"

static struct xen_sysctl op;

static long sysctl(uint32_t cmd)
{
    op.cmd = cmd;
    op.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    return HYPERCALL1(__HYPERVISOR_sysctl, &op);
}

long debug_key(char key)
{
    op.u.debug_keys.nr_keys = 1;
    set_xen_guest_handle(op.u.debug_keys.keys, &key);
    return sysctl(XEN_SYSCTL_debug_keys);
}

long hypervisor_text(char *text, unsigned int size)
{
    static uint32_t index;
    long rc;

    op.u.readconsole =
        (struct xen_sysctl_readconsole){.incremental = 1, .index = index, .count = size - 1};
    set_xen_guest_handle(op.u.readconsole.buffer, text);
    rc = sysctl(XEN_SYSCTL_readconsole);
    if (rc != 0) {
        return rc;
    }
    index = op.u.readconsole.index;
    text[op.u.readconsole.count] = '\0';
    return op.u.readconsole.count;
}
