/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Linux's Xen devices. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hypercalls/abi/domctl.h"
#include "hypercalls/abi/grant_table.h"
#include "hypercalls/abi/xen.h"
#include "xenstore/linux_xen.h"
#include "xenstore/xenif.h"

#define PAGE   4096ul
#define EVTCHN "/dev/xen/evtchn"

static int open_device(const char *path, int flags)
{
    return open(path, O_RDWR | O_CLOEXEC | flags);
}

int xenif_open(struct xenif *x)
{
    int err, fd = open_device(EVTCHN, 0);

    *x = (struct xenif){-1, -1, NULL};
    if (fd < 0) {
        return errno;
    }
    close(fd);
    x->bounce =
        mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);
    if (x->bounce == MAP_FAILED) {
        err = errno;
        x->bounce = NULL;
        xenif_close(x);
        return err;
    }
    return 0;
}

static void close_device(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
    *fd = -1;
}

void xenif_close(struct xenif *x)
{
    close_device(&x->gntdev);
    close_device(&x->privcmd);
    if (x->bounce) {
        munmap(x->bounce, PAGE);
        x->bounce = NULL;
    }
}

/* The modules behind these may be loaded later than we start. */
static int need(int *fd, const char *path)
{
    if (*fd < 0) {
        *fd = open_device(path, 0);
    }
    return *fd < 0 ? errno : 0;
}

/* ---- pages -------------------------------------------------------------------------------- */

static int map_grant(struct xenif *x, uint32_t domid, struct xenif_page *page)
{
    struct gntdev_map_arg map = {.count = 1, .domid = domid, .ref = GNTTAB_RESERVED_XENSTORE};
    struct gntdev_unmap_arg unmap = {.count = 1};
    int err = need(&x->gntdev, "/dev/xen/gntdev");

    if (err) {
        return err;
    }
    if (ioctl(x->gntdev, GNTDEV_MAP_GRANT_REF, &map)) {
        return errno;
    }
    page->addr = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, x->gntdev, (off_t)map.index);
    if (page->addr == MAP_FAILED) {
        err = errno;
        unmap.index = map.index;
        ioctl(x->gntdev, GNTDEV_UNMAP_GRANT_REF, &unmap);
        page->addr = NULL;
        return err;
    }
    page->granted = true;
    page->index = map.index;
    return 0;
}

static int map_frame(struct xenif *x, uint32_t domid, uint64_t gfn, struct xenif_page *page)
{
    int fault = 0, err = need(&x->privcmd, "/dev/xen/privcmd");
    struct privcmd_mmapbatch_v2_arg arg = {1, (uint16_t)domid, 0, &gfn, &fault};
    void *addr;

    if (err) {
        return err;
    }
    addr = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, x->privcmd, 0);
    if (addr == MAP_FAILED) {
        return errno;
    }
    arg.addr = (uintptr_t)addr;
    if (ioctl(x->privcmd, PRIVCMD_MMAPBATCH_V2, &arg) || fault) {
        err = fault ? -fault : errno;
        munmap(addr, PAGE);
        return err;
    }
    page->addr = addr;
    return 0;
}

int xenif_map(struct xenif *x, uint32_t domid, uint64_t gfn, struct xenif_page *page)
{
    *page = (struct xenif_page){0};
    if (!map_grant(x, domid, page)) {
        return 0;
    }
    return map_frame(x, domid, gfn, page);
}

void xenif_unmap(struct xenif *x, struct xenif_page *page)
{
    struct gntdev_unmap_arg unmap = {.index = page->index, .count = 1};

    if (page->addr) {
        munmap(page->addr, PAGE);
    }
    if (page->granted) {
        ioctl(x->gntdev, GNTDEV_UNMAP_GRANT_REF, &unmap);
    }
    *page = (struct xenif_page){0};
}

static int read_number(const char *path, uint32_t *value)
{
    FILE *f = fopen(path, "re");
    int ok;

    if (!f) {
        return errno;
    }
    ok = fscanf(f, "%u", value) == 1;
    fclose(f);
    return ok ? 0 : EIO;
}

int xenif_map_own(struct xenif_page *page, uint32_t *port)
{
    int fd, err = read_number("/proc/xen/xsd_port", port);
    void *addr;

    *page = (struct xenif_page){0};
    if (err) {
        return err;
    }
    fd = open_device("/proc/xen/xsd_kva", 0);
    if (fd < 0) {
        return errno;
    }
    addr = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    err = addr == MAP_FAILED ? errno : 0;
    close(fd);
    if (!err) {
        page->addr = addr;
    }
    return err;
}

/* ---- event channels ----------------------------------------------------------------------- */

static int bind_port(unsigned long request, void *arg, struct xenif_port *port)
{
    int err, ret;

    *port = (struct xenif_port){.fd = open_device(EVTCHN, O_NONBLOCK)};
    if (port->fd < 0) {
        return errno;
    }
    ret = ioctl(port->fd, request, arg);
    if (ret < 0) {
        err = errno;
        xenif_unbind(port);
        return err;
    }
    port->number = (uint32_t)ret;
    return 0;
}

int xenif_bind(uint32_t domid, uint32_t remote_port, struct xenif_port *port)
{
    struct evtchn_bind_interdomain_arg arg = {domid, remote_port};

    return bind_port(EVTCHN_BIND_INTERDOMAIN, &arg, port);
}

int xenif_bind_virq(uint32_t virq, struct xenif_port *port)
{
    struct evtchn_bind_virq_arg arg = {virq};

    return bind_port(EVTCHN_BIND_VIRQ, &arg, port);
}

void xenif_unbind(struct xenif_port *port)
{
    close_device(&port->fd); /* the driver closes the port */
}

void xenif_notify(const struct xenif_port *port)
{
    struct evtchn_port_arg arg = {port->number};

    ioctl(port->fd, EVTCHN_NOTIFY, &arg);
}

bool xenif_take(struct xenif_port *port)
{
    uint32_t number;

    if (read(port->fd, &number, sizeof(number)) != (ssize_t)sizeof(number)) {
        return false;
    }
    if (write(port->fd, &number, sizeof(number)) < 0) {
        /* Not bound any more: nothing to unmask. */
    }
    return true;
}

/* ---- domains ------------------------------------------------------------------------------ */

int xenif_domain_state(struct xenif *x, uint32_t domid, bool *alive, bool *is_shutdown)
{
    struct xen_domctl *op = x->bounce;
    struct privcmd_hypercall_arg call = {.op = __HYPERVISOR_domctl, .arg = {(uintptr_t)op}};
    const struct xen_domctl_getdomaininfo *info = &op->u.getdomaininfo;
    int err = need(&x->privcmd, "/dev/xen/privcmd");

    if (err) {
        return err;
    }
    memset(op, 0, sizeof(*op));
    op->cmd = XEN_DOMCTL_getdomaininfo;
    op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    op->domain = (domid_t)domid;
    if (ioctl(x->privcmd, PRIVCMD_HYPERCALL, &call) < 0) {
        if (errno != ESRCH) {
            return errno;
        }
        *alive = false; /* no domain of this number or a higher one */
        *is_shutdown = false;
        return 0;
    }
    /* The answer is about the next domain if there is none of this number. */
    *alive = info->domain == domid && !(info->flags & XEN_DOMINF_dying);
    *is_shutdown = info->domain == domid && info->flags & XEN_DOMINF_shutdown;
    return 0;
}
