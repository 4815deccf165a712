/* SPDX-License-Identifier: MIT */
/* 2-level event channels. */
#include "kit/events.h"
#include "kit/hypercall.h"
#include "kit/memory.h"
#include "kit/io.h"
#include "kit/time.h"

#define NR_HANDLED 4096
#define WORD_BITS  64

struct shared_info *kit_shared;
static struct vcpu_info *infos[KIT_MAX_VCPUS];
static event_handler_t handlers[NR_HANDLED];
static uint8_t handled_on[NR_HANDLED]; /* the vCPU that a port belongs to */

/* The address at which the shared-info frame replaces a page of ours. */
static char shared_page[PAGE_SIZE] __attribute__((aligned(4096)));

unsigned int this_vcpu(void)
{
    unsigned long sp;

    __asm__ volatile("mov %%rsp, %0" : "=r"(sp));
    /* The vCPU's number is the lowest word of its stack, which is aligned to its size. */
    return *(unsigned int *)(sp & ~(KIT_STACK_SIZE - 1));
}

struct vcpu_info *this_vcpu_info(void)
{
    return infos[this_vcpu()];
}

void events_set_vcpu_info(unsigned int vcpu, struct vcpu_info *info)
{
    infos[vcpu] = info;
}

unsigned long last_cr2(void)
{
    return this_vcpu_info()->arch.cr2;
}

void events_on(void)
{
    volatile struct vcpu_info *info = this_vcpu_info();

    info->evtchn_upcall_mask = 0;
    barrier(); /* an event arriving before this line is seen pending below */
    if (info->evtchn_upcall_pending) {
        hv_xen_version(XENVER_version, NULL); /* any hypercall delivers on its way out */
    }
}

void events_off(void)
{
    ((volatile struct vcpu_info *)this_vcpu_info())->evtchn_upcall_mask = 1;
    barrier();
}

static void bit_set(xen_ulong_t *words, evtchn_port_t bit)
{
    __asm__ volatile("lock btsq %1, %0"
                     : "+m"(words[bit / WORD_BITS])
                     : "r"((long)bit % WORD_BITS));
}

static void bit_clear(xen_ulong_t *words, evtchn_port_t bit)
{
    __asm__ volatile("lock btrq %1, %0"
                     : "+m"(words[bit / WORD_BITS])
                     : "r"((long)bit % WORD_BITS));
}

static bool bit_test(volatile xen_ulong_t *words, evtchn_port_t bit)
{
    return words[bit / WORD_BITS] >> (bit % WORD_BITS) & 1;
}

void event_mask(evtchn_port_t port)
{
    bit_set(kit_shared->evtchn_mask, port);
}

long event_unmask(evtchn_port_t port)
{
    struct evtchn_unmask op = {.port = port};

    return hv_event_channel_op(EVTCHNOP_unmask, &op);
}

bool event_pending(evtchn_port_t port)
{
    return bit_test(kit_shared->evtchn_pending, port);
}

bool event_masked(evtchn_port_t port)
{
    return bit_test(kit_shared->evtchn_mask, port);
}

void event_clear(evtchn_port_t port)
{
    bit_clear(kit_shared->evtchn_pending, port);
}

void event_handle(evtchn_port_t port, event_handler_t handler)
{
    event_handle_on(0, port, handler);
}

void event_handle_on(unsigned int vcpu, evtchn_port_t port, event_handler_t handler)
{
    handled_on[port] = (uint8_t)vcpu;
    handlers[port] = handler;
    if (handler != NULL) {
        event_unmask(port);
    } else {
        event_mask(port);
    }
}

static void deliver_word(unsigned int word)
{
    xen_ulong_t ready = *(volatile xen_ulong_t *)&kit_shared->evtchn_pending[word] &
                        ~*(volatile xen_ulong_t *)&kit_shared->evtchn_mask[word];

    for (; ready != 0; ready &= ready - 1) {
        evtchn_port_t port = word * WORD_BITS + (unsigned int)__builtin_ctzl(ready);

        if (handled_on[port] != this_vcpu()) {
            continue;
        }
        event_clear(port);
        if (handlers[port] != NULL) {
            handlers[port](port);
        } else {
            event_mask(port); /* nobody wants it: silence it rather than be called again */
        }
    }
}

static void upcall(struct trap_frame *frame)
{
    struct vcpu_info *info = this_vcpu_info();
    xen_ulong_t words;

    (void)frame;
    do {
        *(volatile uint8_t *)&info->evtchn_upcall_pending = 0;
        words = 0;
        /* xchg is a full barrier: pending words are read after the selector is taken. */
        __asm__ volatile("xchgq %0, %1" : "+r"(words), "+m"(info->evtchn_pending_sel));
        for (; words != 0; words &= words - 1) {
            deliver_word((unsigned int)__builtin_ctzl(words));
        }
    } while (*(volatile uint8_t *)&info->evtchn_upcall_pending);
}

void events_init(void)
{
    long rc = pte_write(shared_page, kit_start_info->shared_info | PTE_KERNEL);

    if (rc != 0) {
        kit_panic("cannot map shared info: %ld", rc);
    }
    kit_shared = (struct shared_info *)shared_page;
    for (unsigned int i = 0; i < KIT_MAX_VCPUS; i++) {
        infos[i] = &kit_shared->vcpu_info[i];
    }
    for (unsigned int i = 0; i < sizeof(kit_shared->evtchn_mask) / sizeof(xen_ulong_t); i++) {
        kit_shared->evtchn_mask[i] = ~0UL;
    }
    trap_set_handler(TRAP_EVENT, upcall);
}

long event_alloc_unbound(domid_t dom, domid_t remote)
{
    struct evtchn_alloc_unbound op = {.dom = dom, .remote_dom = remote};
    long rc = hv_event_channel_op(EVTCHNOP_alloc_unbound, &op);

    return rc != 0 ? rc : (long)op.port;
}

long event_bind_interdomain(domid_t remote, evtchn_port_t remote_port)
{
    struct evtchn_bind_interdomain op = {.remote_dom = remote, .remote_port = remote_port};
    long rc = hv_event_channel_op(EVTCHNOP_bind_interdomain, &op);

    return rc != 0 ? rc : (long)op.local_port;
}

long event_bind_virq(uint32_t virq, uint32_t vcpu)
{
    struct evtchn_bind_virq op = {.virq = virq, .vcpu = vcpu};
    long rc = hv_event_channel_op(EVTCHNOP_bind_virq, &op);

    return rc != 0 ? rc : (long)op.port;
}

long event_bind_ipi(uint32_t vcpu)
{
    struct evtchn_bind_ipi op = {.vcpu = vcpu};
    long rc = hv_event_channel_op(EVTCHNOP_bind_ipi, &op);

    return rc != 0 ? rc : (long)op.port;
}

long event_send(evtchn_port_t port)
{
    struct evtchn_send op = {.port = port};

    return hv_event_channel_op(EVTCHNOP_send, &op);
}

long event_close(evtchn_port_t port)
{
    struct evtchn_close op = {.port = port};

    return hv_event_channel_op(EVTCHNOP_close, &op);
}

static bool any_pending(const evtchn_port_t *ports, unsigned int count)
{
    for (unsigned int i = 0; i < count; i++) {
        if (event_pending(ports[i])) {
            return true;
        }
    }
    return false;
}

bool event_wait(evtchn_port_t *ports, unsigned int count, uint64_t deadline)
{
    struct sched_poll op = {.nr_ports = count, .timeout = deadline};

    set_xen_guest_handle(op.ports, ports);
    while (!any_pending(ports, count)) {
        if (deadline != 0 && time_now() >= deadline) {
            return false;
        }
        hv_sched_op(SCHEDOP_poll, &op);
    }
    return true;
}
