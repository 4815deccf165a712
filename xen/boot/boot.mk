# SPDX-License-Identifier: GPL-2.0-or-later
# The compression libraries for Domain 0's kernel (xen/boot/decompress.c): the members of the static
# archives that we need, in one object. Its other symbols become local, and what it wants of a C
# library gets names of its own (xen/boot/libc_shim.c).
BOOT_LIB_NEEDS := inflate inflateInit2_ inflateEnd lzma_stream_decoder lzma_code lzma_end \
        ZSTD_createDCtx ZSTD_freeDCtx ZSTD_decompressBegin ZSTD_nextSrcSizeToDecompress \
        ZSTD_decompressContinue ZSTD_isError
BOOT_LIB_KEEPS := $(BOOT_LIB_NEEDS) __boot_libs_ctors_start __boot_libs_ctors_end
BOOT_LIB_FILES := $(LIBZ_A) $(LIBLZMA_A) $(LIBZSTD_A)
HV_LIBS += $(B)/hv/boot_libs.o

$(B)/hv/boot_libs.o: xen/boot/boot_libs.lds xen/boot/boot.mk
	@mkdir -p $(@D)
	ld -r -T xen/boot/boot_libs.lds $(addprefix -u ,$(BOOT_LIB_NEEDS)) -o $@.tmp $(BOOT_LIB_FILES)
	objcopy --strip-debug --discard-all $(addprefix --keep-global-symbol=,$(BOOT_LIB_KEEPS)) \
	  --redefine-sym malloc=boot_lib_malloc --redefine-sym calloc=boot_lib_calloc \
	  --redefine-sym free=boot_lib_free $@.tmp $@
	@rm -f $@.tmp
$(B)/hv/pass1.elf $(B)/hospes-syms: $(B)/hv/boot_libs.o
