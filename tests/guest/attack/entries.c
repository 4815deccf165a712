/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a guest can bring along into the hypervisor, and where it may ask the hypervisor to enter it. */
#include "attack.h"
#include "hypercalls/abi/callback.h"
#include "hypercalls/abi/event_channel.h"
#include "hypercalls/abi/version.h"

/* ---- the direction flag: string instructions go backwards --------------------------------------- */

#define RFLAGS_DF 0x400UL

/* A hypercall with the flag set; *flags is what the guest has behind it. */
static long backwards(unsigned long nr, unsigned long a, void *b, unsigned long *flags)
{
    long rc;

    __asm__ volatile("std; syscall; pushfq; cld; popq %1"
                     : "=a"(rc), "=&r"(*flags), "+D"(a), "+S"(b)
                     : "0"(nr)
                     : "rcx", "r11", "rdx", "r8", "r9", "r10", "memory");
    return rc;
}

static void backwards_ud(void *unused)
{
    (void)unused;
    __asm__ volatile("std; ud2");
}
static void backwards_int3(void *unused)
{
    (void)unused;
    __asm__ volatile("std; int3");
}
static void backwards_write(void *address)
{
    __asm__ volatile("std; movb $1, (%0)" : : "r"(address) : "memory");
}
/* Emulated: a port that the guest may not use. */
static void backwards_out(void *unused)
{
    (void)unused;
    __asm__ volatile("std; outb %%al, $0x80" : : "a"(0));
}

static volatile unsigned long backwards_events;
static void on_event(evtchn_port_t port)
{
    event_clear(port);
    backwards_events++;
}

ATTACK(direction_flag, 1)
{
    static xen_capabilities_info_t forwards_text, backwards_text;
    static struct multicall_entry calls[16];
    unsigned long flags, wrong = 0;
    long version = HYPERCALL2(__HYPERVISOR_xen_version, XENVER_version, NULL);
    long rc = HYPERCALL2(__HYPERVISOR_xen_version, XENVER_capabilities, forwards_text);

    attempt(backwards(__HYPERVISOR_xen_version, XENVER_capabilities, backwards_text, &flags) ==
                    rc &&
                memcmp(forwards_text, backwards_text, sizeof(forwards_text)) == 0,
            "a text of %lu bytes", sizeof(backwards_text));
    attempt((flags & RFLAGS_DF) != 0, "the flag behind a call: %#lx", flags);
    for (unsigned int i = 0; i < 16; i++) {
        calls[i] = (struct multicall_entry){.op = __HYPERVISOR_xen_version};
    }
    rc = backwards(__HYPERVISOR_multicall, (unsigned long)calls, (void *)16UL, &flags);
    for (unsigned int i = 0; i < 16; i++) {
        wrong += (long)calls[i].result != version;
    }
    attempt(rc == 0 && wrong == 0, "a batch: %ld, %lu results wrong", rc, wrong);

    static const struct {
        void (*fn)(void *);
        void *arg;
        const char *name;
    } faults[] = {
        {backwards_ud, NULL, "UD2"},
        {backwards_int3, NULL, "INT3"},
        {backwards_write, (void *)NOBODYS_ADDRESS, "a page fault"},
        {backwards_write, (void *)NON_CANONICAL, "an address that is not canonical"},
        {backwards_out, NULL, "OUT"},
    };
    for (unsigned int i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        bool trapped = traps(faults[i].fn, faults[i].arg);

        attempt(trapped && (last_trap.rflags & RFLAGS_DF) != 0, "%s: vector %lu, flags %#lx",
                faults[i].name, last_trap.vector, last_trap.rflags);
    }

    long port = event_bind_ipi(0);
    struct evtchn_send send = {.port = (evtchn_port_t)port};

    event_handle(send.port, on_event);
    event_unmask(send.port);
    events_on();
    rc = backwards(__HYPERVISOR_event_channel_op, EVTCHNOP_send, &send, &flags);
    attempt(rc == 0 && backwards_events == 1 && (flags & RFLAGS_DF) != 0,
            "an upcall: %ld, %lu came, flags %#lx", rc, backwards_events, flags);
    event_close(send.port);
}

/* ---- entries at bad addresses ----------------------------------------------------------------------- */

static void raise_nmi(void *unused)
{
    (void)unused;
    hv_vcpu_op(VCPUOP_send_nmi, 0, NULL);
    /* Where it is held back for the moment. */
    hv_sched_op(SCHEDOP_yield, NULL);
}

ATTACK(nmi_callbacks, 1)
{
    for (unsigned int i = 0; i < NR_BAD_ADDRESSES; i++) {
        struct callback_register nmi = {.type = CALLBACKTYPE_nmi, .address = bad_addresses[i]};
        struct callback_unregister off = {.type = CALLBACKTYPE_nmi};
        long rc = hv_callback_op(CALLBACKOP_register, &nmi);

        if (rc == 0) {
            bool trapped = traps(raise_nmi, NULL);

            attempt(trapped, "an NMI at %#lx: vector %lu", bad_addresses[i], last_trap.vector);
            hv_callback_op(CALLBACKOP_unregister, &off);
        } else {
            attempt(true, "an NMI at %#lx: refused, %ld", bad_addresses[i], rc);
        }
    }
}

/* The last: nothing of this domain can take an event any more. */
LAST_ATTACK(callbacks, 1)
{
    static const uint16_t types[] = {CALLBACKTYPE_syscall, CALLBACKTYPE_failsafe,
                                     CALLBACKTYPE_syscall32, CALLBACKTYPE_sysenter,
                                     CALLBACKTYPE_event};

    for (unsigned int i = 0; i < NR_BAD_ADDRESSES; i++) {
        for (unsigned int t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
            struct callback_register callback = {.type = types[t], .address = bad_addresses[i]};
            long rc = hv_callback_op(CALLBACKOP_register, &callback);

            attempt(true, "callback %u at %#lx: %ld", types[t], bad_addresses[i], rc);
        }
    }
    /* FS with a selector that cannot be loaded: the failsafe callback; and an event. */
    struct evtchn_send send = {.port = (evtchn_port_t)event_bind_ipi(0)};

    event_unmask(send.port);
    events_on();
    hv_event_channel_op(EVTCHNOP_send, &send);
    hv_sched_op(SCHEDOP_yield, NULL);
    attempt(true, "it goes on");
}
