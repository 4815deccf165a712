# SPDX-License-Identifier: GPL-2.0-or-later
# Deterministic simulation of several CPUs on the whole mechanism (tests/unit/whole), in an object tree of its
# own: its atomic operations let other CPUs go on, as do, where a simulation wants it, all reads and writes of
# what is shared (points/).
# `make simulate SEEDS=1-100000` for long; a seed that fails is told with the command that runs it again.
WORLD_OBJ := $(call WHOLE_OBJ_OF,world) $(addprefix $(B)/world/tests/unit/,world/calls.o world/tlb.o host/unit.o)
$(eval $(call WHOLE_TREE,world,$$(UNIT_CC),$$(UNIT_CFLAGS) -Itests/unit/world/points))
$(B)/test/simulate: $(addprefix $(B)/world/tests/unit/world/,simulate.o fiber.o) $(WORLD_OBJ)
	@mkdir -p $(@D)
	$(UNIT_CC) $(UNIT_CFLAGS) $(WHOLE_LDFLAGS) -Wl,--wrap=timer_hw_program -o $@ $^

SIMULATE_CHECK_SEEDS ?= 100
SEEDS ?= 1-10000
.PHONY: simulate check-simulate
simulate: $(B)/test/simulate
	$< $(subst -, ,$(SEEDS))
check-simulate: $(B)/test/simulate
	@status=0; $< -t 1 || status=1; $< -t 4 || status=1; $< 1 $(SIMULATE_CHECK_SEEDS) || status=1; exit $$status
CHECKS += check-simulate

# Events by FIFO, between a hypervisor and a guest that are interleaved at every access (fifo_race.c).
# `make fifo-race PREEMPTIONS=3 SEEDS=1-10000000` for long.
$(B)/test/fifo_race: $(addprefix $(B)/world/tests/unit/world/,fifo_race.o fifo_guest.o fiber.o) $(WORLD_OBJ)
	@mkdir -p $(@D)
	$(UNIT_CC) $(UNIT_CFLAGS) $(WHOLE_LDFLAGS) -o $@ $^

FIFO_RACE_CHECK_SEEDS ?= 15000
PREEMPTIONS ?= 2
.PHONY: fifo-race check-fifo-race
fifo-race: $(B)/test/fifo_race
	$< -b $(PREEMPTIONS)
	$< -r $(subst -, ,$(SEEDS))
check-fifo-race: $(B)/test/fifo_race
	@status=0; $< -b 1 || status=1; $< -r 1 $(FIFO_RACE_CHECK_SEEDS) || status=1; exit $$status
CHECKS += check-fifo-race

# Tests that need one CPU at a time: what was found, kept; and every allocation failing once.
WORLD_TESTS := $(B)/test/found_test $(B)/test/no_memory_test
$(WORLD_TESTS): $(B)/test/%: $(B)/whole/tests/unit/world/%.o $(B)/whole/tests/unit/host/unit.o $(WHOLE_OBJ)
	@mkdir -p $(@D)
	$(UNIT_CC) $(UNIT_CFLAGS) $(WHOLE_LDFLAGS) -o $@ $^
.PHONY: check-unit-found check-no-memory
check-unit-found: $(B)/test/found_test
	$<
check-no-memory: $(B)/test/no_memory_test
	$<
CHECKS += check-unit-found check-no-memory

# The fuzzer of hypercalls: the mechanism's variables are in sections of their own, to be put back.
$(eval $(call WHOLE_TREE,fuzz/whole,$$(FUZZ_CC),$$(FUZZ_CFLAGS)))
HYPERCALL_FUZZ := $(WHOLE_SRC:%.c=$(B)/fuzz/state/%.o) $(addprefix $(B)/fuzz/whole/tests/,unit/world/calls.o \
        fuzz/hypercall_fuzz.o)
$(B)/fuzz/state/%.o: $(B)/fuzz/whole/%.o
	@mkdir -p $(@D)
	objcopy --rename-section .data=whole_data --rename-section .bss=whole_bss,alloc,load,data,contents $< $@
$(B)/fuzz/hypercall_fuzz: $(HYPERCALL_FUZZ)
	$(FUZZ_CC) -fsanitize=fuzzer,$(FUZZ_SANITIZE) $(WHOLE_LDFLAGS) -o $@ $^
FUZZERS += hypercall
CHECKS += check-fuzz-hypercall
.PHONY: check-fuzz-hypercall
check-fuzz-hypercall: $(B)/fuzz/hypercall_fuzz
	@tests/fuzz/run $(B)/fuzz hypercall $(FUZZ_HYPERCALL_SECONDS)
FUZZ_HYPERCALL_SECONDS ?= 25
