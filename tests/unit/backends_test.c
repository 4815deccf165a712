/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The programs that serve devices, as hospesd starts them (dom0-toolstack/hospesd/backends.c): what becomes of the device, and
 * what those hear who wait for it, when the program is not there, dies or ends. The programs are scripts; xenstored is real.
 *
 *   backends_test XENSTORED
 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dom0-toolstack/hospesd/backends.h"
#include "dom0-toolstack/hospesd/daemon.h"
#include "dom0-toolstack/lib/disk_record.h"
#include "dom0-toolstack/lib/error.h"
#include "tests/unit/device_rig.h"

#define BACK  "/local/domain/0/backend/qdisk/7/51712"
#define FRONT "/local/domain/7/device/vbd/51712"

static struct daemon d;
static char starts[64]; /* a file with a byte for each start of a program */

static void store_changed(void *opaque, uint32_t events)
{
    struct hs_event *event;

    (void)opaque;
    (void)events;
    while ((event = hs_event(d.ctx.xs, 0)) != NULL) {
        backends_changed(&d, event->path);
        free(event);
    }
}

static bool (*awaited)(void);
static struct loop_timer look, end;

static void time_is_over(void *opaque)
{
    (void)opaque;
    d.loop.stop = true;
}

static void look_again(void *opaque)
{
    if (awaited())
        d.loop.stop = true;
    else
        loop_timer_set(&d.loop, &look, 5, look_again, opaque);
}

/* Lets hospesd work until that is so, for two minutes at most. */
static bool works_until(bool (*is)(void))
{
    awaited = is;
    d.loop.stop = false;
    loop_timer_set(&d.loop, &look, 1, look_again, NULL);
    loop_timer_set(&d.loop, &end, 120000, time_is_over, NULL);
    loop_run(&d.loop);
    loop_timer_cancel(&d.loop, &look);
    loop_timer_cancel(&d.loop, &end);
    return is();
}

static long long started(void)
{
    struct stat st;

    return stat(starts, &st) == 0 ? st.st_size : 0;
}

/* The program is this script; NULL: there is none. */
static void program(const char *script, mode_t mode)
{
    char path[64];
    FILE *f;

    snprintf(path, sizeof(path), "%s/hospes-block", rig_dir);
    unlink(path);
    unlink(starts);
    f = script != NULL ? fopen(path, "w") : NULL;
    if (f != NULL) {
        fprintf(f, "#!/bin/sh\nprintf x >>%s\n%s\n", starts, script);
        fclose(f);
        chmod(path, mode);
    }
}

static void device(const char *state)
{
    put(BACK "/state", state);
    put(BACK "/online", "1");
    put(BACK "/frontend", FRONT);
}

static bool is_gone(void)
{
    backends_changed(&d, BACK);
    return !there(BACK);
}

static void no_device(void)
{
    hs_rm(rig_xs, HS_TX_NONE, BACK);
    works_until(is_gone);
}

static bool complained(void)
{
    return there(BACK "/hotplug-error");
}

static void missing(void)
{
    program(NULL, 0);
    device("1");
    CHECK(works_until(complained));
    CHECK_STR(value(BACK "/hotplug-error"),
              "hospes-block cannot be started: No such file or directory");
    CHECK_STR(value(BACK "/hotplug-status"), "error");
    no_device();
}

static void not_to_be_run(void)
{
    program("exit 0", 0600);
    device("1");
    CHECK(works_until(complained));
    CHECK_STR(value(BACK "/hotplug-error"), "hospes-block cannot be started: Permission denied");
    no_device();
}

static void ends_at_start(void)
{
    program("exit 3", 0700);
    device("1");
    CHECK(works_until(complained));
    CHECK(strstr(value(BACK "/hotplug-error"), "hospes-block ends with status 3") != NULL);
    CHECK(started() == 3);
    no_device();
}

static void dies_at_start(void)
{
    program("kill -SEGV $$", 0700);
    device("1");
    CHECK(works_until(complained));
    CHECK(strstr(value(BACK "/hotplug-error"), "hospes-block is killed by signal 11") != NULL);
    no_device();
}

static bool twice(void)
{
    return started() >= 2;
}

static bool once(void)
{
    return started() >= 1;
}

/* The device of old is gone, and one of its number there, before its program has ended. */
static void ended_late(void)
{
    program("sleep 0.3; exit 0", 0700);
    device("1");
    CHECK(works_until(once));
    hs_rm(rig_xs, HS_TX_NONE, BACK);
    device("1");
    CHECK(works_until(twice));
    CHECK(!complained());
    no_device();
}

/* Its program ends while a guest uses the device. */
static void ended_in_use(void)
{
    program("exit 0", 0700);
    device("4");
    CHECK(works_until(twice));
    CHECK(!complained());
    no_device();
}

/* A guest keeps its device while the program is not there, as when packages are exchanged. */
static bool never(void)
{
    static int n;

    return complained() || n++ > 40;
}

static void missing_in_use(void)
{
    program(NULL, 0);
    device("4");
    works_until(never);
    CHECK(!complained());
    no_device();
}

/* What hospes-block has written down of a disk of that guest. */
static void record(uint32_t domid)
{
    char path[PATH_MAX];
    FILE *f =
        disk_record_path(path, sizeof(path), domid, "51712", 3) == 0 ? fopen(path, "w") : NULL;

    if (f != NULL)
        fclose(f);
}

static bool recorded(uint32_t domid)
{
    char path[PATH_MAX];

    return disk_record_path(path, sizeof(path), domid, "51712", 3) == 0 && access(path, F_OK) == 0;
}

/* One of its programs may still be about to kill itself when the device goes. */
static bool forgotten(void)
{
    return is_gone() && !recorded(7);
}

/* Its program is killed, and the device is gone before the next one is there. */
static void killed_at_the_end(void)
{
    program("kill -KILL $$", 0700);
    record(7);
    record(8);
    device("4");
    CHECK(works_until(twice));
    CHECK(recorded(7));
    hs_rm(rig_xs, HS_TX_NONE, BACK);
    CHECK(works_until(forgotten));
    CHECK(recorded(8));
}

/* The same while no hospesd was there. */
static void gone_meanwhile(void)
{
    static const char *const dirs[] = {"qdisk", "qnic", "9pfs", "vfb"};
    char path[64];

    program("exec sleep 1", 0700);
    device("4");
    record(7);
    record(8);
    backends_stop(&d);
    for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
        snprintf(path, sizeof(path), "/local/domain/0/backend/%s", dirs[i]);
        CHECK(hs_unwatch(d.ctx.xs, path, BACKENDS_TOKEN) == 0);
    }
    CHECK(backends_start(&d, NULL) == 0);
    CHECK(recorded(7) && !recorded(8));
    no_device();
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {{"missing", missing},
                                        {"not_to_be_run", not_to_be_run},
                                        {"ends_at_start", ends_at_start},
                                        {"dies_at_start", dies_at_start},
                                        {"ended_late", ended_late},
                                        {"ended_in_use", ended_in_use},
                                        {"missing_in_use", missing_in_use},
                                        {"killed_at_the_end", killed_at_the_end},
                                        {"gone_meanwhile", gone_meanwhile}};
    struct loop_source store;
    char path[PATH_MAX];
    int rc;

    if (argc != 2)
        return 2;
    if (!rig_start(argv[1])) {
        printf("not ok backends: xenstored does not start; see %s\n", rig_dir);
        return 1;
    }
    snprintf(path, sizeof(path), "%s:%s", rig_dir, getenv("PATH"));
    setenv("PATH", path, 1);
    snprintf(starts, sizeof(starts), "%s/starts", rig_dir);
    d.ctx.xs = hs_open(HS_SOCKET);
    if (d.ctx.xs == NULL || loop_init(&d.loop) < 0 ||
        loop_add(&d.loop, &store, hs_fd(d.ctx.xs), EPOLLIN, store_changed, NULL) < 0 ||
        backends_start(&d, NULL) < 0) {
        printf("not ok backends: the rig does not start\n");
        return 1;
    }
    rc = test_run("backends", tests, sizeof(tests) / sizeof(tests[0]));
    backends_stop(&d);
    loop_done(&d.loop);
    hs_close(d.ctx.xs);
    rig_stop();
    return rc;
}
