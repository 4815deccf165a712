/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds out which command is meant, reads the options, and runs it, in a transaction if it wants. */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "xenstore/cmd/cmd.h"

const char *cmd_name = "xenstore";

static const struct command *const commands[] = {
    &command_chmod, &command_exists, &command_list,  &command_ls,
    &command_read,  &command_rm,     &command_watch, &command_write,
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

int cmd_fail(bool with_errno, const char *fmt, ...)
{
    int saved = errno;
    va_list ap;

    fprintf(stderr, "%s: ", cmd_name);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    if (with_errno) {
        fprintf(stderr, ": %s", strerror(saved));
    }
    fputc('\n', stderr);
    errno = saved;
    return -1;
}

static void usage_of_all(FILE *out)
{
    size_t i;

    fprintf(out, "Usage: xenstore COMMAND [options] ...\nor as xenstore-COMMAND. Commands:\n");
    for (i = 0; i < COMMANDS; i++) {
        fprintf(out, "  %-7s %s\n", commands[i]->name, commands[i]->usage);
    }
    fprintf(out, "  control <command> [<argument>...]\n");
}

static void usage_of(const struct command *c, FILE *out)
{
    const char *space = strchr(cmd_name, '-') ? "" : " ";

    fprintf(out, "Usage: %s%s%s %s\n", cmd_name, space, *space ? c->name : "", c->usage);
}

static const struct command *find(const char *name)
{
    size_t i;

    for (i = 0; i < COMMANDS; i++) {
        if (!strcmp(commands[i]->name, name)) {
            return commands[i];
        }
    }
    return NULL;
}

static const struct option longs[] = {
    {"help", no_argument, NULL, 'h'},    {"flat", no_argument, NULL, 'f'},
    {"socket", no_argument, NULL, 's'},  {"prefix", no_argument, NULL, 'p'},
    {"tidy", no_argument, NULL, 't'},    {"upto", no_argument, NULL, 'u'},
    {"recurse", no_argument, NULL, 'r'}, {"number", required_argument, NULL, 'n'},
    {"raw", no_argument, NULL, 'R'},     {NULL, 0, NULL, 0},
};

static void parse(const struct command *c, int argc, char **argv, struct cmd_options *o,
                  unsigned int *flags)
{
    int opt;

    *o = (struct cmd_options){.number = -1};
    while ((opt = getopt_long(argc, argv, "hfspturn:R", longs, NULL)) >= 0) {
        switch (opt) {
        case 'h': usage_of(c, stdout); exit(0);
        case 'f': o->flat = true; break;
        case 's': *flags |= HS_SOCKET; break;
        case 'p': o->prefix = true; break;
        case 't': o->tidy = true; break;
        case 'u': o->upto = true; break;
        case 'r': o->recurse = true; break;
        case 'n': o->number = atoi(optarg); break;
        case 'R': o->raw = true; break;
        default: usage_of(c, stderr); exit(1);
        }
    }
}

/* One attempt with its output held back: 0, or -1 with errno. */
static int attempt(struct hs *h, const struct command *c, const struct cmd_options *o, char **args,
                   char **text, size_t *len)
{
    FILE *out = open_memstream(text, len);
    hs_tx_t tx = hs_tx_start(h);
    int ret, err;

    if (!out || tx == HS_TX_NONE) {
        if (out) {
            fclose(out);
        }
        return cmd_fail(true, "couldn't start transaction");
    }
    ret = c->run(h, tx, o, args, out);
    err = errno;
    fclose(out);
    if (ret) {
        hs_tx_abort(h, tx);
        errno = err;
        return -1;
    }
    ret = hs_tx_commit(h, tx);
    if (ret && errno != EAGAIN) {
        cmd_fail(true, "couldn't end transaction");
    }
    return ret;
}

static int run(struct hs *h, const struct command *c, const struct cmd_options *o, char **args)
{
    char *text = NULL;
    size_t len = 0;
    int ret, err;

    if (!c->transaction) {
        return c->run(h, HS_TX_NONE, o, args, stdout);
    }
    do {
        free(text);
        text = NULL;
        ret = attempt(h, c, o, args, &text, &len);
        err = errno;
    } while (ret && err == EAGAIN);
    /* What was read before an error is printed, as far as there is any. */
    if (text) {
        fwrite(text, 1, len, stdout);
        free(text);
    }
    return ret;
}

int main(int argc, char **argv)
{
    const char *base = strrchr(argv[0], '/'), *name;
    const struct command *c;
    struct cmd_options o;
    unsigned int flags = 0;
    struct hs *h;
    int ret;

    cmd_name = base ? base + 1 : argv[0];
    if (!strncmp(cmd_name, "xenstore-", 9)) {
        name = cmd_name + 9;
    } else {
        if (argc < 2 || !strcmp(argv[1], "-h") || !strcmp(argv[1], "--help")) {
            usage_of_all(argc < 2 ? stderr : stdout);
            return argc < 2;
        }
        name = argv[1];
        argv++;
        argc--;
    }
    if (!strcmp(name, "control")) {
        return control_main(argc, argv);
    }
    c = find(name);
    if (!c) {
        cmd_fail(false, "unknown mode %s", name);
        return 1;
    }
    parse(c, argc, argv, &o, &flags);
    if (argc - optind < c->min_args || (c == &command_write && (argc - optind) % 2)) {
        usage_of(c, stderr);
        return 1;
    }
    h = hs_open(flags);
    if (!h) {
        cmd_fail(true, "cannot reach xenstored");
        return 1;
    }
    ret = run(h, c, &o, argv + optind);
    hs_close(h);
    return ret || fflush(stdout) ? 1 : 0;
}
