# SPDX-License-Identifier: GPL-2.0-or-later
# xenstored, its client library, the xenstore-* commands, and their tests.

# The client library, for everybody who speaks to xenstored.
XS_CLIENT := $(patsubst %.c,$(B)/tools/%.o,$(wildcard xenstore/client/*.c))
$(B)/lib/libhsxs.a: $(XS_CLIENT)
	@mkdir -p $(@D)
	rm -f $@
	$(AR) rcs $@ $^
ALL += $(B)/lib/libhsxs.a
