/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Domain 0 asks the hypervisor to audit itself (debug key I), and reads what it says. */
#include "attack.h"
#include "driver.h"
#include "workers.h"
#include "hypercalls/abi/sysctl.h"

#define PATIENCE (20 * SECOND)

static void debug_key(char key)
{
    static char keys[1];
    static struct xen_sysctl op;

    keys[0] = key;
    op = (struct xen_sysctl){.cmd = XEN_SYSCTL_debug_keys,
                             .interface_version = XEN_SYSCTL_INTERFACE_VERSION};
    op.u.debug_keys.nr_keys = 1;
    set_xen_guest_handle(op.u.debug_keys.keys, keys);
    HYPERCALL1(__HYPERVISOR_sysctl, &op);
}

/* Reads what the hypervisor printed since the last time; the number of characters. */
static unsigned int read_console(char *text, unsigned int size)
{
    static struct xen_sysctl op;
    static uint32_t index;

    op = (struct xen_sysctl){.cmd = XEN_SYSCTL_readconsole,
                             .interface_version = XEN_SYSCTL_INTERFACE_VERSION};
    op.u.readconsole.incremental = 1;
    op.u.readconsole.index = index;
    op.u.readconsole.count = size - 1;
    set_xen_guest_handle(op.u.readconsole.buffer, text);
    if (HYPERCALL1(__HYPERVISOR_sysctl, &op) != 0) {
        return 0;
    }
    index = op.u.readconsole.index;
    text[op.u.readconsole.count] = '\0';
    return op.u.readconsole.count;
}

static bool ends_with(const char *text, unsigned int len, const char *word)
{
    unsigned int n = (unsigned int)strlen(word);

    return len >= n && strncmp(text + len - n, word, n) == 0;
}

void audit_after(const char *name)
{
    static char text[16384];
    uint64_t end = time_now() + PATIENCE;

    while (read_console(text, sizeof(text)) > 0) {
    }
    debug_key('I');
    while (time_now() < end) {
        unsigned int len = read_console(text, sizeof(text));

        for (unsigned int i = 1; i <= len; i++) {
            if (ends_with(text, i, ": consistent\n")) {
                return;
            }
            if (ends_with(text, i, " violations\n")) {
                kprintf("not ok %s/audit: %s", name, text);
                return;
            }
        }
        dom0_sleep(SECOND / 100);
    }
    kprintf("not ok %s/audit: it does not answer\n", name);
}
