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
