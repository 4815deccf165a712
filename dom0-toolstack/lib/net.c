/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interfaces and bridges by ioctl(2), see netdevice(7); tables by netlink(7); see net.h. */
#include "dom0-toolstack/lib/net.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_bridge.h>
#include <linux/if_tun.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/route.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dom0-toolstack/lib/error.h"

bool net_exists(const char *name)
{
    return if_nametoindex(name) != 0;
}

bool net_is_bridge(const char *name)
{
    char path[96];

    snprintf(path, sizeof(path), "/sys/class/net/%s/bridge", name);
    return access(path, F_OK) == 0;
}

static int request(unsigned long what, void *arg, const char *step, const char *object,
                   struct hl_error *e)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc = 0;

    if (fd < 0)
        return hl_fail(e, errno, step, object, NULL);
    if (ioctl(fd, what, arg) < 0)
        rc = hl_fail(e, errno, step, object, NULL);
    close(fd);
    return rc;
}

static struct ifreq named(const char *name)
{
    struct ifreq r = {0};

    snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
    return r;
}

int net_set_up(const char *name, bool up, struct hl_error *e)
{
    struct ifreq r = named(name);
    int rc = request(SIOCGIFFLAGS, &r, "read an interface's flags", name, e);

    if (rc < 0)
        return rc;
    r.ifr_flags = (short)(up ? r.ifr_flags | IFF_UP : r.ifr_flags & ~IFF_UP);
    return request(SIOCSIFFLAGS, &r, up ? "bring the interface up" : "bring the interface down",
                   name, e);
}

int net_rename(const char *name, const char *to, struct hl_error *e)
{
    struct ifreq r = named(name);

    snprintf(r.ifr_newname, sizeof(r.ifr_newname), "%s", to);
    return request(SIOCSIFNAME, &r, "rename the interface", to, e);
}

int net_set_mtu(const char *name, int mtu, struct hl_error *e)
{
    struct ifreq r = named(name);

    r.ifr_mtu = mtu;
    return request(SIOCSIFMTU, &r, "set the interface's MTU", name, e);
}

int net_mtu(const char *name)
{
    struct ifreq r = named(name);

    return request(SIOCGIFMTU, &r, "", name, NULL) == 0 ? r.ifr_mtu : 0;
}

int net_set_address(const char *name, struct in_addr address, struct in_addr mask,
                    struct hl_error *e)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = address};
    struct ifreq r = named(name);
    int rc;

    memcpy(&r.ifr_addr, &in, sizeof(in));
    rc = request(SIOCSIFADDR, &r, "set the interface's address", name, e);
    if (rc < 0)
        return rc;
    in.sin_addr = mask;
    memcpy(&r.ifr_netmask, &in, sizeof(in));
    return request(SIOCSIFNETMASK, &r, "set the interface's network", name, e);
}

/* Attached to the interface, which the first call makes; -EBUSY while a program is. */
static int tap_attach(int fd, const char *name)
{
    struct ifreq r = named(name);

    r.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
    return ioctl(fd, TUNSETIFF, &r) < 0 ? -errno : 0;
}

static int tap_persist(const char *name, bool on, unsigned int tries, struct hl_error *e)
{
    const char *step = on ? "make the interface" : "remove the interface";
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC), rc;

    if (fd < 0)
        return hl_fail(e, errno, step, "/dev/net/tun", NULL);
    while ((rc = tap_attach(fd, name)) == -EBUSY && tries-- > 0)
        usleep(10000);
    if (rc == 0 && ioctl(fd, TUNSETPERSIST, on ? 1 : 0) < 0)
        rc = -errno;
    close(fd);
    return rc == 0 ? 0 : hl_fail(e, -rc, step, name, NULL);
}

int net_tap_add(const char *name, struct hl_error *e)
{
    return tap_persist(name, true, 0, e);
}

int net_tap_remove(const char *name, struct hl_error *e)
{
    return net_exists(name) ? tap_persist(name, false, 500, e) : 0;
}

int net_bridge_add(const char *bridge, struct hl_error *e)
{
    char name[IFNAMSIZ] = {0};

    snprintf(name, sizeof(name), "%s", bridge);
    return request(SIOCBRADDBR, name, "make the bridge", bridge, e);
}

int net_bridge_remove(const char *bridge, struct hl_error *e)
{
    char name[IFNAMSIZ] = {0};

    snprintf(name, sizeof(name), "%s", bridge);
    return request(SIOCBRDELBR, name, "remove the bridge", bridge, e);
}

static int change_port(unsigned long what, const char *bridge, const char *port, const char *step,
                       struct hl_error *e)
{
    struct ifreq r = named(bridge);

    r.ifr_ifindex = (int)if_nametoindex(port);
    if (r.ifr_ifindex == 0)
        return hl_fail(e, ENODEV, step, port, NULL);
    return request(what, &r, step, bridge, e);
}

int net_bridge_add_port(const char *bridge, const char *port, struct hl_error *e)
{
    return change_port(SIOCBRADDIF, bridge, port, "add a port to the bridge", e);
}

int net_bridge_remove_port(const char *bridge, const char *port, struct hl_error *e)
{
    return change_port(SIOCBRDELIF, bridge, port, "take a port from the bridge", e);
}

int net_bridge_ports(const char *bridge)
{
    struct dirent *entry;
    char path[96];
    int n = 0;
    DIR *dir;

    snprintf(path, sizeof(path), "/sys/class/net/%s/brif", bridge);
    dir = opendir(path);
    if (dir == NULL)
        return -1;
    while ((entry = readdir(dir)) != NULL)
        n += entry->d_name[0] != '.';
    closedir(dir);
    return n;
}

int net_add_route(const char *name, struct in_addr to, unsigned int bits, struct hl_error *e)
{
    struct in_addr bitmask = {bits == 0 ? 0 : htonl(UINT32_MAX << (32 - bits))};
    struct sockaddr_in mask = {.sin_family = AF_INET, .sin_addr = bitmask};
    struct sockaddr_in dst = {.sin_family = AF_INET, .sin_addr.s_addr = to.s_addr & bitmask.s_addr};
    struct rtentry route = {.rt_flags = RTF_UP | (bits == 32 ? RTF_HOST : 0),
                            .rt_dev = (char *)name};

    memcpy(&route.rt_dst, &dst, sizeof(dst));
    memcpy(&route.rt_genmask, &mask, sizeof(mask));
    return request(SIOCADDRT, &route, "add a route to the guest", name, e);
}

bool net_has_table(const char *name)
{
    struct {
        struct nlmsghdr head;
        struct nfgenmsg family;
        struct nlattr attr;
        char name[64];
    } ask = {
        .head = {.nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE,
                 .nlmsg_flags = NLM_F_REQUEST},
        .family = {.nfgen_family = AF_INET, .version = NFNETLINK_V0},
        .attr = {.nla_type = NFTA_TABLE_NAME},
    };
    union {
        struct nlmsghdr head;
        char buf[4096];
    } answer;
    size_t len = strlen(name) + 1;
    bool is = false;
    int fd;

    if (len > sizeof(ask.name))
        return false;
    memcpy(ask.name, name, len);
    ask.attr.nla_len = (uint16_t)(sizeof(ask.attr) + len);
    ask.head.nlmsg_len = (uint32_t)(sizeof(ask) - sizeof(ask.name) + NLA_ALIGN(len));
    fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
    if (fd < 0)
        return false;
    /* The table, or an error; the kernel answers before send() returns. */
    if (send(fd, &ask, ask.head.nlmsg_len, 0) > 0 &&
        recv(fd, &answer, sizeof(answer), MSG_DONTWAIT) >= (ssize_t)sizeof(answer.head))
        is = answer.head.nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE);
    close(fd);
    return is;
}

int net_sysctl(const char *what, const char *value, struct hl_error *e)
{
    char path[160];
    int fd, rc = 0;

    snprintf(path, sizeof(path), "/proc/sys/net/ipv4/%s", what);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return hl_fail(e, errno, "set up routing", path, NULL);
    if (write(fd, value, strlen(value)) < 0)
        rc = hl_fail(e, errno, "set up routing", path, NULL);
    close(fd);
    return rc;
}
