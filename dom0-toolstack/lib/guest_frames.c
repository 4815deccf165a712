/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory of a PV domain; see guest_frames.h. A window of pfns is filled by going through the whole
 * machine-to-phys table once, piece by piece, and emptied in order; then comes the next window.
 */
#include "dom0-toolstack/lib/guest_frames.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dom0-toolstack/lib/abi.h"
#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/hv.h"
#include "dom0-toolstack/lib/hv_domain.h"
#include "dom0-toolstack/lib/hv_memory.h"

#define WINDOW      (1u << 21) /* pfns: 8 GiB of a guest */
#define PIECE_PAGES (HV_M2P_PIECE / 512)
/* A guest with the host's memory map has holes below 4 GiB, and so much memory above its size. */
#define MAX_HOLES (1u << 20)

struct guest_frames {
    struct hv *hv;
    uint32_t domid;
    uint64_t host_frames;
    uint64_t *pieces; /* a hypercall buffer */
    size_t nr_pieces;
    uint64_t first, size, limit; /* the window of pfns, and where they end */
    uint64_t *window;            /* mfn + 1 of each pfn, 0: none */
    size_t at;                   /* in the window */
    uint64_t *asked;             /* a hypercall buffer: mfns, then what they are */
    struct guest_frame claims[HV_MAX_FRAME_TYPES]; /* what they say that they are */
    size_t nr_asked;
};

/* Takes up those of the frames that are the domain's. */
static int take_up(struct guest_frames *l, struct hl_error *e)
{
    size_t n = l->nr_asked;
    int rc;

    l->nr_asked = 0;
    if (n == 0)
        return 0;
    rc = hv_memory_frame_types(l->hv, l->domid, l->asked, n, e);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < n; i++) {
        uint64_t *entry = &l->window[l->claims[i].pfn - l->first];

        if (*entry == 0 && hv_frame_is_owned(l->asked[i]))
            *entry = l->claims[i].mfn + 1;
    }
    return 0;
}

static int look_at(struct guest_frames *l, uint64_t pfn, uint64_t mfn, struct hl_error *e)
{
    /* Frames of other domains have numbers in the window, too. */
    if (pfn < l->first || pfn - l->first >= l->size || l->window[pfn - l->first] != 0)
        return 0;
    l->claims[l->nr_asked] = (struct guest_frame){pfn, mfn};
    l->asked[l->nr_asked++] = mfn;
    return l->nr_asked == HV_MAX_FRAME_TYPES ? take_up(l, e) : 0;
}

static int scan_piece(struct guest_frames *l, size_t piece, struct hl_error *e)
{
    uint64_t frames[PIECE_PAGES], mfn = (uint64_t)piece * HV_M2P_PIECE;
    uint64_t n = l->host_frames - mfn < HV_M2P_PIECE ? l->host_frames - mfn : HV_M2P_PIECE;
    const uint64_t *m2p;
    int rc = 0;

    for (size_t i = 0; i < PIECE_PAGES; i++)
        frames[i] = l->pieces[piece] + i;
    m2p = hv_map_frames(l->hv, DOMID_XEN, frames, PIECE_PAGES, false, NULL, e);
    if (m2p == NULL)
        return -EIO;
    for (uint64_t i = 0; i < n && rc == 0; i++)
        rc = look_at(l, __atomic_load_n(&m2p[i], __ATOMIC_RELAXED), mfn + i, e);
    hv_unmap((void *)(uintptr_t)m2p, PIECE_PAGES);
    return rc;
}

static int fill_window(struct guest_frames *l, struct hl_error *e)
{
    int rc = 0;

    memset(l->window, 0, l->size * sizeof(*l->window));
    l->at = 0;
    for (size_t i = 0; i < l->nr_pieces && rc == 0; i++) {
        if (l->pieces[i] != 0 && (i == 0 || l->pieces[i] != l->pieces[i - 1]))
            rc = scan_piece(l, i, e);
    }
    return rc == 0 ? take_up(l, e) : rc;
}

/* Where the domain's pfns end, if it is sane. */
static int find_limit(struct guest_frames *l, struct hl_error *e)
{
    struct hv_domain_info info;
    int rc = hv_domain_info(l->hv, l->domid, &info, e);

    if (rc < 0)
        return rc;
    if (info.hvm)
        return hl_fail_dom(e, EOPNOTSUPP, l->domid, "list its memory",
                           "it is no PV domain, and only of those it can be done");
    l->limit = info.max_pages < l->host_frames ? info.max_pages : l->host_frames;
    l->limit = (info.pages > l->limit ? info.pages : l->limit) + MAX_HOLES;
    return 0;
}

static int prepare(struct guest_frames *l, struct hl_error *e)
{
    size_t max;
    int rc = hv_memory_host_frames(l->hv, &l->host_frames, e);

    if (rc == 0)
        rc = find_limit(l, e);
    if (rc < 0)
        return rc;
    max = (size_t)((l->host_frames + HV_M2P_PIECE - 1) / HV_M2P_PIECE);
    l->size = l->limit < WINDOW ? l->limit : WINDOW;
    l->window = malloc(l->size * sizeof(*l->window));
    l->pieces = hv_buffer_alloc(l->hv, max * sizeof(*l->pieces));
    l->asked = hv_buffer_alloc(l->hv, HV_MAX_FRAME_TYPES * sizeof(*l->asked));
    if (l->window == NULL || l->pieces == NULL || l->asked == NULL)
        return hl_fail_dom(e, ENOMEM, l->domid, "list its memory", NULL);
    rc = hv_memory_m2p(l->hv, l->pieces, max, &l->nr_pieces, e);
    return rc == 0 ? fill_window(l, e) : rc;
}

int guest_frames_open(struct hv *hv, uint32_t domid, struct guest_frames **list, struct hl_error *e)
{
    struct guest_frames *l = calloc(1, sizeof(*l));
    int rc;

    *list = NULL;
    if (l == NULL)
        return hl_fail_dom(e, ENOMEM, domid, "list its memory", NULL);
    l->hv = hv;
    l->domid = domid;
    rc = prepare(l, e);
    if (rc < 0)
        guest_frames_close(l);
    else
        *list = l;
    return rc;
}

void guest_frames_close(struct guest_frames *l)
{
    if (l == NULL)
        return;
    hv_buffer_free(l->hv, l->pieces,
                   (size_t)((l->host_frames + HV_M2P_PIECE - 1) / HV_M2P_PIECE) *
                       sizeof(*l->pieces));
    hv_buffer_free(l->hv, l->asked, HV_MAX_FRAME_TYPES * sizeof(*l->asked));
    free(l->window);
    free(l);
}

long guest_frames_next(struct guest_frames *l, struct guest_frame *frames, size_t max,
                       struct hl_error *e)
{
    size_t n = 0;

    for (;;) {
        for (; l->at < l->size && n < max; l->at++) {
            if (l->window[l->at] != 0)
                frames[n++] = (struct guest_frame){l->first + l->at, l->window[l->at] - 1};
        }
        if (n > 0 || l->first + l->size >= l->limit)
            return (long)n;
        l->first += l->size;
        l->size = l->limit - l->first < l->size ? l->limit - l->first : l->size;
        int rc = fill_window(l, e);
        if (rc < 0)
            return rc;
    }
}
