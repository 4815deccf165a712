# SPDX-License-Identifier: GPL-2.0-or-later
# The user-space backends of Domain 0.
PVB_IMAGE := $(addprefix pv-backends/block/,image.c io.c file.c raw.c qcow2.c qcow2_open.c qcow2_table.c \
        qcow2_alloc.c vhd.c nbd.c)
PVB_LIBS := -luring -lnbd -lz -lzstd -lseccomp

# Its formats, judged by QEMU's tools.
IMAGE_TEST := $(PVB_IMAGE) pv-backends/block/sandbox.c pv-backends/lib/sandbox.c tests/unit/image_test.c \
        dom0-toolstack/lib/error.c
$(B)/test/image_test: $(IMAGE_TEST:%.c=$(B)/unit/%.o)
	@mkdir -p $(@D)
	$(UNIT_CC) $(UNIT_CFLAGS) -o $@ $^ $(PVB_LIBS) -lyajl
$(B)/test/image_file_test: $(patsubst %.c,$(B)/unit/%.o,pv-backends/block/file.c tests/unit/image_file_test.c \
        tests/unit/toolstack_test.c dom0-toolstack/lib/error.c)
	@mkdir -p $(@D)
	$(UNIT_CC) $(UNIT_CFLAGS) -Wl,--wrap=open,--wrap=pread -o $@ $^ -lyajl
# The sanitizers need more system calls than the backend has.
$(B)/test/image_sandbox_test: $(IMAGE_TEST:%.c=$(B)/tools/%.o)
	@mkdir -p $(@D)
	$(CC) -o $@ $^ $(PVB_LIBS) -lyajl

.PHONY: check-image-formats
CHECKS += check-image-formats
check-image-formats: $(B)/test/image_test $(B)/test/image_sandbox_test $(B)/test/image_file_test
	$(B)/test/image_file_test
	tests/unit/image_formats.sh $(abspath $(B))

# What all of them do with the states of the two ends.
$(B)/test/states_test: $(patsubst %.c,$(B)/unit/%.o,pv-backends/lib/states.c tests/unit/states_test.c \
        tests/unit/toolstack_test.c dom0-toolstack/lib/error.c)
	@mkdir -p $(@D)
	$(UNIT_CC) $(UNIT_CFLAGS) -o $@ $^ -lyajl
$(B)/test/turn_test: $(patsubst %.c,$(B)/unit/%.o,pv-backends/lib/turn.c tests/unit/turn_test.c \
        tests/unit/toolstack_test.c $(addprefix dom0-toolstack/lib/,error.c lock.c files.c))
	@mkdir -p $(@D)
	$(UNIT_CC) $(UNIT_CFLAGS) -o $@ $^ -lyajl
.PHONY: check-backend-states
CHECKS += check-backend-states
check-backend-states: $(B)/test/states_test $(B)/test/turn_test
	$(B)/test/states_test
	$(B)/test/turn_test

PVB_BLOCK := $(PVB_IMAGE) $(addprefix pv-backends/block/,main.c vbd.c queue.c data.c request.c sandbox.c) \
        $(wildcard pv-backends/lib/*.c)
$(B)/bin/hospes-block: $(PVB_BLOCK:%.c=$(B)/tools/%.o) $(LIBHOSPES) $(B)/lib/libhsxs.a
	@mkdir -p $(@D)
	$(CC) -o $@ $^ $(PVB_LIBS) $(LIBHOSPES_LIBS)
ALL += $(B)/bin/hospes-block

PVB_9P := $(addprefix pv-backends/9p/,server.c session.c files.c nodes.c fids.c)
$(B)/bin/hospes-9p: $(patsubst %.c,$(B)/tools/%.o,$(PVB_9P) pv-backends/9p/main.c pv-backends/9p/ring.c \
        $(wildcard pv-backends/lib/*.c)) $(LIBHOSPES) $(B)/lib/libhsxs.a
	@mkdir -p $(@D)
	$(CC) -o $@ $^ -lseccomp $(LIBHOSPES_LIBS)
ALL += $(B)/bin/hospes-9p

# The server alone, message by message.
$(B)/test/p9_test: $(patsubst %.c,$(B)/unit/%.o,$(PVB_9P) tests/unit/p9_test.c tests/unit/toolstack_test.c \
        dom0-toolstack/lib/error.c)
	@mkdir -p $(@D)
	$(UNIT_CC) $(UNIT_CFLAGS) -o $@ $^ -lyajl -lpthread
.PHONY: check-9p
CHECKS += check-9p
check-9p: $(B)/test/p9_test
	$(B)/test/p9_test

PVB_NET := $(wildcard pv-backends/net/*.c pv-backends/lib/*.c)
$(B)/bin/hospes-net: $(PVB_NET:%.c=$(B)/tools/%.o) $(LIBHOSPES) $(B)/lib/libhsxs.a
	@mkdir -p $(@D)
	$(CC) -o $@ $^ -lslirp -lseccomp $(LIBHOSPES_LIBS)
ALL += $(B)/bin/hospes-net

# Its decoder, and its rings.
NET_TESTS := $(B)/test/packet_test $(B)/test/net_queue_test
$(B)/test/packet_test: $(B)/unit/tests/unit/packet_test.o
$(B)/test/net_queue_test: $(B)/unit/tests/unit/net_queue_test.o $(B)/unit/pv-backends/net/queue.o
$(NET_TESTS): $(B)/unit/pv-backends/net/packet.o $(B)/unit/tests/unit/toolstack_test.o
	@mkdir -p $(@D)
	$(UNIT_CC) $(UNIT_CFLAGS) -o $@ $^

# A network of its own, in its sandbox: without sanitizers, which need more system calls.
NET_SANDBOX_TEST := tests/unit/net_sandbox_test.c tests/unit/toolstack_test.c dom0-toolstack/lib/error.c \
        pv-backends/lib/sandbox.c $(addprefix pv-backends/net/,sandbox.c user.c packet.c)
$(B)/test/net_sandbox_test: $(NET_SANDBOX_TEST:%.c=$(B)/tools/%.o)
	@mkdir -p $(@D)
	$(CC) -o $@ $^ -lslirp -lseccomp -lyajl

.PHONY: check-net-packets
CHECKS += check-net-packets
check-net-packets: $(NET_TESTS) $(B)/test/net_sandbox_test
	@status=0; for t in $^; do $$t || status=1; done; exit $$status

# The screen: libvncserver speaks with the viewers.
PVB_FB := $(wildcard pv-backends/fb/*.c pv-backends/lib/*.c)
$(B)/bin/hospes-fb: $(PVB_FB:%.c=$(B)/tools/%.o) $(LIBHOSPES) $(B)/lib/libhsxs.a
	@mkdir -p $(@D)
	$(CC) -o $@ $^ -lvncserver -lseccomp $(LIBHOSPES_LIBS)
ALL += $(B)/bin/hospes-fb

# What needs no guest of it: hostile pages, keys, pixels.
$(B)/test/fb_test: $(addprefix $(B)/unit/pv-backends/fb/,picture.o keys.o input.o) \
        $(B)/unit/tests/unit/fb_test.o $(B)/unit/tests/unit/toolstack_test.o
	@mkdir -p $(@D)
	$(UNIT_CC) $(UNIT_CFLAGS) -o $@ $^

# The server and its viewers, in its sandbox: without sanitizers, which need more system calls.
FB_SANDBOX_TEST := tests/unit/fb_sandbox_test.c tests/unit/toolstack_test.c dom0-toolstack/lib/error.c \
        pv-backends/lib/sandbox.c $(addprefix pv-backends/fb/,sandbox.c vnc.c keys.c input.c)
$(B)/test/fb_sandbox_test: $(FB_SANDBOX_TEST:%.c=$(B)/tools/%.o)
	@mkdir -p $(@D)
	$(CC) -o $@ $^ -lvncserver -lseccomp -lyajl

.PHONY: check-fb
CHECKS += check-fb
check-fb: $(B)/test/fb_test $(B)/test/fb_sandbox_test $(B)/tests/rfb
	@status=0; for t in $(B)/test/fb_test '$(B)/test/fb_sandbox_test $(B)/tests/rfb'; do \
	    $$t || status=1; done; exit $$status
# It reads guests' disks through the image library.
include dom0-toolstack/bootloader/build.mk
