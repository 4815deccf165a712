/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GRUB's grub.cfg (GRUB's manual, chapters "Writing your own configuration file" and "Shell-like scripting"): commands
 * of words, ended by a newline or a semicolon; '…' takes all as it stands, "…" expands $NAME and ${NAME}; { } enclose the
 * body of a menuentry, a submenu or a function.
 */
#include "dom0-toolstack/bootloader/bls.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_WORDS     64
#define MAX_WORD      4096
#define MAX_DEPTH     16
#define MAX_VARIABLES 64

enum block { BLOCK_OTHER, BLOCK_ENTRY, BLOCK_SUBMENU };

struct variable {
    char *name, *value;
};

struct parser {
    struct menu *m;
    const struct bls *bls;
    const char *at;
    char *words[MAX_WORDS];
    unsigned int nr_words;
    struct variable variables[MAX_VARIABLES];
    unsigned int nr_variables;
    enum block blocks[MAX_DEPTH];
    int items[MAX_DEPTH];       /* of ENTRY and SUBMENU */
    unsigned int depth, deeper; /* deeper: open blocks beyond what is kept */
};

/* ---- variables ---- */

static struct variable *find_variable(struct parser *p, const char *name, size_t n)
{
    for (unsigned int i = 0; i < p->nr_variables; i++)
        if (strlen(p->variables[i].name) == n && memcmp(p->variables[i].name, name, n) == 0)
            return &p->variables[i];
    return NULL;
}

static void set_variable(struct parser *p, const char *name, size_t n, const char *value)
{
    struct variable *v = find_variable(p, name, n);

    if (*value == '\0')
        return;
    if (n == 7 && memcmp(name, "default", 7) == 0)
        menu_set(p->m, &p->m->chosen, value);
    if (n == 7 && memcmp(name, "timeout", 7) == 0)
        menu_set_timeout(p->m, value, 1);
    if (v == NULL) {
        if (p->nr_variables == MAX_VARIABLES)
            return;
        v = &p->variables[p->nr_variables];
        v->name = strndup(name, n);
        if (v->name == NULL) {
            p->m->no_memory = true;
            return;
        }
        v->value = NULL;
        p->nr_variables++;
    }
    menu_set(p->m, &v->value, value);
}

/* Each GRUB of the last ten years knows ids; a file asks it, and says "" where it does not. */
static const char *value_of(struct parser *p, const char *name, size_t n)
{
    const struct variable *v = find_variable(p, name, n);

    if (n == 19 && memcmp(name, "menuentry_id_option", 19) == 0)
        return "--id";
    return v == NULL || v->value == NULL ? "" : v->value;
}

/* ---- words ---- */

struct word {
    char text[MAX_WORD];
    size_t len;
    bool any; /* also an empty one in quotes is a word */
};

static void put(struct word *w, char c)
{
    if (w->len < MAX_WORD - 1)
        w->text[w->len++] = c;
}

/* At the $: NAME, {NAME}, or a sign by itself. */
static void expand(struct parser *p, struct word *w)
{
    const char *name = p->at + 1, *value;
    size_t n = 0;
    bool braces = *name == '{';

    name += braces;
    while (isalnum((unsigned char)name[n]) || name[n] == '_')
        n++;
    if (n == 0 || (braces && name[n] != '}')) {
        put(w, *p->at++);
        return;
    }
    for (value = value_of(p, name, n); *value != '\0'; value++)
        put(w, *value);
    p->at = name + n + braces;
}

static void quoted(struct parser *p, struct word *w)
{
    char quote = *p->at++;

    w->any = true;
    while (*p->at != '\0' && *p->at != quote) {
        if (quote == '"' && *p->at == '$') {
            expand(p, w);
            continue;
        }
        if (quote == '"' && *p->at == '\\' && p->at[1] != '\0' && strchr("\\\"$", p->at[1]))
            p->at++;
        put(w, *p->at++);
    }
    if (*p->at != '\0')
        p->at++;
}

static bool ends_word(char c)
{
    return c == '\0' || c == ';' || c == '{' || c == '}' || isspace((unsigned char)c);
}

static void read_word(struct parser *p)
{
    struct word w;

    w.len = 0;
    w.any = false;
    while (!ends_word(*p->at)) {
        if (*p->at == '\'' || *p->at == '"') {
            quoted(p, &w);
        } else if (*p->at == '$') {
            expand(p, &w);
        } else if (*p->at == '\\') {
            p->at++;
            if (*p->at == '\n')
                p->at++;
            else if (*p->at != '\0')
                put(&w, *p->at++);
        } else {
            put(&w, *p->at++);
        }
    }
    w.text[w.len] = '\0';
    if ((w.len == 0 && !w.any) || p->nr_words == MAX_WORDS)
        return;
    p->words[p->nr_words] = strdup(w.text);
    if (p->words[p->nr_words] == NULL)
        p->m->no_memory = true;
    else
        p->nr_words++;
}

static void drop_words(struct parser *p)
{
    while (p->nr_words > 0)
        free(p->words[--p->nr_words]);
}

/* Reads a command's words; what ended it: '\n', '{', '}' or '\0'. */
static char read_command(struct parser *p)
{
    for (;;) {
        char c = *p->at;

        if (c == '\0')
            return c;
        if (c == '#' && (p->nr_words == 0 || isspace((unsigned char)p->at[-1]))) {
            p->at += strcspn(p->at, "\n");
        } else if (c == '\n' || c == ';') {
            p->at++;
            return '\n';
        } else if (c == '{' || c == '}') {
            p->at++;
            return c;
        } else if (isspace((unsigned char)c)) {
            p->at++;
        } else {
            read_word(p);
        }
    }
}

/* ---- commands ---- */

/* The items that are open. */
static int current(const struct parser *p, enum block kind)
{
    for (unsigned int i = p->depth; i-- > 0;)
        if (p->blocks[i] == kind && p->items[i] >= 0)
            return p->items[i];
    return -1;
}

static bool in_function(const struct parser *p)
{
    if (p->deeper > 0)
        return true;
    for (unsigned int i = 0; i < p->depth; i++)
        if (p->blocks[i] == BLOCK_OTHER || p->items[i] < 0)
            return true;
    return false;
}

/* A path without the device that may stand before it: "(hd0,1)/vmlinuz". */
static void set_path(struct menu *m, char **to, const char *text)
{
    const char *end = *text == '(' ? strchr(text, ')') : NULL;

    menu_set(m, to, end != NULL ? end + 1 : text);
}

/* The words from `first` on as one line; such with spaces in quotes, as GRUB does. */
static char *join(struct parser *p, unsigned int first)
{
    size_t room = 1, at = 0;
    char *text;

    for (unsigned int i = first; i < p->nr_words; i++)
        room += strlen(p->words[i]) + 3;
    text = malloc(room);
    if (text == NULL) {
        p->m->no_memory = true;
        return NULL;
    }
    for (unsigned int i = first; i < p->nr_words; i++) {
        size_t n = strlen(p->words[i]);
        bool quote = strchr(p->words[i], ' ') != NULL;

        if (i > first)
            text[at++] = ' ';
        if (quote)
            text[at++] = '"';
        memcpy(text + at, p->words[i], n);
        at += n;
        if (quote)
            text[at++] = '"';
    }
    text[at] = '\0';
    return text;
}

static void take_linux(struct parser *p, struct menu_item *i, unsigned int first)
{
    if (first >= p->nr_words)
        return;
    set_path(p->m, &i->kernel, p->words[first]);
    free(i->args);
    i->args = join(p, first + 1);
}

static void take_initrd(struct parser *p, struct menu_item *i, unsigned int first)
{
    for (; first < p->nr_words; first++) {
        char *path = NULL;

        if (strncmp(p->words[first], "--", 2) == 0)
            continue;
        set_path(p->m, &path, p->words[first]);
        if (path != NULL)
            menu_add_initrd(p->m, i, path);
        free(path);
    }
}

static void run_in_entry(struct parser *p, struct menu_item *i, unsigned int first)
{
    const char *verb = p->words[first];

    if (strcmp(verb, "linux") == 0 || strcmp(verb, "linux16") == 0 || strcmp(verb, "linuxefi") == 0)
        take_linux(p, i, first + 1);
    else if (strcmp(verb, "initrd") == 0 || strcmp(verb, "initrd16") == 0 ||
             strcmp(verb, "initrdefi") == 0)
        take_initrd(p, i, first + 1);
}

static bool is_condition(const char *word)
{
    return strcmp(word, "then") == 0 || strcmp(word, "else") == 0;
}

static const char *value_for_bls(void *opaque, const char *name, size_t n)
{
    return value_of(opaque, name, n);
}

static void run_command(struct parser *p)
{
    unsigned int first = 0;
    const char *word, *equals;
    int entry = current(p, BLOCK_ENTRY);

    while (first < p->nr_words && is_condition(p->words[first]))
        first++;
    if (first == p->nr_words || in_function(p))
        return;
    if (entry >= 0)
        run_in_entry(p, p->m->items[entry], first);
    else if (strcmp(p->words[first], "blscfg") == 0 && p->bls != NULL)
        bls_put(p->bls, p->m, current(p, BLOCK_SUBMENU), value_for_bls, p);
    if (strcmp(p->words[first], "set") == 0)
        first++;
    if (first == p->nr_words)
        return;
    word = p->words[first];
    equals = strchr(word, '=');
    if (equals != NULL && equals != word)
        set_variable(p, word, (size_t)(equals - word), equals + 1);
}

/* "menuentry TITLE --class X --id ID": options take the next word, but for those with a "=". */
static int open_item(struct parser *p, bool submenu)
{
    struct menu_item *i = menu_add(p->m, current(p, BLOCK_SUBMENU));

    if (i == NULL)
        return -1;
    i->submenu = submenu;
    for (unsigned int n = 1; n < p->nr_words; n++) {
        const char *w = p->words[n];

        if (strncmp(w, "--", 2) != 0) {
            if (i->title == NULL)
                menu_set(p->m, &i->title, w);
        } else if (strncmp(w, "--id=", 5) == 0) {
            menu_set(p->m, &i->id, w + 5);
        } else if (strcmp(w, "--unrestricted") != 0 && strchr(w, '=') == NULL &&
                   n + 1 < p->nr_words) {
            n++;
            if (strcmp(w, "--id") == 0)
                menu_set(p->m, &i->id, p->words[n]);
        }
    }
    return (int)p->m->count - 1;
}

static void open_block(struct parser *p)
{
    const char *verb = p->nr_words > 0 ? p->words[0] : "";
    enum block kind = strcmp(verb, "menuentry") == 0 ? BLOCK_ENTRY
                      : strcmp(verb, "submenu") == 0 ? BLOCK_SUBMENU
                                                     : BLOCK_OTHER;
    bool known = kind != BLOCK_OTHER && !in_function(p) && current(p, BLOCK_ENTRY) < 0;

    if (p->depth == MAX_DEPTH || p->deeper > 0) {
        p->deeper++;
        return;
    }
    p->items[p->depth] = known ? open_item(p, kind == BLOCK_SUBMENU) : -1;
    p->blocks[p->depth++] = kind;
}

static void close_block(struct parser *p)
{
    if (p->deeper > 0)
        p->deeper--;
    else if (p->depth > 0)
        p->depth--;
}

/* grubenv: "# GRUB Environment Block", then NAME=VALUE lines, filled up with #. Of what is for one boot only, GRUB takes
 * note there; that is not done here, so such names are left out. */
static void read_environment(struct parser *p, const char *env)
{
    static const char *const names[] = {"saved_entry", "kernelopts", "tuned_params"};

    while (env != NULL && *env != '\0') {
        size_t n = strcspn(env, "\n"), name = strcspn(env, "=\n");

        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && name < n; i++) {
            char *value;

            if (strlen(names[i]) != name || strncmp(env, names[i], name) != 0)
                continue;
            value = strndup(env + name + 1, n - name - 1);
            if (value != NULL)
                set_variable(p, names[i], name, value);
            free(value);
        }
        env += n + (env[n] == '\n');
    }
}

int menu_read_grub(struct menu *m, const char *text, const char *env, const struct bls *bls)
{
    struct parser *p = calloc(1, sizeof(*p));
    char end;

    menu_init(m);
    if (p == NULL)
        return -ENOMEM;
    p->m = m;
    p->bls = bls;
    p->at = text;
    read_environment(p, env);
    do {
        end = read_command(p);
        if (end == '{') {
            open_block(p);
        } else {
            run_command(p);
            if (end == '}')
                close_block(p);
        }
        drop_words(p);
    } while (end != '\0' && !m->no_memory);
    while (p->nr_variables > 0) {
        free(p->variables[--p->nr_variables].name);
        free(p->variables[p->nr_variables].value);
    }
    free(p);
    return m->no_memory ? -ENOMEM : 0;
}
