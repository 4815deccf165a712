/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest with a screen: its left half is 804010 (red, green, blue), its right half 102030; says what is typed and pointed
 * at, and paints a square of 8 pixels, white, where a button is pressed. Escape ends it.
 */
#include "drivers/screen.h"
#include "kit/console.h"
#include "kit/grants.h"
#include "kit/start.h"

#define ESCAPE  1u
#define BUTTONS 0x110u /* BTN_LEFT and what follows */
#define SQUARE  8

static struct screen screen;
static struct keyboard keyboard;
static int x, y;

static void paint(int left, int top, int width, int height, uint32_t colour)
{
    for (int line = top; line < top + height && line < (int)SCREEN_HEIGHT; line++) {
        for (int at = left; at < left + width && at < (int)SCREEN_WIDTH; at++) {
            screen.pixels[line * (int)SCREEN_WIDTH + at] = colour;
        }
    }
    while (screen_changed(&screen, left, top, width, height) != 0) {
    }
}

/* False: the end. */
static bool show(const union xenkbd_in_event *event)
{
    if (event->type == XENKBD_TYPE_POS) {
        x = event->pos.abs_x;
        y = event->pos.abs_y;
        kprintf("at %d,%d\n", x, y);
    } else if (event->type == XENKBD_TYPE_KEY) {
        kprintf("key %u %s\n", event->key.keycode, event->key.pressed ? "down" : "up");
        if (event->key.keycode == BUTTONS && event->key.pressed && x >= 0 && y >= 0) {
            paint(x, y, SQUARE, SQUARE, 0xffffff);
        }
    }
    return event->type != XENKBD_TYPE_KEY || event->key.keycode != ESCAPE;
}

void guest_main(void)
{
    union xenkbd_in_event event;

    grants_init();
    store_init();
    long rc = screen_open(&screen, (unsigned long)front_find("vfb", 0));
    if (rc == 0) {
        rc = keyboard_open(&keyboard, (unsigned long)front_find("vkbd", 0));
    }
    if (rc != 0) {
        kit_panic("the screen does not open: %ld", rc);
    }
    paint(0, 0, SCREEN_WIDTH / 2, SCREEN_HEIGHT, 0x804010);
    paint(SCREEN_WIDTH / 2, 0, SCREEN_WIDTH / 2, SCREEN_HEIGHT, 0x102030);
    kprintf("drawn\n");
    do {
        keyboard_next(&keyboard, &event, 0);
    } while (show(&event));
    if (!keyboard_close(&keyboard)) {
        kit_panic("the keyboard's page is kept");
    }
    screen_close(&screen);
}
