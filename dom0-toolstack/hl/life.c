/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Verbs on the life of a domain: destroy, shutdown, reboot, pause, unpause, sysrq, trigger, dump-core. */
#include "dom0-toolstack/hl/hl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dom0-toolstack/hl/format.h"
#include "dom0-toolstack/hospesd/client.h"
#include "dom0-toolstack/lib/domain.h"
#include "dom0-toolstack/lib/domain_dump.h"
#include "dom0-toolstack/lib/fault.h"
#include "dom0-toolstack/lib/files.h"
#include "dom0-toolstack/lib/hv_domain.h"
#include "hypercalls/abi/domctl.h"
#include "xenstore/client/xs_client.h"

/*
 * Does it run, so that nobody thinks of restarting it? Then it is paused now, and cannot end before it is destroyed. A paused
 * one may be in the making.
 */
static bool held(struct app *app, const struct hv_domain_info *found)
{
    struct hv_domain_info info;

    if (found->shutdown || found->dying || found->paused)
        return false;
    return hv_domain_pause(app->ctx.hv, found->domid, NULL) == 0 &&
           hv_domain_info(app->ctx.hv, found->domid, &info, NULL) == 0 &&
           memcmp(info.uuid, found->uuid, sizeof(info.uuid)) == 0 && !info.shutdown && !info.dying;
}

/*
 * The domain that is found, or with NULL what hospesd knows by this name and has no domain. What hospesd may be about to
 * restart is given up first, or it would come again. 0; 1: the restart of *uuid was given up, and its end is to be waited for;
 * -ESRCH: hospesd was quicker, and the guest may have another domain; or another negative errno.
 */
static int destroy_found(struct app *app, const char *name, const struct hv_domain_info *found,
                         uint8_t uuid[16])
{
    bool given_up;
    int rc;

    hl_fault_kill();
    given_up =
        !(found && held(app, found)) && name != NULL && hospesd_give_up(name, uuid, NULL) == 0;
    if (!found)
        return given_up ? 1 : -ENOENT;
    rc = hl_domain_destroy(&app->ctx, found->domid, app->err);
    if (given_up && (rc == 0 || rc == -ESRCH))
        return 1;
    return rc;
}

/* How often a guest may be restarted under our hands. */
#define MAX_LOOKS 5

static int destroy(struct app *app, const char *name_or_id, bool force)
{
    int rc = -ESRCH;
    uint8_t uuid[16];

    for (unsigned int look = 0; rc == -ESRCH && look < MAX_LOOKS; look++) {
        struct hv_domain_info info;
        uint32_t domid = 0;
        char *name = NULL;
        bool found;

        found = hl_domain_find(&app->ctx, name_or_id, &domid, app->err) == 0 &&
                hv_domain_info(app->ctx.hv, domid, &info, app->err) == 0;
        if (found && domid == 0 && !force) {
            app_say(app,
                    "not destroying domain 0; -f forces it, which works only where the toolstack "
                    "runs in a domain of its own");
            return EXIT_FAILED;
        }
        if (found)
            hl_domain_name(&app->ctx, domid, &name, NULL);
        rc = destroy_found(app, found ? name : name_or_id, found ? &info : NULL, uuid);
        free(name);
    }
    if (rc < 0)
        return app_failed(app);
    hl_error_clear(app->err);
    return rc == 1 ? app_wait_gone(app, uuid) : 0;
}

static int run_destroy(struct app *app, const struct verb *verb, int argc, char **argv)
{
    static const struct option longs[] = {{"help", 0, 0, 'h'}, {0}};
    bool force = false;
    int opt;

    while ((opt = app_getopt(app, verb, argc, argv, "fh", longs)) >= 0)
        force |= opt == 'f';
    if (opt == APP_OPT_STOP)
        return app->exit_code;
    if (!app_args(app, verb, argc, 1, 1))
        return EXIT_USAGE;
    return app_open(app, 0) ? destroy(app, argv[optind], force) : EXIT_FAILED;
}

static int each_argument(struct app *app, const struct verb *verb, int argc, char **argv,
                         int (*act)(struct hl_ctx *, uint32_t, struct hl_error *))
{
    uint32_t domid;

    if (!app_no_options(app, verb, argc, argv, 1, 1))
        return app->exit_code;
    if (!app_domain(app, argv[optind], &domid))
        return EXIT_FAILED;
    if (act(&app->ctx, domid, app->err) < 0)
        return app_failed(app);
    return 0;
}

static int run_pause(struct app *app, const struct verb *verb, int argc, char **argv)
{
    return each_argument(app, verb, argc, argv, hl_domain_pause);
}

/* As with xl: whoever wants a domain to run that does so has what he wants, and is told. */
static int unpause(struct hl_ctx *ctx, uint32_t domid, struct hl_error *e)
{
    int rc = hl_domain_unpause(ctx, domid, e);

    if (rc != -EINVAL)
        return rc;
    hl_error_clear(e);
    fprintf(stderr, "Domain %" PRIu32 " is not paused\n", domid);
    return 0;
}

static int run_unpause(struct app *app, const struct verb *verb, int argc, char **argv)
{
    return each_argument(app, verb, argc, argv, unpause);
}

static int run_sysrq(struct app *app, const struct verb *verb, int argc, char **argv)
{
    uint32_t domid;

    if (!app_no_options(app, verb, argc, argv, 2, 2))
        return app->exit_code;
    if (strlen(argv[optind + 1]) != 1)
        return app_misused(app, verb, "a sysrq is one letter, not '%s'", argv[optind + 1]);
    if (!app_domain(app, argv[optind], &domid))
        return EXIT_FAILED;
    if (hl_domain_sysrq(&app->ctx, domid, argv[optind + 1][0], app->err) < 0)
        return app_failed(app);
    return 0;
}

/* ---- trigger ------------------------------------------------------------------------------ */

#define NO_TRIGGER UINT32_MAX

static const struct {
    const char *name;
    uint32_t number; /* NO_TRIGGER: it is none of the hypervisor's */
} triggers[] = {
    {"nmi", XEN_DOMCTL_SENDTRIGGER_NMI},     {"reset", XEN_DOMCTL_SENDTRIGGER_RESET},
    {"init", XEN_DOMCTL_SENDTRIGGER_INIT},   {"power", XEN_DOMCTL_SENDTRIGGER_POWER},
    {"sleep", XEN_DOMCTL_SENDTRIGGER_SLEEP}, {"s3resume", NO_TRIGGER},
};

static int trigger(struct app *app, uint32_t domid, size_t which, uint32_t vcpu)
{
    const char *name = triggers[which].name;
    int rc = -ENOSYS;

    if (triggers[which].number != NO_TRIGGER)
        rc = hv_domain_trigger(app->ctx.hv, domid, triggers[which].number, vcpu, app->err);
    if (rc == 0)
        return 0;
    if (rc == -ESRCH && hv_domain_info(app->ctx.hv, domid, &(struct hv_domain_info){0}, NULL) == 0)
        hl_fail_dom(app->err, ENOENT, domid, "send a trigger", "it has no vCPU %" PRIu32, vcpu);
    else if (rc == -EINVAL || rc == -ENOSYS || rc == -EOPNOTSUPP) {
        hl_fail_dom(app->err, -rc, domid, "send a trigger",
                    "it does not know '%s': a PV guest has nmi alone", name);
        hl_error_advise(app->err, "ask a PV guest by 'shutdown' or 'reboot'");
    }
    return app_failed(app);
}

static int run_trigger(struct app *app, const struct verb *verb, int argc, char **argv)
{
    const size_t count = sizeof(triggers) / sizeof(triggers[0]);
    long long vcpu = 0;
    uint32_t domid;
    size_t i = 0;

    if (!app_no_options(app, verb, argc, argv, 2, 3))
        return app->exit_code;
    while (i < count && strcmp(argv[optind + 1], triggers[i].name) != 0)
        i++;
    if (i == count)
        return app_misused(app, verb, "'%s' is no trigger: %s", argv[optind + 1],
                           "nmi, reset, init, power, sleep or s3resume");
    if (optind + 2 < argc && !app_number(app, "the vCPU", argv[optind + 2], 0, UINT16_MAX, &vcpu))
        return EXIT_USAGE;
    if (!app_domain(app, argv[optind], &domid))
        return EXIT_FAILED;
    return trigger(app, domid, i, (uint32_t)vcpu);
}

/* ---- dump-core ---------------------------------------------------------------------------- */

static bool stop_dump(void *opaque)
{
    (void)opaque;
    return app_interrupted();
}

static int dump_core(struct app *app, uint32_t domid, const char *path, struct hl_dump_options *o)
{
    struct hl_dump done;
    sigset_t mask;
    int rc;

    /* It must not stay paused. */
    app_hold_signals(&mask);
    o->stop = stop_dump;
    rc = hl_domain_dump(app->ctx.hv, domid, path, o, &done, app->err);
    if (rc < 0)
        rc = app_failed(app);
    else if (done.left_out != 0)
        app_say(app, "%s has %" PRIu64 " pages; %" PRIu64 " could not be read and are not in it",
                path, done.pages, done.left_out);
    sigprocmask(SIG_SETMASK, &mask, NULL);
    return rc;
}

/* Where xl's own dumps are, under the domain's name. */
static char *default_dump(struct app *app, uint32_t domid)
{
    char *name, *path = NULL;

    if (hl_domain_name(&app->ctx, domid, &name, app->err) < 0)
        return NULL;
    file_make_dirs(HL_DUMP_DIR, 0700);
    if (asprintf(&path, HL_DUMP_DIR "/%s", name) < 0) {
        hl_fail(app->err, ENOMEM, "dump a domain", name, NULL);
        path = NULL;
    }
    free(name);
    return path;
}

static int run_dump_core(struct app *app, const struct verb *verb, int argc, char **argv)
{
    static const struct option longs[] = {
        {"crash", 0, 0, 'C'}, {"pause", 0, 0, 'p'}, {"help", 0, 0, 'h'}, {0}};
    struct hl_dump_options o = {0};
    uint32_t domid;
    char *path;
    int opt, rc;

    while ((opt = app_getopt(app, verb, argc, argv, "Cph", longs)) >= 0) {
        o.crash |= opt == 'C';
        o.pause |= opt == 'p';
    }
    if (opt == APP_OPT_STOP)
        return app->exit_code;
    if (!app_args(app, verb, argc, 1, 2))
        return EXIT_USAGE;
    if (!app_domain(app, argv[optind], &domid))
        return EXIT_FAILED;
    path = optind + 1 < argc ? strdup(argv[optind + 1]) : default_dump(app, domid);
    if (!path)
        return app_failed(app);
    rc = dump_core(app, domid, path, &o);
    free(path);
    return rc;
}

/* ---- shutdown and reboot ------------------------------------------------------------------ */

struct stop {
    const char *doing; /* "Shutting down" */
    int (*request)(struct hl_ctx *, uint32_t, bool force, struct hl_error *);
    bool all;
    bool fallback;     /* -F */
    unsigned int wait; /* how often -w was given */
};

/* A domain whose end is waited for. */
struct awaited {
    uint32_t domid;
    uint8_t uuid[16];
    bool ended;
};

static int request_one(struct app *app, const struct stop *stop, uint32_t domid)
{
    int rc;

    fprintf(stderr, "%s domain %" PRIu32 "\n", stop->doing, domid);
    rc = stop->request(&app->ctx, domid, false, app->err);
    if (rc == -EOPNOTSUPP && stop->fallback)
        hl_error_advise(app->err, "-F sends an ACPI event, which only HVM guests have; 'destroy' "
                                  "ends the domain without asking it");
    return rc < 0 ? app_failed(app) : 0;
}

/* Looks whether it has ended and says so once. */
static void check_ended(struct app *app, struct awaited *a, bool death_only)
{
    struct hv_domain_info info;

    if (hv_domain_info(app->ctx.hv, a->domid, &info, NULL) < 0 || info.dying ||
        memcmp(info.uuid, a->uuid, sizeof(a->uuid)) != 0) {
        fprintf(stderr, "Domain %" PRIu32 " has been destroyed.\n", a->domid);
        a->ended = true;
    } else if (info.shutdown && !death_only) {
        fprintf(stderr, "Domain %" PRIu32 " has been shut down, reason code %u (%s)\n", a->domid,
                info.shutdown_reason, reason_word(info.shutdown_reason));
        a->ended = true;
    }
}

/* Until all have ended. Deaths are told by xenstored; the second's poll is for lost ones. */
static int wait_for(struct app *app, struct awaited *list, size_t count, bool death_only)
{
    size_t left = count;

    if (hs_watch(app->ctx.xs, "@releaseDomain", "wait") < 0) {
        hl_fail(app->err, errno, "watch for the end of domains", NULL, NULL);
        return app_failed(app);
    }
    for (;;) {
        struct hs_event *event;

        for (size_t i = 0; i < count; i++) {
            if (list[i].ended)
                continue;
            check_ended(app, &list[i], death_only);
            left -= list[i].ended;
        }
        if (!left)
            break;
        event = hs_event(app->ctx.xs, 1000);
        if (!event && errno != EAGAIN) {
            hl_fail(app->err, errno, "wait for the end of domains", NULL, NULL);
            return app_failed(app);
        }
        free(event);
    }
    hs_unwatch(app->ctx.xs, "@releaseDomain", "wait");
    return 0;
}

/* Nobody is there any more to reboot: says so, where it was asked of this one. */
static bool lost(struct app *app, const struct stop *stop, const struct hv_domain_info *info)
{
    if (stop->all || stop->request != hl_domain_reboot || !info->shutdown ||
        info->shutdown_reason == HV_SHUTDOWN_REBOOT)
        return false;
    hl_fail_dom(app->err, ESRCH, info->domid, "reboot the domain", "it has shut down already (%s)",
                reason_word(info->shutdown_reason));
    hl_error_advise(app->err, "destroy it, and create it anew");
    (void)app_failed(app);
    return true;
}

static int stop_domains(struct app *app, const struct stop *stop,
                        const struct hv_domain_info *domains, size_t count)
{
    struct awaited *list = calloc(count ? count : 1, sizeof(*list));
    size_t asked = 0;
    int rc = 0;

    if (!list) {
        hl_fail(app->err, ENOMEM, "stop domains", NULL, NULL);
        return app_failed(app);
    }
    for (size_t i = 0; i < count; i++) {
        if (domains[i].dying || (stop->all && domains[i].domid == 0))
            continue;
        if (lost(app, stop, &domains[i])) {
            rc = EXIT_FAILED;
            continue;
        }
        /* What has shut down already needs no asking, only waiting for. */
        if (!domains[i].shutdown && request_one(app, stop, domains[i].domid) != 0) {
            rc = EXIT_FAILED;
            continue;
        }
        list[asked].domid = domains[i].domid;
        memcpy(list[asked++].uuid, domains[i].uuid, sizeof(list->uuid));
    }
    if (stop->wait && asked) {
        if (stop->all)
            fprintf(stderr, "Waiting for %zu domains\n", asked);
        if (wait_for(app, list, asked, stop->wait > 1) != 0)
            rc = EXIT_FAILED;
    }
    free(list);
    return rc;
}

static int run_stop(struct app *app, const struct verb *verb, int argc, char **argv,
                    struct stop *stop)
{
    static const struct option longs[] = {
        {"all", 0, 0, 'a'}, {"wait", 0, 0, 'w'}, {"help", 0, 0, 'h'}, {0}};
    struct hv_domain_info *domains = NULL, one;
    size_t count = 0;
    uint32_t domid;
    int opt, rc;

    while ((opt = app_getopt(app, verb, argc, argv, "awFh", longs)) >= 0) {
        switch (opt) {
        case 'a': stop->all = true; break;
        case 'w': stop->wait++; break;
        case 'F': stop->fallback = true; break;
        default: break;
        }
    }
    if (opt == APP_OPT_STOP)
        return app->exit_code;
    if (!stop->all && optind >= argc) {
        fprintf(stderr, "You must specify -a or a domain id.\n\n");
        return EXIT_FAILED;
    }
    if (!app_args(app, verb, argc, 0, 1))
        return EXIT_USAGE;
    if (!stop->all) {
        if (!app_domain(app, argv[optind], &domid))
            return EXIT_FAILED;
        if (hv_domain_info(app->ctx.hv, domid, &one, app->err) < 0)
            return app_failed(app);
        return stop_domains(app, stop, &one, 1);
    }
    if (!app_open(app, 0))
        return EXIT_FAILED;
    if (hv_domain_list(app->ctx.hv, &domains, &count, app->err) < 0)
        return app_failed(app);
    rc = stop_domains(app, stop, domains, count);
    free(domains);
    return rc;
}

static int run_shutdown(struct app *app, const struct verb *verb, int argc, char **argv)
{
    struct stop stop = {.doing = "Shutting down", .request = hl_domain_shutdown};

    return run_stop(app, verb, argc, argv, &stop);
}

static int run_reboot(struct app *app, const struct verb *verb, int argc, char **argv)
{
    struct stop stop = {.doing = "Rebooting", .request = hl_domain_reboot};

    return run_stop(app, verb, argc, argv, &stop);
}

#define STOP_OPTIONS(WHAT)                                                                      \
    "-a, --all               " WHAT " all guest domains.\n"                                     \
    "-F                      Fall back to an ACPI event where the guest does not listen to PV " \
    "requests\n"                                                                                \
    "                        (HVM guests only).\n"                                              \
    "-w, --wait              Wait for the domain to shut down or die; given twice, for its "    \
    "death.\n"

const struct verb life_verbs[] = {
    {"destroy", run_destroy, "[options] <Domain>", "Terminate a domain immediately",
     "-f                      Permit destroying domain 0, which can succeed only where the\n"
     "                        toolstack runs in a domain of its own.\n",
     VERB_COMMON},
    {"shutdown", run_shutdown, "[options] <-a|Domain>", "Issue a shutdown signal to a domain",
     STOP_OPTIONS("Shut down"), VERB_COMMON},
    {"reboot", run_reboot, "[options] <-a|Domain>", "Issue a reboot signal to a domain",
     STOP_OPTIONS("Reboot"), VERB_COMMON},
    {"pause", run_pause, "<Domain>", "Pause execution of a domain", NULL, VERB_COMMON},
    {"unpause", run_unpause, "<Domain>", "Unpause a paused domain", NULL, VERB_COMMON},
    {"sysrq", run_sysrq, "<Domain> <letter>", "Send a sysrq to a domain", NULL, 0},
    {"trigger", run_trigger, "<Domain> <nmi|reset|init|power|sleep|s3resume> [<VCPU>]",
     "Send a trigger to a domain", NULL, 0},
    {"dump-core", run_dump_core, "[options] <Domain> [<filename>]", "Core dump a domain",
     "-p, --pause             Pause the domain meanwhile, so that the dump is of one moment.\n"
     "-C, --crash             The same, and crash the domain when the dump is complete.\n\n"
     "Without a file name the dump is " HL_DUMP_DIR "/NAME.\n",
     0},
    {0},
};
