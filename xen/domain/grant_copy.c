/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Grant copies: within a page, from and to granted or own frames, without mapping anything. */
#include "domain/grant_internal.h"
#include "x86/cpu.h"

void grant_copy_release(struct grant_copy_side *s)
{
    if (!s->d)
        return;
    if (s->is_ref)
        grant_unpin(s->d, (grant_ref_t)s->number, s->writable, s->frame);
    else if (s->writable)
        frame_put_writable(s->frame);
    else
        frame_put(s->frame);
    domain_put(s->d);
    s->d = NULL;
}

static int16_t get_own_frame(struct grant_copy_side *s, struct domain *d)
{
    struct frame *f;

    if (d != current->domain && !domain_controls(current->domain, d))
        return GNTST_permission_denied;
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

/* Have the frame of one side in use: the one that is held already, if it is the same. */
static int16_t acquire(struct grant_copy_side *s, const struct gnttab_copy_ptr *p, bool is_ref,
                       bool writable)
{
    uint64_t number = is_ref ? p->u.ref : p->u.gmfn;
    struct domain *d;
    int16_t status;

    if (s->d && s->is_ref == is_ref && s->domid == p->domid && s->number == number)
        return GNTST_okay;
    grant_copy_release(s);
    d = domain_get_self_or(p->domid);
    if (!d)
        return GNTST_bad_domain;
    s->is_ref = is_ref;
    s->writable = writable;
    s->domid = p->domid;
    s->number = number;
    if (d->dying || !d->grant_table)
        status = GNTST_bad_domain;
    else if (is_ref)
        status = grant_pin(d, p->u.ref, current->domain->id, writable, &s->frame);
    else
        status = get_own_frame(s, d);
    if (status == GNTST_okay)
        s->d = d;
    else
        domain_put(d);
    return status;
}

int16_t grant_copy(const struct gnttab_copy *op, struct grant_copy_side *source,
                   struct grant_copy_side *dest)
{
    int16_t status;

    if (op->flags & ~(GNTCOPY_source_gref | GNTCOPY_dest_gref))
        return GNTST_general_error;
    if (op->source.offset + (uint32_t)op->len > PAGE_SIZE ||
        op->dest.offset + (uint32_t)op->len > PAGE_SIZE)
        return GNTST_bad_copy_arg;
    status = acquire(source, &op->source, op->flags & GNTCOPY_source_gref, false);
    if (status != GNTST_okay)
        return status;
    status = acquire(dest, &op->dest, op->flags & GNTCOPY_dest_gref, true);
    if (status != GNTST_okay)
        return status;
    /* Guests may write to both meanwhile: bytes are all that this is about. */
    memmove((char *)frame_to_virt(dest->frame) + op->dest.offset,
            (char *)frame_to_virt(source->frame) + op->source.offset, op->len);
    return GNTST_okay;
}
