# SPDX-License-Identifier: GPL-2.0-or-later
# Fuzzers (libFuzzer, so clang builds them): tests/fuzz/NAME_fuzz.c and the files that it tries, in an
# object tree of their own. Each is a check-fuzz-NAME of about FUZZ_CHECK_SECONDS in `make check`;
# `make fuzz` runs all of them, two at a time, FUZZ_SECONDS each, from where it ended the last time.
FUZZ_CC ?= clang
FUZZ_SECONDS ?= 600
FUZZ_CHECK_SECONDS ?= 8
FUZZ_SANITIZE := address,undefined
FUZZ_CFLAGS := $(COMMON) -O1 -D_GNU_SOURCE -fsanitize=fuzzer-no-link,$(FUZZ_SANITIZE) \
        -fno-sanitize-recover=all -fno-omit-frame-pointer

$(B)/fuzz/obj/%.o: %.c
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_CFLAGS) $(FUZZ_INC) -c -o $@ $<

# $(call fuzzer,NAME,sources of what is tried): the program, its libraries in FUZZ_LIBS.
define fuzzer
$(B)/fuzz/$(1)_fuzz: $(patsubst %.c,$(B)/fuzz/obj/%.o,tests/fuzz/$(1)_fuzz.c $(2))
	$(FUZZ_CC) -fsanitize=fuzzer,$(FUZZ_SANITIZE) -o $$@ $$(filter %.o,$$^) $$(FUZZ_LIBS)
FUZZERS += $(1)
CHECKS += check-fuzz-$(1)
.PHONY: check-fuzz-$(1)
check-fuzz-$(1): $(B)/fuzz/$(1)_fuzz
	@tests/fuzz/run $(B)/fuzz $(1) $(FUZZ_CHECK_SECONDS)
endef

# Of the hypervisor: the host's stand-ins come before xen/ itself.
FUZZ_HV_INC := -Itests/unit/host -Itests/unit -Ixen
$(B)/fuzz/obj/xen/% $(B)/fuzz/obj/tests/fuzz/boot_% $(B)/fuzz/obj/tests/fuzz/dom0_%: \
        FUZZ_INC := $(FUZZ_HV_INC)

$(eval $(call fuzzer,xenstore,$(XS_CORE:%=xenstore/%.c) xenstore/ring.c tests/unit/xenstore_rig.c))
$(eval $(call fuzzer,cfg,$(LIBHOSPES_SRC) $(wildcard xenstore/client/*.c)))
$(B)/fuzz/cfg_fuzz: FUZZ_LIBS := $(LIBHOSPES_LIBS)
$(eval $(call fuzzer,kernel,$(addprefix dom0-toolstack/lib/,error.c kernel_image.c kernel_unpack.c pv_layout.c)))
$(B)/fuzz/kernel_fuzz: FUZZ_LIBS := -llzma -lz -lzstd -llz4 -lbz2 -lyajl
$(eval $(call fuzzer,dom0_kernel,xen/boot/decompress.c xen/pv/elf.c xen/lib/string.c))
$(B)/fuzz/dom0_kernel_fuzz: FUZZ_LIBS := -lz -llzma -lzstd
$(eval $(call fuzzer,boot,$(addprefix xen/,boot/multiboot.c boot/cmdline.c x86/acpi.c x86/acpi_parse.c lib/string.c)))
$(B)/fuzz/boot_fuzz: FUZZ_LIBS := -Wl,--defsym=__boot_opts_start=__start_boot_opts_fuzz,--defsym=__boot_opts_end=__stop_boot_opts_fuzz
# Of backends: guest.c is their guest's grants and events.
$(eval $(call fuzzer,block,pv-backends/block/queue.c pv-backends/block/request.c tests/fuzz/guest.c))
$(eval $(call fuzzer,net,pv-backends/net/queue.c pv-backends/net/packet.c tests/fuzz/guest.c))
$(eval $(call fuzzer,p9,$(addprefix pv-backends/9p/,server.c session.c files.c nodes.c fids.c ring.c) tests/fuzz/guest.c))
$(eval $(call fuzzer,bootloader,$(BOOTLOADER_FIND)))
$(B)/fuzz/bootloader_fuzz: FUZZ_LIBS := -lext2fs -lcom_err -larchive

fuzz: $(FUZZERS:%=$(B)/fuzz/%_fuzz)
	@printf '%s\n' $(FUZZERS) | xargs -P $$(nproc) -I NAME tests/fuzz/run $(B)/fuzz NAME $(FUZZ_SECONDS) keep
