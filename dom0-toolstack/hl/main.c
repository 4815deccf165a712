/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hl, the command of Domain 0. It follows xl (same subcommands, options, columns and exit codes) and
 * takes xl's place when it is called by that name, or by xm.
 */
#include "dom0-toolstack/hl/hl.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --json may stand anywhere before a "--"; takes it out of argv. */
static int take_json(struct app *app, int argc, char **argv)
{
    int out = 1;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0) {
            while (i < argc)
                argv[out++] = argv[i++];
            break;
        }
        if (strcmp(argv[i], "--json") == 0)
            app->json = true;
        else
            argv[out++] = argv[i];
    }
    argv[out] = NULL;
    return out;
}

/* The options before the verb. Answers -1 to go on, or an exit code. */
static int global_options(struct app *app, int argc, char **argv)
{
    static const struct option longs[] = {{"help", 0, 0, 'h'}, {0}};
    int opt;

    opterr = 0;
    while ((opt = getopt_long(argc, argv, "+vftTNh", longs, NULL)) >= 0) {
        switch (opt) {
        case 'v': app->verbose++; break;
        case 'f': app->force = true; break;
        case 'N': app->dry_run = true; break;
        case 'T': app->timestamps = true; break;
        case 't': break; /* nothing here draws progress over itself yet */
        case 'h': {
            char *help[] = {(char *)"help", NULL};

            optind = 1;
            return help_verbs[0].run(app, &help_verbs[0], 1, help);
        }
        default:
            fprintf(stderr, "%s: option '%s' is not known. See '%s help'.\n", app->program,
                    argv[optind > 1 ? optind - 1 : 1], app->program);
            return EXIT_USAGE;
        }
    }
    return -1;
}

static void not_found(const struct app *app, const char *name, size_t matches)
{
    const struct verb *v;

    if (matches == 0) {
        fprintf(stderr, "%s: command '%s' is not implemented. '%s help --long' lists all.\n",
                app->program, name, app->program);
        return;
    }
    fprintf(stderr, "%s: '%s' could be:", app->program, name);
    for (size_t i = 0; (v = verb_at(i)) != NULL; i++) {
        if (strncmp(v->name, name, strlen(name)) == 0)
            fprintf(stderr, " %s", v->name);
    }
    fputc('\n', stderr);
}

static int run(struct app *app, int argc, char **argv)
{
    const struct verb *verb;
    size_t matches;
    int rc;

    argc = take_json(app, argc, argv);
    rc = global_options(app, argc, argv);
    if (rc >= 0)
        return rc;
    argc -= optind;
    argv += optind;
    if (argc < 1) {
        char *help[] = {(char *)"help", NULL};

        optind = 1;
        help_verbs[0].run(app, &help_verbs[0], 1, help);
        return EXIT_FAILED;
    }
    verb = verb_find(argv[0], &matches);
    if (!verb) {
        not_found(app, argv[0], matches);
        return EXIT_FAILED;
    }
    if (app->dry_run && !(verb->flags & (VERB_CAN_DRY_RUN | VERB_READS))) {
        fprintf(stderr, "%s: '%s' has no dry run (-N), so nothing was done.\n", app->program,
                verb->name);
        return EXIT_FAILED;
    }
    optind = 0; /* getopt starts anew, and permutes */
    return verb->run(app, verb, argc, argv);
}

int main(int argc, char **argv)
{
    const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
    struct app app = {.program = "hl"};
    int rc;

    if (argc > 0)
        app.program = slash ? slash + 1 : argv[0];
    signal(SIGPIPE, SIG_IGN);
    app.err = hl_error_new();
    if (!app.err) {
        fprintf(stderr, "%s: out of memory\n", app.program);
        return EXIT_FAILED;
    }
    rc = run(&app, argc, argv);
    if (app.ctx_is_open)
        hl_ctx_close(&app.ctx);
    hl_error_free(app.err);
    if (fflush(stdout) != 0 && rc == 0) {
        perror("hl: writing the output");
        rc = EXIT_FAILED;
    }
    return rc;
}
