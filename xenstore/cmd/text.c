/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values as text on one line, and back. */
#include <stdlib.h>
#include <string.h>

#include "xenstore/cmd/cmd.h"

static void put(FILE *out, unsigned char c)
{
    static const char *const named[] = {
        ['\t'] = "\\t", ['\n'] = "\\n", ['\r'] = "\\r", ['\\'] = "\\\\"};

    if (c < sizeof(named) / sizeof(named[0]) && named[c]) {
        fputs(named[c], out);
    } else if (c >= ' ' && c <= '~') {
        fputc(c, out);
    } else {
        fprintf(out, c < 8 ? "\\%03o" : "\\x%02x", c);
    }
}

void print_escaped(FILE *out, const char *value, size_t len)
{
    while (len--) {
        put(out, (unsigned char)*value++);
    }
}

char *escape(const char *value, size_t len)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (!out) {
        return NULL;
    }
    print_escaped(out, value, len);
    return fclose(out) ? NULL : text;
}

static unsigned int digit(char c)
{
    if (c >= '0' && c <= '9') {
        return (unsigned int)(c - '0');
    }
    if (c >= 'a' && c <= 'f') {
        return (unsigned int)(c - 'a') + 10;
    }
    return c >= 'A' && c <= 'F' ? (unsigned int)(c - 'A') + 10 : 16;
}

/* Up to max digits of a base; moves *p behind them. */
static char number(const char **p, unsigned int base, int max)
{
    unsigned int v = 0;

    while (max-- && digit(**p) < base) {
        v = v * base + digit(*(*p)++);
    }
    return (char)v;
}

size_t unescape(char *text)
{
    const char *p = text;
    char *out = text;

    while (*p) {
        if (*p != '\\' || !p[1]) {
            *out++ = *p++;
            continue;
        }
        p++;
        if (*p == 'x' && digit(p[1]) < 16) {
            p++;
            *out++ = number(&p, 16, 2);
        } else if (digit(*p) < 8) {
            *out++ = number(&p, 8, 3);
        } else {
            *out++ = *p == 't' ? '\t' : *p == 'n' ? '\n' : *p == 'r' ? '\r' : *p;
            p++;
        }
    }
    *out = '\0';
    return (size_t)(out - text);
}

char *child_path(const char *dir, const char *name)
{
    char *path;

    return asprintf(&path, "%s/%s", strcmp(dir, "/") ? dir : "", name) < 0 ? NULL : path;
}
