# SPDX-License-Identifier: GPL-2.0-or-later
# hl, the command, hospes-init-dom0, and their tests.
HL_SRC := $(filter-out dom0-toolstack/hl/init_dom0.c,$(wildcard dom0-toolstack/hl/*.c))
HL_OBJ := $(HL_SRC:%.c=$(B)/tools/%.o) $(B)/tools/dom0-toolstack/hospesd/client.o

# The dynamic loader would take longer for libraries that most verbs never call than `hl list` does
# for all its work: everything but libc is linked in.
HL_LIBS := -Wl,-Bstatic $(patsubst -lyajl,-lyajl_s,$(LIBHOSPES_LIBS)) -lgpg-error -Wl,-Bdynamic

$(B)/bin/hl: $(HL_OBJ) $(LIBHOSPES) $(B)/lib/libhsxs.a
	@mkdir -p $(@D)
	$(CC) -o $@ $^ $(HL_LIBS)
$(B)/bin/hospes-init-dom0: $(B)/tools/dom0-toolstack/hl/init_dom0.o $(LIBHOSPES) $(B)/lib/libhsxs.a
	@mkdir -p $(@D)
	$(CC) -o $@ $^ $(LIBHOSPES_LIBS)
ALL += $(B)/bin/hl $(B)/bin/hospes-init-dom0

# The tests are compiled with the library's and hl's own files under ASan and UBSan.
HL_UNIT_LIB := $(LIBHOSPES_SRC:%.c=$(B)/unit/%.o) \
        $(patsubst %.c,$(B)/unit/%.o,$(wildcard xenstore/client/*.c))
HL_UNIT := $(patsubst %.c,$(B)/unit/%.o,$(filter-out %/main.c,$(HL_SRC))) \
        $(B)/unit/dom0-toolstack/hospesd/client.o $(HL_UNIT_LIB)

HL_TEST_OBJ := $(B)/unit/tests/unit/toolstack_test.o
$(B)/test/cfg_test: $(B)/unit/tests/unit/cfg_test.o $(HL_TEST_OBJ) $(HL_UNIT_LIB)
	@mkdir -p $(@D)
	$(UNIT_CC) $(UNIT_CFLAGS) -o $@ $^ $(LIBHOSPES_LIBS)
$(B)/test/hl_test: $(B)/unit/tests/unit/hl_test.o $(HL_TEST_OBJ) $(HL_UNIT)
	@mkdir -p $(@D)
	$(UNIT_CC) $(UNIT_CFLAGS) -o $@ $^ $(LIBHOSPES_LIBS)

.PHONY: check-hl
CHECKS += check-hl
check-hl: $(B)/test/cfg_test $(B)/test/hl_test $(B)/bin/hl
	@status=0; for t in $(B)/test/cfg_test $(B)/test/hl_test 'tests/unit/hl_cli.sh $(B)/bin/hl'; do \
	    $$t || status=1; done; exit $$status
