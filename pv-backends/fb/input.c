/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See input.h. */
#include "pv-backends/fb/input.h"

#include <errno.h>
#include <linux/input-event-codes.h>
#include <string.h>

void input_connect(struct input *in, struct xenkbd_page *page, bool absolute)
{
    in->page = page;
    in->absolute = absolute;
    in->first = in->count = 0;
    in->buttons = 0;
    memset(in->pressed, 0, sizeof(in->pressed));
    if (page != NULL)
        in->prod = __atomic_load_n(&page->in_prod, __ATOMIC_RELAXED);
}

int input_flush(struct input *in)
{
    int done = 0;
    uint32_t cons;

    if (in->page == NULL || in->count == 0)
        return 0;
    cons = __atomic_load_n(&in->page->in_cons, __ATOMIC_ACQUIRE);
    if (in->prod - cons > XENKBD_IN_RING_LEN)
        return -EPROTO;
    while (in->count > 0 && in->prod - cons < XENKBD_IN_RING_LEN) {
        XENKBD_IN_RING_REF(in->page, in->prod) = in->waiting[in->first];
        in->first = (in->first + 1) % INPUT_WAITING;
        in->count--;
        in->prod++;
        done++;
    }
    __atomic_store_n(&in->page->in_prod, in->prod, __ATOMIC_RELEASE);
    return done;
}

static union xenkbd_in_event *last(struct input *in)
{
    return in->count == 0 ? NULL : &in->waiting[(in->first + in->count - 1) % INPUT_WAITING];
}

/* A guest that reads nothing loses what is new; what was pressed before that is released in any case. */
static void push(struct input *in, union xenkbd_in_event event)
{
    if (in->page == NULL || in->count == INPUT_WAITING)
        return;
    in->waiting[(in->first + in->count++) % INPUT_WAITING] = event;
}

static void set_key(struct input *in, uint32_t key, bool pressed)
{
    uint8_t bit = (uint8_t)(1u << key % 8);
    union xenkbd_in_event event = {
        .key = {.type = XENKBD_TYPE_KEY, .pressed = pressed, .keycode = key}};

    /* The last places are for releases. */
    if (pressed && in->count >= INPUT_WAITING / 2)
        return;
    if (pressed)
        in->pressed[key / 8] |= bit;
    else
        in->pressed[key / 8] &= (uint8_t)~bit;
    push(in, event);
}

void input_key(struct input *in, uint32_t key, bool pressed)
{
    if (key == 0 || key >= INPUT_KEYS)
        return;
    /* A release of what is not pressed says nothing. */
    if (pressed || (in->pressed[key / 8] & 1u << key % 8) != 0)
        set_key(in, key, pressed);
}

/* Positions are not of use to anybody but the newest: it takes the place of one that waits. */
static void push_position(struct input *in, int32_t x, int32_t y, int32_t wheel)
{
    union xenkbd_in_event *old = last(in);
    union xenkbd_in_event event = {
        .pos = {.type = XENKBD_TYPE_POS, .abs_x = x, .abs_y = y, .rel_z = wheel}};

    if (old != NULL && old->type == XENKBD_TYPE_POS && old->pos.rel_z == 0)
        *old = event;
    else if (in->count < INPUT_WAITING / 2)
        push(in, event);
}

static void push_motion(struct input *in, int32_t dx, int32_t dy, int32_t wheel)
{
    union xenkbd_in_event event = {
        .motion = {.type = XENKBD_TYPE_MOTION, .rel_x = dx, .rel_y = dy, .rel_z = wheel}};

    if ((dx != 0 || dy != 0 || wheel != 0) && in->count < INPUT_WAITING / 2)
        push(in, event);
}

void input_pointer(struct input *in, int32_t x, int32_t y, uint32_t buttons)
{
    static const uint16_t keys[] = {BTN_LEFT, BTN_MIDDLE, BTN_RIGHT};
    uint32_t changed = buttons ^ in->buttons;
    /* The guest's driver turns the sign: up is -1 here. */
    int32_t wheel = (changed & buttons & 8 ? -1 : 0) + (changed & buttons & 16 ? 1 : 0);

    if (in->absolute) {
        if (x != in->x || y != in->y || wheel != 0)
            push_position(in, x, y, wheel);
    } else
        push_motion(in, x - in->x, y - in->y, wheel);
    in->x = x;
    in->y = y;
    for (unsigned int i = 0; i < 3; i++)
        if (changed & 1u << i)
            input_key(in, keys[i], buttons >> i & 1);
    in->buttons = buttons;
}

void input_release_all(struct input *in)
{
    for (uint32_t key = 1; key < INPUT_KEYS; key++)
        input_key(in, key, false);
    in->buttons = 0;
}
