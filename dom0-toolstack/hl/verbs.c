/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of all verbs, finding one by a prefix, and help. */
#include "dom0-toolstack/hl/hl.h"

#include <stdio.h>
#include <string.h>

static const struct verb *const groups[] = {
    create_verbs, list_verbs,   life_verbs, console_verbs, name_verbs, memory_verbs, cpu_verbs,
    sched_verbs,  device_verbs, vnc_verbs,  devd_verbs,    host_verbs, help_verbs,
};

const struct verb *verb_at(size_t i)
{
    for (size_t g = 0; g < sizeof(groups) / sizeof(groups[0]); g++) {
        for (const struct verb *v = groups[g]; v->name; v++) {
            if (i-- == 0)
                return v;
        }
    }
    return NULL;
}

const struct verb *verb_find(const char *name, size_t *matches)
{
    const struct verb *v, *found = NULL;
    size_t len = strlen(name);

    *matches = 0;
    for (size_t i = 0; (v = verb_at(i)) != NULL; i++) {
        if (strcmp(v->name, name) == 0) {
            *matches = 1;
            return v;
        }
        if (len && strncmp(v->name, name, len) == 0) {
            ++*matches;
            found = v;
        }
    }
    return *matches == 1 ? found : NULL;
}

void verb_help(const struct app *app, const struct verb *verb)
{
    printf("Usage: %s [-v%stT%s] [--json] %s %s\n\n%s.\n", app->program,
           verb->flags & VERB_READS ? "" : "f", verb->flags & VERB_CAN_DRY_RUN ? "N" : "",
           verb->name, verb->usage, verb->summary);
    if (verb->options)
        printf("\nOptions:\n\n%s", verb->options);
}

static void help_all(const struct app *app, bool everything)
{
    const struct verb *v;

    printf("Usage %s [-vfNtT] [--json] <subcommand> [args]\n\n", app->program);
    printf(everything ? "%s full list of subcommands:\n\n" : "%s common subcommands:\n\n",
           app->program);
    for (size_t i = 0; (v = verb_at(i)) != NULL; i++) {
        if (everything || (v->flags & VERB_COMMON))
            printf(" %-19s %s\n", v->name, v->summary);
    }
    if (!everything)
        printf("\n'%s help --long' lists all of them, '%s help SUBCOMMAND' explains one.\n",
               app->program, app->program);
}

static int run_help(struct app *app, const struct verb *verb, int argc, char **argv)
{
    static const struct option longs[] = {{"long", 0, 0, 'l'}, {"help", 0, 0, 'h'}, {0}};
    bool everything = false;
    const struct verb *about;
    size_t matches;
    int opt;

    while ((opt = app_getopt(app, verb, argc, argv, "lh", longs)) >= 0)
        everything |= opt == 'l';
    if (opt == APP_OPT_STOP)
        return app->exit_code;
    if (optind >= argc) {
        help_all(app, everything);
        return 0;
    }
    about = verb_find(argv[optind], &matches);
    if (about)
        verb_help(app, about);
    else
        printf("command \"%s\" not implemented\n", argv[optind]);
    return 0;
}

const struct verb help_verbs[] = {
    {"help", run_help, "[--long] [subcommand]", "Lists the subcommands, or explains one",
     "-l, --long              List all subcommands, not only the common ones\n",
     VERB_READS | VERB_COMMON},
    {0},
};
