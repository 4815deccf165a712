/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Domain 0 of the attacks: a domain for each, a victim beside them, and the verdicts; see attack.h. */
#include "attack.h"
#include "driver.h"
#include "hypervisor.h"
#include "workers.h"
#include "hypercalls/abi/io-console.h"

#define PATIENCE    (200 * SECOND)
#define SPARE_PAGES 700

static struct domain victim_domain;

static volatile struct victim_page *victim_page(void)
{
    return victim_domain.shared;
}

/* The victim's beats go on, and nothing of it was touched. */
static bool victim_lives(void)
{
    uint64_t beats = victim_page()->beats, end = time_now() + PATIENCE;

    while (victim_page()->beats < beats + 2 && time_now() < end) {
        dom0_sleep(SECOND / 20);
    }
    domain_print(&victim_domain, "# victim: ");
    return victim_page()->beats >= beats + 2 && victim_page()->faults == 0;
}

static bool ended(const struct domain *d)
{
    struct xen_domctl_getdomaininfo info;

    return domain_info(d->id, &info) != 0 || (info.flags & XEN_DOMINF_shutdown);
}

static bool crashed(const struct domain *d)
{
    struct xen_domctl_getdomaininfo info;

    return domain_info(d->id, &info) == 0 &&
           (info.flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask) == SHUTDOWN_crash;
}

/* Shows what the attack says; counts lines that begin so. */
struct tally {
    unsigned int held, failed, done;
};

static void listen(struct domain *d, struct tally *t)
{
    static char line[256];
    static size_t n;
    volatile struct xencons_interface *ring = d->console;
    XENCONS_RING_IDX cons = ring->out_cons, prod = ring->out_prod;

    if (prod - cons > sizeof(ring->out)) {
        cons = prod; /* it tampered with its console: its own loss */
    }
    for (; cons != prod; cons++) {
        char c = ring->out[MASK_XENCONS_IDX(cons, ring->out)];

        if (c != '\n' && n < sizeof(line) - 1) {
            line[n++] = c;
            continue;
        }
        line[n] = '\0';
        n = 0;
        if (strncmp(line, "held ", 5) == 0) {
            t->held++;
        } else if (strncmp(line, "not ok ", 7) == 0) {
            t->failed++;
        } else if (strncmp(line, "done ", 5) == 0) {
            t->done++;
        }
        kprintf("# d%u: %s\n", d->id, line);
    }
    ring->out_cons = cons;
}

static void judge(const struct attack *a, const struct tally *t, bool over, bool crash)
{
    if (t->failed != 0) {
        kprintf("not ok %s: %u attempts were not contained\n", a->name, t->failed);
    } else if (!over) {
        kprintf("not ok %s: it does not end\n", a->name);
    } else if (!(a->may_crash && crash) && t->done == 0) {
        kprintf("not ok %s: it ended before its time%s\n", a->name, crash ? ", crashed" : "");
    } else if (t->held == 0) {
        kprintf("not ok %s: nothing was tried\n", a->name);
    } else if (!victim_lives()) {
        kprintf("not ok %s: the victim does not live, or was touched\n", a->name);
    } else {
        kprintf("ok %s\n", a->name);
    }
}

static void drive_one(const struct attack *a)
{
    static char cmdline[128];
    struct domain_config config = {
        .cmdline = cmdline, .vcpus = a->vcpus, .spare_pages = SPARE_PAGES};
    struct tally t = {0};
    uint64_t end = time_now() + PATIENCE, before;
    struct domain d;
    long rc;

    ksnprintf(cmdline, sizeof(cmdline), "case=%s victim=%u", a->name, victim_domain.id);
    dom0_sleep(SECOND / 100); /* what an earlier one leaves is freed in the background */
    before = free_pages();
    rc = domain_make(&d, &config);
    if (rc != 0) {
        kprintf("not ok %s: no domain: %ld\n", a->name, rc);
        return;
    }
    domain_unpause(&d);
    bool over = false;
    while (!over && time_now() < end) {
        dom0_sleep(SECOND / 100);
        over = ended(&d);
        listen(&d, &t);
    }
    bool crash = crashed(&d);
    if (!over) {
        debug_key('q');
    }
    audit_after(a->name);
    rc = domain_destroy(&d);
    end = time_now() + PATIENCE;
    while (free_pages() != before && time_now() < end) {
        dom0_sleep(SECOND / 100);
    }
    judge(a, &t, over, crash);
    if (rc != 0 || free_pages() != before) {
        kprintf("not ok %s/memory: %ld pages are missing (destroy: %ld)\n", a->name,
                (long)(before - free_pages()), rc);
    }
}

void drive(void)
{
    const char *only = NULL;
    struct domain_config config = {.cmdline = "case=victim kit", .spare_pages = 200};
    long rc = domain_make(&victim_domain, &config);

    if (rc != 0) {
        kit_panic("no victim: %ld", rc);
    }
    kit_option("only", &only);
    domain_unpause(&victim_domain);
    for (const struct attack *a = attacks_start; a < attacks_end; a++) {
        if (only == NULL || strncmp(only, a->name, strlen(a->name)) == 0) {
            drive_one(a);
        }
    }
    kprintf("%s victim: %lu rounds\n", victim_page()->faults == 0 ? "ok" : "not ok",
            victim_page()->rounds);
}
