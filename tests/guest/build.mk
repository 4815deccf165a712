# SPDX-License-Identifier: GPL-2.0-or-later
# Test kernels: build/guest/<name>.elf from tests/guest/<name>.c and the kit.
GUEST_TESTS := hypercalls pagetables traps usermode events fifo descriptors timers vcpus grants \
        reservations m2p emulation operations latency
# Kernels of several domains: Domain 0 makes workers.
GUEST_WORKERS := $(B)/guest/tests/guest/workers.o

$(foreach t,$(GUEST_TESTS),$(eval $(call guest_kernel,$(t), \
    $(B)/guest/tests/guest/main.o $(B)/guest/tests/guest/$(t).o)))

# The scheduler, in the time of a clock that counts instructions.
$(eval $(call guest_kernel,sched, \
    $(addprefix $(B)/guest/tests/guest/, main.o sched.o) $(GUEST_WORKERS)))
.PHONY: check-guest-sched
check-guest-sched: $(addprefix $(B)/guest/, sched.elf worker.elf)
	tests/guest/run --hv=hospes --icount --suite=tests/guest/suite.sched --build=$(B)
CHECKS += check-guest-sched

$(eval $(call guest_kernel,domains, \
    $(addprefix $(B)/guest/tests/guest/, main.o domains.o) $(GUEST_WORKERS)))
$(eval $(call guest_kernel,faults, \
    $(addprefix $(B)/guest/tests/guest/, main.o faults.o hypervisor.o) $(GUEST_WORKERS)))
# The ABI conformance table: a file for each family.
CONFORMANCE := $(basename $(notdir $(wildcard tests/guest/conformance*.c)))
$(eval $(call guest_kernel,conformance, \
    $(addprefix $(B)/guest/tests/guest/, main.o $(CONFORMANCE:%=%.o))))
$(eval $(call guest_kernel,worker,$(B)/guest/tests/guest/worker.o))

# Lets an hour pass; on a machine of its own.
$(eval $(call guest_kernel,hour, $(addprefix $(B)/guest/tests/guest/, main.o hour.o)))

# Attacks, their victim and their driver, in one image.
$(eval $(call guest_kernel,attack, \
    $(addprefix $(B)/guest/tests/guest/attack/, main.o audit.o driver.o victim.o tables.o races.o cpu.o entries.o resources.o \
    noise.o) \
    $(B)/guest/tests/guest/hypervisor.o $(GUEST_WORKERS)))
$(B)/guest/tests/guest/attack/%.o: GUEST_CFLAGS += -Itests/guest

# Kernels that end badly, or not at all, have no main.c: they are one case each.
$(eval $(call guest_kernel,crash,$(addprefix $(B)/guest/tests/guest/, crash.o hypervisor.o)))
$(eval $(call guest_kernel,spin,$(B)/guest/tests/guest/spin.o))

GUEST_ELFS := $(GUEST_TESTS:%=$(B)/guest/%.elf) $(addprefix $(B)/guest/, crash.elf spin.elf domains.elf faults.elf worker.elf attack.elf conformance.elf)
.PHONY: check-guest check-guest-intel check-guest-xen check-guest-clock

check-guest: $(GUEST_ELFS)
	tests/guest/run --hv=hospes --build=$(B)

check-guest-clock: $(B)/guest/hour.elf
	tests/guest/clock --build=$(B)

# On a CPU with Meltdown: guests run on tables of their own (xen/x86/xpti.c).
check-guest-intel: $(GUEST_ELFS)
	tests/guest/run --hv=hospes --cpu=intel --build=$(B) \
	    pagetables traps usermode descriptors vcpus emulation domains attack; status=$$?; \
	tests/guest/isolation --build=$(B) && exit $$status

# The same kernels on Debian's Xen, whose answers are the reference.
check-guest-xen: $(GUEST_ELFS)
	tests/guest/run --hv=xen --build=$(B) --compare; status=$$?; \
	[ $$status = 77 ] || { tests/docs/conformance --check --build=$(B) && exit $$status; }

CHECKS += check-guest check-guest-intel check-guest-xen check-guest-clock
