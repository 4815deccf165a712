/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verbs for devices of domains that live: block-*, cd-*, network-*, vkb-*, channel-list. */
#include "dom0-toolstack/hl/hl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "dom0-toolstack/hl/json.h"
#include "dom0-toolstack/lib/device.h"
#include "dom0-toolstack/lib/domain_config.h"

static const struct option force_option[] = {{"help", 0, 0, 'h'}, {"force", 0, 0, 'f'}, {0}};

/* ---- attaching ---------------------------------------------------------------------------- */

/* -N: what would be attached, as `create -n` shows it. */
static int print_device(const struct hl_device *d)
{
    struct hl_device_list list = {(struct hl_device *)d, 1};
    struct json j;

    if (!json_start(&j))
        return EXIT_FAILED;
    json_map(&j, NULL);
    hl_device_list_gen(&list, j.gen);
    json_map_end(&j);
    json_finish(&j);
    return 0;
}

static int attach(struct app *app, const struct verb *verb, int argc, char **argv,
                  enum hl_device_kind kind)
{
    const char *const *parts;
    char why[256];
    struct hl_device d;
    uint32_t domid;
    int rc;

    if (!app_no_options(app, verb, argc, argv, kind == HL_DEVICE_VBD ? 2 : 1, -1))
        return app->exit_code;
    /* One device's text in pieces, as xl takes it. */
    parts = (const char *const *)argv + optind + 1;
    rc = hl_device_parse_parts(kind, parts, (size_t)(argc - optind - 1), &d, why, sizeof(why));
    if (rc < 0) {
        app_say(app, "%s '%s%s': %s", hl_device_key(kind), argc > optind + 1 ? parts[0] : "",
                argc > optind + 2 ? " ..." : "", why);
        return EXIT_FAILED;
    }
    if (!app_domain(app, argv[optind], &domid))
        rc = EXIT_FAILED;
    else if (app->dry_run)
        rc = print_device(&d);
    else
        rc = hl_device_attach(&app->ctx, domid, &d, app->err) < 0 ? app_failed(app) : 0;
    hl_device_free(&d);
    return rc;
}

static int run_block_attach(struct app *app, const struct verb *verb, int argc, char **argv)
{
    return attach(app, verb, argc, argv, HL_DEVICE_VBD);
}

static int run_network_attach(struct app *app, const struct verb *verb, int argc, char **argv)
{
    return attach(app, verb, argc, argv, HL_DEVICE_VIF);
}

static int run_vkb_attach(struct app *app, const struct verb *verb, int argc, char **argv)
{
    return attach(app, verb, argc, argv, HL_DEVICE_VKB);
}

/* ---- detaching ---------------------------------------------------------------------------- */

/* A disk by its vdev or number, an interface by its number or address, others by their number. */
static bool find_devid(struct app *app, uint32_t domid, enum hl_device_kind kind, const char *text,
                       uint32_t *devid)
{
    struct hl_device_info *list;
    bool found = false;
    size_t n;

    if (kind == HL_DEVICE_VBD) {
        if (hl_vdev_number(text, devid) == 0)
            return true;
        app_say(app, "'%s' is neither a vdev like xvdb nor a number", text);
        return false;
    }
    if (kind != HL_DEVICE_VIF || !strchr(text, ':')) {
        long long id;

        if (!app_number(app, "the device", text, 0, INT32_MAX, &id))
            return false;
        *devid = (uint32_t)id;
        return true;
    }
    if (hl_device_infos(&app->ctx, domid, kind, &list, &n, app->err) < 0) {
        app_failed(app);
        return false;
    }
    for (size_t i = 0; i < n && !found; i++) {
        found = list[i].mac && strcasecmp(list[i].mac, text) == 0;
        if (found)
            *devid = list[i].devid;
    }
    hl_device_info_free(list, n);
    if (!found)
        app_say(app, "the domain has no interface with the address %s", text);
    return found;
}

static int detach(struct app *app, const struct verb *verb, int argc, char **argv,
                  enum hl_device_kind kind)
{
    bool force = app->force;
    uint32_t domid, devid;
    int opt;

    while ((opt = app_getopt(app, verb, argc, argv, "fh", force_option)) >= 0)
        force |= opt == 'f';
    if (opt == APP_OPT_STOP)
        return app->exit_code;
    if (!app_args(app, verb, argc, 2, 2))
        return EXIT_USAGE;
    if (!app_domain(app, argv[optind], &domid) ||
        !find_devid(app, domid, kind, argv[optind + 1], &devid))
        return EXIT_FAILED;
    if (hl_device_remove(&app->ctx, domid, kind, devid, force, app->err) < 0)
        return app_failed(app);
    return 0;
}

static int run_block_detach(struct app *app, const struct verb *verb, int argc, char **argv)
{
    return detach(app, verb, argc, argv, HL_DEVICE_VBD);
}

static int run_network_detach(struct app *app, const struct verb *verb, int argc, char **argv)
{
    return detach(app, verb, argc, argv, HL_DEVICE_VIF);
}

static int run_vkb_detach(struct app *app, const struct verb *verb, int argc, char **argv)
{
    return detach(app, verb, argc, argv, HL_DEVICE_VKB);
}

/* ---- lists -------------------------------------------------------------------------------- */

static void print_disk(const struct hl_device_info *i)
{
    printf("%-5" PRIu32 " %-3" PRIu32 " %-6" PRIu32 " %-12s %-6d %-8lld %-30s\n", i->devid,
           i->backend_domid, i->devid, hl_device_state_name(i->state), i->event_channel,
           i->ring_ref[0], i->backend ? i->backend : "");
}

static void print_nic(const struct hl_device_info *i)
{
    printf("%-3" PRIu32 " %-2" PRIu32 " %-17s %6" PRIu32 " %-12s %6d %5lld/%-11lld %-30s\n",
           i->devid, i->backend_domid, i->mac ? i->mac : "", i->devid,
           hl_device_state_name(i->state), i->event_channel, i->ring_ref[0], i->ring_ref[1],
           i->backend ? i->backend : "");
}

static void print_channel(const struct hl_device_info *i)
{
    printf("%-3" PRIu32 " %-2" PRIu32 " %-12s %6d %8lld %-10s %-30s\n", i->devid, i->backend_domid,
           hl_device_state_name(i->state), i->event_channel, i->ring_ref[0],
           i->connection ? i->connection : "", i->target ? i->target : "");
}

static void print_keyboard(const struct hl_device_info *i)
{
    printf("%-3" PRIu32 " %-2" PRIu32 " %6" PRIu32 " %-12s %6d %6lld %-10s %-10s %-30s\n", i->devid,
           i->backend_domid, i->devid, hl_device_state_name(i->state), i->event_channel,
           i->ring_ref[0], i->name ? i->name : "", "qemu", i->backend ? i->backend : "");
}

/* Screens. */
static void print_other(const struct hl_device_info *i)
{
    printf("%-3" PRIu32 " %-2" PRIu32 " %-12s %6d %8lld %-30s\n", i->devid, i->backend_domid,
           hl_device_state_name(i->state), i->event_channel, i->ring_ref[0],
           i->backend ? i->backend : "");
}

static void json_disk(struct json *j, const struct hl_device_info *i)
{
    char name[32];

    hl_vdev_name(i->devid, name);
    json_string(j, "vdev", name);
    json_int(j, "ring_ref", i->ring_ref[0]);
    json_string(j, "device_type", i->cdrom ? "cdrom" : "disk");
    json_string(j, "target", i->target ? i->target : "");
}

static void json_nic(struct json *j, const struct hl_device_info *i)
{
    json_int(j, "tx_ring_ref", i->ring_ref[0]);
    json_int(j, "rx_ring_ref", i->ring_ref[1]);
    json_string(j, "mac", i->mac ? i->mac : "");
}

static void json_channel(struct json *j, const struct hl_device_info *i)
{
    json_int(j, "ring_ref", i->ring_ref[0]);
    json_string(j, "name", i->name ? i->name : "");
    json_string(j, "connection", i->connection ? i->connection : "");
    json_string(j, "path", i->target ? i->target : "");
}

static void json_keyboard(struct json *j, const struct hl_device_info *i)
{
    json_int(j, "ring_ref", i->ring_ref[0]);
    json_string(j, "unique_id", i->name ? i->name : "");
}

static void json_other(struct json *j, const struct hl_device_info *i)
{
    json_int(j, "ring_ref", i->ring_ref[0]);
}

#define OTHER_HEADER "Idx BE state        evt-ch ring-ref BE-path"

/* How each kind is shown. */
static const struct {
    const char *header;
    void (*print)(const struct hl_device_info *i);
    void (*json)(struct json *j, const struct hl_device_info *i);
} views[HL_DEVICE_KINDS] = {
    [HL_DEVICE_VBD] =
        {"Vdev  BE  handle state        evt-ch ring-ref BE-path                       ", print_disk,
         json_disk},
    [HL_DEVICE_VIF] =
        {"Idx BE Mac Addr.         handle state        evt-ch   tx-/rx-ring-ref BE-path"
         "                       ",
         print_nic, json_nic},
    [HL_DEVICE_CONSOLE] = {"Idx BE state        evt-ch ring-ref connection params", print_channel,
                           json_channel},
    [HL_DEVICE_VFB] = {OTHER_HEADER, print_other, json_other},
    [HL_DEVICE_VKB] = {"Idx BE handle state        evt-ch    ref ID         BE-type    BE-path"
                       "                       ",
                       print_keyboard, json_keyboard},
};

static void json_device(struct json *j, uint32_t domid, enum hl_device_kind kind,
                        const struct hl_device_info *i)
{
    json_map(j, NULL);
    json_int(j, "domid", domid);
    json_int(j, "devid", i->devid);
    json_int(j, "backend_domid", i->backend_domid);
    json_string(j, "state", hl_device_state_name(i->state));
    json_int(j, "event_channel", i->event_channel);
    json_string(j, "backend", i->backend ? i->backend : "");
    json_string(j, "frontend", i->frontend ? i->frontend : "");
    views[kind].json(j, i);
    json_map_end(j);
}

/* Several domains may be named; one that is not there fails at the end, the others are shown. */
static int list_domain(struct app *app, const char *name, enum hl_device_kind kind, struct json *j)
{
    struct hl_device_info *list;
    uint32_t domid;
    size_t n;

    if (!app_domain(app, name, &domid))
        return EXIT_FAILED;
    if (hl_device_infos(&app->ctx, domid, kind, &list, &n, app->err) < 0)
        return app_failed(app);
    for (size_t i = 0; i < n; i++) {
        if (j)
            json_device(j, domid, kind, &list[i]);
        else
            views[kind].print(&list[i]);
    }
    hl_device_info_free(list, n);
    return 0;
}

static int list(struct app *app, const struct verb *verb, int argc, char **argv,
                enum hl_device_kind kind)
{
    struct json j;
    int rc = 0;

    if (!app_no_options(app, verb, argc, argv, 1, -1))
        return app->exit_code;
    if (app->json && !json_start(&j))
        return EXIT_FAILED;
    if (app->json)
        json_array(&j, NULL);
    else
        printf("%s\n", views[kind].header);
    for (int i = optind; i < argc; i++) {
        if (list_domain(app, argv[i], kind, app->json ? &j : NULL) != 0)
            rc = EXIT_FAILED;
    }
    if (app->json) {
        json_array_end(&j);
        json_finish(&j);
    }
    return rc;
}

static int run_block_list(struct app *app, const struct verb *verb, int argc, char **argv)
{
    return list(app, verb, argc, argv, HL_DEVICE_VBD);
}

static int run_network_list(struct app *app, const struct verb *verb, int argc, char **argv)
{
    return list(app, verb, argc, argv, HL_DEVICE_VIF);
}

static int run_vkb_list(struct app *app, const struct verb *verb, int argc, char **argv)
{
    return list(app, verb, argc, argv, HL_DEVICE_VKB);
}

static int run_channel_list(struct app *app, const struct verb *verb, int argc, char **argv)
{
    return list(app, verb, argc, argv, HL_DEVICE_CONSOLE);
}

/* ---- CD-ROMs ------------------------------------------------------------------------------ */

static int change_medium(struct app *app, const struct verb *verb, int argc, char **argv,
                         bool insert)
{
    const char *target = NULL;
    uint32_t domid;

    if (!app_no_options(app, verb, argc, argv, insert ? 3 : 2, insert ? 3 : 2))
        return app->exit_code;
    if (!app_domain(app, argv[optind], &domid))
        return EXIT_FAILED;
    if (insert)
        target = argv[optind + 2];
    if (hl_cdrom_change(&app->ctx, domid, argv[optind + 1], target, app->err) < 0)
        return app_failed(app);
    return 0;
}

static int run_cd_insert(struct app *app, const struct verb *verb, int argc, char **argv)
{
    return change_medium(app, verb, argc, argv, true);
}

static int run_cd_eject(struct app *app, const struct verb *verb, int argc, char **argv)
{
    return change_medium(app, verb, argc, argv, false);
}

#define FORCE_HELP \
    "-f, --force             Take it away even if the guest does not let go: it may lose data\n"

const struct verb device_verbs[] = {
    {"network-attach", run_network_attach, "<Domain> [key=value]...",
     "Create a new virtual network device",
     "The keys are those of vif= in the configuration, see hl.cfg(5).\n", VERB_CAN_DRY_RUN},
    {"network-list", run_network_list, "<Domain(s)>",
     "List virtual network interfaces for a domain", NULL, VERB_READS},
    {"network-detach", run_network_detach, "[-f] <Domain> <DevId|mac>",
     "Destroy a domain's virtual network device", FORCE_HELP, 0},
    {"block-attach", run_block_attach, "<Domain> <disk-spec-component(s)>...",
     "Create a new virtual block device",
     "The components are those of disk= in the configuration, see hl.cfg(5), with commas\n"
     "between them or as arguments of their own.\n",
     VERB_CAN_DRY_RUN},
    {"block-list", run_block_list, "<Domain(s)>", "List virtual block devices for a domain", NULL,
     VERB_READS},
    {"block-detach", run_block_detach, "[-f] <Domain> <DevId>",
     "Destroy a domain's virtual block device", FORCE_HELP, 0},
    {"vkb-attach", run_vkb_attach, "<Domain> [key=value]...",
     "Create a new virtual keyboard device",
     "The keys are those of vkb= in the configuration, see hl.cfg(5).\n", VERB_CAN_DRY_RUN},
    {"vkb-list", run_vkb_list, "<Domain(s)>", "List virtual keyboards for a domain", NULL,
     VERB_READS},
    {"vkb-detach", run_vkb_detach, "[-f] <Domain> <DevId>",
     "Destroy a domain's virtual keyboard device", FORCE_HELP, 0},
    {"channel-list", run_channel_list, "<Domain(s)>", "List virtual channel devices for a domain",
     NULL, VERB_READS},
    {"cd-insert", run_cd_insert, "<Domain> <VirtualDevice> <target>",
     "Insert a cdrom into a guest's cd drive", NULL, 0},
    {"cd-eject", run_cd_eject, "<Domain> <VirtualDevice>", "Eject a cdrom from a guest's cd drive",
     NULL, 0},
    {0},
};
