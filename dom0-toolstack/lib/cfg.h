/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The syntax of xl.cfg, without any meaning of its keys:
 *
 *     file    = [ setting ] { (newline | ";") [ setting ] }
 *     setting = key ( "=" | "+=" ) value
 *     key     = letter or "_", then letters, digits, "_", "."
 *     value   = string | number | list
 *     list    = "[" [ value { "," value } [ "," ] ] "]"        newlines may stand anywhere in it
 *     string  = "…" | '…'     escapes: \a \b \f \n \r \t \v \\ \' \" \xHH \ooo
 *     number  = decimal, 0x hexadecimal or 0 octal, optionally with "-" before it
 *
 * "#" starts a comment that ends with the line. "+=" joins strings, and appends to lists. Where a
 * key is set twice, the later setting counts.
 *
 * The parser is a pure function of its input: any bytes give a result or one error with a place.
 */
#ifndef HL_CFG_H
#define HL_CFG_H

#include <stdbool.h>
#include <stddef.h>

enum cfg_type {
    CFG_STRING,
    CFG_NUMBER,
    CFG_LIST,
};

/* Where something stands. `source` is a file's name or, for overrides, a description of it. */
struct cfg_place {
    const char *source;
    unsigned int line, column; /* from 1; columns count bytes */
};

struct cfg_value {
    enum cfg_type type;
    struct cfg_place place;
    char *text;       /* string: its value; number: as it was written */
    long long number; /* of a number */
    struct cfg_value **items;
    size_t nr_items;
};

struct cfg_setting {
    char *key;
    struct cfg_place place;
    struct cfg_value *value;
    struct cfg_setting *next; /* in the order of first appearance */
};

/* What is wrong and where. */
struct cfg_error {
    struct cfg_place place;
    bool no_memory;
    char text[256]; /* "expected …, found …" */
};

struct cfg;

/* An empty configuration, or NULL. cfg_free(NULL) is fine. */
struct cfg *cfg_new(void);
void cfg_free(struct cfg *cfg);

/*
 * Reads `len` bytes (no NUL needed) and adds their settings. Several inputs may be parsed into one
 * configuration, later ones override: a file and then the command line's key=value. 0, or -1 with
 * *err filled; what was read before the error then stays, so the caller gives the whole up.
 */
int cfg_parse(struct cfg *cfg, const char *source, const char *buf, size_t len,
              struct cfg_error *err);

/* The first of all settings, and the one for a key (NULL: not set). */
const struct cfg_setting *cfg_first(const struct cfg *cfg);
const struct cfg_setting *cfg_find(const struct cfg *cfg, const char *key);

/* "string", "number", "list". */
const char *cfg_type_name(enum cfg_type type);

/*
 * A value as a number: a number, or a string that holds one (xl accepts memory="512"). False where
 * it is neither.
 */
bool cfg_value_number(const struct cfg_value *v, long long *number);

/* Decimal, 0x and 0-octal with an optional "-", all of `text`; false if it is not one or too big. */
bool cfg_number_parse(const char *text, size_t len, long long *number);

/* "FILE:LINE:COLUMN: TEXT", or "FILE: TEXT" where line is 0. malloc'd. */
char *cfg_error_string(const struct cfg_error *err);

#endif
