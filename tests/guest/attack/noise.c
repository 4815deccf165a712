/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Floods, storms, and calls with random arguments. */
#include "attack.h"

/* ---- random calls -------------------------------------------------------------------------------------- */

static uint64_t *pages[8];

/* A word that some call may take for something. */
static uint64_t odd_word(void)
{
    switch (random_below(12)) {
    case 0: return random_word();
    case 1: return bad_addresses[random_below(NR_BAD_ADDRESSES)];
    case 2:
    case 3: return (uint64_t)pages[random_below(8)] + (random_below(2) ? 0 : random_below(512) * 8);
    case 4: return foreign_frame((unsigned int)random_below(NR_FOREIGN));
    case 5: return virt_to_mfn(pages[random_below(8)]);
    case 6: return (uint64_t)virt_to_mfn(pages[random_below(8)]) << 12 | random_below(4096);
    case 7: return 1UL << random_below(64);
    case 8: return ~0UL - random_below(4);
    case 9: return DOMID_SELF;
    default: return random_below(40);
    }
}

/* What ends this domain, or this code, at once. */
static bool suicidal(unsigned long nr, const uint64_t *args)
{
    switch (nr) {
    case __HYPERVISOR_set_trap_table:
    case __HYPERVISOR_stack_switch:
    case __HYPERVISOR_callback_op:
    case __HYPERVISOR_iret:
    case __HYPERVISOR_sched_op_compat: return true;
    case __HYPERVISOR_sched_op:
        return args[0] == SCHEDOP_shutdown || args[0] == SCHEDOP_block || args[0] == SCHEDOP_poll;
    case __HYPERVISOR_vcpu_op: return args[0] == VCPUOP_down;
    default: return false;
    }
}

static void one_call(unsigned int n, bool spare_self)
{
    uint64_t args[5];
    unsigned long nr = n % 16 ? random_below(64) : odd_word();

    for (unsigned int i = 0; i < 5; i++) {
        args[i] = odd_word();
    }
    if (random_below(3) == 0) { /* an operation that exists, on a structure that is ours */
        args[0] = random_below(32);
        args[1] = (uint64_t)pages[random_below(8)];
    }
    if (random_below(4) == 0) {
        uint64_t *p = pages[random_below(8)];

        for (unsigned int i = 0; i < 16; i++) {
            p[i] = odd_word();
        }
    }
    if (nr == __HYPERVISOR_console_io) {
        args[1] %= 4096; /* all of our memory would take a serial line minutes */
    }
    if (spare_self && suicidal(nr, args)) {
        return;
    }
    hypercall(nr, args[0], args[1], args[2], args[3], args[4]);
}

static void fuzz(bool spare_self)
{
    unsigned long n = option_number("calls", 60000);

    for (unsigned int i = 0; i < 8; i++) {
        pages[i] = page_alloc_zeroed();
    }
    attempt(true, "it begins");
    for (unsigned int i = 0; i < n; i++) {
        one_call(i, spare_self);
    }
    attempt(true, "%lu random calls", n);
}

LAST_ATTACK(random_calls, 1)
{
    fuzz(true);
}
LAST_ATTACK(random_calls_all, 1)
{
    fuzz(false);
}

static void calls_until_stopped(void *arg)
{
    (void)arg;
    for (unsigned int i = 0; !helper_stop; i++) {
        one_call(i, true);
    }
}

/* A call may have made one of the pages that both write to read-only. It goes on: a call may also have put the other one to
 * sleep, which others of its calls wake. */
static void fuzz_helper(void *arg)
{
    struct trap_frame caught;

    while (!helper_stop) {
        (void)trap_catch(calls_until_stopped, arg, &caught);
    }
    helper_ended();
}

LAST_ATTACK(random_calls_by_two, 2)
{
    for (unsigned int i = 0; i < 8; i++) {
        pages[i] = page_alloc_zeroed();
    }
    foreign_frame(0);
    start_helper(fuzz_helper, NULL);
    fuzz(true);
    helper_stop = true;
}

/* ---- floods ---------------------------------------------------------------------------------------------- */

static void flush_flood(void *arg)
{
    struct mmuext_op op = {.cmd = MMUEXT_TLB_FLUSH_ALL};

    (void)arg;
    while (!helper_stop) {
        hv_mmuext_op(&op, 1, NULL, DOMID_SELF);
    }
    helper_ended();
}

static void on_nmi(struct trap_frame *frame)
{
    (void)frame;
}

ATTACK(floods, 2)
{
    static char text[4096];
    static const uint8_t missing[] = {4, 11, 16, 19, 27, 31, 34, 37, 39, 41, 48, 56, 63, 64, 255};
    static struct multicall_entry batch[512], inner[4];
    uint64_t end;
    unsigned long n = 0;

    memset(text, 'x', sizeof(text));
    for (unsigned int i = 0; i < sizeof(text); i += 5) {
        text[i] = '\n';
    }
    /* Ten thousand lines; each of more would be a character at a time of the machine's serial line. */
    for (unsigned int i = 0; i < 12; i++) {
        hv_console_io(CONSOLEIO_write, sizeof(text), text);
    }
    attempt(true, "12 pages of text to the hypervisor's console");
    for (unsigned int i = 0; i < 50000; i++) {
        hypercall(missing[i % sizeof(missing)], ~0UL, 0, 0, 0, 0);
        hv_sched_op(1000 + (int)i, NULL);
    }
    attempt(true, "calls that are not there");
    for (unsigned int i = 0; i < 4; i++) {
        inner[i].op = __HYPERVISOR_xen_version;
    }
    for (unsigned int i = 0; i < 512; i++) {
        batch[i].op = __HYPERVISOR_multicall;
        batch[i].args[0] = (unsigned long)(i & 1 ? batch : inner);
        batch[i].args[1] = i & 1 ? 512 : 4;
    }
    hv_multicall(batch, 512);
    unsigned int nested = 0;
    for (unsigned int i = 0; i < 512; i++) {
        nested += (long)batch[i].result >= 0;
    }
    attempt(nested == 0, "batches of batches: %u done", nested);
    REFUSED(hv_multicall((void *)HV_ADDRESS, 1), "a batch in the hypervisor");
    /* Timers in the past, and as often as can be. */
    trap_set_handler(2, on_nmi);
    long port = event_bind_virq(VIRQ_TIMER, 0);
    end = time_now() + 100000000UL;
    while (time_now() < end) {
        timer_set(n % 3 ? 1 : time_now(), 0);
        hv_set_timer_op(n % 2 ? 1 : ~0UL >> (n % 64));
        n++;
    }
    struct vcpu_set_periodic_timer periodic = {.period_ns = 1};
    hv_vcpu_op(VCPUOP_set_periodic_timer, 0, &periodic);
    periodic.period_ns = ~0UL;
    hv_vcpu_op(VCPUOP_set_periodic_timer, 0, &periodic);
    timer_stop();
    hv_vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL);
    attempt(port > 0, "%lu timers in the past", n);
    if (start_helper(flush_flood, NULL)) {
        end = time_now() + 100000000UL;
        for (n = 0; time_now() < end; n++) {
            hv_sched_op(SCHEDOP_yield, NULL);
            hv_vcpu_op(VCPUOP_send_nmi, 0, NULL);
        }
        stop_helper();
        attempt(true, "flushes, NMIs and yields by both vCPUs: %lu", n);
    }
    struct sched_watchdog dog = {.id = 77, .timeout = 1};
    REFUSED(hv_sched_op(SCHEDOP_watchdog, &dog), "a watchdog that is not there");
}

/* ---- vCPUs that never leave the longest calls --------------------------------------------------------- */

static uint64_t *burn_tables[2][70];

static void build_burner(unsigned int v)
{
    uint64_t **t = burn_tables[v];
    uint64_t data = (uint64_t)virt_to_mfn(page_alloc_zeroed()) << 12 | PTE_KERNEL;

    for (unsigned int i = 0; i < 64; i++) {
        t[i] = page_alloc();
        for (unsigned int k = 0; k < 512; k++) {
            t[i][k] = data;
        }
        page_set_readonly(t[i]);
    }
    for (unsigned int i = 64; i < 67; i++) {
        t[i] = page_alloc_zeroed();
    }
    for (unsigned int i = 0; i < 64; i++) {
        t[64][i] = (uint64_t)virt_to_mfn(t[i]) << 12 | PTE_KERNEL;
    }
    t[65][0] = (uint64_t)virt_to_mfn(t[64]) << 12 | PTE_KERNEL;
    t[66][0] = (uint64_t)virt_to_mfn(t[65]) << 12 | PTE_KERNEL;
    for (unsigned int i = 64; i < 67; i++) {
        page_set_readonly(t[i]);
    }
}

static void burn(unsigned int v)
{
    unsigned long root = virt_to_mfn(burn_tables[v][66]);
    static unsigned long gdt[2][14];
    struct mmuext_op op[2] = {{.cmd = MMUEXT_PIN_L4_TABLE, .arg1.mfn = root},
                              {.cmd = MMUEXT_UNPIN_TABLE, .arg1.mfn = root}};

    (void)gdt;
    hv_mmuext_op(op, 2, NULL, DOMID_SELF);
}

static void burn_helper(void *arg)
{
    (void)arg;
    while (!helper_stop) {
        burn(1);
    }
    helper_ended();
}

ATTACK(burning, 2)
{
    uint64_t end;
    unsigned long n = 0;

    build_burner(0);
    build_burner(1);
    start_helper(burn_helper, NULL);
    kprintf("# burning\n");
    for (end = time_now() + option_number("seconds", 2) * 1000000000UL; time_now() < end; n++) {
        burn(0);
    }
    stop_helper();
    attempt(n > 0, "%lu trees pinned and unpinned by each vCPU", n);
}
