# SPDX-License-Identifier: GPL-2.0-or-later
# Hospes. `make help` lists the targets. Each folder's build.mk adds to this file's lists:
#   ALL     files that `make all` builds
#   CHECKS  phony targets that `make check` runs, in order
#   CLEAN_SRC  nothing: everything generated lives below build/
MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:
.PHONY: all run demo check bench fuzz install deb format help clean distclean
B := build
VERSION := 0.1
ALL :=
CHECKS :=

all:
# The goals that need no configuration, and those that fetch what is missing before it is looked for.
ifneq ($(filter-out help clean distclean,$(or $(MAKECMDGOALS),all)),)
ifeq ($(filter run demo check bench fuzz,$(MAKECMDGOALS)),)
-include config.mk
config.mk: configure
	./configure
else
$(if $(shell tests/lab/install-deps >&2 || echo failed),$(error what is missing could not be installed))
-include config.mk
config.mk: configure
	./configure
endif
endif
include tests/rules.mk
include $(wildcard hypercalls/build.mk xen/build.mk xenstore/build.mk dom0-toolstack/build.mk \
          pv-frontends/build.mk pv-backends/build.mk hvm/build.mk tests/build.mk tests/*/build.mk tests/*/*/build.mk)

all: $(ALL)

help:
	@echo 'make            the hypervisor (build/hospes) and the programs (build/bin)'
	@echo 'make run        a machine in QEMU, up to the root prompt of Domain 0 (Ctrl-A x ends it)'
	@echo 'make run DISTRO=1    the same with a full Debian 12 as Domain 0'
	@echo '  HV=xen|bare   Debian'"'"'s Xen, or no hypervisor, in place of Hospes'
	@echo '  FW=multiboot1|bios|uefi  how it is loaded;  SMP=N MEM=MIB  the size of the machine'
	@echo 'make demo       boots, creates a guest, shows its console; fails if anything did'
	@echo 'make check      the whole test suite (CHECKS="NAME ..." for some of it)'
	@echo 'make bench      instructions per operation, Hospes and Debian'"'"'s Xen side by side'
	@echo 'make fuzz       the fuzzers, for longer than make check does'
	@echo 'make install    to DESTDIR: hypervisor, GRUB script, programs, units'
	@echo 'make deb        the same as a Debian package, build/hospes_VERSION_amd64.deb'
	@echo 'make format     clang-format on every source file'
	@echo 'make clean      removes what was built, keeps the kernel that the lab fetched'
	@echo 'make distclean  removes that, too, and config.mk'
	@echo
	@echo 'Parts of make check: $(CHECKS)'
	@echo './configure --help tells of compilers and places.'

HV ?= hospes
FW ?= bios
SMP ?= 2
MEM ?= 2048

ifeq ($(DISTRO),)
run: all
	@tests/lab/boot --interactive --hv=$(HV) --fw=$(FW) --smp=$(SMP) --mem=$(MEM)
else
run: all
	@tests/lab/run-distro --hv=$(HV) --smp=$(SMP) --mem=$(MEM)
endif

demo: all
	@tests/lab/demo --hv=$(HV) --fw=$(FW) --smp=$(SMP) --mem=$(MEM)

check: all
	+@MAKE='$(MAKE)' B='$(B)' tests/lab/check $(CHECKS)

# Debian's names of the places that `make install` fills; config.mk has others if ./configure was told.
PREFIX ?= /usr
SBINDIR ?= $(PREFIX)/sbin
SYSCONFDIR ?= /etc
BOOTDIR ?= /boot
UNITDIR ?= /lib/systemd/system

MANDIR ?= $(PREFIX)/share/man

install: all
	install -D -m 644 $(B)/hospes $(DESTDIR)$(BOOTDIR)/hospes-$(VERSION)
	install -D -m 755 dom0-toolstack/grub/20_linux_hospes $(DESTDIR)$(SYSCONFDIR)/grub.d/20_linux_hospes
	install -d $(DESTDIR)$(SBINDIR) $(DESTDIR)$(UNITDIR) $(DESTDIR)$(SYSCONFDIR)/hospes
	for program in $(wildcard $(B)/bin/*); do \
	    if [ -L $$program ]; then cp -P $$program $(DESTDIR)$(SBINDIR)/; \
	    else install -m 755 $$program $(DESTDIR)$(SBINDIR)/; fi || exit 1; done
	@# hl is xl, too, for the programs that call that, unless Xen's is there; and hospesd is what Debian's init scripts call xen.
	for name in xl xm; do \
	    [ -e $(DESTDIR)$(SBINDIR)/$$name ] || [ -L $(DESTDIR)$(SBINDIR)/$$name ] || \
	    ln -s hl $(DESTDIR)$(SBINDIR)/$$name || exit 1; done
	ln -sf hospesd.service $(DESTDIR)$(UNITDIR)/xen.service
	for page in docs/man/*.[1-8]; do \
	    install -D -m 644 $$page $(DESTDIR)$(MANDIR)/man$${page##*.}/$${page##*/} || exit 1; done
	install -m 644 $(wildcard dom0-toolstack/systemd/*.service dom0-toolstack/systemd/*.target) \
	    $(DESTDIR)$(UNITDIR)

deb: all
	@dom0-toolstack/make-deb $(VERSION) $(B)

ifeq ($(wildcard tests/fuzz/build.mk),)
fuzz:
	@echo "there are no fuzzers yet"; exit 1
endif

SOURCES = $(shell git ls-files '*.c' '*.h')
format:
	clang-format -i $(SOURCES)

# The lab's images hold what Debian gave and take long to fetch: they go with distclean.
clean:
	find $(B) -mindepth 1 -maxdepth 1 ! -name lab -exec rm -rf {} + 2>/dev/null || true
	rm -rf $(B)/lab/run $(B)/lab/*.cpio $(B)/lab/*.zst

distclean:
	rm -rf $(B) config.mk

-include $(shell find $(B) -path $(B)/lab -prune -o -path $(B)/clang -prune -o -type f -name '*.d' -print 2>/dev/null)
