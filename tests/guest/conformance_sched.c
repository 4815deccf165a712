/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched_op, set_timer_op, vcpu_op. */
#include "conformance.h"
#include "kit/domains.h"
#include "kit/time.h"
#include "kit/vcpus.h"

static long poll(evtchn_port_t *ports, unsigned int count, uint64_t timeout)
{
    struct sched_poll op = {.nr_ports = count, .timeout = timeout};

    op.ports.p = ports;
    return hv_sched_op(SCHEDOP_poll, &op);
}

static void polls(void)
{
    static evtchn_port_t many[129];
    evtchn_port_t a = (evtchn_port_t)event_bind_ipi(0), b = (evtchn_port_t)event_bind_ipi(0);
    evtchn_port_t two[2] = {a, b};
    struct sched_poll op = {.nr_ports = 1, .timeout = 1};

    for (unsigned int i = 0; i < 129; i++) {
        many[i] = a;
    }
    event_mask(a);
    event_mask(b);
    ROW("poll/deadline-past", 0, poll(&a, 1, 1));
    ROW("poll/no-ports-deadline-past", 0, poll(NULL, 0, 1));
    uint64_t end = time_now() + 3000000;
    ROW("poll/deadline", 0, poll(&a, 1, end));
    ROW("poll/deadline/reached", 1, time_now() + 100000 >= end);
    event_send(a);
    ROW("poll/pending", 0, poll(&a, 1, 0));
    ROW("poll/pending/stays", 1, event_pending(a));
    ROW("poll/second-pending", 0, (two[0] = b, two[1] = a, poll(two, 2, 0)));
    event_clear(a);
    ROW("poll/128-ports", 0, poll(many, 128, 1));
    ROW("poll/129-ports", -XEN_EINVAL, poll(many, 129, 1));
    ROW("poll/ports-max", -XEN_EINVAL, poll(many, ~0U, 1));
    a = 0x7fffffff;
    ROW("poll/port-beyond", -XEN_EINVAL, poll(&a, 1, 1));
    a = ~0U;
    ROW("poll/port-max", -XEN_EINVAL, poll(&a, 1, 1));
    a = two[1];
    POINTERS("poll/ports", -XEN_EFAULT, p, poll(p, 1, 1));
    POINTERS("poll", -XEN_EFAULT, p, hv_sched_op(SCHEDOP_poll, p));
    op.ports.p = &b;
    READONLY("poll", 0, p, op, hv_sched_op(SCHEDOP_poll, p));
    event_close(a);
    event_close(b);
}

static long watchdog(uint32_t id, uint32_t timeout)
{
    struct sched_watchdog op = {.id = id, .timeout = timeout};

    return hv_sched_op(SCHEDOP_watchdog, &op);
}

static long remote(domid_t id, unsigned int reason)
{
    struct sched_remote_shutdown op = {.domain_id = id, .reason = reason};

    return hv_sched_op(SCHEDOP_remote_shutdown, &op);
}

static long pin(int cpu)
{
    struct sched_pin_override op = {.pcpu = cpu};

    return hv_sched_op(SCHEDOP_pin_override, &op);
}

static void remote_shutdown(void)
{
    struct domain d;
    struct xen_domctl_getdomaininfo info = {0};

    ROW("remote_shutdown/nobody", -XEN_ESRCH, remote(NOBODY, SHUTDOWN_poweroff));
    ROW("remote_shutdown/system", -XEN_ESRCH, remote(DOMID_XEN, SHUTDOWN_poweroff));
    ROW("remote_shutdown/io", -XEN_ESRCH, remote(DOMID_IO, SHUTDOWN_poweroff));
    ROW("remote_shutdown/invalid", -XEN_ESRCH, remote(DOMID_INVALID, SHUTDOWN_poweroff));
    if (domain_create_empty(&d, &(struct domain_config){.vcpus = 1}) != 0) {
        kit_panic("no domain");
    }
    domain_info(d.id, &info);
    ROW("remote_shutdown/before", 0, info.flags & XEN_DOMINF_shutdown);
    ROW("remote_shutdown", 0, remote(d.id, SHUTDOWN_reboot));
    domain_info(d.id, &info);
    ROW("remote_shutdown/effect", XEN_DOMINF_shutdown, info.flags & XEN_DOMINF_shutdown);
    ROW("remote_shutdown/reason", SHUTDOWN_reboot,
        info.flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask);
    ROW("remote_shutdown/again", 0, remote(d.id, SHUTDOWN_crash));
    domain_info(d.id, &info);
    ROW("remote_shutdown/first-reason-stays", SHUTDOWN_reboot,
        info.flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask);
    domain_destroy(&d);
    POINTERS("remote_shutdown", -XEN_EFAULT, p, hv_sched_op(SCHEDOP_remote_shutdown, p));
}

void conform_sched(void)
{
    uint32_t arg[16] = {0};

    conform_family("sched_op");
    ROW("yield", 0, hv_sched_op(SCHEDOP_yield, NULL));
    ROW("yield/argument-ignored", 0, hv_sched_op(SCHEDOP_yield, (void *)NO_ADDRESS));
    long port = event_bind_ipi(0);
    event_unmask((evtchn_port_t)port);
    event_send((evtchn_port_t)port);
    ROW("block/pending", 0, hv_sched_op(SCHEDOP_block, NULL));
    ROW("block/unmasks-upcalls", 0, this_vcpu_info()->evtchn_upcall_mask);
    events_off();
    event_close((evtchn_port_t)port);
    polls();
    long id = watchdog(0, 600);
    ROW("watchdog/new", 1, id);
    ROW("watchdog/second", 2, watchdog(0, 600));
    ROW("watchdog/none-left", -XEN_ENOSPC, watchdog(0, 600));
    ROW("watchdog/kick", 0, watchdog(1, 600));
    ROW("watchdog/stop", 0, watchdog(1, 0));
    ROW("watchdog/stop-second", 0, watchdog(2, 0));
    ROW("watchdog/kick-stopped", -XEN_EINVAL, watchdog(1, 600));
    ROW("watchdog/id-3", -XEN_EINVAL, watchdog(3, 600));
    ROW("watchdog/id-max", -XEN_EINVAL, watchdog(~0U, 600));
    POINTERS("watchdog", -XEN_EFAULT, p, hv_sched_op(SCHEDOP_watchdog, p));
    remote_shutdown();
    ROW("pin_override", 0, pin(0));
    ROW("pin_override/again", -XEN_EBUSY, pin(0));
    ROW("pin_override/off", 0, pin(-1));
    ROW("pin_override/off-again", -XEN_EINVAL, pin(-1));
    ROW("pin_override/cpu-absent", -XEN_EINVAL, pin(2));
    ROW("pin_override/cpu-beyond", -XEN_EINVAL, pin(100000));
    ROW("pin_override/cpu-max", -XEN_EINVAL, pin(0x7fffffff));
    POINTERS("pin_override", -XEN_EFAULT, p, hv_sched_op(SCHEDOP_pin_override, p));
    POINTERS("shutdown", -XEN_EFAULT, p, hv_sched_op(SCHEDOP_shutdown, p));
    POINTERS("shutdown_code", -XEN_EFAULT, p, hv_sched_op(SCHEDOP_shutdown_code, p));
    ROW("8", -XEN_ENOSYS, hv_sched_op(8, arg));
    ROW("minus-1", -XEN_ENOSYS, hv_sched_op(-1, arg));
    conform_family("sched_op_compat");
    ROW("yield", 0, HYPERCALL2(__HYPERVISOR_sched_op_compat, 0, 0));
    ROW("3", -XEN_ENOSYS, HYPERCALL2(__HYPERVISOR_sched_op_compat, 3, 0));

    conform_family("set_timer_op");
    ROW("never", 0, hv_set_timer_op(0));
    ROW("past", 0, hv_set_timer_op(1));
    ROW("negative", 0, hv_set_timer_op(1UL << 63));
    ROW("far", 0, hv_set_timer_op(1UL << 62));
    long timer = event_bind_virq(VIRQ_TIMER, 0);
    hv_set_timer_op(time_now() + 1000000);
    ROW("fires", 0, poll((evtchn_port_t[]){(evtchn_port_t)timer}, 1, time_now() + 100000000000UL));
    ROW("fires/pending", 1, event_pending((evtchn_port_t)timer));
    hv_set_timer_op(0);
    event_close((evtchn_port_t)timer);
}

/* ---- vcpu_op ---------------------------------------------------------------------------------- */

static long runstate_area(unsigned int vcpu, uint64_t address)
{
    struct vcpu_register_runstate_memory_area op = {.addr.p = address};

    return hv_vcpu_op(VCPUOP_register_runstate_memory_area, vcpu, &op);
}

static long time_area(unsigned int vcpu, uint64_t address)
{
    struct vcpu_register_time_memory_area op = {.addr.p = address};

    return hv_vcpu_op(VCPUOP_register_vcpu_time_memory_area, vcpu, &op);
}

static long periodic(uint64_t period)
{
    struct vcpu_set_periodic_timer op = {.period_ns = period};

    return hv_vcpu_op(VCPUOP_set_periodic_timer, 0, &op);
}

static long singleshot(unsigned int vcpu, uint64_t at, uint32_t flags)
{
    struct vcpu_set_singleshot_timer op = {.timeout_abs_ns = at, .flags = flags};

    return hv_vcpu_op(VCPUOP_set_singleshot_timer, vcpu, &op);
}

static long vcpu_info(unsigned int vcpu, uint64_t mfn, uint32_t offset)
{
    struct vcpu_register_vcpu_info op = {.mfn = mfn, .offset = offset};

    return hv_vcpu_op(VCPUOP_register_vcpu_info, vcpu, &op);
}

static struct vcpu_guest_context context;

static long initialise(unsigned int vcpu)
{
    return hv_vcpu_op(VCPUOP_initialise, vcpu, &context);
}

static void park(void *arg)
{
    *(volatile int *)arg = 1;
    for (;;) {
        hv_vcpu_op(VCPUOP_down, 1, NULL);
    }
}

/* vCPU 1 is there and was never started. */
static void contexts(void)
{
    static int came;

    ROW("up/not-initialised", -XEN_EINVAL, hv_vcpu_op(VCPUOP_up, 1, NULL));
    ROW("is_up/down", 0, hv_vcpu_op(VCPUOP_is_up, 1, NULL));
    POINTERS("initialise", -XEN_EFAULT, p, hv_vcpu_op(VCPUOP_initialise, 1, p));
    vcpu_context(&context, 1, park, &came);
    struct vcpu_guest_context good = context;
    ROW("initialise/self", -XEN_EEXIST, initialise(0));
    ROW("initialise/nobody", -XEN_ENOENT, initialise(2));
    context.ctrlreg[3] = 0;
    ROW("initialise/root-0", -XEN_EINVAL, initialise(1));
    context.ctrlreg[3] = ~0UL;
    ROW("initialise/root-max", -XEN_EINVAL, initialise(1));
    context = good;
    context.event_callback_eip = 0x0000900000000000UL;
    ROW("initialise/event-callback-non-canonical", -XEN_EINVAL, initialise(1));
    context = good;
    context.syscall_callback_eip = 0x0000900000000000UL;
    ROW("initialise/syscall-callback-non-canonical", -XEN_EINVAL, initialise(1));
    context = good;
    context.gdt_ents = 7169;
    ROW("initialise/gdt-into-reserved", -XEN_EINVAL, initialise(1));
    context = good;
    context.ldt_ents = 8193;
    ROW("initialise/ldt-too-long", -XEN_EINVAL, initialise(1));
    context = good;
    context.ldt_ents = 1;
    context.ldt_base = 0x1001;
    ROW("initialise/ldt-unaligned", -XEN_EINVAL, initialise(1));
    context = good;
    ROW("initialise", 0, initialise(1));
    ROW("initialise/again", -XEN_EEXIST, initialise(1));
    ROW("is_up/initialised", 0, hv_vcpu_op(VCPUOP_is_up, 1, NULL));
    ROW("up", 0, hv_vcpu_op(VCPUOP_up, 1, NULL));
    for (uint64_t end = time_now() + 100000000000UL;
         hv_vcpu_op(VCPUOP_is_up, 1, NULL) == 1 || !*(volatile int *)&came;) {
        if (time_now() > end) {
            kit_panic("vCPU 1 does not run");
        }
        hv_sched_op(SCHEDOP_yield, NULL);
    }
    ROW("down/by-itself", 0, hv_vcpu_op(VCPUOP_is_up, 1, NULL));
    ROW("down/again", 0, hv_vcpu_op(VCPUOP_down, 1, NULL));
}

static void timers(void)
{
    struct vcpu_set_singleshot_timer op = {.timeout_abs_ns = 0};
    struct vcpu_set_periodic_timer every = {.period_ns = 10000000};

    ROW("set_singleshot/past", 0, singleshot(0, 1, 0));
    ROW("set_singleshot/past-future", -XEN_ETIME, singleshot(0, 1, VCPU_SSHOTTMR_future));
    ROW("set_singleshot/future", 0,
        singleshot(0, time_now() + 1000000000000UL, VCPU_SSHOTTMR_future));
    ROW("set_singleshot/max", 0, singleshot(0, ~0UL, 0));
    ROW("set_singleshot/flags-all", 0, singleshot(0, time_now() + 1000000000000UL, ~0U));
    ROW("set_singleshot/other-vcpu", -XEN_EINVAL, singleshot(1, 1, 0));
    ROW("stop_singleshot", 0, hv_vcpu_op(VCPUOP_stop_singleshot_timer, 0, NULL));
    ROW("stop_singleshot/again", 0, hv_vcpu_op(VCPUOP_stop_singleshot_timer, 0, NULL));
    ROW("stop_singleshot/other-vcpu", -XEN_EINVAL,
        hv_vcpu_op(VCPUOP_stop_singleshot_timer, 1, NULL));
    POINTERS("set_singleshot", -XEN_EFAULT, p, hv_vcpu_op(VCPUOP_set_singleshot_timer, 0, p));
    READONLY("set_singleshot", 0, p, op, hv_vcpu_op(VCPUOP_set_singleshot_timer, 0, p));
    ROW("set_periodic", 0, periodic(10000000));
    ROW("set_periodic/zero", -XEN_EINVAL, periodic(0));
    ROW("set_periodic/below-1ms", -XEN_EINVAL, periodic(999999));
    ROW("set_periodic/1ms", 0, periodic(1000000));
    ROW("set_periodic/max", -XEN_EINVAL, periodic(~0UL));
    ROW("stop_periodic", 0, hv_vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL));
    ROW("stop_periodic/again", 0, hv_vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL));
    POINTERS("set_periodic", -XEN_EFAULT, p, hv_vcpu_op(VCPUOP_set_periodic_timer, 0, p));
    READONLY("set_periodic", 0, p, every, hv_vcpu_op(VCPUOP_set_periodic_timer, 0, p));
    hv_vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL);
}

static void areas(void)
{
    static struct vcpu_runstate_info run __attribute__((aligned(64)));
    static struct vcpu_time_info tick __attribute__((aligned(64)));
    struct vcpu_get_physid physical;
    struct vcpu_runstate_info info = {0};

    ROW("get_runstate_info", 0, hv_vcpu_op(VCPUOP_get_runstate_info, 0, &info));
    ROW("get_runstate_info/state", RUNSTATE_running, info.state);
    ROW("get_runstate_info/other", 0, hv_vcpu_op(VCPUOP_get_runstate_info, 1, &info));
    ROW("get_runstate_info/other/state", RUNSTATE_offline, info.state);
    POINTERS("get_runstate_info", -XEN_EFAULT, p, hv_vcpu_op(VCPUOP_get_runstate_info, 0, p));
    READONLY("get_runstate_info", -XEN_EFAULT, p, info, hv_vcpu_op(VCPUOP_get_runstate_info, 0, p));
    ROW("register_runstate", 0, runstate_area(0, (uint64_t)&run));
    ROW("register_runstate/filled", 1, run.time[RUNSTATE_running] > 0);
    ROW("register_runstate/other-address", 0, runstate_area(0, (uint64_t)&info));
    ROW("register_runstate/area-unmapped", 0, runstate_area(0, NO_ADDRESS));
    ROW("register_runstate/area-non-canonical", -XEN_EFAULT,
        runstate_area(0, 0x0000900000000000UL));
    ROW("register_runstate/area-hypervisor", -XEN_EFAULT, runstate_area(0, 0xffff830000000000UL));
    ROW("register_runstate/area-zero", 0, runstate_area(0, 0));
    POINTERS("register_runstate", -XEN_EFAULT, p,
             hv_vcpu_op(VCPUOP_register_runstate_memory_area, 0, p));
    ROW("register_time", 0, time_area(0, (uint64_t)&tick));
    ROW("register_time/filled", 1, tick.tsc_to_system_mul != 0);
    ROW("register_time/area-unmapped", 0, time_area(0, NO_ADDRESS));
    ROW("register_time/area-non-canonical", -XEN_EFAULT, time_area(0, 0x0000900000000000UL));
    ROW("register_time/area-hypervisor", -XEN_EFAULT, time_area(0, 0xffff830000000000UL));
    ROW("register_time/area-zero", 0, time_area(0, 0));
    POINTERS("register_time", -XEN_EFAULT, p,
             hv_vcpu_op(VCPUOP_register_vcpu_time_memory_area, 0, p));

    char *page = page_alloc_zeroed();
    unsigned long mfn = virt_to_mfn(page);
    ROW("register_vcpu_info/off-the-page", -XEN_ENXIO, vcpu_info(1, mfn, 4096 - 63));
    ROW("register_vcpu_info/offset-max", -XEN_ENXIO, vcpu_info(1, mfn, ~0U));
    ROW("register_vcpu_info/unaligned", -XEN_ENXIO, vcpu_info(1, mfn, 4));
    ROW("register_vcpu_info/frame-0", -XEN_EINVAL, vcpu_info(1, 0, 0));
    ROW("register_vcpu_info/frame-max", -XEN_EINVAL, vcpu_info(1, ~0UL, 0));
    ROW("register_vcpu_info/page-table", -XEN_EINVAL, vcpu_info(1, virt_to_mfn(l4_kernel()), 0));
    ROW("register_vcpu_info", 0, vcpu_info(1, mfn, 64));
    ROW("register_vcpu_info/again", -XEN_EINVAL, vcpu_info(1, mfn, 128));
    ROW("register_vcpu_info/nobody", -XEN_ENOENT, vcpu_info(2, mfn, 0));
    POINTERS("register_vcpu_info", -XEN_EFAULT, p, hv_vcpu_op(VCPUOP_register_vcpu_info, 1, p));
    events_set_vcpu_info(1, (void *)(page + 64));

    ROW("get_physid/not-pinned", -XEN_EINVAL, hv_vcpu_op(VCPUOP_get_physid, 0, &physical));
    domain_set_affinity(0, 0, 1);
    ROW("get_physid/pinned", 0, hv_vcpu_op(VCPUOP_get_physid, 0, &physical));
    ROW("get_physid/pinned/apic", 0, xen_vcpu_physid_to_x86_apicid(physical.phys_id));
    POINTERS("get_physid/pinned", -XEN_EFAULT, p, hv_vcpu_op(VCPUOP_get_physid, 0, p));
    domain_set_affinity(0, 0, 3);
}

void conform_vcpu(void)
{
    static uint64_t arg[64];

    conform_family("vcpu_op");
    ROW("is_up/self", 1, hv_vcpu_op(VCPUOP_is_up, 0, NULL));
    ROW("is_up/absent", -XEN_ENOENT, hv_vcpu_op(VCPUOP_is_up, 2, NULL));
    ROW("is_up/8191", -XEN_ENOENT, hv_vcpu_op(VCPUOP_is_up, 8191, NULL));
    ROW("is_up/8192", -XEN_ENOENT, hv_vcpu_op(VCPUOP_is_up, 8192, NULL));
    ROW("is_up/max", -XEN_ENOENT, hv_vcpu_op(VCPUOP_is_up, ~0U, NULL));
    ROW("14", -XEN_ENOSYS, hv_vcpu_op(14, 0, arg));
    ROW("15", -XEN_ENOSYS, hv_vcpu_op(15, 0, arg));
    ROW("minus-1", -XEN_ENOSYS, hv_vcpu_op(-1, 0, arg));
    ROW("unknown/absent", -XEN_ENOENT, hv_vcpu_op(1000, 2, arg));
    for (unsigned int cmd = 0; cmd < 14; cmd++) {
        char key[16];
        ksnprintf(key, sizeof(key), "%u/absent", cmd);
        ROW(key, -XEN_ENOENT, hv_vcpu_op((int)cmd, 100, arg));
    }
    contexts();
    timers();
    areas();
    ROW("send_nmi/down", 0, hv_vcpu_op(VCPUOP_send_nmi, 1, NULL));
}
