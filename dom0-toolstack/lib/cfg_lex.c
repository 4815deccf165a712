/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cutting xl.cfg text into words. See cfg.h for the grammar. */
#include "dom0-toolstack/lib/cfg_lex.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int cfg_fail(struct cfg_error *err, struct cfg_place place, const char *fmt, ...)
{
    va_list ap;

    err->place = place;
    err->no_memory = false;
    va_start(ap, fmt);
    vsnprintf(err->text, sizeof(err->text), fmt, ap);
    va_end(ap);
    return -1;
}

int cfg_fail_memory(struct cfg_error *err, struct cfg_place place)
{
    cfg_fail(err, place, "out of memory");
    err->no_memory = true;
    return -1;
}

void cfg_lex_init(struct cfg_lexer *lx, const char *source, const char *buf, size_t len,
                  struct cfg_error *err)
{
    memset(lx, 0, sizeof(*lx));
    lx->buf = lx->at = lx->line_start = buf;
    lx->end = buf + len;
    lx->line = 1;
    lx->err = err;
    lx->place.source = source;
}

void cfg_lex_done(struct cfg_lexer *lx)
{
    free(lx->text);
    lx->text = NULL;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static int hex_digit(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool cfg_number_parse(const char *text, size_t len, long long *number)
{
    bool negative = len > 0 && text[0] == '-';
    size_t i = negative ? 1 : 0;
    unsigned long long value = 0, limit = negative ? (unsigned long long)LLONG_MAX + 1 : LLONG_MAX;
    unsigned int base = 10;

    if (len - i >= 2 && text[i] == '0' && (text[i + 1] == 'x' || text[i + 1] == 'X')) {
        base = 16;
        i += 2;
    } else if (len - i >= 2 && text[i] == '0') {
        base = 8;
        i += 1;
    }
    if (i >= len)
        return false;
    for (; i < len; i++) {
        int digit = hex_digit(text[i]);

        if (digit < 0 || (unsigned int)digit >= base)
            return false;
        if (value > (limit - (unsigned int)digit) / base)
            return false;
        value = value * base + (unsigned int)digit;
    }
    *number = negative ? (long long)(0 - value) : (long long)value;
    return true;
}

static struct cfg_place place_of(const struct cfg_lexer *lx, const char *at)
{
    return (struct cfg_place){lx->place.source, lx->line, (unsigned int)(at - lx->line_start) + 1};
}

/* The quoted form of a byte for a message. */
static const char *describe_byte(char c, char out[16])
{
    if (c >= ' ' && c <= '~')
        snprintf(out, 16, "'%c'", c);
    else
        snprintf(out, 16, "byte 0x%02x", (unsigned char)c);
    return out;
}

static enum cfg_token word(struct cfg_lexer *lx, enum cfg_token token, const char *end)
{
    lx->len = (size_t)(end - lx->start);
    lx->at = end;
    lx->token = token;
    return token;
}

static enum cfg_token failed(struct cfg_lexer *lx)
{
    lx->token = TOK_ERROR;
    return TOK_ERROR;
}

/*
 * One escape at *p, behind the backslash; answers the byte, or -1 with the error filled.
 */
static int lex_escape(struct cfg_lexer *lx, const char **p)
{
    static const char names[] = "abfnrtv\\'\"";
    static const char bytes[] = "\a\b\f\n\r\t\v\\'\"";
    struct cfg_place place = place_of(lx, *p - 1);
    char c = **p;
    const char *found = c ? strchr(names, c) : NULL;
    char shown[16];

    if (found) {
        ++*p;
        return (unsigned char)bytes[found - names];
    }
    if (c == 'x') {
        int high = lx->end - *p > 1 ? hex_digit((*p)[1]) : -1;
        int low = lx->end - *p > 2 ? hex_digit((*p)[2]) : -1;

        if (high < 0 || low < 0)
            return cfg_fail(lx->err, place, "expected two hexadecimal digits after \\x");
        if (high == 0 && low == 0)
            return cfg_fail(lx->err, place, "a string cannot hold a zero byte");
        *p += 3;
        return high * 16 + low;
    }
    if (c >= '0' && c <= '7') {
        int value = 0;

        for (int i = 0; i < 3 && *p < lx->end && **p >= '0' && **p <= '7'; i++, ++*p)
            value = value * 8 + (**p - '0');
        if (value == 0)
            return cfg_fail(lx->err, place, "a string cannot hold a zero byte");
        if (value > 255)
            return cfg_fail(lx->err, place, "an octal escape ends at \\377");
        return value;
    }
    return cfg_fail(
        lx->err, place,
        "expected one of \\a \\b \\f \\n \\r \\t \\v \\\\ \\' \\\" \\xHH \\ooo, found a "
        "backslash before %s",
        describe_byte(c, shown));
}

static enum cfg_token lex_string(struct cfg_lexer *lx)
{
    const char *p = lx->at + 1;
    char quote = *lx->at;
    size_t n = 0;
    char *out;

    /* The value is never longer than its spelling. */
    while (p < lx->end && *p != quote && *p != '\n')
        p += *p == '\\' ? 2 : 1;
    out = malloc((size_t)(p - lx->at));
    p = lx->at + 1;
    if (!out) {
        cfg_fail_memory(lx->err, lx->place);
        return failed(lx);
    }
    for (;;) {
        if (p >= lx->end || *p == '\n') {
            cfg_fail(lx->err, lx->place, "expected a closing %c before the end of the line", quote);
            break;
        }
        if (*p == quote) {
            out[n] = 0;
            lx->text = out;
            return word(lx, TOK_STRING, p + 1);
        }
        if (*p == 0) {
            cfg_fail(lx->err, place_of(lx, p), "a string cannot hold a zero byte");
            break;
        }
        if (*p != '\\') {
            out[n++] = *p++;
            continue;
        }
        if (++p >= lx->end || *p == '\n') {
            cfg_fail(lx->err, lx->place, "expected a closing %c before the end of the line", quote);
            break;
        }
        int c = lex_escape(lx, &p);
        if (c < 0)
            break;
        out[n++] = (char)c;
    }
    free(out);
    return failed(lx);
}

static enum cfg_token lex_word(struct cfg_lexer *lx, bool number)
{
    const char *p = lx->at + 1;

    /* The keys of xl.conf have dots. */
    while (p < lx->end && (is_letter(*p) || is_digit(*p) || (*p == '.' && !number)))
        p++;
    lx->text = strndup(lx->at, (size_t)(p - lx->at));
    if (!lx->text) {
        cfg_fail_memory(lx->err, lx->place);
        return failed(lx);
    }
    if (number && !cfg_number_parse(lx->at, (size_t)(p - lx->at), &lx->number)) {
        cfg_fail(lx->err, lx->place,
                 "expected a number (decimal, 0x hexadecimal or 0 octal, up to 2^63-1), found "
                 "'%.40s'; a string needs quotes",
                 lx->text);
        return failed(lx);
    }
    return word(lx, number ? TOK_NUMBER : TOK_IDENT, p);
}

static void skip_blanks(struct cfg_lexer *lx)
{
    while (lx->at < lx->end && (*lx->at == ' ' || *lx->at == '\t' || *lx->at == '\r' ||
                                *lx->at == '\f' || *lx->at == '\v'))
        lx->at++;
    if (lx->at < lx->end && *lx->at == '#') {
        const char *newline = memchr(lx->at, '\n', (size_t)(lx->end - lx->at));

        lx->at = newline ? newline : lx->end;
    }
}

enum cfg_token cfg_lex_next(struct cfg_lexer *lx)
{
    char shown[16];

    if (lx->token == TOK_ERROR)
        return TOK_ERROR;
    if (lx->token == TOK_NEWLINE) {
        lx->line++;
        lx->line_start = lx->at;
    }
    cfg_lex_done(lx);
    skip_blanks(lx);
    lx->start = lx->at;
    lx->place = place_of(lx, lx->at);
    if (lx->at >= lx->end)
        return word(lx, TOK_END, lx->at);
    switch (*lx->at) {
    case '\n': return word(lx, TOK_NEWLINE, lx->at + 1);
    case ';': return word(lx, TOK_SEMICOLON, lx->at + 1);
    case '=': return word(lx, TOK_EQUALS, lx->at + 1);
    case '[': return word(lx, TOK_OPEN, lx->at + 1);
    case ']': return word(lx, TOK_CLOSE, lx->at + 1);
    case ',': return word(lx, TOK_COMMA, lx->at + 1);
    case '"':
    case '\'': return lex_string(lx);
    case '+':
        if (lx->end - lx->at > 1 && lx->at[1] == '=')
            return word(lx, TOK_PLUS_EQUALS, lx->at + 2);
        break;
    case '-':
        if (lx->end - lx->at > 1 && is_digit(lx->at[1]))
            return lex_word(lx, true);
        break;
    default: break;
    }
    if (is_digit(*lx->at))
        return lex_word(lx, true);
    if (is_letter(*lx->at))
        return lex_word(lx, false);
    cfg_fail(lx->err, lx->place, "unexpected %s", describe_byte(*lx->at, shown));
    return failed(lx);
}

void cfg_lex_describe(const struct cfg_lexer *lx, char *out, size_t size)
{
    int len = lx->len > 40 ? 40 : (int)lx->len;

    switch (lx->token) {
    case TOK_END: snprintf(out, size, "the end of the input"); break;
    case TOK_NEWLINE: snprintf(out, size, "the end of the line"); break;
    case TOK_STRING:
        snprintf(out, size, "the string %.*s%s", len, lx->start, lx->len > 40 ? "…" : "");
        break;
    case TOK_NUMBER: snprintf(out, size, "the number %.*s", len, lx->start); break;
    case TOK_IDENT: snprintf(out, size, "the word %.*s", len, lx->start); break;
    default: snprintf(out, size, "'%.*s'", len, lx->start); break;
    }
}
