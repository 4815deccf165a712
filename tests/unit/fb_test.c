/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hospes-fb's parts that need no guest: hostile pages, sizes and rectangles; pixels; keys; rings that nobody empties. */
#include <errno.h>
#include <linux/input-event-codes.h>
#include <stdlib.h>
#include <string.h>

#include "hypercalls/abi/io-fbif.h"
#include "pv-backends/fb/input.h"
#include "pv-backends/fb/keys.h"
#include "pv-backends/fb/picture.h"
#include "tests/unit/toolstack_test.h"

static union {
    struct xenfb_page fb;
    struct xenkbd_page kbd;
    char bytes[4096];
} page;

/* ---- forms ---- */

static int form(uint32_t width, uint32_t height, uint32_t stride, uint32_t depth, uint32_t offset,
                uint32_t bytes)
{
    struct fb_form f = {width, height, stride, depth, offset};

    return fb_form_check(&f, bytes);
}

static void forms(void)
{
    CHECK(form(800, 600, 3200, 32, 0, 2 << 20) == 0);
    CHECK(form(800, 600, 3200, 32, 0, 800 * 600 * 4) == 0);
    CHECK(form(800, 600, 3200, 32, 0, 800 * 600 * 4 - 1) == -EINVAL);
    CHECK(form(800, 600, 3200, 32, 4, 800 * 600 * 4) == -EINVAL);
    CHECK(form(800, 600, 3196, 32, 0, 2 << 20) == -EINVAL);
    CHECK(form(800, 600, 3201, 32, 0, 2 << 20) == -EINVAL);
    CHECK(form(800, 600, 3200, 32, 2, 2 << 20) == -EINVAL);
    CHECK(form(800, 600, 1600, 16, 0, 2 << 20) == 0);
    CHECK(form(801, 600, 2403, 24, 0, 2 << 20) == 0);
    CHECK(form(800, 600, 3200, 8, 0, 2 << 20) == -EINVAL);
    CHECK(form(800, 600, 3200, 0, 0, 2 << 20) == -EINVAL);
    CHECK(form(0, 600, 3200, 32, 0, 2 << 20) == -EINVAL);
    CHECK(form(800, 0, 3200, 32, 0, 2 << 20) == -EINVAL);
    CHECK(form(8193, 1, 32772, 32, 0, 2 << 20) == -EINVAL);
    /* Within its memory, but our picture would be too big. */
    CHECK(form(8192, 2048, 16384, 16, 0, FB_MAX_BYTES) == 0);
    CHECK(form(8192, 2049, 16384, 16, 0, FB_MAX_BYTES) == -EINVAL);
    /* Products and sums that do not fit 32 bits. */
    CHECK(form(1, 8192, 1u << 31, 32, 0, FB_MAX_BYTES) == -EINVAL);
    CHECK(form(1, 1, 4, 32, 0xfffffffcu, FB_MAX_BYTES) == -EINVAL);
    CHECK(form(1, 2, 0xfffffffcu, 32, 4, FB_MAX_BYTES) == -EINVAL);
}

static void pages(void)
{
    struct fb_form f;
    uint32_t bytes, frames;
    const char *why;

    memset(&page, 0, sizeof(page));
    page.fb.width = 800;
    page.fb.height = 600;
    page.fb.line_length = 3200;
    page.fb.depth = 32;
    page.fb.mem_length = 800 * 600 * 4;
    CHECK(fb_page_form(&page.fb, &f, &bytes, &frames, &why) == 0);
    CHECK(f.width == 800 && f.height == 600 && f.stride == 3200 && f.depth == 32 && f.offset == 0);
    CHECK(bytes == 1920000 && frames == 469);
    page.fb.width = -1;
    CHECK(fb_page_form(&page.fb, &f, &bytes, &frames, &why) == -EINVAL && strstr(why, "size"));
    page.fb.width = INT32_MIN;
    CHECK(fb_page_form(&page.fb, &f, &bytes, &frames, &why) == -EINVAL);
    page.fb.width = 800;
    page.fb.mem_length = 0;
    CHECK(fb_page_form(&page.fb, &f, &bytes, &frames, &why) == -EINVAL && strstr(why, "empty"));
    page.fb.mem_length = 0xffffffff;
    CHECK(fb_page_form(&page.fb, &f, &bytes, &frames, &why) == -EINVAL);
    page.fb.mem_length = FB_MAX_BYTES;
    CHECK(fb_page_form(&page.fb, &f, &bytes, &frames, &why) == 0);
    CHECK(frames == FB_MAX_BYTES / 4096 && (frames + FB_PD_FRAMES - 1) / FB_PD_FRAMES == 32);
}

/* ---- events ---- */

static void events(void)
{
    union xenfb_out_event event;
    uint32_t cons = 0xfffffff0u;

    memset(&page, 0, sizeof(page));
    page.fb.out_cons = page.fb.out_prod = cons;
    CHECK(fb_take_event(&page.fb, &cons, &event) == 0);
    for (unsigned int i = 0; i < XENFB_OUT_RING_LEN; i++) {
        union xenfb_out_event e = {.update = {.type = XENFB_TYPE_UPDATE, .x = (int32_t)i}};

        XENFB_OUT_RING_REF(&page.fb, page.fb.out_prod) = e;
        page.fb.out_prod++;
    }
    /* Over the wrap of the index; the guest's own "cons" has no say. */
    page.fb.out_cons = 12345;
    for (unsigned int i = 0; i < XENFB_OUT_RING_LEN; i++)
        CHECK(fb_take_event(&page.fb, &cons, &event) == 1);
    CHECK(fb_take_event(&page.fb, &cons, &event) == 0);
    CHECK(page.fb.out_cons == cons && cons == page.fb.out_prod);
    page.fb.out_prod = cons + XENFB_OUT_RING_LEN + 1;
    CHECK(fb_take_event(&page.fb, &cons, &event) == -EPROTO);
    page.fb.out_prod = cons - 1;
    CHECK(fb_take_event(&page.fb, &cons, &event) == -EPROTO);
}

static bool is_rect(struct fb_rect r, uint32_t x, uint32_t y, uint32_t width, uint32_t height)
{
    return r.x == x && r.y == y && r.width == width && r.height == height;
}

static void rectangles(void)
{
    struct fb_form f = {800, 600, 3200, 32, 0};
    struct fb_rect none = {0, 0, 0, 0}, a = {10, 20, 30, 40}, b = {5, 50, 10, 100};

    CHECK(is_rect(fb_clip(&f, 0, 0, 800, 600), 0, 0, 800, 600));
    CHECK(is_rect(fb_clip(&f, -5, -6, 10, 10), 0, 0, 5, 4));
    CHECK(is_rect(fb_clip(&f, 790, 595, 100, 100), 790, 595, 10, 5));
    CHECK(is_rect(fb_clip(&f, INT32_MIN, INT32_MIN, INT32_MAX, INT32_MAX), 0, 0, 0, 0));
    CHECK(is_rect(fb_clip(&f, INT32_MAX, 0, INT32_MAX, 10), 0, 0, 0, 10));
    CHECK(is_rect(fb_clip(&f, 10, 10, -5, INT32_MIN), 0, 0, 0, 0));
    CHECK(is_rect(fb_clip(&f, INT32_MIN, 1, INT32_MAX, 1), 0, 1, 0, 1));
    CHECK(is_rect(fb_join(a, b), 5, 20, 35, 130));
    CHECK(is_rect(fb_join(none, a), 10, 20, 30, 40) && is_rect(fb_join(a, none), 10, 20, 30, 40));
    /* Whatever a guest says, the part is within the screen. */
    for (int i = 0; i < 100000; i++) {
        struct fb_rect r = fb_clip(&f, (int32_t)test_random() - (1 << 30), (int32_t)test_random(),
                                   (int32_t)test_random() - 1000, (int32_t)test_random());

        CHECK(r.x + r.width <= 800 && r.y + r.height <= 600);
    }
}

/* ---- pixels: the memory is exactly as long as its form, so that ASan sees a step too far ---- */

static void pixels(void)
{
    static const struct {
        uint32_t depth;
        uint8_t bytes[4];
        uint32_t seen;
    } t[] = {
        {32, {0x11, 0x22, 0x33, 0xff}, 0x112233}, /* blue, green, red, nothing */
        {24, {0x11, 0x22, 0x33, 0}, 0x112233},
        {16, {0x00, 0xf8, 0, 0}, 0x0000ff}, /* red alone */
        {16, {0xe0, 0x07, 0, 0}, 0x00ff00},
        {16, {0x1f, 0x00, 0, 0}, 0xff0000},
    };

    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        uint32_t bytes = t[i].depth / 8, width = 5, height = 3, stride = (width + 4) * bytes;
        struct fb_form f = {width, height, stride, t[i].depth, 8};
        uint32_t size = 8 + stride * (height - 1) + width * bytes;
        uint32_t *picture = calloc(width * height, 4);
        uint8_t *memory = calloc(1, size);

        CHECK(fb_form_check(&f, size) == 0 && fb_form_check(&f, size - 1) < 0);
        memcpy(memory + 8 + 2 * stride + 4 * bytes, t[i].bytes, bytes);
        fb_copy(&f, memory, (struct fb_rect){0, 0, width, height}, picture);
        CHECK(picture[2 * width + 4] == t[i].seen && picture[2 * width + 3] == 0);
        memset(picture, 0xee, width * height * 4);
        fb_copy(&f, memory, (struct fb_rect){4, 2, 1, 1}, picture);
        CHECK(picture[2 * width + 4] == t[i].seen && picture[2 * width + 3] == 0xeeeeeeee);
        free(memory);
        free(picture);
    }
}

/* ---- keys and pointer ---- */

static void keys(void)
{
    static const char shifted[] = "~!@#$%^&*()_+{}|:\"<>?", plain[] = "`1234567890-=[]\\;',./";

    CHECK(key_from_symbol('a') == KEY_A && key_from_symbol('Z') == KEY_Z);
    CHECK(key_from_symbol('1') == KEY_1 && key_from_symbol(' ') == KEY_SPACE);
    for (size_t i = 0; shifted[i] != '\0'; i++)
        CHECK(key_from_symbol((uint8_t)shifted[i]) == key_from_symbol((uint8_t)plain[i]));
    /* Each character of ASCII has a key. */
    for (uint32_t c = ' '; c < 0x7f; c++)
        CHECK(key_from_symbol(c) != 0);
    CHECK(key_from_symbol(0xff0d) == KEY_ENTER && key_from_symbol(0xffe3) == KEY_LEFTCTRL);
    CHECK(key_from_symbol(0xffc9) == KEY_F12 && key_from_symbol(0xffff) == KEY_DELETE);
    CHECK(key_from_symbol(0) == 0 && key_from_symbol(0x7f) == 0 && key_from_symbol(0x1ff0d) == 0);
    CHECK(key_from_symbol(0xffffffff) == 0 && key_from_symbol(0xe4) == 0);
}

static union xenkbd_in_event taken;

/* As a guest does. */
static bool guest_takes(void)
{
    if (page.kbd.in_cons == page.kbd.in_prod)
        return false;
    taken = XENKBD_IN_RING_REF(&page.kbd, page.kbd.in_cons);
    page.kbd.in_cons++;
    return true;
}

static void takes_key(uint32_t key, bool pressed)
{
    CHECK(guest_takes() && taken.type == XENKBD_TYPE_KEY);
    CHECK(taken.key.keycode == key && taken.key.pressed == pressed);
}

static void input(void)
{
    static struct input in;

    memset(&page, 0, sizeof(page));
    page.kbd.in_cons = page.kbd.in_prod = 1000;
    input_key(&in, KEY_A, true); /* nobody is there */
    input_connect(&in, &page.kbd, true);
    CHECK(input_flush(&in) == 0);
    input_key(&in, KEY_B, true);
    input_key(&in, KEY_C, false); /* was not pressed */
    input_key(&in, 0, true);
    input_key(&in, INPUT_KEYS, true);
    input_key(&in, KEY_B, false);
    CHECK(input_flush(&in) == 2);
    takes_key(KEY_B, true);
    takes_key(KEY_B, false);
    CHECK(!guest_takes());
    /* Of positions the newest stays; a button comes behind where it was pressed. */
    input_pointer(&in, 1, 2, 0);
    input_pointer(&in, 3, 4, 0);
    input_pointer(&in, 5, 6, 1);
    input_pointer(&in, 5, 6, 8);
    CHECK(input_flush(&in) == 4);
    CHECK(guest_takes() && taken.type == XENKBD_TYPE_POS && taken.pos.abs_x == 5 &&
          taken.pos.abs_y == 6 && taken.pos.rel_z == 0);
    takes_key(BTN_LEFT, true);
    CHECK(guest_takes() && taken.type == XENKBD_TYPE_POS && taken.pos.rel_z == -1);
    takes_key(BTN_LEFT, false);
    /* A viewer that leaves leaves nothing pressed. */
    input_key(&in, KEY_LEFTCTRL, true);
    input_pointer(&in, 5, 6, 4);
    input_release_all(&in);
    CHECK(input_flush(&in) == 4);
    takes_key(KEY_LEFTCTRL, true);
    takes_key(BTN_RIGHT, true);
    takes_key(KEY_LEFTCTRL, false);
    takes_key(BTN_RIGHT, false);
    /* Motions, where the guest wants no positions. */
    input_connect(&in, &page.kbd, false);
    input_pointer(&in, 8, 1, 0);
    CHECK(input_flush(&in) == 1 && guest_takes() && taken.type == XENKBD_TYPE_MOTION);
    CHECK(taken.motion.rel_x == 3 && taken.motion.rel_y == -5);
}

static void full(void)
{
    static struct input in;
    unsigned int presses = 0, releases = 0;

    memset(&page, 0, sizeof(page));
    input_connect(&in, &page.kbd, true);
    for (uint32_t key = 1; key < 400; key++)
        input_key(&in, key, true);
    input_release_all(&in);
    CHECK(input_flush(&in) == (int)XENKBD_IN_RING_LEN && input_flush(&in) == 0);
    do {
        while (guest_takes()) {
            presses += taken.key.pressed;
            releases += !taken.key.pressed;
        }
    } while (input_flush(&in) > 0);
    /* What found no place was never pressed, and all that was is released. */
    CHECK(presses == INPUT_WAITING / 2 && releases == presses);
    /* An index from nowhere. */
    input_key(&in, KEY_A, true);
    page.kbd.in_cons = page.kbd.in_prod + 1;
    CHECK(input_flush(&in) == -EPROTO);
    page.kbd.in_cons = page.kbd.in_prod - XENKBD_IN_RING_LEN - 1;
    CHECK(input_flush(&in) == -EPROTO);
    /* The guest's own change of "prod" has no say. */
    page.kbd.in_cons = page.kbd.in_prod;
    page.kbd.in_prod += 1000;
    CHECK(input_flush(&in) == 1 && page.kbd.in_prod == page.kbd.in_cons + 1);
}

int main(void)
{
    static const struct test tests[] = {
        {"forms", forms},   {"pages", pages}, {"events", events}, {"rectangles", rectangles},
        {"pixels", pixels}, {"keys", keys},   {"input", input},   {"full", full},
    };

    return test_run("fb", tests, sizeof(tests) / sizeof(tests[0]));
}
