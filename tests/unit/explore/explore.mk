# SPDX-License-Identifier: GPL-2.0-or-later
# Exhaustive exploration of small worlds (explore.h). An object tree without sanitizers, since it is after
# states by the hundred thousand; the mechanism's variables in sections of their own, to be put back.
EXPLORE_CFLAGS = $(COMMON) -O2 -D_GNU_SOURCE -fno-pie -fno-omit-frame-pointer
$(eval $(call WHOLE_TREE,explore,$$(CC),$$(EXPLORE_CFLAGS)))
$(B)/explore/tests/unit/explore/%.o: WHOLE_INC += -Itests/unit/explore
EXPLORE_PART := $(filter-out %/whole_audit.o,$(call WHOLE_OBJ_OF,explore))
EXPLORE_OBJ := $(patsubst %.c,$(B)/explore/%.o,$(wildcard tests/unit/explore/*.c) tests/unit/whole/whole_audit.c)

$(B)/explore/mechanism.o: $(EXPLORE_PART)
	ld -r $(WHOLE_WRAP:%=--wrap=%) -o $@ $^
	objcopy --rename-section .data=whole_data --rename-section .bss=whole_bss $@
$(B)/test/explore: $(B)/explore/mechanism.o $(EXPLORE_OBJ)
	@mkdir -p $(@D)
	$(CC) $(EXPLORE_CFLAGS) -no-pie -o $@ $^

.PHONY: check-explore explore
check-explore: $(B)/test/explore
	@status=0; for m in tables partial frames grants events control all stolen unflushed; do $< $$m || status=1; done; exit $$status
CHECKS += check-explore

# make explore DEPTH=n [MODEL=name]: deeper. Each step of depth takes some twenty times as long.
DEPTH ?= 5
MODEL ?= tables partial frames grants events control all
explore: $(B)/test/explore
	@for m in $(MODEL); do $< $$m $(DEPTH) || exit 1; done
