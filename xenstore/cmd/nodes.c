/* SPDX-License-Identifier: GPL-2.0-or-later */
/* read, write, rm, list, exists and chmod. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "xenstore/cmd/cmd.h"

/* ---- read, write -------------------------------------------------------------------------- */

static int run_read(struct hs *h, hs_tx_t tx, const struct cmd_options *o, char **args, FILE *out)
{
    for (; *args; args++) {
        size_t len;
        char *value = hs_read(h, tx, *args, &len);

        if (!value) {
            return errno == EAGAIN ? -1 : cmd_fail(false, "couldn't read path %s", *args);
        }
        if (o->prefix) {
            fprintf(out, "%s: ", *args);
        }
        if (o->raw) {
            fwrite(value, 1, len, out);
        } else {
            print_escaped(out, value, len);
            fputc('\n', out);
        }
        free(value);
    }
    return 0;
}

static int run_write(struct hs *h, hs_tx_t tx, const struct cmd_options *o, char **args, FILE *out)
{
    (void)out;
    for (; *args; args += 2) {
        char *value = strdup(args[1]);
        size_t len;
        int ret;

        if (!value) {
            return cmd_fail(true, "no memory");
        }
        len = o->raw ? strlen(value) : unescape(value);
        ret = hs_write(h, tx, args[0], value, len);
        free(value);
        if (ret) {
            return errno == EAGAIN ? -1 : cmd_fail(true, "could not write path %s", args[0]);
        }
    }
    return 0;
}

/* ---- rm, exists, list --------------------------------------------------------------------- */

/* -t: the parents that have neither value nor children any more go, too. */
static int tidy_parents(struct hs *h, hs_tx_t tx, const char *path)
{
    char *up = strdup(path), *slash;
    int ret = up ? 0 : -1;

    while (!ret && (slash = strrchr(up, '/')) && slash != up) {
        unsigned int n = 0;
        size_t len = 0;
        char *value, **names;

        *slash = '\0';
        value = hs_read(h, tx, up, &len);
        names = hs_directory(h, tx, up, &n);
        ret = value && names ? 0 : -1;
        free(value);
        free(names);
        if (ret || n || len) {
            break;
        }
        ret = hs_rm(h, tx, up);
    }
    free(up);
    return ret;
}

static int run_rm(struct hs *h, hs_tx_t tx, const struct cmd_options *o, char **args, FILE *out)
{
    (void)out;
    for (; *args; args++) {
        if (hs_rm(h, tx, *args) || (o->tidy && tidy_parents(h, tx, *args))) {
            return errno == EAGAIN ? -1 : cmd_fail(false, "could not remove path %s", *args);
        }
    }
    return 0;
}

static int run_exists(struct hs *h, hs_tx_t tx, const struct cmd_options *o, char **args, FILE *out)
{
    (void)o;
    (void)out;
    for (; *args; args++) {
        if (hs_exists(h, tx, *args) != 1) {
            return -1;
        }
    }
    return 0;
}

static int run_list(struct hs *h, hs_tx_t tx, const struct cmd_options *o, char **args, FILE *out)
{
    for (; *args; args++) {
        unsigned int i, n;
        char **names = hs_directory(h, tx, *args, &n);

        if (!names) {
            return errno == EAGAIN ? -1 : cmd_fail(false, "could not list path %s", *args);
        }
        for (i = 0; i < n; i++) {
            if (o->prefix) {
                fprintf(out, "%s/", *args);
            }
            fprintf(out, "%s\n", names[i]);
        }
        free(names);
    }
    return 0;
}

/* ---- chmod -------------------------------------------------------------------------------- */

struct mode {
    struct hs_perm perms[1024];
    unsigned int n;
};

static int set_one(struct hs *h, hs_tx_t tx, const char *path, const struct mode *m)
{
    if (!hs_set_perms(h, tx, path, m->perms, m->n)) {
        return 0;
    }
    return errno == EAGAIN ? -1
                           : cmd_fail(true, "Error occurred setting permissions on '%s'", path);
}

static int set_below(struct hs *h, hs_tx_t tx, const char *path, const struct mode *m)
{
    unsigned int i, n;
    char **names = hs_directory(h, tx, path, &n);
    int ret = 0;

    if (!names) {
        return errno == EAGAIN ? -1 : cmd_fail(true, "could not list path %s", path);
    }
    for (i = 0; i < n && !ret; i++) {
        char *kid = child_path(path, names[i]);

        ret = kid ? set_one(h, tx, kid, m) : -1;
        if (!ret) {
            ret = set_below(h, tx, kid, m);
        }
        free(kid);
    }
    free(names);
    return ret;
}

/* -u: the parents as well, except the root. */
static int set_above(struct hs *h, hs_tx_t tx, const char *path, const struct mode *m)
{
    char *up = strdup(path), *slash;
    int ret = up ? 0 : -1;

    while (!ret && (slash = strrchr(up, '/')) && slash != up) {
        *slash = '\0';
        ret = set_one(h, tx, up, m);
    }
    free(up);
    return ret;
}

static int run_chmod(struct hs *h, hs_tx_t tx, const struct cmd_options *o, char **args, FILE *out)
{
    static struct mode m;
    const char *path = args[0];
    int ret;

    (void)out;
    for (m.n = 0, args++; *args; args++) {
        if (m.n == sizeof(m.perms) / sizeof(m.perms[0])) {
            return cmd_fail(false, "too many permissions");
        }
        if (!hs_perm_parse(*args, &m.perms[m.n++])) {
            errno = EINVAL;
            return cmd_fail(false, "Invalid permission specification: '%s'", *args);
        }
    }
    ret = set_one(h, tx, path, &m);
    if (!ret && o->upto) {
        ret = set_above(h, tx, path, &m);
    }
    if (!ret && o->recurse) {
        ret = set_below(h, tx, path, &m);
    }
    return ret;
}

const struct command command_read = {"read", "[-h] [-p] [-s] [-R] key [...]", 1, true, run_read};
const struct command command_write = {"write", "[-h] [-s] [-R] key value [...]", 2, true,
                                      run_write};
const struct command command_rm = {"rm", "[-h] [-s] [-t] key [...]", 1, true, run_rm};
const struct command command_exists = {"exists", "[-h] [-p] [-s] key [...]", 1, true, run_exists};
const struct command command_list = {"list", "[-h] [-p] [-s] key [...]", 1, true, run_list};
const struct command command_chmod = {"chmod", "[-h] [-u] [-r] [-s] key <mode [modes...]>", 2, true,
                                      run_chmod};
