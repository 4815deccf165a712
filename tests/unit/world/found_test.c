/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the simulation and the fuzzer of hypercalls found, each in as few calls as it needs. */
#include "host/host.h"
#include "tests/unit/whole/whole.h"
#include "hypercalls/abi/event_channel.h"
#include "hypercalls/abi/grant_table.h"

/* The special domains have neither a grant table nor event channels. */
static void special_domains(void)
{
    struct gnttab_setup_table *setup = whole_arena(0);
    struct gnttab_query_size *query = whole_arena(0);
    struct evtchn_alloc_unbound *unbound = whole_arena(0);
    struct vcpu *v;

    whole_start(1, 256);
    v = whole_dom0.d->vcpu[0];
    for (domid_t id = DOMID_IO; id <= DOMID_XEN; id++) {
        *setup = (struct gnttab_setup_table){.dom = id, .nr_frames = 1};
        EXPECT_EQ(whole_hypercall(v, __HYPERVISOR_grant_table_op, GNTTABOP_setup_table, WHOLE_ARENA,
                                  1, 0, 0),
                  0);
        EXPECT_EQ(setup->status, GNTST_bad_domain);
        *query = (struct gnttab_query_size){.dom = id};
        EXPECT_EQ(whole_hypercall(v, __HYPERVISOR_grant_table_op, GNTTABOP_query_size, WHOLE_ARENA,
                                  1, 0, 0),
                  0);
        EXPECT_EQ(query->status, GNTST_bad_domain);
        *unbound = (struct evtchn_alloc_unbound){.dom = id, .remote_dom = 0};
        EXPECT_EQ(whole_hypercall(v, __HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound,
                                  WHOLE_ARENA, 0, 0, 0),
                  -ESRCH);
    }
}

static const struct unit_test tests[] = {
    {"found-special-domains", special_domains},
};
int main(int argc, char **argv)
{
    return unit_main(tests, ARRAY_SIZE(tests), argc, argv);
}
