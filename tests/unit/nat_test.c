/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private networks and their guests' ends: that a network goes with its last guest, and with no other, however the toolstack's
 * work and the kernel's interleave. Linux takes a back end's device away in steps (device_del() in drivers/base/core.c):
 *
 *   its name on the bus, /sys/bus/xen-backend/devices/vif-7-0
 *   what the driver has: the interface, which is a port until then
 *   its folder, /sys/devices/vif-7-0
 *
 * The kernel is played: its /sys is a folder of the test's, where the calls of net.h and nftables leave their traces.
 *
 *   nat_test XENSTORED
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dom0-toolstack/lib/ctx.h"
#include "dom0-toolstack/lib/device.h"
#include "dom0-toolstack/lib/device_class.h"
#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/files.h"
#include "dom0-toolstack/lib/nat.h"
#include "dom0-toolstack/lib/net.h"
#include "dom0-toolstack/lib/script.h"
#include "tests/unit/device_rig.h"

#define BRIDGE "hlnat0"
#define MAC    "00:16:3e:00:00:01"

/* ---- the kernel's files ---- */

static char played_path[256];

/* A path below the test's folder; until the next call. */
static const char *played(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static const char *played(const char *fmt, ...)
{
    int n = snprintf(played_path, sizeof(played_path), "%s", rig_dir);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(played_path + n, sizeof(played_path) - (size_t)n, fmt, ap);
    va_end(ap);
    return played_path;
}

/* Is it installed? It is played by nobody: each start is counted, and leaves no process. */
static bool dnsmasq;
static unsigned int dnsmasq_starts;

int __wrap_script_run(const struct script *s, struct hl_error *e);
int __wrap_script_run(const struct script *s, struct hl_error *e)
{
    (void)s;
    (void)e;
    dnsmasq_starts++;
    return 0;
}

int __real_access(const char *path, int mode);
int __wrap_access(const char *path, int mode);
int __wrap_access(const char *path, int mode)
{
    if (strncmp(path, "/sys/", 5) == 0)
        return __real_access(played("%s", path), mode);
    if (strcmp(path, "/usr/sbin/dnsmasq") == 0 && !dnsmasq) {
        errno = ENOENT;
        return -1;
    }
    if (strcmp(path, "/usr/sbin/dnsmasq") == 0)
        return 0;
    return __real_access(path, mode);
}

DIR *__real_opendir(const char *path);
DIR *__wrap_opendir(const char *path);
DIR *__wrap_opendir(const char *path)
{
    return __real_opendir(strncmp(path, "/sys/", 5) == 0 ? played("%s", path) : path);
}

/* Thousands of networks, none of which has to outlive the machine. */
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    (void)fd;
    return 0;
}

static bool exists(const char *path)
{
    return __real_access(path, F_OK) == 0;
}

/* ---- nftables: a table is a folder ---- */

static void *nft_new(uint32_t flags)
{
    (void)flags;
    return rig_dir;
}

static int nft_buffer(void *ctx)
{
    (void)ctx;
    return 0;
}

static const char *nft_error(void *ctx)
{
    (void)ctx;
    return "no";
}

static void nft_free(void *ctx)
{
    (void)ctx;
}

static int nft_run(void *ctx, const char *commands)
{
    (void)ctx;
    if (strstr(commands, "masquerade") != NULL)
        return mkdir(played("/table"), 0700);
    return rmdir(played("/table"));
}

void *__wrap_dlopen(const char *name, int flags);
void *__wrap_dlopen(const char *name, int flags)
{
    (void)name;
    (void)flags;
    return rig_dir;
}

void *__wrap_dlsym(void *library, const char *name);
void *__wrap_dlsym(void *library, const char *name)
{
    (void)library;
    if (strcmp(name, "nft_ctx_new") == 0)
        return (void *)nft_new;
    if (strcmp(name, "nft_ctx_buffer_error") == 0)
        return (void *)nft_buffer;
    if (strcmp(name, "nft_run_cmd_from_buffer") == 0)
        return (void *)nft_run;
    if (strcmp(name, "nft_ctx_get_error_buffer") == 0)
        return (void *)nft_error;
    return (void *)nft_free;
}

int __wrap_dlclose(void *library);
int __wrap_dlclose(void *library)
{
    (void)library;
    return 0;
}

/* ---- net.h ---- */

static int made(const char *path, struct hl_error *e)
{
    return mkdir(path, 0700) == 0 ? 0 : hl_fail(e, errno, "make", path, NULL);
}

static int removed(const char *path, struct hl_error *e)
{
    return rmdir(path) == 0 ? 0 : hl_fail(e, errno, "remove", path, NULL);
}

bool net_exists(const char *name)
{
    return exists(played("/sys/class/net/%s", name));
}

bool net_is_bridge(const char *name)
{
    return exists(played("/sys/class/net/%s/brif", name));
}

int net_bridge_ports(const char *bridge)
{
    DIR *dir = __real_opendir(played("/sys/class/net/%s/brif", bridge));
    struct dirent *entry;
    int n = 0;

    if (dir == NULL)
        return -1;
    while ((entry = readdir(dir)) != NULL)
        n += entry->d_name[0] != '.';
    closedir(dir);
    return n;
}

int net_bridge_add(const char *bridge, struct hl_error *e)
{
    int rc = made(played("/sys/class/net/%s", bridge), e);

    return rc == 0 ? made(played("/sys/class/net/%s/brif", bridge), e) : rc;
}

static void remove_ports(const char *bridge)
{
    char path[256];
    struct dirent *entry;
    DIR *dir;

    snprintf(path, sizeof(path), "%s", played("/sys/class/net/%s/brif", bridge));
    dir = __real_opendir(path);
    while (dir != NULL && (entry = readdir(dir)) != NULL)
        if (entry->d_name[0] != '.')
            (void)unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR);
    if (dir != NULL)
        closedir(dir);
}

int net_bridge_remove(const char *bridge, struct hl_error *e)
{
    int rc;

    remove_ports(bridge);
    rc = removed(played("/sys/class/net/%s/brif", bridge), e);
    return rc == 0 ? removed(played("/sys/class/net/%s", bridge), e) : rc;
}

int net_bridge_add_port(const char *bridge, const char *port, struct hl_error *e)
{
    if (!net_exists(port))
        return hl_fail(e, ENODEV, "add", port, NULL);
    return made(played("/sys/class/net/%s/brif/%s", bridge, port), e);
}

int net_bridge_remove_port(const char *bridge, const char *port, struct hl_error *e)
{
    return removed(played("/sys/class/net/%s/brif/%s", bridge, port), e);
}

int net_rename(const char *name, const char *to, struct hl_error *e)
{
    (void)name;
    return hl_fail(e, ENOSYS, "rename", to, NULL);
}

int net_set_up(const char *name, bool up, struct hl_error *e)
{
    (void)up;
    return net_exists(name) ? 0 : hl_fail(e, ENODEV, "bring up", name, NULL);
}

int net_set_mtu(const char *name, int mtu, struct hl_error *e)
{
    (void)mtu;
    return net_set_up(name, true, e);
}

int net_mtu(const char *name)
{
    return net_exists(name) ? 1500 : 0;
}

int net_set_address(const char *name, struct in_addr address, struct in_addr mask,
                    struct hl_error *e)
{
    (void)address;
    (void)mask;
    return net_set_up(name, true, e);
}

int net_tap_add(const char *name, struct hl_error *e)
{
    return made(played("/sys/class/net/%s", name), e);
}

int net_tap_remove(const char *name, struct hl_error *e)
{
    return removed(played("/sys/class/net/%s", name), e);
}

int net_add_route(const char *name, struct in_addr to, unsigned int bits, struct hl_error *e)
{
    (void)to;
    (void)bits;
    return net_set_up(name, true, e);
}

bool net_has_table(const char *name)
{
    return strcmp(name, "hospes_nat_" BRIDGE) == 0 && exists(played("/table"));
}

int net_sysctl(const char *what, const char *value_, struct hl_error *e)
{
    (void)what;
    (void)value_;
    (void)e;
    return 0;
}

/* ---- back ends that come and go ---- */

static void folder(const char *path)
{
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        perror(path);
}

static void interface_comes(uint32_t domid, const char *name)
{
    folder(played("/sys/class/net/%s", name));
    folder(played("/sys/devices/vif-%" PRIu32 "-0", domid));
    folder(played("/sys/devices/vif-%" PRIu32 "-0/driver", domid));
    folder(played("/sys/devices/vif-%" PRIu32 "-0/net", domid));
    folder(played("/sys/devices/vif-%" PRIu32 "-0/net/%s", domid, name));
    folder(played("/sys/bus/xen-backend/devices/vif-%" PRIu32 "-0", domid));
}

static void name_goes(uint32_t domid)
{
    (void)rmdir(played("/sys/bus/xen-backend/devices/vif-%" PRIu32 "-0", domid));
    (void)rmdir(played("/sys/devices/vif-%" PRIu32 "-0/driver", domid));
}

static void interface_goes(uint32_t domid, const char *name)
{
    (void)rmdir(played("/sys/class/net/" BRIDGE "/brif/%s", name));
    (void)rmdir(played("/sys/class/net/%s", name));
    (void)rmdir(played("/sys/devices/vif-%" PRIu32 "-0/net/%s", domid, name));
    (void)rmdir(played("/sys/devices/vif-%" PRIu32 "-0/net", domid));
}

static void device_goes(uint32_t domid)
{
    (void)rmdir(played("/sys/devices/vif-%" PRIu32 "-0", domid));
}

static bool is_port(const char *name)
{
    return exists(played("/sys/class/net/" BRIDGE "/brif/%s", name));
}

static bool network_there(void)
{
    return exists(played("/nat-" BRIDGE)) && net_is_bridge(BRIDGE) && exists(played("/table"));
}

static bool network_gone(void)
{
    return !exists(played("/nat-" BRIDGE)) && !net_exists(BRIDGE) && !exists(played("/table"));
}

/* ---- the toolstack ---- */

static void begin(void)
{
    static const char *const homes[] = {"/local/domain/7", "/local/domain/9"};

    (void)hs_rm(rig_xs, HS_TX_NONE, "/local/domain");
    (void)hs_rm(rig_xs, HS_TX_NONE, "/libxl");
    for (size_t i = 0; i < 2; i++) {
        char path[64];

        snprintf(path, sizeof(path), "%s/error", homes[i]);
        put(path, "");
    }
}

static uint32_t asked;

static bool back_there(void)
{
    char path[96];

    snprintf(path, sizeof(path), "/local/domain/0/backend/vif/%" PRIu32 "/0/frontend", asked);
    return there(path);
}

static bool front_gone(void)
{
    char path[96];

    snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/device/vif/0", asked);
    return !there(path);
}

static const char *usual(uint32_t domid)
{
    static char name[32];

    snprintf(name, sizeof(name), "vif%" PRIu32 ".0", domid);
    return name;
}

static bool create(uint32_t domid)
{
    pid_t pid = rig_add(domid, HL_DEVICE_VIF, "mode=nat,mac=" MAC);
    char path[96];

    asked = domid;
    if (!soon(back_there))
        return false;
    interface_comes(domid, usual(domid));
    snprintf(path, sizeof(path), "/local/domain/0/backend/vif/%" PRIu32 "/0/state", domid);
    put(path, "2");
    return answer(pid) == 0;
}

static void finish_end(uint32_t domid)
{
    interface_goes(domid, usual(domid));
    device_goes(domid);
}

static bool running(pid_t pid)
{
    return waitpid(pid, NULL, WNOHANG) == 0;
}

/* ---- tests ---- */

/* The name on the bus is gone, the interface is not: on a busy machine, for long. */
static void last_lingers(void)
{
    pid_t us;

    begin();
    CHECK(create(7));
    CHECK(network_there() && is_port("vif7.0"));
    us = rig_release(7);
    CHECK(soon(front_gone));
    name_goes(7);
    rest_ms(200);
    CHECK(running(us));
    finish_end(7);
    CHECK(answer(us) == 0);
    CHECK(network_gone());
    CHECK(!there("/libxl/7") && !there("/local/domain/0/backend"));
}

/* A restart: the old one's interface goes after the new one's has come. */
static void restart(void)
{
    pid_t us;

    begin();
    CHECK(create(7));
    us = rig_release(7);
    CHECK(soon(front_gone));
    name_goes(7);
    CHECK(create(9));
    CHECK(running(us));
    CHECK(is_port("vif7.0") && is_port("vif9.0"));
    finish_end(7);
    CHECK(answer(us) == 0);
    CHECK(network_there() && is_port("vif9.0"));
    us = rig_release(9);
    asked = 9;
    CHECK(soon(front_gone));
    name_goes(9);
    rest_ms(50);
    finish_end(9);
    CHECK(answer(us) == 0);
    CHECK(network_gone());
}

/* What is left of the class's work when its back end did not let go in time. */
static void unplug(uint32_t domid)
{
    struct hl_ctx ctx = {NULL, rig_xs, 0};
    struct device_job j;

    device_job_init(&j, &ctx, domid, &vif_class, device_backend_find(HL_DEVICE_VIF, "vif"), 0, 0);
    hs_write_at(rig_xs, HS_TX_NONE, j.copy, DEVICE_HOTPLUG, "nat");
    hs_write_at(rig_xs, HS_TX_NONE, j.copy, "bridge", BRIDGE);
    hs_write_at(rig_xs, HS_TX_NONE, j.copy, "mac", MAC);
    hs_write_at(rig_xs, HS_TX_NONE, j.copy, "vifname", "web");
    vif_class.unplug(&j);
}

static const struct nat_client nobody = {"vif1.0", MAC, NULL};

/* It keeps no network, by whatever name; and another guest that has its name keeps its own. */
static void given_up(void)
{
    begin();
    interface_comes(7, "web");
    CHECK(nat_join(BRIDGE, NULL, "web", &nobody, NULL) == 0);
    CHECK(network_there());
    unplug(7);
    CHECK(network_gone());
    interface_goes(7, "web");
    device_goes(7);
    interface_comes(9, "web");
    CHECK(nat_join(BRIDGE, NULL, "web", &nobody, NULL) == 0);
    unplug(7);
    CHECK(network_there() && is_port("web"));
    unplug(9);
    CHECK(network_gone());
    finish_end(9);
    interface_goes(9, "web");
    name_goes(7);
    name_goes(9);
    device_goes(9);
}

static mode_t mode(const char *path)
{
    struct stat st = {.st_mode = 0};

    (void)stat(played("%s", path), &st);
    return st.st_mode & 07777;
}

/* Of two guests with the same address, the one that is gone may be cleared up after the other has come. */
static void reservation(void)
{
    static const char file[] = "/nat-" BRIDGE ".hosts/00-16-3e-00-00-01";
    static const char want[] = "# vif7.0\n" MAC ",10.77.0.5\n";
    const struct nat_client first = {"vif7.0", MAC, "10.77.0.5/24"};
    const struct nat_client second = {"vif77.0", MAC, "10.77.0.6"};
    size_t size = 0;
    mode_t mask;
    void *text;

    interface_comes(7, "vif7.0");
    interface_comes(77, "vif77.0");
    CHECK(nat_join(BRIDGE, "10.77.0.1/24", "vif7.0", &nobody, NULL) == 0);
    dnsmasq = true;
    /* As hospesd and systemd have it; dnsmasq must read it all the same. */
    mask = umask(0077);
    CHECK(chmod(rig_dir, 0700) == 0);
    CHECK(nat_join(BRIDGE, NULL, "vif77.0", &first, NULL) == 0);
    umask(mask);
    CHECK(mode("") == 0711 && mode("/nat-" BRIDGE ".hosts") == 0755 && mode(file) == 0644);
    CHECK(file_read_all(played("%s", file), 100, &text, &size) == 0);
    CHECK(size == sizeof(want) - 1 && memcmp(text, want, size) == 0);
    free(text);
    CHECK(net_bridge_remove_port(BRIDGE, "vif77.0", NULL) == 0);
    CHECK(nat_join(BRIDGE, NULL, "vif77.0", &second, NULL) == 0);
    nat_leave(BRIDGE, NULL, &first);
    CHECK(exists(played("%s", file)));
    nat_leave(BRIDGE, NULL, &(const struct nat_client){"vif77.0", NULL, NULL});
    CHECK(exists(played("%s", file)));
    nat_leave(BRIDGE, NULL, &second);
    CHECK(!exists(played("%s", file)));
    nat_leave(BRIDGE, "vif77.0", &second);
    CHECK(network_there());
    nat_leave(BRIDGE, "vif7.0", &nobody);
    CHECK(network_gone() && !exists(played("/nat-" BRIDGE ".hosts")));
    dnsmasq = false;
    for (uint32_t domid = 7; domid <= 77; domid += 70) {
        interface_goes(domid, usual(domid));
        name_goes(domid);
        device_goes(domid);
    }
}

/* The host's firewall is loaded anew, and its dnsmasq killed, while guests use the network. */
static void taken_away(void)
{
    interface_comes(7, "vif7.0");
    interface_comes(77, "vif77.0");
    dnsmasq = true;
    dnsmasq_starts = 0;
    CHECK(nat_join(BRIDGE, "10.77.0.1/24", "vif7.0", &nobody, NULL) == 0);
    CHECK(network_there() && dnsmasq_starts == 1);
    CHECK(rmdir(played("/table")) == 0);
    CHECK(nat_join(BRIDGE, NULL, "vif77.0", &nobody, NULL) == 0);
    CHECK(network_there() && dnsmasq_starts == 2);
    CHECK(rmdir(played("/table")) == 0);
    CHECK(nat_mend(NULL) == 0);
    CHECK(network_there() && dnsmasq_starts == 3);
    /* What is there stays as it is. */
    dnsmasq = false;
    CHECK(nat_mend(NULL) == 0);
    CHECK(network_there() && dnsmasq_starts == 3);
    nat_leave(BRIDGE, "vif77.0", &nobody);
    nat_leave(BRIDGE, "vif7.0", &nobody);
    CHECK(network_gone());
    CHECK(nat_mend(NULL) == 0);
    CHECK(network_gone());
    for (uint32_t domid = 7; domid <= 77; domid += 70) {
        interface_goes(domid, usual(domid));
        name_goes(domid);
        device_goes(domid);
    }
}

/* Addresses that DHCP would not give; the guest that asks for one is refused, and takes nothing. */
static void addresses(void)
{
    static const struct {
        const char *ip;
        int errnum;
    } bad[] = {
        {"192.168.1.5", EADDRNOTAVAIL}, {"10.77.3.255/24", EADDRNOTAVAIL},
        {"10.77.4.0", EADDRNOTAVAIL},   {"10.77.2.0/23", EADDRNOTAVAIL},
        {"10.77.3.1", EADDRINUSE},      {"10.77.2.9", EADDRINUSE},
    };
    struct nat_client c = {"vif7.0", MAC, "10.77.2.9"};

    interface_comes(7, "vif7.0");
    interface_comes(77, "vif77.0");
    CHECK(nat_join(BRIDGE, "10.77.3.1/23", "vif77.0", &nobody, NULL) == 0);
    dnsmasq = true;
    CHECK(nat_join(BRIDGE, NULL, "vif7.0", &c, NULL) == 0);
    CHECK(net_bridge_remove_port(BRIDGE, "vif77.0", NULL) == 0);
    c.owner = "vif77.0";
    c.mac = "00:16:3e:00:00:02";
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        c.ip = bad[i].ip;
        CHECK(nat_join(BRIDGE, NULL, "vif77.0", &c, NULL) == -bad[i].errnum);
        CHECK(!is_port("vif77.0"));
    }
    c.ip = "10.77.2.90";
    CHECK(nat_join(BRIDGE, NULL, "vif77.0", &c, NULL) == 0);
    nat_leave(BRIDGE, "vif77.0", &c);
    c = (struct nat_client){"vif7.0", MAC, NULL};
    nat_leave(BRIDGE, "vif7.0", &c);
    CHECK(network_gone());
    /* Who is refused as the first leaves no network. */
    dnsmasq = false;
    c.ip = "10.77.0.1";
    CHECK(nat_join(BRIDGE, "10.77.0.1/24", "vif7.0", &c, NULL) == -EADDRINUSE);
    CHECK(network_gone());
    for (uint32_t domid = 7; domid <= 77; domid += 70) {
        interface_goes(domid, usual(domid));
        name_goes(domid);
        device_goes(domid);
    }
}

/* Any order of three guests' steps: the toolstack's (join, leave) and the kernel's (the interface goes). */
enum step { JOIN, LEAVE, GO, STEPS };
#define GUESTS 3

static unsigned int orders, wrong;
static unsigned char order[GUESTS * STEPS];

static void do_step(unsigned int guest, enum step step)
{
    char name[32];

    snprintf(name, sizeof(name), "%s", usual(guest));
    if (step == JOIN) {
        folder(played("/sys/class/net/%s", name));
        wrong += nat_join(BRIDGE, NULL, name, &nobody, NULL) != 0;
    } else if (step == LEAVE) {
        nat_leave(BRIDGE, net_exists(name) ? name : NULL, &nobody);
    } else {
        interface_goes(guest, name);
    }
}

/* Who has joined, and neither left nor lost the interface, is a port; with nobody of that kind a leave ends the network. */
static void look(const unsigned int done[GUESTS], enum step last)
{
    bool any = false;

    for (unsigned int g = 0; g < GUESTS; g++) {
        bool uses = done[g] == 1u << JOIN;

        any = any || uses;
        wrong += uses && !is_port(usual(g));
    }
    wrong += any && !network_there();
    wrong += !any && last == LEAVE && !network_gone();
}

static void play(size_t length)
{
    unsigned int done[GUESTS] = {0};

    for (size_t i = 0; i < length; i++) {
        unsigned int guest = order[i] / STEPS;
        enum step step = order[i] % STEPS;

        do_step(guest, step);
        done[guest] |= 1u << step;
        look(done, step);
    }
    wrong += !network_gone();
    orders++;
}

static void each_order(size_t length, const unsigned int done[GUESTS])
{
    bool last = true;

    for (unsigned int g = 0; g < GUESTS; g++) {
        for (unsigned int s = 0; s < STEPS; s++) {
            unsigned int next[GUESTS];

            if ((done[g] & 1u << s) != 0 || (s != JOIN && (done[g] & 1u << JOIN) == 0))
                continue;
            last = false;
            memcpy(next, done, sizeof(next));
            next[g] |= 1u << s;
            order[length] = (unsigned char)(g * STEPS + s);
            each_order(length + 1, next);
        }
    }
    if (last)
        play(length);
}

static void all_orders(void)
{
    static const unsigned int first[GUESTS] = {1u << JOIN, 1u << JOIN};

    /* Two are there from the start: half of the orders there are, which say as much. */
    order[0] = JOIN;
    order[1] = STEPS + JOIN;
    orders = wrong = 0;
    each_order(2, first);
    CHECK(orders == 1680);
    CHECK(wrong == 0);
}

static void make_sys(void)
{
    static const char *const folders[] = {"/sys",
                                          "/sys/class",
                                          "/sys/class/net",
                                          "/sys/devices",
                                          "/sys/bus",
                                          "/sys/bus/xen-backend",
                                          "/sys/bus/xen-backend/devices",
                                          "/sys/bus/xen-backend/drivers",
                                          "/sys/bus/xen-backend/drivers/vif",
                                          "/sys/module",
                                          "/sys/module/bridge"};

    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        folder(played("%s", folders[i]));
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"last_lingers", last_lingers}, {"restart", restart},       {"given_up", given_up},
        {"reservation", reservation},   {"taken_away", taken_away}, {"addresses", addresses},
        {"all_orders", all_orders},
    };
    int rc;

    if (argc != 2)
        return 2;
    if (!rig_start(argv[1])) {
        printf("not ok nat: xenstored does not start; see %s\n", rig_dir);
        return 1;
    }
    make_sys();
    rc = test_run("nat", tests, sizeof(tests) / sizeof(tests[0]));
    rig_stop();
    return rc;
}
