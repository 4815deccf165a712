/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See guests.h. */
#include "dom0-toolstack/hospesd/guests.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dom0-toolstack/hospesd/channels.h"
#include "dom0-toolstack/hospesd/console.h"
#include "dom0-toolstack/hospesd/creations.h"
#include "dom0-toolstack/hospesd/daemon.h"
#include "dom0-toolstack/hospesd/policy.h"
#include "dom0-toolstack/hospesd/worker.h"
#include "dom0-toolstack/lib/domain.h"
#include "dom0-toolstack/lib/domain_config.h"
#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/hv_domain.h"
#include "dom0-toolstack/lib/record.h"
#include "xenstore/client/xs_client.h"

/* A restart that fails is tried again after 5, 10 and 20 seconds, then given up. */
#define MAX_TRIES      4
#define RETRY_DELAY_MS 5000

static const char *const reasons[] = {
    "powered off",           "rebooted", "suspended", "crashed", "its watchdog expired",
    "asked for a soft reset"};

const char *guest_state_name(enum guest_state s)
{
    static const char *const names[] = {"running",    "shutdown",   "dumping",
                                        "restarting", "restarting", "destroying"};

    return names[s];
}

struct guest *guest_by_domid(struct daemon *d, uint32_t domid)
{
    struct guest *g = d->guests;

    while (g && (g->domid != domid || g->state == GUEST_RESTARTING))
        g = g->next;
    return g;
}

struct guest *guest_by_uuid(struct daemon *d, const uint8_t uuid[16])
{
    struct guest *g = d->guests;

    while (g && memcmp(g->uuid, uuid, sizeof(g->uuid)) != 0)
        g = g->next;
    return g;
}

struct guest *guest_without_domain(struct daemon *d, const char *name)
{
    struct guest *g = d->guests;

    while (g && (g->state != GUEST_RESTARTING || strcmp(g->name, name) != 0))
        g = g->next;
    return g;
}

/* ---- consoles ------------------------------------------------------------------------------- */

static void watch_console(struct guest *g, bool on)
{
    char path[64];

    if (g->watched == on)
        return;
    snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/console", g->domid);
    if (on)
        hs_watch(g->d->ctx.xs, path, "console");
    else
        hs_unwatch(g->d->ctx.xs, path, "console");
    g->watched = on;
}

/* Its name in xenstore, where that is known. */
static void update_name(struct guest *g)
{
    char *name = NULL;

    if (hl_domain_name(&g->d->ctx, g->domid, &name, NULL) < 0 || !name) {
        free(name);
        if (g->name)
            return;
        if (asprintf(&name, "domain-%" PRIu32, g->domid) < 0)
            name = NULL;
    }
    free(g->name);
    g->name = name;
}

static int try_console(struct guest *g, bool startup, struct hl_error *e)
{
    struct console_place place;
    int rc;

    if (g->console)
        return 0;
    rc = console_find(g->d, g->domid, &place);
    watch_console(g, rc == -ENOENT);
    if (rc < 0)
        return hl_fail_dom(e, -rc, g->domid, "open the console", "it is not in xenstore");
    /* A domain that was seen while it was made has its name by now, since it gets that first. */
    update_name(g);
    return console_open(g->d, g->domid, &place, g->uuid, g->name, startup, &g->console, e);
}

struct console *guest_console(struct guest *g, struct hl_error *e)
{
    if (!g->console)
        try_console(g, false, e);
    return g->console;
}

void guest_console_event(struct daemon *d, uint32_t domid)
{
    struct guest *g = guest_by_domid(d, domid);

    if (g && g->watched)
        try_console(g, false, NULL);
}

static void end_console(struct guest *g, bool restarting)
{
    struct console *c = g->console;

    watch_console(g, false);
    channels_let_go(g->d, g->domid);
    g->console = NULL;
    if (c)
        console_end(c, restarting);
}

/* ---- the table ------------------------------------------------------------------------------ */

static bool is_managed(struct daemon *d, uint32_t domid)
{
    char path[64];

    hl_domain_managed_path(domid, path);
    return hs_exists(d->ctx.xs, HS_TX_NONE, path) == 1;
}

static struct guest *guest_add(struct daemon *d, uint32_t domid, const uint8_t uuid[16])
{
    struct guest *g = calloc(1, sizeof(*g));

    if (!g)
        return NULL;
    g->d = d;
    g->domid = domid;
    memcpy(g->uuid, uuid, sizeof(g->uuid));
    update_name(g);
    if (!g->name) {
        free(g);
        return NULL;
    }
    g->managed = is_managed(d, domid);
    g->next = d->guests;
    d->guests = g;
    return g;
}

static void guest_remove(struct guest *g)
{
    struct guest **p = &g->d->guests;

    loop_timer_cancel(&g->d->loop, &g->timer);
    end_console(g, false);
    while (*p != g)
        p = &(*p)->next;
    *p = g->next;
    free(g->name);
    free(g);
}

void guests_free(struct daemon *d)
{
    while (d->guests) {
        struct guest *g = d->guests;

        d->guests = g->next;
        loop_timer_cancel(&d->loop, &g->timer);
        free(g->name);
        free(g);
    }
}

/* ---- what happens at an end ------------------------------------------------------------------ */

static void start_job(struct guest *g, enum job_kind kind)
{
    /* The daemon's own mappings would keep the dead domain's memory. A domain that is set aside
     * gives its console up as well: nobody is there to print any more. */
    end_console(g, kind != JOB_DESTROY);
    g->state = kind == JOB_DESTROY ? GUEST_DESTROYING : GUEST_RESTARTING;
    if (worker_queue(g->d->worker, kind, g->domid, g->uuid) < 0)
        say("%s: out of memory; it stays as it is", g->name);
}

static void timer_fired(void *opaque)
{
    struct guest *g = opaque;

    start_job(g, (enum job_kind)g->pending);
}

static void restart_later(struct guest *g, enum job_kind kind, uint64_t ms)
{
    g->pending = kind;
    g->state = GUEST_WAITING;
    if (ms == 0) {
        start_job(g, kind);
        return;
    }
    say("%s restarts in %" PRIu64 " s", g->name, ms / 1000);
    loop_timer_set(&g->d->loop, &g->timer, ms, timer_fired, g);
}

static void apply(struct guest *g, enum policy policy)
{
    switch (policy) {
    case POLICY_LEAVE:
    case POLICY_PRESERVE: g->state = GUEST_ENDED; break;
    case POLICY_DESTROY: start_job(g, JOB_DESTROY); break;
    case POLICY_RESTART:
    case POLICY_RENAME_RESTART:
        restart_later(g, policy == POLICY_RESTART ? JOB_RESTART : JOB_RENAME_RESTART,
                      policy_restart_delay(g->lived, &g->streak));
        break;
    }
}

/* Of one that cannot be dumped its policy must still be done. */
static void dump_first(struct guest *g, const struct hl_domain_config *c, enum policy policy)
{
    char *path;

    if (asprintf(&path, "%s/%s", g->d->opt.dump_dir, c->name) < 0)
        path = NULL;
    g->state = GUEST_DUMPING;
    g->pending = (int)policy;
    if (worker_queue_dump(g->d->dumper, g->domid, g->uuid, path) == 0)
        return;
    say("%s: out of memory; there is no dump of it", g->name);
    apply(g, policy);
}

static void dumped(struct daemon *d, const struct job *j)
{
    struct guest *g = guest_by_uuid(d, j->uuid);
    const char *name = g ? g->name : "a guest that is gone";

    if (j->rc < 0)
        say_error(j->err);
    else
        say("%s: its memory, %" PRIu64 " pages, is in %s%s", name, j->dump.pages, j->path,
            j->dump.left_out ? "; some could not be read" : "");
    if (g && g->state == GUEST_DUMPING && g->domid == j->domid)
        apply(g, (enum policy)g->pending);
}

static void ended(struct guest *g, unsigned int reason)
{
    const char *what = reason < sizeof(reasons) / sizeof(reasons[0]) ? reasons[reason] : "ended";
    struct hl_error *e = hl_error_new();
    const char *substituted = NULL;
    struct hl_domain_config c;
    enum policy policy;
    bool dump;

    /* The mark may have been made after the domain was first seen. */
    g->managed = g->managed || is_managed(g->d, g->domid);
    update_name(g);
    if (!g->managed) {
        g->state = GUEST_ENDED;
        hl_error_free(e);
        return;
    }
    if (hl_record_load(g->uuid, &c, e) < 0) {
        say("%s (domain %" PRIu32 ") %s, but its configuration is lost: it is kept", g->name,
            g->domid, what);
        say_error(e);
        hl_error_free(e);
        g->state = GUEST_ENDED;
        return;
    }
    g->lived = 0;
    hl_domain_uptime(&g->d->ctx, g->domid, &g->lived, NULL);
    policy = policy_for(&c, reason, &dump, &substituted);
    hl_error_free(e);
    say("%s (domain %" PRIu32 ") %s: %s%s", g->name, g->domid, what, dump ? "coredump-" : "",
        policy_name(policy));
    if (substituted)
        say("%s: its configuration asks for %s", g->name, substituted);
    if (dump)
        dump_first(g, &c, policy);
    else
        apply(g, policy);
    hl_domain_config_free(&c);
}

/* Removes what a destroy that was interrupted (or another tool's) left of a domain that is gone. */
static void tidy(const struct guest *g)
{
    if (g->managed && worker_queue(g->d->worker, JOB_TIDY, g->domid, g->uuid) < 0)
        say("%s: out of memory; its traces stay", g->name);
}

/* ---- comparing with the hypervisor ----------------------------------------------------------- */

static void see(struct daemon *d, const struct hv_domain_info *info, bool startup)
{
    struct guest *g = guest_by_domid(d, info->domid);

    if (g && memcmp(g->uuid, info->uuid, sizeof(g->uuid)) != 0) {
        guest_remove(g);
        g = NULL;
    }
    if (!g) {
        struct guest *same = guest_by_uuid(d, info->uuid);

        /* The worker is making it, or taking it away. */
        if (info->dying || (same && same->state == GUEST_RESTARTING))
            return;
        /* Somebody is making it: until xenstored knows it we would not hear of its end, and keep what we mapped of it. */
        if (hs_is_introduced(d->ctx.xs, info->domid) == 0)
            return;
        g = guest_add(d, info->domid, info->uuid);
        if (!g)
            return;
        try_console(g, startup, NULL);
    }
    if (info->dying) {
        end_console(g, false);
        /* Whoever destroys it may be killed before all is done. */
        if (g->state != GUEST_DESTROYING) {
            g->state = GUEST_DESTROYING;
            tidy(g);
        }
    } else if (!info->shutdown) {
        if (g->state == GUEST_ENDED)
            g->state = GUEST_RUNNING; /* resumed */
    } else if (g->state == GUEST_RUNNING) {
        if (g->console)
            console_guest_stopped(g->console);
        ended(g, info->shutdown_reason);
    }
}

void guests_scan(struct daemon *d, bool startup)
{
    struct hl_error *e = hl_error_new();
    struct hv_domain_info *list = NULL;
    struct guest *next;
    size_t count = 0;

    if (hv_domain_list(d->ctx.hv, &list, &count, e) < 0) {
        say_error(e);
        hl_error_free(e);
        return;
    }
    hl_error_free(e);
    for (struct guest *g = d->guests; g; g = next) {
        bool alive = g->state == GUEST_RESTARTING;

        next = g->next;
        for (size_t i = 0; !alive && i < count; i++)
            alive = list[i].domid == g->domid;
        if (alive)
            continue;
        tidy(g);
        guest_remove(g);
    }
    for (size_t i = 0; i < count; i++) {
        if (list[i].domid != 0)
            see(d, &list[i], startup);
    }
    free(list);
}

/* Somebody creates anew what failed to restart, under its uuid, before we try again: that is the guest from now on. */
static void supersede(struct daemon *d, uint32_t domid)
{
    struct hv_domain_info info;
    struct guest *g;

    if (hv_domain_info(d->ctx.hv, domid, &info, NULL) < 0)
        return;
    g = guest_by_uuid(d, info.uuid);
    if (!g || g->state != GUEST_RESTARTING || !g->timer.due)
        return;
    say("%s was created anew: its restart is not tried again", g->name);
    restart_unmark(g->uuid);
    guest_remove(g);
}

int guest_adopt(struct daemon *d, uint32_t domid, struct hl_error *e)
{
    struct guest *g;

    supersede(d, domid);
    guests_scan(d, false);
    g = guest_by_domid(d, domid);
    if (!g)
        return hl_fail_dom(e, ESRCH, domid, "adopt", "there is no such domain");
    g->managed = true;
    update_name(g);
    return try_console(g, false, e);
}

/* ---- the end of a job ------------------------------------------------------------------------ */

static void built(struct guest *g, uint32_t domid)
{
    struct hl_error *e;

    g->domid = domid;
    if (g->unwanted) {
        start_job(g, JOB_DESTROY);
        g->state = GUEST_RESTARTING; /* until the worker has taken it away */
        return;
    }
    e = hl_error_new();
    g->state = GUEST_RUNNING;
    g->managed = true;
    g->tries = 0;
    if (try_console(g, false, e) < 0)
        say_error(e);
    if (hl_domain_unpause(&g->d->ctx, domid, e) < 0)
        say_error(e);
    hl_error_free(e);
    restart_unmark(g->uuid);
    say("%s restarted as domain %" PRIu32, g->name, domid);
}

/* It has no domain any more, and gets none. */
static void forget(struct guest *g)
{
    hl_record_remove(g->uuid);
    restart_unmark(g->uuid);
    console_drop_waiting(g->d, g->uuid);
    guest_remove(g);
}

static void restart_failed(struct guest *g, struct hl_error *e)
{
    hl_error_within(e, "restart %s", g->name);
    say_error(e);
    if (g->unwanted) {
        forget(g);
        return;
    }
    if (++g->tries < MAX_TRIES) {
        restart_later(g, JOB_BUILD, (uint64_t)RETRY_DELAY_MS << (g->tries - 1));
        g->state = GUEST_RESTARTING; /* it has no domain while it waits */
        return;
    }
    say("%s could not be restarted; it is given up. Create it again when the cause is removed",
        g->name);
    forget(g);
}

int guest_give_up(struct daemon *d, const char *name, uint8_t uuid[16])
{
    struct guest *g;

    /* It may have ended just now. */
    guests_scan(d, false);
    g = d->guests;
    while (g && ((g->state != GUEST_WAITING && g->state != GUEST_RESTARTING) ||
                 strcmp(g->name, name) != 0))
        g = g->next;
    if (!g)
        return -ENOENT;
    say("%s is not wanted any more: its restart is given up", g->name);
    memcpy(uuid, g->uuid, sizeof(g->uuid));
    if (g->state == GUEST_WAITING) {
        loop_timer_cancel(&d->loop, &g->timer);
        g->state = GUEST_ENDED;
    } else if (g->timer.due) {
        forget(g);
    } else {
        /* Without its record a daemon that follows a killed one does not go on with it, either. */
        g->unwanted = true;
        hl_record_remove(g->uuid);
    }
    return 0;
}

void guests_job_done(struct daemon *d, const struct job *j)
{
    struct guest *g = guest_by_uuid(d, j->uuid);

    if (j->kind == JOB_TIDY)
        return;
    if (j->kind == JOB_NETWORKS) {
        if (j->rc < 0)
            say_error(j->err);
        return;
    }
    if (j->kind == JOB_DUMP) {
        dumped(d, j);
        return;
    }
    if (j->kind == JOB_ABANDONED) {
        if (j->rc == -EBUSY)
            creations_scan_later(d);
        else if (j->rc < 0)
            say_error(j->err);
        /* xenstored tells of domains that it knew; this one may have died before. */
        guests_scan(d, false);
        return;
    }
    if (j->kind == JOB_DESTROY) {
        if (j->rc < 0 && j->rc != -ESRCH) {
            say_error(j->err);
            if (g)
                g->state = GUEST_ENDED;
        }
        if (g && g->unwanted)
            forget(g);
    } else if (g && j->rc < 0) {
        restart_failed(g, j->err);
    } else if (g) {
        built(g, j->domid);
    }
    guests_scan(d, false);
}

/* ---- what an earlier daemon left --------------------------------------------------------------- */

static void recover(void *opaque, const uint8_t uuid[16], uint32_t domid)
{
    struct daemon *d = opaque;
    struct guest *g = guest_by_uuid(d, uuid);
    struct hv_domain_info info;
    struct hl_domain_config c;

    if (g && g->state != GUEST_RUNNING)
        return; /* the policy for its end runs already and will make the mark again */
    if (g && hv_domain_info(d->ctx.hv, g->domid, &info, NULL) < 0)
        g = NULL;
    if (g && (!info.paused || info.cpu_time_ns)) {
        restart_unmark(uuid);
        return;
    }
    if (hl_record_load(uuid, &c, NULL) < 0) {
        /* Given up, or lost; what is half built cannot be finished. */
        restart_unmark(uuid);
        if (g)
            start_job(g, JOB_DESTROY);
        return;
    }
    if (g) {
        say("%s: finishing the restart that was interrupted", g->name);
        start_job(g, JOB_RESTART);
    } else if ((g = calloc(1, sizeof(*g))) != NULL) {
        g->d = d;
        g->domid = domid;
        memcpy(g->uuid, uuid, sizeof(g->uuid));
        g->name = strdup(c.name);
        g->next = d->guests;
        d->guests = g;
        say("%s: finishing the restart that was interrupted", g->name);
        start_job(g, JOB_BUILD);
    }
    hl_domain_config_free(&c);
}

/* Domains of ours that xenstore has and the hypervisor has not: their destroyer was interrupted. */
static void recover_traces(struct daemon *d)
{
    unsigned int n;
    char **ids = hs_directory(d->ctx.xs, HS_TX_NONE, "/local/domain", &n);

    for (unsigned int i = 0; ids && i < n; i++) {
        uint32_t domid = (uint32_t)strtoul(ids[i], NULL, 10);
        struct hv_domain_info info;
        char path[64], *vm;
        uint8_t uuid[16];

        if (domid == 0 || (hv_domain_info(d->ctx.hv, domid, &info, NULL) == 0 && !info.dying))
            continue;
        snprintf(path, sizeof(path), "/libxl/%" PRIu32 "/toolstack", domid);
        if (hs_exists(d->ctx.xs, HS_TX_NONE, path) != 1)
            continue;
        vm = hs_readf(d->ctx.xs, HS_TX_NONE, "/local/domain/%" PRIu32 "/vm", domid);
        /* A restart that is being finished removes its own. */
        if (vm && strncmp(vm, "/vm/", 4) == 0 && hl_uuid_parse(vm + 4, uuid) == 0 &&
            !guest_by_uuid(d, uuid) && worker_queue(d->worker, JOB_TIDY, domid, uuid) < 0)
            say("domain %" PRIu32 ": out of memory; its traces stay", domid);
        free(vm);
    }
    free(ids);
}

void guests_recover(struct daemon *d)
{
    restart_marks(recover, d);
    recover_traces(d);
}
