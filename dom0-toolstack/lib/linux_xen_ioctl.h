/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ioctls of Linux's Xen devices: /dev/xen/privcmd ('P'), /dev/xen/evtchn ('E') and
 * /dev/xen/gntdev ('G'). All use the plain form without a direction: type, number, size.
 */
#ifndef HL_LINUX_XEN_IOCTL_H
#define HL_LINUX_XEN_IOCTL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>

#define XEN_IOCTL(type, nr, arg) _IOC(_IOC_NONE, type, nr, sizeof(arg))

/* ---- privcmd ---- */

struct privcmd_call {
    uint64_t op;
    uint64_t arg[5];
};

struct privcmd_map_batch {
    unsigned int count;
    uint16_t domid;
    uint64_t address;
    const uint64_t *frames;
    int *errors;
};

struct privcmd_dm_buf {
    void *data;
    size_t size;
};

struct privcmd_dm_call {
    uint16_t domid;
    uint16_t count;
    const struct privcmd_dm_buf *bufs;
};

struct privcmd_map_resource {
    uint16_t domid;
    uint32_t type;
    uint32_t id;
    uint32_t first;
    uint64_t count;
    uint64_t address;
};

#define PRIVCMD_CALL         XEN_IOCTL('P', 0, struct privcmd_call)
#define PRIVCMD_MAP_BATCH    XEN_IOCTL('P', 4, struct privcmd_map_batch)
#define PRIVCMD_DM_CALL      XEN_IOCTL('P', 5, struct privcmd_dm_call)
#define PRIVCMD_RESTRICT     XEN_IOCTL('P', 6, uint16_t)
#define PRIVCMD_MAP_RESOURCE XEN_IOCTL('P', 7, struct privcmd_map_resource)

_Static_assert(sizeof(struct privcmd_call) == 48, "privcmd hypercall");
_Static_assert(sizeof(struct privcmd_map_batch) == 32, "privcmd mmapbatch v2");
_Static_assert(sizeof(struct privcmd_dm_call) == 16, "privcmd dm_op");
_Static_assert(sizeof(struct privcmd_map_resource) == 32, "privcmd mmap_resource");

/* ---- evtchn ---- */

struct evtchn_ioctl_virq {
    unsigned int virq;
};

struct evtchn_ioctl_interdomain {
    unsigned int remote_domain, remote_port;
};

struct evtchn_ioctl_unbound {
    unsigned int remote_domain;
};

struct evtchn_ioctl_port {
    unsigned int port;
};

#define EVTCHN_BIND_VIRQ        XEN_IOCTL('E', 0, struct evtchn_ioctl_virq)
#define EVTCHN_BIND_INTERDOMAIN XEN_IOCTL('E', 1, struct evtchn_ioctl_interdomain)
#define EVTCHN_BIND_UNBOUND     XEN_IOCTL('E', 2, struct evtchn_ioctl_unbound)
#define EVTCHN_UNBIND           XEN_IOCTL('E', 3, struct evtchn_ioctl_port)
#define EVTCHN_NOTIFY           XEN_IOCTL('E', 4, struct evtchn_ioctl_port)
#define EVTCHN_RESET            _IOC(_IOC_NONE, 'E', 5, 0)

/* ---- gntdev ---- */

struct gntdev_ref {
    uint32_t domid;
    uint32_t ref;
};

/* Followed by `count` references, of which the size of the request counts one. */
struct gntdev_ioctl_map {
    uint32_t count;
    uint32_t pad;
    uint64_t index; /* OUT: the offset for mmap() */
    struct gntdev_ref refs[1];
};

struct gntdev_ioctl_unmap {
    uint64_t index;
    uint32_t count;
    uint32_t pad;
};

struct gntdev_ioctl_offset {
    uint64_t address;
    uint64_t offset; /* OUT */
    uint32_t count;  /* OUT */
    uint32_t pad;
};

struct gntdev_copy_page {
    union {
        void *local;
        struct {
            uint32_t ref;
            uint16_t offset;
            uint16_t domid;
        } grant;
    };
};

struct gntdev_copy_segment {
    struct gntdev_copy_page from, to;
    uint16_t len;
    uint16_t flags; /* GNTDEV_COPY_* */
    int16_t status; /* OUT: GNTST_* */
};
#define GNTDEV_COPY_FROM_GRANT 1
#define GNTDEV_COPY_TO_GRANT   2

struct gntdev_ioctl_copy {
    unsigned int count;
    struct gntdev_copy_segment *segments;
};

#define GNTDEV_COPY       XEN_IOCTL('G', 8, struct gntdev_ioctl_copy)
#define GNTDEV_MAP        XEN_IOCTL('G', 0, struct gntdev_ioctl_map)
#define GNTDEV_UNMAP      XEN_IOCTL('G', 1, struct gntdev_ioctl_unmap)
#define GNTDEV_GET_OFFSET XEN_IOCTL('G', 2, struct gntdev_ioctl_offset)

#endif
