/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The victim; see driver.h. */
#include "attack.h"
#include "driver.h"
#include "kit/domains.h"

#define NR_PAGES  96
#define NR_GRANTS 24
#define MS        1000000UL
#define BEAT_NS   (200 * MS)
#define REST_NS   (10 * MS)

static uint64_t *pages[NR_PAGES];
static uint64_t tables_sum;
static volatile struct victim_page *page; /* with a maker that is the kit */
static evtchn_port_t timer_port;

static void complain(const char *what, unsigned long where, uint64_t got, uint64_t want)
{
    kprintf("not ok victim: %s %lu is %#lx, not %#lx\n", what, where, got, want);
    if (page != NULL) {
        page->faults++;
    }
}

static uint64_t pattern(unsigned int n, unsigned int word)
{
    return 0x5eed000000000000UL + ((uint64_t)n << 20) + word * 0x10001UL;
}

/* All entries of a tree, without what the processor writes; hypervisor's slots left out. */
static uint64_t sum_table(const uint64_t *table, unsigned int level)
{
    uint64_t sum = level;

    for (unsigned int i = 0; i < 512; i++) {
        uint64_t e = *(volatile const uint64_t *)&table[i] & ~(PTE_A | PTE_D);

        if ((level == 4 && i >= 256 && i < 272) || e == 0) {
            continue;
        }
        sum = (sum ^ e ^ i) * 0x100000001b3UL;
        if (level > 1 && (e & PTE_P)) {
            sum += sum_table(mfn_to_virt((e & PTE_ADDR) >> 12), level - 1);
        }
    }
    return sum;
}

static void prepare(void)
{
    for (unsigned int n = 0; n < NR_PAGES; n++) {
        pages[n] = page_alloc();
        for (unsigned int i = 0; i < 512; i++) {
            pages[n][i] = pattern(n, i);
        }
    }
    grants_init();
    for (unsigned int n = 0; n < NR_GRANTS; n++) {
        grant_access(8 + n, 0, virt_to_mfn(pages[n]), n & 1 ? GTF_readonly : 0);
    }
    tables_sum = sum_table(l4_kernel(), 4);
}

static void check_round(void)
{
    for (unsigned int n = 0; n < NR_PAGES; n++) {
        for (unsigned int i = 0; i < 512; i++) {
            uint64_t got = *(volatile uint64_t *)&pages[n][i];

            if (got != pattern(n, i)) {
                complain("word", n * 512 + i, got, pattern(n, i));
                pages[n][i] = pattern(n, i);
            }
        }
    }
    for (unsigned int n = 0; n < NR_GRANTS; n++) {
        const volatile struct grant_entry_v1 *e = &kit_grants[8 + n];
        uint16_t want = GTF_permit_access | (n & 1 ? GTF_readonly : 0);

        if (e->flags != want || e->domid != 0 || e->frame != virt_to_mfn(pages[n])) {
            complain("grant", n, e->flags, want);
        }
    }
    uint64_t sum = sum_table(l4_kernel(), 4);
    if (sum != tables_sum) {
        complain("sum of tables", 4, sum, tables_sum);
        tables_sum = sum;
    }
}

static void rest(void)
{
    struct sched_poll poll = {.nr_ports = 1, .timeout = time_now() + REST_NS};

    set_xen_guest_handle(poll.ports, &timer_port);
    hv_sched_op(SCHEDOP_poll, &poll);
}

void victim(void)
{
    uint64_t begin = time_now(), last = begin, beats = 0, rounds = 0, before = begin;
    bool busy = kit_option("busy", NULL), kit_made = kit_option("kit", NULL);

    if (kit_made) {
        page = domain_shared();
    }
    hv_vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL);
    timer_port = (evtchn_port_t)event_bind_virq(VIRQ_TIMER, 0);
    prepare();
    for (;;) {
        uint64_t now;

        check_round();
        rounds++;
        now = time_now();
        if (now < before) {
            complain("time", beats, now, before);
        }
        before = now;
        if (page != NULL) {
            page->rounds = rounds;
        }
        if (now - last >= BEAT_NS) {
            last = now;
            beats++;
            if (page != NULL) {
                page->beats = beats;
            } else {
                kprintf("beat %lu %lu %lu\n", beats, rounds, (now - begin) / MS);
            }
        }
        if (!busy) {
            rest();
        }
    }
}
