# SPDX-License-Identifier: GPL-2.0-or-later
# Deterministic simulation of several CPUs on the whole mechanism (tests/unit/whole), in an object tree of its
# own: its atomic operations let other CPUs go on.
# `make simulate SEEDS=1-100000` for long; a seed that fails is told with the command that runs it again.
WORLD_OBJ := $(call WHOLE_OBJ_OF,world) $(addprefix $(B)/world/tests/unit/,world/calls.o world/tlb.o host/unit.o)
$(eval $(call WHOLE_TREE,world,$$(UNIT_CC),$$(UNIT_CFLAGS) -Itests/unit/world/points))
$(B)/test/simulate: $(addprefix $(B)/world/tests/unit/world/,simulate.o fiber.o) $(WORLD_OBJ)
	@mkdir -p $(@D)
	$(UNIT_CC) $(UNIT_CFLAGS) $(WHOLE_LDFLAGS) -o $@ $^

SIMULATE_CHECK_SEEDS ?= 150
SEEDS ?= 1-10000
.PHONY: simulate check-simulate
simulate: $(B)/test/simulate
	$< $(subst -, ,$(SEEDS))
check-simulate: $(B)/test/simulate
	@status=0; $< -t 1 || status=1; $< 1 $(SIMULATE_CHECK_SEEDS) || status=1; exit $$status
CHECKS += check-simulate

# What was found, kept.
$(B)/test/found_test: $(B)/whole/tests/unit/world/found_test.o $(B)/whole/tests/unit/host/unit.o $(WHOLE_OBJ)
	@mkdir -p $(@D)
	$(UNIT_CC) $(UNIT_CFLAGS) $(WHOLE_LDFLAGS) -o $@ $^
.PHONY: check-unit-found
check-unit-found: $(B)/test/found_test
	$<
CHECKS += check-unit-found
