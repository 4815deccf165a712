/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest on a network that answers ARP and echo requests for ever.
 *
 *   ip=ADDRESS   its own
 *
 * Prints `ready`, then `echo N` after each hundred answers.
 */
#include "frames.h"
#include "kit/console.h"
#include "kit/grants.h"
#include "kit/start.h"
#include "hypercalls/abi/errno.h"

void guest_main(void)
{
    static struct net_device net;
    static struct frame frame;
    unsigned long answers = 0;
    const char *text = "";

    grants_init();
    store_init();
    kit_option("ip", &text);
    uint32_t own = frame_address(text);
    long rc = net_open(&net, (unsigned long)front_find("vif", 0));
    if (rc != 0 || own == 0) {
        kprintf("not ok open: %ld\n", rc);
        kit_shutdown(SHUTDOWN_poweroff);
    }
    kprintf("ready\n");
    for (;;) {
        net_wait(&net, 0);
        while ((frame.length = net_receive(&net, frame.bytes, sizeof(frame.bytes))) != 0) {
            if (!frame_answer(&frame, net.mac, own)) {
                continue;
            }
            while (net_send(&net, frame.bytes, frame.length) == -XEN_EAGAIN) {
                net_wait(&net, 0);
            }
            if (++answers % 100 == 0) {
                kprintf("echo %lu\n", answers);
            }
        }
    }
}
