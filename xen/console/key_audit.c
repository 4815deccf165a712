/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The debug key that audits isolation (mm/audit.h). The audit wants every CPU between two pieces of
 * work, and nobody can be made to get there while he waits for us: so CPUs are asked for a moment,
 * each by a tasklet that says that it came and waits; if one does not come within it, all go on and
 * are asked again later.
 */
#include "console/console.h"
#include "console/console_internal.h"
#include "domain/domain.h"
#include "lib/lib.h"
#include "mm/alloc.h"
#include "mm/audit.h"
#include "sched/softirq.h"
#include "x86/cpu.h"
#include "x86/smp.h"
#include "x86/time.h"
#include "x86/xpti.h"

#define PATIENCE  10000000ll /* ns that CPUs wait for the last of them */
#define MAX_TRIES 1000u

static struct tasklet come[MAX_CPUS], audit_tasklet;
static uint64_t here;        /* atomic: CPUs that wait */
static uint32_t stopped;     /* atomic: for the end of this */
static uint32_t under_way;   /* atomic: one audit at a time */
static struct audit auditor; /* of the one that is under way */
static struct frame *memory;
static unsigned int tries;

static void note_cpu(void)
{
    auditor.cr3[cpu_id()] = read_cr3() & PTE_ADDR;
    auditor.running[cpu_id()] = current;
}

/* Process context: no hypercall and no other tasklet is unfinished on this CPU. */
static void wait_here(void *unused __unused)
{
    uint64_t me = 1ull << cpu_id();

    if (!atomic_load(&stopped))
        return;
    note_cpu();
    atomic_or(&here, me);
    while (atomic_load(&stopped))
        cpu_relax();
    atomic_and(&here, ~me);
}

static void ask_to_come(void *unused __unused)
{
    tasklet_schedule(&come[cpu_id()]);
}

static bool stop_others(cpumask_t others)
{
    s_time_t until = now() + PATIENCE;

    atomic_store(&stopped, 1u);
    smp_call(others, ask_to_come, NULL, true);
    while (atomic_load(&here) != others.bits)
        if (now() > until)
            return false;
        else
            cpu_relax();
    return true;
}

static void let_go(void)
{
    atomic_store(&stopped, 0u);
    while (atomic_load(&here))
        cpu_relax();
}

static unsigned int order_of(size_t size)
{
    unsigned int order = 0;

    while (PAGE_SIZE << order < size)
        order++;
    return order;
}

static void end(void)
{
    if (memory)
        frames_free(memory, order_of(audit_memory_size()));
    memory = NULL;
    atomic_store(&under_way, 0u);
}

static void report(bool good)
{
    if (good)
        printk(LOG_ERR "audit: %lu frames, %lu tables, %lu grants, %lu channels: consistent\n",
               auditor.frames, auditor.tables, auditor.grants, auditor.channels);
    else
        printk(LOG_ERR "audit: %lu violations\n", auditor.violations);
}

static void audit_now(void *unused __unused)
{
    cpumask_t others = cpumask_andnot(cpu_online_map, cpumask_of(cpu_id()));
    size_t size = audit_memory_size();

    if (!memory)
        memory = frames_alloc(order_of(size), 0);
    if (!memory) {
        printk(LOG_ERR "audit: no block of memory for it (%lu KiB)\n", size >> 10);
        end();
        return;
    }
    if (!stop_others(others)) {
        let_go();
        if (++tries < MAX_TRIES) {
            tasklet_schedule(&audit_tasklet); /* what is to be done here comes first */
        } else {
            printk(LOG_ERR "audit: CPUs %#lx do not come to rest\n", others.bits);
            end();
        }
        return;
    }
    note_cpu();
    auditor.frame = frame_to_virt(memory);
    auditor.say = printk;
    auditor.cpus = cpu_online_map;
    auditor.others = xpti_audit;
    bool good = audit_run(&auditor);
    let_go();
    report(good);
    end();
}

static void key_audit(char key __unused)
{
    if (atomic_xchg(&under_way, 1u)) {
        printk(LOG_ERR "audit: another is under way\n");
        return;
    }
    tries = 0;
    tasklet_schedule(&audit_tasklet);
}

void key_audit_init(void)
{
    for (unsigned int cpu = 0; cpu < MAX_CPUS; cpu++)
        tasklet_init(&come[cpu], wait_here, NULL);
    tasklet_init(&audit_tasklet, audit_now, NULL);
    debug_key_register('I', key_audit, "audit isolation: frames, page tables, grants, channels");
}
