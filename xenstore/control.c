/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The CONTROL message: commands for whoever looks after the daemon. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "hypercalls/abi/io-xs_wire.h"
#include "xenstore/core.h"
#include "xenstore/journal.h"
#include "xenstore/path.h"
#include "xenstore/perm.h"
#include "xenstore/request.h"
#include "xenstore/watch.h"

#define MAX_ARGS 16

static int control_help(struct core *core, const char *const *args, unsigned int n,
                        struct buf *out);

static int control_check(struct core *core, const char *const *args, unsigned int n,
                         struct buf *out)
{
    (void)args;
    if (n != 1) {
        return EINVAL;
    }
    if (core_check(core, out)) {
        buf_str(out, "OK");
    } else {
        buf_u8(out, 0);
    }
    return 0;
}

static int control_log(struct core *core, const char *const *args, unsigned int n, struct buf *out)
{
    if (n == 1) {
        buf_str(out, core->trace ? "on" : "off");
        return 0;
    }
    if (n != 2 || (strcmp(args[1], "on") && strcmp(args[1], "off"))) {
        return EINVAL;
    }
    core->trace = !strcmp(args[1], "on");
    return 0;
}

static int control_print(struct core *core, const char *const *args, unsigned int n,
                         struct buf *out)
{
    (void)out;
    if (n != 2) {
        return EINVAL;
    }
    core_log(core, "control: %s", args[1]);
    return 0;
}

static void report_domain(const struct domain *d, struct buf *out)
{
    buf_printf(out, "%6u %8u %10" PRIu64 " %8u %8u %10" PRIu64 "\n", d->domid, d->use.nodes,
               d->use.node_bytes, d->use.watches, d->use.transactions, d->use.work_bytes);
}

static int control_memreport(struct core *core, const char *const *args, unsigned int n,
                             struct buf *out)
{
    const struct domain *d;
    const struct conn *c;
    unsigned int sockets = 0;
    uint64_t bytes = 0;
    size_t i;

    (void)args;
    if (n != 1) {
        return EINVAL;
    }
    buf_printf(out, "domain    nodes node-bytes  watches    trans other-bytes\n");
    for (i = 0; i < CORE_HASH; i++) {
        for (d = core->domains[i]; d && out->len < XENSTORE_PAYLOAD_MAX - 200; d = d->next) {
            report_domain(d, out);
        }
    }
    for (c = core->conns; c; c = c->next) {
        if (!c->domain) {
            sockets++;
            bytes += c->local.work_bytes;
        }
    }
    buf_printf(out, "%u socket connections, %" PRIu64 " bytes\n", sockets, bytes);
    buf_u8(out, 0);
    return 0;
}

/* ---- quotas ------------------------------------------------------------------------------- */

static void show_limits(const struct core *core, const struct domain *d, struct buf *out)
{
    enum quota q;

    buf_printf(out, "Quota settings:\n");
    for (q = 0; q < QUOTA_COUNT; q++) {
        bool own = d && d->quota.own[q];

        buf_printf(out, "%-17s: %8u %s%s\n", quota_info[q].name,
                   own ? d->quota.limit[q] : core->quota.limit[q], quota_info[q].text,
                   own ? " (set for this domain)" : "");
    }
}

static void show_usage(const struct domain *d, struct buf *out)
{
    buf_printf(out, "Domain %u:\n", d->domid);
    buf_printf(out, "%-17s: %8u\n", "nodes", d->use.nodes);
    buf_printf(out, "%-17s: %8u\n", "watches", d->use.watches);
    buf_printf(out, "%-17s: %8u\n", "transactions", d->use.transactions);
    buf_printf(out, "%-17s: %8u\n", "outstanding", d->conn ? d->conn->out_count : 0);
    buf_printf(out, "%-17s: %8" PRIu64 "\n", "memory", d->use.node_bytes + d->use.work_bytes);
}

static bool parse_u32(const char *s, uint32_t *v)
{
    char *end;
    unsigned long long x;

    errno = 0;
    x = strtoull(s, &end, 10);
    if (errno || *end || end == s || s[0] == '-' || x > UINT32_MAX) {
        return false;
    }
    *v = (uint32_t)x;
    return true;
}

/* set NAME VALUE */
static int set_quota(struct core *core, struct domain *d, const char *const *args)
{
    enum quota q = quota_find(args[1]);
    struct quota_set *set = d ? &d->quota : &core->quota;
    uint32_t v;

    if (strcmp(args[0], "set") || q == QUOTA_COUNT || !parse_u32(args[2], &v)) {
        return EINVAL;
    }
    set->limit[q] = v;
    set->own[q] = d != NULL;
    journal_quota(core, d ? d->domid : DOMAIN_NONE, q);
    return 0;
}

/* quota | quota set NAME VALUE | quota DOMID | quota DOMID set NAME VALUE */
static int control_quota(struct core *core, const char *const *args, unsigned int n,
                         struct buf *out)
{
    struct domain *d;
    uint32_t domid;

    if (n == 1) {
        show_limits(core, NULL, out);
        buf_u8(out, 0);
        return 0;
    }
    if (n == 4) {
        return set_quota(core, NULL, args + 1);
    }
    if (!parse_u32(args[1], &domid) || domid >= DOMID_LIMIT || (n != 2 && n != 5)) {
        return EINVAL;
    }
    if (n == 5) {
        d = domain_get(core, domid);
        return d ? set_quota(core, d, args + 2) : ENOMEM;
    }
    d = domain_find(core, domid);
    if (!d) {
        return ENOENT;
    }
    show_usage(d, out);
    show_limits(core, d, out);
    buf_u8(out, 0);
    return 0;
}

/* quota-soft | quota-soft set memory VALUE */
static int control_quota_soft(struct core *core, const char *const *args, unsigned int n,
                              struct buf *out)
{
    const char *set[3];

    if (n == 1) {
        buf_printf(out, "Quota settings:\n%-17s: %8u %s\n", "memory",
                   core->quota.limit[QUOTA_MEMORY_SOFT], quota_info[QUOTA_MEMORY_SOFT].text);
        buf_u8(out, 0);
        return 0;
    }
    if (n != 4 || strcmp(args[2], "memory")) {
        return EINVAL;
    }
    set[0] = args[1];
    set[1] = quota_info[QUOTA_MEMORY_SOFT].name;
    set[2] = args[3];
    return set_quota(core, NULL, set);
}

/* ---- watches ------------------------------------------------------------------------------- */

/* watchers PATH: the domains that hear of changes there, and by how many watches each. */
static int control_watchers(struct core *core, const char *const *args, unsigned int n,
                            struct buf *out)
{
    const struct watch *w;
    const struct conn *c;
    unsigned int count;

    if (n != 2 || args[1][0] != '/') {
        return EINVAL;
    }
    for (c = core->conns; c && out->len < XENSTORE_PAYLOAD_MAX - 200; c = c->next) {
        for (count = 0, w = c->watches; w; w = w->next) {
            count += path_below(args[1], w->path);
        }
        if (c->domain && count) {
            buf_printf(out, "%u %u\n", c->domain->domid, count);
        }
    }
    buf_u8(out, 0);
    return 0;
}

/* ---- the table ---------------------------------------------------------------------------- */

static const struct {
    const char *name, *args;
    int (*run)(struct core *core, const char *const *args, unsigned int n, struct buf *out);
} commands[] = {
    {"check", "", control_check},
    {"log", "[on|off]", control_log},
    {"logfile", "<file>", NULL},
    {"memreport", "", control_memreport},
    {"print", "<string>", control_print},
    {"quota", "[set <name> <val>|<domid> [set <name> <val>]]", control_quota},
    {"quota-soft", "[set <name> <val>]", control_quota_soft},
    {"watchers", "<path>", control_watchers},
    {"live-update", "[-f <file>] [-s]", NULL},
    {"help", "", control_help},
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static int control_help(struct core *core, const char *const *args, unsigned int n, struct buf *out)
{
    size_t i;

    (void)core;
    (void)args;
    if (n != 1) {
        return EINVAL;
    }
    for (i = 0; i < COMMANDS; i++) {
        buf_printf(out, "%s\t%s\n", commands[i].name, commands[i].args);
    }
    buf_u8(out, 0);
    return 0;
}

int handle_control(struct request *r)
{
    struct core *core = r->conn->core;
    const char *args[MAX_ARGS];
    int n = request_strings(r, args, MAX_ARGS);
    size_t i;

    if (n < 1) {
        return EINVAL;
    }
    for (i = 0; i < COMMANDS; i++) {
        if (!strcmp(commands[i].name, args[0])) {
            return commands[i].run
                       ? commands[i].run(core, args, (unsigned int)n, &r->reply)
                       : core->ops->control(core->arg, args, (unsigned int)n, &r->reply);
        }
    }
    return EINVAL;
}
