/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The grammar of xl.cfg on top of its words: settings and values. See cfg.h. */
#include "dom0-toolstack/lib/cfg_lex.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Deeper lists are refused: recursion must not follow the input. No key needs more than two. */
#define MAX_DEPTH 16

struct cfg_source {
    struct cfg_source *next;
    char name[];
};

struct cfg {
    struct cfg_setting *first, **last;
    struct cfg_source *sources; /* the names that places point at */
};

struct cfg *cfg_new(void)
{
    struct cfg *cfg = calloc(1, sizeof(*cfg));

    if (cfg)
        cfg->last = &cfg->first;
    return cfg;
}

static void free_value(struct cfg_value *v)
{
    if (!v)
        return;
    for (size_t i = 0; i < v->nr_items; i++)
        free_value(v->items[i]);
    free(v->items);
    free(v->text);
    free(v);
}

void cfg_free(struct cfg *cfg)
{
    if (!cfg)
        return;
    while (cfg->first) {
        struct cfg_setting *s = cfg->first;

        cfg->first = s->next;
        free_value(s->value);
        free(s->key);
        free(s);
    }
    while (cfg->sources) {
        struct cfg_source *source = cfg->sources;

        cfg->sources = source->next;
        free(source);
    }
    free(cfg);
}

const char *cfg_type_name(enum cfg_type type)
{
    static const char *const names[] = {"string", "number", "list"};

    return names[type];
}

const struct cfg_setting *cfg_first(const struct cfg *cfg)
{
    return cfg->first;
}

static struct cfg_setting *find(const struct cfg *cfg, const char *key)
{
    struct cfg_setting *s = cfg->first;

    while (s && strcmp(s->key, key) != 0)
        s = s->next;
    return s;
}

const struct cfg_setting *cfg_find(const struct cfg *cfg, const char *key)
{
    return find(cfg, key);
}

bool cfg_value_number(const struct cfg_value *v, long long *number)
{
    if (v->type == CFG_NUMBER) {
        *number = v->number;
        return true;
    }
    return v->type == CFG_STRING && cfg_number_parse(v->text, strlen(v->text), number);
}

char *cfg_error_string(const struct cfg_error *err)
{
    char *out = NULL;
    int n;

    if (err->place.line)
        n = asprintf(&out, "%s:%u:%u: %s", err->place.source, err->place.line, err->place.column,
                     err->text);
    else
        n = asprintf(&out, "%s: %s", err->place.source, err->text);
    if (n < 0)
        return NULL;
    return out;
}

static int unexpected(const struct cfg_lexer *lx, const char *expected)
{
    char found[96];

    cfg_lex_describe(lx, found, sizeof(found));
    return cfg_fail(lx->err, lx->place, "expected %s, found %s", expected, found);
}

static int parse_value(struct cfg_lexer *lx, unsigned int depth, struct cfg_value **out);

/* Skips newlines, as they may stand between the parts of a list. */
static enum cfg_token skip_newlines(struct cfg_lexer *lx)
{
    while (lx->token == TOK_NEWLINE)
        cfg_lex_next(lx);
    return lx->token;
}

static int append_item(struct cfg_lexer *lx, struct cfg_value *list, struct cfg_value *item)
{
    /* Grows by doubling: the capacity is the next power of two. */
    if ((list->nr_items & (list->nr_items - 1)) == 0) {
        size_t capacity = list->nr_items ? list->nr_items * 2 : 1;
        struct cfg_value **items = realloc(list->items, capacity * sizeof(*items));

        if (!items)
            return cfg_fail_memory(lx->err, item->place);
        list->items = items;
    }
    list->items[list->nr_items++] = item;
    return 0;
}

/* Behind the "[" up to and with the "]". */
static int parse_list(struct cfg_lexer *lx, unsigned int depth, struct cfg_value *list)
{
    if (depth >= MAX_DEPTH)
        return cfg_fail(lx->err, lx->place, "lists are nested deeper than %d", MAX_DEPTH);
    cfg_lex_next(lx);
    while (skip_newlines(lx) != TOK_CLOSE) {
        struct cfg_value *item;

        if (parse_value(lx, depth + 1, &item) < 0)
            return -1;
        if (append_item(lx, list, item) < 0) {
            free_value(item);
            return -1;
        }
        if (skip_newlines(lx) == TOK_COMMA)
            cfg_lex_next(lx);
        else if (lx->token == TOK_ERROR)
            return -1;
        else if (lx->token != TOK_CLOSE)
            return unexpected(lx, "',' or ']' in the list");
    }
    cfg_lex_next(lx);
    return 0;
}

static int value_wanted(const struct cfg_lexer *lx)
{
    if (lx->token == TOK_ERROR)
        return -1;
    if (lx->token == TOK_IDENT)
        return cfg_fail(lx->err, lx->place,
                        "expected a value (\"string\", number or [list]), found the word %.40s; a "
                        "string needs quotes (for the shell: 'key=\"%.40s\"')",
                        lx->text, lx->text);
    return unexpected(lx, "a value (\"string\", number or [list])");
}

/* Leaves the lexer behind the value. */
static int parse_value(struct cfg_lexer *lx, unsigned int depth, struct cfg_value **out)
{
    struct cfg_value *v;
    int rc = 0;

    if (lx->token != TOK_STRING && lx->token != TOK_NUMBER && lx->token != TOK_OPEN)
        return value_wanted(lx);
    v = calloc(1, sizeof(*v));
    if (!v)
        return cfg_fail_memory(lx->err, lx->place);
    v->place = lx->place;
    if (lx->token == TOK_OPEN) {
        v->type = CFG_LIST;
        rc = parse_list(lx, depth, v);
    } else {
        v->type = lx->token == TOK_STRING ? CFG_STRING : CFG_NUMBER;
        v->number = lx->number;
        v->text = lx->text;
        lx->text = NULL;
        cfg_lex_next(lx);
    }
    if (rc < 0) {
        free_value(v);
        return -1;
    }
    *out = v;
    return 0;
}

/* old += added; takes `added` over when it succeeds. */
static int join(struct cfg_lexer *lx, struct cfg_setting *s, struct cfg_value *added)
{
    struct cfg_value *old = s->value;

    if (old->type == CFG_LIST) {
        if (added->type != CFG_LIST)
            return append_item(lx, old, added);
        for (size_t i = 0; i < added->nr_items; i++) {
            if (append_item(lx, old, added->items[i]) < 0) {
                /* The items that moved belong to the old list now. */
                memmove(added->items, added->items + i, (added->nr_items - i) * sizeof(void *));
                added->nr_items -= i;
                return -1;
            }
        }
        added->nr_items = 0;
        free_value(added);
        return 0;
    }
    if (old->type == CFG_NUMBER || added->type != CFG_STRING)
        return cfg_fail(lx->err, added->place, "cannot append a %s to %s, which is a %s (line %u)",
                        cfg_type_name(added->type), s->key, cfg_type_name(old->type),
                        old->place.line);
    char *text = NULL;
    if (asprintf(&text, "%s%s", old->text, added->text) < 0)
        return cfg_fail_memory(lx->err, added->place);
    free(old->text);
    old->text = text;
    free_value(added);
    return 0;
}

static int store(struct cfg *cfg, struct cfg_lexer *lx, char *key, struct cfg_place place,
                 bool append, struct cfg_value *value)
{
    struct cfg_setting *s = find(cfg, key);

    if (s && append) {
        if (join(lx, s, value) < 0)
            return -1;
        free(key);
        return 0;
    }
    if (s) {
        free_value(s->value);
        free(key);
    } else {
        s = calloc(1, sizeof(*s));
        if (!s)
            return cfg_fail_memory(lx->err, place);
        s->key = key;
        *cfg->last = s;
        cfg->last = &s->next;
    }
    s->place = place;
    s->value = value;
    return 0;
}

/* One setting; the lexer stands at its key, and at the end behind its value. */
static int parse_setting(struct cfg *cfg, struct cfg_lexer *lx)
{
    struct cfg_place place = lx->place;
    struct cfg_value *value = NULL;
    char *key = lx->text;
    bool append;

    lx->text = NULL;
    cfg_lex_next(lx);
    append = lx->token == TOK_PLUS_EQUALS;
    if (lx->token == TOK_ERROR)
        goto fail;
    if (!append && lx->token != TOK_EQUALS) {
        unexpected(lx, "'=' or '+=' after the key");
        goto fail;
    }
    cfg_lex_next(lx);
    if (parse_value(lx, 0, &value) < 0)
        goto fail;
    if (lx->token == TOK_ERROR)
        goto fail;
    if (lx->token != TOK_NEWLINE && lx->token != TOK_SEMICOLON && lx->token != TOK_END) {
        unexpected(lx, "the end of the line or ';' after the value");
        goto fail;
    }
    if (store(cfg, lx, key, place, append, value) < 0)
        goto fail;
    return 0;

fail:
    free_value(value);
    free(key);
    return -1;
}

static const char *keep_source(struct cfg *cfg, const char *name)
{
    size_t len = strlen(name);
    struct cfg_source *source = malloc(sizeof(*source) + len + 1);

    if (!source)
        return NULL;
    memcpy(source->name, name, len + 1);
    source->next = cfg->sources;
    cfg->sources = source;
    return source->name;
}

int cfg_parse(struct cfg *cfg, const char *source, const char *buf, size_t len,
              struct cfg_error *err)
{
    const char *kept = keep_source(cfg, source);
    struct cfg_lexer lx;
    int rc = 0;

    if (!kept)
        return cfg_fail_memory(err, (struct cfg_place){"", 0, 0});
    cfg_lex_init(&lx, kept, buf, len, err);
    cfg_lex_next(&lx);
    while (rc == 0 && lx.token != TOK_END) {
        switch (lx.token) {
        case TOK_NEWLINE:
        case TOK_SEMICOLON: cfg_lex_next(&lx); break;
        case TOK_IDENT: rc = parse_setting(cfg, &lx); break;
        case TOK_ERROR: rc = -1; break;
        default: rc = unexpected(&lx, "a key"); break;
        }
    }
    cfg_lex_done(&lx);
    return rc;
}
