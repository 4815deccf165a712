# SPDX-License-Identifier: GPL-2.0-or-later
# System tests: whole machines, from the firmware to guests of Domain 0. They use what is built and
# compile nothing, so `make check` may run them beside the other tests.
SYSTEM_CHECKS := check-system-boot check-system-compat check-system-lifecycle check-system-bad-input check-system-devices \
    check-system-disks check-system-images check-system-network check-system-nat check-system-net-user check-system-cycles \
    check-system-memory check-system-crash check-system-faults check-system-restart check-system-console check-system-attacks check-system-bochs \
    check-system-grub check-demo
CHECKS += $(SYSTEM_CHECKS)
.PHONY: $(SYSTEM_CHECKS) check-system-compat-xl

MACHINE := tests/system/machine
# HV=xen TOOLS=xen make check-system-lifecycle: the same questions to Debian's Xen.
# Where CPUs race with each other, each has a thread of QEMU.
RACES := --threads=multi
# STUTTER=7 make check-system-lifecycle: our programs in Domain 0 are stopped for moments, at random (stutter.c).
SYSTEM_OPTIONS = --hv=$(HV) $(if $(TOOLS),--tools=$(TOOLS)) \
    $(if $(STUTTER),--add=$(B)/tests/stutter --append-dom0=lab.stutter=$(STUTTER))

check-system-boot: $(B)/tests/memory
	tests/system/boots $(SYSTEM_OPTIONS)
check-system-lifecycle: $(B)/tests/core $(B)/guest/front-busy.elf
	$(MACHINE) lifecycle lifecycle.sh $(^:%=--add=%) $(SYSTEM_OPTIONS)
check-system-bad-input:
	$(MACHINE) bad-input bad-input.sh $(SYSTEM_OPTIONS)
check-system-devices: $(B)/tests/ports
	tests/system/devices $(SYSTEM_OPTIONS)
check-system-cycles: $(B)/guest/spin.elf
	$(MACHINE) cycles cycles.sh --add=$< $(SYSTEM_OPTIONS)
check-system-crash: $(B)/guest/front-busy.elf $(B)/tests/core
	tests/system/crash $(SYSTEM_OPTIONS)
check-system-faults: $(B)/guest/front-block.elf
	tests/system/faults $(SYSTEM_OPTIONS)
check-system-memory:
	$(MACHINE) memory memory.sh $(SYSTEM_OPTIONS)
check-system-restart:
	$(MACHINE) restart restart.sh $(RACES) $(SYSTEM_OPTIONS)
check-system-console:
	tests/system/console-switch $(SYSTEM_OPTIONS)
check-system-attacks:
	$(MACHINE) attacks attacks.sh --no-guest --add=$(B)/guest/attack.elf $(RACES) $(SYSTEM_OPTIONS)
check-system-bochs: $(B)/tests/memory
	$(MACHINE) boot-bochs boot.sh --no-guest --add=$< --fw=bochs --smp=1 --mem=768 --append-dom0="lab.cpus=1 lab.bochs=1" \
	    $(SYSTEM_OPTIONS)
# Debian's tools on Hospes, ours on Debian's Xen, and what Linux sees on both. Two machines, one after the other:
# it begins early.
check-system-compat: $(B)/tests/view $(B)/guest/spin.elf
	tests/system/compat
# The first half alone.
check-system-compat-xl: $(B)/tests/view $(B)/guest/spin.elf
	tests/system/compat xl
check-system-disks:
	$(MACHINE) disks disks.sh $(SYSTEM_OPTIONS)
check-system-grub:
	tests/system/grub $(SYSTEM_OPTIONS)
# Not in `make check`: it fetches Debian once, and took 13 minutes beside other tests on two CPUs.
.PHONY: check-system-debian
check-system-debian:
	tests/system/debian $(SYSTEM_OPTIONS)
check-system-images:
	tests/system/images $(SYSTEM_OPTIONS)
# Half a minute of it, with the same random numbers each time; SEED= and FOR= are for more (see there).
SYSTEM_CHECKS += check-system-daemons
CHECKS += check-system-daemons
.PHONY: check-system-daemons
check-system-daemons: $(B)/guest/front-busy.elf $(B)/guest/front-block.elf
	tests/system/daemons $(RACES) $(SYSTEM_OPTIONS)
check-system-network:
	$(MACHINE) network network.sh $(SYSTEM_OPTIONS)
check-system-nat:
	$(MACHINE) nat nat.sh $(SYSTEM_OPTIONS)
check-system-net-user:
	$(MACHINE) net-user net-user.sh $(SYSTEM_OPTIONS)
check-demo:
	tests/lab/demo $(SYSTEM_OPTIONS)

# They run in guests, too, which have no libraries.
STATIC_TOOLS := $(addprefix $(B)/tests/,view unix memory core stutter)
ALL += $(STATIC_TOOLS)
$(STATIC_TOOLS): $(B)/tests/%: tests/system/%.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O2 -Wall -Wextra -Werror -static -o $@ $<

ALL += $(B)/tests/ports
$(B)/tests/ports: $(B)/tools/tests/system/ports.o $(LIBHOSPES)
	@mkdir -p $(@D)
	$(CC) -o $@ $^ $(LIBHOSPES_LIBS)

# Consoles and screens.
CHECKS += check-system-channels check-system-screen
.PHONY: check-system-channels check-system-screen
check-system-channels: $(B)/tests/unix
	$(MACHINE) channels channels.sh --add=$(B)/tests/unix $(SYSTEM_OPTIONS)
check-system-screen: $(B)/tests/rfb
	$(MACHINE) screen screen.sh --add=$(B)/tests/rfb $(SYSTEM_OPTIONS)

# A viewer; what it needs is in Domain 0's image for hl.
ALL += $(B)/tests/rfb
$(B)/tests/rfb: tests/system/rfb.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O2 -Wall -Wextra -Werror -o $@ $< -lgcrypt

# Driver domains: a guest with the layer of our programs in it.
DRIVER_DOMAIN := check-system-driver-domain check-system-driver-domain-life check-system-driver-domain-net
SYSTEM_CHECKS += $(DRIVER_DOMAIN)
CHECKS += $(DRIVER_DOMAIN)
.PHONY: $(DRIVER_DOMAIN)
$(DRIVER_DOMAIN): check-system-%:
	$(MACHINE) $* $*.sh --mem=1280 --add=tests/system/driver-domain-lib.sh --add=$(B)/lab/hospes.cpio.zst $(SYSTEM_OPTIONS)

# The same with Xen's tools there.
SYSTEM_CHECKS += check-system-driver-domain-xl
CHECKS += check-system-driver-domain-xl
.PHONY: check-system-driver-domain-xl
check-system-driver-domain-xl:
	tests/lab/make-images xen
	$(MACHINE) driver-domain-xl driver-domain-xl.sh --mem=1280 --add=tests/system/driver-domain-lib.sh --add=$(B)/lab/xen.cpio.zst \
	    --add=$(B)/lab/hospes.cpio.zst $(SYSTEM_OPTIONS)

# Shared folders.
CHECKS += check-system-p9
.PHONY: check-system-p9
check-system-p9:
	$(MACHINE) p9 p9.sh $(SYSTEM_OPTIONS)

# Frontends of the kit, and such that mean ill.
HOSTILE := check-system-hostile-block check-system-hostile-net check-system-frontends
SYSTEM_CHECKS += $(HOSTILE)
CHECKS += $(HOSTILE)
.PHONY: $(HOSTILE)
check-system-hostile-block: GUESTS := hostile_block beat
check-system-hostile-net: GUESTS := hostile_net net
check-system-frontends: GUESTS := echo p9 screen hostile_console hostile_p9 hostile_screen
$(HOSTILE): check-system-%: $(B)/tests/rfb
	$(MACHINE) $* $*.sh --no-guest --add=tests/system/hostile-lib.sh --add=$(B)/tests/rfb \
	    $(GUESTS:%=--add=$(B)/guest/front-%.elf) $(RACES) $(SYSTEM_OPTIONS)
