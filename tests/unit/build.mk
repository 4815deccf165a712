# SPDX-License-Identifier: GPL-2.0-or-later
# Unit tests of the hypervisor: the mechanism compiled for the host, under ASan and UBSan.
# tests/unit/host stands in for the machine. A test program lists the objects that it is made of.
# (Tests of the tools are in the build.mk of those.)
UNIT_HV_OBJ = $(addprefix $(B)/unit/,$(1))
UNIT_HOST := tests/unit/host/unit.o
UNIT_MM := xen/mm/audit.o xen/mm/audit_tables.o xen/domain/audit_grants.o xen/domain/audit_events.o \
        tests/unit/host/pirq.o xen/mm/alloc.o xen/mm/buddy.o xen/mm/frame.o xen/mm/pagetype.o xen/mm/balloon.o xen/mm/heap.o xen/mm/fault.o \
        xen/lib/rangeset.o tests/unit/host/machine.o $(UNIT_HOST)
$(B)/unit/xen/% $(B)/unit/hypercalls/% $(B)/unit/tests/unit/host/%: UNIT_INC := -Itests/unit/host -Itests/unit -Ixen
$(B)/unit/tests/unit/mm_%.o $(B)/unit/tests/unit/decompress_%.o: UNIT_INC := -Itests/unit/host -Itests/unit -Ixen

$(B)/test/mm_test: $(call UNIT_HV_OBJ,tests/unit/mm_test.o tests/unit/mm_check.o tests/unit/mm_random.o $(UNIT_MM))
$(B)/test/mm_op_test: $(call UNIT_HV_OBJ,tests/unit/mm_op_test.o tests/unit/mm_check.o hypercalls/memory_op.o \
        hypercalls/memory_reservation.o hypercalls/memory_map.o hypercalls/gate.o xen/mm/m2p.o \
        tests/unit/host/guest.o $(UNIT_MM))
$(B)/test/decompress_test: $(call UNIT_HV_OBJ,tests/unit/decompress_test.o xen/boot/decompress.o $(UNIT_HOST))
$(B)/test/decompress_test: UNIT_LIBS := -lz -llzma -lzstd
# Boot options: the linker script's section bounds are the test's own section here.
$(B)/unit/tests/unit/platform_%.o: UNIT_INC := -Itests/unit/host -Itests/unit -Ixen
$(B)/test/platform_test: $(call UNIT_HV_OBJ,tests/unit/platform_test.o xen/lib/format.o xen/lib/string.o \
        xen/lib/rangeset.o xen/boot/cmdline.o xen/x86/acpi_parse.o)
$(B)/test/platform_test: UNIT_LIBS := -Wl,--defsym=__boot_opts_start=__start_boot_opts_test,--defsym=__boot_opts_end=__stop_boot_opts_test
UNIT_HV_TESTS := $(B)/test/mm_test $(B)/test/mm_op_test $(B)/test/decompress_test $(B)/test/platform_test
$(UNIT_HV_TESTS):
	@mkdir -p $(@D)
	$(UNIT_CC) $(UNIT_CFLAGS) -o $@ $^ $(UNIT_LIBS)

.PHONY: check-unit
check-unit: $(UNIT_HV_TESTS)
	@status=0; for t in $(UNIT_HV_TESTS); do $$t || status=1; done; exit $$status
CHECKS += check-unit
