/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verb create. The domain is built here, handed to hospesd (console, restarts) while it is still
 * paused, and only then started. Whatever fails leaves nothing behind.
 */
#include "dom0-toolstack/hl/hl.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dom0-toolstack/hl/boot_menu.h"
#include "dom0-toolstack/hl/config_file.h"
#include "dom0-toolstack/hl/json.h"
#include "dom0-toolstack/hl/terminal.h"
#include "dom0-toolstack/hospesd/client.h"
#include "dom0-toolstack/lib/build.h"
#include "dom0-toolstack/lib/creation.h"
#include "dom0-toolstack/lib/domain.h"
#include "dom0-toolstack/lib/domain_config.h"
#include "dom0-toolstack/lib/fault.h"
#include "dom0-toolstack/lib/hv_domain.h"
#include "dom0-toolstack/lib/xl_conf.h"
#include "xenstore/client/xs_client.h"

struct create {
    const char *file;
    char **overrides;
    int nr_overrides;
    bool paused, console, foreground, quiet, no_watch, dry_run, ignore_masks, viewer, autopass;
};

enum { OPT_IGNORE_MASKS = 256 };

/* -F with -e: nobody restarts it; its number is enough. */
static int wait_dead(struct app *app, const struct hl_build_result *built)
{
    struct hv_domain_info info;

    while (hv_domain_info(app->ctx.hv, built->domid, &info, NULL) == 0 && !info.dying &&
           !info.shutdown && memcmp(info.uuid, built->uuid, 16) == 0)
        sleep(1);
    return 0;
}

static int hand_over(struct app *app, const struct create *o, uint32_t domid)
{
    int rc;

    if (o->no_watch)
        return 0;
    rc = hl_fault("hand the domain to hospesd", app->err);
    if (rc == 0)
        rc = hl_domain_mark_managed(&app->ctx, domid, app->err);
    return rc < 0 ? rc : hospesd_adopt(domid, app->err);
}

/* From "built" to "runs"; on failure the domain is gone. *console is -1 where none was asked for. */
static int start(struct app *app, const struct create *o, const struct hl_domain_config *c,
                 const struct hl_build_result *built, struct creation *guard, int *console,
                 struct console_link *link)
{
    *console = -1;
    if (app_interrupted()) {
        hl_fail(app->err, EINTR, "start the domain", c->name, "a signal ended the command");
        goto undo;
    }
    if (hand_over(app, o, built->domid) < 0)
        goto undo;
    if (o->console) {
        *console = console_open(app, built->domid, 0, true, link);
        if (*console < 0)
            goto undo_reported;
    }
    if (hl_fault("start the domain", app->err) < 0 ||
        (!o->paused && hl_domain_unpause(&app->ctx, built->domid, app->err) < 0))
        goto undo;
    return 0;

undo:
    hl_error_within(app->err, "create domain %s", c->name);
    app_failed(app);
undo_reported:
    if (*console >= 0)
        close(*console);
    if (hl_domain_destroy(&app->ctx, built->domid, app->err) < 0) {
        creation_leave(guard);
        app_failed(app);
    }
    return EXIT_FAILED;
}

static void report(const struct app *app, const struct hl_domain_config *c,
                   const struct hl_build_result *built)
{
    struct json j;

    if (app->verbose)
        app_say(app,
                "domain %" PRIu32 " (%s): kernel %" PRIu64 " us%s, building %" PRIu64
                " us, xenstore %" PRIu64 " us",
                built->domid, c->name, built->us_kernel,
                built->kernel_from_cache ? " (from the cache)" : "", built->us_build,
                built->us_store);
    if (!app->json || !json_start(&j))
        return;
    json_map(&j, NULL);
    json_int(&j, "domid", built->domid);
    json_string(&j, "name", c->name);
    json_uuid(&j, "uuid", built->uuid);
    json_map_end(&j);
    json_finish(&j);
}

/* Something of a domain that could not be made, because xenstored or the hypervisor did not obey? */
static bool is_left(struct app *app, uint32_t domid)
{
    struct hv_domain_info info;
    char path[64];

    if (domid == 0)
        return false;
    snprintf(path, sizeof(path), "/local/domain/%" PRIu32, domid);
    return hs_exists(app->ctx.xs, HS_TX_NONE, path) != 0 ||
           (hv_domain_info(app->ctx.hv, domid, &info, NULL) == 0 && !info.dying);
}

static int create(struct app *app, const struct create *o, struct hl_domain_config *c)
{
    struct hl_build_result built = {0};
    struct creation guard = CREATION_NONE;
    struct console_link link;
    sigset_t mask;
    int rc, console = -1;

    if (!app_open(app, 0))
        return EXIT_FAILED;
    /* Better known before the work is done. */
    if (!o->no_watch && hospesd_command("{\"cmd\":\"ping\"}", NULL, app->err) < 0) {
        hl_error_within(app->err, "create domain %s", c->name);
        hl_error_advise(app->err, "start hospesd ('systemctl start hospesd', or run 'hospesd'), or "
                                  "create the domain with -e: without restarts and console");
        return app_failed(app);
    }
    /* Where the user sees what the guest says, the user may choose what it boots. */
    if (o->console && c->bootloader != NULL && !boot_menu_choose(app, c))
        return EXIT_FAILED;
    app_hold_signals(&mask);
    if (hl_domain_build(&app->ctx, c, &guard, &built, app->err) < 0) {
        rc = app_failed(app);
        if (is_left(app, built.domid))
            creation_leave(&guard);
    } else {
        report(app, c, &built);
        rc = start(app, o, c, &built, &guard, &console, &link);
    }
    creation_end(&guard);
    sigprocmask(SIG_SETMASK, &mask, NULL);
    if (rc == 0 && o->viewer)
        vnc_view_beside(app, built.domid, o->autopass);
    if (rc == 0 && console >= 0)
        rc = terminal_join(app, console, &link);
    if (rc == 0 && o->foreground)
        rc = o->no_watch ? wait_dead(app, &built) : app_wait_gone(app, built.uuid);
    return rc;
}

static int print_config(const struct hl_domain_config *c)
{
    char *text = hl_domain_config_to_json(c, true);

    if (!text) {
        fprintf(stderr, "hl: out of memory\n");
        return EXIT_FAILED;
    }
    printf("%s%s", text, text[0] && text[strlen(text) - 1] == '\n' ? "" : "\n");
    free(text);
    return 0;
}

static void create_option(int opt, struct create *o)
{
    switch (opt) {
    case 'c': o->console = true; break;
    case 'p': o->paused = true; break;
    case 'n': o->dry_run = true; break;
    case 'q': o->quiet = true; break;
    case 'f': o->file = optarg; break;
    case 'F': o->foreground = true; break;
    case 'e': o->no_watch = true; break;
    case 'V': o->viewer = true; break;
    case 'A': o->viewer = o->autopass = true; break;
    case OPT_IGNORE_MASKS: o->ignore_masks = true; break;
    default: break; /* -d changes nothing */
    }
}

static void warn(void *opaque, const char *text)
{
    (void)opaque;
    fprintf(stderr, "%s\n", text);
}

static int run_create(struct app *app, const struct verb *verb, int argc, char **argv)
{
    static const struct option longs[] = {{"defconfig", 1, 0, 'f'},
                                          {"dryrun", 0, 0, 'n'},
                                          {"quiet", 0, 0, 'q'},
                                          {"vncviewer", 0, 0, 'V'},
                                          {"help", 0, 0, 'h'},
                                          {"vncviewer-autopass", 0, 0, 'A'},
                                          {"ignore-global-affinity-masks", 0, 0, OPT_IGNORE_MASKS},
                                          {0}};
    struct create o = {.dry_run = app->dry_run};
    struct hl_domain_config c;
    int opt, rc;

    while ((opt = app_getopt(app, verb, argc, argv, "cdeFf:hnpqVA", longs)) >= 0)
        create_option(opt, &o);
    if (opt == APP_OPT_STOP)
        return app->exit_code;
    /* A file, and settings, told apart by the "=". They keep their order: argv is compacted. */
    o.overrides = argv + optind;
    for (int i = optind; i < argc; i++) {
        if (strchr(argv[i], '='))
            o.overrides[o.nr_overrides++] = argv[i];
        else if (!o.file)
            o.file = argv[i];
        else
            return app_misused(app, verb, "'%s' is neither the one config file nor key=value",
                               argv[i]);
    }
    if (!o.file && !o.nr_overrides) {
        app_say(app, "no config file was given");
        return EXIT_INVALID;
    }
    if (!o.quiet && o.file)
        fprintf(stderr, "Parsing config from %s\n", o.file);
    rc = config_load(app, &(struct config_input){o.file, o.overrides, o.nr_overrides, o.quiet}, &c);
    if (rc != 0)
        return rc;
    c.ignore_host_cpus = o.ignore_masks;
    if (!o.quiet)
        xl_conf_check(warn, NULL);
    rc = o.dry_run ? print_config(&c) : create(app, &o, &c);
    hl_domain_config_free(&c);
    return rc;
}

const struct verb create_verbs[] = {
    {"create", run_create, "<ConfigFile> [options] [key=value]...",
     "Create a domain from config file <filename>",
     "-c                      Connect to the console after the domain is created.\n"
     "-e                      Leave the domain alone: hospesd does not act when it ends.\n"
     "-F                      Run in foreground until death of the domain.\n"
     "-f FILE, --defconfig=FILE\n"
     "                        Use the given configuration file.\n"
     "-h                      Print this help.\n"
     "--ignore-global-affinity-masks\n"
     "                        Do not keep to vm.cpumask and vm.pv.cpumask of xl.conf.\n"
     "-n, --dryrun            Dry run: print the resulting configuration as JSON.\n"
     "-p                      Leave the domain paused after it is created.\n"
     "-q, --quiet             Quiet.\n"
     "-V, --vncviewer         Start a viewer for the domain's screen.\n"
     "-A, --vncviewer-autopass\n"
     "                        The same, and pass the password to it.\n"
     "\n"
     "key=value overrides what the file says. Strings need quotes that survive the shell:\n"
     "    hl create web.cfg 'name=\"web2\"; memory=512'\n",
     VERB_CAN_DRY_RUN | VERB_COMMON},
    {0},
};
