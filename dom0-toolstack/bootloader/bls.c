/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See bls.h. */
#include "dom0-toolstack/bootloader/bls.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#define SUFFIX      ".conf"
#define MAX_OPTIONS 4096

bool bls_is_entry(const char *name)
{
    size_t n = strlen(name), s = strlen(SUFFIX);

    return n > s && *name != '.' && strcmp(name + n - s, SUFFIX) == 0;
}

int bls_add(struct bls *b, const char *name, char *text)
{
    struct bls_file *f = &b->files[b->count];

    if (b->count == MENU_MAX_ITEMS || !bls_is_entry(name)) {
        free(text);
        return 0;
    }
    f->id = strndup(name, strlen(name) - strlen(SUFFIX));
    if (f->id == NULL) {
        free(text);
        return -ENOMEM;
    }
    f->text = text;
    b->count++;
    return 0;
}

void bls_free(struct bls *b)
{
    while (b->count > 0) {
        free(b->files[--b->count].id);
        free(b->files[b->count].text);
    }
}

/* ---- the order ---- */

static int order_of_numbers(const char **a, const char **b)
{
    size_t n, m;
    int order;

    *a += strspn(*a, "0");
    *b += strspn(*b, "0");
    n = strspn(*a, "0123456789");
    m = strspn(*b, "0123456789");
    order = n != m ? (n > m ? 1 : -1) : strncmp(*a, *b, n);
    *a += n;
    *b += m;
    return order;
}

/*
 * UAPI.10, version format: runs of digits by their value, of letters as text; other signs only part them. "~" comes
 * before the end, the end before all else; digits come after letters.
 */
static int order_of_versions(const char *a, const char *b)
{
    for (;;) {
        int order;

        while (*a != '\0' && !isalnum((unsigned char)*a) && *a != '~')
            a++;
        while (*b != '\0' && !isalnum((unsigned char)*b) && *b != '~')
            b++;
        if (*a == '~' || *b == '~') {
            if (*a != *b)
                return *a == '~' ? -1 : 1;
            a++, b++;
            continue;
        }
        if (*a == '\0' || *b == '\0')
            return (*a != '\0') - (*b != '\0');
        if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
            order = order_of_numbers(&a, &b);
        } else if (isdigit((unsigned char)*a) || isdigit((unsigned char)*b)) {
            return isdigit((unsigned char)*a) ? 1 : -1;
        } else {
            for (order = 0; order == 0 && isalpha((unsigned char)*a) && isalpha((unsigned char)*b);
                 a++, b++)
                order = (unsigned char)*a - (unsigned char)*b;
            if (order == 0)
                order = isalpha((unsigned char)*a) ? 1 : isalpha((unsigned char)*b) ? -1 : 0;
        }
        if (order != 0)
            return order;
    }
}

static int newest_first(const void *a, const void *b)
{
    const struct bls_file *x = a, *y = b;
    int order = order_of_versions(y->id, x->id);

    return order != 0 ? order : strcmp(y->id, x->id);
}

void bls_sort(struct bls *b)
{
    qsort(b->files, b->count, sizeof(b->files[0]), newest_first);
}

/* ---- an entry ---- */

struct reader {
    struct menu *m;
    struct menu_item *i;
    bls_value *value;
    void *opaque;
    char *version; /* tells entries of one title apart */
};

/* "$NAME" stands for a variable's value; the words are parted by single spaces in the end. */
static void add_options(struct reader *r, const char *text)
{
    char out[MAX_OPTIONS];
    size_t n = 0;

    if (r->i->args != NULL && r->i->args[0] != '\0') {
        n = strnlen(r->i->args, sizeof(out) - 2);
        memcpy(out, r->i->args, n);
        out[n++] = ' ';
    }
    while (*text != '\0' && n < sizeof(out) - 1) {
        size_t len = 0;

        while (*text == '$' && (isalnum((unsigned char)text[1 + len]) || text[1 + len] == '_'))
            len++;
        if (len == 0) {
            out[n++] = *text++;
            continue;
        }
        for (const char *v = r->value(r->opaque, text + 1, len); *v && n < sizeof(out) - 1; v++)
            out[n++] = *v;
        text += 1 + len;
    }
    while (n > 0 && isspace((unsigned char)out[n - 1]))
        n--;
    out[n] = '\0';
    menu_set(r->m, &r->i->args, out);
}

static void add_initrds(struct reader *r, char *list)
{
    char *rest = NULL;

    for (char *one = strtok_r(list, " \t", &rest); one != NULL; one = strtok_r(NULL, " \t", &rest))
        if (*one != '$') /* $tuned_initrd: there is none */
            menu_add_initrd(r->m, r->i, one);
}

static void take_line(struct reader *r, const char *word, char *rest)
{
    if (strcmp(word, "title") == 0)
        menu_set(r->m, &r->i->title, rest);
    else if (strcmp(word, "version") == 0)
        menu_set(r->m, &r->version, rest);
    else if (strcmp(word, "linux") == 0)
        menu_set(r->m, &r->i->kernel, rest);
    else if (strcmp(word, "initrd") == 0)
        add_initrds(r, rest);
    else if (strcmp(word, "options") == 0)
        add_options(r, rest);
}

static void put_file(struct reader *r, const struct bls_file *f)
{
    char *copy = strdup(f->text), *lines = NULL;

    if (copy == NULL) {
        r->m->no_memory = true;
        return;
    }
    for (char *l = strtok_r(copy, "\n", &lines); l != NULL; l = strtok_r(NULL, "\n", &lines)) {
        size_t n, end = strlen(l);

        while (end > 0 && isspace((unsigned char)l[end - 1]))
            l[--end] = '\0';
        l += strspn(l, " \t");
        n = strcspn(l, " \t");
        if (*l == '#' || l[n] == '\0')
            continue;
        l[n] = '\0';
        take_line(r, l, l + n + 1 + strspn(l + n + 1, " \t"));
    }
    free(copy);
    menu_set(r->m, &r->i->id, f->id);
    if (r->i->title == NULL)
        menu_set(r->m, &r->i->title, r->version != NULL ? r->version : f->id);
    if (r->i->kernel != NULL && r->i->args == NULL)
        menu_set(r->m, &r->i->args, "");
}

void bls_put(const struct bls *b, struct menu *m, int parent, bls_value *value, void *opaque)
{
    for (unsigned int n = 0; n < b->count && !m->no_memory; n++) {
        struct reader r = {m, menu_add(m, parent), value, opaque, NULL};

        if (r.i == NULL)
            return;
        put_file(&r, &b->files[n]);
        free(r.version);
    }
}

/* ---- systemd-boot's own file ---- */

/* "default" is a pattern of names, with ".conf" or without. */
static const char *match(const struct bls *b, const char *pattern)
{
    char name[300];

    for (unsigned int n = 0; n < b->count; n++) {
        const char *id = b->files[n].id;

        if (strlen(id) + sizeof(SUFFIX) > sizeof(name))
            continue;
        strcpy(stpcpy(name, id), SUFFIX);
        if (fnmatch(pattern, name, 0) == 0 || fnmatch(pattern, id, 0) == 0)
            return id;
    }
    return NULL;
}

static const char *no_value(void *opaque, const char *name, size_t n)
{
    (void)opaque, (void)name, (void)n;
    return "";
}

int menu_read_loader(struct menu *m, const char *text, const struct bls *b)
{
    char *copy = strdup(text != NULL ? text : ""), *lines = NULL;

    menu_init(m);
    if (copy == NULL)
        return -ENOMEM;
    for (char *l = strtok_r(copy, "\n", &lines); l != NULL; l = strtok_r(NULL, "\n", &lines)) {
        char *rest = NULL, *word = strtok_r(l, " \t\r", &rest),
             *value = word != NULL ? strtok_r(NULL, " \t\r", &rest) : NULL;

        if (value == NULL)
            continue;
        if (strcmp(word, "timeout") == 0)
            menu_set_timeout(m, strcmp(value, "menu-force") == 0 ? "-1" : value, 1);
        else if (strcmp(word, "default") == 0 && match(b, value) != NULL)
            menu_set(m, &m->chosen, match(b, value));
    }
    free(copy);
    bls_put(b, m, -1, no_value, NULL);
    return m->no_memory ? -ENOMEM : 0;
}
