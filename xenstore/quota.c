/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of quotas and the two questions that everybody asks about them. */
#include <inttypes.h>
#include <string.h>

#include "xenstore/core.h"
#include "xenstore/quota.h"

/* The names and numbers of Xen's C xenstored. */
const struct quota_info quota_info[QUOTA_COUNT] = {
    [QUOTA_NODES] = {"nodes", "Nodes per domain", 1000},
    [QUOTA_WATCHES] = {"watches", "Watches per domain", 128},
    [QUOTA_TRANSACTIONS] = {"transactions", "Transactions per domain", 10},
    [QUOTA_OUTSTANDING] = {"outstanding", "Outstanding requests per domain", 20},
    [QUOTA_TX_NODES] = {"transaction-nodes", "Max. number of accessed nodes per transaction", 1024},
    [QUOTA_MEMORY] = {"memory", "Total Xenstore memory per domain (error level)", 2560 * 1024},
    [QUOTA_MEMORY_SOFT] = {"memory-soft", "Total Xenstore memory per domain (warning level)",
                           2048 * 1024},
    [QUOTA_NODE_SIZE] = {"node-size", "Max. size of a node", 2048},
    [QUOTA_PATH_MAX] = {"path-max", "Max. length of a node path", 2048},
    [QUOTA_PERMISSIONS] = {"permissions", "Max. number of permissions per node", 5},
};

#define LOG_INTERVAL 10 /* seconds */

enum quota quota_find(const char *name)
{
    enum quota q;

    for (q = 0; q < QUOTA_COUNT; q++) {
        if (!strcmp(quota_info[q].name, name)) {
            break;
        }
    }
    return q;
}

uint32_t quota_limit(const struct conn *c, enum quota q)
{
    const struct quota_set *set = conn_quota(c);

    return set->own[q] ? set->limit[q] : c->core->quota.limit[q];
}

bool log_is_due(uint64_t *last, uint64_t now)
{
    if (*last && now + 1 - *last < LOG_INTERVAL) {
        return false;
    }
    *last = now + 1;
    return true;
}

static void warn(struct conn *c, enum quota q, uint64_t wanted, const char *what)
{
    if (!log_is_due(&conn_usage(c)->warned[q], c->core->ops->now(c->core->arg))) {
        return;
    }
    core_log(c->core, "domain %u: quota \"%s\" (%u) %s: %" PRIu64 " for %s", c->domid,
             quota_info[q].name, quota_limit(c, q),
             q == QUOTA_MEMORY_SOFT ? "passed" : "exceeded, refused", wanted, what);
}

bool quota_allows(struct conn *c, enum quota q, uint64_t wanted, const char *what)
{
    if (c->privileged || c->core->replaying || wanted <= quota_limit(c, q)) {
        return true;
    }
    warn(c, q, wanted, what);
    return false;
}

bool quota_allows_bytes(struct conn *c, uint64_t more, const char *what)
{
    const struct usage *use = conn_usage(c);
    uint64_t wanted = use->node_bytes + use->work_bytes + more;

    if (c->privileged || c->core->replaying) {
        return true;
    }
    if (wanted > quota_limit(c, QUOTA_MEMORY_SOFT)) {
        warn(c, QUOTA_MEMORY_SOFT, wanted, what);
    }
    return quota_allows(c, QUOTA_MEMORY, wanted, what);
}
