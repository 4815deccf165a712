# SPDX-License-Identifier: GPL-2.0-or-later
# `make bench`: one PV kernel under an instruction-counting clock, on Hospes and on Debian's Xen. Not a test.
$(eval $(call guest_kernel,bench,$(addprefix $(B)/guest/tests/bench/, main.o report.o calls.o entries.o timers.o \
        traps.o mmu.o switches.o sharing.o)))
# The same with more guests and CPUs.
$(eval $(call guest_kernel,scale,$(addprefix $(B)/guest/tests/bench/, scale.o report.o entries.o) \
        $(B)/guest/tests/guest/workers.o))

.PHONY: bench
bench: all
	tests/bench/run --build=$(B)
	tests/bench/run-scale --build=$(B)
	tests/bench/run-devices

# Runs in guests, too, which have no libraries.
ALL += $(B)/tests/io
$(B)/tests/io: tests/bench/io.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O2 -Wall -Wextra -Werror -static -o $@ $<
