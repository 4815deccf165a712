/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ls: the tree, indented or (-f) with whole paths, with permissions (-p) in a column. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "xenstore/cmd/cmd.h"

#define PERMS_COLUMN 60 /* where permissions start, if the line leaves room */
#define TAG_LEN      8  /* what is around a value that was cut short: ` = "` and `\..."` but one */

struct layout {
    bool flat, perms;
    size_t width, column;
};

static struct layout make_layout(const struct cmd_options *o)
{
    struct layout l = {.flat = o->flat, .perms = o->prefix, .width = 80};
    struct winsize ws;

    if (o->flat) {
        l.width = (size_t)-1 / 2;
    }
    if (isatty(STDOUT_FILENO) && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) && ws.ws_col > 2) {
        l.width = ws.ws_col - 2u;
    }
    l.column = l.width < PERMS_COLUMN ? l.width : PERMS_COLUMN;
    return l;
}

/* Prints ` = "VALUE"`, cut to the width; how wide the line is now. */
static size_t print_value(const struct layout *l, size_t used, const char *text, size_t len,
                          FILE *out)
{
    size_t room;

    /* As Xen's ls: whether to cut depends on the value's own length, not its escaped form's. */
    if (used + len + TAG_LEN <= l->width) {
        return used + (size_t)fprintf(out, " = \"%s\"", text);
    }
    room = l->width > used + TAG_LEN ? l->width - used - TAG_LEN : 0;
    return used + (size_t)fprintf(out, " = \"%.*s\\...\"", (int)room, text);
}

static void pad(const struct layout *l, size_t used, FILE *out)
{
    if (l->flat || used >= l->column) {
        fputs(used < l->width ? " " : "", out);
        return;
    }
    if (used % 2) {
        fputc(' ', out);
        used++;
    }
    for (; used + 1 < l->column; used += 2) {
        fputs(" .", out);
    }
    fputs(used < l->column ? " " : "", out);
}

static void print_perms(const struct hs_perm *perms, unsigned int n, FILE *out)
{
    unsigned int i;
    char text[12];

    fputs("  (", out);
    for (i = 0; i < n; i++) {
        hs_perm_format(&perms[i], text);
        fprintf(out, "%s%s", i ? "," : "", text);
    }
    fputc(')', out);
}

static void print_node(struct hs *h, const struct layout *l, const char *path, const char *name,
                       int depth, FILE *out)
{
    size_t len, used;
    unsigned int n;
    char *value = hs_read(h, HS_TX_NONE, path, &len), *text;
    struct hs_perm *perms;

    /* A whole path does not count: only what it says about the node is kept short. */
    if (l->flat) {
        fputs(path, out);
        used = 0;
    } else {
        used = (size_t)fprintf(out, "%*s%s", depth, "", name);
    }
    if (!value) {
        fputs(":", out);
        used++;
    } else {
        text = escape(value, len);
        if (text) {
            used = print_value(l, used, text, len, out);
        }
        free(text);
        free(value);
    }
    perms = l->perms ? hs_get_perms(h, HS_TX_NONE, path, &n) : NULL;
    if (perms) {
        pad(l, used, out);
        print_perms(perms, n, out);
        free(perms);
    }
    fputc('\n', out);
}

/* Nodes that go while we list are left out; at the top that is an error. */
static int list(struct hs *h, const struct layout *l, const char *path, int depth, FILE *out)
{
    unsigned int i, n;
    char **names = hs_directory(h, HS_TX_NONE, path, &n);

    if (!names) {
        if (depth && (errno == ENOENT || errno == EACCES)) {
            return 0;
        }
        return cmd_fail(true, "xs_directory (%s)", path);
    }
    for (i = 0; i < n; i++) {
        char *kid = child_path(path, names[i]);

        if (!kid) {
            break;
        }
        print_node(h, l, kid, names[i], depth, out);
        list(h, l, kid, depth + 1, out);
        free(kid);
    }
    free(names);
    return 0;
}

static int run_ls(struct hs *h, hs_tx_t tx, const struct cmd_options *o, char **args, FILE *out)
{
    static char *const root[] = {"/", NULL};
    struct layout l = make_layout(o);

    (void)tx;
    for (args = *args ? args : (char **)root; *args; args++) {
        if (list(h, &l, *args, 0, out)) {
            return -1;
        }
    }
    return 0;
}

const struct command command_ls = {"ls", "[-h] [-f] [-p] [-s] [path]", 0, false, run_ls};
