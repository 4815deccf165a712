/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzzer of shared folders: messages through a ring whose memory changes at any time, on a folder below /dev/shm. Answers
 * are no longer than agreed, what is beside the folder stays as it was, and nothing is left open.
 *
 *   input: the ring's order, then steps of one byte each with what they need behind it
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hypercalls/abi/io-9pfs.h"
#include "pv-backends/9p/ring.h"
#include "pv-backends/lib/backend.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/guest.h"

static _Alignas(4096) uint8_t interface[4096], memory[8 * 4096];
static char base[64], folder[80], secret[80];

/* ---- stand-ins ---- */

void *guest_pages(const uint32_t *refs, size_t count)
{
    (void)refs;
    FUZZ_CHECK(count * 4096 <= sizeof(memory));
    return count == 1 ? interface : memory;
}

/* ---- the folder ---- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type;
    return ftw->level == 0 ? 0 : remove(path);
}

static void make_folder(void)
{
    char path[128];

    if (base[0] == '\0') {
        snprintf(base, sizeof(base), "/dev/shm/p9_fuzz.%d", (int)getpid());
        snprintf(folder, sizeof(folder), "%s/folder", base);
        snprintf(secret, sizeof(secret), "%s/secret", base);
        mkdir(base, 0700);
        close(open(secret, O_WRONLY | O_CREAT, 0600));
    }
    mkdir(folder, 0700);
    snprintf(path, sizeof(path), "%s/d", folder);
    mkdir(path, 0700);
    snprintf(path, sizeof(path), "%s/out", folder);
    FUZZ_CHECK(symlink("../secret", path) == 0);
}

static void check_outside(void)
{
    struct stat st;

    FUZZ_CHECK(lstat(secret, &st) == 0 && st.st_size == 0 && st.st_nlink == 1 &&
               st.st_mode == (S_IFREG | 0600));
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    /* Not even its mode is the same necessarily: it is a folder of the guest's. */
    FUZZ_CHECK(rmdir(folder) == 0);
    FUZZ_CHECK(rmdir(base) < 0 && errno == ENOTEMPTY);
}

/* ---- the guest ---- */

static void put_bytes(struct p9_ring *r, const void *bytes, uint32_t n)
{
    struct xen_9pfs_data_intf *intf = r->intf;

    for (uint32_t i = 0; i < n; i++)
        memory[r->size + (intf->out_prod + i) % r->size] = ((const uint8_t *)bytes)[i];
    intf->out_prod += n;
}

/* One of a few names, so that they meet. */
static void put_name(struct p9_out *out, struct input *in)
{
    static const char *const names[] = {"d", "out", "f", "..", ".", "g", "a/b", "../secret"};
    const char *name = names[in_u8(in) % 8];

    p9_put_text(out, name, strlen(name));
}

/* A message with a type that there is; its fields are short fids, names and numbers in an order of the input's. */
static void put_message(struct p9_ring *r, struct input *in)
{
    static const uint8_t types[] = {8,  12, 14, 16, 18,  22,  24,  26,  40,  50,  52,  54,
                                    70, 72, 74, 76, 100, 104, 108, 110, 116, 118, 120, 122};
    uint8_t message[512];
    struct p9_out out = {.base = message, .p = message + P9_HEADER, .end = message + 400};

    message[4] = types[in_u8(in) % sizeof(types)];
    message[5] = message[6] = 1;
    for (unsigned int n = in_u8(in) % 8; n != 0; n--) {
        switch (in_u8(in) % 6) {
        case 0: p9_put_number(&out, in_u8(in) % 4, 4); break;
        case 1: put_name(&out, in); break;
        case 2: p9_put_number(&out, in_u8(in), 2); break;
        case 3: p9_put_number(&out, in_uint(in, 4), 4); break;
        case 4: p9_put_number(&out, in_u8(in), 8); break;
        default: p9_put_number(&out, in_u8(in), 1); break;
        }
    }
    uint32_t size = (uint32_t)(out.p - message), le = htole32(size);
    memcpy(message, &le, 4);
    put_bytes(r, message, size);
}

static void open_session(struct p9_ring *r)
{
    static const uint8_t version[] = {21, 0, 0,   0,   100, 1,   1,   0,   16,  0,  0,
                                      8,  0, '9', 'P', '2', '0', '0', '0', '.', 'L'};
    static const uint8_t attach[] = {23,  0,   0,   0, 104, 1, 1, 0, 0, 0, 0, 255,
                                     255, 255, 255, 0, 0,   0, 0, 0, 0, 0, 0};

    put_bytes(r, version, sizeof(version));
    put_bytes(r, attach, sizeof(attach));
}

static int step(struct p9_ring *r, struct p9_server *s, struct input *in)
{
    struct xen_9pfs_data_intf *intf = r->intf;
    uint8_t raw[16];

    switch (in_u8(in) % 10) {
    case 0:
        for (unsigned int i = 0; i < sizeof(raw); i++)
            raw[i] = in_u8(in);
        put_bytes(r, raw, in_u8(in) % 16);
        break;
    case 1: intf->out_prod += in_u8(in); break;
    case 2: intf->in_cons = (uint32_t)in_uint(in, 4); break;
    case 3: memory[in_uint(in, 2) % (2 * r->size)] = in_u8(in); break;
    case 4: intf->in_prod = intf->out_cons = (uint32_t)in_uint(in, 4); break;
    case 5:
        /* Reads all. */
        intf->in_cons = r->in_prod;
        break;
    default: put_message(r, in); break;
    }
    return p9_ring_work(r, s);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct input in = {bytes, bytes + size};
    struct backend b = {.domid = 1};
    struct p9_server server;
    struct p9_ring ring;
    int rc = 0;

    make_folder();
    memset(interface, 0, sizeof(interface));
    ((struct xen_9pfs_data_intf *)interface)->ring_order = in_u8(&in) % 4;
    FUZZ_CHECK(p9_server_open(&server, folder, P9_MAX_MESSAGE, NULL) == 0);
    if (p9_ring_open(&ring, &b, 1, 5, NULL) == 0) {
        FUZZ_CHECK(ring.order >= 1 && 2 * ring.size <= sizeof(memory));
        server.most = ring.size < P9_MAX_MESSAGE ? ring.size : P9_MAX_MESSAGE;
        open_session(&ring);
        while (in_left(&in) != 0 && rc >= 0)
            rc = step(&ring, &server, &in);
        FUZZ_CHECK(rc == 0 || rc == 1 || rc == -EPROTO);
    }
    p9_ring_close(&ring);
    p9_server_close(&server);
    int fd = open("/", O_PATH | O_CLOEXEC);
    FUZZ_CHECK(fd >= 0 && fd < 32); /* else descriptors were left open */
    close(fd);
    check_outside();
    return 0;
}
