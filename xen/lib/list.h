/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Circular doubly linked list with an in-object link. No locking: the list's owner says which. */
#ifndef XEN_LIB_LIST_H
#define XEN_LIB_LIST_H
#include "lib/types.h"

struct list {
    struct list *next, *prev;
};

#define LIST_INIT(l) \
    {                \
        &(l), &(l)   \
    }

static inline void list_init(struct list *l)
{
    l->next = l->prev = l;
}
static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}
static inline void list_add_between(struct list *n, struct list *before, struct list *after)
{
    n->prev = before;
    n->next = after;
    before->next = n;
    after->prev = n;
}
/* Insert n right after head h / right before head h (= at the end). */
static inline void list_add(struct list *n, struct list *h)
{
    list_add_between(n, h, h->next);
}
static inline void list_add_tail(struct list *n, struct list *h)
{
    list_add_between(n, h->prev, h);
}
/* Unlink and leave self-linked, so that deleting twice is harmless. */
static inline void list_del(struct list *n)
{
    n->prev->next = n->next;
    n->next->prev = n->prev;
    list_init(n);
}
#define list_entry(p, type, member) container_of(p, type, member)
#define list_first(h, type, member) list_entry((h)->next, type, member)
#define LIST_FOR_EACH(p, h)         for ((p) = (h)->next; (p) != (h); (p) = (p)->next)
#define LIST_FOR_EACH_SAFE(p, n, h) \
    for ((p) = (h)->next, (n) = (p)->next; (p) != (h); (p) = (n), (n) = (p)->next)

#endif
