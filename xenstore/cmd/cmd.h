/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The xenstore-* commands: one program under many names. Options and output are those of Xen's
 * commands.
 */
#ifndef HOSPES_XENSTORE_CMD_H
#define HOSPES_XENSTORE_CMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "xenstore/client/xs_client.h"

struct cmd_options {
    bool flat;    /* -f */
    bool prefix;  /* -p: paths before values; for ls: permissions */
    bool tidy;    /* -t */
    bool upto;    /* -u */
    bool recurse; /* -r */
    bool raw;     /* -R */
    int number;   /* -n, negative: not given */
};

struct command {
    const char *name;
    const char *usage;
    int min_args;
    bool transaction; /* all or nothing, and repeated when others interfere */
    /* Does it; output goes to out. 0, or -1 with errno: EAGAIN lets it be repeated, others were
     * reported already. */
    int (*run)(struct hs *h, hs_tx_t tx, const struct cmd_options *o, char **args, FILE *out);
};

extern const struct command command_read, command_write, command_rm, command_list, command_exists,
    command_ls, command_chmod, command_watch;

/* What this program was called as, for messages. */
extern const char *cmd_name;

/* Prints "NAME: MESSAGE" (with_errno: and the error) and returns -1; keeps errno. */
int cmd_fail(bool with_errno, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Prints a value so that it stays on one line. */
void print_escaped(FILE *out, const char *value, size_t len);

/* The escaped text, in an allocation. */
char *escape(const char *value, size_t len);

/* Undoes escape() in place; the length of the result. */
size_t unescape(char *text);

/* The name of a child node, in an allocation. */
char *child_path(const char *dir, const char *name);

/* xenstore-control has a life of its own. */
int control_main(int argc, char **argv);

#endif
