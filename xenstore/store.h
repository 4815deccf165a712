/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tree: nodes with reference counts, changed by copying.
 *
 * A root pointer is a version of the whole tree. Taking a snapshot is one reference on the root.
 * A node that only one version holds (all counts from its root down are 1) is changed in place;
 * otherwise the nodes from the root down to it are copied first and the other versions keep theirs.
 *
 *      version A -> root --+--> local ----> domain --> ...
 *                          |      ^
 *      version B -> root' -+------+ (shared until somebody changes something below it)
 *                          +--> tool' --> ...
 *
 * Two generations tell what happened to a node: `gen` changes with its value, its permissions and
 * its creation, `kids_gen` with the set of its children's names. Changes further down touch neither,
 * so transactions that work in different corners do not conflict.
 *
 * Functions that change a tree return 0 or -ENOMEM, and then what the tree says is as before.
 */
#ifndef HOSPES_XENSTORE_STORE_H
#define HOSPES_XENSTORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct acl_entry {
    uint32_t domid;
    uint32_t access; /* PERM_READ | PERM_WRITE */
};

/* A permission list, never changed once shared. The first entry is owner and default access. */
struct acl {
    uint32_t refs, n;
    struct acl_entry e[];
};

/* A node's content, never changed once shared. */
struct value {
    uint32_t refs, len;
    unsigned char data[];
};

struct node {
    uint32_t refs;
    uint32_t nkids, room;
    uint32_t kid_bytes; /* of the children's names with their NULs: what DIRECTORY answers */
    uint64_t gen, kids_gen;
    struct acl *acl;
    struct value *value; /* NULL: empty */
    struct node **kids;  /* sorted by name_compare() */
    uint64_t key;        /* name_key() */
    uint32_t name_len;
    char name[];
};

/* e: n entries, at any address. */
struct acl *acl_new(const void *e, uint32_t n);
struct acl *acl_ref(struct acl *a);
void acl_unref(struct acl *a);

struct value *value_new(const void *data, uint32_t len);
void value_unref(struct value *v);

struct node *node_new(const char *name, size_t len, struct acl *acl, uint64_t gen);
struct node *node_ref(struct node *n);
void node_unref(struct node *n); /* NULL is fine */

static inline uint32_t node_owner(const struct node *n)
{
    return n->acl->e[0].domid;
}

static inline uint32_t node_value_len(const struct node *n)
{
    return n->value ? n->value->len : 0;
}

/* The size that the quota on nodes counts, and that a domain's memory is charged. */
uint32_t node_size(const struct node *n);
/* The same of one that is not there yet: `kid_bytes` are of its children's names, each with a byte. */
uint32_t node_size_of(const struct acl *acl, uint32_t value_len, uint32_t kid_bytes);

/* The node at an absolute path, or NULL. */
struct node *tree_find(struct node *root, const char *path);

/*
 * Looks for several paths in one version of the tree, which nothing changes meanwhile: where the next one is in the folder
 * of the last one, the way to it is not gone again. Begins as {.root = root}. The paths stay where they are.
 */
struct finger {
    struct node *root;
    const char *path; /* the last one; NULL: none yet */
    size_t len;       /* of its folder's path */
    struct node *folder;
};
struct node *finger_find(struct finger *f, const char *path);

/* The lowest node on the way to path that exists. *len: how much of path it is ("/" counts 1). If
 * *len is path's length the node itself was found. */
struct node *tree_nearest(struct node *root, const char *path, size_t *len);

/* The end of the path component that follows the first len bytes of path. */
size_t path_next(const char *path, size_t len);

/* Replace the value or the permissions of an existing node. They take over the caller's reference,
 * also when they fail. */
int tree_set_value(struct node **root, const char *path, struct value *value, uint64_t gen);
int tree_set_acl(struct node **root, const char *path, struct acl *acl, uint64_t gen);

/* Makes the missing nodes down to path, all with the permissions acl, the last one with value (takes
 * over its reference; NULL is empty). The path must not exist. */
int tree_create(struct node **root, const char *path, struct acl *acl, struct value *value,
                uint64_t gen);

/* Cuts off an existing node that is not the root; *removed is the subtree, to be unreferenced. */
int tree_remove(struct node **root, const char *path, uint64_t gen, struct node **removed);

/* Calls fn for each node that only one of two versions has, or that differs in value, permissions
 * or names of children: before is NULL for new nodes, after is NULL for those that went. Shared
 * subtrees are skipped. */
typedef void tree_diff_fn(void *arg, const struct node *before, const struct node *after);
void tree_diff(const struct node *before, const struct node *after, tree_diff_fn *fn, void *arg);

/* Orders names: numbers by value, then all others by bytes. */
int name_compare(const char *a, size_t alen, const char *b, size_t blen);

/* Names whose keys differ are in the order of their keys. */
uint64_t name_key(const char *name, size_t len);

#endif
