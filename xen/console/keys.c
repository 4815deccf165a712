/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Debug keys that look at several modules: registers, domains, events, memory, time. They read
 * without locks where a lock could be what hangs; numbers may be a moment old.
 */
#include "console/console.h"
#include "console/console_internal.h"
#include "domain/domain.h"
#include "domain/event_internal.h"
#include "boot/cmdline.h"
#include "lib/lib.h"
#include "mm/alloc.h"
#include "mm/fault.h"
#include "x86/cpu.h"
#include "x86/smp.h"
#include "x86/time.h"
#include "x86/traps.h"

static void dump_this_cpu(void *data __unused)
{
    const struct vcpu *v = current;

    if (!v || v->domain->is_idle) {
        printk(LOG_ERR "CPU %u: idle\n", cpu_id());
        return;
    }
    printk(LOG_ERR "CPU %u runs d%uv%u:\n", cpu_id(), v->domain->id, v->id);
    dump_registers(guest_regs());
}

static void key_registers(char key __unused)
{
    unsigned int cpu;

    dump_this_cpu(NULL);
    cpumask_for_each(cpu, cpumask_andnot(cpu_online_map, cpumask_of(cpu_id())))
        smp_call(cpumask_of(cpu), dump_this_cpu, NULL, true);
}

static void dump_vcpu(const struct vcpu *v)
{
    const struct vcpu_info *vi = v->vcpu_info;

    printk(LOG_ERR "  v%u: CPU %u%s flags %x pauses %u pending %u masked %u\n", v->id, v->processor,
           v->is_running ? " running" : "", READ_ONCE(v->pause_flags), READ_ONCE(v->pause_count),
           vi ? vi->evtchn_upcall_pending : 0, vi ? vi->evtchn_upcall_mask : 0);
}

/* fn on each domain; what it prints stands under the domain's line. */
static void for_each_domain(void (*fn)(struct domain *d))
{
    struct domain *d;

    for (unsigned int id = 0; (d = domain_get_from(id)) != NULL;) {
        id = d->id + 1u;
        printk(LOG_ERR "d%u: refs %u pages %u/%u pauses %u%s%s%s\n", d->id, READ_ONCE(d->refs),
               d->tot_pages, d->max_pages, READ_ONCE(d->pause_count),
               d->privileged ? " privileged" : "", d->is_shut_down ? " shut down" : "",
               d->dying ? " dying" : "");
        fn(d);
        domain_put(d);
    }
}

static void dump_domain(struct domain *d)
{
    struct vcpu *v;

    for_each_vcpu(d, v) dump_vcpu(v);
}

static void key_domains(char key __unused)
{
    for_each_domain(dump_domain);
}

static void dump_events(struct domain *d)
{
    static const char *const states[] = {"closed", "unbound", "interdomain", "pirq", "virq", "ipi"};
    for (evtchn_port_t port = 0; port < d->evtchn.nr_ports; port++) {
        const struct evtchn *c = port_lookup(d, port);
        if (!c || !c->state)
            continue;
        printk(LOG_ERR "  %4u %s v%u%s%s%s", port,
               c->state < ARRAY_SIZE(states) ? states[c->state] : "?", c->notify_vcpu,
               event_is_pending(d, port) ? " pending" : "",
               event_is_masked(d, port) ? " masked" : "",
               d->evtchn.fifo && event_fifo_is_busy(d, port) ? " queued" : "");
        if (c->state == EVTCHNSTAT_pirq)
            printk(LOG_ERR " pirq %u\n", c->u.pirq);
        else if (c->state == EVTCHNSTAT_virq)
            printk(LOG_ERR " virq %u\n", c->u.virq);
        else
            printk(LOG_ERR "\n");
    }
}

static void key_events(char key __unused)
{
    for_each_domain(dump_events);
}

/* What runs or waits on one CPU, seen through the vCPUs: the queue itself is the scheduler's. */
static void dump_queue(unsigned int cpu)
{
    struct domain *d;
    struct vcpu *v;

    printk(LOG_ERR "CPU %u, idle for %lld ms:\n", cpu, (long long)(cpu_idle_time(cpu) / 1000000));
    for (unsigned int id = 0; (d = domain_get_from(id)) != NULL;) {
        id = d->id + 1u;
        for_each_vcpu(d, v)
        {
            if (v->processor != cpu || !(v->is_running || v->sched.queued))
                continue;
            printk(LOG_ERR "  d%uv%u %s vtime %lld weight %u ran %lld ms\n", d->id, v->id,
                   v->is_running ? "runs " : "waits", (long long)v->sched.vtime, d->sched.weight,
                   (long long)(vcpu_cpu_time(v) / 1000000));
        }
        domain_put(d);
    }
}

static void key_run_queues(char key __unused)
{
    unsigned int cpu;

    cpumask_for_each(cpu, cpu_online_map) dump_queue(cpu);
}

static void key_memory(char key __unused)
{
    printk(LOG_ERR "Frames: %llu free of %llu, %llu claimed\n",
           (unsigned long long)frames_free_count(), (unsigned long long)frames_total_count(),
           (unsigned long long)frames_claimed_count());
}

static void key_time(char key __unused)
{
    uint32_t nsec;
    uint64_t sec = wallclock_seconds(&nsec);

    printk(LOG_ERR "System time %lld ns, wallclock %llu.%09u, TSC %u kHz\n", (long long)now(),
           (unsigned long long)sec, nsec, tsc_khz);
}

/* With the boot option alloc-faults: tests make allocations fail, one after another. */
static bool opt_alloc_faults;
OPT_BOOL("alloc-faults", opt_alloc_faults);

static unsigned int fault_number;

/* The first time the next allocation will fail, the second time the second one, and so on. */
static void key_fault(char key __unused)
{
    alloc_fault_arm(++fault_number);
}

static void key_fault_end(char key __unused)
{
    const void *at;
    bool reached = alloc_fault_disarm(&at);
    uint64_t offset = 0;
    const char *name = reached ? symbol_lookup((uint64_t)at, &offset) : NULL;

    if (reached)
        printk(LOG_ERR "Allocation fault %u: in %s+%#lx\n", fault_number, name ? name : "?",
               (unsigned long)offset);
    else
        printk(LOG_ERR "Allocation fault %u: not reached\n", fault_number);
    if (!reached)
        fault_number = 0;
}

/* Trouble on purpose, to see what becomes of it. */
static void key_panic(char key)
{
    panic("Debug key '%c'", key);
}

static __attribute__((noinline)) unsigned long overflow_stack(unsigned long depth)
{
    volatile char room[256];

    room[depth % sizeof(room)] = (char)depth;
    if (!depth)
        return 0;
    return overflow_stack(depth - 1) + (unsigned char)room[depth % sizeof(room)];
}

static void key_overflow(char key)
{
    printk(LOG_ERR "No overflow: %lu ('%c')\n", overflow_stack(1000), key);
}

void keys_init(void)
{
    debug_key_register('C', key_panic, "panic");
    debug_key_register('S', key_overflow, "overflow this CPU's stack, and panic");
    if (opt_alloc_faults) {
        debug_key_register('f', key_fault, "let a later allocation fail than the last time");
        debug_key_register('F', key_fault_end, "end that and say what became of it");
    }
    debug_key_register('d', key_registers, "dump registers of all CPUs");
    debug_key_register('q', key_domains, "dump domains and their vCPUs");
    debug_key_register('e', key_events, "dump event channels");
    debug_key_register('r', key_run_queues, "dump run queues");
    debug_key_register('m', key_memory, "dump memory use");
    debug_key_register('t', key_time, "show clocks");
    key_audit_init();
}
