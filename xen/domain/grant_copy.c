/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Grant copies: within a page, from and to granted or own frames, without mapping anything. */
#include "domain/grant_internal.h"
#include "x86/cpu.h"

static void release_frame(struct grant_copy_side *s)
{
    if (!s->frame)
        return;
    if (s->is_ref)
        grant_unpin(s->d, (grant_ref_t)s->number, s->writable, s->frame);
    else if (s->writable)
        frame_put_writable(s->frame);
    else
        frame_put(s->frame);
    s->frame = NULL;
}

void grant_copy_release(struct grant_copy_side *s)
{
    release_frame(s);
    if (s->d)
        domain_put(s->d);
    s->d = NULL;
}

static int16_t get_own_frame(struct grant_copy_side *s, struct domain *d)
{
    struct frame *f;

    if (s->domid != DOMID_SELF)
        return GNTST_permission_denied; /* by its number one has no frame of others */
    if (!mfn_valid(mfn_make(s->number)))
        return GNTST_bad_page;
    f = mfn_to_frame(mfn_make(index_nospec(s->number, max_mfn)));
    if (!(s->writable ? frame_get_writable(f, d) : frame_get(f, d))) {
        if (!s->writable || !frame_get(f, d))
            return GNTST_bad_page;
        frame_put(f); /* its, but in other use */
        return GNTST_general_error;
    }
    s->frame = f;
    return GNTST_okay;
}

/* Have the frame of one side in use: the one that is held already, if it is the same. (In line: what differs
 * between the two sides is constant in each.) */
static inline __attribute__((always_inline)) int16_t acquire(struct grant_copy_side *s,
                                                             const struct gnttab_copy_ptr *p,
                                                             bool is_ref, bool writable)
{
    uint64_t number = is_ref ? p->u.ref : p->u.gmfn;

    s->writable = writable;
    if (s->frame) {
        if (s->number == number && s->is_ref == is_ref && s->domid == p->domid)
            return GNTST_okay;
        release_frame(s);
    }
    if (!s->d || s->domid != p->domid) {
        grant_copy_release(s);
        s->d = domain_get_self_or(p->domid);
        if (!s->d)
            return GNTST_bad_domain;
        s->domid = p->domid;
    }
    s->is_ref = is_ref;
    s->number = number;
    if (unlikely(s->d->dying || !s->d->grant_table))
        return GNTST_bad_domain;
    if (is_ref)
        return grant_pin(s->d, p->u.ref, current->domain->id, writable, &s->frame);
    return get_own_frame(s, s->d);
}

int16_t grant_copy(const struct gnttab_copy *op, struct grant_copy_side *source,
                   struct grant_copy_side *dest)
{
    int16_t status;
    char *from, *to;

    if (op->flags & ~(GNTCOPY_source_gref | GNTCOPY_dest_gref))
        return GNTST_general_error;
    if (op->source.offset + (uint32_t)op->len > PAGE_SIZE ||
        op->dest.offset + (uint32_t)op->len > PAGE_SIZE)
        return GNTST_bad_copy_arg;
    status = acquire(source, &op->source, op->flags & GNTCOPY_source_gref, false);
    if (unlikely(status != GNTST_okay))
        return status;
    status = acquire(dest, &op->dest, op->flags & GNTCOPY_dest_gref, true);
    if (unlikely(status != GNTST_okay))
        return status;
    /* Guests may write to both meanwhile: bytes are all that this is about. */
    from = (char *)frame_to_virt(source->frame) + op->source.offset;
    to = (char *)frame_to_virt(dest->frame) + op->dest.offset;
    if (likely(source->frame != dest->frame))
        memcpy(to, from, op->len);
    else
        memmove(to, from, op->len);
    return GNTST_okay;
}
