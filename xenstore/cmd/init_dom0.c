/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hospes-init-dom0: run once after xenstored was started. Writes what tools expect to find about
 * Domain 0 and its CPU pool, and with an argument gives Domain 0 that UUID.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hypercalls/abi/domctl.h"
#include "hypercalls/abi/xen.h"
#include "xenstore/client/xs_client.h"
#include "xenstore/linux_xen.h"

#define PAGE 4096ul

static int fail(const char *what)
{
    fprintf(stderr, "hospes-init-dom0: %s: %s\n", what, strerror(errno));
    return 1;
}

/* 32 hexadecimal digits, with dashes anywhere. */
static int parse_uuid(const char *text, xen_domain_handle_t uuid)
{
    int n = 0;

    memset(uuid, 0, sizeof(xen_domain_handle_t));
    for (; *text; text++) {
        const char *digits = "0123456789abcdefABCDEF", *d = strchr(digits, *text);
        int v;

        if (*text == '-') {
            continue;
        }
        if (!d || n == 32) {
            return -1;
        }
        v = d - digits < 16 ? (int)(d - digits) : (int)(d - digits) - 6;
        uuid[n / 2] = (uint8_t)(uuid[n / 2] << 4 | v);
        n++;
    }
    return n == 32 ? 0 : -1;
}

static int set_uuid(const xen_domain_handle_t uuid)
{
    struct privcmd_hypercall_arg call = {.op = __HYPERVISOR_domctl};
    struct xen_domctl *op;
    int fd = open("/dev/xen/privcmd", O_RDWR | O_CLOEXEC), ret;

    if (fd < 0) {
        return -1;
    }
    op = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);
    if (op == MAP_FAILED) {
        close(fd);
        return -1;
    }
    op->cmd = XEN_DOMCTL_setdomainhandle;
    op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    memcpy(op->u.setdomainhandle.handle, uuid, sizeof(xen_domain_handle_t));
    call.arg[0] = (uintptr_t)op;
    ret = ioctl(fd, PRIVCMD_HYPERCALL, &call);
    munmap(op, PAGE);
    close(fd);
    return ret < 0 ? -1 : 0;
}

static int write_nodes(struct hs *h)
{
    hs_tx_t tx;

    do {
        tx = hs_tx_start(h);
        if (tx == HS_TX_NONE) {
            return -1;
        }
        if (hs_writef(h, tx, "/local/domain/0/domid", "0") ||
            hs_writef(h, tx, "/local/domain/0/name", "Domain-0") ||
            hs_writef(h, tx, "/local/pool/0/name", "Pool-0") ||
            hs_writef(h, tx, "/local/pool/0/uuid", "00000000-0000-0000-0000-000000000000")) {
            hs_tx_abort(h, tx);
            if (errno != EAGAIN) {
                return -1;
            }
            continue;
        }
        if (!hs_tx_commit(h, tx)) {
            return 0;
        }
    } while (errno == EAGAIN);
    return -1;
}

int main(int argc, char **argv)
{
    xen_domain_handle_t uuid;
    struct hs *h;

    if (argc > 2 || (argc == 2 && parse_uuid(argv[1], uuid))) {
        fprintf(stderr, "Usage: hospes-init-dom0 [UUID]\n");
        return 1;
    }
    if (argc == 2 && set_uuid(uuid)) {
        return fail("cannot set Domain 0's UUID");
    }
    h = hs_open(HS_WAIT);
    if (!h) {
        return fail("cannot reach xenstored");
    }
    if (hs_exists(h, HS_TX_NONE, "/local/domain/0/name") == 1 &&
        hs_exists(h, HS_TX_NONE, "/local/domain/0/domid") == 1) {
        printf("Dom0 is already set up\n");
        hs_close(h);
        return 0;
    }
    if (write_nodes(h)) {
        fail("cannot write to xenstore");
        hs_close(h);
        return 1;
    }
    printf("Done setting up Dom0\n");
    hs_close(h);
    return 0;
}
