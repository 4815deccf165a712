/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See data.h. */
#include "pv-backends/block/data.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dom0-toolstack/lib/gntdev.h"
#include "dom0-toolstack/lib/linux_xen_ioctl.h"

/* Pages kept mapped for one device; what is beyond is copied. A power of two, twice as many places as pages. */
#define MAX_MAPPED 1024u
#define PLACES     (2 * MAX_MAPPED)

struct mapped {
    uint32_t ref;
    char *page; /* NULL: the place is free */
};

struct data {
    struct gntdev *grants;
    uint32_t domid;
    bool persistent;
    unsigned int count;
    struct mapped mapped[PLACES];
    struct gntdev_copy_segment copy[BLOCK_MAX_SEGMENTS];
};

struct data *data_open(struct gntdev *grants, uint32_t domid, bool persistent)
{
    struct data *d = calloc(1, sizeof(*d));

    if (d != NULL) {
        d->grants = grants;
        d->domid = domid;
        d->persistent = persistent;
    }
    return d;
}

void data_close(struct data *d)
{
    if (d == NULL)
        return;
    for (unsigned int i = 0; i < PLACES; i++)
        if (d->mapped[i].page != NULL)
            gntdev_unmap(d->grants, d->mapped[i].page, 1);
    free(d);
}

/* The mapping of a persistent grant, made now if it is new. NULL: copy. */
static char *page_of(struct data *d, uint32_t ref)
{
    unsigned int at = ref * 2654435761u % PLACES;

    if (!d->persistent)
        return NULL;
    while (d->mapped[at].page != NULL) {
        if (d->mapped[at].ref == ref)
            return d->mapped[at].page;
        at = (at + 1) % PLACES;
    }
    if (d->count == MAX_MAPPED)
        return NULL;
    char *page = gntdev_map(d->grants, d->domid, &ref, 1, NULL);
    if (page != NULL) {
        d->mapped[at] = (struct mapped){ref, page};
        d->count++;
    }
    return page;
}

static int move(struct data *d, const struct block_request *r, char *buffer, bool to_guest)
{
    unsigned int count = 0;

    for (unsigned int i = 0; i < r->segments; i++) {
        const struct blkif_request_segment *s = &r->segment[i];
        unsigned int offset = s->first_sect * 512u,
                     len = (s->last_sect - s->first_sect + 1u) * 512u;
        struct gntdev_copy_page local = {.local = buffer},
                                grant = {.grant = {s->gref, (uint16_t)offset, (uint16_t)d->domid}};
        char *page = page_of(d, s->gref);

        if (page != NULL)
            memcpy(to_guest ? page + offset : buffer, to_guest ? buffer : page + offset, len);
        else
            d->copy[count++] = (struct gntdev_copy_segment){
                .from = to_guest ? local : grant,
                .to = to_guest ? grant : local,
                .len = (uint16_t)len,
                .flags = to_guest ? GNTDEV_COPY_TO_GRANT : GNTDEV_COPY_FROM_GRANT,
            };
        buffer += len;
    }
    return count == 0 ? 0 : gntdev_copy(d->grants, d->copy, count);
}

int data_from_guest(struct data *d, const struct block_request *r, char *buffer)
{
    return move(d, r, buffer, false);
}

int data_to_guest(struct data *d, const struct block_request *r, char *buffer)
{
    return move(d, r, buffer, true);
}

int data_fetch_segments(struct data *d, struct block_request *r)
{
    size_t rest = r->segments * sizeof(r->segment[0]);
    char *to = (char *)r->segment;

    for (unsigned int i = 0; i < r->indirect_pages; i++) {
        size_t n = rest < 4096 ? rest : 4096;

        d->copy[i] = (struct gntdev_copy_segment){
            .from = {.grant = {r->indirect[i], 0, (uint16_t)d->domid}},
            .to = {.local = to},
            .len = (uint16_t)n,
            .flags = GNTDEV_COPY_FROM_GRANT,
        };
        to += n;
        rest -= n;
    }
    return gntdev_copy(d->grants, d->copy, r->indirect_pages);
}
