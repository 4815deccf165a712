/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the verbs of hl share. A verb is one row of a table (name, handler, usage, help); dispatch,
 * prefixes, help and the manual page's list come from it. One file per group of verbs.
 */
#ifndef HL_HL_H
#define HL_HL_H

#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dom0-toolstack/lib/ctx.h"
#include "dom0-toolstack/lib/error.h"

/* Exit codes, as xl's. */
#define EXIT_FAILED  1
#define EXIT_USAGE   2
#define EXIT_NO_FILE 3
#define EXIT_INVALID 6

struct app {
    const char *program; /* "hl", "xl" or "xm": how we were called */
    unsigned int verbose;
    bool dry_run; /* -N */
    bool force;   /* -f */
    bool json;    /* --json */
    bool timestamps;
    bool ctx_is_open;
    struct hl_ctx ctx;
    struct hl_error *err;
    int exit_code; /* after APP_OPT_STOP, or app_no_options() was false */
};

#define VERB_CAN_DRY_RUN 1u /* understands -N */
#define VERB_COMMON      2u /* in the short help */
#define VERB_READS       4u /* changes nothing: -N has nothing to hold back */

struct verb {
    const char *name;
    int (*run)(struct app *app, const struct verb *verb, int argc, char **argv);
    const char *usage;   /* what follows the name */
    const char *summary; /* one line */
    const char *options; /* help lines, or NULL */
    unsigned int flags;
};

/* The groups; each array ends with a row without a name. */
extern const struct verb create_verbs[], list_verbs[], life_verbs[], console_verbs[], name_verbs[],
    memory_verbs[], cpu_verbs[], sched_verbs[], device_verbs[], vnc_verbs[], devd_verbs[],
    host_verbs[], help_verbs[];

/* All verbs in help's order; i from 0; NULL past the last. */
const struct verb *verb_at(size_t i);

/* Exact name, or the only one that begins with it. NULL, with *matches saying how many begin so. */
const struct verb *verb_find(const char *name, size_t *matches);

/* Help of one verb, as `hl help VERB` prints it. */
void verb_help(const struct app *app, const struct verb *verb);

/* ---- options ----------------------------------------------------------------------------- */

#define APP_OPT_STOP (-2) /* help was asked for, or an unknown option: return app->exit_code */

/*
 * getopt_long() with our messages and -h/--help. Answers the option, -1 at the end (optind stands
 * at the first argument) or APP_OPT_STOP.
 */
int app_getopt(struct app *app, const struct verb *verb, int argc, char **argv,
               const char *short_options, const struct option *long_options);

/* Are there min to max arguments left? Else prints the help and answers false. max < 0: any. */
bool app_args(struct app *app, const struct verb *verb, int argc, int min, int max);

/* Of a verb without options: -h, and min to max arguments. False: return app->exit_code. */
bool app_no_options(struct app *app, const struct verb *verb, int argc, char **argv, int min,
                    int max);

/* Prints "hl VERB: …" to stderr; EXIT_USAGE. */
int app_misused(const struct app *app, const struct verb *verb, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- signals ------------------------------------------------------------------------------ */

/*
 * Ctrl-C in the middle would leave half a thing: SIGHUP, SIGINT and SIGTERM wait until there is
 * either none or a whole one. `old` is the mask to go back to.
 */
void app_hold_signals(sigset_t *old);
/* Has one of them come meanwhile? */
bool app_interrupted(void);

/* ---- errors and the hypervisor ------------------------------------------------------------ */

/* Prints app->err (a sentence, or JSON with --json) and empties it; EXIT_FAILED. */
int app_failed(struct app *app);

/* A line on stderr: "hl: …". */
void app_say(const struct app *app, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Connects once, HL_CTX_STORE_OPTIONAL as flags. False: the error was printed. */
bool app_open(struct app *app, unsigned int flags);

/* hl_domain_find(), whose record says so where the domain is missing because hospesd restarts it. */
int app_find(struct app *app, const char *name_or_id, uint32_t *domid);

/* Until the domain is gone, and all that took its place by restarts. 0, or EXIT_FAILED. */
int app_wait_gone(struct app *app, const uint8_t uuid[16]);

/* Connects and finds a domain by name or number. False: the error was printed. */
bool app_domain(struct app *app, const char *name_or_id, uint32_t *domid);

/*
 * Starts a viewer for the domain's screen, which goes on by itself; where none can be had, that is said and nothing else
 * fails. `autopass`: it is given the password.
 */
void vnc_view_beside(struct app *app, uint32_t domid, bool autopass);

/* A decimal or 0x number from low to high; false after saying what is wrong with `what`. */
bool app_number(const struct app *app, const char *what, const char *text, long long low,
                long long high, long long *out);

#endif
