# SPDX-License-Identifier: GPL-2.0-or-later
# Unit tests of xen/sched, xen/domain and their hypercalls on a simulated machine (sim.h), under ASan and
# UBSan. An object tree of its own: the stand-ins differ from those of tests/unit/host.
SIM_SRC := $(filter-out xen/domain/audit_%,$(wildcard xen/sched/*.c xen/domain/*.c hypercalls/domctl*.c hypercalls/sysctl*.c)) \
        xen/lib/rangeset.c xen/pv/context.c xen/x86/cpuid_policy.c tests/unit/sim/sim.c tests/unit/host/pirq.c \
        $(addprefix hypercalls/,gate.c event_channel_op.c grant_table_op.c sched_op.c vcpu_op.c)
SIM_OBJ := $(SIM_SRC:%.c=$(B)/sim/%.o)
SIM_TESTS := $(patsubst tests/unit/sim/%.c,$(B)/test/%,$(wildcard tests/unit/sim/*_test.c))

$(B)/sim/%.o: %.c
	@mkdir -p $(@D)
	$(UNIT_CC) $(UNIT_CFLAGS) -Itests/unit/sim -Ixen -c -o $@ $<
$(SIM_TESTS): $(B)/test/%: $(B)/sim/tests/unit/sim/%.o $(SIM_OBJ)
	@mkdir -p $(@D)
	$(UNIT_CC) $(UNIT_CFLAGS) -o $@ $^
.PRECIOUS: $(B)/sim/%.o

.PHONY: check-unit-domain
check-unit-domain: $(SIM_TESTS)
	@status=0; for t in $(SIM_TESTS); do $$t || status=1; done; exit $$status
CHECKS += check-unit-domain
