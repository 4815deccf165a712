/* SPDX-License-Identifier: MIT */
/* The smallest guest: says who and where it is through the console, then ends the domain. The first
 * thing to boot on a new hypervisor. */
#include "kit/start.h"
#include "kit/console.h"
#include "kit/hypercall.h"

void guest_main(void)
{
    long version = hv_xen_version(XENVER_version, NULL);

    kprintf("hello from a PV guest on version %ld.%ld, magic %s, %lu pages, flags %#x\n",
            version >> 16, version & 0xffff, kit_start_info->magic, kit_start_info->nr_pages,
            kit_start_info->flags);
    kprintf("command line: %s\n", kit_start_info->cmd_line);
    kprintf("ok hello\n");
}
