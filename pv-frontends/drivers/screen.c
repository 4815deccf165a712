/* SPDX-License-Identifier: MIT */
/* The frontends of a screen and of its keyboard. */
#include "drivers/screen.h"
#include "kit/console.h"
#include "kit/events.h"
#include "kit/grants.h"
#include "kit/io.h"
#include "kit/memory.h"
#include "kit/string.h"
#include "hypercalls/abi/errno.h"

#define FRAMES    ((SCREEN_BYTES + PAGE_SIZE - 1) / PAGE_SIZE)
#define PER_FRAME (PAGE_SIZE / sizeof(unsigned long))
#define CONNECTED FRONT_STATE(XenbusStateConnected)

/* Lines of pixels follow each other: they are not page_alloc()'s. */
static uint32_t pixels[FRAMES * PAGE_SIZE / 4] __attribute__((aligned(4096)));
/* The numbers of their frames. */
static unsigned long directory[PER_FRAME] __attribute__((aligned(4096)));
_Static_assert(FRAMES <= PER_FRAME, "one page of numbers is enough");

/* ---- both ---- */

static long publish_channel(struct front *f, evtchn_port_t *port)
{
    long rc = front_channel(f);

    if (rc < 0) {
        return rc;
    }
    *port = (evtchn_port_t)rc;
    return front_write(f, "event-channel", "%u", *port);
}

static long say_initialised(struct front *f)
{
    long rc = front_set_state(f, XenbusStateInitialised);

    if (rc == 0 && !front_wait_backend(f, CONNECTED, FRONT_GONE)) {
        rc = -XEN_EIO;
    }
    return rc == 0 ? front_set_state(f, XenbusStateConnected) : rc;
}

static long begin(struct front *f, const char *class, unsigned long id)
{
    long rc = front_open(f, class, id);

    return rc == 0 && !front_begin(f) ? -XEN_EIO : rc;
}

/* ---- the screen ---- */

static void fill_page(struct screen *s)
{
    s->page = page_alloc_zeroed();
    s->pixels = pixels;
    memset(pixels, 0, sizeof(pixels));
    s->page->width = SCREEN_WIDTH;
    s->page->height = SCREEN_HEIGHT;
    s->page->line_length = SCREEN_WIDTH * 4;
    s->page->mem_length = SCREEN_BYTES;
    s->page->depth = 32;
    s->page->pd[0] = virt_to_mfn(directory);
    for (unsigned int i = 0; i < FRAMES; i++) {
        directory[i] = virt_to_mfn((char *)pixels + i * PAGE_SIZE);
    }
}

long screen_open(struct screen *s, unsigned long id)
{
    memset(s, 0, sizeof(*s));
    long rc = begin(&s->front, "vfb", id);

    if (rc < 0) {
        return rc;
    }
    fill_page(s);
    rc = front_write(&s->front, "page-ref", "%lu", virt_to_mfn(s->page));
    if (rc == 0) {
        rc = front_write(&s->front, "protocol", "x86_64-abi");
    }
    if (rc == 0) {
        rc = front_write(&s->front, "feature-update", "1");
    }
    if (rc == 0) {
        rc = publish_channel(&s->front, &s->port);
    }
    if (rc == 0) {
        rc = say_initialised(&s->front);
    }
    if (rc < 0) {
        screen_close(s);
    }
    return rc;
}

void screen_close(struct screen *s)
{
    front_close(&s->front);
    if (s->port != 0) {
        event_close(s->port);
    }
    if (s->page != NULL) {
        page_free(s->page);
    }
    s->page = NULL;
    s->port = 0;
}

long screen_changed(struct screen *s, int x, int y, int width, int height)
{
    struct xenfb_page *page = s->page;
    uint32_t prod = page->out_prod;

    if (prod - XEN_RING_ONCE_(page->out_cons) >= XENFB_OUT_RING_LEN) {
        return -XEN_EAGAIN;
    }
    xen_mb(); /* there is room before it is written to */
    XENFB_OUT_RING_REF(page, prod) = (union xenfb_out_event){
        .update = {.type = XENFB_TYPE_UPDATE, .x = x, .y = y, .width = width, .height = height}};
    xen_wmb(); /* the event, and the pixels, before the index */
    XEN_RING_ONCE_(page->out_prod) = prod + 1;
    event_send(s->port);
    return 0;
}

/* ---- the keyboard ---- */

long keyboard_open(struct keyboard *k, unsigned long id)
{
    memset(k, 0, sizeof(*k));
    long rc = begin(&k->front, "vkbd", id);

    if (rc < 0) {
        return rc;
    }
    k->page = page_alloc_zeroed();
    k->ref = front_grant(&k->front, k->page);
    rc = front_write(&k->front, XENKBD_FIELD_RING_GREF, "%u", k->ref);
    if (rc == 0) {
        rc = front_write(&k->front, XENKBD_FIELD_REQ_ABS_POINTER, "1");
    }
    if (rc == 0) {
        rc = publish_channel(&k->front, &k->port);
    }
    if (rc == 0) {
        rc = say_initialised(&k->front);
    }
    if (rc < 0) {
        keyboard_close(k);
    }
    return rc;
}

bool keyboard_close(struct keyboard *k)
{
    bool free = true;

    front_close(&k->front);
    if (k->port != 0) {
        event_close(k->port);
    }
    if (k->page != NULL) {
        free = grant_free(k->ref);
    }
    if (k->page != NULL && free) {
        page_free(k->page);
    }
    k->page = NULL;
    k->port = 0;
    return free;
}

bool keyboard_next(struct keyboard *k, union xenkbd_in_event *event, uint64_t deadline)
{
    struct xenkbd_page *page = k->page;
    uint32_t cons = page->in_cons;

    while (XEN_RING_ONCE_(page->in_prod) == cons) {
        if (!event_wait(&k->port, 1, deadline)) {
            return false;
        }
        event_clear(k->port);
    }
    if (XEN_RING_ONCE_(page->in_prod) - cons > XENKBD_IN_RING_LEN) {
        kit_panic("keyboard: more has come than there is room for");
    }
    xen_rmb(); /* the index before the event */
    *event = XENKBD_IN_RING_REF(page, cons);
    xen_mb(); /* it is read before its room is given back */
    XEN_RING_ONCE_(page->in_cons) = cons + 1;
    event_send(k->port);
    return true;
}
