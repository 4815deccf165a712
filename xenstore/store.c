/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The persistent tree. See store.h for how versions share nodes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "xenstore/mem.h"
#include "xenstore/store.h"

/* ---- permissions and values --------------------------------------------------------------- */

struct acl *acl_new(const void *e, uint32_t n)
{
    struct acl *a = mem_alloc(sizeof(*a) + n * sizeof(a->e[0]));

    if (a) {
        a->refs = 1;
        a->n = n;
        memcpy(a->e, e, n * sizeof(a->e[0]));
    }
    return a;
}

struct acl *acl_ref(struct acl *a)
{
    a->refs++;
    return a;
}

void acl_unref(struct acl *a)
{
    if (a && --a->refs == 0) {
        free(a);
    }
}

struct value *value_new(const void *data, uint32_t len)
{
    struct value *v = mem_alloc(sizeof(*v) + len);

    if (v) {
        v->refs = 1;
        v->len = len;
        if (len) {
            memcpy(v->data, data, len);
        }
    }
    return v;
}

void value_unref(struct value *v)
{
    if (v && --v->refs == 0) {
        free(v);
    }
}

/* ---- nodes -------------------------------------------------------------------------------- */

struct node *node_new(const char *name, size_t len, struct acl *acl, uint64_t gen)
{
    struct node *n = mem_alloc(sizeof(*n) + len + 1);

    if (!n) {
        return NULL;
    }
    *n = (struct node){.refs = 1,
                       .gen = gen,
                       .kids_gen = gen,
                       .acl = acl_ref(acl),
                       .key = name_key(name, len),
                       .name_len = (uint32_t)len};
    memcpy(n->name, name, len);
    n->name[len] = '\0';
    return n;
}

struct node *node_ref(struct node *n)
{
    n->refs++;
    return n;
}

/* Recursion is as deep as the tree, which the longest path bounds to about 1,500. */
void node_unref(struct node *n)
{
    uint32_t i;

    if (!n || --n->refs) {
        return;
    }
    for (i = 0; i < n->nkids; i++) {
        node_unref(n->kids[i]);
    }
    free(n->kids);
    acl_unref(n->acl);
    value_unref(n->value);
    free(n);
}

uint32_t node_size_of(const struct acl *acl, uint32_t value_len, uint32_t kid_bytes)
{
    return 24 + acl->n * (uint32_t)sizeof(acl->e[0]) + value_len + kid_bytes;
}

uint32_t node_size(const struct node *n)
{
    return node_size_of(n->acl, node_value_len(n), n->kid_bytes);
}

static struct node *node_copy(const struct node *n)
{
    size_t len = n->name_len;
    struct node *c = mem_alloc(sizeof(*c) + len + 1);
    uint32_t i;

    if (!c) {
        return NULL;
    }
    memcpy(c, n, sizeof(*c) + len + 1);
    c->refs = 1;
    c->kids = NULL;
    c->room = n->nkids;
    if (n->nkids) {
        c->kids = mem_alloc(n->nkids * sizeof(c->kids[0]));
        if (!c->kids) {
            free(c);
            return NULL;
        }
    }
    for (i = 0; i < n->nkids; i++) {
        c->kids[i] = node_ref(n->kids[i]);
    }
    acl_ref(c->acl);
    if (c->value) {
        c->value->refs++;
    }
    return c;
}

/* ---- names and lookup --------------------------------------------------------------------- */

static bool is_number(const char *s, size_t len)
{
    size_t i;

    if (!len || (s[0] == '0' && len > 1)) {
        return false;
    }
    for (i = 0; i < len; i++) {
        if (s[i] < '0' || s[i] > '9') {
            return false;
        }
    }
    return true;
}

int name_compare(const char *a, size_t alen, const char *b, size_t blen)
{
    bool anum = is_number(a, alen), bnum = is_number(b, blen);
    int cmp;

    if (anum != bnum) {
        return anum ? -1 : 1;
    }
    if (anum && alen != blen) {
        return alen < blen ? -1 : 1;
    }
    cmp = memcmp(a, b, alen < blen ? alen : blen);
    if (cmp) {
        return cmp;
    }
    return alen < blen ? -1 : alen > blen;
}

/* Of a number its value; else bit 63 and the first 63 bits of the name. A number that would reach into the names' half has
 * the last key before it. */
#define KEY_NAME   (1ull << 63)
#define KEY_BIG    (KEY_NAME - 1)
#define MAX_DIGITS 18

static uint64_t key_of(const char *name, size_t len, uint64_t first_bytes)
{
    uint64_t number = 0;
    size_t i;

    if (!is_number(name, len)) {
        return KEY_NAME | first_bytes >> 1;
    }
    for (i = 0; i < len && len <= MAX_DIGITS; i++) {
        number = number * 10 + (uint64_t)(name[i] - '0');
    }
    return len <= MAX_DIGITS ? number : KEY_BIG;
}

uint64_t name_key(const char *name, size_t len)
{
    uint64_t bytes = 0;
    size_t i;

    for (i = 0; i < len && i < 8; i++) {
        bytes |= (uint64_t)(unsigned char)name[i] << (56 - 8 * i);
    }
    return key_of(name, len, bytes);
}

/* A component of a path, or a node's name, with its key. */
struct name {
    const char *text;
    size_t len;
    uint64_t key;
};

static int compare_with(const struct name *name, const struct node *n)
{
    if (name->key != n->key) {
        return name->key < n->key ? -1 : 1;
    }
    /* Seven bytes are in the key as they are. */
    if (name->len == n->name_len && (name->len < 8 || !memcmp(name->text, n->name, name->len))) {
        return 0;
    }
    return name_compare(name->text, name->len, n->name, n->name_len);
}

/* The child's index, or where it would have to be put in. */
static bool kid_index(const struct node *n, const struct name *name, uint32_t *index)
{
    uint32_t lo = 0, hi = n->nkids;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        int cmp = compare_with(name, n->kids[mid]);

        if (cmp == 0) {
            *index = mid;
            return true;
        }
        if (cmp < 0) {
            hi = mid;
        } else {
            lo = mid + 1;
        }
    }
    *index = lo;
    return false;
}

static struct name name_of(const struct node *n)
{
    return (struct name){n->name, n->name_len, n->key};
}

/* Where the component after the first len bytes of path starts. */
static size_t component_start(const char *path, size_t len)
{
    return path[len] == '/' ? len + 1 : len;
}

size_t path_next(const char *path, size_t len)
{
    size_t end = component_start(path, len);

    while (path[end] && path[end] != '/') {
        end++;
    }
    return end;
}

/* The component after the first `at` bytes of path; *end: where it ends. In one pass: this is what the daemon does most. */
static struct name component(const char *path, size_t at, size_t *end)
{
    struct name name = {.text = path + component_start(path, at)};
    const char *p = name.text;
    uint64_t bytes = 0;
    int shift = 56;

    for (; *p && *p != '/'; p++, shift -= 8) {
        if (shift >= 0) {
            bytes |= (uint64_t)(unsigned char)*p << shift;
        }
    }
    name.len = (size_t)(p - name.text);
    name.key = key_of(name.text, name.len, bytes);
    *end = (size_t)(p - path);
    return name;
}

/* From node n, whose path is the first *len bytes of path, as far as there are nodes. *above: the last one's parent, where
 * one was passed. */
static struct node *walk(struct node *n, const char *path, size_t *len, struct node **above,
                         size_t *above_len)
{
    size_t at = *len, end;

    while (path[at]) {
        struct name name = component(path, at, &end);
        uint32_t i;

        if (!kid_index(n, &name, &i)) {
            break;
        }
        *above = n;
        *above_len = at;
        n = n->kids[i];
        at = end;
    }
    *len = at;
    return n;
}

struct node *tree_nearest(struct node *root, const char *path, size_t *len)
{
    struct node *above;
    size_t above_len;

    *len = 1;
    return walk(root, path, len, &above, &above_len);
}

struct node *tree_find(struct node *root, const char *path)
{
    size_t len;
    struct node *n = tree_nearest(root, path, &len);

    return path[len] ? NULL : n;
}

struct node *finger_find(struct finger *f, const char *path)
{
    size_t len;
    struct node *n;

    if (!f->path || strncmp(path, f->path, f->len) || path[f->len] != '/') {
        f->folder = f->root;
        f->len = 1;
    }
    len = f->len;
    n = walk(f->folder, path, &len, &f->folder, &f->len);
    f->path = path;
    return path[len] ? NULL : n;
}

/* ---- changes ------------------------------------------------------------------------------ */

/* Makes *slot a node that nobody else holds. */
static int own(struct node **slot)
{
    struct node *copy;

    if ((*slot)->refs == 1) {
        return 0;
    }
    copy = node_copy(*slot);
    if (!copy) {
        return -ENOMEM;
    }
    node_unref(*slot);
    *slot = copy;
    return 0;
}

/* Owns all nodes from the root down to path as far as they exist; *len: how much of path that is. NULL: no memory. */
static struct node *own_nearest(struct node **root, const char *path, size_t *len)
{
    struct node **slot = root;
    size_t at = 1, end;

    for (;;) {
        struct name name;
        uint32_t i;

        if (own(slot)) {
            return NULL;
        }
        *len = at;
        if (!path[at]) {
            return *slot;
        }
        name = component(path, at, &end);
        if (!kid_index(*slot, &name, &i)) {
            return *slot;
        }
        slot = &(*slot)->kids[i];
        at = end;
    }
}

/* The node at path, which exists, owned with all above it. NULL: no memory. */
static struct node *own_node(struct node **root, const char *path)
{
    size_t len;

    return own_nearest(root, path, &len);
}

int tree_set_value(struct node **root, const char *path, struct value *value, uint64_t gen)
{
    struct node *n = own_node(root, path);

    if (!n) {
        value_unref(value);
        return -ENOMEM;
    }
    value_unref(n->value);
    n->value = value;
    n->gen = gen;
    return 0;
}

int tree_set_acl(struct node **root, const char *path, struct acl *acl, uint64_t gen)
{
    struct node *n = own_node(root, path);

    if (!n) {
        acl_unref(acl);
        return -ENOMEM;
    }
    acl_unref(n->acl);
    n->acl = acl;
    n->gen = gen;
    return 0;
}

static int reserve_kid(struct node *n)
{
    uint32_t room = n->room ? n->room * 2 : 4;
    struct node **kids;

    if (n->nkids < n->room) {
        return 0;
    }
    kids = mem_realloc(n->kids, room * sizeof(kids[0]));
    if (!kids) {
        return -ENOMEM;
    }
    n->kids = kids;
    n->room = room;
    return 0;
}

/* Takes over the caller's reference on kid. There must be room, and no child of that name. */
static void add_kid(struct node *n, struct node *kid, uint64_t gen)
{
    const struct name name = name_of(kid);
    uint32_t i;

    kid_index(n, &name, &i);
    memmove(&n->kids[i + 1], &n->kids[i], (n->nkids - i) * sizeof(n->kids[0]));
    n->kids[i] = kid;
    n->nkids++;
    n->kid_bytes += kid->name_len + 1;
    n->kids_gen = gen;
}

/* The nodes of path that follow its first len bytes, each the only child of the one before. */
static struct node *make_chain(const char *path, size_t len, struct acl *acl, struct value *value,
                               uint64_t gen)
{
    struct node *top = NULL, *last = NULL;

    while (path[len]) {
        size_t start = component_start(path, len), end = path_next(path, len);
        struct node *n = node_new(path + start, end - start, acl, gen);

        if (!n || (last && reserve_kid(last))) {
            node_unref(n);
            node_unref(top);
            return NULL;
        }
        if (last) {
            add_kid(last, n, gen);
        } else {
            top = n;
        }
        last = n;
        len = end;
    }
    last->value = value;
    return top;
}

int tree_create(struct node **root, const char *path, struct acl *acl, struct value *value,
                uint64_t gen)
{
    struct node *parent, *chain;
    size_t len;

    parent = own_nearest(root, path, &len);
    if (!parent || reserve_kid(parent)) {
        goto fail;
    }
    chain = make_chain(path, len, acl, value, gen);
    if (!chain) {
        goto fail;
    }
    add_kid(parent, chain, gen);
    return 0;

fail:
    value_unref(value);
    return -ENOMEM;
}

int tree_remove(struct node **root, const char *path, uint64_t gen, struct node **removed)
{
    struct node *parent, **slot = root;
    size_t at = 1, end;
    uint32_t i = 0;

    /* Down to the parent: the node itself need not be owned. */
    for (;;) {
        struct name name;

        if (own(slot)) {
            return -ENOMEM;
        }
        name = component(path, at, &end);
        kid_index(*slot, &name, &i);
        if (!path[end]) {
            break;
        }
        slot = &(*slot)->kids[i];
        at = end;
    }
    parent = *slot;
    *removed = parent->kids[i];
    parent->nkids--;
    memmove(&parent->kids[i], &parent->kids[i + 1], (parent->nkids - i) * sizeof(parent->kids[0]));
    parent->kid_bytes -= (*removed)->name_len + 1;
    parent->kids_gen = gen;
    return 0;
}

/* ---- comparing versions ------------------------------------------------------------------- */

static void diff_one_side(const struct node *n, bool is_new, tree_diff_fn *fn, void *arg)
{
    uint32_t i;

    fn(arg, is_new ? NULL : n, is_new ? n : NULL);
    for (i = 0; i < n->nkids; i++) {
        diff_one_side(n->kids[i], is_new, fn, arg);
    }
}

static int kid_order(const struct node *a, uint32_t ai, const struct node *b, uint32_t bi)
{
    struct name name;

    if (ai >= a->nkids) {
        return 1;
    }
    if (bi >= b->nkids) {
        return -1;
    }
    if (a->kids[ai] == b->kids[bi]) {
        return 0;
    }
    name = name_of(a->kids[ai]);
    return compare_with(&name, b->kids[bi]);
}

void tree_diff(const struct node *before, const struct node *after, tree_diff_fn *fn, void *arg)
{
    uint32_t b = 0, a = 0;

    if (before == after) {
        return;
    }
    if (before->gen != after->gen || before->kids_gen != after->kids_gen) {
        fn(arg, before, after);
    }
    while (b < before->nkids || a < after->nkids) {
        int cmp = kid_order(before, b, after, a);

        if (cmp < 0) {
            diff_one_side(before->kids[b++], false, fn, arg);
        } else if (cmp > 0) {
            diff_one_side(after->kids[a++], true, fn, arg);
        } else {
            tree_diff(before->kids[b++], after->kids[a++], fn, arg);
        }
    }
}
