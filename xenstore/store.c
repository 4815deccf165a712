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
    *n = (struct node){.refs = 1, .gen = gen, .kids_gen = gen, .acl = acl_ref(acl)};
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

uint32_t node_size(const struct node *n)
{
    return 24 + n->acl->n * (uint32_t)sizeof(struct acl_entry) + node_value_len(n) + n->kid_bytes;
}

static struct node *node_copy(const struct node *n)
{
    size_t len = strlen(n->name);
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

/* The child's index, or where it would have to be put in. */
static bool kid_index(const struct node *n, const char *name, size_t len, uint32_t *index)
{
    uint32_t lo = 0, hi = n->nkids;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        const char *kid = n->kids[mid]->name;
        int cmp = name_compare(name, len, kid, strlen(kid));

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

/* Where the component after the first len bytes of path starts. */
static size_t component_start(const char *path, size_t len)
{
    return path[len] == '/' ? len + 1 : len;
}

size_t path_next(const char *path, size_t len)
{
    size_t end = component_start(path, len);

    return end + strcspn(path + end, "/");
}

struct node *tree_nearest(struct node *root, const char *path, size_t *len)
{
    struct node *n = root;
    size_t at = 1;

    while (path[at]) {
        size_t start = component_start(path, at), end = path_next(path, at);
        uint32_t i;

        if (!kid_index(n, path + start, end - start, &i)) {
            break;
        }
        n = n->kids[i];
        at = end;
    }
    *len = at;
    return n;
}

struct node *tree_find(struct node *root, const char *path)
{
    size_t len;
    struct node *n = tree_nearest(root, path, &len);

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

/* Owns all nodes from the root to the one at the first len bytes of path, which exists. */
static int own_path(struct node **root, const char *path, size_t len, struct node **out)
{
    struct node **slot = root;
    size_t at = 1;

    for (;;) {
        size_t start = component_start(path, at), end;
        uint32_t i;

        if (own(slot)) {
            return -ENOMEM;
        }
        if (at >= len) {
            *out = *slot;
            return 0;
        }
        end = path_next(path, at);
        kid_index(*slot, path + start, end - start, &i);
        slot = &(*slot)->kids[i];
        at = end;
    }
}

int tree_set_value(struct node **root, const char *path, struct value *value, uint64_t gen)
{
    struct node *n;

    if (own_path(root, path, strlen(path), &n)) {
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
    struct node *n;

    if (own_path(root, path, strlen(path), &n)) {
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
    size_t len = strlen(kid->name);
    uint32_t i;

    kid_index(n, kid->name, len, &i);
    memmove(&n->kids[i + 1], &n->kids[i], (n->nkids - i) * sizeof(n->kids[0]));
    n->kids[i] = kid;
    n->nkids++;
    n->kid_bytes += (uint32_t)len + 1;
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

    tree_nearest(*root, path, &len);
    if (own_path(root, path, len, &parent) || reserve_kid(parent)) {
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
    const char *name = strrchr(path, '/') + 1;
    size_t plen = name - path > 1 ? (size_t)(name - path) - 1 : 1;
    struct node *parent;
    uint32_t i;

    if (own_path(root, path, plen, &parent)) {
        return -ENOMEM;
    }
    kid_index(parent, name, strlen(name), &i);
    *removed = parent->kids[i];
    parent->nkids--;
    memmove(&parent->kids[i], &parent->kids[i + 1], (parent->nkids - i) * sizeof(parent->kids[0]));
    parent->kid_bytes -= (uint32_t)strlen(name) + 1;
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
    if (ai >= a->nkids) {
        return 1;
    }
    if (bi >= b->nkids) {
        return -1;
    }
    if (a->kids[ai] == b->kids[bi]) {
        return 0;
    }
    return name_compare(a->kids[ai]->name, strlen(a->kids[ai]->name), b->kids[bi]->name,
                        strlen(b->kids[bi]->name));
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
