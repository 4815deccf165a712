/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scheduling, console, tools and physical-device calls: their arguments of every illegal kind, and the
 * kinds of SCHEDOP that do not end the domain. */
#include "test.h"
#include "kit/time.h"
#include "hypercalls/abi/domctl.h"
#include "hypercalls/abi/sysctl.h"

TEST(sched_yield)
{
    for (unsigned int i = 0; i < 100; i++) {
        CHECK_EQ(hv_sched_op(SCHEDOP_yield, NULL), 0);
    }
}

/* Block with an event pending returns at once. */
TEST(sched_block_pending)
{
    long port = event_bind_ipi(0);

    event_unmask(port);
    CHECK_EQ(event_send(port), 0);
    CHECK_EQ(hv_sched_op(SCHEDOP_block, NULL), 0);
    events_off();
    CHECK_EQ(event_close(port), 0);
}

TEST(sched_watchdog)
{
    struct sched_watchdog op = {.id = 0, .timeout = 60};
    long id = hv_sched_op(SCHEDOP_watchdog, &op);

    answer("new", "%ld", id);
    CHECK(id > 0);
    op.id = (uint32_t)id;
    CHECK_EQ(hv_sched_op(SCHEDOP_watchdog, &op), 0);
    op.timeout = 0;
    CHECK_EQ(hv_sched_op(SCHEDOP_watchdog, &op), 0);
    answer("stopped_again", "%ld", hv_sched_op(SCHEDOP_watchdog, &op));
    op.id = 1000;
    op.timeout = 60;
    answer("bad_id", "%ld", hv_sched_op(SCHEDOP_watchdog, &op));
    op.id = 0xffffffff;
    answer("id_max", "%ld", hv_sched_op(SCHEDOP_watchdog, &op));
}

TEST(sched_bad)
{
    struct sched_remote_shutdown remote = {.domain_id = 777, .reason = SHUTDOWN_poweroff};
    struct sched_pin_override pin = {.pcpu = 1000};

    answer("remote_unknown", "%ld", hv_sched_op(SCHEDOP_remote_shutdown, &remote));
    answer("pin_beyond", "%ld", hv_sched_op(SCHEDOP_pin_override, &pin));
    pin.pcpu = 0;
    answer("pin", "%ld", hv_sched_op(SCHEDOP_pin_override, &pin));
    pin.pcpu = -1;
    answer("unpin", "%ld", hv_sched_op(SCHEDOP_pin_override, &pin));
    answer("shutdown_pointer", "%ld", hv_sched_op(SCHEDOP_shutdown, (void *)0x1000));
    answer("compat_yield", "%ld", HYPERCALL2(__HYPERVISOR_sched_op_compat, 0, 0));
}

/* Console writes of odd lengths and reads without input. */
TEST(console_io)
{
    static char text[4096] = "# console text\n";
    char back[16];

    CHECK_EQ(hv_console_io(CONSOLEIO_write, 15, text), 0);
    CHECK_EQ(hv_console_io(CONSOLEIO_write, 0, text), 0);
    CHECK_EQ(hv_console_io(CONSOLEIO_read, sizeof(back), back), 0);
    CHECK_EQ(hv_console_io(CONSOLEIO_read, 0, back), 0);
    answer("read_max", "%ld", hv_console_io(CONSOLEIO_read, 0xffffffff, back));
    answer("write_bad", "%ld", hv_console_io(CONSOLEIO_write, 16, (char *)0x1000));
}

/* Tools calls with another interface version, an unknown command, a domain that is not there. */
TEST(domctl)
{
    static struct xen_domctl op;

    memset(&op, 0, sizeof(op));
    op.cmd = XEN_DOMCTL_getdomaininfo;
    op.interface_version = 1;
    answer("version", "%ld", HYPERCALL1(__HYPERVISOR_domctl, &op));
    CHECK_EQ(HYPERCALL1(__HYPERVISOR_domctl, &op), -XEN_EACCES);
    op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    CHECK_EQ(HYPERCALL1(__HYPERVISOR_domctl, &op), 0);
    CHECK_EQ(op.domain, 0);
    op.domain = 777;
    answer("past_the_last", "%ld", HYPERCALL1(__HYPERVISOR_domctl, &op));
    op.cmd = XEN_DOMCTL_pausedomain;
    answer("pause_unknown", "%ld", HYPERCALL1(__HYPERVISOR_domctl, &op));
    op.domain = 0;
    answer("pause_self", "%ld", HYPERCALL1(__HYPERVISOR_domctl, &op));
    op.cmd = XEN_DOMCTL_destroydomain;
    answer("destroy_self", "%ld", HYPERCALL1(__HYPERVISOR_domctl, &op));
    op.cmd = 9999;
    answer("unknown", "%ld", HYPERCALL1(__HYPERVISOR_domctl, &op));
    answer("pointer", "%ld", HYPERCALL1(__HYPERVISOR_domctl, 0x1000));
}

TEST(sysctl)
{
    static struct xen_sysctl op;

    memset(&op, 0, sizeof(op));
    op.cmd = XEN_SYSCTL_physinfo;
    CHECK_EQ(HYPERCALL1(__HYPERVISOR_sysctl, &op), -XEN_EACCES);
    op.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    CHECK_EQ(HYPERCALL1(__HYPERVISOR_sysctl, &op), 0);
    CHECK_EQ(op.u.physinfo.nr_cpus, 1);
    CHECK(op.u.physinfo.total_pages > 0);
    CHECK(op.u.physinfo.cpu_khz > 0);
    op.cmd = 9999;
    answer("unknown", "%ld", HYPERCALL1(__HYPERVISOR_sysctl, &op));
    answer("pointer", "%ld", HYPERCALL1(__HYPERVISOR_sysctl, 0x1000));
}

/* Creating a domain with arguments without sense leaves nothing behind. */
TEST(createdomain_bad)
{
    static struct xen_domctl op;
    static struct xen_sysctl info;

    memset(&info, 0, sizeof(info));
    info.cmd = XEN_SYSCTL_physinfo;
    info.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    CHECK_EQ(HYPERCALL1(__HYPERVISOR_sysctl, &info), 0);
    uint64_t free_before = info.u.physinfo.free_pages;
    memset(&op, 0, sizeof(op));
    op.cmd = XEN_DOMCTL_createdomain;
    op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    op.u.createdomain.flags = 0xffffffff;
    answer("flags", "%ld", HYPERCALL1(__HYPERVISOR_domctl, &op));
    op.u.createdomain.flags = 0;
    answer("no_vcpus", "%ld", HYPERCALL1(__HYPERVISOR_domctl, &op));
    op.u.createdomain.max_vcpus = 0xffffffff;
    answer("vcpus_max", "%ld", HYPERCALL1(__HYPERVISOR_domctl, &op));
    op.domain = 0;
    op.u.createdomain.max_vcpus = 1;
    op.u.createdomain.grant_opts = 0xff;
    answer("grant_version", "%ld", HYPERCALL1(__HYPERVISOR_domctl, &op));
    CHECK_EQ(HYPERCALL1(__HYPERVISOR_sysctl, &info), 0);
    CHECK(info.u.physinfo.free_pages + 64 >= free_before);
}

TEST(physdev)
{
    struct physdev_irq irq = {.irq = 0xffffffff};
    struct physdev_irq_status_query query = {.irq = 0xffffffff};
    struct physdev_eoi eoi = {.irq = 0xffffffff};
    struct physdev_apic apic = {.apic_physbase = 0xdead0000, .reg = 0};
    struct physdev_map_pirq map;

    answer("alloc_vector", "%ld", hv_physdev_op(PHYSDEVOP_alloc_irq_vector, &irq));
    answer("status", "%ld", hv_physdev_op(PHYSDEVOP_irq_status_query, &query));
    answer("eoi", "%ld", hv_physdev_op(PHYSDEVOP_eoi, &eoi));
    answer("apic", "%ld", hv_physdev_op(PHYSDEVOP_apic_read, &apic));
    memset(&map, 0, sizeof(map));
    map.domid = DOMID_SELF;
    map.type = 99;
    map.index = -1;
    map.pirq = -1;
    answer("map_type", "%ld", hv_physdev_op(PHYSDEVOP_map_pirq, &map));
    map.type = MAP_PIRQ_TYPE_GSI;
    map.index = 0x7fffffff;
    answer("map_gsi", "%ld", hv_physdev_op(PHYSDEVOP_map_pirq, &map));
    map.domid = 777;
    answer("map_domain", "%ld", hv_physdev_op(PHYSDEVOP_map_pirq, &map));
    answer("pointer", "%ld", hv_physdev_op(PHYSDEVOP_set_iopl, (void *)0x1000));
}

/* Calls that are for other kinds of guest, or gone: an error each. */
TEST(not_for_pv)
{
    static char arg[128];

    answer("hvm_op", "%ld", HYPERCALL2(__HYPERVISOR_hvm_op, 99, arg));
    answer("xenpmu", "%ld", HYPERCALL2(__HYPERVISOR_xenpmu_op, 99, arg));
    answer("tmem", "%ld", HYPERCALL1(38, arg));
    answer("argo", "%ld", HYPERCALL2(39, 99, arg));
    answer("hypfs", "%ld", HYPERCALL2(42, 99, arg));
}
