/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private networks; see nat.h. */
#include "dom0-toolstack/lib/nat.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <limits.h>
#include <net/if.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/fault.h"
#include "dom0-toolstack/lib/files.h"
#include "dom0-toolstack/lib/lock.h"
#include "dom0-toolstack/lib/net.h"
#include "dom0-toolstack/lib/script.h"

#define DNSMASQ "/usr/sbin/dnsmasq"

struct network {
    char bridge[IFNAMSIZ];
    struct in_addr address, mask;
};

/* "HOSPES_RUN_DIR/nat-BRIDGE" and its neighbours. */
static void own_path(const char *bridge, const char *suffix, char out[PATH_MAX])
{
    char name[64];

    snprintf(name, sizeof(name), "nat-%s%s", bridge, suffix);
    if (run_path(out, PATH_MAX, name) < 0)
        *out = '\0';
}

/* ---- addresses ---------------------------------------------------------------------------- */

static bool overlaps(const struct network *n)
{
    struct ifaddrs *all, *a;
    bool found = false;

    if (getifaddrs(&all) < 0)
        return false;
    for (a = all; a != NULL && !found; a = a->ifa_next) {
        struct in_addr ip, mask;

        if (a->ifa_addr == NULL || a->ifa_addr->sa_family != AF_INET || a->ifa_netmask == NULL)
            continue;
        ip = ((struct sockaddr_in *)(void *)a->ifa_addr)->sin_addr;
        mask = ((struct sockaddr_in *)(void *)a->ifa_netmask)->sin_addr;
        mask.s_addr &= n->mask.s_addr; /* the wider of the two */
        found = ((ip.s_addr ^ n->address.s_addr) & mask.s_addr) == 0;
    }
    freeifaddrs(all);
    return found;
}

static bool parse_network(struct network *n, const char *text)
{
    char ip[32];
    unsigned int bits;

    if (sscanf(text, "%31[0-9.]/%u", ip, &bits) != 2 || bits < 8 || bits > 29 ||
        inet_pton(AF_INET, ip, &n->address) != 1)
        return false;
    n->mask.s_addr = htonl(~0u << (32 - bits));
    return true;
}

/* A network that is there, from its file. */
static bool read_network(const char *bridge, struct network *n)
{
    char path[PATH_MAX];
    size_t size;
    void *data;
    bool known;

    own_path(bridge, "", path);
    if (file_read_all(path, 64, &data, &size) != 0)
        return false;
    snprintf(n->bridge, sizeof(n->bridge), "%s", bridge);
    known = parse_network(n, data);
    free(data);
    return known;
}

static int choose_address(struct network *n, const char *address, struct hl_error *e)
{
    char text[32];

    if (address != NULL) {
        if (parse_network(n, address))
            return 0;
        return hl_fail(e, EINVAL, "make the private network", n->bridge,
                       "\"%s\" is no address like 10.77.0.1/24", address);
    }
    for (int i = 0; i < 256; i++) {
        snprintf(text, sizeof(text), "10.77.%d.1/24", i);
        if (parse_network(n, text) && !overlaps(n))
            return 0;
    }
    hl_fail(e, EADDRINUSE, "make the private network", n->bridge,
            "no network below 10.77.0.0/16 is free");
    hl_error_advise(e, "name one in /etc/xen/xl.conf: vif.nat.address=\"192.168.99.1/24\"");
    return -EADDRINUSE;
}

/* "10.77.0.0/24", or with the bridge's own address */
static void format_network(const struct network *n, bool own, char out[32])
{
    struct in_addr net = {n->address.s_addr & (own ? ~(in_addr_t)0 : n->mask.s_addr)};
    char text[INET_ADDRSTRLEN];

    inet_ntop(AF_INET, &net, text, sizeof(text));
    snprintf(out, 32, "%s/%d", text, __builtin_popcount(n->mask.s_addr));
}

/* ---- nftables ----------------------------------------------------------------------------- */

/*
 * libnftables is loaded when it is needed: most hosts and most verbs never do. Its four functions
 * are part of its stable interface.
 */
struct nft {
    void *library, *ctx;
    int (*run)(void *ctx, const char *commands);
    const char *(*error)(void *ctx);
    void (*free)(void *ctx);
};

static int nft_open(struct nft *n, struct hl_error *e)
{
    void *(*new)(uint32_t flags);
    int (*buffer)(void *ctx);

    n->ctx = NULL;
    n->library = dlopen("libnftables.so.1", RTLD_NOW | RTLD_LOCAL);
    if (n->library == NULL) {
        hl_fail(e, ENOENT, "set address translation up", "libnftables.so.1", "%s", dlerror());
        hl_error_advise(e, "install it: apt install libnftables1");
        return -ENOENT;
    }
    *(void **)&new = dlsym(n->library, "nft_ctx_new");
    *(void **)&buffer = dlsym(n->library, "nft_ctx_buffer_error");
    *(void **)&n->run = dlsym(n->library, "nft_run_cmd_from_buffer");
    *(void **)&n->error = dlsym(n->library, "nft_ctx_get_error_buffer");
    *(void **)&n->free = dlsym(n->library, "nft_ctx_free");
    if (new != NULL && buffer != NULL && n->run != NULL && n->error != NULL && n->free != NULL)
        n->ctx = new (0);
    if (n->ctx != NULL && buffer(n->ctx) == 0)
        return 0;
    if (n->ctx != NULL)
        n->free(n->ctx);
    dlclose(n->library);
    return hl_fail(e, ENOSYS, "set address translation up", "libnftables.so.1",
                   "it is not the version 1 interface");
}

static int nft_run(const char *commands, const char *bridge, struct hl_error *e)
{
    struct nft n;
    int rc = nft_open(&n, e);

    if (rc < 0)
        return rc;
    if (n.run(n.ctx, commands) != 0) {
        char text[200];

        /* The first line says it; the others show the command. */
        snprintf(text, sizeof(text), "%.*s", (int)strcspn(n.error(n.ctx), "\n"), n.error(n.ctx));
        rc = hl_fail(e, EIO, "set address translation up", bridge, "nftables: %s", text);
    }
    n.free(n.ctx);
    dlclose(n.library);
    return rc;
}

/*
 * A table of our own for each network, so that removing it removes all. Guests reach everything,
 * nobody reaches them but for answers and for what a rule of the administrator translates.
 */
static int translate(const struct network *n, struct hl_error *e)
{
    char net[32], text[1024];
    const char *b = n->bridge;

    format_network(n, false, net);
    snprintf(text, sizeof(text),
             "table ip hospes_nat_%s {}\n"
             "delete table ip hospes_nat_%s\n"
             "table ip hospes_nat_%s {\n"
             " chain out { type nat hook postrouting priority 100;\n"
             "  ip saddr %s ip daddr != %s masquerade;\n"
             " }\n"
             " chain in { type filter hook forward priority 0;\n"
             "  oifname \"%s\" iifname != \"%s\" ct state established,related accept;\n"
             "  oifname \"%s\" iifname != \"%s\" ct status dnat accept;\n"
             "  oifname \"%s\" iifname != \"%s\" drop;\n"
             " }\n"
             "}\n",
             b, b, b, net, net, b, b, b, b, b, b);
    return nft_run(text, b, e);
}

static bool is_translated(const char *bridge)
{
    char name[64];

    snprintf(name, sizeof(name), "hospes_nat_%s", bridge);
    return net_has_table(name);
}

static void untranslate(const char *bridge)
{
    char text[128];

    snprintf(text, sizeof(text), "delete table ip hospes_nat_%s\n", bridge);
    (void)nft_run(text, bridge, NULL);
}

/* ---- DHCP --------------------------------------------------------------------------------- */

/*
 * The folder of reserved addresses. dnsmasq, who is nobody in particular by then, reads there: it has to get there and in,
 * whatever our umask is (hospesd's is 077) and whoever made the folder above.
 */
static int make_hosts(const char *bridge, struct hl_error *e)
{
    static const char step[] = "make the folder of reserved addresses";
    char path[PATH_MAX], above[PATH_MAX];
    struct stat st;

    own_path(bridge, ".hosts", path);
    if ((mkdir(path, 0755) < 0 && errno != EEXIST) || chmod(path, 0755) < 0)
        return hl_fail(e, errno, step, path, NULL);
    snprintf(above, sizeof(above), "%s", path);
    *strrchr(above, '/') = '\0';
    if (stat(above, &st) < 0 || chmod(above, (st.st_mode & 07777) | 0111) < 0)
        return hl_fail(e, errno, step, above, NULL);
    return 0;
}

static int start_dhcp(const struct network *n, struct hl_error *e)
{
    char pid[PATH_MAX + 16], lease[PATH_MAX + 24], hosts[PATH_MAX + 24], path[PATH_MAX];
    char interface[IFNAMSIZ + 16], range[96], first[INET_ADDRSTRLEN], last[INET_ADDRSTRLEN];
    uint32_t mask = ntohl(n->mask.s_addr), net = ntohl(n->address.s_addr) & mask;
    struct in_addr from = {htonl(net + 2)}, to = {htonl((net | ~mask) - 1)};
    const char *user = getpwnam("dnsmasq") != NULL ? "--user=dnsmasq" : "--user=root";
    const char *argv[] = {DNSMASQ,
                          "--conf-file=/dev/null",
                          interface,
                          "--except-interface=lo",
                          range,
                          lease,
                          hosts,
                          pid,
                          user,
                          "--bind-interfaces",
                          "--dhcp-authoritative",
                          NULL};
    const struct script run = {"start DHCP", argv, NULL, 30, NULL};
    int rc;

    /* Without it guests choose addresses of their own. */
    if (access(DNSMASQ, X_OK) != 0)
        return 0;
    rc = make_hosts(n->bridge, e);
    if (rc < 0)
        return rc;
    own_path(n->bridge, ".hosts", path);
    snprintf(hosts, sizeof(hosts), "--dhcp-hostsdir=%s", path);
    own_path(n->bridge, ".leases", path);
    snprintf(lease, sizeof(lease), "--dhcp-leasefile=%s", path);
    own_path(n->bridge, ".pid", path);
    snprintf(pid, sizeof(pid), "--pid-file=%s", path);
    snprintf(interface, sizeof(interface), "--interface=%s", n->bridge);
    inet_ntop(AF_INET, &from, first, sizeof(first));
    inet_ntop(AF_INET, &to, last, sizeof(last));
    snprintf(range, sizeof(range), "--dhcp-range=%s,%s,12h", first, last);
    rc = script_run(&run, e);
    /* Debian's dnsmasq, as it is installed, listens at all addresses. */
    if (rc < 0)
        hl_error_advise(
            e, "if this host has a DNS or DHCP server, let it listen at its own addresses alone "
               "(dnsmasq: bind-interfaces; BIND: listen-on)");
    return rc;
}

/* The process that the file names, if it is a dnsmasq of this network. */
static pid_t dhcp_pid(const char *bridge)
{
    char path[PATH_MAX], proc[64], line[1024] = "", *text;
    void *data;
    size_t size;
    long pid;
    int fd;

    own_path(bridge, ".pid", path);
    if (file_read_all(path, 64, &data, &size) != 0)
        return 0;
    pid = strtol(data, NULL, 10);
    free(data);
    snprintf(proc, sizeof(proc), "/proc/%ld/cmdline", pid);
    fd = pid > 1 ? open(proc, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return 0;
    size = (size_t)read(fd, line, sizeof(line) - 1);
    close(fd);
    if (size >= sizeof(line))
        return 0;
    for (text = line; text < line + size; text += strlen(text) + 1)
        if (strncmp(text, "--pid-file=", 11) == 0 && strcmp(text + 11, path) == 0)
            return (pid_t)pid;
    return 0;
}

/* The folder of reserved addresses, with what an interrupted removal left in it. */
static void remove_hosts(const char *bridge)
{
    char path[PATH_MAX];
    struct dirent *entry;
    DIR *dir;

    own_path(bridge, ".hosts", path);
    dir = opendir(path);
    while (dir != NULL && (entry = readdir(dir)) != NULL)
        if (entry->d_name[0] != '.')
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir != NULL)
        closedir(dir);
    (void)rmdir(path);
}

static void stop_dhcp(const char *bridge)
{
    static const char *const files[] = {".pid", ".leases"};
    pid_t pid = dhcp_pid(bridge);
    char path[PATH_MAX];

    if (pid != 0)
        kill(pid, SIGTERM);
    for (int i = 0; pid != 0 && i < 500 && kill(pid, 0) == 0; i++)
        usleep(10000);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        own_path(bridge, files[i], path);
        unlink(path);
    }
    remove_hosts(bridge);
}

/* One file a guest, named by its address with "-" for ":". */
static void host_path(const char *bridge, const char *mac, char out[PATH_MAX])
{
    char suffix[40];

    snprintf(suffix, sizeof(suffix), ".hosts/%.17s", mac);
    for (char *p = suffix; *p != '\0'; p++)
        if (*p == ':')
            *p = '-';
    own_path(bridge, suffix, out);
}

/* Has another guest of the network this address reserved? One of the same MAC address is the same guest, or who follows it. */
static bool is_reserved(const char *bridge, const char *mac, const char *ip)
{
    char dir[PATH_MAX], own[PATH_MAX], path[PATH_MAX + 256], line[64];
    struct dirent *entry;
    bool found = false;
    DIR *hosts;

    own_path(bridge, ".hosts", dir);
    host_path(bridge, mac, own);
    snprintf(line, sizeof(line), ",%.*s\n", (int)strcspn(ip, "/ "), ip);
    hosts = opendir(dir);
    while (hosts != NULL && !found && (entry = readdir(hosts)) != NULL) {
        size_t size;
        void *data;

        snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
        if (entry->d_name[0] == '.' || strcmp(path, own) == 0 ||
            file_read_all(path, 256, &data, &size) != 0)
            continue;
        found = strstr(data, line) != NULL;
        free(data);
    }
    if (hosts != NULL)
        closedir(hosts);
    return found;
}

/* An address that DHCP would not give the guest must not be asked for. */
static int check_address(const char *bridge, const struct nat_client *c, struct hl_error *e)
{
    static const char step[] = "reserve the guest's address";
    char text[32], net[32];
    struct network n;
    struct in_addr ip;

    if (c->ip == NULL || !read_network(bridge, &n))
        return 0;
    snprintf(text, sizeof(text), "%.*s", (int)strcspn(c->ip, "/ "), c->ip);
    if (inet_pton(AF_INET, text, &ip) != 1)
        return 0;
    format_network(&n, false, net);
    if (ip.s_addr == n.address.s_addr)
        return hl_fail(e, EADDRINUSE, step, text, "it is the network's own, %s's", bridge);
    if (((ip.s_addr ^ n.address.s_addr) & n.mask.s_addr) != 0 ||
        (ip.s_addr & ~n.mask.s_addr) == 0 || (ip.s_addr | n.mask.s_addr) == ~(in_addr_t)0)
        return hl_fail(e, EADDRNOTAVAIL, step, text,
                       "it is none that a guest of the private network %s (%s) can have", bridge,
                       net);
    if (is_reserved(bridge, c->mac, c->ip))
        return hl_fail(e, EADDRINUSE, step, text, "another guest of %s has it", bridge);
    return 0;
}

/* The first line is dnsmasq's comment, and says to us whose it is. */
static int reserve(const char *bridge, const struct nat_client *c, struct hl_error *e)
{
    char path[PATH_MAX], text[128];
    int rc;

    if (c->ip == NULL || access(DNSMASQ, X_OK) != 0)
        return 0;
    rc = make_hosts(bridge, e);
    if (rc < 0)
        return rc;
    host_path(bridge, c->mac, path);
    snprintf(text, sizeof(text), "# %.31s\n%.17s,%.*s\n", c->owner, c->mac,
             (int)strcspn(c->ip, "/ "), c->ip);
    rc = file_write_atomic(path, text, strlen(text), 0644);
    return rc == 0 ? 0 : hl_fail(e, -rc, "reserve the guest's address", path, NULL);
}

/* Whoever comes late for a guest that is gone must not take it from one that has the same address now. */
static void unreserve(const char *bridge, const struct nat_client *c)
{
    char path[PATH_MAX], line[64];
    size_t size, n;
    void *data;

    if (c->mac == NULL)
        return;
    host_path(bridge, c->mac, path);
    if (file_read_all(path, 256, &data, &size) != 0)
        return;
    n = (size_t)snprintf(line, sizeof(line), "# %.31s\n", c->owner);
    if (size >= n && memcmp(data, line, n) == 0)
        unlink(path);
    free(data);
}

/* ---- the network -------------------------------------------------------------------------- */

static void tear_down(const char *bridge)
{
    char path[PATH_MAX];

    stop_dhcp(bridge);
    untranslate(bridge);
    (void)net_set_up(bridge, false, NULL);
    (void)net_bridge_remove(bridge, NULL);
    /* Last: until then whoever comes next knows that it is ours. */
    own_path(bridge, "", path);
    unlink(path);
}

static int build(const char *bridge, const char *address, struct hl_error *e)
{
    struct network n;
    char path[PATH_MAX], net[32];
    int rc;

    snprintf(n.bridge, sizeof(n.bridge), "%s", bridge);
    rc = choose_address(&n, address, e);
    if (rc < 0)
        return rc;
    own_path(bridge, "", path);
    format_network(&n, true, net);
    rc = file_write_atomic(path, net, strlen(net), 0644);
    if (rc < 0)
        return hl_fail(e, -rc, "make the private network", path, NULL);
    rc = module_need("bridge", "/sys/module/bridge", "make the private network", e);
    if (rc == 0)
        rc = net_bridge_add(bridge, e);
    if (rc == 0)
        rc = net_set_address(bridge, n.address, n.mask, e);
    if (rc == 0)
        rc = net_set_up(bridge, true, e);
    if (rc == 0)
        rc = net_sysctl("ip_forward", "1", e);
    if (rc == 0)
        rc = hl_fault("set address translation up", e);
    if (rc == 0)
        rc = translate(&n, e);
    if (rc == 0)
        rc = hl_fault("start DHCP", e);
    if (rc == 0)
        rc = start_dhcp(&n, e);
    if (rc < 0)
        tear_down(bridge);
    return rc;
}

static bool is_ours(const char *bridge)
{
    char path[PATH_MAX];

    own_path(bridge, "", path);
    return access(path, F_OK) == 0;
}

/*
 * Makes again what others of the host take away under way: a firewall that is loaded anew begins with no tables, and a
 * dnsmasq may be killed together with the host's own.
 */
static int mend(const char *bridge, struct hl_error *e)
{
    struct network n;
    int rc = 0;

    if (!read_network(bridge, &n))
        return 0;
    if (!is_translated(bridge))
        rc = translate(&n, e);
    if (rc == 0 && dhcp_pid(bridge) == 0)
        rc = start_dhcp(&n, e);
    return rc;
}

static int need_network(const char *bridge, const char *address, struct hl_error *e)
{
    if (is_ours(bridge)) {
        if (net_is_bridge(bridge))
            return mend(bridge, e);
        tear_down(bridge); /* interrupted half-way */
    } else if (net_exists(bridge)) {
        hl_fail(e, EEXIST, "make the private network", bridge,
                "there is an interface of this name that is not a private network of ours");
        hl_error_advise(e, "use it as it is (without mode=nat), or name another one with bridge=");
        return -EEXIST;
    }
    return build(bridge, address, e);
}

static void leave_locked(const char *bridge)
{
    if (is_ours(bridge) && net_bridge_ports(bridge) <= 0)
        tear_down(bridge);
}

int nat_join(const char *bridge, const char *address, const char *port, const struct nat_client *c,
             struct hl_error *e)
{
    int lock = lock_take(LOCK_NETWORK, e), rc = lock < 0 ? lock : 0;

    if (rc == 0)
        rc = need_network(bridge, address, e);
    if (rc == 0) {
        rc = check_address(bridge, c, e);
        if (rc == 0)
            rc = reserve(bridge, c, e);
        if (rc == 0)
            rc = net_bridge_add_port(bridge, port, e);
        if (rc < 0)
            leave_locked(bridge);
    }
    lock_drop(lock);
    return rc;
}

void nat_leave(const char *bridge, const char *port, const struct nat_client *c)
{
    int lock = lock_take(LOCK_NETWORK, NULL);

    unreserve(bridge, c);
    /* A back end that lets go later than we wait must not keep the network: nobody comes for it again. */
    if (port != NULL && is_ours(bridge))
        (void)net_bridge_remove_port(bridge, port, NULL);
    leave_locked(bridge);
    lock_drop(lock);
}

int nat_mend(struct hl_error *e)
{
    static const char prefix[] = "nat-";
    int lock = lock_take(LOCK_NETWORK, e), rc = lock < 0 ? lock : 0;
    char path[PATH_MAX];
    struct dirent *entry;
    DIR *dir = NULL;

    if (rc == 0 && run_path(path, sizeof(path), "") == 0)
        dir = opendir(path);
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        const char *bridge = entry->d_name + sizeof(prefix) - 1;

        /* Their other files name no bridge. */
        if (strncmp(entry->d_name, prefix, sizeof(prefix) - 1) != 0 || strlen(bridge) >= IFNAMSIZ ||
            !net_is_bridge(bridge))
            continue;
        if (rc == 0)
            rc = mend(bridge, e);
        else
            (void)mend(bridge, NULL);
    }
    if (dir != NULL)
        closedir(dir);
    lock_drop(lock);
    return rc;
}
