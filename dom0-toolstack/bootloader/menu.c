/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Menus; see menu.h. */
#include "dom0-toolstack/bootloader/menu.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void menu_init(struct menu *m)
{
    memset(m, 0, sizeof(*m));
    m->timeout = MENU_NO_TIMEOUT;
}

void menu_set_timeout(struct menu *m, const char *text, int divisor)
{
    char *end;
    long n = strtol(text, &end, 10);

    if (end == text || *end != '\0')
        return;
    if (n < 0)
        m->timeout = -1;
    else if (n >= (long)MENU_MAX_TIMEOUT * divisor)
        m->timeout = MENU_MAX_TIMEOUT;
    else
        m->timeout = (int)(n + divisor - 1) / divisor;
}

struct menu_item *menu_add(struct menu *m, int parent)
{
    struct menu_item *i;

    if (m->count == MENU_MAX_ITEMS)
        return NULL;
    i = calloc(1, sizeof(*i));
    if (i == NULL) {
        m->no_memory = true;
        return NULL;
    }
    i->parent = parent;
    m->items[m->count++] = i;
    return i;
}

void menu_set(struct menu *m, char **to, const char *text)
{
    char *copy = strdup(text);

    if (copy == NULL) {
        m->no_memory = true;
        return;
    }
    free(*to);
    *to = copy;
}

void menu_add_initrd(struct menu *m, struct menu_item *i, const char *path)
{
    if (i->nr_initrds == MENU_MAX_INITRDS)
        return;
    menu_set(m, &i->initrds[i->nr_initrds], path);
    if (i->initrds[i->nr_initrds] != NULL)
        i->nr_initrds++;
}

void menu_free(struct menu *m)
{
    for (unsigned int n = 0; n < m->count; n++) {
        struct menu_item *i = m->items[n];

        free(i->title);
        free(i->id);
        free(i->kernel);
        free(i->args);
        for (unsigned int k = 0; k < i->nr_initrds; k++)
            free(i->initrds[k]);
        free(i);
    }
    free(m->chosen);
    menu_init(m);
}

/* ---- choosing ---- */

static bool is_number(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isdigit((unsigned char)text[i]))
            return false;
    return n > 0 && n < 9;
}

static bool is_called(const struct menu_item *i, const char *name, size_t n)
{
    return (i->title != NULL && strlen(i->title) == n && memcmp(i->title, name, n) == 0) ||
           (i->id != NULL && strlen(i->id) == n && memcmp(i->id, name, n) == 0);
}

/* One step of a path: the child of `parent` with that number, title or id; -1. */
static int find_child(const struct menu *m, int parent, const char *name, size_t n)
{
    unsigned long nth = is_number(name, n) ? strtoul(name, NULL, 10) : 0;

    for (unsigned int i = 0; i < m->count; i++) {
        if (m->items[i]->parent != parent)
            continue;
        if (is_number(name, n) ? nth-- == 0 : is_called(m->items[i], name, n))
            return (int)i;
    }
    return -1;
}

/* The first with a kernel in a submenu (-1: in all). Items stand behind the submenu that they are in. */
static const struct menu_item *first_in(const struct menu *m, int parent)
{
    for (unsigned int i = 0; i < m->count; i++) {
        int up = (int)i;

        if (m->items[i]->kernel == NULL)
            continue;
        while (up >= 0 && up != parent)
            up = m->items[up]->parent;
        if (up == parent)
            return m->items[i];
    }
    return NULL;
}

static const struct menu_item *by_path(const struct menu *m, const char *path)
{
    int at = -1;

    for (;;) {
        size_t n = strcspn(path, ">");

        at = find_child(m, at, path, n);
        if (at < 0 || path[n] == '\0')
            break;
        path += n + 1;
    }
    if (at < 0)
        return NULL;
    return m->items[at]->submenu ? first_in(m, at) : m->items[at];
}

static const struct menu_item *by_name(const struct menu *m, const char *wanted)
{
    size_t len = strlen(wanted);
    unsigned long nth = is_number(wanted, len) ? strtoul(wanted, NULL, 10) : 0;

    for (unsigned int i = 0; i < m->count; i++) {
        const struct menu_item *item = m->items[i];

        if (item->kernel == NULL)
            continue;
        if (is_number(wanted, len) ? nth-- == 0 : is_called(item, wanted, len))
            return item;
    }
    return NULL;
}

const struct menu_item *menu_choose(const struct menu *m, const char *wanted)
{
    const struct menu_item *i;

    if (wanted != NULL)
        return by_name(m, wanted);
    i = m->chosen == NULL ? NULL : by_path(m, m->chosen);
    return i != NULL && i->kernel != NULL ? i : first_in(m, -1);
}

unsigned int menu_number(const struct menu *m, const struct menu_item *i)
{
    unsigned int nth = 0;

    for (unsigned int n = 0; n < m->count && m->items[n] != i; n++)
        nth += m->items[n]->kernel != NULL;
    return nth;
}
