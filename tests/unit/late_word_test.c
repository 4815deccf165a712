/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was removed from xenstore does not come back by a late word of somebody who did not know it yet: hs_change(), and what
 * the toolstack writes for a domain that is destroyed just then.
 *
 *   late_word_test XENSTORED
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dom0-toolstack/lib/ctx.h"
#include "dom0-toolstack/lib/domain.h"
#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/hv_domain.h"
#include "dom0-toolstack/lib/lock.h"
#include "dom0-toolstack/lib/store_writer.h"
#include "tests/unit/device_rig.h"

#define HOME "/local/domain/7"

static struct hl_ctx ctx;
/* Somebody destroys the domain after this look of the toolstack at it; 0: nobody does. */
static unsigned int destroyed_at;

static void destroy_meanwhile(void)
{
    if (destroyed_at > 0 && --destroyed_at == 0) {
        rig_dying = true;
        hs_rm(rig_xs, HS_TX_NONE, HOME);
    }
}

int __wrap_hv_domain_set_max_mem(struct hv *hv, uint32_t domid, uint64_t kib, struct hl_error *e);
int __wrap_hv_domain_set_max_mem(struct hv *hv, uint32_t domid, uint64_t kib, struct hl_error *e)
{
    (void)hv;
    (void)domid;
    (void)kib;
    (void)e;
    destroy_meanwhile();
    return 0;
}

int __wrap_hv_domain_list(struct hv *hv, struct hv_domain_info **list, size_t *count,
                          struct hl_error *e);
int __wrap_hv_domain_list(struct hv *hv, struct hv_domain_info **list, size_t *count,
                          struct hl_error *e)
{
    (void)hv;
    (void)e;
    destroy_meanwhile();
    *list = NULL;
    *count = 0;
    return 0;
}

/* ---- hs_change() ---- */

static unsigned int calls;

/* Somebody else writes what it read, the first times. */
static int count_up(struct hs *xs, hs_tx_t tx, void *opaque)
{
    long long v = hs_number_at(xs, tx, "/change", "value", 0);

    if (++calls <= *(unsigned int *)opaque) {
        struct hs *other = hs_open(HS_SOCKET);

        hs_write_at(other, HS_TX_NONE, "/change", "value", "%u", calls * 100);
        hs_close(other);
    }
    return hs_write_at(xs, tx, "/change", "value", "%lld", v + 1);
}

static int refuse(struct hs *xs, hs_tx_t tx, void *opaque)
{
    (void)opaque;
    calls++;
    hs_write_at(xs, tx, "/change", "value", "refused");
    errno = EDOM;
    return -1;
}

static void change(void)
{
    unsigned int others = 0;

    put("/change/value", "4");
    calls = 0;
    CHECK(hs_change(rig_xs, "/change", count_up, &others) == 0 && calls == 1);
    CHECK_STR(value("/change/value"), "5");
    others = 2;
    calls = 0;
    CHECK(hs_change(rig_xs, "/change", count_up, &others) == 0 && calls == 3);
    CHECK_STR(value("/change/value"), "201");
    CHECK(hs_change(rig_xs, "/change", refuse, NULL) == -1 && errno == EDOM && calls == 4);
    CHECK_STR(value("/change/value"), "201");
    CHECK(hs_change(rig_xs, "/elsewhere", refuse, NULL) == -1 && errno == ENOENT && calls == 4);
    CHECK(hs_write_while(rig_xs, "/change/value", "/change/more", "1") == 0);
    CHECK_STR(value("/change/more"), "1");
    CHECK(hs_write_while(rig_xs, "/change/nothing", "/change/nothing", "1") == -1 &&
          errno == ENOENT);
    CHECK(!there("/change/nothing"));
    hs_rm(rig_xs, HS_TX_NONE, "/change");
}

/* Somebody who interferes for ever does not hold us up for ever. */
static void fill(struct store_writer *w, void *opaque)
{
    store_put(w, "/change", "value", "ours");
    (void)store_has(w, "/change/value"); /* it is sent */
    CHECK(count_up(w->xs, w->tx, opaque) == 0);
}

static void interference(void)
{
    struct hl_error *e = hl_error_new();
    unsigned int others = UINT_MAX;
    char *why;

    put("/change/value", "4");
    calls = 0;
    CHECK(hs_change(rig_xs, "/change", count_up, &others) == -1 && errno == EAGAIN);
    CHECK(calls == HS_TX_TRIES);
    CHECK(store_transact(rig_xs, 7, fill, &others, "test", e) == -EBUSY);
    CHECK(calls == 2 * HS_TX_TRIES);
    why = hl_error_sentence(e);
    CHECK_STR(why,
              "test (domain 7): the guest changes the same nodes over and over; pause it first");
    free(why);
    hl_error_free(e);
    hs_rm(rig_xs, HS_TX_NONE, "/change");
}

/* What is looked for is removed after the transaction began. */
static int removed_meanwhile(struct hs *xs, hs_tx_t tx, void *opaque)
{
    (void)opaque;
    hs_rm(rig_xs, HS_TX_NONE, "/change");
    return hs_write_at(xs, tx, "/change", "value", "late");
}

static void change_too_late(void)
{
    struct hs *other = hs_open(HS_SOCKET);

    put("/change/value", "4");
    CHECK(hs_change(other, "/change", removed_meanwhile, NULL) == -1 && errno == ENOENT);
    CHECK(!there("/change"));
    hs_close(other);
}

/* ---- the toolstack ---- */

static void live(void)
{
    put(HOME "/name", "guest");
    put(HOME "/memory/static-max", "65536");
    destroyed_at = 0;
    rig_dying = false;
}

static void requests(void)
{
    live();
    CHECK(hl_domain_mem_set(&ctx, 7, 32768, NULL) == 0);
    CHECK_STR(value(HOME "/memory/target"), "32768");
    CHECK(hl_domain_sysrq(&ctx, 7, 's', NULL) == 0);
    CHECK_STR(value(HOME "/control/sysrq"), "s");
    destroyed_at = 1;
    CHECK(hl_domain_mem_set(&ctx, 7, 16384, NULL) == -ESRCH);
    CHECK(!there(HOME));
    CHECK(hl_domain_sysrq(&ctx, 7, 's', NULL) == -ESRCH);
    CHECK(hl_domain_vcpu_set(&ctx, 7, 1, NULL) == -ESRCH);
    CHECK(!there(HOME));
}

/* The guest writes to the same node, over and over. */
static void busy_node(void)
{
    pid_t pid;

    live();
    pid = fork();
    if (pid == 0) {
        struct hs *guest = hs_open(HS_SOCKET);

        for (;;)
            hs_write_at(guest, HS_TX_NONE, HOME, "control/shutdown", "%s", "");
    }
    for (int i = 0; i < 50; i++)
        CHECK(hl_domain_shutdown(&ctx, 7, false, NULL) == 0);
    kill(pid, SIGKILL);
    CHECK(answer(pid) == -1);
}

static void name(void)
{
    live();
    CHECK(hl_domain_rename(&ctx, 7, "other", NULL) == 0);
    CHECK_STR(value(HOME "/name"), "other");
    destroyed_at = 1;
    CHECK(hl_domain_rename(&ctx, 7, "third", NULL) == -ENOENT);
    CHECK(!there(HOME));
}

static bool renamed(void)
{
    return strcmp(value(HOME "/name"), "waited") == 0;
}

/* Its record is changed: whoever changes it, too, comes later. */
static void name_waits(void)
{
    int lock = lock_take(LOCK_DOMAIN(7), NULL);
    pid_t pid;

    live();
    CHECK(lock >= 0);
    pid = fork();
    if (pid == 0) {
        struct hl_error *e = hl_error_new();

        close(lock);
        ctx.xs = hs_open(HS_SOCKET);
        finish(hl_domain_rename(&ctx, 7, "waited", e), e);
    }
    /* One that did not wait would have been seen by then. */
    rest_ms(300);
    CHECK(!renamed());
    lock_drop(lock);
    CHECK(answer(pid) == 0 && renamed());
}

static void mark(void)
{
    live();
    CHECK(hl_domain_mark_managed(&ctx, 7, NULL) == 0);
    CHECK_STR(value("/libxl/7/hospesd"), "1");
    hs_rm(rig_xs, HS_TX_NONE, "/libxl");
    hs_rm(rig_xs, HS_TX_NONE, HOME);
    CHECK(hl_domain_mark_managed(&ctx, 7, NULL) == -ENOENT);
    CHECK(!there("/libxl"));
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"change", change},
        {"interference", interference},
        {"change_too_late", change_too_late},
        {"name_waits", name_waits},
        {"requests", requests},
        {"busy_node", busy_node},
        {"name", name},
        {"mark", mark},
    };
    int rc;

    if (argc != 2)
        return 2;
    if (!rig_start(argv[1])) {
        printf("not ok late_word: xenstored does not start; see %s\n", rig_dir);
        return 1;
    }
    ctx.xs = rig_xs;
    rc = test_run("late_word", tests, sizeof(tests) / sizeof(tests[0]));
    rig_stop();
    return rc;
}
