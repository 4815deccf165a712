# SPDX-License-Identifier: GPL-2.0-or-later
# Small guests with devices, on the frontends of pv-frontends/drivers: build/guest/front-<name>.elf.
FRONT_GUESTS := block
FRONT_DRIVERS := $(patsubst %.c,$(B)/guest/%.o,$(wildcard pv-frontends/drivers/*.c))

$(foreach t,$(FRONT_GUESTS),$(eval $(call guest_kernel,front-$(t), \
    $(B)/guest/tests/guest/main.o $(B)/guest/tests/front/$(t).o $(FRONT_DRIVERS))))
# No list of tests, but a guest that works until it is ended.
$(eval $(call guest_kernel,front-busy,$(B)/guest/tests/front/busy.o $(FRONT_DRIVERS)))
