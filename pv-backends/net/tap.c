/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A TAP interface, which the toolstack has made and which stays when we are killed; Linux: networking/tuntap.rst. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "dom0-toolstack/lib/error.h"
#include "pv-backends/net/port.h"

#define TUN "/dev/net/tun"

struct tap {
    struct net_port port;
    int fd;
    bool checksum;
};

static struct tap *tap_of(struct net_port *p)
{
    return (struct tap *)(void *)p;
}

static void tap_send(struct net_port *p, uint8_t *packet, size_t len, struct net_offload *o)
{
    struct virtio_net_hdr h = {.flags = 0, .gso_type = VIRTIO_NET_HDR_GSO_NONE};
    struct iovec iov[2] = {{&h, sizeof(h)}, {packet, len}};

    if (o->checksum) {
        h.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
        h.csum_start = o->csum_start;
        h.csum_offset = o->csum_offset;
    }
    if (o->gso_type != XEN_NETIF_GSO_TYPE_NONE) {
        h.gso_type = o->gso_type == XEN_NETIF_GSO_TYPE_TCPV4 ? VIRTIO_NET_HDR_GSO_TCPV4
                                                             : VIRTIO_NET_HDR_GSO_TCPV6;
        h.gso_size = o->gso_size;
        h.hdr_len = (uint16_t)(o->csum_start + 20);
    }
    /* An interface that is down, or full, loses packets. */
    if (writev(tap_of(p)->fd, iov, 2) < 0)
        return;
}

static ssize_t tap_receive(struct net_port *p, uint8_t *packet, struct net_offload *o)
{
    struct virtio_net_hdr h;
    struct iovec iov[2] = {{&h, sizeof(h)}, {packet, NET_MAX_PACKET}};
    ssize_t n = readv(tap_of(p)->fd, iov, 2);

    if (n < (ssize_t)sizeof(h) + (ssize_t)NET_MIN_PACKET)
        return 0;
    n -= (ssize_t)sizeof(h);
    *o = (struct net_offload){.gso_type = XEN_NETIF_GSO_TYPE_NONE};
    if (h.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
        o->checksum = true;
        o->csum_start = h.csum_start;
        o->csum_offset = h.csum_offset;
        o->csum_end = (uint32_t)n;
    }
    switch (h.gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
    case VIRTIO_NET_HDR_GSO_TCPV4: o->gso_type = XEN_NETIF_GSO_TYPE_TCPV4; break;
    case VIRTIO_NET_HDR_GSO_TCPV6: o->gso_type = XEN_NETIF_GSO_TYPE_TCPV6; break;
    default: break;
    }
    o->gso_size = h.gso_size;
    if (!tap_of(p)->checksum)
        net_packet_complete(packet, (size_t)n, o);
    return n;
}

static unsigned int tap_wait(struct net_port *p, struct pollfd *fds, unsigned int room, bool full,
                             int *timeout)
{
    (void)timeout;
    if (full || room == 0)
        return 0;
    fds[0] = (struct pollfd){.fd = tap_of(p)->fd, .events = POLLIN};
    return 1;
}

static void tap_woken(struct net_port *p, const struct pollfd *fds)
{
    (void)p;
    (void)fds;
}

static void tap_close(struct net_port *p)
{
    close(tap_of(p)->fd);
    free(p);
}

static const struct net_port_kind tap_kind = {
    .offload = true,
    .send = tap_send,
    .receive = tap_receive,
    .wait = tap_wait,
    .woken = tap_woken,
    .close = tap_close,
};

static int attach(int fd, const char *name, struct net_abilities can, struct hl_error *e)
{
    static const char step[] = "attach to the interface";
    struct ifreq r = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
    unsigned int offload = can.checksum ? TUN_F_CSUM : 0;

    /* Without this the ioctl would make one that nobody has connected to anything. */
    if (if_nametoindex(name) == 0)
        return hl_fail(e, ENODEV, step, name, NULL);
    snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
    if (ioctl(fd, TUNSETIFF, &r) < 0)
        return hl_fail(e, errno, step, name, NULL);
    if (can.checksum && can.segments4)
        offload |= TUN_F_TSO4 | TUN_F_TSO_ECN;
    if (can.checksum && can.segments6)
        offload |= TUN_F_TSO6 | TUN_F_TSO_ECN;
    if (ioctl(fd, TUNSETOFFLOAD, offload) < 0)
        return hl_fail(e, errno, "set the interface's offloads", name, NULL);
    return 0;
}

int tap_open(struct net_port **p, const char *name, struct net_abilities can, struct hl_error *e)
{
    struct tap *t = calloc(1, sizeof(*t));
    int rc;

    if (t == NULL)
        return hl_fail(e, ENOMEM, "attach to the interface", name, NULL);
    *t = (struct tap){.port.kind = &tap_kind, .checksum = can.checksum};
    t->fd = open(TUN, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    rc = t->fd < 0 ? hl_fail(e, errno, "attach to the interface", TUN, NULL)
                   : attach(t->fd, name, can, e);
    if (rc < 0) {
        if (t->fd >= 0)
            close(t->fd);
        free(t);
        return rc;
    }
    *p = &t->port;
    return 0;
}
