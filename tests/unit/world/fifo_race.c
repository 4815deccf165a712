/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * No event is lost: three CPUs execute interleaved at every read and write of what they share, of the
 * hypervisor's code (world/points) and of the guest's (fifo_guest.c). CPUs 0 and 1 run the vCPUs of a
 * guest that takes events by FIFO, CPU 2 runs Domain 0's, which sends. Each vCPU has a short program;
 * then it waits for events, blocked or spinning. When nobody has anything left to do, every event that
 * was sent must have been handled.
 *
 *   fifo_race -r FIRST LAST     random programs and schedules, by seeds
 *   fifo_race -b N [SCENARIO]   the scenarios below, every schedule with up to N preemptions
 *   -v                          what each program does
 */
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "domain/event_internal.h"
#include "host/host.h"
#include "hypercalls/abi/sched.h"
#include "mm/alloc.h"
#include "tests/unit/world/fifo_guest.h"
#include "tests/unit/world/fiber.h"
#include "whole.h"

#define CPUS       3
#define SENDER     2 /* the CPU of Domain 0's vCPU */
#define STEP_LIMIT 20000
#define MAX_OPS    4
#define MAX_CHOICE 4096

/* ---- programs ---------------------------------------------------------------------------------- */

enum op_kind {
    OP_END,
    OP_SEND,     /* to a port: a */
    OP_HOLD,     /* mask and unmask: a */
    OP_MOVE,     /* a to vCPU b */
    OP_PRIORITY, /* of a: b */
    OP_CRITICAL, /* something with upcalls masked */
    OP_POLL,     /* wait for the own kick */
    OP_KICK,     /* the poll of vCPU a */
    OP_SETUP,    /* the guest goes from two levels to FIFO */
};
struct op {
    uint8_t kind, a, b;
};
struct program {
    struct op op[MAX_OPS + 1];
    bool spins; /* it waits for events so; else it blocks */
};
struct scenario {
    const char *name;
    struct program cpu[CPUS];
};

/* Ports of the guest: what is special about them. The last two are for polls: masked for ever. */
enum { PORT_A, PORT_B, PORT_LATE, PORT_IPI0, PORT_IPI1, PORT_KICK0, PORT_KICK1, NR_PORTS };
static evtchn_port_t remote_port[NR_PORTS]; /* of Domain 0; 0: the guest's own IPI */

#define DO(kind_, a_, b_) \
    {                     \
        kind_, a_, b_     \
    }
#define SEND(port) DO(OP_SEND, port, 0)
#define BLOCKS(...)           \
    {                         \
        .op = { __VA_ARGS__ } \
    }
#define SPINS(...)                         \
    {                                      \
        .op = {__VA_ARGS__}, .spins = true \
    }
#define NOTHING DO(OP_END, 0, 0)

static const struct scenario scenarios[] = {
    {"blocks", {BLOCKS(NOTHING), BLOCKS(NOTHING), BLOCKS(SEND(PORT_A), SEND(PORT_A))}},
    {"spins", {SPINS(NOTHING), BLOCKS(NOTHING), BLOCKS(SEND(PORT_A), SEND(PORT_B))}},
    {"critical", {SPINS(DO(OP_CRITICAL, 0, 0)), BLOCKS(NOTHING), BLOCKS(SEND(PORT_A))}},
    {"two-senders", {SPINS(NOTHING), BLOCKS(SEND(PORT_IPI0)), BLOCKS(SEND(PORT_A), SEND(PORT_A))}},
    {"late", {BLOCKS(NOTHING), BLOCKS(NOTHING), BLOCKS(SEND(PORT_LATE), SEND(PORT_LATE))}},
    {"held", {SPINS(NOTHING), BLOCKS(DO(OP_HOLD, PORT_A, 0)), BLOCKS(SEND(PORT_A), SEND(PORT_A))}},
    {"moved",
     {SPINS(NOTHING), SPINS(DO(OP_MOVE, PORT_A, 1)),
      BLOCKS(SEND(PORT_B), SEND(PORT_A), SEND(PORT_B))}},
    {"priority",
     {SPINS(NOTHING), BLOCKS(DO(OP_PRIORITY, PORT_A, 3)),
      BLOCKS(SEND(PORT_A), SEND(PORT_B), SEND(PORT_A))}},
    {"setup", {SPINS(DO(OP_SETUP, 0, 0)), BLOCKS(NOTHING), BLOCKS(SEND(PORT_A))}},
    {"poll", {BLOCKS(DO(OP_POLL, 0, 0)), BLOCKS(DO(OP_KICK, 0, 0)), BLOCKS(SEND(PORT_A))}},
};

/* ---- choices ----------------------------------------------------------------------------------- */

/* Which of the CPUs that could goes on. Random, or by a list that is worked through. */
static uint64_t chance_state;
static unsigned int odds;
static struct {
    uint8_t taken[MAX_CHOICE], of[MAX_CHOICE];
    unsigned int known, made, preempted, limit;
    bool on;
} list;
static uint64_t trace;
static unsigned long switches;
static bool undisturbed; /* nothing is chosen */

static uint32_t chance(uint32_t n)
{
    chance_state ^= chance_state << 13;
    chance_state ^= chance_state >> 7;
    chance_state ^= chance_state << 17;
    return (uint32_t)(chance_state >> 32) % n;
}

/* The next of n possibilities, of which 0 is to do nothing special: preempts says that others cost. */
static unsigned int choose(unsigned int n, bool preempts)
{
    unsigned int i = list.made, taken;

    if (undisturbed)
        return 0;
    if (!list.on)
        return preempts ? chance(odds) == 0 ? chance(n) : 0 : chance(n);
    if (preempts && list.preempted >= list.limit)
        n = 1;
    if (n == 1)
        return 0;
    EXPECT(i < MAX_CHOICE);
    if (i < list.known)
        EXPECT_EQ(list.of[i], n); /* the same until here */
    else
        list.taken[i] = 0;
    list.of[i] = (uint8_t)n;
    taken = list.taken[i];
    list.made = i + 1;
    list.preempted += preempts && taken;
    return taken;
}

/* The next list of choices; false: that was the last one. */
static bool next_list(void)
{
    list.known = list.made;
    while (list.known && list.taken[list.known - 1] + 1 == list.of[list.known - 1])
        list.known--;
    if (!list.known)
        return false;
    list.taken[list.known - 1]++;
    return true;
}

/* ---- CPUs -------------------------------------------------------------------------------------- */

static struct race_cpu {
    struct fiber fiber;
    bool asleep;   /* until it is kicked */
    bool waits;    /* for another CPU to go on */
    bool kicked;   /* an interrupt to come */
    bool finished; /* its program, of this run */
} cpus[CPUS];
static struct vcpu *vcpu_of[CPUS];
static const struct program *program[CPUS];
static unsigned int running, next_cpu;
static bool in_fiber, verbose;
static unsigned long steps;

/* Others that could go on now, in the order after `running`. */
static unsigned int others(unsigned int *which)
{
    unsigned int n = 0;

    for (unsigned int i = 1; i < CPUS; i++) {
        unsigned int cpu = (running + i) % CPUS;
        if (!cpus[cpu].asleep && !cpus[cpu].waits)
            which[n++] = cpu;
    }
    return n;
}

static void leave(unsigned int next)
{
    unsigned int was = whole_cpu;

    next_cpu = next;
    switches++;
    fiber_leave(&cpus[running].fiber);
    whole_cpu = was;
}

static void step(void)
{
    if (++steps > STEP_LIMIT)
        unit_fail(__FILE__, __LINE__, "it does not come to an end");
    trace = (trace ^ running) * 0x100000001b3ull;
    for (unsigned int i = 0; i < CPUS; i++)
        if (i != running)
            cpus[i].waits = false; /* something may be otherwise now */
}

static void point(void)
{
    unsigned int which[CPUS], n, c;

    if (!in_fiber || whole_cpu != running)
        return;
    step();
    n = others(which);
    c = choose(n + 1, true);
    if (c)
        leave(which[c - 1]);
}

/* It cannot go on. The next in turn does, so that two do not wait in turns for the third. */
static void give_way(void)
{
    unsigned int which[CPUS], n = others(which);

    leave(n ? which[0] : CPUS);
}

bool fine_points = true; /* world/points */
void world_point(void);
void world_point(void)
{
    point();
}
void world_fine_point(void)
{
    point();
}
static void on_lock(const struct spinlock *l __unused)
{
    point();
}
static void on_relax(void)
{
    if (++steps > STEP_LIMIT)
        unit_fail(__FILE__, __LINE__, "CPU %u waits for ever", running);
    cpus[running].waits = true;
    give_way();
    cpus[running].waits = false;
}
static void on_kick(unsigned int cpu)
{
    cpus[cpu].asleep = false;
    cpus[cpu].kicked = true;
}
static bool on_preempt(void)
{
    point();
    return whole_real_preempt_check();
}

static void sleep_until_kicked(void)
{
    unsigned int which[CPUS], n;

    if (cpus[running].kicked)
        return;
    cpus[running].asleep = true;
    n = others(which);
    leave(n ? which[choose(n, false)] : CPUS);
}

/* ---- the vCPU of a CPU ------------------------------------------------------------------------- */

void guest_exit(void)
{
    struct vcpu *v = vcpu_of[running];
    struct vcpu_info *vi = v->vcpu_info;

    for (;;) {
        cpus[running].kicked = false;
        whole_cpu_step();
        if (current != v) {
            if (!softirq_pending())
                sleep_until_kicked();
        } else if (v->domain == guest.d && vi->evtchn_upcall_pending && !vi->evtchn_upcall_mask) {
            vi->evtchn_upcall_mask = 1;
            guest_upcall();
            guest_point();
            vi->evtchn_upcall_mask = 0; /* IRET */
        } else if (!softirq_pending()) {
            return;
        }
    }
}
void guest_point(void)
{
    point();
    if (cpus[running].kicked)
        guest_exit();
}
void guest_spin(void)
{
    on_relax();
    guest_point();
}
void guest_call(long rc)
{
    EXPECT_EQ(rc, 0);
}

static bool poll_done[GUEST_VCPUS];

/* xen_qlock_wait(): its port is masked for ever. */
static void poll(unsigned int vcpu)
{
    struct sched_poll *op = whole_arena(vcpu * 64);
    evtchn_port_t *port = whole_arena(vcpu * 64 + 32);

    *port = guest.port[PORT_KICK0 + vcpu].port;
    *op = (struct sched_poll){.nr_ports = 1};
    op->ports.p = port;
    for (;;) {
        guest_point();
        __atomic_fetch_and(&guest.words[*port], ~(1u << EVTCHN_FIFO_PENDING), __ATOMIC_SEQ_CST);
        guest_point();
        if (poll_done[vcpu])
            return;
        guest_call(hc_sched_op(SCHEDOP_poll, WHOLE_ARENA + vcpu * 64, 0, 0, 0));
        guest_exit();
    }
}

static void send(unsigned int port)
{
    guest_point();
    guest.port[port].wanted = true;
    guest_call(remote_port[port] && running == SENDER
                   ? evtchn_send(dom0, remote_port[port])
                   : evtchn_send(guest.d, guest.port[port].port));
    guest_exit();
}

static const struct whole_guest *guest_frames;

static mfn_t shared_frame(unsigned int i)
{
    return guest_frames->frame[4 + i];
}

/* From two levels to FIFO, as vCPU 0 of the guest; its words come last. */
static void set_up(void)
{
    for (unsigned int i = 0; i < GUEST_VCPUS; i++) {
        struct evtchn_init_control ic = {.control_gfn = mfn_x(shared_frame(i)), .vcpu = i};

        guest_call(evtchn_init_control(&ic));
        guest_exit();
    }
    guest_call(evtchn_expand_array(mfn_x(shared_frame(GUEST_VCPUS))));
    guest_exit();
    for (unsigned int i = 0; i < PORT_KICK0; i++)
        guest_unmask(&guest.port[i], MASK_EXPLICIT);
}

static void execute(const struct op *op)
{
    struct guest_port *p = &guest.port[op->a];

    switch (op->kind) {
    case OP_SEND: send(op->a); break;
    case OP_HOLD:
        guest_mask(p, MASK_TEMPORARY);
        guest_unmask(p, MASK_TEMPORARY);
        break;
    case OP_MOVE: guest_move(p, op->b); break;
    case OP_PRIORITY:
        guest_call(evtchn_set_priority(p->port, op->b));
        guest_exit();
        break;
    case OP_CRITICAL:
        guest_irq_off();
        guest_irq_on();
        break;
    case OP_POLL: poll(running); break;
    case OP_KICK:
        guest_point();
        poll_done[op->a] = true;
        send(PORT_KICK0 + op->a);
        break;
    case OP_SETUP: set_up(); break;
    default: break;
    }
}

/* A port that a thread has to end, after an upcall. */
static struct guest_port *wants_eoi(void)
{
    for (unsigned int i = 0; i < guest.nr_ports; i++)
        if (guest.port[i].wants_eoi)
            return &guest.port[i];
    return NULL;
}

/* Idle, but threads first. */
static void wait_for_event(void)
{
    struct guest_port *p;

    guest_point();
    p = running == SENDER ? NULL : wants_eoi();
    if (p) {
        guest_eoi(p);
    } else if (program[running]->spins) {
        sleep_until_kicked();
        guest_exit();
    } else {
        guest_irq_off();
        if (running == SENDER)
            current->vcpu_info->evtchn_upcall_pending = 0; /* it takes none */
        if (running != SENDER && wants_eoi()) {
            guest_irq_on();
            return;
        }
        vcpu_block();
        guest_exit();
    }
}

static void cpu_main(void *unused __unused)
{
    unsigned int me = running;

    guest_exit();
    for (;;) {
        if (!cpus[me].finished) {
            for (const struct op *op = program[me]->op; op->kind; op++)
                execute(op);
            cpus[me].finished = true;
        }
        wait_for_event();
    }
}

/* ---- a run ------------------------------------------------------------------------------------- */

static bool sets_up(const struct scenario *s)
{
    return s->cpu[0].op[0].kind == OP_SETUP;
}

/* Ports and queues; all masked if the guest begins with two levels. */
static void reset_events(bool two_levels)
{
    for (unsigned int i = 0; i < GUEST_VCPUS; i++) {
        memset(guest.cb[i], 0, sizeof(*guest.cb[i]));
        memset(guest.d->vcpu[i]->fifo->tail, 0, sizeof(guest.d->vcpu[i]->fifo->tail));
        poll_done[i] = false;
    }
    memset(guest.head, 0, sizeof(guest.head));
    for (unsigned int i = 0; i < NR_PORTS; i++) {
        struct guest_port *p = &guest.port[i];
        struct evtchn *c = port_lookup(guest.d, p->port);

        *p = (struct guest_port){.port = p->port, .late = p->late};
        guest.words[p->port] = two_levels || i >= PORT_KICK0 ? 1u << EVTCHN_FIFO_MASKED : 0;
        c->priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
        c->last_vcpu = c->last_priority = 0;
        c->notify_vcpu = i == PORT_IPI1 || i == PORT_KICK1;
    }
    if (two_levels) {
        spin_lock(&guest.d->evtchn.lock);
        event_fifo_teardown(guest.d);
        spin_unlock(&guest.d->evtchn.lock);
        memset(guest.d->shared_info->evtchn_pending, 0,
               sizeof(guest.d->shared_info->evtchn_pending));
        for (unsigned int i = 0; i < GUEST_VCPUS; i++)
            guest.d->vcpu[i]->vcpu_info->evtchn_pending_sel = 0;
        /* Taking memory that was freed is more work than taking what is clean, and every run shall be the same. */
        while (frames_scrub())
            ;
    }
}

static void reset(const struct scenario *s)
{
    reset_events(sets_up(s));
    for (unsigned int i = 0; i < CPUS; i++) {
        program[i] = &s->cpu[i];
        cpus[i].finished = cpus[i].kicked = false;
    }
    whole_now = 1;
    steps = 0;
    trace = 0xcbf29ce484222325ull;
    list.made = list.preempted = 0;
}

static void check_port(unsigned int i)
{
    const struct guest_port *p = &guest.port[i];
    uint32_t w = guest.words[p->port];
    bool poll_port = i >= PORT_KICK0;

    if (!poll_port && (p->wanted || w))
        unit_fail(__FILE__, __LINE__, "an event of port %u is lost: its word is %#x%s%s", p->port,
                  w, port_lookup(guest.d, p->port)->pending_while_unready ? ", unready" : "",
                  event_2l_is_pending(guest.d, p->port) ? ", of two levels" : "");
    if (poll_port && (w & ~(1u << EVTCHN_FIFO_PENDING)) != 1u << EVTCHN_FIFO_MASKED)
        unit_fail(__FILE__, __LINE__, "the word of port %u is %#x", p->port, w);
}

static void check_rest(void)
{
    for (unsigned int i = 0; i < CPUS; i++)
        if (!cpus[i].finished)
            unit_fail(__FILE__, __LINE__, "CPU %u %s, and its program has not come to its end", i,
                      cpus[i].asleep ? "sleeps" : "waits for ever");
    for (unsigned int i = 0; i < GUEST_VCPUS; i++) {
        const struct vcpu_info *vi = guest.d->vcpu[i]->vcpu_info;
        if (guest.cb[i]->ready || vi->evtchn_upcall_pending || vi->evtchn_upcall_mask)
            unit_fail(__FILE__, __LINE__, "vCPU %u was not told: ready %#x, pending %u, mask %u", i,
                      guest.cb[i]->ready, vi->evtchn_upcall_pending, vi->evtchn_upcall_mask);
    }
    for (unsigned int i = 0; i < NR_PORTS; i++)
        check_port(i);
}

/* All begin at once, until all sleep. */
static void run_once(const struct scenario *s)
{
    reset(s);
    for (unsigned int i = 0; i < CPUS; i++) {
        whole_cpu = i;
        vcpu_kick(vcpu_of[i]);
        on_kick(i);
    }
    for (next_cpu = choose(CPUS, false); next_cpu < CPUS;) {
        whole_cpu = running = next_cpu;
        in_fiber = true;
        fiber_enter(&cpus[running].fiber);
        in_fiber = false;
    }
    check_rest();
}

/* From one state, whatever ran before: all are blocked. */
static void run(const struct scenario *s)
{
    static const struct scenario nothing = {.name = "nothing"};

    undisturbed = true;
    run_once(&nothing);
    undisturbed = false;
    run_once(s);
}

/* ---- what runs --------------------------------------------------------------------------------- */

static const char *const op_names[] = {"end",      "send", "hold", "move", "priority",
                                       "critical", "poll", "kick", "setup"};

static void tell(const struct scenario *s)
{
    for (unsigned int i = 0; i < CPUS; i++) {
        printf("# CPU %u:", i);
        for (const struct op *op = s->cpu[i].op; op->kind; op++)
            printf(" %s(%u, %u)", op_names[op->kind], op->a, op->b);
        printf("; %s\n", s->cpu[i].spins ? "spins" : "blocks");
    }
}

static struct op random_op(unsigned int cpu)
{
    static const uint8_t kinds[] = {OP_SEND, OP_SEND, OP_SEND,     OP_HOLD, OP_HOLD,
                                    OP_MOVE, OP_MOVE, OP_PRIORITY, OP_KICK, OP_CRITICAL};
    struct op op = {kinds[chance(ARRAY_SIZE(kinds))], (uint8_t)chance(PORT_IPI0), 0};

    if (cpu == SENDER)
        return (struct op){OP_SEND, op.a, 0};
    switch (op.kind) {
    case OP_SEND: op.a = (uint8_t)(PORT_IPI0 + chance(2)); break;
    case OP_MOVE: op.b = (uint8_t)chance(GUEST_VCPUS); break;
    case OP_PRIORITY: op.b = (uint8_t)(6 + chance(2)); break;
    case OP_KICK: op.a = (uint8_t)(1 - cpu); break;
    default: break;
    }
    return op;
}

static void random_scenario(struct scenario *s)
{
    bool polls = chance(4) == 0;

    *s = (struct scenario){.name = "random"};
    for (unsigned int i = 0; i < CPUS; i++) {
        unsigned int n = i == SENDER ? 1 + chance(MAX_OPS) : chance(MAX_OPS);

        for (unsigned int k = 0; k < n; k++)
            s->cpu[i].op[k] = random_op(i);
        s->cpu[i].spins = i != SENDER && chance(2);
    }
    /* vCPU 0 sets up while vCPU 1 has nothing to do yet, or waits for vCPU 1, which kicks at the end. */
    if (chance(8) == 0) {
        s->cpu[0].op[0] = (struct op){.kind = OP_SETUP};
        s->cpu[1].op[0] = (struct op){0};
    } else if (polls) {
        s->cpu[0].op[chance(2)] = (struct op){.kind = OP_POLL};
        s->cpu[1].op[MAX_OPS - 1] = (struct op){0};
        for (unsigned int k = 0; k < MAX_OPS; k++)
            if (!s->cpu[1].op[k].kind) {
                s->cpu[1].op[k] = (struct op){.kind = OP_KICK};
                break;
            }
    }
}

#define WHAT_SIZE 64
static char *what; /* it runs, for who started it */

static void run_seed(uint64_t seed)
{
    static const uint8_t all_odds[] = {2, 4, 8, 16, 32, 64};
    struct scenario s;

    chance_state = seed * 0x9e3779b97f4a7c15ull + 1;
    for (unsigned int i = 0; i < 8; i++)
        chance(2);
    odds = all_odds[chance(ARRAY_SIZE(all_odds))];
    random_scenario(&s);
    if (verbose)
        tell(&s);
    snprintf(what, WHAT_SIZE, "seed %lu", (unsigned long)seed);
    run(&s);
}

static int run_seeds(uint64_t first, uint64_t last)
{
    uint64_t first_trace;

    run_seed(first);
    first_trace = trace;
    for (uint64_t seed = first + 1; seed <= last; seed++)
        run_seed(seed);
    run_seed(first);
    if (trace != first_trace)
        unit_fail(__FILE__, __LINE__, "seed %lu has two traces", (unsigned long)first);
    printf("# %lu seeds, %lu switches\nok fifo-race-seeds\n", (unsigned long)(last - first + 1),
           switches);
    return 0;
}

static void run_schedules(const struct scenario *s, unsigned int preemptions)
{
    unsigned long runs = 0;

    list.on = true;
    list.known = 0;
    list.limit = preemptions;
    if (verbose)
        tell(s);
    do {
        snprintf(what, WHAT_SIZE, "%s, schedule %lu", s->name, ++runs);
        run(s);
    } while (next_list());
    list.on = false;
    printf("# %s: %lu schedules\n", s->name, runs);
}

/* ---- the world --------------------------------------------------------------------------------- */

/* The guest's vCPU 0 sets its events up. */
static void start_events(const struct whole_guest *g)
{
    whole_enter(g->d->vcpu[0]);
    guest.nr_ports = NR_PORTS;
    for (unsigned int i = 0; i < NR_PORTS; i++) {
        evtchn_port_t *port = &guest.port[i].port;

        if (i < PORT_IPI0)
            guest_call(evtchn_alloc_unbound(g->d, dom0->id, port));
        else
            guest_call(evtchn_bind_ipi(i == PORT_IPI1 || i == PORT_KICK1, port));
    }
    guest.port[PORT_LATE].late = true;
    for (unsigned int i = 0; i < GUEST_VCPUS; i++)
        guest.cb[i] = mfn_to_virt(shared_frame(i));
    guest.words = mfn_to_virt(shared_frame(GUEST_VCPUS));
    for (unsigned int i = 0; i < GUEST_VCPUS; i++) {
        struct evtchn_init_control ic = {.control_gfn = mfn_x(shared_frame(i)), .vcpu = i};
        guest_call(evtchn_init_control(&ic));
    }
    guest_call(evtchn_expand_array(mfn_x(shared_frame(GUEST_VCPUS))));
    whole_leave(whole_cpu);
    whole_enter(dom0->vcpu[0]);
    for (unsigned int i = 0; i < PORT_IPI0; i++)
        guest_call(evtchn_bind_interdomain(g->d->id, guest.port[i].port, &remote_port[i]));
    whole_leave(whole_cpu);
}

static void start(void)
{
    static struct whole_guest g;

    whole_start(CPUS, 2048);
    EXPECT(whole_guest_create(&g, 1, GUEST_VCPUS, 24));
    guest.d = g.d;
    for (unsigned int i = 0; i < CPUS; i++) {
        vcpu_of[i] = i == SENDER ? dom0->vcpu[0] : g.d->vcpu[i];
        EXPECT(!vcpu_set_hard_affinity(vcpu_of[i], cpumask_of(i)));
    }
    guest_frames = &g;
    start_events(&g);
    whole_hooks = (struct whole_hooks){.lock = on_lock,
                                       .unlock = on_lock,
                                       .relax = on_relax,
                                       .preempt = on_preempt,
                                       .kick = on_kick};
    for (unsigned int i = 0; i < CPUS; i++)
        fiber_make(&cpus[i].fiber, cpu_main, NULL);
    odds = 2;
    chance_state = 1;
    run(&(const struct scenario){.name = "start"});
}

static int run_all(bool random, unsigned int preemptions, char **args)
{
    start();
    if (random) {
        uint64_t first = strtoull(args[0], NULL, 0);
        return run_seeds(first, args[1] ? strtoull(args[1], NULL, 0) : first);
    }
    for (unsigned int i = 0; i < ARRAY_SIZE(scenarios); i++)
        if (!args[0] || strcmp(args[0], scenarios[i].name) == 0)
            run_schedules(&scenarios[i], preemptions);
    printf("ok fifo-race-schedules\n");
    return 0;
}

int main(int argc, char **argv)
{
    unsigned long preemptions = 0;
    bool random = false;
    int option, status;

    setvbuf(stdout, NULL, _IOLBF, 0);
    while ((option = getopt(argc, argv, "vrb:")) != -1) {
        verbose |= option == 'v';
        random |= option == 'r';
        if (option == 'b')
            preemptions = strtoul(optarg, NULL, 0);
        if (option == '?')
            return 2;
    }
    if (random && optind >= argc)
        return 2;
    what = mmap(NULL, WHAT_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pid = fork();
    if (pid == 0) {
        setrlimit(RLIMIT_CPU, &(struct rlimit){600, 600}); /* it may turn in circles */
        exit(run_all(random, (unsigned int)preemptions, argv + optind));
    }
    if (waitpid(pid, &status, 0) != pid || status) {
        printf("not ok fifo-race: see above; in %s\n", what);
        return 1;
    }
    return 0;
}
