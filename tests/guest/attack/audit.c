/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Domain 0 asks the hypervisor to audit itself (debug key I), and reads what it says. */
#include "attack.h"
#include "driver.h"
#include "hypervisor.h"
#include "workers.h"

#define PATIENCE (200 * SECOND)

static bool ends_with(const char *text, unsigned int len, const char *word)
{
    unsigned int n = (unsigned int)strlen(word);

    return len >= n && strncmp(text + len - n, word, n) == 0;
}

void audit_after(const char *name)
{
    static char text[16384];
    uint64_t end = time_now() + PATIENCE;
    long len = 0, n;

    while (hypervisor_text(text, sizeof(text)) > 0) {
    }
    debug_key('I');
    /* A line may come in pieces. */
    while (time_now() < end && len < (long)sizeof(text) - 1) {
        n = hypervisor_text(text + len, (unsigned int)(sizeof(text) - (unsigned long)len));
        for (; n > 0; n--) {
            len++;
            if (ends_with(text, (unsigned int)len, ": consistent\n")) {
                return;
            }
            if (ends_with(text, (unsigned int)len, " violations\n")) {
                kprintf("not ok %s/audit: %s", name, text);
                return;
            }
        }
        dom0_sleep(SECOND / 100);
    }
    kprintf("not ok %s/audit: it does not answer\n", name);
}
