# SPDX-License-Identifier: GPL-2.0-or-later
# The hypervisor: build/hospes, an ELF32 wrapper around the 64-bit image, because Multiboot1 in
# QEMU takes nothing else; build/hospes-syms is the 64-bit ELF with symbols, for gdb.
HV_SRC := $(wildcard xen/*/*.c xen/*/*.S hypercalls/*.c hvm/*.c hvm/*/*.c)
HV_OBJ := $(addprefix $(B)/hv/,$(addsuffix .o,$(basename $(HV_SRC))))
HV_LIBS ?=
# What is linked: with link-time optimisation, all C in one object.
HV_LINKED := $(HV_OBJ)
ifneq ($(HV_LTO),)
HV_C_OBJ := $(addprefix $(B)/hv/,$(patsubst %.c,%.o,$(filter %.c,$(HV_SRC))))
HV_LINKED := $(filter-out $(HV_C_OBJ),$(HV_OBJ)) $(B)/hv/whole.o
$(B)/hv/whole.o: $(HV_C_OBJ)
	$(CC) $(HV_CFLAGS) $(HV_LTO) -flinker-output=nolto-rel -r -nostdlib -o $@ $^
endif
include xen/boot/boot.mk
HV_LDFLAGS := -nostdlib -static -no-pie -z noexecstack -z max-page-size=4096 --build-id=none \
        --no-warn-rwx-segments
ALL += $(B)/hospes

$(B)/hv/hospes.lds: xen/hospes.lds.S
	@mkdir -p $(@D)
	$(CC) -E -P -x c -D__ASSEMBLY__ -Ixen -o $@ $<

# Symbols for backtraces: linked twice; the second link holds the addresses of the first, which do
# not move, because the table lies behind all text.
$(B)/hv/pass1.elf: $(HV_LINKED) $(B)/hv/hospes.lds
	ld $(HV_LDFLAGS) -T $(B)/hv/hospes.lds -o $@ $(HV_LINKED) $(HV_LIBS)
$(B)/hv/symtab.S: $(B)/hv/pass1.elf xen/symtab.awk
	nm -n $< | awk -f xen/symtab.awk > $@
$(B)/hv/symtab.o: $(B)/hv/symtab.S
	$(CC) -c -o $@ $<
$(B)/hospes-syms: $(B)/hv/symtab.o
	ld $(HV_LDFLAGS) -T $(B)/hv/hospes.lds -o $@ $(HV_LINKED) $(B)/hv/symtab.o $(HV_LIBS)
$(B)/hv/hospes.bin: $(B)/hospes-syms
	objcopy -O binary $< $@
$(B)/hospes: $(B)/hv/hospes.bin xen/wrap32.S
	$(CC) -m32 -c -D__ASSEMBLY__ -Ixen -DBIN='"$<"' -DBIN_SIZE=$$(stat -c %s $<) \
	  -DIMAGE_END=0x$$(nm $(B)/hospes-syms | awk '$$3=="__image_end"{print substr($$1,9)}') \
	  -o $(B)/hv/wrap32.o xen/wrap32.S
	ld -m elf_i386 -nostdlib -static -z noexecstack --build-id=none -Ttext=0x200000 -e 0x200000 \
	  --no-warn-rwx-segments -z max-page-size=4096 -o $@ $(B)/hv/wrap32.o

# Offsets of C structures for assembly.
$(B)/hv/offsets.h: xen/offsets.c
	@mkdir -p $(@D)
	$(CC) $(HV_CFLAGS) -MT $@ -S -o $(B)/hv/offsets.s $<
	sed -n 's/^.*\.ascii[ \t]*"@\([A-Za-z0-9_]*\) \$$*\([0-9-]*\)".*/#define \1 \2/p' $(B)/hv/offsets.s > $@
$(filter %.S.o,$(HV_OBJ)) $(B)/hv/xen/x86/entry.o: $(B)/hv/offsets.h
