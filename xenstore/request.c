/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decoding requests. Each handler takes its payload apart, refuses what is malformed, and calls one
 * function of view.c, watch.c, txn.c or domain.c. It returns 0 or the errno to send; a handler that
 * leaves the reply empty answers "OK".
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hypercalls/abi/io-xs_wire.h"
#include "xenstore/core.h"
#include "xenstore/journal.h"
#include "xenstore/path.h"
#include "xenstore/perm.h"
#include "xenstore/request.h"
#include "xenstore/txn.h"
#include "xenstore/view.h"
#include "xenstore/watch.h"

/* ---- decoding ----------------------------------------------------------------------------- */

int request_strings(const struct request *r, const char **out, int max)
{
    const char *p = r->data, *end = r->data + r->len;
    int n = 0;

    if (!r->len || end[-1]) {
        return -1;
    }
    for (; p < end; p += strlen(p) + 1) {
        if (n == max) {
            return -1;
        }
        out[n++] = p;
    }
    return n;
}

static bool decode_number(const char *s, uint64_t max, uint64_t *out)
{
    char *end;

    if (s[0] < '0' || s[0] > '9') {
        return false;
    }
    errno = 0;
    *out = strtoull(s, &end, 10);
    return !errno && !*end && *out <= max;
}

static bool decode_domid(const char *s, uint32_t *domid)
{
    uint64_t v;

    if (!decode_number(s, DOMID_LIMIT - 1, &v)) {
        return false;
    }
    *domid = (uint32_t)v;
    return true;
}

/* Makes a path absolute (a relative one starts at the sender's home) and checks it. */
static int decode_path(struct request *r, const char *in, bool special, const char **out)
{
    const struct conn *c = r->conn;
    unsigned int max = c->privileged ? XENSTORE_REL_PATH_MAX : quota_limit(c, QUOTA_PATH_MAX);
    char **slot = r->paths[0] ? &r->paths[1] : &r->paths[0];
    size_t len = strlen(in) + 32;

    if (in[0] == '/' || in[0] == '@') {
        *out = in;
        return path_valid(in, special, max) ? 0 : EINVAL;
    }
    *slot = mem_alloc(len);
    if (!*slot) {
        return ENOMEM;
    }
    snprintf(*slot, len, "/local/domain/%u/%s", c->domid, in);
    *out = *slot;
    return path_valid(*slot, special, max) ? 0 : EINVAL;
}

/* The one path that is the whole payload. */
static int decode_only_path(struct request *r, bool special, const char **out)
{
    const char *path;

    return request_strings(r, &path, 1) == 1 ? decode_path(r, path, special, out) : EINVAL;
}

static struct view view_of(const struct request *r)
{
    return (struct view){.conn = r->conn, .txn = r->txn};
}

/* ---- nodes -------------------------------------------------------------------------------- */

static void list_names(struct buf *b, const struct node *n)
{
    uint32_t i;

    for (i = 0; i < n->nkids; i++) {
        buf_str(b, n->kids[i]->name);
    }
}

/* An empty list is an empty answer, not "OK". */
static int find_directory(struct request *r, const char *in, struct node **n)
{
    struct view v = view_of(r);
    const char *path;
    int err = decode_path(r, in, false, &path);

    return err ? err : view_list(&v, path, n);
}

static int handle_directory(struct request *r)
{
    const char *path;
    struct node *n;
    int err = request_strings(r, &path, 1) == 1 ? find_directory(r, path, &n) : EINVAL;

    if (err) {
        return err;
    }
    if (n->kid_bytes > XENSTORE_PAYLOAD_MAX) {
        return E2BIG;
    }
    list_names(&r->reply, n);
    return 0;
}

/* generation, names from the given offset on as far as they fit, and an empty string at the end. */
static int handle_directory_part(struct request *r)
{
    const char *s[2];
    struct node *n;
    uint64_t offset, at = 0;
    uint32_t i;
    int err;

    if (request_strings(r, s, 2) != 2 || !decode_number(s[1], UINT32_MAX, &offset)) {
        return EINVAL;
    }
    err = find_directory(r, s[0], &n);
    if (err) {
        return err;
    }
    buf_printf(&r->reply, "%" PRIu64, n->kids_gen);
    buf_u8(&r->reply, 0);
    for (i = 0; i < n->nkids; i++) {
        const char *name = n->kids[i]->name;
        size_t len = strlen(name) + 1;

        /* An offset into the middle of a name starts there, as the protocol counts bytes. */
        if (at + len > offset) {
            size_t skip = offset > at ? (size_t)(offset - at) : 0;

            if (r->reply.len + len - skip + 1 > XENSTORE_PAYLOAD_MAX) {
                return 0;
            }
            buf_str(&r->reply, name + skip);
        }
        at += len;
    }
    buf_u8(&r->reply, 0);
    return 0;
}

static int handle_read(struct request *r)
{
    struct view v = view_of(r);
    const char *path;
    struct node *n;
    int err = decode_only_path(r, false, &path);

    if (!err) {
        err = view_find(&v, path, PERM_READ, &n);
    }
    if (!err && n->value) {
        buf_add(&r->reply, n->value->data, n->value->len);
    }
    return err;
}

static int handle_write(struct request *r)
{
    struct view v = view_of(r);
    const char *nul = memchr(r->data, 0, r->len), *path;
    int err = nul ? decode_path(r, r->data, false, &path) : EINVAL;

    return err ? err : view_write(&v, path, nul + 1, (uint32_t)(r->data + r->len - nul - 1));
}

static int handle_mkdir(struct request *r)
{
    struct view v = view_of(r);
    const char *path;
    int err = decode_only_path(r, false, &path);

    return err ? err : view_mkdir(&v, path);
}

static int handle_rm(struct request *r)
{
    struct view v = view_of(r);
    const char *path;
    int err = decode_only_path(r, false, &path);

    return err ? err : view_remove(&v, path);
}

static int handle_get_perms(struct request *r)
{
    struct view v = view_of(r);
    const char *path;
    char text[12];
    struct node *n;
    uint32_t i;
    int err = decode_only_path(r, true, &path);

    if (!err) {
        err = view_find(&v, path, PERM_READ, &n);
    }
    for (i = 0; !err && i < n->acl->n; i++) {
        perm_format(&n->acl->e[i], text);
        buf_str(&r->reply, text);
    }
    return err;
}

/* "n0" and a NUL are the shortest entry, after a path of at least one byte and its NUL. */
#define MAX_PERMS ((XENSTORE_PAYLOAD_MAX - 2) / 3)

static int handle_set_perms(struct request *r)
{
    struct view v = view_of(r);
    struct acl_entry e[MAX_PERMS];
    const char *s[MAX_PERMS + 1], *path;
    int i, n = request_strings(r, s, MAX_PERMS + 1), err;

    if (n < 2) {
        return EINVAL;
    }
    err = decode_path(r, s[0], true, &path);
    if (err) {
        return err;
    }
    for (i = 1; i < n; i++) {
        if (!perm_parse(s[i], &e[i - 1])) {
            return EINVAL;
        }
    }
    return view_set_acl(&v, path, e, (uint32_t)n - 1);
}

/* ---- watches ------------------------------------------------------------------------------ */

/* With the longest path, the token must fit into an event. */
#define MAX_TOKEN (XENSTORE_PAYLOAD_MAX - XENSTORE_ABS_PATH_MAX - 2)

static int decode_watch(struct request *r, const char **path, const char **token, uint32_t *strip)
{
    const char *s[2];
    int err;

    if (request_strings(r, s, 2) != 2) {
        return EINVAL;
    }
    err = decode_path(r, s[0], true, path);
    if (err) {
        return err;
    }
    *strip = (uint32_t)(strlen(*path) - strlen(s[0]));
    *token = s[1];
    return strlen(*token) > MAX_TOKEN ? EINVAL : 0;
}

static void send_ok(struct request *r)
{
    conn_send(r->conn, r->type, r->req_id, r->tx_id, "OK", 3);
}

/* Answers before the first event goes out, because a client may wait for them in that order. */
static int handle_watch(struct request *r)
{
    const char *path, *token;
    uint32_t strip;
    int err = decode_watch(r, &path, &token, &strip);

    if (!err) {
        err = watch_add(r->conn, path, strip, token);
    }
    if (err) {
        return err;
    }
    send_ok(r);
    conn_send_event(r->conn, path + strip, token);
    return -1;
}

static int handle_unwatch(struct request *r)
{
    const char *path, *token;
    uint32_t strip;
    int err = decode_watch(r, &path, &token, &strip);

    return err ? err : watch_remove(r->conn, path, token);
}

static int handle_reset_watches(struct request *r)
{
    conn_reset(r->conn);
    journal_reset(r->conn);
    return 0;
}

/* ---- transactions ------------------------------------------------------------------------- */

static int handle_transaction_start(struct request *r)
{
    struct txn *t;
    int err;

    if (r->txn) {
        return EBUSY;
    }
    err = txn_start(r->conn, 0, &t);
    if (!err) {
        buf_printf(&r->reply, "%u", t->id);
        buf_u8(&r->reply, 0);
    }
    return err;
}

static int handle_transaction_end(struct request *r)
{
    const char *flag;
    int err = 0;

    if (request_strings(r, &flag, 1) != 1 || (strcmp(flag, "T") && strcmp(flag, "F"))) {
        return EINVAL;
    }
    if (!r->txn) {
        return ENOENT;
    }
    if (flag[0] == 'T') {
        err = txn_commit(r->txn);
    }
    journal_txn(r->conn, r->txn->id, false);
    txn_free(r->txn);
    r->txn = NULL;
    return err;
}

/* ---- domains ------------------------------------------------------------------------------ */

static int handle_introduce(struct request *r)
{
    const char *s[3];
    uint64_t gfn, port;
    uint32_t domid;

    if (request_strings(r, s, 3) != 3 || !decode_domid(s[0], &domid) ||
        !decode_number(s[1], UINT64_MAX, &gfn) || !decode_number(s[2], INT32_MAX, &port) || !port) {
        return EINVAL;
    }
    return domain_introduce(r->conn->core, domid, gfn, (uint32_t)port);
}

static int decode_only_domid(const struct request *r, uint32_t *domid)
{
    const char *s;

    return request_strings(r, &s, 1) == 1 && decode_domid(s, domid) ? 0 : EINVAL;
}

static int handle_release(struct request *r)
{
    uint32_t domid;
    int err = decode_only_domid(r, &domid);

    return err ? err : domain_release(r->conn->core, domid);
}

static int handle_resume(struct request *r)
{
    uint32_t domid;
    int err = decode_only_domid(r, &domid);

    return err ? err : domain_resume(r->conn->core, domid);
}

static int handle_set_target(struct request *r)
{
    const char *s[2];
    uint32_t domid, target;

    if (request_strings(r, s, 2) != 2 || !decode_domid(s[0], &domid) ||
        !decode_domid(s[1], &target)) {
        return EINVAL;
    }
    return domain_set_target(r->conn->core, domid, target);
}

static int handle_get_domain_path(struct request *r)
{
    uint32_t domid;
    int err = decode_only_domid(r, &domid);

    if (!err) {
        buf_printf(&r->reply, "/local/domain/%u", domid);
        buf_u8(&r->reply, 0);
    }
    return err;
}

/* Xen's own means "the asker" by DOMID_SELF, the first reserved number. */
static int handle_is_domain_introduced(struct request *r)
{
    const char *s;
    uint64_t domid;
    const struct domain *d;

    if (request_strings(r, &s, 1) != 1 || !decode_number(s, DOMID_LIMIT, &domid)) {
        return EINVAL;
    }
    d = domain_find(r->conn->core, (uint32_t)domid);
    buf_str(&r->reply, domid == DOMID_LIMIT || (d && d->introduced) ? "T" : "F");
    return 0;
}

/* ---- the table ---------------------------------------------------------------------------- */

#define MSG_PRIV  1u /* only for privileged connections */
#define MSG_WRITE 2u /* not on the read-only socket */
#define MSG_NO_TX 4u /* has nothing to do with transactions: the id is ignored */
#define MSG_EMPTY 8u /* an empty answer is an answer, not "OK" */

static const struct {
    const char *name;
    int (*handle)(struct request *r);
    unsigned int flags;
} messages[XS_TYPE_COUNT] = {
    [XS_CONTROL] = {"CONTROL", handle_control, MSG_PRIV | MSG_WRITE | MSG_NO_TX},
    [XS_DIRECTORY] = {"DIRECTORY", handle_directory, MSG_EMPTY},
    [XS_READ] = {"READ", handle_read, MSG_EMPTY},
    [XS_GET_PERMS] = {"GET_PERMS", handle_get_perms, 0},
    [XS_WATCH] = {"WATCH", handle_watch, MSG_NO_TX},
    [XS_UNWATCH] = {"UNWATCH", handle_unwatch, MSG_NO_TX},
    [XS_TRANSACTION_START] = {"TRANSACTION_START", handle_transaction_start, 0},
    [XS_TRANSACTION_END] = {"TRANSACTION_END", handle_transaction_end, 0},
    [XS_INTRODUCE] = {"INTRODUCE", handle_introduce, MSG_PRIV | MSG_WRITE | MSG_NO_TX},
    [XS_RELEASE] = {"RELEASE", handle_release, MSG_PRIV | MSG_WRITE | MSG_NO_TX},
    [XS_GET_DOMAIN_PATH] = {"GET_DOMAIN_PATH", handle_get_domain_path, MSG_NO_TX},
    [XS_WRITE] = {"WRITE", handle_write, MSG_WRITE},
    [XS_MKDIR] = {"MKDIR", handle_mkdir, MSG_WRITE},
    [XS_RM] = {"RM", handle_rm, MSG_WRITE},
    [XS_SET_PERMS] = {"SET_PERMS", handle_set_perms, MSG_WRITE},
    [XS_WATCH_EVENT] = {"WATCH_EVENT", NULL, 0},
    [XS_ERROR] = {"ERROR", NULL, 0},
    [XS_IS_DOMAIN_INTRODUCED] = {"IS_DOMAIN_INTRODUCED", handle_is_domain_introduced, MSG_NO_TX},
    [XS_RESUME] = {"RESUME", handle_resume, MSG_PRIV | MSG_WRITE | MSG_NO_TX},
    [XS_SET_TARGET] = {"SET_TARGET", handle_set_target, MSG_PRIV | MSG_WRITE | MSG_NO_TX},
    [XS_RESET_WATCHES] = {"RESET_WATCHES", handle_reset_watches, MSG_NO_TX},
    [XS_DIRECTORY_PART] = {"DIRECTORY_PART", handle_directory_part, MSG_EMPTY},
};

const char *request_name(uint32_t type)
{
    return type < XS_TYPE_COUNT && messages[type].name ? messages[type].name : "UNKNOWN";
}

static const char *error_name(int err)
{
    static const struct {
        int err;
        const char *name;
    } names[] = {
        {EINVAL, "EINVAL"}, {EACCES, "EACCES"}, {EEXIST, "EEXIST"},       {EISDIR, "EISDIR"},
        {ENOENT, "ENOENT"}, {ENOMEM, "ENOMEM"}, {ENOSPC, "ENOSPC"},       {EIO, "EIO"},
        {ENOSYS, "ENOSYS"}, {EROFS, "EROFS"},   {ENOTEMPTY, "ENOTEMPTY"}, {EBUSY, "EBUSY"},
        {EAGAIN, "EAGAIN"}, {EPERM, "EPERM"},   {EISCONN, "EISCONN"},     {E2BIG, "E2BIG"},
    };
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i].err == err) {
            return names[i].name;
        }
    }
    return "EINVAL"; /* the protocol has no name for it */
}

static int dispatch(struct request *r)
{
    unsigned int flags;

    if (r->type >= XS_TYPE_COUNT || !messages[r->type].handle) {
        return ENOSYS;
    }
    flags = messages[r->type].flags;
    if (flags & MSG_PRIV && !r->conn->privileged) {
        return EACCES;
    }
    if (flags & MSG_WRITE && r->conn->readonly) {
        return EROFS;
    }
    if (r->tx_id && !(flags & MSG_NO_TX)) {
        r->txn = txn_find(r->conn, r->tx_id);
        if (!r->txn) {
            return ENOENT;
        }
    }
    return messages[r->type].handle(r);
}

static void answer(struct request *r, int err)
{
    const char *name;

    if (r->reply.failed) {
        err = ENOMEM;
    }
    /* Only an answer that the daemon itself composed could be too long. */
    if (!err && r->reply.len > XENSTORE_PAYLOAD_MAX) {
        err = E2BIG;
    }
    if (err) {
        name = error_name(err);
        conn_send(r->conn, XS_ERROR, r->req_id, r->tx_id, name, strlen(name) + 1);
    } else if (r->reply.len || messages[r->type].flags & MSG_EMPTY) {
        conn_send(r->conn, r->type, r->req_id, r->tx_id, r->reply.data, r->reply.len);
    } else {
        send_ok(r);
    }
}

static void trace(const struct request *r, int err)
{
    char text[81];
    uint32_t i;

    for (i = 0; i < r->len && i < sizeof(text) - 1; i++) {
        text[i] = r->data[i] >= ' ' && r->data[i] <= '~' ? r->data[i] : ' ';
    }
    text[i] = '\0';
    core_log(r->conn->core, "domain %u connection %u: %s tx %u (%s) %s", r->conn->domid,
             r->conn->id, request_name(r->type), r->tx_id, text, err > 0 ? error_name(err) : "OK");
}

void request_handle(struct conn *c, const struct xsd_sockmsg *hdr, const void *payload)
{
    struct core *core = c->core;
    struct request r = {
        .conn = c,
        .type = hdr->type,
        .req_id = hdr->req_id,
        .tx_id = hdr->tx_id,
        .data = hdr->len ? payload : "",
        .len = hdr->len,
    };
    int err;

    core->current = c;
    err = dispatch(&r);
    if (core->trace) {
        trace(&r, err);
    }
    if (err >= 0) {
        answer(&r, err);
    }
    core_end_request(core);
    buf_free(&r.reply);
    free(r.paths[0]);
    free(r.paths[1]);
}
