# SPDX-License-Identifier: GPL-2.0-or-later
# Hospes. `make help` lists the targets. Each folder's build.mk adds to this file's lists:
#   ALL     files that `make all` builds
#   CHECKS  phony targets that `make check` runs, in order
#   CLEAN_SRC  nothing: everything generated lives below build/
MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:
.PHONY: all check help clean
B := build
ALL :=
CHECKS :=

all:
-include config.mk
include tests/rules.mk
include $(wildcard hypercalls/build.mk xen/build.mk xenstore/build.mk dom0-toolstack/build.mk \
          pv-frontends/build.mk pv-backends/build.mk hvm/build.mk tests/build.mk tests/*/build.mk)

all: $(ALL)

clean:
	rm -rf $(B)

-include $(shell find $(B) -name '*.d' 2>/dev/null)
