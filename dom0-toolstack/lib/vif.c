/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Network interfaces: the class vif. The kernel's xen-netback makes an interface vifN.D, which
 * becomes a port of a bridge, or gets a route; it goes with the back end. netback tells the guest
 * that it is connected when "hotplug-status" is there.
 *
 * With backendtype=tap the interface is a TAP one that we make and remove, and hospes-net serves
 * it; with mode=user hospes-net alone is the guest's network.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dom0-toolstack/lib/ctx.h"
#include "dom0-toolstack/lib/device_class.h"
#include "dom0-toolstack/lib/device_wait.h"
#include "dom0-toolstack/lib/driver_domain.h"
#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/fault.h"
#include "dom0-toolstack/lib/files.h"
#include "dom0-toolstack/lib/nat.h"
#include "dom0-toolstack/lib/net.h"
#include "dom0-toolstack/lib/script.h"
#include "dom0-toolstack/lib/xl_conf.h"

#define SCRIPT_SECONDS 60
#define DEFAULT_BRIDGE "xenbr0"
#define NAT_BRIDGE     "hlnat0"

static const char *const mode_names[] = {"bridge", "nat", "route", "script", "user", NULL};

static const struct device_field fields[] = {
    DEVICE_FIELD("backend_domname", FIELD_TEXT, nic.backend_domain, NULL, 0),
    DEVICE_FIELD("mtu", FIELD_INT, nic.mtu, NULL, 0),
    DEVICE_FIELD("model", FIELD_TEXT, nic.model, NULL, 0),
    DEVICE_FIELD("mac", FIELD_TEXT, nic.mac, NULL, 0),
    DEVICE_FIELD("ip", FIELD_TEXT, nic.ip, NULL, 0),
    DEVICE_FIELD("bridge", FIELD_TEXT, nic.bridge, NULL, 0),
    DEVICE_FIELD("ifname", FIELD_TEXT, nic.vifname, NULL, 0),
    DEVICE_FIELD("script", FIELD_TEXT, nic.script, NULL, 0),
    DEVICE_FIELD("mode", FIELD_WORD, nic.mode, mode_names, HL_NIC_BRIDGE),
    DEVICE_FIELD("tap", FIELD_FLAG, nic.tap, NULL, 0),
    DEVICE_FIELD("rate_bytes_per_interval", FIELD_LONG, nic.rate_bytes, NULL, 0),
    DEVICE_FIELD("rate_interval_usecs", FIELD_INT, nic.rate_us, NULL, 0),
    DEVICE_FIELD("gatewaydev", FIELD_TEXT, nic.gatewaydev, NULL, 0),
    DEVICE_FIELD("trusted", FIELD_BOOL, nic.trusted, NULL, 1),
    {NULL, FIELD_TEXT, 0, NULL, 0},
};

static void init(struct hl_device *d)
{
    d->nic.trusted = true;
}

static const struct device_backend *backend(const struct hl_device *d, struct hl_error *e)
{
    (void)e;
    return device_backend_find(HL_DEVICE_VIF,
                               d->nic.tap || d->nic.mode == HL_NIC_USER ? "qnic" : "vif");
}

/* ---- defaults ----------------------------------------------------------------------------- */

/*
 * An address in Xen's range that is always the same for this host, name and number, so that a guest
 * that is created again finds its network again.
 */
static int make_mac(struct hl_device *d, const char *domain, struct hl_error *e)
{
    uint64_t hash = 0xcbf29ce484222325; /* FNV-1a */
    char text[512];
    void *host = NULL;
    size_t len = 0;

    if (file_read_all("/etc/machine-id", 4096, &host, &len) != 0)
        host = NULL;
    snprintf(text, sizeof(text), "%.64s/%s/%" PRIu32, host == NULL ? "" : (char *)host, domain,
             d->devid);
    free(host);
    for (const char *p = text; *p != '\0'; p++)
        hash = (hash ^ (uint8_t)*p) * 0x100000001b3;
    hash ^= hash >> 32;
    if (asprintf(&d->nic.mac, "00:16:3e:%02x:%02x:%02x", (unsigned int)(hash >> 16 & 0x7f),
                 (unsigned int)(hash >> 8 & 0xff), (unsigned int)(hash & 0xff)) < 0) {
        d->nic.mac = NULL;
        return hl_fail(e, ENOMEM, "check the configuration", "vif", NULL);
    }
    return 0;
}

/*
 * What Xen's scripts of these names do we do ourselves where they are not installed. Where another domain does the host's
 * half it looks for them (from_nodes()).
 */
static int choose_mode(struct hl_nic *nic, struct hl_error *e)
{
    static const char *const known[] = {"vif-bridge", "vif-nat", "vif-route"};
    char *path;

    if (nic->script == NULL || nic->mode == HL_NIC_SCRIPT)
        return 0;
    if (nic->mode != HL_NIC_BRIDGE)
        return hl_fail(e, EINVAL, "check the configuration", "vif",
                       "mode=%s and script= exclude each other", mode_names[nic->mode]);
    path = script_path(nic->script);
    if (path == NULL)
        return hl_fail(e, ENOMEM, "check the configuration", "vif", NULL);
    nic->mode = HL_NIC_SCRIPT;
    if (!driver_domain_is_none(nic->backend_domain)) {
        free(path);
        return 0;
    }
    for (int i = 0; i < 3 && access(path, F_OK) != 0; i++) {
        const char *slash = strrchr(nic->script, '/');

        if (strcmp(slash == NULL ? nic->script : slash + 1, known[i]) == 0) {
            nic->mode = i;
            free(nic->script);
            nic->script = NULL;
            break;
        }
    }
    free(path);
    return 0;
}

/* A default of xl.conf, by its name or its old name; then ours. */
static int set_default(char **field, const char *key, const char *old, const char *ours,
                       struct hl_error *e)
{
    int rc;

    if (*field != NULL)
        return 0;
    rc = xl_conf_string(key, field, e);
    if (rc == 0 && *field == NULL && old != NULL)
        rc = xl_conf_string(old, field, e);
    if (rc == 0 && *field == NULL && ours != NULL) {
        *field = strdup(ours);
        if (*field == NULL)
            rc = hl_fail(e, ENOMEM, "check the configuration", "vif", NULL);
    }
    return rc;
}

/* One of the addresses of ip=, which may be several of a route: ADDRESS or ADDRESS/BITS. NULL at the end of them. */
struct route {
    struct in_addr to;
    unsigned int bits;
    char text[32];
};

static const char *next_route(const char *p, struct route *r, bool *valid)
{
    char *slash, *end;
    size_t len;

    p += strspn(p, " \t");
    len = strcspn(p, " \t");
    if (len == 0)
        return NULL;
    snprintf(r->text, sizeof(r->text), "%.*s", (int)len, p);
    slash = strchr(r->text, '/');
    if (slash != NULL)
        *slash = '\0';
    *valid = len < sizeof(r->text) && inet_pton(AF_INET, r->text, &r->to) == 1;
    r->bits = 32;
    if (slash != NULL) {
        *slash = '/';
        r->bits = (unsigned int)strtoul(slash + 1, &end, 10);
        *valid = *valid && slash[1] >= '0' && slash[1] <= '9' && *end == '\0' && r->bits <= 32;
    }
    return p + len;
}

static int check_ip(const struct hl_nic *nic, struct hl_error *e)
{
    const char *p = nic->ip;
    bool valid = true;
    struct route r;
    int n = 0;

    if (nic->mode != HL_NIC_ROUTE && nic->mode != HL_NIC_NAT)
        return 0;
    if (nic->ip == NULL && nic->mode == HL_NIC_NAT)
        return 0;
    while (p != NULL && (p = next_route(p, &r, &valid)) != NULL && valid)
        n++;
    if (!valid)
        return hl_fail(e, EINVAL, "check the configuration", "vif",
                       "ip=%s: '%s' is no IPv4 address", nic->ip, r.text);
    if (n > 1 && nic->mode == HL_NIC_NAT)
        return hl_fail(e, EINVAL, "check the configuration", "vif",
                       "ip=%s: a private network gives a guest one address", nic->ip);
    if (n == 0)
        return hl_fail(e, EINVAL, "check the configuration", "vif",
                       "a routed interface needs the guest's address: ip=");
    return 0;
}

static int finish(struct hl_device *d, const char *domain, struct hl_error *e)
{
    struct hl_nic *nic = &d->nic;
    int rc = 0;

    if (nic->mode == HL_NIC_USER)
        nic->tap = false;
    rc = set_default(&nic->backend_domain, "vif.default.backend", NULL, NULL, e);
    if (rc == 0 && nic->mode == HL_NIC_BRIDGE)
        rc = set_default(&nic->script, "vif.default.script", "vifscript", NULL, e);
    if (rc == 0)
        rc = choose_mode(nic, e);
    if (rc == 0 && nic->mode == HL_NIC_NAT)
        rc = set_default(&nic->bridge, "vif.nat.bridge", NULL, NAT_BRIDGE, e);
    else if (rc == 0 && nic->mode != HL_NIC_USER)
        rc = set_default(&nic->bridge, "vif.default.bridge", "defaultbridge", DEFAULT_BRIDGE, e);
    if (rc == 0 && nic->mode != HL_NIC_NAT)
        rc = set_default(&nic->gatewaydev, "vif.default.gatewaydev", "defaultgatewaydev", NULL, e);
    if (rc == 0)
        rc = check_ip(nic, e);
    return rc == 0 && nic->mac == NULL ? make_mac(d, domain, e) : rc;
}

/* ---- the host's side ---------------------------------------------------------------------- */

static int check_bridge(const char *bridge, bool in_domain_0, struct hl_error *e)
{
    if (net_is_bridge(bridge))
        return 0;
    if (net_exists(bridge))
        return hl_fail(e, EINVAL, "find the bridge", bridge, "this interface is not a bridge");
    hl_fail(e, ENODEV, "find the bridge", bridge, "there is no such bridge in %s",
            in_domain_0 ? "Domain 0" : "the driver domain");
    hl_error_advise(e, "make it, name another with bridge=, or use mode=nat, which needs none");
    return -ENODEV;
}

static int prepare(struct device_job *j, struct hl_error *e)
{
    const struct hl_nic *nic = &j->dev->nic;
    char *path;
    int rc = 0;

    if (nic->vifname != NULL && net_exists(nic->vifname))
        return hl_fail(e, EEXIST, "name the interface", nic->vifname,
                       "there is an interface of this name");
    if (nic->tap)
        rc = module_need("tun", "/sys/class/misc/tun", "make the interface", e);
    if (rc < 0)
        return rc;
    if (nic->mode == HL_NIC_BRIDGE)
        return check_bridge(nic->bridge, j->ctx->domid == 0, e);
    if (nic->mode != HL_NIC_SCRIPT)
        return 0;
    path = script_path(nic->script);
    if (path == NULL)
        return hl_fail(e, ENOMEM, "find the script", nic->script, NULL);
    if (access(path, X_OK) != 0)
        rc = hl_fail(e, errno, "find the script", path, NULL);
    free(path);
    return rc;
}

/* The guest's MTU: its own, else that of the bridge. */
static int choose_mtu(const struct device_job *j)
{
    const struct hl_nic *nic = &j->dev->nic;
    int mtu = nic->mtu;

    if (mtu == 0 && nic->mode == HL_NIC_BRIDGE && !j->elsewhere)
        mtu = net_mtu(nic->bridge);
    return mtu == 0 ? 1500 : mtu;
}

static void script_node(struct device_job *j, struct store_writer *w)
{
    static const char *const scripts[] = {"vif-bridge", "vif-nat", "vif-route"};
    const struct hl_nic *nic = &j->dev->nic;
    char *script;

    if (nic->mode == HL_NIC_USER)
        return;
    script = script_path(nic->mode == HL_NIC_SCRIPT ? nic->script : scripts[nic->mode]);
    if (script == NULL)
        w->err = w->err == 0 ? ENOMEM : w->err;
    else
        device_put(j, w, "script", "%s", script);
    free(script);
}

static void nodes(struct device_job *j, struct store_writer *w)
{
    const struct hl_nic *nic = &j->dev->nic;

    script_node(j, w);
    if (nic->mode == HL_NIC_USER)
        device_put(j, w, "mode", "user");
    if (nic->vifname != NULL)
        device_put(j, w, "vifname", "%s", nic->vifname);
    device_put(j, w, "mac", "%s", nic->mac);
    if (nic->ip != NULL)
        device_put(j, w, "ip", "%s", nic->ip);
    if (nic->mtu != 0)
        device_put(j, w, "mtu", "%d", nic->mtu);
    if (nic->bridge != NULL)
        device_put(j, w, "bridge", "%s", nic->bridge);
    if (nic->gatewaydev != NULL)
        device_put(j, w, "gatewaydev", "%s", nic->gatewaydev);
    device_put(j, w, "handle", "%" PRIu32, j->devid);
    device_put(j, w, "type", "vif");
    if (nic->rate_bytes != 0)
        device_put(j, w, "rate", "%lld,%d", nic->rate_bytes, nic->rate_us);
    store_put(w, j->front, "handle", "%" PRIu32, j->devid);
    store_put(w, j->front, "mac", "%s", nic->mac);
    store_put(w, j->front, "mtu", "%d", choose_mtu(j));
    store_put(w, j->front, "trusted", "%d", nic->trusted);
}

static const char *hotplug(const struct device_job *j)
{
    return mode_names[j->dev->nic.mode];
}

static char *node(const struct device_job *j, const char *name)
{
    return hs_read_at(j->ctx->xs, HS_TX_NONE, j->back, name);
}

static int from_nodes(struct device_job *j, struct hl_device *d, struct hl_error *e)
{
    struct hl_nic *nic = &d->nic;
    char *mode = node(j, "mode");
    bool user = mode != NULL && strcmp(mode, "user") == 0;

    free(mode);
    nic->mac = node(j, "mac");
    nic->bridge = node(j, "bridge");
    nic->ip = node(j, "ip");
    nic->vifname = node(j, "vifname");
    nic->gatewaydev = node(j, "gatewaydev");
    nic->mtu = (int)hs_number_at(j->ctx->xs, HS_TX_NONE, j->back, "mtu", 0);
    nic->tap = !user && j->backend->driver == NULL;
    nic->mode = user ? HL_NIC_USER : HL_NIC_BRIDGE;
    nic->script = user ? NULL : node(j, "script");
    if (nic->mac == NULL || (!user && nic->script == NULL))
        return hl_fail(e, EINVAL, "read the interface's nodes", j->back,
                       "mac or script is missing");
    if (nic->vifname != NULL && strlen(nic->vifname) >= IFNAMSIZ)
        return hl_fail(e, EINVAL, "read the interface's nodes", j->back, "vifname is too long");
    if (choose_mode(nic, e) != 0)
        return -EINVAL;
    if (nic->mode == HL_NIC_BRIDGE && nic->bridge == NULL)
        return hl_fail(e, EINVAL, "read the interface's nodes", j->back, "bridge is missing");
    return check_ip(nic, e);
}

/* Before it is renamed; and no other device's, ever. */
static void usual_name(const struct device_job *j, char name[sizeof(j->name)])
{
    snprintf(name, sizeof(j->name), "vif%" PRIu32 ".%" PRIu32, j->domid, j->devid);
}

static bool interface_there(struct device_job *j)
{
    return net_exists(j->name);
}

/*
 * Xen's contract with vif scripts: the action, and the device in the environment.
 */
static int run_script(struct device_job *j, const char *action, struct hl_error *e)
{
    char *script = hs_read_at(j->ctx->xs, HS_TX_NONE, j->copy, "script");
    char *gateway = hs_read_at(j->ctx->xs, HS_TX_NONE, j->copy, "gatewaydev");
    char path[160], name[512], vif[48], dev[48], gate[64];
    const char *argv[] = {script, action, "type_if=vif", NULL};
    const char *env[] = {path,
                         name,
                         vif,
                         dev,
                         "XENBUS_TYPE=vif",
                         "XENBUS_BASE_PATH=backend",
                         "XENBUS_DRIVER=",
                         gateway == NULL ? NULL : gate,
                         NULL};
    const struct script run = {"run the interface's script", argv, env, SCRIPT_SECONDS,
                               XEN_HOTPLUG_LOG};
    int rc;

    if (script == NULL) {
        free(gateway);
        return hl_fail(e, ENOENT, run.step, j->copy, "its name is lost");
    }
    snprintf(path, sizeof(path), "XENBUS_PATH=%s", j->back);
    snprintf(name, sizeof(name), "script=%s", script);
    snprintf(vif, sizeof(vif), "vif=vif%" PRIu32 ".%" PRIu32, j->domid, j->devid);
    snprintf(dev, sizeof(dev), "INTERFACE=vif%" PRIu32 ".%" PRIu32, j->domid, j->devid);
    snprintf(gate, sizeof(gate), "netdev=%.40s", gateway == NULL ? "" : gateway);
    rc = script_run(&run, e);
    free(script);
    free(gateway);
    return rc;
}

static int plug_script(struct device_job *j, struct hl_error *e)
{
    int rc = run_script(j, "online", e);
    char *error;

    if (rc == 0)
        return 0;
    error = hs_read_at(j->ctx->xs, HS_TX_NONE, j->back, "hotplug-error");
    script_blames(e, j->dev->nic.script, error);
    free(error);
    return rc;
}

/* The interface answers for the guest's neighbours, and the guest's addresses are behind it. */
static int plug_route(struct device_job *j, struct hl_error *e)
{
    const char *p = j->dev->nic.ip;
    bool valid = true;
    char what[64];
    struct route r;
    int rc;

    snprintf(what, sizeof(what), "conf/%s/proxy_arp", j->name);
    rc = net_set_up(j->name, true, e);
    if (rc == 0)
        rc = net_sysctl("ip_forward", "1", e);
    if (rc == 0)
        rc = net_sysctl(what, "1", e);
    while (rc == 0 && (p = next_route(p, &r, &valid)) != NULL)
        rc = net_add_route(j->name, r.to, r.bits, e);
    return rc;
}

static int plug_nat(struct device_job *j, struct hl_error *e)
{
    const struct hl_nic *nic = &j->dev->nic;
    char owner[sizeof(j->name)], *address;
    int rc = xl_conf_string("vif.nat.address", &address, e);

    usual_name(j, owner);
    if (rc == 0)
        rc = nat_join(nic->bridge, address, j->name, &(struct nat_client){owner, nic->mac, nic->ip},
                      e);
    free(address);
    return rc == 0 ? net_set_up(j->name, true, e) : rc;
}

static int plug(struct device_job *j, struct hl_error *e)
{
    const struct hl_nic *nic = &j->dev->nic;
    int rc;

    if (nic->mode == HL_NIC_USER)
        return 0;
    usual_name(j, j->name);
    rc = nic->tap ? net_tap_add(j->name, e)
                  : device_wait_until(j, interface_there, "wait for the interface", e);
    if (rc != 0)
        return rc;
    if (nic->mode == HL_NIC_SCRIPT)
        return plug_script(j, e);
    if (nic->vifname != NULL) {
        rc = net_rename(j->name, nic->vifname, e);
        snprintf(j->name, sizeof(j->name), "%s", nic->vifname);
    }
    if (rc == 0)
        rc = hl_fault("configure the interface", e);
    if (rc == 0)
        rc = net_set_mtu(j->name, choose_mtu(j), e);
    if (rc != 0)
        return rc;
    switch (nic->mode) {
    case HL_NIC_NAT: return plug_nat(j, e);
    case HL_NIC_ROUTE: return plug_route(j, e);
    default:
        rc = net_bridge_add_port(nic->bridge, j->name, e);
        return rc == 0 ? net_set_up(j->name, true, e) : rc;
    }
}

/* The kernel's interface goes with its back end; a TAP interface stays until somebody takes it away. */
static void remove_tap(struct device_job *j)
{
    char *name;

    usual_name(j, j->name);
    if (net_exists(j->name)) {
        (void)net_tap_remove(j->name, NULL);
        return;
    }
    name = hs_read_at(j->ctx->xs, HS_TX_NONE, j->copy, "vifname");
    if (name != NULL)
        (void)net_tap_remove(name, NULL);
    free(name);
}

/*
 * The interface, if it is still there. Netback's is asked for at its device, as its name may be another guest's by now.
 */
static bool find_interface(struct device_job *j)
{
    char path[sizeof(j->sysfs) + 8];
    struct dirent *entry;
    bool found = false;
    DIR *dir;

    if (j->backend->driver == NULL) {
        usual_name(j, j->name);
        return net_exists(j->name);
    }
    snprintf(path, sizeof(path), "%s/net", j->sysfs);
    dir = opendir(path);
    while (dir != NULL && !found && (entry = readdir(dir)) != NULL) {
        found = entry->d_name[0] != '.' && strlen(entry->d_name) < IFNAMSIZ;
        if (found)
            snprintf(j->name, sizeof(j->name), "%.15s", entry->d_name);
    }
    if (dir != NULL)
        closedir(dir);
    return found;
}

static void unplug(struct device_job *j)
{
    char owner[sizeof(j->name)];
    char *how = hs_read_at(j->ctx->xs, HS_TX_NONE, j->copy, DEVICE_HOTPLUG);
    char *bridge = hs_read_at(j->ctx->xs, HS_TX_NONE, j->copy, "bridge");
    char *mac = hs_read_at(j->ctx->xs, HS_TX_NONE, j->copy, "mac");

    usual_name(j, owner);
    if (how != NULL && strcmp(how, "script") == 0)
        (void)run_script(j, "offline", NULL);
    if (j->backend->driver == NULL && how != NULL && strcmp(how, "user") != 0)
        remove_tap(j);
    /* The waiting for the back end may have been given up: what it has left is taken from the network now. */
    if (how != NULL && strcmp(how, "nat") == 0 && bridge != NULL)
        nat_leave(bridge, find_interface(j) ? j->name : NULL,
                  &(struct nat_client){owner, mac, NULL});
    free(how);
    free(bridge);
    free(mac);
}

static void info(struct hl_ctx *ctx, struct hl_device_info *i)
{
    i->ring_ref[0] = hs_number_at(ctx->xs, HS_TX_NONE, i->frontend, "tx-ring-ref", -1);
    i->ring_ref[1] = hs_number_at(ctx->xs, HS_TX_NONE, i->frontend, "rx-ring-ref", -1);
    if (i->ring_ref[0] < 0) {
        i->ring_ref[0] = hs_number_at(ctx->xs, HS_TX_NONE, i->frontend, "queue-0/tx-ring-ref", -1);
        i->ring_ref[1] = hs_number_at(ctx->xs, HS_TX_NONE, i->frontend, "queue-0/rx-ring-ref", -1);
    }
    i->mac = hs_read_at(ctx->xs, HS_TX_NONE, i->frontend, "mac");
}

const struct device_class vif_class = {
    .name = "vif",
    .key = "vif",
    .json = "nics",
    .noun = "interface",
    .fields = fields,
    .init = init,
    .parse = nic_spec_parse,
    .finish = finish,
    .backend = backend,
    .prepare = prepare,
    .nodes = nodes,
    .hotplug = hotplug,
    .from_nodes = from_nodes,
    .plug = plug,
    .unplug = unplug,
    .info = info,
};
