/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices that go and come again: detached and attached (hl_device_attach()), and a drive with another medium
 * (hl_cdrom_change()); with a guest that behaves as Linux does: its xenbus looks whether a device is there when it has time to,
 * keeps the one that it knows as long as it finds one, and connects each device once. The guest and the drive's back end are
 * played, each by a process; xenstored is real.
 *
 *   attach_test XENSTORED
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "dom0-toolstack/lib/ctx.h"
#include "dom0-toolstack/lib/device.h"
#include "dom0-toolstack/lib/device_wait.h"
#include "dom0-toolstack/lib/error.h"
#include "tests/unit/device_rig.h"

#define BACK  "/local/domain/0/backend/qdisk/7/51776"
#define FRONT "/local/domain/7/device/vbd/51776"
#define COPY  "/libxl/7/device/vbd/51776"
#define LEFT  "/libxl/7/left"

/* ---- around the library ---- */

/* How much shorter the drive is away, and waited for: what others may take for their part stays as it is. */
static unsigned int haste = 1;

int __real_device_wait_taken_up(struct device_job *j, unsigned int seconds);
int __wrap_device_wait_taken_up(struct device_job *j, unsigned int seconds);
int __wrap_device_wait_taken_up(struct device_job *j, unsigned int seconds)
{
    return __real_device_wait_taken_up(j, (seconds + haste - 1) / haste);
}

int __real_device_wait_settled(struct device_job *j, unsigned int seconds);
int __wrap_device_wait_settled(struct device_job *j, unsigned int seconds);
int __wrap_device_wait_settled(struct device_job *j, unsigned int seconds)
{
    return __real_device_wait_settled(j, (seconds + haste - 1) / haste);
}

/* The guest writes to the device's front end while somebody removes that, each time. */
static bool meddled;

int __real_hs_tx_commit(struct hs *h, hs_tx_t tx);
int __wrap_hs_tx_commit(struct hs *h, hs_tx_t tx);
int __wrap_hs_tx_commit(struct hs *h, hs_tx_t tx)
{
    if (!meddled || hs_exists(h, tx, FRONT) == 1 || hs_exists(h, HS_TX_NONE, FRONT) != 1)
        return __real_hs_tx_commit(h, tx);
    hs_tx_abort(h, tx);
    errno = EAGAIN;
    return -1;
}

int __wrap_usleep(useconds_t us);
int __wrap_usleep(useconds_t us)
{
    const struct timespec t = {us / haste / 1000000, us / haste % 1000000 * 1000L};

    return nanosleep(&t, NULL);
}

/* The machine stands still for a minute at this look at the clock; 0: never. */
static unsigned int still_at;

int __real_clock_gettime(clockid_t clock, struct timespec *t);
int __wrap_clock_gettime(clockid_t clock, struct timespec *t);
int __wrap_clock_gettime(clockid_t clock, struct timespec *t)
{
    static unsigned int looks;
    int rc = __real_clock_gettime(clock, t);

    if (still_at != 0 && ++looks >= still_at)
        t->tv_sec += 60;
    return rc;
}

/* ---- the guest and the back end ---- */

static long long state_of(struct hs *xs, const char *dir)
{
    return hs_number_at(xs, HS_TX_NONE, dir, "state", 0);
}

static void set_state(struct hs *xs, const char *dir, int state)
{
    (void)hs_write_at(xs, HS_TX_NONE, dir, "state", "%d", state);
}

/* A disk's back end: waits for its guest, connects, and closes after it. */
static void back_end_works(struct hs *xs)
{
    long long front = state_of(xs, FRONT), back = state_of(xs, BACK);

    if (back == DEVICE_INITIALISING)
        set_state(xs, BACK, DEVICE_INIT_WAIT);
    else if (back == DEVICE_INIT_WAIT && front == DEVICE_INITIALISED)
        set_state(xs, BACK, DEVICE_CONNECTED);
    else if (back == DEVICE_CLOSING && front == DEVICE_CLOSED)
        set_state(xs, BACK, DEVICE_CLOSED);
    else if (back > DEVICE_INITIALISING && back != DEVICE_CLOSED && front == DEVICE_UNKNOWN)
        set_state(xs, BACK, DEVICE_CLOSED);
}

struct guest {
    bool known; /* its xenbus has a device */
    int state;  /* the device's */
    unsigned int misses;
    unsigned int slow_ms; /* it takes so long to set a device up */
};

static void turn(struct hs *xs, struct guest *g, int state)
{
    g->state = state;
    set_state(xs, FRONT, state);
}

/* Linux does not survive that the device goes meanwhile. */
static void set_up(struct hs *xs, const struct guest *g)
{
    if (g->slow_ms == 0)
        return;
    (void)hs_write_at(xs, HS_TX_NONE, FRONT, "ring", "1");
    rest_ms(g->slow_ms);
    if (hs_exists(xs, HS_TX_NONE, FRONT "/ring") != 1)
        _exit(1);
}

static void driver_works(struct hs *xs, struct guest *g)
{
    long long back = state_of(xs, BACK);

    if (back == DEVICE_INIT_WAIT && g->state == DEVICE_INITIALISING) {
        set_up(xs, g);
        turn(xs, g, DEVICE_INITIALISED);
    } else if (back == DEVICE_CONNECTED && g->state == DEVICE_INITIALISED) {
        turn(xs, g, DEVICE_CONNECTED);
    } else if (back == DEVICE_CLOSING && g->state != DEVICE_CLOSED) {
        turn(xs, g, DEVICE_CLOSED);
    }
}

static void guest_works(struct hs *xs, struct guest *g)
{
    bool is = hs_exists(xs, HS_TX_NONE, FRONT) == 1;

    if (!is && g->known && g->misses > 0) {
        g->misses--;
        while (hs_exists(xs, HS_TX_NONE, FRONT) != 1)
            rest_ms(1);
    } else if (!is) {
        g->known = false;
    } else if (!g->known && state_of(xs, FRONT) == DEVICE_INITIALISING) {
        g->known = true;
        g->state = DEVICE_INITIALISING;
    }
    if (g->known)
        driver_works(xs, g);
}

static void begin(void)
{
    (void)hs_rm(rig_xs, HS_TX_NONE, "/local/domain");
    (void)hs_rm(rig_xs, HS_TX_NONE, "/libxl");
    put("/local/domain/7/name", "guest");
    put("/local/domain/7/error", "");
}

/* In an empty store: nobody shall see what the test before left. */
static pid_t start_back_end(void)
{
    pid_t pid;

    begin();
    pid = fork();
    if (pid == 0) {
        struct hs *xs = hs_open(HS_SOCKET);

        for (;; rest_ms(1))
            back_end_works(xs);
    }
    return pid;
}

static pid_t start_slow_guest(unsigned int misses, unsigned int slow_ms)
{
    pid_t pid = fork();

    if (pid == 0) {
        struct hs *xs = hs_open(HS_SOCKET);
        struct guest g = {.misses = misses, .slow_ms = slow_ms};

        for (;; rest_ms(1))
            guest_works(xs, &g);
    }
    return pid;
}

/* `misses`: so often it is busy while its drive is away. */
static pid_t start_guest(unsigned int misses)
{
    return start_slow_guest(misses, 0);
}

static void stop(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* ---- the toolstack ---- */

static pid_t attach(const char *target)
{
    pid_t pid = fork();

    if (pid == 0) {
        struct hl_ctx ctx = {NULL, hs_open(HS_SOCKET), 0};
        struct hl_error *e = hl_error_new();
        struct hl_device d;
        char spec[128], why[128];
        int rc;

        snprintf(spec, sizeof(spec), "vdev=xvde,access=ro,devtype=cdrom,target=%s", target);
        rc = hl_device_parse(HL_DEVICE_VBD, spec, &d, why, sizeof(why));
        if (rc == 0)
            rc = hl_device_attach(&ctx, 7, &d, e);
        finish(rc, e);
    }
    return pid;
}

static pid_t detach(bool force)
{
    pid_t pid = fork();

    if (pid == 0) {
        struct hl_ctx ctx = {NULL, hs_open(HS_SOCKET), 0};
        struct hl_error *e = hl_error_new();

        finish(hl_device_remove(&ctx, 7, HL_DEVICE_VBD, 51776, force, e), e);
    }
    return pid;
}

static pid_t change(const char *target)
{
    pid_t pid = fork();

    if (pid == 0) {
        struct hl_ctx ctx = {NULL, hs_open(HS_SOCKET), 0};
        struct hl_error *e = hl_error_new();

        finish(hl_cdrom_change(&ctx, 7, "xvde", target, e), e);
    }
    return pid;
}

static bool connected(void)
{
    return state_of(rig_xs, FRONT) == DEVICE_CONNECTED;
}

static bool attached(void)
{
    return answer(attach("nbd:old")) == 0 && soon(connected);
}

static pid_t change_new(void)
{
    return change("nbd:new");
}

/* Two commands, as quickly as that. */
static pid_t detach_attach(void)
{
    int rc = answer(detach(false));

    return rc == 0 ? attach("nbd:new") : -1;
}

/* ---- tests ---- */

/* The guest ends connected to the new medium: it had the old one, and hl's answer says that it has the new one. */
static void becomes(pid_t (*again)(void), unsigned int misses)
{
    pid_t back = start_back_end(), guest = start_guest(misses);
    bool was = attached();
    int rc = was ? answer(again()) : -1;
    bool is = rc == 0 && soon(connected);

    stop(guest);
    stop(back);
    CHECK(was);
    CHECK(rc == 0);
    CHECK(is);
    CHECK_STR(value(BACK "/params"), "nbd:nbd:new");
    CHECK(!there(LEFT));
}

static void quick(void)
{
    becomes(change_new, 0);
    becomes(detach_attach, 0);
}

/* The drive changes, or goes and comes again, while the guest's driver sets it up. */
static void half_made(void)
{
    pid_t (*const again[])(void) = {change_new, detach_attach};

    for (size_t i = 0; i < sizeof(again) / sizeof(again[0]); i++) {
        pid_t back = start_back_end(), guest = start_slow_guest(0, 400);
        int first = answer(attach("nbd:old")), second = answer(again[i]());
        bool is = soon(connected), lives = waitpid(guest, NULL, WNOHANG) == 0;

        stop(guest);
        stop(back);
        CHECK(first == 0 && second == 0);
        CHECK(lives && is);
        CHECK_STR(value(BACK "/params"), "nbd:nbd:new");
    }
}

/* Of one that went while the back end looked, that says so when it has gone: the next one has nothing to do with it. */
static void said_before(void)
{
    static const char said_late[] = "/local/domain/0/error/backend/qdisk/7/51776/error";
    pid_t back = start_back_end(), guest = start_slow_guest(0, 400);
    bool is;
    int rc;

    put(said_late, "2 unable to read other end. missing or inaccessible.");
    rc = answer(attach("nbd:new"));
    is = soon(connected);
    stop(guest);
    stop(back);
    CHECK(rc == 0 && is);
    CHECK(!there(said_late));
}

/* A guest that writes its nodes over and over can keep them, but nobody is told that they are gone. */
static void meddles(void)
{
    pid_t back = start_back_end(), guest = start_slow_guest(0, 400);
    bool was = attached(), kept, told;
    int rc, in_the_end;

    meddled = true;
    rc = answer(detach(true));
    meddled = false;
    told = strstr(said(), "over and over; pause it first") != NULL;
    kept = there(COPY) && there(FRONT);
    in_the_end = answer(detach(true));
    stop(guest);
    stop(back);
    CHECK(was && rc == 1 && told && kept);
    CHECK(in_the_end == 0 && !there(COPY) && !there(FRONT));
}

/* What a guest was given time for, it still has time for when the machine stood still. */
static void stands_still(void)
{
    pid_t back = start_back_end(), guest = start_slow_guest(0, 400);
    bool was = attached() && answer(detach(false)) == 0, is, lives;
    int rc;

    still_at = 60;
    rc = answer(attach("nbd:new"));
    still_at = 0;
    is = soon(connected);
    lives = waitpid(guest, NULL, WNOHANG) == 0;
    stop(guest);
    stop(back);
    CHECK(was);
    CHECK(rc == 0);
    CHECK(lives && is);
    CHECK_STR(value(BACK "/params"), "nbd:nbd:new");
}

/* It looks when the drive is there again, and takes it up when that has gone once more. */
static void busy(void)
{
    haste = 2;
    becomes(change_new, 1);
    becomes(detach_attach, 1);
    haste = 1;
}

/* It never sees the drive away. */
static void silent(void)
{
    pid_t back = start_back_end(), guest = start_guest(100);
    bool was = attached();
    int rc;

    haste = 30;
    rc = was ? answer(change("nbd:new")) : -1;
    haste = 1;
    stop(guest);
    stop(back);
    CHECK(was);
    CHECK(rc == 1);
    CHECK(strstr(said(), "it is changed, but the guest does not take the drive xvde up") != NULL);
    CHECK_STR(value(BACK "/params"), "nbd:nbd:new");
    CHECK_STR(value(FRONT "/state"), "1");
}

/* The same with an attached disk, which is taken away again; after that the guest is given a try, but not waited for. */
static void never_again(void)
{
    pid_t back = start_back_end(), guest = start_guest(100);
    bool was = attached(), gone;
    char said_first[512];
    int first, second;

    haste = 30;
    first = was ? answer(detach_attach()) : -1;
    haste = 1;
    snprintf(said_first, sizeof(said_first), "%s", said());
    gone = !there(COPY) && !there(BACK) && !there(FRONT) && !there(LEFT);
    second = answer(attach("nbd:new"));
    stop(guest);
    stop(back);
    CHECK(was && gone);
    CHECK(first == 1 && second == 0);
    CHECK(strstr(said_first, "xvde") != NULL);
    CHECK(strstr(said_first, "which had one of this number, does not take it up") != NULL);
}

/* Detached while it was paused, with force: what it did not see is not forgotten before it runs. */
static void while_paused(void)
{
    pid_t back = start_back_end(), guest = start_guest(0);
    bool was = attached(), left;
    int first, second;

    stop(guest);
    rig_paused = true;
    first = was ? answer(detach(true)) : -1;
    second = answer(attach("nbd:new"));
    rig_paused = false;
    left = there(LEFT "/vbd/51776");
    stop(back);
    CHECK(was && first == 0 && second == 0);
    CHECK(left);
    CHECK_STR(value(FRONT "/state"), "1");
}

/* It ends meanwhile; who wants to clear up after it waits for us. */
static void ended(void)
{
    pid_t back = start_back_end(), guest = start_guest(100);
    bool was = attached();
    int rc;

    rig_dying = true;
    rc = was ? answer(change("nbd:new")) : -1;
    rig_dying = false;
    stop(guest);
    stop(back);
    CHECK(was && rc == 0);
    CHECK_STR(value(BACK "/params"), "nbd:nbd:new");
}

static pid_t eject(void)
{
    return change("");
}

static bool hidden(void)
{
    return there(COPY) && !there(BACK) && !there(FRONT);
}

/* An empty drive is none for the guest, which would wait for it. */
static void empty(void)
{
    pid_t back = start_back_end(), guest = start_guest(0);
    int rc = answer(attach(""));
    bool none = hidden(), is, again;
    char drive[64];

    snprintf(drive, sizeof(drive), "%s", value(COPY "/device-type"));
    rc = rc == 0 ? answer(change_new()) : -1;
    is = rc == 0 && soon(connected);
    rc = is ? answer(eject()) : -1;
    again = rc == 0 && hidden();
    rc = again ? answer(change_new()) : -1;
    is = is && rc == 0 && soon(connected);
    rc = is ? answer(eject()) : -1;
    rc = rc == 0 ? answer(detach(false)) : -1;
    stop(guest);
    stop(back);
    CHECK(none);
    CHECK_STR(drive, "cdrom");
    CHECK(is);
    CHECK(again);
    CHECK(rc == 0);
    CHECK(!there(COPY) && !there(BACK) && !there(FRONT));
}

/* A medium that is none: the drive is not touched. */
static void mistyped(void)
{
    pid_t back = start_back_end(), guest = start_guest(0);
    bool was = attached(), is;
    int rc = was ? answer(change("/nothere/cd.iso")) : -1;

    is = connected();
    stop(guest);
    stop(back);
    CHECK(was && rc == 1 && is);
    CHECK(strstr(said(), "xvde") != NULL);
    CHECK_STR(value(BACK "/params"), "nbd:nbd:old");
    CHECK(!there(LEFT));
}

/* Where no driver has the drive, none is waited for longer than one may take. */
static void unused(void)
{
    pid_t back = start_back_end();
    int first, second;

    first = answer(attach("nbd:old"));
    haste = 10;
    second = answer(change("nbd:new"));
    haste = 1;
    stop(back);
    CHECK(first == 0 && second == 0);
    CHECK_STR(value(BACK "/params"), "nbd:nbd:new");
    CHECK_STR(value(FRONT "/state"), "1");
    CHECK(!there(LEFT));
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"quick", quick},
        {"half_made", half_made},
        {"said_before", said_before},
        {"meddles", meddles},
        {"stands_still", stands_still},
        {"busy", busy},
        {"silent", silent},
        {"never_again", never_again},
        {"while_paused", while_paused},
        {"ended", ended},
        {"empty", empty},
        {"mistyped", mistyped},
        {"unused", unused},
    };
    int rc;

    if (argc != 2)
        return 2;
    if (!rig_start(argv[1])) {
        printf("not ok attach: xenstored does not start; see %s\n", rig_dir);
        return 1;
    }
    rc = test_run("attach", tests, sizeof(tests) / sizeof(tests[0]));
    rig_stop();
    return rc;
}
