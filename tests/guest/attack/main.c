/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The frame of the attacks; see attack.h. */
#include "attack.h"
#include "driver.h"

const unsigned long bad_addresses[NR_BAD_ADDRESSES] = {
    HV_ADDRESS,    HV_DIRECTMAP,         0xffff810000000000UL, 0xffff828000000000UL,
    NON_CANONICAL, 0xffff87fffffffffcUL, NOBODYS_ADDRESS,
};

struct trap_frame last_trap;
volatile bool helper_stop;
static volatile bool helper_runs;
static const struct attack *running;
static unsigned int failures;

void attempt(bool contained, const char *format, ...)
{
    char text[200];
    va_list args;

    va_start(args, format);
    kvsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (!contained) {
        failures++;
    }
    kprintf("%s %s: %s\n", contained ? "held" : "not ok", running->name, text);
}

bool frame_is_ours(unsigned long mfn)
{
    uint64_t pfn;

    return try_load((void *)(MACH2PHYS_VIRT_START + mfn * 8), &pfn) &&
           pfn < kit_start_info->nr_pages && pfn_to_mfn(pfn) == mfn;
}

unsigned long foreign_frame(unsigned int n)
{
    static unsigned long found[NR_FOREIGN];
    static unsigned int known;
    unsigned long end = (unsigned long)hv_memory_op(XENMEM_maximum_ram_page, NULL), mfn = 0x200;

    if (known == 0) {
        found[known++] = 0;
        found[known++] = 0x1;
        found[known++] = 0xb8;        /* VGA */
        found[known++] = 0x200;       /* the hypervisor's image */
        found[known++] = 0x280;       /* its data */
        found[known++] = 0xfee00;     /* the local APIC */
        found[known++] = 0xfec00;     /* an I/O APIC */
        found[known++] = end;         /* nothing */
        found[known++] = end + 0x100; /* nothing */
        found[known++] = 0xffffffffffUL;
        /* RAM that has an owner, or none: spread over all of it. */
        while (known < NR_FOREIGN) {
            mfn = mfn + end / NR_FOREIGN < end ? mfn + end / NR_FOREIGN : 0x201 + known;
            if (!frame_is_ours(mfn)) {
                found[known++] = mfn;
            }
        }
    }
    return found[n];
}

uint64_t *window_entry(unsigned int n)
{
    return pt_entry(l4_kernel(), WINDOW + n * PAGE_SIZE, 1);
}

long window_map(unsigned int n, uint64_t pte)
{
    if (window_entry(n) == NULL) {
        long rc = map_page(l4_kernel(), WINDOW + n * PAGE_SIZE, 0);

        if (rc != 0) {
            return rc;
        }
    }
    return hv_update_va_mapping(WINDOW + n * PAGE_SIZE, pte, UVMF_INVLPG | UVMF_ALL);
}

bool traps(void (*fn)(void *), void *arg)
{
    return trap_catch(fn, arg, &last_trap);
}

unsigned long option_number(const char *name, unsigned long otherwise)
{
    const char *text;
    unsigned long value = 0;

    if (!kit_option(name, &text)) {
        return otherwise;
    }
    for (; *text >= '0' && *text <= '9'; text++) {
        value = value * 10 + (unsigned long)(*text - '0');
    }
    return value;
}

uint64_t random_word(void)
{
    static uint64_t state;

    if (state == 0) {
        state = option_number("seed", 1) * 0x9e3779b97f4a7c15UL;
    }
    /* xorshift64* (Vigna 2016) */
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 0x2545f4914f6cdd1dUL;
}

uint64_t random_below(uint64_t n)
{
    return (random_word() >> 16) % n;
}

bool start_helper(void (*fn)(void *), void *arg)
{
    long rc;

    helper_stop = false;
    helper_runs = true;
    barrier(); /* before it looks */
    rc = vcpu_start(1, fn, arg);
    if (rc == -XEN_EEXIST) { /* it slept since the last time: it has its state still */
        kit_panic("the helper can be started once only");
    }
    if (rc != 0) {
        kprintf("# no second vCPU: %ld\n", rc);
        helper_runs = false;
        return false;
    }
    return true;
}

void stop_helper(void)
{
    helper_stop = true;
    while (helper_runs) {
        hv_sched_op(SCHEDOP_yield, NULL);
    }
}

void helper_ended(void)
{
    helper_runs = false;
    for (;;) {
        vcpu_down_self();
    }
}

static void nothing(evtchn_port_t port)
{
    (void)port;
}

void make_preemptible(void)
{
    static long port;

    if (port == 0) {
        port = event_bind_ipi(0);
        event_handle((evtchn_port_t)port, nothing);
        events_on();
    }
    /* The upcall runs at once when this call returns; what comes next finds the port pending again only if
     * somebody sends while it runs. So leave the flag behind: pending and not masked. */
    ((volatile struct vcpu_info *)this_vcpu_info())->evtchn_upcall_pending = 1;
}

static bool word_is(const char *word, const char *name)
{
    size_t n = strlen(name);

    return strncmp(word, name, n) == 0 && (word[n] == '\0' || word[n] == ' ');
}

static void run(void *attack)
{
    ((const struct attack *)attack)->run();
}

static void run_attack(const struct attack *a)
{
    running = a;
    kprintf("# %s begins\n", a->name);
    if (trap_catch(run, (void *)a, &last_trap)) {
        attempt(a->may_crash, "trap %lu error %#lx at %#lx cr2 %#lx", last_trap.vector,
                last_trap.error, last_trap.rip, last_cr2());
    }
    kprintf("done %s: %u failures\n", a->name, failures);
}

void guest_main(void)
{
    const char *name = "";

    if (kit_start_info->flags & SIF_INITDOMAIN) {
        drive();
        return;
    }
    kit_option("case", &name);
    for (const struct attack *a = attacks_start; a < attacks_end; a++) {
        if (word_is(name, "list")) {
            kprintf("case %s %u %s\n", a->name, a->vcpus, a->may_crash ? "may-crash" : "ends");
        } else if (word_is(name, a->name)) {
            run_attack(a);
            kit_shutdown(SHUTDOWN_poweroff);
        }
    }
    if (word_is(name, "victim")) {
        victim();
    }
    kit_shutdown(SHUTDOWN_poweroff);
}
