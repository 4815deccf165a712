/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The simulated machine; see sim.h. */
#include "sim.h"
#include "mm/alloc.h"
#include "pv/trap.h"
#include "x86/cpuid_policy.h"
#include "x86/irq.h"
#include "x86/pci.h"
#include "x86/reboot.h"
#include "x86/smp.h"
#include "x86/time.h"
#include "x86/tlb.h"
#include "console/console.h"
#include "x86/cpu_setup.h"
#include <cpuid.h>
#include <setjmp.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- runner ---------------------------------------------------------------------------------- */

static void fail_line(const char *text)
{
    /* The parent prints what comes last on this pipe as the reason. */
    printf("%s\n", text);
    fflush(stdout);
    _exit(1);
}

void sim_fail(const char *file, int line, const char *fmt, ...)
{
    char text[400];
    const char *base = strrchr(file, '/');
    int n = snprintf(text, sizeof(text), "%s:%d: ", base ? base + 1 : file, line);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
    va_end(ap);
    fail_line(text);
    abort();
}

static bool run_one(const struct sim_test *t)
{
    char last[512] = "no reason given", buf[512];
    int fds[2], status;
    FILE *out;

    fflush(stdout);
    if (pipe(fds))
        return false;
    pid_t pid = fork();
    if (pid == 0) {
        dup2(fds[1], STDOUT_FILENO);
        close(fds[0]);
        close(fds[1]);
        setrlimit(RLIMIT_CPU, &(struct rlimit){60, 60}); /* it may turn in circles */
        t->run();
        fflush(stdout);
        exit(0); /* with the leak check */
    }
    close(fds[1]);
    out = fdopen(fds[0], "r");
    while (out && fgets(buf, sizeof(buf), out)) {
        buf[strcspn(buf, "\n")] = '\0';
        memcpy(last, buf, sizeof(last));
    }
    if (out)
        fclose(out);
    if (waitpid(pid, &status, 0) != pid)
        return false;
    if (status == 0)
        printf("ok %s\n", t->name);
    else if (WIFSIGNALED(status))
        printf("not ok %s: signal %d; %s\n", t->name, WTERMSIG(status), last);
    else
        printf("not ok %s: %s\n", t->name, last);
    return status == 0;
}

int sim_main(const struct sim_test *tests, unsigned int n, int argc, char **argv)
{
    bool all = true;

    for (unsigned int i = 0; i < n; i++) {
        bool wanted = argc < 2;
        for (int a = 1; a < argc; a++)
            wanted |= !strcmp(argv[a], tests[i].name);
        if (wanted)
            all &= run_one(&tests[i]);
    }
    return all ? 0 : 1;
}

uint64_t sim_seed = 1;
uint32_t sim_random(uint32_t n)
{
    sim_seed = sim_seed * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(sim_seed >> 33) % n;
}

void panic(const char *fmt, ...)
{
    char text[400] = "panic: ";
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text + 7, sizeof(text) - 7, fmt, ap);
    va_end(ap);
    fail_line(text);
    abort();
}

void printk(const char *fmt, ...)
{
    va_list ap;

    if (!getenv("SIM_LOG"))
        return;
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
}

size_t hv_strlcpy(char *dst, const char *src, size_t size)
{
    snprintf(dst, size, "%s", src);
    return strlen(src);
}

static void as_nobody(void);

/* ---- CPUs and time ----------------------------------------------------------------------------- */

struct cpu_info sim_cpu_info[MAX_CPUS];
unsigned int sim_cpu;
cpumask_t cpu_online_map;
uint32_t cpu_acpi_id[MAX_CPUS], cpu_apic_id[MAX_CPUS];
uint32_t tsc_khz = 1000000, tsc_to_ns_mul = 0x80000000u;
int8_t tsc_to_ns_shift = 1;
s_time_t sim_now = 1;
unsigned long sim_switches, sim_kicks;
static s_time_t hw_timer[MAX_CPUS];
static jmp_buf switched;
static bool switching_allowed;

s_time_t now(void)
{
    return sim_now;
}
void timer_hw_program(s_time_t t)
{
    hw_timer[sim_cpu] = t;
}
void smp_kick(unsigned int cpu)
{
    EXPECT(cpu != sim_cpu && cpumask_test(cpu_online_map, cpu));
    sim_kicks++;
}
void smp_call(cpumask_t mask __unused, void (*fn)(void *) __unused, void *data __unused,
              bool wait __unused)
{
}
void vcpu_time_update(struct vcpu *v __unused)
{
}
void wallclock_update(struct domain *d __unused)
{
}
void machine_restart(void)
{
    fail_line("the machine was restarted");
    abort();
}
void machine_halt(void)
{
    fail_line("the machine was halted");
    abort();
}

void context_switch(struct vcpu *prev, struct vcpu *next)
{
    EXPECT(switching_allowed && !irq_is_enabled() && prev == current && prev != next);
    EXPECT(next->domain->is_idle || (next->processor == sim_cpu && vcpu_runnable(next)));
    sim_switches++;
    current = next;
    sched_context_saved(prev);
    irq_enable();
    longjmp(switched, 1);
}

/* ---- loads ------------------------------------------------------------------------------------- */

struct load_entry {
    struct vcpu *v;
    struct sim_load load;
};
static struct load_entry loads[256];
static unsigned int nr_loads;

static struct load_entry *find_load(const struct vcpu *v)
{
    for (unsigned int i = 0; i < nr_loads; i++)
        if (loads[i].v == v)
            return &loads[i];
    return NULL;
}

struct sim_load *sim_load(struct vcpu *v)
{
    return &find_load(v)->load;
}

void sim_forget_loads(void)
{
    nr_loads = 0;
}

void sim_set_load(struct vcpu *v, s_time_t burst, s_time_t pause)
{
    struct load_entry *e = find_load(v);

    if (!e) {
        EXPECT(nr_loads < ARRAY_SIZE(loads));
        e = &loads[nr_loads++];
    }
    *e = (struct load_entry){v, {.burst = burst, .pause = pause, .left = burst}};
}

/* All that a CPU does at this instant. */
static void cpu_step(unsigned int cpu)
{
    sim_cpu = cpu;
    if (hw_timer[cpu] && hw_timer[cpu] <= sim_now) {
        hw_timer[cpu] = 0;
        softirq_raise(SOFTIRQ_TIMER);
    }
    switching_allowed = true;
    while (softirq_pending()) {
        if (setjmp(switched) == 0)
            do_softirq();
        sim_cpu = cpu;
    }
    switching_allowed = false;
    /* Latency: from the wake to the CPU. */
    struct load_entry *e = current->domain->is_idle ? NULL : find_load(current);
    if (e && e->load.woken_at) {
        s_time_t latency = sim_now - e->load.woken_at;
        e->load.worst_latency = MAX(e->load.worst_latency, latency);
        e->load.woken_at = 0;
        e->load.runs++;
    }
}

static void settle_cpus(void)
{
    unsigned int cpu;
    bool again = true;

    while (again) {
        again = false;
        cpumask_for_each(cpu, cpu_online_map)
        {
            if (sim_cpu_info[cpu].work || (hw_timer[cpu] && hw_timer[cpu] <= sim_now)) {
                cpu_step(cpu);
                again = true;
            }
        }
    }
}

/* The next instant at which something happens, at most `end`. */
static s_time_t next_instant(s_time_t end)
{
    unsigned int cpu;

    cpumask_for_each(cpu, cpu_online_map)
    {
        struct vcpu *v = sim_cpu_info[cpu].vcpu;
        struct load_entry *e = v->domain->is_idle ? NULL : find_load(v);
        if (hw_timer[cpu])
            end = MIN(end, MAX(hw_timer[cpu], sim_now));
        if (e && e->load.burst)
            end = MIN(end, sim_now + e->load.left);
    }
    for (unsigned int i = 0; i < nr_loads; i++)
        if (loads[i].load.wake_at)
            end = MIN(end, loads[i].load.wake_at);
    return end;
}

static void pass_time(s_time_t to)
{
    unsigned int cpu;
    s_time_t delta = to - sim_now;

    sim_now = to;
    cpumask_for_each(cpu, cpu_online_map)
    {
        struct vcpu *v = sim_cpu_info[cpu].vcpu;
        struct load_entry *e = v->domain->is_idle ? NULL : find_load(v);
        if (!e || !e->load.burst)
            continue;
        e->load.left -= delta;
        if (e->load.left <= 0) {
            sim_cpu = cpu;
            e->load.left = e->load.burst;
            e->load.wake_at = sim_now + e->load.pause;
            v->vcpu_info->evtchn_upcall_pending = 0;
            vcpu_block();
        }
    }
    sim_cpu = 0;
    for (unsigned int i = 0; i < nr_loads; i++) {
        if (loads[i].load.wake_at && loads[i].load.wake_at <= sim_now) {
            loads[i].load.wake_at = 0;
            loads[i].load.woken_at = sim_now;
            vcpu_mark_events_pending(loads[i].v);
        }
    }
}

void (*sim_on_wait)(void);

/* Somebody waits: the other CPUs, and the vCPU that really has this one, go on. */
void cpu_relax(void)
{
    static unsigned int waits;
    struct vcpu *as = current;
    void (*then)(void) = sim_on_wait;

    if (then) {
        sim_on_wait = NULL;
        then();
        return;
    }
    if (switching_allowed || ++waits > 10000)
        fail_line("a wait that cannot end");
    as_nobody();
    settle_cpus();
    sim_as(as);
}

void sim_run(s_time_t duration)
{
    s_time_t end = sim_now + duration;

    as_nobody();
    settle_cpus();
    while (sim_now < end) {
        pass_time(next_instant(end));
        settle_cpus();
    }
    sim_cpu = 0;
}

/* ---- memory: frames with counts that the tests can look at ---------------------------------------- */

struct frame *frame_table;
uint64_t *machine_to_phys;
uint64_t max_mfn = SIM_FRAMES;
uint32_t xsave_size = 576;
static char *ram;
static struct sim_frame {
    uint32_t refs, writers;
    bool used;
} frames[SIM_FRAMES];
long sim_allocs;
unsigned int sim_fail_alloc;
unsigned long sim_flushes;
unsigned int sim_preempt_every;

static bool alloc_fails(void)
{
    return sim_fail_alloc && --sim_fail_alloc == 0;
}
void *hv_zalloc(size_t size)
{
    void *p = alloc_fails() ? NULL : calloc(1, size);
    sim_allocs += !!p;
    return p;
}
void *hv_alloc_aligned(size_t size, size_t align)
{
    void *p = alloc_fails() ? NULL : aligned_alloc(align, ROUND_UP(size, align));
    sim_allocs += !!p;
    if (p)
        memset(p, 0xa5, size);
    return p;
}
void hv_free(void *p)
{
    sim_allocs -= !!p;
    free(p);
}
void *maddr_to_virt(paddr_t a)
{
    EXPECT(a >> PAGE_SHIFT < SIM_FRAMES);
    return ram + a;
}
paddr_t virt_to_maddr(const void *v)
{
    EXPECT((const char *)v >= ram && (const char *)v < ram + SIM_FRAMES * PAGE_SIZE);
    return (paddr_t)((const char *)v - ram);
}
static struct sim_frame *state(const struct frame *f)
{
    EXPECT(f >= frame_table && f < frame_table + SIM_FRAMES);
    return &frames[f - frame_table];
}
static struct frame *new_frame(void)
{
    static unsigned int next = 16;

    for (unsigned int i = 0; i < SIM_FRAMES; i++) {
        unsigned int n = 16 + (next++ - 16) % (SIM_FRAMES - 16);
        if (!frames[n].used) {
            frames[n] = (struct sim_frame){.used = true};
            frame_table[n].owner = FRAME_NO_OWNER;
            frame_table[n].info = 0;
            memset(ram + n * PAGE_SIZE, 0, PAGE_SIZE);
            return &frame_table[n];
        }
    }
    sim_fail(__FILE__, __LINE__, "out of frames");
}
static void release(struct frame *f)
{
    struct sim_frame *s = state(f);
    if (!s->refs && !(f->info & FI_ALLOCATED)) {
        EXPECT(!s->writers);
        s->used = false;
        sim_allocs--;
        memset(frame_to_virt(f), 0xdd, PAGE_SIZE);
    }
}
void *page_zalloc(void)
{
    struct frame *f = alloc_fails() ? NULL : new_frame();
    sim_allocs += !!f;
    return f ? frame_to_virt(f) : NULL;
}
void page_free(void *page)
{
    if (page)
        release(mfn_to_frame(virt_to_mfn(page)));
}
struct frame *sim_frame(struct domain *d)
{
    struct frame *f = new_frame();
    sim_allocs++;
    f->owner = d->id;
    f->info = FI_ALLOCATED;
    if (!d->tot_pages++)
        domain_get(d);
    return f;
}
void sim_frame_give_back(struct frame *f, struct domain *d)
{
    EXPECT((f->info & FI_ALLOCATED) && f->owner == d->id);
    f->info &= ~FI_ALLOCATED;
    release(f);
    if (!--d->tot_pages)
        domain_put(d);
}
void frame_share(struct frame *f, struct domain *d, bool writable __unused)
{
    f->owner = d->id;
    f->info = FI_ALLOCATED | FI_XENHEAP;
}
void frame_unshare(struct frame *f, struct domain *d)
{
    EXPECT(f->owner == d->id && (f->info & FI_XENHEAP));
    f->info = 0;
    release(f);
}
bool frame_get(struct frame *f, const struct domain *d)
{
    if (!(f->info & FI_ALLOCATED) || f->owner != d->id)
        return false;
    state(f)->refs++;
    return true;
}
struct frame *mfn_get(mfn_t m, const struct domain *d)
{
    return mfn_valid(m) && frame_get(mfn_to_frame(m), d) ? mfn_to_frame(m) : NULL;
}
void frame_put(struct frame *f)
{
    EXPECT(state(f)->refs > 0);
    state(f)->refs--;
    release(f);
}
bool frame_get_writable(struct frame *f, const struct domain *d)
{
    /* A test makes a "page table" by setting a type. */
    if (frame_type(f) != FRAME_NONE || !frame_get(f, d))
        return false;
    state(f)->writers++;
    return true;
}
void frame_put_writable(struct frame *f)
{
    EXPECT(state(f)->writers > 0);
    state(f)->writers--;
    frame_put(f);
}
uint32_t sim_frame_refs(const struct frame *f)
{
    return state(f)->refs;
}
uint32_t sim_frame_writers(const struct frame *f)
{
    return state(f)->writers;
}

uint32_t tlb_stamp(void)
{
    return 0;
}
void tlb_flush_mask(cpumask_t mask __unused, uint64_t va __unused)
{
    sim_flushes++;
}

/* ---- guest memory: host memory, but for one page ---------------------------------------------------- */

static bool bad(uint64_t va, size_t len)
{
    return len &&
           (va < 0x10000 || (va + len > (uint64_t)SIM_BAD && va < (uint64_t)SIM_BAD + PAGE_SIZE));
}
int copy_from_guest(void *dst, guest_ptr_t src, size_t len)
{
    if (bad(src.va, len))
        return -EFAULT;
    if (len)
        memcpy(dst, (void *)src.va, len);
    return 0;
}
int copy_to_guest(guest_ptr_t dst, const void *src, size_t len)
{
    if (bad(dst.va, len))
        return -EFAULT;
    if (len)
        memcpy((void *)dst.va, src, len);
    return 0;
}
int clear_guest(guest_ptr_t dst, size_t len)
{
    if (bad(dst.va, len))
        return -EFAULT;
    if (len)
        memset((void *)dst.va, 0, len);
    return 0;
}

/* ---- grant entries ----------------------------------------------------------------------------------- */

static struct {
    uint64_t address;
    mfn_t mfn;
    bool writable, used;
} ptes[512];

int pv_grant_map_pte(uint64_t address, bool contains_pte __unused, mfn_t mfn, uint64_t flags)
{
    unsigned int i;

    if (address == (uint64_t)SIM_BAD)
        return -EINVAL;
    for (i = 0; i < ARRAY_SIZE(ptes); i++)
        if (ptes[i].used && ptes[i].address == address)
            break;
    if (i == ARRAY_SIZE(ptes))
        for (i = 0; i < ARRAY_SIZE(ptes) && ptes[i].used; i++)
            ;
    EXPECT(i < ARRAY_SIZE(ptes));
    ptes[i].address = address;
    ptes[i].mfn = mfn;
    ptes[i].writable = flags & PTE_RW;
    ptes[i].used = true;
    return 0;
}
int pv_grant_unmap_pte(uint64_t address, bool contains_pte __unused, mfn_t mfn, bool writable)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(ptes); i++) {
        if (ptes[i].used && ptes[i].address == address) {
            if (!mfn_eq(ptes[i].mfn, mfn) || ptes[i].writable != writable)
                return -EINVAL;
            ptes[i].used = false;
            return 0;
        }
    }
    return -EINVAL;
}
long sim_pte(uint64_t address, bool *writable)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(ptes); i++) {
        if (ptes[i].used && ptes[i].address == address) {
            *writable = ptes[i].writable;
            return (long)mfn_x(ptes[i].mfn);
        }
    }
    return -1;
}

/* ---- what belongs to pv/ and x86/ ---------------------------------------------------------------------- */

int pv_domain_init(struct domain *d)
{
    d->pv.perdomain_l3 = page_zalloc();
    return d->pv.perdomain_l3 ? 0 : -ENOMEM;
}
void pv_domain_destroy(struct domain *d)
{
    page_free(d->pv.perdomain_l3);
}
int pv_vcpu_init(struct vcpu *v)
{
    v->pv.traps = hv_zalloc(256 * sizeof(struct pv_trap));
    return v->pv.traps ? 0 : -ENOMEM;
}
void pv_vcpu_destroy(struct vcpu *v)
{
    hv_free(v->pv.traps);
}
int pv_domain_unload(struct domain *d __unused)
{
    return 0;
}
int pv_domain_relinquish(struct domain *d)
{
    for (unsigned int i = 0; i < SIM_FRAMES; i++) {
        struct frame *f = &frame_table[i];
        if (frames[i].used && f->owner == d->id && (f->info & FI_ALLOCATED) &&
            !(f->info & FI_XENHEAP)) {
            f->info &= ~FI_ALLOCATED;
            if (!frames[i].refs && !--d->tot_pages)
                domain_put(d);
            release(f);
            if (preempt_check())
                return -ERESTART;
        }
    }
    /* Those that others hold go when they let go. */
    if (d->tot_pages) {
        d->tot_pages = 0;
        domain_put(d);
    }
    return 0;
}
int pv_set_context(struct vcpu *v, const struct vcpu_guest_context *c)
{
    if (c->ldt_ents > 8192)
        return -EINVAL;
    v->initialised = true;
    return 0;
}
/* One PCI device, 0000:00:02.0. */
struct spinlock pci_lock = SPINLOCK_INIT(LOCK_PCI);
struct pci_dev *pci_device_find(struct pci_address a)
{
    static struct pci_dev dev;
    return a.segment == 0 && a.bus == 0 && a.devfn == 2 << 3 ? &dev : NULL;
}
struct cpu_caps cpu_caps;
struct cpuid_regs cpuid_count(uint32_t leaf, uint32_t sub)
{
    struct cpuid_regs r;
    __cpuid_count(leaf, sub, r.a, r.b, r.c, r.d);
    return r;
}
static void find_cpu_caps(void)
{
    struct cpuid_regs r = cpuid(0);

    memcpy(cpu_caps.vendor, &r.b, 4);
    memcpy(cpu_caps.vendor + 4, &r.d, 4);
    memcpy(cpu_caps.vendor + 8, &r.c, 4);
    cpu_caps.xsave = cpuid(1).c & 1u << 26;
    if (cpu_caps.xsave)
        cpu_caps.xcr0 = cpuid_count(0xd, 0).a & 0xe7;
    cpu_policy_init();
}

uint64_t host_ram_pages = SIM_FRAMES;
void pv_send_nmi(struct vcpu *v)
{
    v->pv.nmi_pending = true;
}
void pv_hypercall_page(void *page)
{
    memset(page, 0x90, PAGE_SIZE);
}

/* ---- the host, as sysctl asks for it -------------------------------------------------------------------- */

unsigned int nr_cpus_present = 1;
uint64_t frames_free_count(void)
{
    return 100;
}
uint64_t frames_total_count(void)
{
    return SIM_FRAMES;
}
uint64_t frames_claimed_count(void)
{
    return 0;
}
size_t console_ring_read(char *buf, size_t len, uint32_t *index, bool clear __unused,
                         bool incremental __unused)
{
    size_t n = MIN(len, (size_t)11);
    memcpy(buf, "hello there", n);
    *index += (uint32_t)n;
    return n;
}
void debug_key_handle(char key __unused)
{
}

bool preempt_check(void)
{
    return sim_preempt_every && sim_random(sim_preempt_every) == 0;
}
long hypercall_continuation(unsigned int nr __unused, unsigned int nargs __unused, ...)
{
    return -ERESTART;
}

/* ---- starting ------------------------------------------------------------------------------------------ */

void sim_start(unsigned int cpus)
{
    struct xen_domctl_createdomain c = {
        .max_vcpus = 1, .max_evtchn_port = ~0u, .max_grant_frames = -1, .max_maptrack_frames = -1};

    ram = aligned_alloc(PAGE_SIZE, SIM_FRAMES * PAGE_SIZE);
    frame_table = calloc(SIM_FRAMES, sizeof(*frame_table));
    for (unsigned int cpu = 0; cpu < cpus; cpu++) {
        sim_cpu_info[cpu].cpu = cpu;
        sim_cpu_info[cpu].irq_on = true;
    }
    sim_cpu = 0;
    nr_cpus_present = cpus;
    find_cpu_caps();
    domains_init();
    sched_init();
    for (sim_cpu = 0; sim_cpu < cpus; sim_cpu++) {
        sched_init_cpu(sim_cpu);
        cpu_online_map.bits |= 1ull << sim_cpu;
    }
    sim_cpu = 0;
    EXPECT_EQ(domain_create(0, &c, true, &dom0), 0);
    EXPECT_EQ(vcpu_create(dom0, 0), 0);
    rangeset_add(&dom0->irq_caps, 0, 63);
    sim_as(dom0->vcpu[0]);
}

struct domain *sim_domain_ports(unsigned int vcpus, uint32_t max_port)
{
    struct xen_domctl_createdomain c = {.max_vcpus = vcpus,
                                        .max_evtchn_port = max_port,
                                        .max_grant_frames = 4,
                                        .max_maptrack_frames = 1};
    static domid_t next = 1;
    struct domain *d;

    EXPECT_EQ(domain_create(next++, &c, false, &d), 0);
    for (unsigned int i = 0; i < vcpus; i++) {
        EXPECT_EQ(vcpu_create(d, i), 0);
        d->vcpu[i]->pause_flags = 0;
        d->vcpu[i]->initialised = true;
    }
    return d;
}

struct domain *sim_domain(unsigned int vcpus)
{
    return sim_domain_ports(vcpus, 1023);
}

/* Who really has CPU 0, while the test executes as somebody else. */
static struct vcpu *really_running;

void sim_as(struct vcpu *v)
{
    sim_cpu = 0;
    if (!really_running)
        really_running = current;
    current = v;
}

static void as_nobody(void)
{
    sim_cpu = 0;
    if (really_running)
        current = really_running;
    really_running = NULL;
}

static bool wants_schedule;
static void note_schedule(void)
{
    wants_schedule = true;
}
void sim_settle(void)
{
    wants_schedule = false;
    softirq_open(SOFTIRQ_SCHEDULE, note_schedule);
    do_softirq();
    softirq_open(SOFTIRQ_SCHEDULE, schedule);
    if (wants_schedule)
        softirq_raise(SOFTIRQ_SCHEDULE);
}

void sim_kill(struct domain *d)
{
    int rc;

    do {
        rc = domain_kill(d);
    } while (rc == -ERESTART);
    EXPECT_EQ(rc, 0);
    sim_settle();
}
