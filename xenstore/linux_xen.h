/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The requests of Linux's /dev/xen/evtchn, gntdev and privcmd, as far as xenstored uses them. */
#ifndef HOSPES_XENSTORE_LINUX_XEN_H
#define HOSPES_XENSTORE_LINUX_XEN_H

#include <stdint.h>
#include <sys/ioctl.h>

struct evtchn_bind_virq_arg {
    unsigned int virq;
};
struct evtchn_bind_interdomain_arg {
    unsigned int remote_domain, remote_port;
};
struct evtchn_port_arg {
    unsigned int port;
};
#define EVTCHN_BIND_VIRQ        _IOC(_IOC_NONE, 'E', 0, sizeof(struct evtchn_bind_virq_arg))
#define EVTCHN_BIND_INTERDOMAIN _IOC(_IOC_NONE, 'E', 1, sizeof(struct evtchn_bind_interdomain_arg))
#define EVTCHN_UNBIND           _IOC(_IOC_NONE, 'E', 3, sizeof(struct evtchn_port_arg))
#define EVTCHN_NOTIFY           _IOC(_IOC_NONE, 'E', 4, sizeof(struct evtchn_port_arg))

struct gntdev_map_arg { /* one grant */
    uint32_t count;
    uint32_t pad;
    uint64_t index; /* OUT: offset for mmap() */
    uint32_t domid, ref;
};
struct gntdev_unmap_arg {
    uint64_t index;
    uint32_t count;
    uint32_t pad;
};
#define GNTDEV_MAP_GRANT_REF   _IOC(_IOC_NONE, 'G', 0, sizeof(struct gntdev_map_arg))
#define GNTDEV_UNMAP_GRANT_REF _IOC(_IOC_NONE, 'G', 1, sizeof(struct gntdev_unmap_arg))

struct privcmd_hypercall_arg {
    uint64_t op;
    uint64_t arg[5];
};
struct privcmd_mmapbatch_v2_arg {
    unsigned int num;
    uint16_t dom;
    uint64_t addr;
    const uint64_t *frames;
    int *err;
};
#define PRIVCMD_HYPERCALL    _IOC(_IOC_NONE, 'P', 0, sizeof(struct privcmd_hypercall_arg))
#define PRIVCMD_MMAPBATCH_V2 _IOC(_IOC_NONE, 'P', 4, sizeof(struct privcmd_mmapbatch_v2_arg))

#endif
