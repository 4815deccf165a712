# SPDX-License-Identifier: GPL-2.0-or-later
# How each kind of program is compiled. One object tree per kind:
#   build/hv     the hypervisor (ring 0, freestanding)
#   build/tools  programs of Domain 0 (Debian's libc)
#   build/guest  small PV kernels made of pv-frontends/ (freestanding)
#   build/unit   the mechanism and its tests compiled for the host under ASan and UBSan
CC      ?= gcc
ifeq ($(origin CC),default)
CC      := gcc
endif
UNIT_CC ?= $(CC)

WARN := -Wall -Wextra -Wshadow -Wimplicit-fallthrough -Wundef -Wmissing-prototypes \
        -Wstrict-prototypes -Wvla -Werror
COMMON := -std=gnu11 -g $(WARN) -I. -MMD -MP

# Retpolines: the compiler calls our own thunks (xen/x86/entry.S).
ifneq ($(findstring clang,$(shell $(CC) --version | head -n 1)),)
RETPOLINE := -mretpoline -mretpoline-external-thunk
else
RETPOLINE := -mindirect-branch=thunk-extern -mindirect-branch-register -fno-jump-tables
endif

FREESTANDING := -ffreestanding -fno-stack-protector -fno-strict-aliasing -fno-common \
        -fno-asynchronous-unwind-tables -fcf-protection=none -mno-red-zone -mno-mmx -mno-sse -mno-sse2 \
        -msoft-float -fno-omit-frame-pointer -momit-leaf-frame-pointer
HV_CFLAGS := $(COMMON) -O2 $(FREESTANDING) $(RETPOLINE) -fpie -fvisibility=hidden -include xen/lib/hidden.h -Ixen -I$(B) -D__HYPERVISOR__
# gcc compiles the hypervisor's C as a whole at link time (xen/build.mk): calls between files that happen once, or
# are small, go in line, which the layers of the tree would else cost on every hypercall.
ifeq ($(findstring -mretpoline,$(RETPOLINE)),)
HV_LTO := -flto=auto
endif
# DEBUG=1: the hypervisor checks the order of its locks, and more assertions (ASSERT_DEBUG). Objects of
# one kind must not be linked with the other: a change of mind compiles all of it again.
DEBUG ?=
ifneq ($(filter-out 0 n no,$(DEBUG)),)
HV_CFLAGS += -DDEBUG
HV_FLAVOUR := debug
else
HV_FLAVOUR := release
endif
$(shell mkdir -p $(B)/hv; [ "$$(cat $(B)/hv/flavour 2>/dev/null)" = $(HV_FLAVOUR) ] || \
        echo $(HV_FLAVOUR) > $(B)/hv/flavour)
GUEST_CFLAGS := $(COMMON) -O2 $(FREESTANDING) -fno-pie -mcmodel=kernel -Ipv-frontends
TOOLS_CFLAGS := $(COMMON) -O2 -D_GNU_SOURCE -fstack-protector-strong -D_FORTIFY_SOURCE=2 $(shell xml2-config --cflags 2>/dev/null)
UNIT_CFLAGS := $(COMMON) -O1 -D_GNU_SOURCE -fsanitize=address,undefined -fno-sanitize-recover=all \
        -fno-omit-frame-pointer

$(B)/hv/%.o: %.c $(B)/hv/flavour
	@mkdir -p $(@D)
	$(CC) $(HV_CFLAGS) $(HV_LTO) -c -o $@ $<
$(B)/hv/%.o: %.S $(B)/hv/flavour
	@mkdir -p $(@D)
	$(CC) $(HV_CFLAGS) -D__ASSEMBLY__ -c -o $@ $<
$(B)/tools/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(TOOLS_CFLAGS) -c -o $@ $<
$(B)/guest/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(GUEST_CFLAGS) -c -o $@ $<
$(B)/guest/%.o: %.S
	@mkdir -p $(@D)
	$(CC) $(GUEST_CFLAGS) -D__ASSEMBLY__ -c -o $@ $<
# UNIT_INC: the host stand-in for xen/x86 comes before xen/ itself.
$(B)/unit/%.o: %.c
	@mkdir -p $(@D)
	$(UNIT_CC) $(UNIT_CFLAGS) $(UNIT_INC) -c -o $@ $<
