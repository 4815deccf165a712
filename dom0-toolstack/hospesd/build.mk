# SPDX-License-Identifier: GPL-2.0-or-later
# hospesd, the daemon of guests' lives and consoles.
HOSPESD_SRC := $(wildcard dom0-toolstack/hospesd/*.c)

$(B)/bin/hospesd: $(HOSPESD_SRC:%.c=$(B)/tools/%.o) $(LIBHOSPES) $(B)/lib/libhsxs.a
	@mkdir -p $(@D)
	$(CC) -pthread -o $@ $^ $(LIBHOSPES_LIBS) -lutil
ALL += $(B)/bin/hospesd

HOSPESD_UNIT := $(addprefix $(B)/unit/dom0-toolstack/hospesd/,policy.o ring.o history.o logfile.o loop.o)
$(B)/test/hospesd_test: $(B)/unit/tests/unit/hospesd_test.o $(HL_TEST_OBJ) $(HOSPESD_UNIT) $(HL_UNIT_LIB)
	@mkdir -p $(@D)
	$(UNIT_CC) $(UNIT_CFLAGS) -o $@ $^ $(LIBHOSPES_LIBS)

# The programs that serve devices, with a real xenstored.
$(B)/test/backends_test: $(addprefix $(B)/unit/,tests/unit/backends_test.o tests/unit/device_rig.o tests/unit/hospesd_say.o \
        dom0-toolstack/hospesd/backends.o dom0-toolstack/hospesd/loop.o) $(TOOLSTACK_UNIT_OBJ)
	@mkdir -p $(@D)
	$(UNIT_CC) $(UNIT_CFLAGS) -o $@ $^ $(LIBHOSPES_LIBS)

# A console as it is opened, with a real xenstored.
$(B)/test/console_test: $(addprefix $(B)/unit/,tests/unit/console_test.o tests/unit/device_rig.o tests/unit/hospesd_say.o \
        $(addprefix dom0-toolstack/hospesd/,console.o viewer.o socket.o history.o logfile.o loop.o ring.o)) $(TOOLSTACK_UNIT_OBJ)
	@mkdir -p $(@D)
	$(UNIT_CC) $(UNIT_CFLAGS) -Wl,--wrap=hv_map_frames,--wrap=hv_unmap,--wrap=evtchn_bind_interdomain \
	    -Wl,--wrap=evtchn_unbind,--wrap=evtchn_notify,--wrap=evtchn_unmask -o $@ $^ $(LIBHOSPES_LIBS) -lutil

.PHONY: check-hospesd
CHECKS += check-hospesd
check-hospesd: $(B)/test/hospesd_test $(B)/test/backends_test $(B)/test/console_test $(B)/bin/xenstored
	$(B)/test/hospesd_test
	$(B)/test/console_test $(B)/bin/xenstored
	$(B)/test/backends_test $(B)/bin/xenstored
