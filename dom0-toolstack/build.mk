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

TOOLSTACK_TESTS += $(B)/test/files_test
$(B)/test/files_test: $(addprefix $(B)/unit/,tests/unit/files_test.o tests/unit/toolstack_test.o dom0-toolstack/lib/files.o)
	@mkdir -p $(@D)
	$(UNIT_CC) $(UNIT_CFLAGS) -o $@ $^

# Dumps, of a hypervisor that the test plays: without the files that ask a true one.
TOOLSTACK_TESTS += $(B)/test/core_test
$(B)/test/core_test: $(addprefix $(B)/unit/,tests/unit/core_test.o tests/unit/toolstack_test.o \
        $(addprefix dom0-toolstack/lib/,core_file.o domain_dump.o guest_frames.o files.o fault.o error.o text.o))
	@mkdir -p $(@D)
	$(UNIT_CC) $(UNIT_CFLAGS) -o $@ $^ -lyajl

# These want a real xenstored, and play what is around: who lives, according to the hypervisor; the kernel and what it says of
# devices (the linker's --wrap).
TOOLSTACK_RIG_TESTS := $(B)/test/driver_domain_test $(B)/test/nat_test $(B)/test/attach_test $(B)/test/xs_batch_test \
    $(B)/test/disk_users_test $(B)/test/late_word_test
TOOLSTACK_PLAYED := driver_domain
$(B)/test/driver_domain_test: UNIT_LIBS := -Wl,--wrap=device_wait_gone,--wrap=hv_domain_info
$(B)/test/nat_test: TOOLSTACK_PLAYED := net
$(B)/test/nat_test: UNIT_LIBS := -Wl,--wrap=access,--wrap=opendir,--wrap=dlopen,--wrap=dlsym,--wrap=dlclose,--wrap=fsync,--wrap=script_run
$(B)/test/attach_test $(B)/test/xs_batch_test $(B)/test/disk_users_test $(B)/test/late_word_test: TOOLSTACK_PLAYED :=
$(B)/test/attach_test: UNIT_LIBS := -Wl,--wrap=hv_domain_info,--wrap=hs_tx_commit,--wrap=device_wait_taken_up,--wrap=device_wait_settled,--wrap=usleep,--wrap=clock_gettime
$(B)/test/late_word_test: UNIT_LIBS := -Wl,--wrap=hv_domain_info,--wrap=hv_domain_set_max_mem,--wrap=hv_domain_list
$(TOOLSTACK_RIG_TESTS): $(B)/test/%: $(B)/unit/tests/unit/%.o $(B)/unit/tests/unit/device_rig.o $(TOOLSTACK_UNIT_OBJ)
	@mkdir -p $(@D)
	$(UNIT_CC) $(UNIT_CFLAGS) $(UNIT_LIBS) -o $@ $(filter-out %/lib/$(TOOLSTACK_PLAYED).o,$^) $(LIBHOSPES_LIBS)

.PHONY: check-toolstack-lib
CHECKS += check-toolstack-lib
check-toolstack-lib: $(TOOLSTACK_TESTS) $(TOOLSTACK_RIG_TESTS) $(B)/bin/xenstored
	@status=0; for t in $(TOOLSTACK_TESTS) $(TOOLSTACK_RIG_TESTS:%='% $(B)/bin/xenstored'); do \
	    $$t || status=1; done; exit $$status

# What is installed, and the package.
.PHONY: check-install
CHECKS += check-install
check-install: all
	@tests/unit/install.sh $(B)

-include dom0-toolstack/hl/build.mk dom0-toolstack/hospesd/build.mk
