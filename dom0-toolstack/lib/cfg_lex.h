/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of xl.cfg; private to the parser. */
#ifndef HL_CFG_LEX_H
#define HL_CFG_LEX_H

#include "dom0-toolstack/lib/cfg.h"

enum cfg_token {
    TOK_END,
    TOK_NEWLINE,
    TOK_SEMICOLON,
    TOK_IDENT,
    TOK_STRING,
    TOK_NUMBER,
    TOK_EQUALS,
    TOK_PLUS_EQUALS,
    TOK_OPEN,
    TOK_CLOSE,
    TOK_COMMA,
    TOK_ERROR, /* err is filled */
};

struct cfg_lexer {
    const char *buf, *end, *at;
    const char *line_start;
    unsigned int line;
    struct cfg_error *err;

    /* The current word. */
    enum cfg_token token;
    struct cfg_place place;
    const char *start; /* its bytes in the input, for messages */
    size_t len;
    char *text;       /* TOK_IDENT, TOK_STRING, TOK_NUMBER: malloc'd; the parser may take it */
    long long number; /* TOK_NUMBER */
};

void cfg_lex_init(struct cfg_lexer *lx, const char *source, const char *buf, size_t len,
                  struct cfg_error *err);
void cfg_lex_done(struct cfg_lexer *lx);

/* Goes to the next word; also answers it. */
enum cfg_token cfg_lex_next(struct cfg_lexer *lx);

/* Fills the error record for a place; always -1. */
int cfg_fail(struct cfg_error *err, struct cfg_place place, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int cfg_fail_memory(struct cfg_error *err, struct cfg_place place);

/* The current word as a message shows it: `the string "abc"`, `the end of the line`. */
void cfg_lex_describe(const struct cfg_lexer *lx, char *out, size_t size);

#endif
