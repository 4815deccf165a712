# SPDX-License-Identifier: GPL-2.0-or-later
# Small guests with devices, on the frontends of pv-frontends/drivers: build/guest/front-<name>.elf.
FRONT_DRIVERS := $(patsubst %.c,$(B)/guest/%.o,$(wildcard pv-frontends/drivers/*.c))

# $(call front_guest,name,objects of this folder)
front_guest = $(eval $(call guest_kernel,front-$(1),$(2:%=$(B)/guest/tests/front/%) $(FRONT_DRIVERS)))
# The same with the tests of its objects.
front_tests = $(eval $(call guest_kernel,front-$(1), \
    $(B)/guest/tests/guest/main.o $(2:%=$(B)/guest/tests/front/%) $(FRONT_DRIVERS)))

$(call front_tests,block,block.o)
# Works until it is ended.
$(call front_guest,busy,busy.o)
# Answers who asks.
$(call front_guest,net,net.o frames.o)
# Says what is said to it.
$(call front_guest,echo,echo.o)
$(call front_tests,p9,p9.o)
$(call front_guest,screen,screen.o)

# Frontends that mean ill, and whoever is beside them.
$(call front_tests,hostile_block,hostile_block.o hostile.o)
$(call front_tests,hostile_net,hostile_net.o hostile.o frames.o)
$(call front_tests,hostile_console,hostile_console.o hostile.o)
$(call front_tests,hostile_p9,hostile_p9.o hostile.o)
$(call front_tests,hostile_screen,hostile_screen.o hostile.o)
$(call front_guest,beat,beat.o)
