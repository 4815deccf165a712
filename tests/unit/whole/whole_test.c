/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stand-in itself: what other tests build upon. */
#include "host/host.h"
#include "whole.h"
#include "mm/alloc.h"
#include "domain/grant_table.h"
#include "hypercalls/abi/event_channel.h"
#include "hypercalls/abi/physdev.h"
#include "hypercalls/abi/sched.h"
#include "x86/cpu.h"
#include "x86/cpu_setup.h"
#include "x86/cpuid_policy.h"

static struct whole_guest a, b;

#define EXPECT_AUDIT()                                   \
    do {                                                 \
        const char *audit_ = whole_audit();              \
        if (audit_)                                      \
            unit_fail(__FILE__, __LINE__, "%s", audit_); \
    } while (0)

static void start(void)
{
    whole_start(2, 512);
    EXPECT(whole_guest_create(&a, 1, 1, 12));
    EXPECT(whole_guest_create(&b, 2, 1, 12));
    EXPECT_AUDIT();
}

static long mmu_update(struct vcpu *v, const struct mmu_update *u, unsigned int n)
{
    memcpy(whole_arena(0), u, n * sizeof(*u));
    return whole_hypercall(v, __HYPERVISOR_mmu_update, WHOLE_ARENA, n, 0, DOMID_SELF, 0);
}
static long mmuext(struct vcpu *v, unsigned int cmd, mfn_t m)
{
    *(struct mmuext_op *)whole_arena(0) = (struct mmuext_op){.cmd = cmd, .arg1.mfn = mfn_x(m)};
    return whole_hypercall(v, __HYPERVISOR_mmuext_op, WHOLE_ARENA, 1, 0, DOMID_SELF, 0);
}
static uint64_t entry_address(const struct whole_guest *g, unsigned int table, unsigned int index)
{
    return (mfn_x(g->frame[table]) << PAGE_SHIFT) + index * sizeof(pte_t);
}

static void tables(void)
{
    struct mmu_update u;
    struct vcpu *v;

    start();
    v = a.d->vcpu[0];
    /* Writable: an ordinary frame, but neither a page table nor another domain's frame. */
    u = (struct mmu_update){entry_address(&a, 3, 20), pte_make(a.frame[5], PTE_PRESENT | PTE_RW)};
    EXPECT_EQ(mmu_update(v, &u, 1), 0);
    u.val = pte_make(a.frame[3], PTE_PRESENT | PTE_RW);
    EXPECT(mmu_update(v, &u, 1) < 0);
    u.val = pte_make(b.frame[5], PTE_PRESENT);
    EXPECT(mmu_update(v, &u, 1) < 0);
    EXPECT_EQ(mmuext(v, MMUEXT_PIN_L4_TABLE, a.frame[0]), 0);
    EXPECT(mmuext(v, MMUEXT_PIN_L4_TABLE, a.frame[5]) < 0);
    EXPECT_EQ(whole_hypercall(v, __HYPERVISOR_update_va_mapping, WHOLE_VA(20), 0, 0, 0, 0), 0);
    EXPECT(mmuext(v, MMUEXT_PIN_L4_TABLE, a.frame[5]) < 0);
    EXPECT_EQ(whole_hypercall(v, __HYPERVISOR_update_va_mapping, WHOLE_VA(5), 0, 0, 0, 0), 0);
    /* Its last writable mapping went, and it is all zero. */
    EXPECT_EQ(mmuext(v, MMUEXT_PIN_L4_TABLE, a.frame[5]), 0);
    EXPECT_AUDIT();
}

static void continuations(void)
{
    struct whole_call c = {.nr = __HYPERVISOR_mmu_update, .arg = {WHOLE_ARENA, 3, 0, DOMID_SELF}};
    struct mmu_update *u = whole_arena(0);

    start();
    for (unsigned int i = 0; i < 3; i++)
        u[i] = (struct mmu_update){entry_address(&a, 3, 20 + i),
                                   pte_make(a.frame[5 + i], PTE_PRESENT)};
    whole_preempt_at = 2;
    EXPECT(whole_issue(a.d->vcpu[0], &c));
    EXPECT_EQ(c.arg[0], WHOLE_ARENA + 2 * sizeof(*u));
    EXPECT_EQ(c.arg[1] & 0xff, 1);
    EXPECT(!whole_issue(a.d->vcpu[0], &c));
    EXPECT_EQ(c.result, 0);
    /* In a batch, too. */
    struct multicall_entry *mc = whole_arena(0x1000);
    mc[0] = (struct multicall_entry){.op = __HYPERVISOR_mmu_update,
                                     .args = {WHOLE_ARENA, 3, 0, DOMID_SELF}};
    mc[1] = mc[0];
    c = (struct whole_call){.nr = __HYPERVISOR_multicall, .arg = {WHOLE_ARENA + 0x1000, 2}};
    whole_preempt_at = 1;
    EXPECT(whole_issue(a.d->vcpu[0], &c));
    EXPECT_EQ(c.arg[1], 2);
    EXPECT(!whole_issue(a.d->vcpu[0], &c));
    EXPECT_EQ(mc[0].result, 0);
    EXPECT_EQ(mc[1].result, 0);
    EXPECT_AUDIT();
}

static void faults(void)
{
    start();
    EXPECT_EQ(
        whole_hypercall(a.d->vcpu[0], __HYPERVISOR_mmu_update, WHOLE_BAD_VA, 1, 0, DOMID_SELF, 0),
        -EFAULT);
    whole_fault_at = 1;
    struct mmu_update u = {entry_address(&a, 3, 20), 0};
    EXPECT_EQ(mmu_update(a.d->vcpu[0], &u, 1), -EFAULT);
    EXPECT_EQ(mmu_update(a.d->vcpu[0], &u, 1), 0);
    EXPECT_EQ(whole_hypercall(a.d->vcpu[0], __HYPERVISOR_domctl, WHOLE_ARENA, 0, 0, 0, 0), -EPERM);
    EXPECT_EQ(whole_hypercall(a.d->vcpu[0], 63, 0, 0, 0, 0, 0), -ENOSYS);
}

static void grants(void)
{
    grant_entry_v1_t *table;
    struct gnttab_map_grant_ref *map = whole_arena(0);
    struct gnttab_unmap_grant_ref *unmap = whole_arena(0);
    unsigned long before;
    mfn_t m;

    start();
    EXPECT_EQ(grant_table_frame(b.d, 0, &m), 0);
    table = mfn_to_virt(m);
    table[8] = (grant_entry_v1_t){
        .flags = GTF_permit_access, .domid = 1, .frame = (uint32_t)mfn_x(b.frame[6])};
    *map = (struct gnttab_map_grant_ref){
        .host_addr = WHOLE_VA(30), .flags = GNTMAP_host_map, .ref = 8, .dom = 2};
    EXPECT_EQ(whole_hypercall(a.d->vcpu[0], __HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref,
                              WHOLE_ARENA, 1, 0, 0),
              0);
    EXPECT_EQ(map->status, 0);
    EXPECT_EQ(frame_type(mfn_to_frame(b.frame[6])), FRAME_WRITABLE);
    grant_handle_t handle = map->handle;
    EXPECT_AUDIT();
    *unmap = (struct gnttab_unmap_grant_ref){.host_addr = WHOLE_VA(30), .handle = handle};
    before = whole_flushes[a.d->vcpu[0]->processor];
    EXPECT_EQ(whole_hypercall(a.d->vcpu[0], __HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref,
                              WHOLE_ARENA, 1, 0, 0),
              0);
    EXPECT_EQ(unmap->status, 0);
    EXPECT(whole_flushes[a.d->vcpu[0]->processor] > before);
}

/* Made and ended by Domain 0's hypercalls, nothing is left. */
static void life(void)
{
    struct xen_domctl *op = whole_arena(0);
    struct vcpu *v;
    uint64_t free;

    start();
    v = whole_dom0.d->vcpu[0];
    for (unsigned int i = 0; i < 3; i++) {
        *op = (struct xen_domctl){.cmd = XEN_DOMCTL_createdomain,
                                  .interface_version = XEN_DOMCTL_INTERFACE_VERSION,
                                  .domain = 7};
        op->u.createdomain = (struct xen_domctl_createdomain){
            .max_vcpus = 1, .max_evtchn_port = 127, .max_grant_frames = 1, .grant_opts = 1};
        EXPECT_EQ(whole_hypercall(v, __HYPERVISOR_domctl, WHOLE_ARENA, 0, 0, 0, 0), 0);
        *op = (struct xen_domctl){.cmd = XEN_DOMCTL_destroydomain,
                                  .interface_version = XEN_DOMCTL_INTERFACE_VERSION,
                                  .domain = 7};
        EXPECT_EQ(whole_hypercall(v, __HYPERVISOR_domctl, WHOLE_ARENA, 0, 0, 0, 0), 0);
        whole_softirqs();
        EXPECT(!domain_get_by_id(7));
        if (i == 0)
            free = frames_free_count();
        EXPECT_AUDIT();
        EXPECT_EQ(frames_free_count(), free);
    }
    /* One that has tables and runs; preempted at every check. */
    whole_enter(b.d->vcpu[0]);
    for (;;) {
        *op = (struct xen_domctl){.cmd = XEN_DOMCTL_destroydomain,
                                  .interface_version = XEN_DOMCTL_INTERFACE_VERSION,
                                  .domain = 2};
        struct whole_call c = {.nr = __HYPERVISOR_domctl, .arg = {WHOLE_ARENA}};
        whole_preempt_at = 1;
        if (!whole_issue(v, &c)) {
            EXPECT_EQ(c.result, 0);
            break;
        }
        EXPECT_AUDIT();
    }
    whole_softirqs();
    EXPECT(!domain_get_by_id(2));
}

/* Each allocation of a creation fails once: nothing is lost. */
static void no_memory(void)
{
    struct whole_guest g;
    uint64_t free;
    bool made = false;

    start();
    EXPECT(whole_guest_create(&g, 3, 1, 8)); /* tables by id and the like are kept */
    whole_guest_kill(g.d);
    free = frames_free_count();
    for (unsigned int n = 1; !made; n++) {
        whole_fail_at = n;
        made = whole_guest_create(&g, 3, 1, 8);
        EXPECT(made || !whole_fail_at);
        if (made)
            whole_guest_kill(g.d);
        whole_fail_at = 0;
        whole_softirqs();
        EXPECT_AUDIT();
        EXPECT_EQ(frames_free_count(), free);
    }
}

/* A device model need not flush when it unmaps: what its CPU may know is flushed when the frame becomes
 * a table of its domain. */
static void device_model(void)
{
    struct xen_domctl *op = whole_arena(0);
    struct vcpu *va, *vb;
    unsigned long before;

    start();
    va = a.d->vcpu[0];
    vb = b.d->vcpu[0];
    EXPECT(va->processor != vb->processor);
    *op = (struct xen_domctl){.cmd = XEN_DOMCTL_set_target,
                              .interface_version = XEN_DOMCTL_INTERFACE_VERSION,
                              .domain = 2};
    op->u.set_target.target = 1;
    EXPECT_EQ(whole_hypercall(whole_dom0.d->vcpu[0], __HYPERVISOR_domctl, WHOLE_ARENA, 0, 0, 0, 0),
              0);
    EXPECT_EQ(whole_hypercall(vb, __HYPERVISOR_update_va_mapping_otherdomain, WHOLE_VA(20),
                              pte_make(a.frame[5], PTE_PRESENT | PTE_RW), 0, 1, 0),
              0);
    EXPECT_EQ(whole_hypercall(vb, __HYPERVISOR_update_va_mapping, WHOLE_VA(20), 0, 0, 0, 0), 0);
    EXPECT_EQ(whole_hypercall(va, __HYPERVISOR_update_va_mapping, WHOLE_VA(5), 0, 0, 0, 0), 0);
    before = whole_flushes[vb->processor];
    EXPECT_EQ(mmuext(va, MMUEXT_PIN_L1_TABLE, a.frame[5]), 0);
    EXPECT(whole_flushes[vb->processor] > before);
    /* It may write the other's tables, but not map there what that one has no right to. */
    struct mmu_update u = {entry_address(&a, 3, 21), pte_make(b.frame[5], PTE_PRESENT)};
    memcpy(whole_arena(0), &u, sizeof(u));
    EXPECT_EQ(
        whole_hypercall(vb, __HYPERVISOR_mmu_update, WHOLE_ARENA, 1, 0, 2u << 16 | DOMID_SELF, 0),
        -EPERM);
    u.val = pte_make(a.frame[6], PTE_PRESENT);
    memcpy(whole_arena(0), &u, sizeof(u));
    EXPECT_EQ(whole_hypercall(vb, __HYPERVISOR_mmu_update, WHOLE_ARENA, 1, 0, 2u << 16 | 1, 0), 0);
    EXPECT_AUDIT();
}

/* The scheduler gives CPUs to vCPUs that may run. */
static void scheduling(void)
{
    start();
    for (whole_cpu = 0; whole_cpu < 2; whole_cpu++)
        whole_cpu_step();
    EXPECT(!whole_cpu_info[0].vcpu->domain->is_idle && !whole_cpu_info[1].vcpu->domain->is_idle);
    whole_cpu = 0;
    struct vcpu *v = current;
    EXPECT(v->is_running);
    EXPECT_EQ(whole_hypercall(v, __HYPERVISOR_sched_op, SCHEDOP_block, 0, 0, 0, 0), 0);
    whole_cpu_step();
    EXPECT(current != v);
}

static long physdev(struct vcpu *v, unsigned int cmd, void *arg, size_t size)
{
    memcpy(whole_arena(0), arg, size);
    long rc = whole_hypercall(v, __HYPERVISOR_physdev_op, cmd, WHOLE_ARENA, 0, 0, 0);
    memcpy(arg, whole_arena(0), size);
    return rc;
}
#define PHYSDEV(v, cmd, arg) physdev(v, cmd, &(arg), sizeof(arg))

/* Pins and MSIs of the machine's two PCI functions, to Domain 0 and to a guest, which gives them back by dying. */
static void interrupts(void)
{
    struct physdev_pci_device_add add = {.devfn = 3 << 3};
    struct physdev_map_pirq map = {
        .domid = 1, .type = MAP_PIRQ_TYPE_MULTI_MSI, .pirq = -1, .devfn = 3 << 3, .entry_nr = 4};
    struct physdev_unmap_pirq unmap = {.domid = DOMID_SELF};
    struct vcpu *v0;
    int first;

    start();
    v0 = whole_dom0.d->vcpu[0];
    EXPECT_EQ(PHYSDEV(a.d->vcpu[0], PHYSDEVOP_map_pirq, map), -EPERM);
    EXPECT_EQ(PHYSDEV(v0, PHYSDEVOP_map_pirq, map), -ENODEV);
    EXPECT_EQ(PHYSDEV(v0, PHYSDEVOP_pci_device_add, add), 0);
    map.entry_nr = 8; /* more than it can */
    EXPECT_EQ(PHYSDEV(v0, PHYSDEVOP_map_pirq, map), -EINVAL);
    map.entry_nr = 3;
    EXPECT_EQ(PHYSDEV(v0, PHYSDEVOP_map_pirq, map), 0);
    EXPECT_EQ(map.entry_nr, 4);
    first = map.pirq;
    /* One MSI a device; nobody takes the device away meanwhile; each vector is given back by itself. */
    map.pirq = -1;
    EXPECT_EQ(PHYSDEV(v0, PHYSDEVOP_map_pirq, map), -EEXIST);
    EXPECT_EQ(PHYSDEV(v0, PHYSDEVOP_pci_device_remove, add), -EBUSY);
    unmap.domid = 1;
    for (int i = 0; i < 2; i++) {
        unmap.pirq = first + i;
        EXPECT_EQ(PHYSDEV(v0, PHYSDEVOP_unmap_pirq, unmap), 0);
        EXPECT_EQ(PHYSDEV(v0, PHYSDEVOP_unmap_pirq, unmap), -EINVAL);
    }
    whole_guest_kill(a.d);
    EXPECT_EQ(PHYSDEV(v0, PHYSDEVOP_pci_device_remove, add), 0);
    EXPECT_EQ(PHYSDEV(v0, PHYSDEVOP_pci_device_add, add), 0);
    /* The answer cannot be written: nothing stays mapped. */
    map = (struct physdev_map_pirq){.domid = DOMID_SELF,
                                    .type = MAP_PIRQ_TYPE_MULTI_MSI,
                                    .pirq = -1,
                                    .devfn = 3 << 3,
                                    .entry_nr = 4};
    memcpy(whole_arena(0), &map, sizeof(map));
    whole_fault_at = 2;
    EXPECT_EQ(
        whole_hypercall(v0, __HYPERVISOR_physdev_op, PHYSDEVOP_map_pirq, WHOLE_ARENA, 0, 0, 0),
        -EFAULT);
    whole_fault_at = 0;
    EXPECT_EQ(PHYSDEV(v0, PHYSDEVOP_pci_device_remove, add), 0);
    EXPECT_EQ(PHYSDEV(v0, PHYSDEVOP_pci_device_add, add), 0);
    /* MSI-X has a vector an entry, up to the table's end. */
    map.type = MAP_PIRQ_TYPE_MSI;
    map.table_base = 0xfebf0000;
    map.entry_nr = 16;
    EXPECT_EQ(PHYSDEV(v0, PHYSDEVOP_map_pirq, map), -EINVAL);
    map.entry_nr = 15;
    EXPECT_EQ(PHYSDEV(v0, PHYSDEVOP_map_pirq, map), 0);
    struct evtchn_bind_pirq bind = {.pirq = (uint32_t)map.pirq};
    memcpy(whole_arena(0), &bind, sizeof(bind));
    EXPECT_EQ(whole_hypercall(v0, __HYPERVISOR_event_channel_op, EVTCHNOP_bind_pirq, WHOLE_ARENA, 0,
                              0, 0),
              0);
    EXPECT_AUDIT();
    unmap.domid = DOMID_SELF;
    unmap.pirq = map.pirq;
    EXPECT_EQ(PHYSDEV(v0, PHYSDEVOP_unmap_pirq, unmap), 0);
    EXPECT_AUDIT();
}

/* A processor with AVX-512 and the compacted form of XSAVE; one of its states must begin at a multiple of 64. */
static struct cpuid_regs wide_processor(uint32_t leaf, uint32_t sub)
{
    static const struct cpuid_regs states[] = {
        {0xe7, 0xa80, 0xa80, 0}, {0xf, 0xa80, 0, 0}, {256, 576, 0, 0},   {0, 0, 0, 0}, {0, 0, 0, 0},
        {40, 1088, 0, 0},        {512, 1152, 2, 0},  {1024, 1664, 0, 0},
    };

    switch (leaf) {
    case 0: return (struct cpuid_regs){0xd, 0, 0, 0};
    case 1: return (struct cpuid_regs){0x50654, 0, 1u << 26 | 1u << 28, 0};
    case 7: return (struct cpuid_regs){0, sub == 0 ? 1u << 5 | 1u << 16 : 0, 0, 0};
    case 0xd:
        if (sub < ARRAY_SIZE(states))
            return states[sub];
        break;
    default: break;
    }
    return (struct cpuid_regs){0, 0, 0, 0};
}

/* What leaf 0xd says of the sizes of both forms follows XCR0. */
static void extended_states(void)
{
    struct cpuid_regs r;
    struct vcpu *v;

    whole_cpuid = wide_processor;
    start();
    cpu_caps.xsave = true;
    cpu_caps.xcr0 = 0xe7;
    cpu_policy_init();
    v = whole_dom0.d->vcpu[0];
    *whole_dom0.d->policy = *cpu_policy_system(CPU_POLICY_PV_MAX);
    static const struct {
        uint64_t xcr0;
        uint32_t standard, compacted;
    } want[] = {{3, 576, 576}, {7, 832, 832}, {0xe7, 2688, 832 + 64 + 512 + 1024}};
    for (unsigned int i = 0; i < ARRAY_SIZE(want); i++) {
        v->pv.xcr0 = want[i].xcr0;
        cpuid_guest(v, 0xd, 0, &r);
        EXPECT_EQ(r.a, 0xe7);
        EXPECT_EQ(r.b, want[i].standard);
        cpuid_guest(v, 0xd, 1, &r);
        EXPECT_EQ(r.a, 7); /* XSAVES is not for PV kernels */
        EXPECT_EQ(r.b, want[i].compacted);
    }
    /* A toolstack took the compacted form away. */
    whole_dom0.d->policy->xstate[1].a = 1;
    cpuid_guest(v, 0xd, 1, &r);
    EXPECT_EQ(r.b, 0);
}

static const struct unit_test tests[] = {
    {"whole-tables", tables},
    {"whole-continuations", continuations},
    {"whole-faults", faults},
    {"whole-grants", grants},
    {"whole-life", life},
    {"whole-no-memory", no_memory},
    {"whole-scheduling", scheduling},
    {"whole-device-model", device_model},
    {"whole-interrupts", interrupts},
    {"whole-extended-states", extended_states},
};
int main(int argc, char **argv)
{
    return unit_main(tests, ARRAY_SIZE(tests), argc, argv);
}
