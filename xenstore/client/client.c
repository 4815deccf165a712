/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The calls of the client library, each one request or a short loop of them. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xenstore/client/client.h"

char *hs_ask(struct hs *h, uint32_t type, hs_tx_t tx, const char *arg, size_t *len)
{
    const struct hs_part part = {arg, strlen(arg) + 1};

    return hs_talk(h, type, tx, &part, 1, len);
}

int hs_tell(struct hs *h, uint32_t type, hs_tx_t tx, const struct hs_part *parts, unsigned int n)
{
    char *reply = hs_talk(h, type, tx, parts, n, NULL);

    free(reply);
    return reply ? 0 : -1;
}

static int tell_string(struct hs *h, uint32_t type, hs_tx_t tx, const char *arg)
{
    const struct hs_part part = {arg, strlen(arg) + 1};

    return hs_tell(h, type, tx, &part, 1);
}

/* ---- nodes -------------------------------------------------------------------------------- */

char *hs_read(struct hs *h, hs_tx_t tx, const char *path, size_t *len)
{
    return hs_ask(h, XS_READ, tx, path, len);
}

/* "DIR/KEY" in out, or -1 with errno. */
static int join(char out[XENSTORE_ABS_PATH_MAX + 1], const char *dir, const char *key)
{
    int n = snprintf(out, XENSTORE_ABS_PATH_MAX + 1, "%s/%s", strcmp(dir, "/") ? dir : "", key);

    if (n < 0 || n > XENSTORE_ABS_PATH_MAX) {
        errno = EINVAL;
        return -1;
    }
    return 0;
}

char *hs_read_at(struct hs *h, hs_tx_t tx, const char *dir, const char *key)
{
    char path[XENSTORE_ABS_PATH_MAX + 1];

    return join(path, dir, key) ? NULL : hs_read(h, tx, path, NULL);
}

char *hs_readf(struct hs *h, hs_tx_t tx, const char *fmt, ...)
{
    char path[XENSTORE_ABS_PATH_MAX + 1];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(path, sizeof(path), fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof(path)) {
        errno = EINVAL;
        return NULL;
    }
    return hs_read(h, tx, path, NULL);
}

int hs_read_int(struct hs *h, hs_tx_t tx, const char *path, long long *value)
{
    char *text = hs_read(h, tx, path, NULL), *end;
    long long v;
    int err;

    if (!text) {
        return -1;
    }
    errno = 0;
    v = strtoll(text, &end, 0);
    err = errno || end == text || *end;
    free(text);
    if (err) {
        errno = EINVAL;
        return -1;
    }
    *value = v;
    return 0;
}

long long hs_number_at(struct hs *h, hs_tx_t tx, const char *dir, const char *key,
                       long long otherwise)
{
    char *text = hs_read_at(h, tx, dir, key), *end;
    long long v;
    bool good;

    if (!text) {
        return otherwise;
    }
    errno = 0;
    v = strtoll(text, &end, 0);
    good = end != text && !*end && !errno && v >= 0 && v <= UINT32_MAX;
    free(text);
    return good ? v : otherwise;
}

int hs_write(struct hs *h, hs_tx_t tx, const char *path, const void *data, size_t len)
{
    const struct hs_part parts[] = {{path, strlen(path) + 1}, {data, len}};

    return hs_tell(h, XS_WRITE, tx, parts, 2);
}

static int write_formatted(struct hs *h, hs_tx_t tx, const char *path, const char *fmt, va_list ap)
{
    char *text;
    int n = vasprintf(&text, fmt, ap), ret;

    if (n < 0) {
        errno = ENOMEM;
        return -1;
    }
    ret = hs_write(h, tx, path, text, (size_t)n);
    free(text);
    return ret;
}

int hs_writef(struct hs *h, hs_tx_t tx, const char *path, const char *fmt, ...)
{
    va_list ap;
    int ret;

    va_start(ap, fmt);
    ret = write_formatted(h, tx, path, fmt, ap);
    va_end(ap);
    return ret;
}

int hs_write_at(struct hs *h, hs_tx_t tx, const char *dir, const char *key, const char *fmt, ...)
{
    char path[XENSTORE_ABS_PATH_MAX + 1];
    va_list ap;
    int ret;

    if (join(path, dir, key)) {
        return -1;
    }
    va_start(ap, fmt);
    ret = write_formatted(h, tx, path, fmt, ap);
    va_end(ap);
    return ret;
}

int hs_mkdir(struct hs *h, hs_tx_t tx, const char *path)
{
    return tell_string(h, XS_MKDIR, tx, path);
}

int hs_rm(struct hs *h, hs_tx_t tx, const char *path)
{
    return tell_string(h, XS_RM, tx, path);
}

int hs_rm_prune(struct hs *h, hs_tx_t tx, const char *path)
{
    char up[XENSTORE_ABS_PATH_MAX + 1], *slash;
    unsigned int n;
    char **names;

    if (strlen(path) >= sizeof(up)) {
        errno = EINVAL;
        return -1;
    }
    memcpy(up, path, strlen(path) + 1);
    for (;;) {
        if (hs_rm(h, tx, up) && errno != ENOENT) {
            return -1;
        }
        slash = strrchr(up, '/');
        if (!slash || slash == up) {
            return 0;
        }
        *slash = '\0';
        if (!strchr(up + 1, '/')) {
            return 0; /* a top-level directory stays */
        }
        names = hs_directory(h, tx, up, &n);
        if (!names) {
            if (errno == ENOENT) {
                continue;
            }
            return -1;
        }
        free(names);
        if (n) {
            return 0;
        }
    }
}

int hs_exists(struct hs *h, hs_tx_t tx, const char *path)
{
    char *value = hs_read(h, tx, path, NULL);

    if (!value) {
        return errno == ENOENT ? 0 : -1;
    }
    free(value);
    return 1;
}

/* ---- directories -------------------------------------------------------------------------- */

/* An array of pointers and the names in one allocation. */
static char **split_names(const char *text, size_t len, unsigned int *n)
{
    unsigned int count = 0, i = 0;
    const char *p;
    char **names, *copy;

    for (p = text; p < text + len; p += strlen(p) + 1) {
        count++;
    }
    names = malloc((count + 1) * sizeof(*names) + len + 1);
    if (!names) {
        return NULL;
    }
    copy = (char *)(names + count + 1);
    memcpy(copy, text, len);
    copy[len] = '\0';
    for (p = copy; p < copy + len; p += strlen(p) + 1) {
        names[i++] = (char *)p;
    }
    names[i] = NULL;
    *n = count;
    return names;
}

struct listing {
    char generation[32];
    char *text;
    size_t len;
};

/* Adds the next part: 1 it was the last, 0 there is more, -1 error (EAGAIN: it changed meanwhile). */
static int next_part(struct hs *h, hs_tx_t tx, const char *path, struct listing *l)
{
    char offset[24];
    const struct hs_part parts[] = {
        {path, strlen(path) + 1},
        {offset, (size_t)snprintf(offset, sizeof(offset), "%zu", l->len) + 1}};
    size_t len, skip;
    char *reply = hs_talk(h, XS_DIRECTORY_PART, tx, parts, 2, &len), *text;
    bool last;

    if (!reply) {
        return -1;
    }
    skip = strnlen(reply, len) + 1;
    if (skip > sizeof(l->generation) || skip > len) {
        free(reply);
        errno = EPROTO;
        return -1;
    }
    if (l->len && strcmp(l->generation, reply)) {
        free(reply);
        errno = EAGAIN;
        return -1;
    }
    memcpy(l->generation, reply, skip);
    len -= skip;
    /* The end of the list is an empty string, that is two NULs in a row. */
    last = len && !reply[skip + len - 1] && (len == 1 || !reply[skip + len - 2]);
    len -= last;
    text = realloc(l->text, l->len + len + 1);
    if (!text || (!last && !len)) {
        l->text = text ? text : l->text;
        free(reply);
        errno = text ? EPROTO : ENOMEM;
        return -1;
    }
    l->text = text;
    memcpy(l->text + l->len, reply + skip, len);
    l->len += len;
    free(reply);
    return last;
}

static char **directory_in_parts(struct hs *h, hs_tx_t tx, const char *path, unsigned int *n)
{
    struct listing l = {0};
    char **names = NULL;
    int ret, restarts = 100;

    while ((ret = next_part(h, tx, path, &l)) != 1) {
        if (ret < 0 && (errno != EAGAIN || !l.len || !restarts--)) {
            free(l.text);
            return NULL;
        }
        if (ret < 0) {
            l.len = 0;
        }
    }
    names = split_names(l.text, l.len, n);
    free(l.text);
    return names;
}

char **hs_directory(struct hs *h, hs_tx_t tx, const char *path, unsigned int *n)
{
    size_t len;
    char *text = hs_ask(h, XS_DIRECTORY, tx, path, &len), **names;

    if (!text) {
        return errno == E2BIG ? directory_in_parts(h, tx, path, n) : NULL;
    }
    names = split_names(text, len, n);
    free(text);
    return names;
}

/* ---- permissions -------------------------------------------------------------------------- */

static const char letters[] = "nrwb";

void hs_perm_format(const struct hs_perm *perm, char out[12])
{
    snprintf(out, 12, "%c%" PRIu32, letters[perm->access & 3], perm->domid);
}

bool hs_perm_parse(const char *text, struct hs_perm *perm)
{
    const char *letter = text[0] ? strchr(letters, text[0]) : NULL;
    unsigned long v;
    char *end;

    if (!letter || text[1] < '0' || text[1] > '9') {
        return false;
    }
    v = strtoul(text + 1, &end, 10);
    if (*end || v > UINT16_MAX) {
        return false;
    }
    *perm = (struct hs_perm){(uint32_t)v, (uint32_t)(letter - letters)};
    return true;
}

struct hs_perm *hs_get_perms(struct hs *h, hs_tx_t tx, const char *path, unsigned int *n)
{
    size_t len;
    char *text = hs_ask(h, XS_GET_PERMS, tx, path, &len);
    struct hs_perm *perms;
    const char *p;

    if (!text) {
        return NULL;
    }
    *n = 0;
    perms = malloc((len / 2 + 1) * sizeof(*perms));
    for (p = text; perms && p < text + len; p += strlen(p) + 1) {
        if (!hs_perm_parse(p, &perms[(*n)++])) {
            free(perms);
            perms = NULL;
            errno = EPROTO;
        }
    }
    free(text);
    return perms;
}

int hs_perms_format(const struct hs_perm *perms, unsigned int n, char text[XENSTORE_PAYLOAD_MAX],
                    size_t *len)
{
    unsigned int i;

    *len = 0;
    for (i = 0; i < n; i++) {
        if (*len + 12 > XENSTORE_PAYLOAD_MAX) {
            errno = E2BIG;
            return -1;
        }
        hs_perm_format(&perms[i], text + *len);
        *len += strlen(text + *len) + 1;
    }
    return 0;
}

int hs_set_perms(struct hs *h, hs_tx_t tx, const char *path, const struct hs_perm *perms,
                 unsigned int n)
{
    char text[XENSTORE_PAYLOAD_MAX];
    struct hs_part parts[] = {{path, strlen(path) + 1}, {text, 0}};

    return hs_perms_format(perms, n, text, &parts[1].len) ? -1
                                                          : hs_tell(h, XS_SET_PERMS, tx, parts, 2);
}

/* ---- transactions ------------------------------------------------------------------------- */

static hs_tx_t free_entry(struct hs *h)
{
    struct hs_txn *txns;
    unsigned int i;

    for (i = 0; i < h->ntxns; i++) {
        if (!h->txns[i].wire) {
            return i + 1;
        }
    }
    txns = realloc(h->txns, (h->ntxns + 1) * sizeof(*txns));
    if (!txns) {
        return HS_TX_NONE;
    }
    h->txns = txns;
    h->txns[h->ntxns++] = (struct hs_txn){0};
    return h->ntxns;
}

hs_tx_t hs_tx_start(struct hs *h)
{
    hs_tx_t tx = free_entry(h);
    char *reply = tx ? hs_ask(h, XS_TRANSACTION_START, HS_TX_NONE, "", NULL) : NULL;
    unsigned long id;

    if (!reply) {
        return HS_TX_NONE;
    }
    id = strtoul(reply, NULL, 10);
    free(reply);
    if (!id || id > UINT32_MAX) {
        errno = EPROTO;
        return HS_TX_NONE;
    }
    h->txns[tx - 1] = (struct hs_txn){(uint32_t)id, h->generation};
    return tx;
}

static int end_transaction(struct hs *h, hs_tx_t tx, const char *how)
{
    int ret;

    if (tx == HS_TX_NONE) {
        errno = EINVAL;
        return -1;
    }
    ret = tell_string(h, XS_TRANSACTION_END, tx, how);
    if (tx <= h->ntxns) {
        h->txns[tx - 1].wire = 0;
    }
    return ret;
}

int hs_tx_commit(struct hs *h, hs_tx_t tx)
{
    return end_transaction(h, tx, "T");
}

void hs_tx_abort(struct hs *h, hs_tx_t tx)
{
    int saved = errno;

    end_transaction(h, tx, "F");
    errno = saved;
}

int hs_change(struct hs *h, const char *there,
              int (*change)(struct hs *h, hs_tx_t tx, void *opaque), void *opaque)
{
    for (unsigned int i = 0; i < HS_TX_TRIES; i++) {
        hs_tx_t tx = hs_tx_start(h);
        int stands;

        if (tx == HS_TX_NONE)
            return -1;
        stands = hs_exists(h, tx, there);
        if (stands == 0)
            errno = ENOENT;
        if (stands != 1 || change(h, tx, opaque) < 0)
            hs_tx_abort(h, tx);
        else if (hs_tx_commit(h, tx) == 0)
            return 0;
        if (errno != EAGAIN)
            return -1;
    }
    return -1;
}

struct one_value {
    const char *path, *value;
};

static int write_value(struct hs *h, hs_tx_t tx, void *opaque)
{
    const struct one_value *v = opaque;

    return hs_write(h, tx, v->path, v->value, strlen(v->value));
}

int hs_write_while(struct hs *h, const char *there, const char *path, const char *value)
{
    struct one_value v = {path, value};

    return hs_change(h, there, write_value, &v);
}

/* ---- domains ------------------------------------------------------------------------------ */

static int tell_number(struct hs *h, uint32_t type, uint32_t number)
{
    char text[12];

    snprintf(text, sizeof(text), "%" PRIu32, number);
    return tell_string(h, type, HS_TX_NONE, text);
}

int hs_introduce(struct hs *h, uint32_t domid, uint64_t gfn, uint32_t port)
{
    char a[12], b[24], c[12];
    const struct hs_part parts[] = {
        {a, (size_t)snprintf(a, sizeof(a), "%" PRIu32, domid) + 1},
        {b, (size_t)snprintf(b, sizeof(b), "%" PRIu64, gfn) + 1},
        {c, (size_t)snprintf(c, sizeof(c), "%" PRIu32, port) + 1},
    };

    return hs_tell(h, XS_INTRODUCE, HS_TX_NONE, parts, 3);
}

int hs_release(struct hs *h, uint32_t domid)
{
    return tell_number(h, XS_RELEASE, domid);
}

int hs_resume(struct hs *h, uint32_t domid)
{
    return tell_number(h, XS_RESUME, domid);
}

int hs_set_target(struct hs *h, uint32_t domid, uint32_t target)
{
    char a[12], b[12];
    const struct hs_part parts[] = {
        {a, (size_t)snprintf(a, sizeof(a), "%" PRIu32, domid) + 1},
        {b, (size_t)snprintf(b, sizeof(b), "%" PRIu32, target) + 1},
    };

    return hs_tell(h, XS_SET_TARGET, HS_TX_NONE, parts, 2);
}

int hs_is_introduced(struct hs *h, uint32_t domid)
{
    char text[12], *reply;
    int ret;

    snprintf(text, sizeof(text), "%" PRIu32, domid);
    reply = hs_ask(h, XS_IS_DOMAIN_INTRODUCED, HS_TX_NONE, text, NULL);
    if (!reply) {
        return -1;
    }
    ret = reply[0] == 'T';
    free(reply);
    return ret;
}

char *hs_domain_path(struct hs *h, uint32_t domid)
{
    char text[12];

    snprintf(text, sizeof(text), "%" PRIu32, domid);
    return hs_ask(h, XS_GET_DOMAIN_PATH, HS_TX_NONE, text, NULL);
}

char *hs_control(struct hs *h, const char *const *args, unsigned int n)
{
    struct hs_part parts[16];
    unsigned int i;

    if (n > sizeof(parts) / sizeof(parts[0])) {
        errno = E2BIG;
        return NULL;
    }
    for (i = 0; i < n; i++) {
        parts[i] = (struct hs_part){args[i], strlen(args[i]) + 1};
    }
    return hs_talk(h, XS_CONTROL, HS_TX_NONE, parts, n, NULL);
}
