/* SPDX-License-Identifier: GPL-2.0-or-later */
/* extlinux.conf (Syslinux's documentation, "Config"): a keyword a line, in any case, and what follows it. */
#include "dom0-toolstack/bootloader/menu.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_PATH_TEXT 1024

static char *trim(char *text)
{
    size_t n;

    while (isspace((unsigned char)*text))
        text++;
    for (n = strlen(text); n > 0 && isspace((unsigned char)text[n - 1]);)
        text[--n] = '\0';
    return text;
}

/* Relative paths begin at the file's own folder. */
static void set_path(struct menu *m, char **to, const char *path, const char *dir)
{
    char text[MAX_PATH_TEXT];

    if (*path == '/' || snprintf(text, sizeof(text), "%s/%s", dir, path) >= (int)sizeof(text))
        menu_set(m, to, path);
    else
        menu_set(m, to, text);
}

static void add_initrds(struct menu *m, struct menu_item *i, char *list, const char *dir)
{
    char *rest = NULL;

    for (char *one = strtok_r(list, ",", &rest); one != NULL; one = strtok_r(NULL, ",", &rest)) {
        char *path = NULL;

        set_path(m, &path, one, dir);
        if (path != NULL)
            menu_add_initrd(m, i, path);
        free(path);
    }
}

/* The kernel's words, but for initrd=, which is meant for the loader. */
static void set_args(struct menu *m, struct menu_item *i, char *args, const char *dir)
{
    char *out = calloc(1, strlen(args) + 1), *end = out, *rest = NULL;

    if (out == NULL) {
        m->no_memory = true;
        return;
    }
    for (char *w = strtok_r(args, " \t", &rest); w != NULL; w = strtok_r(NULL, " \t", &rest)) {
        if (strncasecmp(w, "initrd=", 7) == 0) {
            add_initrds(m, i, w + 7, dir);
            continue;
        }
        if (end != out)
            *end++ = ' ';
        end = stpcpy(end, w);
    }
    free(i->args);
    i->args = out;
}

static void take_line(struct menu *m, struct menu_item **i, char *word, char *rest, const char *dir)
{
    if (strcasecmp(word, "default") == 0) {
        menu_set(m, &m->chosen, rest);
    } else if (strcasecmp(word, "timeout") == 0) {
        /* Tenths of a second; 0 is no limit. */
        menu_set_timeout(m, strcmp(rest, "0") == 0 ? "-1" : rest, 10);
    } else if (strcasecmp(word, "label") == 0) {
        *i = menu_add(m, -1);
        if (*i != NULL) {
            menu_set(m, &(*i)->id, rest);
            menu_set(m, &(*i)->title, rest);
        }
    } else if (*i == NULL) {
        return;
    } else if (strcasecmp(word, "kernel") == 0 || strcasecmp(word, "linux") == 0) {
        set_path(m, &(*i)->kernel, rest, dir);
        if ((*i)->args == NULL)
            menu_set(m, &(*i)->args, "");
    } else if (strcasecmp(word, "initrd") == 0) {
        add_initrds(m, *i, rest, dir);
    } else if (strcasecmp(word, "append") == 0) {
        set_args(m, *i, rest, dir);
    } else if (strcasecmp(word, "menu") == 0 && strncasecmp(rest, "label ", 6) == 0) {
        menu_set(m, &(*i)->title, trim(rest + 6));
    }
}

int menu_read_extlinux(struct menu *m, const char *text, const char *dir)
{
    char *copy = strdup(text), *lines = NULL;
    struct menu_item *item = NULL;

    menu_init(m);
    if (copy == NULL)
        return -ENOMEM;
    for (char *l = strtok_r(copy, "\n", &lines); l != NULL && !m->no_memory;
         l = strtok_r(NULL, "\n", &lines)) {
        char *word = trim(l);
        size_t n = strcspn(word, " \t");

        if (*word == '#' || word[n] == '\0')
            continue;
        word[n] = '\0';
        take_line(m, &item, word, trim(word + n + 1), dir);
    }
    free(copy);
    return m->no_memory ? -ENOMEM : 0;
}
