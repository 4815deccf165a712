/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Failures as records; see error.h. */
#include "dom0-toolstack/lib/error.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yajl/yajl_gen.h>

#define MAX_WITHIN 4

struct hl_error {
    int errnum; /* 0: empty */
    char *step, *object, *cause, *advice;
    char *within[MAX_WITHIN]; /* innermost first */
    unsigned int nr_within;
};

struct hl_error *hl_error_new(void)
{
    return calloc(1, sizeof(struct hl_error));
}

void hl_error_clear(struct hl_error *e)
{
    if (e == NULL)
        return;
    free(e->step);
    free(e->object);
    free(e->cause);
    free(e->advice);
    for (unsigned int i = 0; i < e->nr_within; i++)
        free(e->within[i]);
    memset(e, 0, sizeof(*e));
}

void hl_error_free(struct hl_error *e)
{
    hl_error_clear(e);
    free(e);
}

static char *format(const char *fmt, va_list args)
{
    char *text = NULL;

    if (vasprintf(&text, fmt, args) < 0)
        return NULL;
    return text;
}

static char *copy(const char *text)
{
    return text == NULL ? NULL : strdup(text);
}

static void fill(struct hl_error *e, int errnum, const char *step, const char *object, char *cause)
{
    char *new_step = copy(step), *new_object = copy(object);

    /* The new texts may point into the old record, so that goes last. */
    hl_error_clear(e);
    e->errnum = errnum;
    e->step = new_step;
    e->object = new_object;
    e->cause = cause;
}

int hl_fail(struct hl_error *e, int errnum, const char *step, const char *object, const char *cause,
            ...)
{
    va_list args;
    char *text = NULL;

    if (errnum <= 0)
        errnum = errnum < 0 ? -errnum : EIO;
    if (e == NULL)
        return -errnum;
    if (cause != NULL) {
        va_start(args, cause);
        text = format(cause, args);
        va_end(args);
    } else {
        text = copy(strerror(errnum));
    }
    fill(e, errnum, step, object, text);
    return -errnum;
}

int hl_fail_dom(struct hl_error *e, int errnum, unsigned int domid, const char *step,
                const char *cause, ...)
{
    va_list args;
    char object[32];
    char *text = NULL;

    if (errnum <= 0)
        errnum = errnum < 0 ? -errnum : EIO;
    if (e == NULL)
        return -errnum;
    if (cause != NULL) {
        va_start(args, cause);
        text = format(cause, args);
        va_end(args);
    } else {
        text = copy(errnum == ESRCH ? "no such domain" : strerror(errnum));
    }
    snprintf(object, sizeof(object), "domain %u", domid);
    fill(e, errnum, step, object, text);
    return -errnum;
}

void hl_error_advise(struct hl_error *e, const char *advice, ...)
{
    va_list args;

    if (e == NULL || e->errnum == 0)
        return;
    free(e->advice);
    va_start(args, advice);
    e->advice = format(advice, args);
    va_end(args);
}

void hl_error_within(struct hl_error *e, const char *what, ...)
{
    va_list args;

    if (e == NULL || e->errnum == 0 || e->nr_within == MAX_WITHIN)
        return;
    va_start(args, what);
    e->within[e->nr_within] = format(what, args);
    va_end(args);
    if (e->within[e->nr_within] != NULL)
        e->nr_within++;
}

bool hl_error_is_set(const struct hl_error *e)
{
    return e != NULL && e->errnum != 0;
}

int hl_error_errnum(const struct hl_error *e)
{
    return e == NULL ? 0 : e->errnum;
}

static const char *text_of(const struct hl_error *e, const char *text)
{
    return e == NULL || text == NULL ? "" : text;
}

const char *hl_error_step(const struct hl_error *e)
{
    return text_of(e, e == NULL ? NULL : e->step);
}

const char *hl_error_object(const struct hl_error *e)
{
    return text_of(e, e == NULL ? NULL : e->object);
}

const char *hl_error_cause(const struct hl_error *e)
{
    return text_of(e, e == NULL ? NULL : e->cause);
}

const char *hl_error_advice(const struct hl_error *e)
{
    return text_of(e, e == NULL ? NULL : e->advice);
}

void hl_error_copy(struct hl_error *to, const struct hl_error *from)
{
    if (to == NULL || to == from)
        return;
    hl_error_clear(to);
    if (from == NULL)
        return;
    to->errnum = from->errnum;
    to->step = copy(from->step);
    to->object = copy(from->object);
    to->cause = copy(from->cause);
    to->advice = copy(from->advice);
    for (unsigned int i = 0; i < from->nr_within; i++) {
        to->within[to->nr_within] = copy(from->within[i]);
        if (to->within[to->nr_within] != NULL)
            to->nr_within++;
    }
}

/* "create web1: read kernel of /boot/x: file is cut short. Get the package again." */
char *hl_error_sentence(const struct hl_error *e)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f;

    if (!hl_error_is_set(e))
        return NULL;
    f = open_memstream(&text, &len);
    if (f == NULL)
        return NULL;
    for (unsigned int i = e->nr_within; i-- > 0;)
        fprintf(f, "%s: ", e->within[i]);
    fputs(hl_error_step(e), f);
    if (*hl_error_object(e) != '\0')
        fprintf(f, " (%s)", e->object);
    fprintf(f, ": %s", hl_error_cause(e));
    if (*hl_error_advice(e) != '\0')
        fprintf(f, "; %s", e->advice);
    if (fclose(f) != 0) {
        free(text);
        return NULL;
    }
    /* Names of files and texts of libraries may hold what would end the line or drive a terminal. */
    for (char *c = text; *c != '\0'; c++)
        if (iscntrl((unsigned char)*c))
            *c = ' ';
    return text;
}

static void put(yajl_gen g, const char *text)
{
    yajl_gen_string(g, (const unsigned char *)text, strlen(text));
}

static void put_pair(yajl_gen g, const char *key, const char *value)
{
    put(g, key);
    put(g, value);
}

char *hl_error_json(const struct hl_error *e)
{
    const unsigned char *buf;
    const char *name;
    size_t len;
    char *text = NULL;
    yajl_gen g;

    if (!hl_error_is_set(e))
        return NULL;
    g = yajl_gen_alloc(NULL);
    if (g == NULL)
        return NULL;
    name = strerrorname_np(e->errnum);
    yajl_gen_map_open(g);
    put_pair(g, "step", hl_error_step(e));
    put_pair(g, "object", hl_error_object(e));
    put(g, "errno");
    yajl_gen_integer(g, e->errnum);
    put_pair(g, "error", name == NULL ? "" : name);
    put_pair(g, "cause", hl_error_cause(e));
    put_pair(g, "advice", hl_error_advice(e));
    put(g, "within");
    yajl_gen_array_open(g);
    for (unsigned int i = 0; i < e->nr_within; i++)
        put(g, e->within[i]);
    yajl_gen_array_close(g);
    yajl_gen_map_close(g);
    if (yajl_gen_get_buf(g, &buf, &len) == yajl_gen_status_ok)
        text = strndup((const char *)buf, len);
    yajl_gen_free(g);
    return text;
}
