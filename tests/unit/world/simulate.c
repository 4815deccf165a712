/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Deterministic simulation: some CPUs, each a fiber, run the vCPUs of three domains, whose guests
 * make random hypercalls, write to their memory and are created and destroyed. Which CPU executes next
 * is decided at every lock, unlock, wait, atomic change and preemption check, guest access and exit, by
 * the seed; of every second seed, at every read and write of something shared, too, inside critical
 * sections as well. The same seed gives the same run.
 *
 *   simulate [-v] [-s POINTS] [-r POINTS] FIRST [LAST]   seeds; a line for each that fails, and a
 *                                              verdict; how long, and how far apart all is checked
 *   simulate -t SEED                           twice: the traces must be the same
 */
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/host.h"
#include "domain/event_internal.h"
#include "hypercalls/abi/sched.h"
#include "mm/alloc.h"
#include "tests/unit/world/calls.h"
#include "tests/unit/world/fiber.h"
#include "tests/unit/world/tlb.h"

#define MAX_SIM_CPUS   4
#define GUEST_VCPUS    2
#define WAIT_LIMIT     200000 /* times that one CPU may look in vain */
#define ISSUE_LIMIT    20000  /* times that a call may be continued */
#define BALANCE_ROUNDS 200
#define SETTLE_STEPS   400000

/* What a run was like, for who started it. */
struct result {
    uint64_t trace;
    unsigned long points, fine_points, switches, calls, accesses, made, ended;
};
static struct result *result;
static bool verbose;
static unsigned long max_points = 40000, rest_points = 5000;

/* ---- chance ---- */

static uint64_t chance_state;

static uint32_t chance(uint32_t n)
{
    chance_state ^= chance_state << 13;
    chance_state ^= chance_state >> 7;
    chance_state ^= chance_state << 17;
    return (uint32_t)(chance_state >> 32) % n;
}

static void trace(uint64_t what)
{
    result->trace = (result->trace ^ what) * 0x100000001b3ull;
}

/* ---- CPUs ---- */

struct sim_cpu {
    struct fiber fiber;
    unsigned int waits; /* looks in a row */
    bool outside;       /* between two things to do: it holds nothing */
    bool asleep;        /* idle, until it is kicked or its timer fires */
    s_time_t timer;     /* when that is; 0: never */
    const void *lock;   /* that it took or waited for last */
};
static struct sim_cpu cpus[MAX_SIM_CPUS];
static unsigned int nr_cpus, running, switch_odds, fine_odds, preempt_odds;
static bool stopping, calm; /* calm: no preemption out of thin air */
/* vCPUs are pinned, and devices have something for them all the time: CPUs become idle and busy. */
static bool placed;

/* A fiber executes, and not on behalf of a check. */
static bool in_fiber;

static void leave(void)
{
    unsigned int was = whole_cpu;

    result->switches++;
    fiber_leave(&cpus[running].fiber);
    whole_cpu = was;
}

/* Another CPU may go on here. (Not from an interrupt, which borrows the CPU that executes.) */
static void point(uint64_t what)
{
    if (!in_fiber)
        return;
    result->points++;
    trace(what << 8 | running);
    in_fiber = false;
    tlb_model_check();
    in_fiber = true;
    cpus[running].waits = 0;
    if (whole_cpu == running && chance(switch_odds) == 0)
        leave();
}

void world_point(void); /* points/lib/atomic.h */
void world_point(void)
{
    point(7);
}

bool fine_points; /* points/lib/types.h */
void world_fine_point(void)
{
    if (!in_fiber || whole_cpu != running)
        return;
    result->fine_points++;
    trace(8 << 8 | running);
    if (chance(fine_odds) == 0)
        leave();
}

static void on_lock(const struct spinlock *l)
{
    if (whole_cpu == running)
        cpus[running].lock = l;
    point(1 | (uint64_t)l->level << 4);
}
static void on_unlock(const struct spinlock *l)
{
    point(2 | (uint64_t)l->level << 4);
}
static void on_relax(void)
{
    struct sim_cpu *c = &cpus[running];

    if (++c->waits > WAIT_LIMIT) {
        for (unsigned int i = 0; i < nr_cpus; i++)
            printf("# CPU %u: %u looks, last lock of level %d, %s\n", i, cpus[i].waits,
                   cpus[i].lock ? ((const struct spinlock *)cpus[i].lock)->level : 0,
                   cpus[i].outside ? "outside" : "inside");
        unit_fail(__FILE__, __LINE__, "deadlock: CPU %u waits for ever", running);
    }
    trace(3);
    leave();
}
static bool on_preempt(void)
{
    point(4);
    return whole_real_preempt_check() || (!calm && chance(preempt_odds) == 0);
}

static void on_kick(unsigned int cpu)
{
    cpus[cpu].asleep = false;
}

/* The CPU's timer (the linker's --wrap). */
void __wrap_timer_hw_program(s_time_t t);
void __wrap_timer_hw_program(s_time_t t)
{
    if (whole_cpu < MAX_SIM_CPUS)
        cpus[whole_cpu].timer = t;
}

/* ---- guests ---- */

static struct world world;

/* The call that a vCPU is in, across its CPUs. */
struct task {
    domid_t id;
    unsigned int vcpu;
    uint32_t generation;
    bool busy;
    bool binding;
    uint32_t port; /* an IPI to it; 0: not asked for yet */
    struct whole_call call;
};
static struct task tasks[8];
/* Of 16 calls, those by which the vCPUs of a domain wake each other and sleep. */
static uint32_t talking;

static struct task *task_of(const struct vcpu *v)
{
    unsigned int domid = v->domain->id;
    struct task *t = domid < WORLD_GUESTS && v->id < GUEST_VCPUS
                         ? &tasks[domid * GUEST_VCPUS + v->id]
                         : &tasks[6 + (domid + v->id) % 2];

    if (t->id != domid || t->vcpu != v->id || t->generation != v->domain->generation)
        *t = (struct task){.id = v->domain->id, .vcpu = v->id, .generation = v->domain->generation};
    return t;
}

static struct input random_input(uint8_t *buf, size_t size)
{
    for (size_t i = 0; i < size; i++)
        buf[i] = (uint8_t)chance(256);
    return (struct input){buf, buf + size};
}

static void access_memory(unsigned int n)
{
    while (n--) {
        uint64_t va = WHOLE_VA(chance(40)) + chance(512) * 8;
        bool ok = tlb_model_access(va, chance(2), chance(1000));

        result->accesses += ok;
        trace(ok);
        point(5);
    }
}

/* As tools and administrators do: each of its vCPUs on the CPUs that it shall have, one at times. */
static void place(struct domain *d)
{
    struct vcpu *v;

    for_each_vcpu(d, v)
    {
        uint64_t some = 1 + chance((1u << nr_cpus) - 1), one = 1ull << chance(nr_cpus);
        EXPECT(!vcpu_set_hard_affinity(v, (cpumask_t){chance(2) ? some : one}));
    }
}

/* Domain 0's tools make domains 1 and 2 again. */
static void make_missing(void)
{
    for (domid_t id = 1; id < WORLD_GUESTS; id++) {
        struct domain *d = domain_get_by_id(id);
        struct whole_guest g;

        if (d) {
            domain_put(d);
            continue;
        }
        calm = true;
        if (whole_guest_create(&g, id, GUEST_VCPUS, 24)) {
            world.guest[id] = g;
            result->made++;
            if (placed)
                place(g.d);
        }
        calm = false;
    }
}

static void new_call(const struct caller *me, struct task *t)
{
    uint8_t bytes[512];
    struct input in = random_input(bytes, sizeof(bytes));
    struct call c;

    call_make(&in, &world, me, &c);
    t->call = (struct whole_call){.nr = c.nr};
    for (unsigned int i = 0; i < 5; i++)
        t->call.arg[i] = c.arg[i];
    t->busy = true;
    result->calls++;
}

static void start_call(struct task *t, unsigned int nr, unsigned long op, unsigned long arg)
{
    t->call = (struct whole_call){.nr = nr, .arg = {op, arg}};
    t->busy = true;
    result->calls++;
}

/*
 * As kernels do: v takes its event, then sends one to the other vCPU of its domain or sleeps until
 * it gets one. Answers whether it is one that does so.
 */
static bool talk(const struct caller *me, struct task *t, struct vcpu *v)
{
    struct shared_info *s = v->domain->shared_info;
    uint32_t *words = whole_arena(me->area * AREA_SIZE);
    const uint64_t va = WHOLE_ARENA + me->area * AREA_SIZE;
    const struct task *other = &tasks[me->id * GUEST_VCPUS + 1 - v->id % 2];

    if (me->vcpu < 0 || t->id != me->id || v->domain->dying || !s || v->vcpu_info_frame)
        return false;
    if (t->binding) {
        t->binding = false;
        t->port = words[1] % 64;
    }
    if (!t->port || chance(64) == 0) {
        t->binding = true;
        words[0] = (uint32_t)v->id;
        start_call(t, __HYPERVISOR_event_channel_op, EVTCHNOP_bind_ipi, va);
        return true;
    }
    s->vcpu_info[v->id].evtchn_upcall_pending = 0;
    s->vcpu_info[v->id].evtchn_pending_sel = 0;
    s->evtchn_pending[0] &= ~(1ul << t->port);
    words[0] = other->port;
    if (other->port && chance(2))
        start_call(t, __HYPERVISOR_event_channel_op, EVTCHNOP_send, va);
    else
        start_call(t, __HYPERVISOR_sched_op, SCHEDOP_block, va);
    return true;
}

/* An interrupt of a device, for any vCPU. */
static void interrupt_for_somebody(void)
{
    struct domain *d = domain_get_by_id((domid_t)chance(WORLD_GUESTS));
    struct vcpu *v = d ? d->vcpu[chance(d->max_vcpus)] : NULL;

    if (v && !v->vcpu_info_frame && v->vcpu_info)
        vcpu_mark_events_pending(v);
    if (d)
        domain_put(d);
}

/* What the guest does between two exits of its CPU. */
static void guest_step(struct vcpu *v)
{
    struct task *t = task_of(v);
    struct caller me = {&world.guest[v->domain->id % WORLD_GUESTS],
                        (domid_t)(v->domain->id % WORLD_GUESTS), (unsigned int)(t - tasks),
                        v->domain->id < WORLD_GUESTS ? (int)v->id : -1};
    uint8_t bytes[16];

    if (!stopping) {
        struct input in = random_input(bytes, sizeof(bytes));

        if (placed && chance(2))
            interrupt_for_somebody();

        access_memory(chance(3));
        if (chance(4) == 0)
            guest_writes(&in, &world, &me);
        if (t->busy && chance(8) == 0)
            call_disturb(&in, &world, &me);
        if (t->busy && chance(64) == 0)
            t->call.arg[chance(4)] += chance(3);
        if (v->domain == dom0 && chance(4) == 0)
            make_missing();
        if (!t->busy && (chance(16) >= talking || !talk(&me, t, v)))
            new_call(&me, t);
    }
    if (!t->busy)
        return;
    if (verbose)
        printf("# CPU %u d%uv%u %s(%lx, %lx, %lx, %lx)\n", running, v->domain->id, v->id,
               call_name(t->call.nr), t->call.arg[0], t->call.arg[1], t->call.arg[2],
               t->call.arg[3]);
    if (t->call.issues > ISSUE_LIMIT)
        unit_fail(__FILE__, __LINE__, "%s of d%uv%u does not end", call_name(t->call.nr),
                  v->domain->id, v->id);
    bool again = whole_issue(v, &t->call);
    t->busy = again;
    if (verbose)
        printf("# CPU %u d%uv%u -> %ld%s\n", running, v->domain->id, v->id, t->call.result,
               again ? " (again)" : "");
    trace((uint64_t)t->call.result);
    if (v->domain->dying)
        result->ended++;
}

static void cpu_main(void *unused __unused)
{
    unsigned int me = running;

    for (;;) {
        ASSERT(whole_cpu == me && running == me);
        cpus[me].outside = cpus[me].asleep = false;
        if (cpus[me].timer && whole_now >= cpus[me].timer) {
            cpus[me].timer = 0;
            softirq_raise(SOFTIRQ_TIMER);
        }
        whole_cpu_step();
        bool idle = current->domain->is_idle, scrubbed = false;
        if (!idle)
            guest_step(current);
        else if (!softirq_pending() && chance(2))
            scrubbed = frames_scrub();
        cpus[me].outside = true;
        if (idle && !scrubbed && !softirq_pending()) {
            cpus[me].asleep = true;
            leave();
        } else if (stopping && fine_points) {
            leave(); /* or the CPUs, which leave more often inside, are hardly ever all outside */
        }
        point(6);
    }
}

/* ---- at rest ---- */

static bool at_rest(void)
{
    for (unsigned int i = 0; i < nr_cpus; i++) {
        const struct vcpu *v = whole_cpu_info[i].vcpu;

        if (!cpus[i].outside || whole_cpu_info[i].work)
            return false;
        if (!v->domain->is_idle && task_of(v)->busy)
            return false;
    }
    return true;
}

/* One that is awake, or whose timer fires now. */
static bool pick_cpu(unsigned int *cpu)
{
    unsigned int first = chance(nr_cpus);

    for (unsigned int i = 0; i < nr_cpus; i++) {
        const struct sim_cpu *c = &cpus[ *cpu = (first + i) % nr_cpus];

        if (!c->asleep || (c->timer && whole_now >= c->timer))
            return true;
    }
    return false;
}

/* False: all CPUs sleep, and there is no timer that will wake one. */
static bool run_cpu(void)
{
    unsigned int cpu;

    /* Time passes, now and then a scheduler's slice of it. */
    whole_now += 1000 + (s_time_t)chance(200) * (chance(16) == 0 ? 200000 : 100);
    if (!pick_cpu(&cpu)) {
        s_time_t next = 0;

        for (unsigned int i = 0; i < nr_cpus; i++)
            if (cpus[i].timer && (!next || cpus[i].timer < next))
                next = cpus[i].timer;
        if (!next)
            return false;
        whole_now = next;
        if (!pick_cpu(&cpu))
            return false;
    }
    whole_cpu = running = cpu;
    in_fiber = true;
    fiber_enter(&cpus[running].fiber);
    in_fiber = false;
    return true;
}

/* A device has something for Domain 0; false: that sleeps for ever. */
static bool wake_dom0(void)
{
    struct vcpu *v = dom0->vcpu[0];

    whole_cpu = v->processor;
    vcpu_kick(v);
    for (unsigned int i = 0; i < nr_cpus; i++)
        cpus[i].asleep &= !whole_cpu_info[i].work;
    return vcpu_runnable(v);
}

static void settle(void)
{
    stopping = true;
    for (unsigned long i = 0; !at_rest(); i++) {
        if (i > SETTLE_STEPS)
            unit_fail(__FILE__, __LINE__, "it does not come to rest");
        if (!run_cpu() && !at_rest())
            unit_fail(__FILE__, __LINE__, "all CPUs sleep, and there is work");
    }
    stopping = false;
}

/* A moment in which guests ask for nothing. */
static void run_stopped(void)
{
    stopping = true;
    run_cpu();
    stopping = false;
}

/* It could run on a CPU that is idle, and waits for another. Not for long: balancing is periodic. */
static bool waits_beside_idle(const struct vcpu *v)
{
    if (!vcpu_runnable(v) || v->is_running || v->sched.parked || v->domain->sched.cap)
        return false;
    for (unsigned int i = 0; i < nr_cpus; i++)
        if (whole_cpu_info[i].vcpu->domain->is_idle && cpumask_test(v->hard_affinity, i))
            return true;
    return false;
}

/*
 * The hypervisor marked an event for v, which is open to it. What a guest left in its vcpu_info, by an
 * mmu_update of that frame for example, looks otherwise.
 */
static bool event_was_marked(const struct vcpu *v)
{
    static const struct vcpu_info marked = {.evtchn_upcall_pending = 1};

    return !v->vcpu_info_frame && v->vcpu_info &&
           memcmp(v->vcpu_info, &marked, offsetof(struct vcpu_info, evtchn_pending_sel)) == 0;
}

/* Fails for a lost wakeup; sets *waiting if there is such a vCPU. */
static void check_vcpus(bool *waiting)
{
    struct domain *d;
    struct vcpu *v;

    *waiting = false;
    for (unsigned int id = 0; (d = domain_get_from(id)) != NULL;) {
        id = d->id + 1u;
        for_each_vcpu(d, v)
        {
            if (v->pause_flags == VPF_BLOCKED && event_was_marked(v))
                unit_fail(__FILE__, __LINE__, "d%uv%u is blocked with an event pending", d->id,
                          v->id);
            *waiting |= waits_beside_idle(v);
        }
        domain_put(d);
    }
}

static void check_rest(void)
{
    bool waiting;

    check_vcpus(&waiting);
    for (unsigned int i = 0; waiting; i++) {
        if (i > BALANCE_ROUNDS)
            unit_fail(__FILE__, __LINE__, "a vCPU waits for long, and a CPU is idle");
        for (unsigned int n = 0; n < 100; n++)
            run_stopped();
        settle();
        check_vcpus(&waiting);
    }
    tlb_model_check_quiet();
    const char *violation = whole_audit();
    if (violation)
        unit_fail(__FILE__, __LINE__, "%s", violation);
}

static void simulate(uint64_t seed)
{
    static const uint8_t odds[] = {1, 2, 4, 8, 16, 64};

    chance_state = seed * 0x9e3779b97f4a7c15ull + 1;
    for (unsigned int i = 0; i < 8; i++)
        chance(2);
    result->trace = 0xcbf29ce484222325ull;
    talking = chance(2) ? 15 : 0;
    nr_cpus = 2 + chance(MAX_SIM_CPUS - 1);
    switch_odds = odds[chance(ARRAY_SIZE(odds))];
    preempt_odds = odds[1 + chance(ARRAY_SIZE(odds) - 1)];
    fine_points = seed % 2 == 0;
    fine_odds = fine_points ? 1u << (1 + chance(7)) : 0;
    whole_start(nr_cpus, 2048);
    world.guest[0] = whole_dom0;
    for (domid_t id = 1; id < WORLD_GUESTS; id++)
        EXPECT(whole_guest_create(&world.guest[id], id, GUEST_VCPUS, 24));
    placed = fine_points && chance(2);
    for (domid_t id = 0; placed && id < WORLD_GUESTS; id++)
        place(world.guest[id].d);
    if (placed)
        talking = 15;
    whole_hooks = (struct whole_hooks){.lock = on_lock,
                                       .unlock = on_unlock,
                                       .relax = on_relax,
                                       .preempt = on_preempt,
                                       .kick = on_kick,
                                       .flush = tlb_model_flush};
    for (unsigned int i = 0; i < nr_cpus; i++) {
        cpus[i].outside = true;
        fiber_make(&cpus[i].fiber, cpu_main, NULL);
    }
    for (unsigned long next = 0; result->points < max_points;) {
        if (!run_cpu() && !wake_dom0())
            break; /* nobody is left who could do anything */
        if (result->points < next)
            continue;
        next = result->points + rest_points;
        settle();
        check_rest();
    }
    settle();
    check_rest();
}

/* ---- the runner ---- */

/* A seed in a process of its own. Answers whether it went well, else *why. */
static bool run_seed(uint64_t seed, char *why, size_t size)
{
    int fds[2], status;
    FILE *out;
    char line[512];

    memset(result, 0, sizeof(*result));
    fflush(stdout);
    if (pipe(fds))
        return false;
    pid_t pid = fork();
    if (pid == 0) {
        dup2(fds[1], STDOUT_FILENO);
        dup2(fds[1], STDERR_FILENO);
        close(fds[0]);
        close(fds[1]);
        setrlimit(RLIMIT_CPU, &(struct rlimit){120, 120}); /* it may turn in circles */
        simulate(seed);
        fflush(stdout);
        _exit(0);
    }
    close(fds[1]);
    out = fdopen(fds[0], "r");
    snprintf(why, size, "no reason given");
    while (out && fgets(line, sizeof(line), out)) {
        if (line[0] == '#')
            fputs(line, stdout);
        else if (!strstr(line, "WARNING: ASan doesn't fully support"))
            snprintf(why, size, "%.*s", (int)strcspn(line, "\n"), line);
    }
    if (out)
        fclose(out);
    if (waitpid(pid, &status, 0) != pid)
        return false;
    if (WIFSIGNALED(status))
        snprintf(why, size, "killed by signal %d", WTERMSIG(status));
    if (verbose)
        printf("# %s\n", status ? why : "it went to its end");
    /* What Domain 0 may do, and then it is over. */
    return status == 0 || strstr(why, "panic: the machine was") != NULL;
}

static int run_seeds(const char *program, uint64_t first, uint64_t last)
{
    struct result sum = {0};
    unsigned int failed = 0;
    char why[512];

    for (uint64_t seed = first; seed <= last; seed++) {
        if (!run_seed(seed, why, sizeof(why))) {
            printf("not ok simulate-%lu: %s; again: %s -v -s %lu -r %lu %lu\n", (unsigned long)seed,
                   why, program, max_points, rest_points, (unsigned long)seed);
            failed++;
        }
        sum.points += result->points;
        sum.fine_points += result->fine_points;
        sum.switches += result->switches;
        sum.calls += result->calls;
        sum.accesses += result->accesses;
        sum.made += result->made;
        if (first == last)
            printf("# seed %lu: trace %016lx\n", (unsigned long)seed, result->trace);
    }
    printf("# %lu seeds: %lu points, %lu fine ones, %lu switches, %lu calls, %lu accesses, %lu "
           "domains "
           "made again\n",
           (unsigned long)(last - first + 1), sum.points, sum.fine_points, sum.switches, sum.calls,
           sum.accesses, sum.made);
    if (!failed)
        printf("ok simulate-%lu-%lu\n", (unsigned long)first, (unsigned long)last);
    return failed ? 1 : 0;
}

static int run_twice(uint64_t seed)
{
    char why[512];
    bool ok = run_seed(seed, why, sizeof(why));
    uint64_t once = result->trace;

    ok &= run_seed(seed, why, sizeof(why));
    if (!ok)
        printf("not ok simulate-twice: %s\n", why);
    else if (once != result->trace)
        printf("not ok simulate-twice: seed %lu has two traces\n", (unsigned long)seed);
    else
        printf("ok simulate-twice\n");
    return ok && once == result->trace ? 0 : 1;
}

int main(int argc, char **argv)
{
    bool twice = false;
    int option;

    setvbuf(stdout, NULL, _IOLBF, 0);
    while ((option = getopt(argc, argv, "vts:r:")) != -1) {
        verbose |= option == 'v';
        twice |= option == 't';
        if (option == 's')
            max_points = strtoul(optarg, NULL, 0);
        if (option == 'r')
            rest_points = strtoul(optarg, NULL, 0);
        if (option == '?')
            return 2;
    }
    if (optind >= argc)
        return 2;
    result = mmap(NULL, sizeof(*result), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    uint64_t first = strtoull(argv[optind], NULL, 0);
    uint64_t last = optind + 1 < argc ? strtoull(argv[optind + 1], NULL, 0) : first;

    return twice ? run_twice(first) : run_seeds(argv[0], first, last);
}
