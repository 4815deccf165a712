# SPDX-License-Identifier: GPL-2.0-or-later
# hospes-bootloader, which reads guests' disks, and its tests.
BOOTLOADER_FIND := $(addprefix dom0-toolstack/bootloader/,disk.c fs.c fs_ext.c fs_xfs.c fs_iso.c \
    fs_fat.c menu.c grub_cfg.c bls.c extlinux.c find.c)
BOOTLOADER_SRC := $(BOOTLOADER_FIND) $(addprefix dom0-toolstack/bootloader/,wire.c sandbox.c image_disk.c main.c)
BOOTLOADER_LIBS := -lext2fs -lcom_err -larchive -lseccomp

$(B)/bin/hospes-bootloader: $(BOOTLOADER_SRC:%.c=$(B)/tools/%.o) $(PVB_IMAGE:%.c=$(B)/tools/%.o) $(LIBHOSPES)
	@mkdir -p $(@D)
	$(CC) -o $@ $^ $(BOOTLOADER_LIBS) $(PVB_LIBS) $(LIBHOSPES_LIBS)
ALL += $(B)/bin/hospes-bootloader

$(B)/test/bootloader_test $(B)/test/bootloader_fs_test: $(B)/test/%: $(BOOTLOADER_FIND:%.c=$(B)/unit/%.o) \
        $(B)/unit/tests/unit/%.o $(B)/unit/tests/unit/toolstack_test.o
	@mkdir -p $(@D)
	$(UNIT_CC) $(UNIT_CFLAGS) -o $@ $^ $(BOOTLOADER_LIBS)

$(B)/test/sandbox_test: $(addprefix $(B)/tools/,dom0-toolstack/bootloader/sandbox.o tests/unit/sandbox_test.o \
        tests/unit/toolstack_test.o) $(LIBHOSPES)
	@mkdir -p $(@D)
	$(CC) -o $@ $^ -lseccomp -lyajl

$(B)/test/bootloader_run: $(B)/unit/tests/unit/bootloader_run.o $(LIBHOSPES_SRC:%.c=$(B)/unit/%.o) \
        $(patsubst %.c,$(B)/unit/%.o,$(wildcard xenstore/client/*.c))
	@mkdir -p $(@D)
	$(UNIT_CC) $(UNIT_CFLAGS) -o $@ $^ $(LIBHOSPES_LIBS)

.PHONY: check-bootloader
CHECKS += check-bootloader
check-bootloader: $(B)/test/bootloader_test $(B)/test/bootloader_fs_test $(B)/test/sandbox_test $(B)/test/bootloader_run \
        $(B)/bin/hospes-bootloader
	@status=0; for t in bootloader_test bootloader_fs_test sandbox_test; do $(B)/test/$$t || status=1; done; \
	    tests/unit/bootloader.sh $(abspath $(B)/bin/hospes-bootloader $(B)/test/bootloader_run) || status=1; exit $$status
