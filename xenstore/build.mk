# SPDX-License-Identifier: GPL-2.0-or-later
# xenstored, its client library, the xenstore-* commands, and their tests.

# The client library, for everybody who speaks to xenstored.
XS_CLIENT := $(patsubst %.c,$(B)/tools/%.o,$(wildcard xenstore/client/*.c))
$(B)/lib/libhsxs.a: $(XS_CLIENT)
	@mkdir -p $(@D)
	rm -f $@
	$(AR) rcs $@ $^
ALL += $(B)/lib/libhsxs.a

# The daemon: the core (no input or output) and its transports.
XS_CORE := mem path store perm quota conn watch txn commit view domain journal core request control
XS_DAEMON := $(XS_CORE) ring rings xenif sock jfile state options log main
$(B)/bin/xenstored: $(XS_DAEMON:%=$(B)/tools/xenstore/%.o)
	@mkdir -p $(@D)
	$(CC) $(TOOLS_CFLAGS) -o $@ $^
ALL += $(B)/bin/xenstored

# The commands: one program, many names.
XS_CMD := $(addprefix $(B)/tools/xenstore/cmd/,main.o text.o nodes.o ls.o watch.o control.o)
XS_LINKS := $(addprefix $(B)/bin/xenstore-,ls read write rm list exists watch chmod control)
$(B)/bin/xenstore: $(XS_CMD) $(B)/lib/libhsxs.a
	@mkdir -p $(@D)
	$(CC) $(TOOLS_CFLAGS) -o $@ $^
$(XS_LINKS): $(B)/bin/xenstore
	ln -sf xenstore $@
ALL += $(B)/bin/xenstore $(XS_LINKS)

# Tests: the core and the ring protocol under ASan and UBSan; then the daemon as a process.
XS_TEST := $(addprefix $(B)/unit/tests/unit/,xenstore_test.o xenstore_txn_test.o \
        xenstore_restart_test.o xenstore_ring_test.o xenstore_rings_test.o xenstore_rig.o)
$(B)/test/xenstore_test: $(XS_TEST) $(XS_CORE:%=$(B)/unit/xenstore/%.o) $(B)/unit/xenstore/rings.o
	@mkdir -p $(@D)
	$(UNIT_CC) $(UNIT_CFLAGS) -o $@ $^

# The same questions to Xen's C xenstored, in a Domain 0 on Debian's Xen.
$(B)/test/xenstore_probe: $(B)/tools/tests/unit/xenstore_probe.o
	@mkdir -p $(@D)
	$(CC) $(TOOLS_CFLAGS) -o $@ $^

.PHONY: check-xenstore
CHECKS += check-xenstore
check-xenstore: $(B)/test/xenstore_test $(B)/bin/xenstored $(B)/bin/xenstore $(XS_LINKS)
	@status=0; $(B)/test/xenstore_test || status=1; \
	    tests/unit/xenstore_daemon.sh $(B) || status=1; exit $$status

.PHONY: check-xenstore-compat
CHECKS += check-xenstore-compat
check-xenstore-compat: $(B)/test/xenstore_probe $(B)/bin/xenstored
	tests/unit/xenstore_compat.sh $(B)

