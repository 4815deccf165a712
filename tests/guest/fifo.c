/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Event channels, FIFO form: control block, event array, priorities and the queues' links. */
#include "test.h"

static struct evtchn_fifo_control_block *control;
static volatile event_word_t *words;

static long init_control(uint64_t gfn, uint32_t offset, uint32_t vcpu)
{
    struct evtchn_init_control op = {.control_gfn = gfn, .offset = offset, .vcpu = vcpu};

    return hv_event_channel_op(EVTCHNOP_init_control, &op);
}

static long expand(uint64_t gfn)
{
    struct evtchn_expand_array op = {.array_gfn = gfn};

    return hv_event_channel_op(EVTCHNOP_expand_array, &op);
}

static long set_priority(evtchn_port_t port, uint32_t priority)
{
    struct evtchn_set_priority op = {.port = port, .priority = priority};

    return hv_event_channel_op(EVTCHNOP_set_priority, &op);
}

static bool word_has(evtchn_port_t port, unsigned int bit)
{
    return words[port] >> bit & 1;
}

static void word_clear(evtchn_port_t port, unsigned int bit)
{
    __asm__ volatile("lock btrl %1, %0" : "+m"(words[port]) : "r"(bit));
}

/* Control blocks that cross the page, are unaligned, for a vCPU or frame that does not exist. */
TEST(init_control_bad)
{
    void *page = page_alloc_zeroed();
    unsigned long mfn = virt_to_mfn(page);

    answer("unaligned", "%ld", init_control(mfn, 4, 0));
    answer("crossing", "%ld", init_control(mfn, 4096 - 64, 0));
    answer("offset_max", "%ld", init_control(mfn, 0xfffffff8, 0));
    answer("vcpu", "%ld", init_control(mfn, 0, 1000));
    answer("vcpu_max", "%ld", init_control(mfn, 0, 0xffffffff));
    answer("frame", "%ld", init_control(1UL << 40, 0, 0));
    answer("table_frame", "%ld", init_control(virt_to_mfn(l4_kernel()), 0, 0));
    CHECK(init_control(virt_to_mfn(l4_kernel()), 0, 0) < 0);
    CHECK(init_control(1UL << 40, 0, 0) < 0);
    page_free(page);
}

TEST(init_control)
{
    control = page_alloc_zeroed();
    CHECK_EQ(init_control(virt_to_mfn(control), 0, 0), 0);
    answer("twice", "%ld", init_control(virt_to_mfn(control), 0, 0));
}

TEST(expand_array)
{
    words = page_alloc_zeroed();
    answer("bad_frame", "%ld", expand(1UL << 40));
    answer("table_frame", "%ld", expand(virt_to_mfn(l4_kernel())));
    CHECK_EQ(expand(virt_to_mfn((void *)words)), 0);
}

/* A send sets PENDING and LINKED, the queue's head, and the ready bit of the priority. */
TEST(send)
{
    long port = event_bind_ipi(0);

    CHECK(port > 0);
    answer("masked_when_new", "%d", word_has(port, EVTCHN_FIFO_MASKED));
    word_clear(port, EVTCHN_FIFO_MASKED);
    CHECK_EQ(event_send(port), 0);
    CHECK(word_has(port, EVTCHN_FIFO_PENDING));
    CHECK(word_has(port, EVTCHN_FIFO_LINKED));
    CHECK(control->ready & 1u << EVTCHN_FIFO_PRIORITY_DEFAULT);
    CHECK_EQ(control->head[EVTCHN_FIFO_PRIORITY_DEFAULT], port);
    CHECK(this_vcpu_info()->evtchn_upcall_pending);
    /* Consume it as a kernel does. */
    control->head[EVTCHN_FIFO_PRIORITY_DEFAULT] = 0;
    control->ready = 0;
    words[port] = 0;
    this_vcpu_info()->evtchn_upcall_pending = 0;
    CHECK_EQ(event_close(port), 0);
}

/* Three ports of one priority are linked in order; a second send of a linked port adds nothing. */
TEST(queue_order)
{
    evtchn_port_t p[3];

    for (unsigned int i = 0; i < 3; i++) {
        p[i] = (evtchn_port_t)event_bind_ipi(0);
        word_clear(p[i], EVTCHN_FIFO_MASKED);
    }
    CHECK_EQ(event_send(p[1]), 0);
    CHECK_EQ(event_send(p[0]), 0);
    CHECK_EQ(event_send(p[1]), 0);
    CHECK_EQ(event_send(p[2]), 0);
    CHECK_EQ(control->head[7], p[1]);
    CHECK_EQ(words[p[1]] & EVTCHN_FIFO_LINK_MASK, p[0]);
    CHECK_EQ(words[p[0]] & EVTCHN_FIFO_LINK_MASK, p[2]);
    CHECK_EQ(words[p[2]] & EVTCHN_FIFO_LINK_MASK, 0);
    for (unsigned int i = 0; i < 3; i++) {
        words[p[i]] = 0;
        CHECK_EQ(event_close(p[i]), 0);
    }
    control->head[7] = 0;
    control->ready = 0;
}

/* A masked port becomes pending and is linked only by the unmask. */
TEST(masked)
{
    evtchn_port_t port = (evtchn_port_t)event_bind_ipi(0);

    words[port] = 1u << EVTCHN_FIFO_MASKED;
    CHECK_EQ(event_send(port), 0);
    CHECK(word_has(port, EVTCHN_FIFO_PENDING));
    CHECK(!word_has(port, EVTCHN_FIFO_LINKED));
    CHECK_EQ(event_unmask(port), 0);
    CHECK(!word_has(port, EVTCHN_FIFO_MASKED));
    CHECK(word_has(port, EVTCHN_FIFO_LINKED));
    words[port] = 0;
    control->head[7] = 0;
    control->ready = 0;
    CHECK_EQ(event_close(port), 0);
}

TEST(priority)
{
    evtchn_port_t port = (evtchn_port_t)event_bind_ipi(0);

    CHECK_EQ(set_priority(port, 2), 0);
    word_clear(port, EVTCHN_FIFO_MASKED);
    CHECK_EQ(event_send(port), 0);
    CHECK(control->ready & 1u << 2);
    CHECK_EQ(control->head[2], port);
    answer("too_low", "%ld", set_priority(port, 16));
    answer("max", "%ld", set_priority(port, 0xffffffff));
    answer("bad_port", "%ld", set_priority(5, 2));
    words[port] = 0;
    control->head[2] = 0;
    control->ready = 0;
    CHECK_EQ(event_close(port), 0);
}

/* A guest that writes nonsense links and heads must hurt nobody but itself. */
TEST(corrupt_words)
{
    evtchn_port_t a = (evtchn_port_t)event_bind_ipi(0), b = (evtchn_port_t)event_bind_ipi(0);

    for (unsigned int round = 0; round < 4; round++) {
        words[a] = round & 1 ? 0x1ffff : (1u << EVTCHN_FIFO_BUSY | 1u << EVTCHN_FIFO_LINKED | b);
        words[b] = 1u << EVTCHN_FIFO_LINKED | a;
        control->ready = 0xffffffff;
        for (unsigned int q = 0; q < EVTCHN_FIFO_MAX_QUEUES; q++) {
            control->head[q] = 0x1ffff;
        }
        event_send(a);
        event_send(b);
        words[a] = 0;
        event_send(a);
    }
    CHECK_EQ(event_close(a), 0);
    CHECK_EQ(event_close(b), 0);
}

/* Ports beyond the array exist, but have no word yet: a send to one is held or lost, never a stray write.
 * Once the array has grown, events arrive. */
TEST(beyond_array)
{
    long port = 0;

    while (port >= 0 && port < 1030) {
        port = event_bind_ipi(0);
    }
    CHECK_EQ(port, 1030);
    CHECK_EQ(event_send(port), 0);
    volatile event_word_t *more = page_alloc_zeroed();
    CHECK_EQ(expand(virt_to_mfn((void *)more)), 0);
    answer("held", "%d", (int)(more[1030 - 1024] >> EVTCHN_FIFO_PENDING & 1));
    more[1030 - 1024] = 0;
    CHECK_EQ(event_send(port), 0);
    CHECK(more[1030 - 1024] >> EVTCHN_FIFO_PENDING & 1);
}

/* reset goes back to the 2-level form. */
TEST(reset)
{
    struct evtchn_reset op = {.dom = DOMID_SELF};

    CHECK_EQ(hv_event_channel_op(EVTCHNOP_reset, &op), 0);
    evtchn_port_t port = (evtchn_port_t)event_bind_ipi(0);
    event_mask(port);
    CHECK_EQ(event_send(port), 0);
    CHECK(event_pending(port));
    CHECK_EQ(event_close(port), 0);
}
