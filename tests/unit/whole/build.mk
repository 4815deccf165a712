# SPDX-License-Identifier: GPL-2.0-or-later
# The whole mechanism on a stand-in machine (whole.h), in an object tree of its own, build/whole, under ASan and
# UBSan, with the checks of debug builds. Programs link $(WHOLE_OBJ), with $(WHOLE_LDFLAGS).
# WHOLE_TREE(dir,compiler,flags) makes another tree: build/dir, with objects $(call WHOLE_OBJ_OF,dir).
WHOLE_SRC := $(wildcard xen/mm/*.c xen/sched/*.c xen/domain/*.c) xen/lib/rangeset.c xen/lib/lock_debug.c \
        $(addprefix xen/pv/,context.c descriptors.c domain.c grant_pte.c insn.c nmi.c ptwr.c pv_time.c) \
        $(addprefix xen/x86/,cpuid_policy.c tlb.c irq.c pirq.c msi.c ioapic.c pci.c) $(wildcard hypercalls/*.c) \
        $(addprefix tests/unit/whole/,whole.c whole_audit.c machine.c stubs.c pv_hypercall.c)
WHOLE_OBJ_OF = $(WHOLE_SRC:%.c=$(B)/$(1)/%.o)
WHOLE_INC := -DDEBUG -Itests/unit/whole -Itests/unit -Ixen
WHOLE_WRAP := hv_zalloc hv_alloc_aligned page_zalloc frames_alloc dom_frames_alloc dom_frames_take \
        lock_check_take lock_check_give vcpu_sleep_sync
WHOLE_LDFLAGS := $(WHOLE_WRAP:%=-Wl,--wrap=%)

define WHOLE_TREE
$(B)/$(1)/%.o: %.c
	@mkdir -p $$(@D)
	$(2) $(3) $(WHOLE_INC) -c -o $$@ $$<
.PRECIOUS: $(B)/$(1)/%.o
endef
$(eval $(call WHOLE_TREE,whole,$$(UNIT_CC),$$(UNIT_CFLAGS)))
WHOLE_OBJ := $(call WHOLE_OBJ_OF,whole)
WHOLE_TESTS := $(patsubst tests/unit/whole/%.c,$(B)/test/%,$(wildcard tests/unit/whole/*_test.c))

$(WHOLE_TESTS): $(B)/test/%: $(B)/whole/tests/unit/whole/%.o $(B)/whole/tests/unit/host/unit.o $(WHOLE_OBJ)
	@mkdir -p $(@D)
	$(UNIT_CC) $(UNIT_CFLAGS) $(WHOLE_LDFLAGS) -o $@ $^

.PHONY: check-unit-whole
check-unit-whole: $(WHOLE_TESTS)
	@status=0; for t in $(WHOLE_TESTS); do $$t || status=1; done; exit $$status
CHECKS += check-unit-whole
include tests/unit/explore/explore.mk
