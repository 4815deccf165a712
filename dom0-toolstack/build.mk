# SPDX-License-Identifier: GPL-2.0-or-later
# Domain 0's tools. lib/ is the library that hl and hospesd link; each of them adds its own part.
LIBHOSPES := $(B)/lib/libhospes.a
LIBHOSPES_SRC := $(wildcard dom0-toolstack/lib/*.c)
LIBHOSPES_OBJ := $(LIBHOSPES_SRC:%.c=$(B)/tools/%.o)
# What a program that links $(LIBHOSPES) also needs (besides the xenstore client library).
LIBHOSPES_LIBS := -llzma -lz -lzstd -llz4 -lbz2 -lgcrypt -lyajl

$(LIBHOSPES): $(LIBHOSPES_OBJ)
	@mkdir -p $(@D)
	rm -f $@
	$(AR) rcs $@ $^
ALL += $(LIBHOSPES)

-include dom0-toolstack/hl/build.mk dom0-toolstack/hospesd/build.mk
