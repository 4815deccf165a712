/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frontends of a screen and a keyboard that mean ill, against hospes-fb. After each wrong both, used well, work. A viewer
 * looks and types all the time. Two vCPUs.
 *
 *   frame=NUMBER   a frame of somebody else
 */
#include "hostile.h"
#include "tests/guest/test.h"
#include "drivers/screen.h"
#include "kit/grants.h"
#include "kit/time.h"

static struct screen screen;
static struct keyboard keyboard;

static void start(void)
{
    grants_init();
    store_init();
}

static bool opens_screen(void)
{
    start();
    return front_open(&screen.front, "vfb", 0) == 0 && hostile_begin(&screen.front) &&
           screen_open(&screen, 0) == 0;
}

static bool opens_keyboard(void)
{
    start();
    return front_open(&keyboard.front, "vkbd", 0) == 0 && hostile_begin(&keyboard.front) &&
           keyboard_open(&keyboard, 0) == 0;
}

static bool shut_keyboard(void)
{
    if (!keyboard_close(&keyboard)) {
        test_fail("the backend keeps the keyboard's page");
    }
    return !test_failed();
}

/* Both, used well: the backend takes what the screen says, and keys come (the viewer's). */
static bool works(void)
{
    union xenkbd_in_event event;

    if (test_failed()) {
        return false;
    }
    if (!opens_screen() || !opens_keyboard()) {
        test_fail("they cannot be used again: states %d, %d", front_backend_state(&screen.front),
                  front_backend_state(&keyboard.front));
        return false;
    }
    screen_changed(&screen, 0, 0, 10, 10);
    uint64_t deadline = time_now() + PATIENCE;
    while (XEN_RING_ONCE_(screen.page->out_cons) != screen.page->out_prod &&
           time_now() < deadline) {
        nap(5 * MS);
    }
    if (XEN_RING_ONCE_(screen.page->out_cons) != screen.page->out_prod) {
        test_fail("what the screen says is not taken");
    } else if (!keyboard_next(&keyboard, &event, deadline)) {
        test_fail("no key comes");
    }
    screen_close(&screen);
    return shut_keyboard();
}

TEST(used_well)
{
    CHECK(works());
}

/* ---- what the page says when they connect ---- */

static unsigned long strange; /* a frame of somebody else, or none */

static void frame_of_none(struct xenfb_page *page)
{
    page->pd[0] = 0x7fffffffffffull;
}

static void frame_of_another(struct xenfb_page *page)
{
    page->pd[0] = strange;
}

/* The directory's numbers, which are read from a frame of ours. */
static unsigned long numbers[512] __attribute__((aligned(4096)));

static void pixels_of_another(struct xenfb_page *page)
{
    for (unsigned int i = 0; i < 512; i++) {
        numbers[i] = strange;
    }
    page->pd[0] = virt_to_mfn(numbers);
}

static void pixels_of_none(struct xenfb_page *page)
{
    for (unsigned int i = 0; i < 512; i++) {
        numbers[i] = ~0ul - i;
    }
    page->pd[0] = virt_to_mfn(numbers);
}

static void too_wide(struct xenfb_page *page)
{
    page->width = 0x7fffffff;
}

static void of_negative_width(struct xenfb_page *page)
{
    page->width = -1;
}

static void of_no_height(struct xenfb_page *page)
{
    page->height = 0;
}

static void taller_than_its_memory(struct xenfb_page *page)
{
    page->height = 201;
}

static void of_short_lines(struct xenfb_page *page)
{
    page->line_length = 16;
}

static void of_long_lines(struct xenfb_page *page)
{
    page->line_length = 0xfffffffc;
}

static void of_no_memory(struct xenfb_page *page)
{
    page->mem_length = 0;
}

static void of_all_memory(struct xenfb_page *page)
{
    page->mem_length = ~0u;
}

static void of_depth_0(struct xenfb_page *page)
{
    page->depth = 0;
}

static void of_depth_255(struct xenfb_page *page)
{
    page->depth = 255;
}

static const struct {
    const char *what;
    void (*spoil)(struct xenfb_page *page);
} spoils[] = {
    {"a directory in no frame", frame_of_none},
    {"a directory in another's frame", frame_of_another},
    {"pixels in another's frame", pixels_of_another},
    {"pixels in no frame", pixels_of_none},
    {"too wide", too_wide},
    {"of negative width", of_negative_width},
    {"of no height", of_no_height},
    {"taller than its memory", taller_than_its_memory},
    {"of short lines", of_short_lines},
    {"of long lines", of_long_lines},
    {"of no memory", of_no_memory},
    {"of all memory", of_all_memory},
    {"of depth 0", of_depth_0},
    {"of depth 255", of_depth_255},
};

/* Connects again with that page, which was a good one. */
static bool connects(void (*spoil)(struct xenfb_page *page), unsigned long frame)
{
    struct screen old = screen;

    front_close(&screen.front);
    spoil(old.page);
    if (!hostile_begin(&screen.front)) {
        test_fail("the backend does not begin");
        return false;
    }
    front_write(&screen.front, "page-ref", "%lu", frame);
    front_set_state(&screen.front, XenbusStateInitialised);
    return front_wait_backend(&screen.front, FRONT_STATE(XenbusStateConnected), FRONT_GONE);
}

TEST(screens_that_cannot_be)
{
    strange = option_number("frame", 1);
    for (unsigned int i = 0; i < sizeof(spoils) / sizeof(spoils[0]); i++) {
        CHECK(opens_screen());
        if (connects(spoils[i].spoil, virt_to_mfn(screen.page))) {
            test_fail("%s: the backend connects", spoils[i].what);
        }
        screen_close(&screen);
        if (test_failed()) {
            return;
        }
    }
    CHECK(works());
}

static void nothing(struct xenfb_page *page)
{
    (void)page;
}

TEST(pages_that_are_none)
{
    const unsigned long frames[] = {0, strange, 0x7fffffff, 0xffffffff, ~0ul};

    for (unsigned int i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        CHECK(opens_screen());
        if (connects(nothing, frames[i])) {
            test_fail("frame %#lx: the backend connects", frames[i]);
        }
        screen_close(&screen);
    }
    CHECK(works());
}

/* ---- events ---- */

static void put(union xenfb_out_event event)
{
    XENFB_OUT_RING_REF(screen.page, screen.page->out_prod) = event;
    screen.page->out_prod++;
}

/* Answers whether the screen stays. */
static bool survives(void)
{
    event_send(screen.port);
    for (unsigned int i = 0; i < 1000; i++) {
        if (XEN_RING_ONCE_(screen.page->out_cons) == screen.page->out_prod) {
            return true;
        }
        if (front_backend_state(&screen.front) != XenbusStateConnected) {
            return false;
        }
        nap(10 * MS);
    }
    test_fail("neither taken nor refused");
    return false;
}

TEST(parts_beyond_the_screen)
{
    static const int places[] = {-1, 320, 0x7fffffff, (int)0x80000000, 0};

    CHECK(opens_screen());
    for (unsigned int i = 0; i < 625; i++) {
        put((union xenfb_out_event){.update = {.type = XENFB_TYPE_UPDATE,
                                               .x = places[i % 5],
                                               .y = places[i / 5 % 5],
                                               .width = places[i / 25 % 5],
                                               .height = places[i / 125]}});
        CHECK(i % 25 != 24 || survives());
    }
    screen_close(&screen);
    CHECK(works());
}

TEST(forms_that_cannot_be)
{
    static const struct xenfb_resize forms[] = {
        {.width = 320, .height = 201, .stride = 1280, .depth = 32},
        {.width = 320, .height = 200, .stride = 1280, .depth = 32, .offset = 4},
        {.width = 320, .height = 200, .stride = 1280, .depth = 32, .offset = -4},
        {.width = 320, .height = 200, .stride = 1279, .depth = 32},
        {.width = 320, .height = 200, .stride = 4, .depth = 32},
        {.width = -1, .height = -1, .stride = -1, .depth = -1, .offset = -1},
        {.width = 0x7fffffff, .height = 0x7fffffff, .stride = 0x7fffffff, .depth = 32},
        {.width = 0, .height = 0, .stride = 0, .depth = 32},
        {.width = 320, .height = 200, .stride = 1280, .depth = 8},
    };

    for (unsigned int i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        union xenfb_out_event event = {.resize = forms[i]};

        CHECK(opens_screen());
        event.resize.type = XENFB_TYPE_RESIZE;
        put(event);
        event_send(screen.port);
        if (!front_wait_backend(&screen.front, FRONT_GONE, 0)) {
            test_fail("form %u is taken", i);
        }
        screen_close(&screen);
        if (test_failed()) {
            return;
        }
    }
    CHECK(works());
}

/* A new form each time, all within the memory. */
TEST(forms_without_end)
{
    CHECK(opens_screen());
    for (int i = 0; i < 200; i++) {
        put((union xenfb_out_event){.resize = {.type = XENFB_TYPE_RESIZE,
                                               .width = 1 + i % 320,
                                               .height = 1 + i % 200,
                                               .stride = 1280,
                                               .depth = i & 1 ? 16 : 32}});
        CHECK(survives());
    }
    screen_close(&screen);
    CHECK(works());
}

/* ---- indices ---- */

static const uint32_t steps[] = {52, 1000, 0x7fffffff, 0x80000000u, (uint32_t)-1};

TEST(indices)
{
    for (unsigned int i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        CHECK(opens_screen());
        screen.page->out_prod += steps[i];
        CHECK(!survives());
        screen_close(&screen);
        CHECK(opens_keyboard());
        /* One less than before would be possible. */
        keyboard.page->in_cons += steps[i] == (uint32_t)-1 ? 53 : steps[i];
        event_send(keyboard.port);
        /* The viewer types. */
        CHECK(front_wait_backend(&keyboard.front, FRONT_GONE, 0));
        CHECK(shut_keyboard());
    }
    CHECK(works());
}

static void change_all(unsigned int round)
{
    struct xenfb_page *page = screen.page;

    page->out_prod = round * 2654435761u >> (round & 31);
    page->out_cons = round;
    page->in_prod = page->in_cons = round;
    page->width = (int32_t)(round * 40503u);
    page->mem_length = round * 65599u;
    page->pd[round & 255] = round;
    screen.pixels[round % (SCREEN_BYTES / 4)] = round;
    ((uint32_t *)XENFB_OUT_RING(page))[round % 500] = round;
    if (round % 64 == 0) {
        event_send(screen.port);
    }
}

static void change_keyboard(unsigned int round)
{
    keyboard.page->in_cons = round * 40503u;
    keyboard.page->in_prod = round;
    if (round % 64 == 0) {
        event_send(keyboard.port);
    }
}

/* What the screen says without end. */
static void feed(unsigned int round)
{
    (void)round;
    XEN_RING_ONCE_(screen.page->out_prod) =
        XEN_RING_ONCE_(screen.page->out_cons) + XENFB_OUT_RING_LEN;
    event_send(screen.port);
}

TEST(changes)
{
    for (unsigned int i = 0; i < 4; i++) {
        CHECK(opens_screen() && opens_keyboard());
        if (!start_changing(i & 1 ? change_keyboard : change_all)) {
            SKIP("one vCPU");
        }
        nap(100 * MS);
        stop_changing();
        screen_close(&screen);
        CHECK(shut_keyboard());
    }
    CHECK(works());
}

TEST(words_without_end)
{
    CHECK(opens_screen());
    for (unsigned int i = 0; i < XENFB_OUT_RING_LEN; i++) {
        XENFB_OUT_RING_REF(screen.page, i) = (union xenfb_out_event){
            .update = {.type = XENFB_TYPE_UPDATE, .width = 320, .height = 200}};
    }
    if (!start_changing(feed)) {
        SKIP("one vCPU");
    }
    nap(300 * MS);
    front_close(&screen.front);
    stop_changing();
    screen_close(&screen);
    CHECK(works());
}

/* ---- connections and states ---- */

TEST(keyboards_that_cannot_be)
{
    static const struct {
        const char *node, *value;
    } rows[] = {
        {XENKBD_FIELD_RING_GREF, "4000"},        {XENKBD_FIELD_RING_GREF, "4294967295"},
        {XENKBD_FIELD_EVT_CHANNEL, "0"},         {XENKBD_FIELD_EVT_CHANNEL, "1000"},
        {XENKBD_FIELD_EVT_CHANNEL, "\x1b[2J\n"},
    };

    CHECK(opens_keyboard() && shut_keyboard());
    for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CHECK(opens_keyboard());
        front_close(&keyboard.front);
        CHECK(hostile_begin(&keyboard.front));
        front_write(&keyboard.front, rows[i].node, "%s", rows[i].value);
        front_set_state(&keyboard.front, XenbusStateInitialised);
        if (front_wait_backend(&keyboard.front, FRONT_STATE(XenbusStateConnected), FRONT_GONE)) {
            test_fail("%s = %s: the backend connects", rows[i].node, rows[i].value);
        }
        if (!shut_keyboard()) {
            return;
        }
    }
    /* The page by the number of another's frame, in place of a grant. */
    CHECK(opens_keyboard());
    front_close(&keyboard.front);
    CHECK(hostile_begin(&keyboard.front));
    front_remove(&keyboard.front, XENKBD_FIELD_RING_GREF);
    front_write(&keyboard.front, XENKBD_FIELD_RING_REF, "%lu", strange);
    front_set_state(&keyboard.front, XenbusStateInitialised);
    CHECK(!front_wait_backend(&keyboard.front, FRONT_STATE(XenbusStateConnected), FRONT_GONE));
    front_remove(&keyboard.front, XENKBD_FIELD_RING_REF);
    CHECK(shut_keyboard());
    CHECK(works());
}

static bool states_of(struct front *f)
{
    static const enum xenbus_state states[] = {XenbusStateInitialised, XenbusStateClosed,
                                               XenbusStateInitialising, XenbusStateConnected,
                                               XenbusStateClosing};

    for (unsigned int i = 0; i < 150; i++) {
        front_set_state(f, states[i % 5]);
    }
    for (unsigned int i = 0; i < 50; i++) {
        front_write(f, "state", "%u", 7 + i * 39916801u % 1000);
    }
    front_write(f, "state", "\x1b[2J\n");
    front_remove(f, "state");
    nap(100 * MS);
    return hostile_calm(f);
}

TEST(states)
{
    CHECK(opens_screen() && opens_keyboard());
    CHECK(states_of(&keyboard.front));
    CHECK(states_of(&screen.front));
    screen_close(&screen);
    CHECK(shut_keyboard());
    CHECK(works());
}
