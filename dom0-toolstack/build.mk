# SPDX-License-Identifier: GPL-2.0-or-later
# Domain 0's tools. lib/ is the library that hl and hospesd link; each of them adds its own part.
LIBHOSPES := $(B)/lib/libhospes.a
LIBHOSPES_SRC := $(wildcard dom0-toolstack/lib/*.c)
LIBHOSPES_OBJ := $(LIBHOSPES_SRC:%.c=$(B)/tools/%.o)
# What a program that links $(LIBHOSPES) also needs (besides the xenstore client library).
LIBHOSPES_LIBS := -llzma -lz -lzstd -llz4 -lbz2 -lgcrypt -lyajl

$(LIBHOSPES): $(LIBHOSPES_OBJ)
	@mkdir -p $(@D)
	rm -f $@
	$(AR) rcs $@ $^
ALL += $(LIBHOSPES)

# Its tests: what needs no hypervisor, under ASan and UBSan.
TOOLSTACK_UNIT_OBJ := $(LIBHOSPES_SRC:%.c=$(B)/unit/%.o) \
                      $(patsubst %.c,$(B)/unit/%.o,$(wildcard xenstore/client/*.c)) \
                      $(B)/unit/tests/unit/toolstack_test.o
TOOLSTACK_TESTS := $(B)/test/toolstack_config $(B)/test/toolstack_kernel $(B)/test/device_test

$(TOOLSTACK_TESTS): $(B)/test/%: $(B)/unit/tests/unit/%.o $(TOOLSTACK_UNIT_OBJ)
	@mkdir -p $(@D)
	$(UNIT_CC) $(UNIT_CFLAGS) -o $@ $^ $(LIBHOSPES_LIBS)

# One plays the hypervisor that says which driver domains live, and wants a real xenstored.
$(B)/test/driver_domain_test: $(B)/unit/tests/unit/driver_domain_test.o \
                              $(filter-out %/driver_domain.o,$(TOOLSTACK_UNIT_OBJ))
	@mkdir -p $(@D)
	$(UNIT_CC) $(UNIT_CFLAGS) -o $@ $^ $(LIBHOSPES_LIBS)

.PHONY: check-toolstack-lib
CHECKS += check-toolstack-lib
check-toolstack-lib: $(TOOLSTACK_TESTS) $(B)/test/driver_domain_test $(B)/bin/xenstored
	@status=0; for t in $(TOOLSTACK_TESTS) '$(B)/test/driver_domain_test $(B)/bin/xenstored'; do \
	    $$t || status=1; done; exit $$status

-include dom0-toolstack/hl/build.mk dom0-toolstack/hospesd/build.mk
