/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one place that decides who may do what with a node. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xenstore/core.h"
#include "xenstore/perm.h"

static bool acts_for(const struct conn *c, uint32_t domid)
{
    return c->domid == domid || (c->domain && c->domain->target == domid);
}

unsigned int perm_granted(const struct conn *c, const struct acl *acl)
{
    uint32_t i;

    if (c->privileged || acts_for(c, acl->e[0].domid)) {
        return PERM_READ | PERM_WRITE | PERM_OWNER;
    }
    for (i = 1; i < acl->n; i++) {
        if (acts_for(c, acl->e[i].domid)) {
            return acl->e[i].access;
        }
    }
    return acl->e[0].access;
}

bool perm_parse(const char *text, struct acl_entry *e)
{
    static const char letters[] = "nrwb";
    const char *letter = text[0] ? strchr(letters, text[0]) : NULL;
    unsigned long id;
    char *end;

    if (!letter || text[1] < '0' || text[1] > '9') {
        return false;
    }
    errno = 0;
    id = strtoul(text + 1, &end, 10);
    if (errno || *end || id >= DOMID_LIMIT) {
        return false;
    }
    e->domid = (uint32_t)id;
    e->access = (uint32_t)(letter - letters);
    return true;
}

void perm_format(const struct acl_entry *e, char out[12])
{
    snprintf(out, 12, "%c%u", "nrwb"[e->access & 3], e -> domid);
}
