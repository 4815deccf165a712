/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hospesd's parts that need no hypervisor: policies, hostile console rings, history, log files. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dom0-toolstack/hospesd/history.h"
#include "dom0-toolstack/hospesd/logfile.h"
#include "dom0-toolstack/hospesd/loop.h"
#include "dom0-toolstack/hospesd/policy.h"
#include "dom0-toolstack/hospesd/ring.h"
#include "dom0-toolstack/lib/domain_config.h"
#include "dom0-toolstack/lib/hv_domain.h"
#include "hypercalls/abi/io-console.h"
#include "tests/unit/toolstack_test.h"

static void policies(void)
{
    struct hl_domain_config c;
    const char *instead;
    bool dump;

    hl_domain_config_init(&c);
    CHECK(policy_for(&c, HV_SHUTDOWN_POWEROFF, &dump, &instead) == POLICY_DESTROY && !instead);
    CHECK(policy_for(&c, HV_SHUTDOWN_REBOOT, &dump, &instead) == POLICY_RESTART);
    CHECK(policy_for(&c, HV_SHUTDOWN_CRASH, &dump, &instead) == POLICY_DESTROY && !dump);
    CHECK(policy_for(&c, HV_SHUTDOWN_SUSPEND, &dump, &instead) == POLICY_LEAVE);
    CHECK(policy_for(&c, 77, &dump, &instead) == POLICY_DESTROY);
    c.on_crash = HL_ACTION_PRESERVE;
    c.on_poweroff = HL_ACTION_RENAME_RESTART;
    c.on_watchdog = HL_ACTION_COREDUMP_RESTART;
    CHECK(policy_for(&c, HV_SHUTDOWN_CRASH, &dump, &instead) == POLICY_PRESERVE);
    CHECK(policy_for(&c, HV_SHUTDOWN_POWEROFF, &dump, &instead) == POLICY_RENAME_RESTART);
    CHECK(policy_for(&c, HV_SHUTDOWN_WATCHDOG, &dump, &instead) == POLICY_RESTART && dump);
    CHECK(!instead);
    CHECK(policy_for(&c, HV_SHUTDOWN_SOFT_RESET, &dump, &instead) == POLICY_DESTROY && instead);
    CHECK(!dump);
    c.on_crash = HL_ACTION_COREDUMP_DESTROY;
    CHECK(policy_for(&c, HV_SHUTDOWN_CRASH, &dump, &instead) == POLICY_DESTROY && dump);
    CHECK(policy_for(&c, HV_SHUTDOWN_SUSPEND, &dump, &instead) == POLICY_LEAVE && !dump);
    hl_domain_config_free(&c);
}

static void restart_delays(void)
{
    unsigned int streak = 0;

    CHECK(policy_restart_delay(3600, &streak) == 0 && streak == 0);
    CHECK(policy_restart_delay(2, &streak) == 0);
    CHECK(policy_restart_delay(2, &streak) == 1000);
    CHECK(policy_restart_delay(2, &streak) == 2000);
    CHECK(policy_restart_delay(2, &streak) == 4000);
    for (int i = 0; i < 100; i++)
        CHECK(policy_restart_delay(0, &streak) <= 60000);
    CHECK(policy_restart_delay(0, &streak) == 60000);
    CHECK(policy_restart_delay(60, &streak) == 0);
    CHECK(policy_restart_delay(0, &streak) == 0);
}

static void ring_copies(void)
{
    static struct xencons_interface page;
    char buf[4096];

    /* Start near the wrap of the index and of the ring. */
    memset(&page, 0, sizeof(page));
    page.out_cons = page.out_prod = 0xfffffffeu;
    for (unsigned int i = 0; i < 5; i++)
        page.out[MASK_XENCONS_IDX(page.out_prod++, page.out)] = "hello"[i];
    CHECK(ring_take_output(&page, buf, sizeof(buf)) == 5);
    CHECK(memcmp(buf, "hello", 5) == 0 && page.out_cons == page.out_prod);
    CHECK(ring_take_output(&page, buf, sizeof(buf)) == 0);
    page.out_prod += sizeof(page.out);
    CHECK(ring_take_output(&page, buf, 100) == 100);
    CHECK(ring_take_output(&page, buf, sizeof(buf)) == (long)sizeof(page.out) - 100);

    memset(buf, 'x', sizeof(buf));
    CHECK(ring_put_input(&page, buf, 1000) == 1000);
    CHECK(ring_put_input(&page, buf, 1000) == 24);
    CHECK(ring_put_input(&page, buf, 1) == 0);
    page.in_cons += 7;
    CHECK(ring_put_input(&page, buf, 10) == 7);
}

static void ring_hostile_indices(void)
{
    static struct xencons_interface page;
    char buf[4096];
    uint32_t evil[] = {sizeof(page.out) + 1, 0x7fffffff, 0x80000000, 0xffffffff};

    for (size_t i = 0; i < 4; i++) {
        memset(&page, 0, sizeof(page));
        page.out_prod = evil[i];
        CHECK(ring_take_output(&page, buf, sizeof(buf)) == -EPROTO);
        page.in_cons = 0u - evil[i];
        CHECK(ring_put_input(&page, buf, 1) == -EPROTO);
        CHECK(page.in_prod == 0 && page.out_cons == 0);
    }
    for (int i = 0; i < 100000; i++) {
        long n;

        page.out_prod = test_random() ^ (test_random() << 16);
        page.out_cons = test_random() ^ (test_random() << 16);
        n = ring_take_output(&page, buf, sizeof(buf));
        CHECK(n == -EPROTO || (n >= 0 && n <= (long)sizeof(page.out)));
    }
}

static void history_window(void)
{
    struct history h;
    const char *data;
    uint64_t pos = 0, slow = 0;
    char line[16];
    size_t n;

    CHECK(history_init(&h, 10) == 0);
    CHECK(history_peek(&h, &pos, &data) == 0);
    history_append(&h, "abc", 3);
    CHECK(history_peek(&h, &pos, &data) == 3 && memcmp(data, "abc", 3) == 0);
    pos += 3;
    history_append(&h, "defghijkl", 9);
    CHECK(h.end == 12 && history_start(&h) == 2);
    n = history_peek(&h, &pos, &data);
    CHECK(n == 7 && memcmp(data, "defghij", 7) == 0);
    pos += n;
    CHECK(history_peek(&h, &pos, &data) == 2 && memcmp(data, "kl", 2) == 0);
    CHECK(history_peek(&h, &slow, &data) == 8 && slow == 2 && data[0] == 'c');
    history_append(&h, "0123456789ABCDEFGHIJKLMNO", 25);
    CHECK(h.end == 37);
    slow = 0;
    for (line[0] = 0; (n = history_peek(&h, &slow, &data)) > 0; slow += n)
        strncat(line, data, n);
    CHECK_STR(line, "FGHIJKLMNO");
    history_free(&h);
}

static void log_rotation(void)
{
    char dir[] = "/tmp/hospesd_test.XXXXXX", path[64], name[80];
    struct logfile l;
    struct stat st;
    char *tail;
    size_t len;

    CHECK(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/log", dir);
    CHECK(logfile_open(&l, path, 100) == 0);
    for (int i = 0; i < 50; i++)
        logfile_write(&l, "0123456789", 10);
    tail = logfile_tail(&l, 7, &len);
    CHECK(tail && len == 7 && memcmp(tail, "3456789", 7) == 0);
    free(tail);
    logfile_close(&l);
    CHECK(stat(path, &st) == 0 && st.st_size <= 110 && (st.st_mode & 077) == 0);
    snprintf(name, sizeof(name), "%s.3", path);
    CHECK(stat(name, &st) < 0);
    for (int i = 2; i > 0; i--) {
        snprintf(name, sizeof(name), "%s.%d", path, i);
        CHECK(stat(name, &st) == 0 && st.st_size <= 110);
        unlink(name);
    }
    unlink(path);
    rmdir(dir);
}

/* A full or missing disk must be no more than a lost line. */
static void log_that_fails(void)
{
    struct logfile l;

    CHECK(logfile_open(&l, "/nonexistent/dir/log", 100) < 0);
    logfile_write(&l, "x", 1);
    CHECK(!logfile_tail(&l, 10, &(size_t){0}));
    logfile_close(&l);
    if (access("/dev/full", W_OK) == 0 && symlink("/dev/full", "/tmp/hospesd_test.full") == 0) {
        /* Not followed: a guest's name must not choose another file. */
        CHECK(logfile_open(&l, "/tmp/hospesd_test.full", 100) < 0);
        logfile_close(&l);
        unlink("/tmp/hospesd_test.full");
    }
}

static struct loop loop;
static struct loop_timer timers[3];
static int fired[3], order;

static void fire(void *opaque)
{
    int i = (int)(intptr_t)opaque;

    fired[i] = ++order;
    if (i == 2)
        loop.stop = true;
    if (i == 0)
        loop_timer_cancel(&loop, &timers[1]);
}

/* In the order of their times, which is another than that in which they are set, unless that takes too long. */
static void set_timers(void)
{
    uint64_t begin;

    memset(fired, 0, sizeof(fired));
    order = 0;
    loop.stop = false;
    do {
        begin = loop_now();
        loop_timer_set(&loop, &timers[2], 30, fire, (void *)2);
        loop_timer_set(&loop, &timers[1], 20, fire, (void *)1);
        loop_timer_set(&loop, &timers[0], 5, fire, (void *)0);
    } while (loop_now() - begin >= 10);
}

static void loop_timers(void)
{
    CHECK(loop_init(&loop) == 0);
    set_timers();
    CHECK(loop_run(&loop) == 0);
    CHECK(fired[0] == 1 && fired[1] == 0 && fired[2] == 2);
    loop_done(&loop);
}

/* All of them are due when we come. */
static void loop_timers_late(void)
{
    CHECK(loop_init(&loop) == 0);
    set_timers();
    usleep(40000);
    CHECK(loop_run(&loop) == 0);
    CHECK(fired[0] == 1 && fired[1] == 0 && fired[2] == 2);
    loop_done(&loop);
}

static const struct test tests[] = {
    {"policies", policies},
    {"restart_delays", restart_delays},
    {"ring_copies", ring_copies},
    {"ring_hostile_indices", ring_hostile_indices},
    {"history_window", history_window},
    {"log_rotation", log_rotation},
    {"log_that_fails", log_that_fails},
    {"loop_timers", loop_timers},
    {"loop_timers_late", loop_timers_late},
};

int main(void)
{
    return test_run("hospesd", tests, sizeof(tests) / sizeof(tests[0]));
}
