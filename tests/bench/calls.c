/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plain hypercalls, multicalls, event channels and the scheduler's calls. */
#include "bench.h"

static void null_calls(void)
{
    static struct multicall_entry calls[32];

    MEASURE("hypercall_null", 1, STUB2(__HYPERVISOR_xen_version, XENVER_version, 0));
    MEASURE("hypercall_enosys", 1, STUB2(11, 0, 0));
    for (unsigned int i = 0; i < 32; i++) {
        calls[i].op = __HYPERVISOR_xen_version;
    }
    MEASURE("multicall32_null", 32, STUB2(__HYPERVISOR_multicall, calls, 32));
}

#define SEND(op) STUB2(__HYPERVISOR_event_channel_op, EVTCHNOP_send, op)

static inline void clear_pending(evtchn_port_t port)
{
    kit_shared->evtchn_pending[port / 64] &= ~(1UL << port % 64);
}

extern void bench_event_entry(void);
extern xen_ulong_t *bench_event_word;
extern xen_ulong_t bench_event_bits;
extern struct vcpu_info *bench_vcpu_info;

static void set_event_entry(void (*entry)(void))
{
    struct callback_register reg = {.type = CALLBACKTYPE_event, .address = (unsigned long)entry};

    hv_callback_op(CALLBACKOP_register, &reg);
}

/* Sends while the vCPU keeps upcalls away, at a port already pending, and with the upcall taken. `heard`
 * is where the event arrives. */
static void sends(evtchn_port_t port, evtchn_port_t heard, const char *masked, const char *pending,
                  const char *upcall)
{
    struct evtchn_send op = {.port = port};

    struct vcpu_info *info = this_vcpu_info();

    event_unmask(heard);
    MEASURE(masked, 1, {
        clear_pending(heard);
        info->evtchn_pending_sel = 0;
        info->evtchn_upcall_pending = 0;
        SEND(&op);
    });
    if (pending != NULL) {
        SEND(&op);
        MEASURE(pending, 1, SEND(&op));
    }
    clear_pending(heard);
    events_on();
    bench_event_word = &kit_shared->evtchn_pending[heard / 64];
    bench_event_bits = ~(1UL << heard % 64);
    bench_vcpu_info = this_vcpu_info();
    set_event_entry(bench_event_entry);
    MEASURE(upcall, 1, SEND(&op));
    set_event_entry((void (*)(void))trap_event_entry);
    events_off();
    event_mask(heard);
}

static void events(void)
{
    long ipi = event_bind_ipi(0), a = event_alloc_unbound(DOMID_SELF, DOMID_SELF);
    long b = event_bind_interdomain(DOMID_SELF, a);

    TRY("evtchn_send_ipi_masked", ipi);
    sends(ipi, ipi, "evtchn_send_ipi_masked", "evtchn_send_already_pending",
          "evtchn_upcall_roundtrip");
    TRY("evtchn_send_loop_masked", b);
    sends(a, b, "evtchn_send_loop_masked", NULL, "evtchn_upcall_loop");

    struct evtchn_unmask unmask = {.port = ipi};
    event_unmask(ipi);
    MEASURE("evtchn_unmask_op", 1, STUB2(__HYPERVISOR_event_channel_op, EVTCHNOP_unmask, &unmask));
    event_mask(ipi);

    /* The search for a free port costs by the number of ports in use: four, as in the
     * reference. */
    long fourth = event_alloc_unbound(DOMID_SELF, DOMID_SELF);
    struct evtchn_alloc_unbound alloc = {.dom = DOMID_SELF, .remote_dom = DOMID_SELF};
    struct evtchn_close close;
    MEASURE_PAIR("evtchn_alloc_unbound", "evtchn_close", 1, 64,
                 STUB2(__HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, &alloc);
                 close.port = alloc.port,
                 STUB2(__HYPERVISOR_event_channel_op, EVTCHNOP_close, &close));

    evtchn_port_t port = (evtchn_port_t)ipi;
    struct sched_poll poll = {.nr_ports = 1};
    set_xen_guest_handle(poll.ports, &port);
    event_send(port);
    MEASURE("sched_poll_ready", 1, STUB2(__HYPERVISOR_sched_op, SCHEDOP_poll, &poll));
    clear_pending(port);
    event_close(fourth);
    event_close(a);
    event_close(b);
    event_close(ipi);
}

void bench_calls(void)
{
    static struct vcpu_runstate_info runstate;

    null_calls();
    events();
    MEASURE("sched_yield", 1, STUB2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0));
    MEASURE("vcpu_runstate_read", 1,
            STUB3(__HYPERVISOR_vcpu_op, VCPUOP_get_runstate_info, 0, &runstate));
}
