/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every verb needs: options, messages, the connection. See hl.h. */
#include "dom0-toolstack/hl/hl.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dom0-toolstack/hospesd/client.h"
#include "dom0-toolstack/lib/cfg.h"
#include "dom0-toolstack/lib/domain.h"
#include "xenstore/client/xs_client.h"

static void prefix(const struct app *app)
{
    if (app->timestamps) {
        char text[32];
        time_t now = time(NULL);
        struct tm tm;

        strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %Z", localtime_r(&now, &tm));
        fprintf(stderr, "%s [%d] ", text, (int)getpid());
    }
    fprintf(stderr, "%s: ", app->program);
}

void app_say(const struct app *app, const char *fmt, ...)
{
    va_list ap;

    fflush(stdout);
    prefix(app);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
}

int app_failed(struct app *app)
{
    char *text = app->json ? hl_error_json(app->err) : hl_error_sentence(app->err);

    fflush(stdout);
    if (!app->json)
        prefix(app);
    fprintf(stderr, "%s\n", text ? text : "failed, and there was no memory left to say why");
    free(text);
    hl_error_clear(app->err);
    return EXIT_FAILED;
}

int app_misused(const struct app *app, const struct verb *verb, const char *fmt, ...)
{
    va_list ap;

    fflush(stdout);
    fprintf(stderr, "%s %s: ", app->program, verb->name);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fprintf(stderr, "\nSee '%s help %s'.\n", app->program, verb->name);
    return EXIT_USAGE;
}

int app_getopt(struct app *app, const struct verb *verb, int argc, char **argv,
               const char *short_options, const struct option *long_options)
{
    int opt;

    opterr = 0;
    opt = getopt_long(argc, argv, short_options, long_options, NULL);
    if (opt == 'h') {
        verb_help(app, verb);
        app->exit_code = 0;
        return APP_OPT_STOP;
    }
    if (opt == '?' || opt == ':') {
        const char *word = argv[optind > 0 ? optind - 1 : 0];

        if (optopt && (opt == ':' || strchr(short_options, optopt)))
            app_misused(app, verb, "option '%c' needs a value", optopt);
        else if (optopt && optopt < 256 && strncmp(word, "--", 2) != 0)
            app_misused(app, verb, "option '-%c' is not known", optopt);
        else
            app_misused(app, verb, "option '%s' is not known or used wrongly", word);
        app->exit_code = EXIT_USAGE;
        return APP_OPT_STOP;
    }
    return opt;
}

bool app_args(struct app *app, const struct verb *verb, int argc, int min, int max)
{
    int n = argc - optind;

    if (n < min) {
        fprintf(stderr, "'%s %s' requires at least %d argument%s.\n\n", app->program, verb->name,
                min, min == 1 ? "" : "s");
    } else if (max >= 0 && n > max) {
        fprintf(stderr, "'%s %s' takes at most %d argument%s.\n\n", app->program, verb->name, max,
                max == 1 ? "" : "s");
    } else {
        return true;
    }
    fprintf(stderr, "Usage: %s %s %s\n\n%s.\n", app->program, verb->name, verb->usage,
            verb->summary);
    if (verb->options)
        fprintf(stderr, "\nOptions:\n\n%s", verb->options);
    return false;
}

bool app_no_options(struct app *app, const struct verb *verb, int argc, char **argv, int min,
                    int max)
{
    static const struct option longs[] = {{"help", 0, 0, 'h'}, {0}};

    if (app_getopt(app, verb, argc, argv, "h", longs) == APP_OPT_STOP)
        return false;
    if (app_args(app, verb, argc, min, max))
        return true;
    app->exit_code = EXIT_USAGE;
    return false;
}

bool app_open(struct app *app, unsigned int flags)
{
    if (app->ctx_is_open && (app->ctx.xs || (flags & HL_CTX_STORE_OPTIONAL)))
        return true;
    if (app->ctx_is_open)
        hl_ctx_close(&app->ctx);
    app->ctx_is_open = false;
    if (hl_ctx_open(&app->ctx, flags, app->err) < 0) {
        app_failed(app);
        return false;
    }
    app->ctx_is_open = true;
    return true;
}

int app_find(struct app *app, const char *name_or_id, uint32_t *domid)
{
    int rc = hl_domain_find(&app->ctx, name_or_id, domid, app->err);

    if (rc != -ENOENT || !hospesd_restarts(name_or_id))
        return rc;
    hl_fail(app->err, ENOENT, "find the domain", name_or_id, "hospesd restarts it, or waits to");
    hl_error_advise(app->err, "hospesd's log says what keeps it; 'destroy' gives the restart up");
    return rc;
}

int app_wait_gone(struct app *app, const uint8_t uuid[16])
{
    bool gone;
    int rc;

    if (hs_watch(app->ctx.xs, "@releaseDomain", "gone") < 0) {
        hl_fail(app->err, errno, "watch for the domain's end", NULL, NULL);
        return app_failed(app);
    }
    for (;;) {
        rc = hospesd_gone(uuid, &gone, app->err);
        /* The daemon may be restarted while we wait. */
        if (rc == -ENOENT || rc == -ECONNREFUSED || rc == -ECONNRESET)
            hl_error_clear(app->err);
        else if (rc < 0)
            return app_failed(app);
        else if (gone)
            break;
        free(hs_event(app->ctx.xs, 1000));
    }
    hs_unwatch(app->ctx.xs, "@releaseDomain", "gone");
    return 0;
}

bool app_domain(struct app *app, const char *name_or_id, uint32_t *domid)
{
    if (!app_open(app, 0))
        return false;
    if (app_find(app, name_or_id, domid) < 0) {
        app_failed(app);
        return false;
    }
    return true;
}

bool app_number(const struct app *app, const char *what, const char *text, long long low,
                long long high, long long *out)
{
    if (cfg_number_parse(text, strlen(text), out) && *out >= low && *out <= high)
        return true;
    app_say(app, "%s must be a number from %lld to %lld, not '%s'", what, low, high, text);
    return false;
}

void app_hold_signals(sigset_t *old)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, old);
}

bool app_interrupted(void)
{
    sigset_t set;

    sigpending(&set);
    return sigismember(&set, SIGHUP) || sigismember(&set, SIGINT) || sigismember(&set, SIGTERM);
}
