/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A checker that cannot fail is none: two domains with some of everything (tables, descriptors, grants,
 * channels, FIFO pages), which the audit finds consistent; then one thing is wrong, and it says so.
 */
#include "host/host.h"
#include "whole.h"
#include "x86/irq_desc.h"
#include "domain/event_internal.h"
#include "domain/grant_internal.h"
#include "hypercalls/abi/sched.h"
#include "mm/audit.h"
#include "mm/internal.h"
#include "pv/descriptors.h"
#include "x86/irq.h"
#include "x86/switch.h"

static struct whole_guest a, b;
static evtchn_port_t port_a, port_b;

static long call(const struct whole_guest *g, unsigned int nr, uint64_t a1, uint64_t a2,
                 uint64_t a3)
{
    return whole_hypercall(g->d->vcpu[0], nr, a1, a2, a3, DOMID_SELF, 0);
}

static void map_a_grant(void)
{
    struct gnttab_map_grant_ref *map = whole_arena(0);

    shared_entry(b.d->grant_table, 8)[0] = (grant_entry_v1_t){
        .flags = GTF_permit_access, .domid = 1, .frame = (uint32_t)mfn_x(b.frame[6])};
    *map = (struct gnttab_map_grant_ref){
        .host_addr = WHOLE_VA(30), .flags = GNTMAP_host_map, .ref = 8, .dom = 2};
    EXPECT_EQ(call(&a, __HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, WHOLE_ARENA, 1), 0);
    EXPECT_EQ(map->status, 0);
}

static void bind_events(void)
{
    struct evtchn_alloc_unbound *alloc = whole_arena(0);
    struct evtchn_bind_interdomain *bind = whole_arena(0);
    struct evtchn_bind_virq *virq = whole_arena(0);
    struct evtchn_init_control *control = whole_arena(0);
    struct evtchn_expand_array *expand = whole_arena(0);

    *alloc = (struct evtchn_alloc_unbound){.dom = DOMID_SELF, .remote_dom = 2};
    EXPECT_EQ(call(&a, __HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, WHOLE_ARENA, 0), 0);
    port_a = alloc->port;
    *bind = (struct evtchn_bind_interdomain){.remote_dom = 1, .remote_port = port_a};
    EXPECT_EQ(call(&b, __HYPERVISOR_event_channel_op, EVTCHNOP_bind_interdomain, WHOLE_ARENA, 0),
              0);
    port_b = bind->local_port;
    *virq = (struct evtchn_bind_virq){.virq = VIRQ_TIMER};
    EXPECT_EQ(call(&a, __HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, WHOLE_ARENA, 0), 0);
    *control = (struct evtchn_init_control){.control_gfn = mfn_x(b.frame[8])};
    EXPECT_EQ(call(&b, __HYPERVISOR_event_channel_op, EVTCHNOP_init_control, WHOLE_ARENA, 0), 0);
    *expand = (struct evtchn_expand_array){.array_gfn = mfn_x(b.frame[9])};
    EXPECT_EQ(call(&b, __HYPERVISOR_event_channel_op, EVTCHNOP_expand_array, WHOLE_ARENA, 0), 0);
}

/* Frame 10 of a becomes its GDT, 11 an LDT page that was used. */
static void set_descriptors(void)
{
    struct vcpu *v = a.d->vcpu[0];
    uint64_t va = PV_LDT_VA(v), gdt = mfn_x(a.frame[10]);

    for (unsigned int i = 10; i < 12; i++)
        EXPECT_EQ(call(&a, __HYPERVISOR_update_va_mapping, WHOLE_VA(i),
                       pte_make(a.frame[i], PTE_PRESENT), 0),
                  0);
    memcpy(whole_arena(0), &gdt, sizeof(gdt));
    EXPECT_EQ(call(&a, __HYPERVISOR_set_gdt, WHOLE_ARENA, 512, 0), 0);
    EXPECT_EQ(pv_set_ldt(v, WHOLE_VA(11), 512), 0);
    EXPECT_EQ(pv_ldt_fault(v, &va), 0);
}

static void start(void)
{
    whole_start(2, 512);
    EXPECT(whole_guest_create(&a, 1, 1, 12));
    EXPECT(whole_guest_create(&b, 2, 1, 12));
    map_a_grant();
    bind_events();
    set_descriptors();
    const char *found = whole_audit();
    if (found)
        unit_fail(__FILE__, __LINE__, "before: %s", found);
    EXPECT(whole_auditor.frames >= 32 && whole_auditor.tables == 12);
    EXPECT(whole_auditor.grants == 1 && whole_auditor.channels == 3);
}

/* ---- what can be wrong --------------------------------------------------------------------------- */

static pte_t *l1(const struct whole_guest *g, unsigned int i)
{
    return (pte_t *)mfn_to_virt(g->frame[3]) + i;
}
static struct frame *frame(const struct whole_guest *g, unsigned int i)
{
    return mfn_to_frame(g->frame[i]);
}
static struct maptrack *track(void)
{
    return &a.d->grant_table->maptrack[0][0];
}

static void extra_reference(void)
{
    frame(&a, 5)->info += FI_REF_ONE;
}
static void lost_reference(void)
{
    frame(&a, 5)->info -= FI_REF_ONE;
}
static void lost_use(void)
{
    frame(&a, 5)->info -= FI_TYPE_ONE;
}
/* The counts are right, and the invariant is broken. */
static void writable_table(void)
{
    *l1(&a, 40) = pte_make(a.frame[2], PTE_PRESENT | PTE_USER | PTE_RW);
    frame(&a, 2)->info += FI_REF_ONE + FI_TYPE_ONE;
}
static void writable_descriptors(void)
{
    *l1(&a, 40) = pte_make(a.frame[10], PTE_PRESENT | PTE_USER | PTE_RW);
    frame(&a, 10)->info += FI_REF_ONE + FI_TYPE_ONE;
}
static void foreign_frame(void)
{
    *l1(&a, 40) = pte_make(b.frame[4], PTE_PRESENT | PTE_USER);
    frame(&b, 4)->info += FI_REF_ONE;
}
static void hypervisors_frame(void)
{
    *l1(&a, 40) = pte_make(virt_to_mfn(a.d->pv.perdomain_l3), PTE_PRESENT | PTE_USER);
}
static void device_memory(void)
{
    *l1(&a, 40) = pte_make(mfn_make(3), PTE_PRESENT | PTE_USER);
}
static void foreign_table(void)
{
    ((pte_t *)mfn_to_virt(a.frame[1]))[9] = pte_make(b.frame[2], PTE_PRESENT | PTE_USER);
    frame(&b, 2)->info += FI_REF_ONE + FI_TYPE_ONE;
}
static void superpage(void)
{
    ((pte_t *)mfn_to_virt(a.frame[2]))[0] |= PTE_PSE;
}
static void hv_slot(void)
{
    ((pte_t *)mfn_to_virt(a.frame[0]))[HV_FIRST_SLOT + 3] |= PTE_USER;
}
static void window_slot(void)
{
    ((pte_t *)mfn_to_virt(a.frame[0]))[PERDOMAIN_SLOT] = 0;
}
static void window_page(void)
{
    a.d->pv.gdt_ldt_l1[0][3] = pte_make(b.frame[5], PTE_PRESENT | PTE_RW);
}
static void gdt_page(void)
{
    a.d->pv.gdt_ldt_l1[0][0] = pte_make(a.frame[5], PTE_PRESENT | PTE_RW);
}
static void ldt_page(void)
{
    a.d->pv.gdt_ldt_l1[0][33] = pte_make(a.frame[10], PTE_PRESENT | PTE_RW);
    frame(&a, 10)->info += FI_REF_ONE + FI_TYPE_ONE;
}
static void root(void)
{
    a.d->vcpu[0]->pv.cr3 = mfn_x(a.frame[5]) << PAGE_SHIFT;
}
static void loaded_cr3(void)
{
    whole_enter(a.d->vcpu[0]);
    whole_cpu_info[whole_cpu].cr3 = mfn_x(b.frame[0]) << PAGE_SHIFT;
}
static void unknown_cpu(void)
{
    whole_enter(a.d->vcpu[0]);
    a.d->dirty_cpus = CPUMASK_NONE;
}
static void pinned_and_not_valid(void)
{
    frame(&a, 1)->info |= FI_PINNED;
    frame(&a, 1)->info += FI_REF_ONE + FI_TYPE_ONE;
    frame(&a, 1)->info &= ~FI_VALIDATED;
}
static void valid_without_use(void)
{
    frame(&a, 5)->info |= FI_VALIDATED;
}
static void list_links(void)
{
    frame_table[frame_table[a.d->frames_head].next].prev = FRAME_LINK_END;
}
static void list_count(void)
{
    a.d->tot_pages++;
}
static void on_no_list(void)
{
    a.d->frames_head = frame_table[a.d->frames_head].next;
    frame_table[a.d->frames_head].prev = FRAME_LINK_END;
    a.d->tot_pages--;
}
static void wrong_owner(void)
{
    frame(&a, 5)->owner = 2;
}
static void not_queued(void)
{
    frame(&a, 3)->info = (frame(&a, 3)->info & ~FI_VALIDATED) | FI_TEARDOWN;
}
static void queued(void)
{
    frame(&a, 5)->stamp = FRAME_LINK_END;
    a.d->pt_teardown = (uint32_t)mfn_x(a.frame[5]);
}
static void free_count(void)
{
    free_frames++;
}
static void free_twice(void)
{
    /* A frame of a on a list of free ones. */
    struct frame *f = frame(&a, 5);
    f->next = loose_head[0];
    loose_head[0] = (uint32_t)mfn_x(a.frame[5]);
    loose_count++;
    free_frames++;
}
static void claims(void)
{
    a.d->claimed_pages = 1;
}
static void grant_not_mapped(void)
{
    track()->mfn = (uint32_t)mfn_x(b.frame[5]);
}
static void grant_pins(void)
{
    active_entry(b.d->grant_table, 8)->writers++;
    frame(&b, 6)->info += FI_REF_ONE + FI_TYPE_ONE;
}
static void grant_borrower(void)
{
    active_entry(b.d->grant_table, 8)->domid = 5;
}
static void grant_of_others(void)
{
    active_entry(b.d->grant_table, 8)->mfn = (uint32_t)mfn_x(a.frame[6]);
    track()->mfn = (uint32_t)mfn_x(a.frame[6]);
}
static void grant_entry(void)
{
    *l1(&a, 41) = *l1(&a, 30);
}
static void grant_entry_writable(void)
{
    track()->state |= GNTMAP_readonly;
    active_entry(b.d->grant_table, 8)->readers++;
    active_entry(b.d->grant_table, 8)->writers--;
    frame(&b, 6)->info -= FI_TYPE_ONE;
}
static void handles(void)
{
    a.d->grant_table->maptrack_free = MAPTRACK_NONE;
}
static void domain_refs(void)
{
    b.d->refs++;
}
static void peer(void)
{
    port_lookup(b.d, port_b)->u.remote.channel = port_lookup(a.d, port_a + 1);
}
static void peer_state(void)
{
    port_lookup(a.d, port_a)->state = EVTCHNSTAT_unbound;
}
static void virq_map(void)
{
    a.d->vcpu[0]->virq_to_evtchn[VIRQ_TIMER] = 0;
}
static void virq_port(void)
{
    a.d->vcpu[0]->virq_to_evtchn[VIRQ_DEBUG] = port_a;
}
static void pirq_map(void)
{
    EXPECT_EQ(pirq_map_gsi(a.d, 7, 7), 7);
    pirq_set_evtchn(a.d, 7, port_a);
}
static void notified(void)
{
    port_lookup(a.d, port_a)->notify_vcpu = 3;
}
static void poll_bit(void)
{
    a.d->vcpu[0]->pause_flags |= VPF_POLL;
}
static void poller(void)
{
    set_bit(a.d->evtchn.poll_mask, 77);
}
static void port_hint(void)
{
    a.d->evtchn.next_free_hint = 30;
}
static void fifo_page(void)
{
    b.d->evtchn.fifo->frame[0] = frame(&b, 5);
}
static void a_lock(void)
{
    a.d->pt_lock.tail++;
}

static const struct fault {
    const char *name;
    void (*make)(void);
    const char *said; /* what is to be said of it */
} faults[] = {
    {"extra-reference", extra_reference, "references"},
    {"lost-reference", lost_reference, "references"},
    {"lost-use", lost_use, "type uses"},
    {"writable-table", writable_table, "used as types"},
    {"writable-descriptors", writable_descriptors, "used as types"},
    {"foreign-frame", foreign_frame, "maps frame"},
    {"hypervisors-frame", hypervisors_frame, "maps frame"},
    {"device-memory", device_memory, "device memory"},
    {"foreign-table", foreign_table, "leads to d2's"},
    {"superpage", superpage, "superpage"},
    {"hypervisors-slot", hv_slot, "in slot 259"},
    {"window-slot", window_slot, "in slot 260"},
    {"window-page", window_page, "of a domain"},
    {"gdt-page", gdt_page, "GDT"},
    {"ldt-page", ldt_page, "LDT"},
    {"root", root, "its CR3"},
    {"loaded-cr3", loaded_cr3, "has CR3"},
    {"unknown-cpu", unknown_cpu, "does not know it"},
    {"pinned-not-valid", pinned_and_not_valid, "pinned, not valid"},
    {"valid-without-use", valid_without_use, "valid without a use"},
    {"list-links", list_links, "does not link back"},
    {"list-count", list_count, "counted as"},
    {"on-no-list", on_no_list, "on no list"},
    {"wrong-owner", wrong_owner, "is on d1's list"},
    {"not-queued", not_queued, "type uses"},
    {"queued", queued, "teardown queue"},
    {"free-count", free_count, "free frames, counted"},
    {"free-twice", free_twice, "loose frame"},
    {"claims", claims, "claimed"},
    {"grant-not-mapped", grant_not_mapped, "not granted"},
    {"grant-pins", grant_pins, "pins of its grants"},
    {"grant-borrower", grant_borrower, "pins of its grants"},
    {"grant-of-others", grant_of_others, "not its own"},
    {"grant-entry", grant_entry, "not granted"},
    {"grant-entry-writable", grant_entry_writable, "not granted for writing"},
    {"handles", handles, "handles are free"},
    {"domain-references", domain_refs, "references, counted as"},
    {"peer", peer, "which is not to it"},
    {"peer-state", peer_state, "which is not to it"},
    {"virq-map", virq_map, "is virq"},
    {"virq-port", virq_port, "virq 1 is at port"},
    {"pirq-map", pirq_map, "pirq 7 is at port"},
    {"notified", notified, "is for vCPU 3"},
    {"poll-bit", poll_bit, "no sender knows"},
    {"poller", poller, "not there, polls"},
    {"port-hint", port_hint, "cannot be had"},
    {"fifo-page", fifo_page, "references"},
    {"lock", a_lock, "a lock is held"},
};

static const struct fault *fault;
static void run_fault(void)
{
    start();
    fault->make();
    const char *found = whole_audit();
    if (!found)
        unit_fail(__FILE__, __LINE__, "not found");
    /* Others may follow from it; the one that it is must be among them. */
    EXPECT(whole_audit_says(fault->said));
}

int main(int argc, char **argv)
{
    bool good = true;

    for (unsigned int i = 0; i < ARRAY_SIZE(faults); i++) {
        char name[64];
        struct unit_test test = {name, run_fault};
        fault = &faults[i];
        snprintf(name, sizeof(name), "audit-%s", fault->name);
        good &= !unit_main(&test, 1, argc, argv);
    }
    return !good;
}
