# SPDX-License-Identifier: GPL-2.0-or-later
# The guest kit and the small kernels made of it. A kernel is GUEST_<name> := its objects; every one
# becomes build/guest/<name>.elf, a 64-bit PV kernel that the hypervisor takes as Domain 0.
KIT_OBJS := $(addprefix $(B)/guest/pv-frontends/kit/, entry.o traps_asm.o start.o console.o string.o \
        memory.o traps.o events.o user.o time.o grants.o vcpus.o domains.o)

$(B)/guest/pv-frontends/kit/traps_asm.o: pv-frontends/kit/traps.S
	@mkdir -p $(@D)
	$(CC) $(GUEST_CFLAGS) -D__ASSEMBLY__ -c -o $@ $<

# $(call guest_kernel,name,objects)
define guest_kernel
$(B)/guest/$(1).elf: $(2) $(KIT_OBJS) pv-frontends/kit/guest.lds
	$(CC) -nostdlib -static -no-pie -Wl,-T,pv-frontends/kit/guest.lds -Wl,--build-id=none \
	    -Wl,-z,noexecstack -Wl,-z,max-page-size=4096 -Wl,--no-warn-rwx-segments -o $$@ $(KIT_OBJS) $(2)
ALL += $(B)/guest/$(1).elf
endef

$(eval $(call guest_kernel,hello,$(B)/guest/pv-frontends/hello.o))
