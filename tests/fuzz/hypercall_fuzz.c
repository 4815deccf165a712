/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzzer of hypercalls: sequences of calls of three domains' vCPUs on the whole mechanism (tests/unit/
 * whole), with preemption anywhere, arguments of continuations and memory that change under way,
 * accesses and allocations that fail, and domains that die in the middle. Every input begins with the
 * same machine: all memory of the mechanism is put back as it was.
 *
 *   input:  steps until it ends
 *   step:   1 byte: which vCPU, and what else happens; then the call as tests/unit/world/calls.c takes it
 */
#include <setjmp.h>
#include <stdarg.h>

#include "domain/event_internal.h"
#include "hypercalls/abi/domctl.h"
#include "tests/unit/world/calls.h"

#define FRAMES      384
#define GUEST_PAGES 20
#define MAX_STEPS   48
#define MAX_ISSUES  5000

/* ---- the machine, and its state before an input ---- */

/* The mechanism's own variables: the build gives their sections these names. */
extern char __start_whole_data[], __stop_whole_data[], __start_whole_bss[], __stop_whole_bss[];

static struct world world;

static struct {
    char *live, *saved;
    size_t size;
} parts[6];
static unsigned int nr_parts;

/* As memcpy(), which ASan would not let read what lies between variables. */
__attribute__((no_sanitize("address", "undefined"))) static void copy(void *to, const void *from,
                                                                      size_t n)
{
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n)::"memory");
}

static void save(void *p, size_t size)
{
    parts[nr_parts].live = p;
    parts[nr_parts].saved = malloc(size);
    parts[nr_parts].size = size;
    copy(parts[nr_parts++].saved, p, size);
}

static void start(void)
{
    whole_start(2, FRAMES);
    world.guest[0] = whole_dom0;
    for (domid_t id = 1; id < WORLD_GUESTS; id++)
        FUZZ_CHECK(whole_guest_create(&world.guest[id], id, 2, GUEST_PAGES));
    save(whole_ram(), max_mfn << PAGE_SHIFT);
    save(frame_table, max_mfn * sizeof(*frame_table));
    save(machine_to_phys, max_mfn * sizeof(*machine_to_phys));
    save(whole_arena(0), WHOLE_ARENA_SIZE);
    save(__start_whole_data, (size_t)(__stop_whole_data - __start_whole_data));
    save(__start_whole_bss, (size_t)(__stop_whole_bss - __start_whole_bss));
}

static void restore(void)
{
    for (unsigned int i = 0; i < nr_parts; i++)
        copy(parts[i].live, parts[i].saved, parts[i].size);
}

static jmp_buf over;

void panic(const char *fmt, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (strstr(text, "the machine was"))
        longjmp(over, 1); /* Domain 0 may do that */
    fprintf(stderr, "panic: %s\n", text);
    abort();
}

void printk(const char *fmt, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (getenv("FUZZ_LOG"))
        fputs(text, stderr);
}

/* ---- what happens meanwhile ---- */

static struct input *input;
static struct caller caller;
static unsigned int disturb_at; /* the access before which memory changes; 0: none */

static void before_access(void)
{
    if (disturb_at && --disturb_at == 0)
        call_disturb(input, &world, &caller);
}

/* A vCPU that may execute now; one that waits is let go on. NULL: none. */
static struct vcpu *pick_vcpu(domid_t id, unsigned int vcpu)
{
    struct domain *d = domain_get_by_id(id);
    struct vcpu *v;

    if (!d)
        return NULL;
    domain_put(d); /* it lives on: nothing else executes */
    v = d->dying || vcpu >= d->max_vcpus ? NULL : d->vcpu[vcpu];
    if (!v || !v->initialised)
        return NULL;
    if (v->pause_flags & VPF_POLL)
        evtchn_poll_end(v);
    atomic_and(&v->pause_flags, ~(VPF_BLOCKED | VPF_POLL));
    return vcpu_runnable(v) ? v : NULL;
}

static void arm(void)
{
    uint8_t b = in_u8(input);

    whole_preempt_at = b & 1 ? 1 + in_u8(input) % 12u : 0;
    whole_fault_at = (b & 0x0e) == 0x0e ? 1 + in_u8(input) % 8u : 0;
    whole_fail_at = (b & 0x70) == 0x70 ? 1 + in_u8(input) % 4u : 0;
    disturb_at = b & 0x80 ? 1 + in_u8(input) % 6u : 0;
}

static void disarm(void)
{
    whole_preempt_at = whole_fault_at = whole_fail_at = disturb_at = 0;
}

static void log_call(const struct vcpu *v, const struct whole_call *c, const char *what)
{
    if (getenv("FUZZ_LOG"))
        fprintf(stderr, "d%uv%u %s %s(%lx, %lx, %lx, %lx) %ld\n", v->domain->id, v->id, what,
                call_name(c->nr), c->arg[0], c->arg[1], c->arg[2], c->arg[3], c->result);
}

/* Domain 0 ends a domain while another call is under way. */
static void destroy(domid_t id)
{
    struct vcpu *v = pick_vcpu(0, 0);
    struct xen_domctl *op = whole_arena(7 * AREA_SIZE);
    struct whole_call c = {.nr = __HYPERVISOR_domctl, .arg = {WHOLE_ARENA + 7 * AREA_SIZE}};

    if (!v)
        return;
    do
        *op = (struct xen_domctl){.cmd = XEN_DOMCTL_destroydomain,
                                  .interface_version = XEN_DOMCTL_INTERFACE_VERSION,
                                  .domain = id};
    while (whole_issue(v, &c) && c.issues < MAX_ISSUES);
    FUZZ_CHECK(!c.again);
}

/* Between two issues of a call. */
static void meanwhile(struct whole_call *c)
{
    uint8_t b = in_u8(input);

    disarm();
    whole_softirqs();
    if (b < 40)
        call_disturb(input, &world, &caller);
    else if (b < 56)
        c->arg[b % 4] += (uint64_t)(int64_t)(int8_t)in_u8(input);
    else if (b < 60)
        destroy((domid_t)(1 + b % 2));
    arm();
}

static void one_call(struct vcpu *v, unsigned int vcpu)
{
    uint32_t generation = v->domain->generation;
    struct whole_call c = {0};
    struct call made;

    call_make(input, &world, &caller, &made);
    c.nr = made.nr;
    for (unsigned int i = 0; i < 5; i++)
        c.arg[i] = made.arg[i];
    arm();
    log_call(v, &c, "begins");
    while (whole_issue(v, &c)) {
        FUZZ_CHECK(c.issues < MAX_ISSUES);
        meanwhile(&c);
        v = pick_vcpu(caller.id, vcpu);
        if (!v || v->domain->generation != generation)
            break; /* it will not come back */
    }
    disarm();
    if (v)
        log_call(v, &c, "ends");
    whole_softirqs();
}

static void step(void)
{
    uint8_t b = in_u8(input);
    domid_t id = b % WORLD_GUESTS;
    unsigned int vcpu = b / 4 % 2;
    struct vcpu *v = pick_vcpu(id, vcpu);
    struct domain *d;

    caller = (struct caller){&world.guest[id], id, id * 2 + vcpu, (int)vcpu};
    whole_now += 1000;
    if (!v) {
        d = domain_get_by_id(id);
        if (d) {
            domain_put(d);
        } else {
            struct whole_guest g;

            if (whole_guest_create(&g, id, 2, GUEST_PAGES))
                world.guest[id] = g;
        }
        return;
    }
    if (b & 64)
        guest_writes(input, &world, &caller);
    one_call(v, vcpu);
}

static void audit(void)
{
    const char *violation = whole_audit();

    if (violation) {
        fprintf(stderr, "%s\n", violation);
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, data + size};
    static struct world first;

    if (!nr_parts) {
        start();
        first = world;
    }
    world = first;
    restore();
    whole_hooks = (struct whole_hooks){.access = before_access};
    input = &in;
    if (!setjmp(over)) {
        for (unsigned int i = 1; i <= MAX_STEPS && in_left(&in); i++) {
            step();
            if (i % 16 == 0)
                audit();
        }
        audit();
    }
    disarm();
    return 0;
}
