/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest that says what is said to it, on its first console and on its second, if it has one; an `x` on the first ends it. */
#include "drivers/channel.h"
#include "kit/console.h"
#include "kit/events.h"
#include "kit/grants.h"
#include "kit/start.h"
#include "kit/string.h"

static struct channel second;

static bool echo_first(void)
{
    char text[128];
    size_t n = console_read(text, sizeof(text));

    console_write(text, n);
    for (size_t i = 0; i < n; i++) {
        if (text[i] == 'x') {
            return false;
        }
    }
    return true;
}

static void echo_second(void)
{
    char text[128];
    size_t n = channel_read(&second, text, sizeof(text)), done = 0;

    while (done < n) {
        done += channel_write(&second, text + done, n - done);
    }
}

void guest_main(void)
{
    evtchn_port_t ports[2] = {kit_start_info->console.domU.evtchn};
    unsigned int count = 1;

    event_mask(ports[0]);
    grants_init();
    store_init();
    if (channel_open(&second, 1) == 0) {
        ports[count++] = second.port;
    }
    kprintf("%u consoles\n", count);
    do {
        event_wait(ports, count, 0);
        event_clear(ports[0]);
        if (count == 2) {
            event_clear(ports[1]);
            echo_second();
        }
    } while (echo_first());
    if (count == 2) {
        channel_close(&second);
    }
}
