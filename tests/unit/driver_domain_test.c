/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices that another domain serves, on a real xenstored without a hypervisor: what Domain 0's half (device_life.c) and the
 * driver domain's half (hotplug.c) write and wait for, with whose rights; failures, deaths of either, and that nothing
 * stays. Domain 5 serves domain 7. Both halves run here as processes; the kernel and hospes-block are played.
 *
 *   driver_domain_test XENSTORED
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dom0-toolstack/lib/ctx.h"
#include "dom0-toolstack/lib/device.h"
#include "dom0-toolstack/lib/device_class.h"
#include "dom0-toolstack/lib/device_wait.h"
#include "dom0-toolstack/lib/driver_domain.h"
#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/hotplug.h"
#include "tests/unit/device_rig.h"

#define BACK   "/local/domain/5/backend/qdisk/7/51712"
#define FRONT  "/local/domain/7/device/vbd/51712"
#define COPY   "/libxl/7/device/vbd/51712"
#define RECORD "/local/domain/5/libxl/7/device/vbd/51712"

/* ---- in place of driver_domain.c, which asks the hypervisor ---- */

static bool lives = true;

bool driver_domain_is_none(const char *name)
{
    return name == NULL || strcmp(name, "0") == 0 || strcmp(name, "Domain-0") == 0;
}

int driver_domain_find(struct hl_ctx *ctx, const char *name, uint32_t guest, uint32_t *domid,
                       struct hl_error *e)
{
    (void)ctx;
    (void)guest;
    if (strcmp(name, "store") != 0)
        return hl_fail(e, ENOENT, "find", name, "there is no such domain");
    *domid = 5;
    return 0;
}

bool driver_domain_lives(struct hl_ctx *ctx, uint32_t domid)
{
    (void)ctx;
    return lives && domid == 5;
}

/* ---- around the library ---- */

/* The seconds of waiting that nobody ended, and how much shorter it is here; a guest that closes what it is asked to. */
static unsigned int in_vain, haste = 1;
static bool guest_closes;

int __real_device_wait_gone(struct device_job *j, unsigned int seconds);
int __wrap_device_wait_gone(struct device_job *j, unsigned int seconds);
int __wrap_device_wait_gone(struct device_job *j, unsigned int seconds)
{
    int rc;

    if (guest_closes && hs_exists(j->ctx->xs, HS_TX_NONE, j->front) == 1)
        (void)hs_write_at(j->ctx->xs, HS_TX_NONE, j->front, "state", "%d", DEVICE_CLOSED);
    rc = __real_device_wait_gone(j, (seconds + haste - 1) / haste);
    if (rc != 0)
        in_vain += seconds;
    return rc;
}

/* ---- the store ---- */

static char image[64];

static const char *perms(const char *path)
{
    static char text[64];
    unsigned int n = 0;
    struct hs_perm *p = hs_get_perms(rig_xs, HS_TX_NONE, path, &n);

    text[0] = '\0';
    for (unsigned int i = 0; p != NULL && i < n; i++)
        hs_perm_format(&p[i], text + strlen(text));
    free(p);
    return text;
}

/* As hl create leaves them, with driver_domain=1 and without. */
static void begin(void)
{
    struct hs_perm home = {0, HS_PERM_NONE}, own = {5, HS_PERM_NONE};

    lives = true;
    (void)hs_rm(rig_xs, HS_TX_NONE, "/local/domain");
    (void)hs_rm(rig_xs, HS_TX_NONE, "/libxl");
    put("/local/domain/5/domid", "5");
    put("/local/domain/5/libxl", "");
    put("/local/domain/5/error", "");
    put("/local/domain/7/domid", "7");
    put("/local/domain/7/error", "");
    hs_set_perms(rig_xs, HS_TX_NONE, "/local/domain/5", &home, 1);
    hs_set_perms(rig_xs, HS_TX_NONE, "/local/domain/5/libxl", &own, 1);
}

/* ---- the two halves, each a process ---- */

static struct hl_ctx there_ctx(void)
{
    return (struct hl_ctx){NULL, rig_xs, 5};
}

static pid_t work(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        struct hl_ctx ctx = {NULL, hs_open(HS_SOCKET), 5};
        struct hl_error *e = hl_error_new();
        char run[64];
        int rc;

        /* Another machine: Domain 0's locks are not seen there. */
        snprintf(run, sizeof(run), "%s/there", rig_dir);
        setenv("HOSPES_RUN_DIR", run, 1);
        rc = hotplug_do(&ctx, BACK, e);

        _exit(rc != 0);
    }
    return pid;
}

static bool back_there(void)
{
    return there(BACK "/frontend");
}

static bool record_there(void)
{
    return there(RECORD "/backend");
}

static bool front_gone(void)
{
    return !there(FRONT);
}

static enum hotplug_work work_now(void)
{
    struct hl_ctx ctx = there_ctx();

    return hotplug_look(&ctx, BACK);
}

#define DISK "backendtype=qdisk,vdev=xvda,access=rw,backend=store,target="

static const char *spec(void)
{
    static char text[160];

    snprintf(text, sizeof(text), DISK "%s", image);
    return text;
}

/* A device that works, for what comes after. */
static bool connected(void)
{
    pid_t us, them;

    begin();
    us = rig_add(7, HL_DEVICE_VBD, spec());
    if (!soon(back_there))
        return false;
    them = work();
    if (!soon(record_there))
        return false;
    put(BACK "/state", "2");
    return answer(them) == 0 && answer(us) == 0;
}

static bool nothing_left(void)
{
    /* What was theirs before is theirs still. */
    if (!there("/local/domain/5/error") || !there("/local/domain/7/error") ||
        !there("/local/domain/5/libxl"))
        return false;
    return !there("/local/domain/5/backend") && !there("/local/domain/5/error/backend") &&
           !there("/local/domain/5/libxl/7") && !there("/local/domain/7/error/device") &&
           !there("/libxl/7") && !there("/local/domain/7/device");
}

/* ---- tests ---- */

static void layout(void)
{
    pid_t us, them;

    begin();
    us = rig_add(7, HL_DEVICE_VBD, spec());
    CHECK(soon(back_there));
    CHECK_STR(perms(BACK), "n5r7");
    CHECK_STR(perms(BACK "/params"), "n5r7");
    CHECK_STR(perms(FRONT), "n7r5");
    CHECK_STR(perms(COPY), "n0");
    /* Who may write in the folders above could take other guests' devices away. */
    CHECK_STR(perms("/local/domain/5/backend/qdisk/7"), "n0");
    CHECK_STR(value(FRONT "/backend"), BACK);
    CHECK_STR(value(FRONT "/backend-id"), "5");
    CHECK_STR(value(COPY "/backend"), BACK);
    CHECK_STR(value(BACK "/frontend-id"), "7");
    CHECK(!there(COPY "/hotplug") && !there(BACK "/hotplug-status"));
    CHECK(work_now() == HOTPLUG_SET_UP);
    them = work();
    CHECK(soon(record_there));
    CHECK_STR(value(RECORD "/script"), value(BACK "/script"));
    CHECK_STR(value(RECORD "/hotplug"), "none");
    /* Not before the back end waits for its guest. */
    CHECK(!there(BACK "/hotplug-status") && work_now() == HOTPLUG_SET_UP);
    put(BACK "/state", "2");
    CHECK(answer(them) == 0 && answer(us) == 0);
    CHECK_STR(value(BACK "/hotplug-status"), "connected");
    CHECK(work_now() == HOTPLUG_NOTHING);
}

static void taken_away(void)
{
    pid_t us;

    CHECK(connected());
    put(BACK "/state", "4");
    put("/local/domain/5/error/backend/qdisk/7/51712/error", "a word");
    put("/local/domain/7/error/device/vbd/51712/error", "another");
    us = rig_release(7);
    CHECK(soon(front_gone));
    CHECK_STR(value(BACK "/online"), "0");
    CHECK(work_now() == HOTPLUG_LET_GO);
    CHECK(waitpid(us, NULL, WNOHANG) == 0); /* it waits for the others */
    put(BACK "/state", "6");
    CHECK(answer(work()) == 0);
    CHECK(answer(us) == 0);
    CHECK(nothing_left());
}

/* As Xen's tools do the other half: without a record, and only when the kernel there has closed what it was told to. */
static void xen_tools(void)
{
    pid_t us;

    begin();
    us = rig_add(7, HL_DEVICE_VBD, spec());
    CHECK(soon(back_there));
    put(BACK "/state", "2");
    put(BACK "/hotplug-status", "connected");
    CHECK(answer(us) == 0);
    put(BACK "/state", "4");
    us = rig_release(7);
    CHECK(soon(front_gone));
    CHECK_STR(value(BACK "/online"), "0");
    CHECK_STR(value(BACK "/state"), "5");
    put(BACK "/state", "6");
    rest_ms(100);
    CHECK(waitpid(us, NULL, WNOHANG) == 0); /* their scripts run now */
    (void)hs_rm(rig_xs, HS_TX_NONE, BACK);
    CHECK(answer(us) == 0);
    CHECK(nothing_left());
}

/* The guest was asked, and lets go at its leisure. */
static void closing(void)
{
    CHECK(connected());
    put(BACK "/online", "0");
    put(BACK "/state", "5");
    CHECK(work_now() == HOTPLUG_LATER);
    put(BACK "/state", "6");
    CHECK(work_now() == HOTPLUG_LET_GO);
    CHECK(answer(work()) == 0);
    CHECK(!there(BACK) && !there(RECORD) && there(FRONT));
    CHECK(answer(rig_release(7)) == 0);
    CHECK(nothing_left());
}

static void failure(void)
{
    pid_t us;

    begin();
    us = rig_add(7, HL_DEVICE_VBD, DISK "/nothere/image");
    CHECK(soon(back_there));
    CHECK(answer(work()) == 1);
    CHECK(answer(us) == 1);
    CHECK(strstr(said(), "/nothere/image") != NULL);
    CHECK(nothing_left());
}

static void nobody(void)
{
    begin();
    CHECK(answer(rig_add(7, HL_DEVICE_VBD, "vdev=xvda,backend=other,target=/x")) == 1);
    CHECK(strstr(said(), "no such domain") != NULL);
    CHECK(!there("/libxl/7") && !there("/local/domain/7/device"));
    /* It went between the question and the answer: nothing is written below its name. */
    (void)hs_rm(rig_xs, HS_TX_NONE, "/local/domain/5");
    CHECK(answer(rig_add(7, HL_DEVICE_VBD, spec())) == 1);
    CHECK(strstr(said(), "/local/domain/5") != NULL);
    CHECK(!there("/local/domain/5") && !there("/libxl/7") && !there("/local/domain/7/device"));
}

/* Who has been up for long and has nobody that looks for devices is not waited for any longer (domain 5 has no watch here). */
static void alone(void)
{
    begin();
    put("/local/domain/5/vm", "/vm/5");
    put("/vm/5/start_time", "1.00");
    CHECK(answer(rig_add(7, HL_DEVICE_VBD, spec())) == 1);
    CHECK(strstr(said(), "nobody in domain 5 looks for devices; start \"hl devd\" there") != NULL);
    CHECK(nothing_left());
    /* The same here: a folder is shared by a program that hospesd starts, and there is none. */
    CHECK(answer(rig_add(7, HL_DEVICE_P9, "tag=a,path=/,security_model=none")) == 1);
    CHECK(strstr(said(), "hospesd, which it needs, is not running; start it") != NULL);
    CHECK(nothing_left() && !there("/local/domain/0/backend"));
}

static void dead(void)
{
    begin();
    lives = false;
    CHECK(answer(rig_add(7, HL_DEVICE_VBD, spec())) == 1);
    CHECK(strstr(said(), "has ended") != NULL);
    CHECK(nothing_left());
    /* While it serves: nobody is waited for, and nothing grows again in its place. */
    CHECK(connected());
    lives = false;
    (void)hs_rm(rig_xs, HS_TX_NONE, "/local/domain/5");
    CHECK(answer(rig_release(7)) == 0);
    CHECK(!there("/local/domain/5") && !there("/libxl/7") && !there("/local/domain/7/device"));
}

/* The driver domain's daemon was killed after each of its steps. */
static void killed(void)
{
    struct hl_ctx ctx = there_ctx();
    pid_t them;

    CHECK(connected());
    /* before its last word */
    (void)hs_rm(rig_xs, HS_TX_NONE, BACK "/hotplug-status");
    CHECK(hotplug_begun(&ctx, BACK) && work_now() == HOTPLUG_SET_UP);
    them = work();
    CHECK(answer(them) == 0);
    CHECK_STR(value(BACK "/hotplug-status"), "connected");
    /* Domain 0 did not wait longer: the record alone is left. */
    (void)hs_rm_prune(rig_xs, HS_TX_NONE, BACK);
    CHECK(work_now() == HOTPLUG_LET_GO);
    CHECK(answer(work()) == 0);
    CHECK(!there(RECORD) && there("/local/domain/5/libxl"));
    CHECK(work_now() == HOTPLUG_NOTHING);
}

/* Another disk with the same nodes. */
static void one_more(const char *devid)
{
    static const char *const dirs[] = {"/local/domain/5/backend/qdisk/7", "/libxl/7/device/vbd",
                                       "/local/domain/5/libxl/7/device/vbd"};
    char path[160], back[128];

    snprintf(back, sizeof(back), "%s/%s", dirs[0], devid);
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof(path), "%s/%s/backend", dirs[i], devid);
        put(path, back);
    }
    snprintf(path, sizeof(path), "%s/state", back);
    put(path, "4");
}

/* The driver domain's daemon is away for good. However many devices it had to let go of, we wait once. */
static void daemon_away(void)
{
    struct hl_ctx ctx = {NULL, rig_xs, 0};

    CHECK(connected());
    put(BACK "/state", "4");
    one_more("51728");
    one_more("51744");
    in_vain = 0;
    haste = DEVICE_GONE_SECONDS;
    hl_devices_release(&ctx, 7);
    haste = 1;
    CHECK(in_vain == DEVICE_GONE_SECONDS);
    CHECK(!there("/libxl/7") && !there("/local/domain/5/backend"));
    /* For whoever starts there. */
    CHECK(there(RECORD) && there("/local/domain/5/libxl/7/device/vbd/51744"));
}

/* A device in use. Whose answer is `text` when it is detached? */
static bool detach_says(const char *text)
{
    struct hl_ctx ctx = {NULL, rig_xs, 0};
    struct hl_error *e = hl_error_new();
    bool ok = connected();
    char *why;

    put(BACK "/state", "4");
    put(FRONT "/state", "4");
    haste = DEVICE_CLOSE_SECONDS;
    ok = ok && hl_device_remove(&ctx, 7, HL_DEVICE_VBD, 51712, false, e) == -EBUSY;
    haste = 1;
    why = hl_error_sentence(e);
    ok = ok && why != NULL && strstr(why, text) != NULL;
    if (!ok)
        printf("# it says: %s\n", why == NULL ? "nothing" : why);
    free(why);
    hl_error_free(e);
    return ok && there(FRONT) && there(COPY);
}

static void who_holds(void)
{
    struct hl_ctx ctx = {NULL, rig_xs, 0};

    CHECK(detach_says("the guest does not let go of the disk"));
    guest_closes = true;
    CHECK(detach_says("domain 5, which serves the disk, does not let go"));
    /* By force: not for ever, and not twice. */
    put(FRONT "/state", "4");
    haste = DEVICE_GONE_SECONDS;
    in_vain = 0;
    CHECK(hl_device_remove(&ctx, 7, HL_DEVICE_VBD, 51712, true, NULL) == 0);
    haste = 1;
    guest_closes = false;
    CHECK(in_vain == DEVICE_CLOSE_SECONDS);
    CHECK(!there(FRONT) && !there(COPY) && !there(BACK) && there(RECORD));
}

/* Its words end on people's terminals. */
static void hostile_words(void)
{
    static char longest[3000];
    const char *text;
    pid_t us;

    begin();
    us = rig_add(7, HL_DEVICE_VBD, spec());
    CHECK(soon(back_there));
    put(BACK "/hotplug-error", "one\033[2Jtwo\nthree");
    CHECK(answer(us) == 1);
    text = said();
    CHECK(strstr(text, "one?[2Jtwo?three") != NULL);
    begin();
    us = rig_add(7, HL_DEVICE_VBD, spec());
    CHECK(soon(back_there));
    memset(longest, 'x', sizeof(longest) - 1);
    put("/local/domain/5/error/backend/qdisk/7/51712/error", longest);
    CHECK(answer(us) == 1);
    CHECK(strlen(said()) < 1200);
}

static void paths(void)
{
    struct hl_ctx ctx = there_ctx();
    char out[128];

    CHECK(hotplug_device_path(&ctx, BACK, out));
    CHECK_STR(out, BACK);
    CHECK(hotplug_device_path(&ctx, BACK "/state", out));
    CHECK_STR(out, BACK);
    CHECK(hotplug_device_path(&ctx, "/local/domain/5/backend/vif/7/0/hotplug-status", out));
    CHECK_STR(out, "/local/domain/5/backend/vif/7/0");
    CHECK(!hotplug_device_path(&ctx, "/local/domain/5/backend/vif/7", out));
    CHECK(!hotplug_device_path(&ctx, "/local/domain/5/backend", out));
    CHECK(!hotplug_device_path(&ctx, "/local/domain/6/backend/vif/7/0", out)); /* another's */
    CHECK(
        !hotplug_device_path(&ctx, "/local/domain/5/backend/vfb/7/0", out)); /* Domain 0's alone */
    CHECK(!hotplug_device_path(&ctx, "/local/domain/5/backend/vbdx/7/0", out));
    CHECK(!hotplug_device_path(&ctx, RECORD, out));
}

static int found;

static void count(void *opaque, const char *path)
{
    found += opaque == &found && strcmp(path, BACK) == 0 ? 1 : 100;
}

static void all(void)
{
    struct hl_ctx ctx = there_ctx();

    begin();
    found = 0;
    hotplug_each(&ctx, count, &found);
    CHECK(found == 0);
    put(BACK "/frontend", FRONT);
    put("/local/domain/5/backend/vfb/7/0/frontend", "x");
    hotplug_each(&ctx, count, &found);
    CHECK(found == 1);
    put(RECORD "/backend", BACK);
    hotplug_each(&ctx, count, &found);
    CHECK(found == 3);
}

/* ---- what a driver domain understands of the nodes ---- */

static struct hl_device understood;
static struct device_job job;

static int understand(enum hl_device_kind kind, const char *backend, const char *const *nodes)
{
    static struct hl_ctx ctx;

    ctx = there_ctx();
    begin();
    device_init(&understood, kind);
    device_job_init(&job, &ctx, 7, device_class(kind), device_backend_find(kind, backend), 5, 3);
    for (; *nodes != NULL; nodes += 2)
        hs_write_at(rig_xs, HS_TX_NONE, job.back, nodes[0], "%s", nodes[1]);
    return device_class(kind)->from_nodes(&job, &understood, NULL);
}

static void disks(void)
{
    const struct hl_disk *d = &understood.disk;

    CHECK(understand(HL_DEVICE_VBD, "phy",
                     (const char *[]){"params", "/dev/vg/x", "dev", "xvda", "mode", "w", "script",
                                      "/etc/xen/scripts/block", NULL}) == 0);
    CHECK_STR(d->target, "/dev/vg/x");
    CHECK(d->readwrite && !d->shared && d->script == NULL);
    hl_device_free(&understood);
    CHECK(understand(HL_DEVICE_VBD, "phy",
                     (const char *[]){"params", "iqn:x", "dev", "xvda", "mode", "w!", "script",
                                      "/etc/xen/scripts/block-iscsi", NULL}) == 0);
    CHECK_STR(d->script, "/etc/xen/scripts/block-iscsi");
    CHECK(d->readwrite && d->shared);
    hl_device_free(&understood);
    CHECK(understand(HL_DEVICE_VBD, "qdisk",
                     (const char *[]){"params", "qcow2:/a:b", "dev", "xvda", "mode", "r", NULL}) ==
          0);
    CHECK_STR(d->target, "/a:b");
    CHECK(!d->readwrite);
    hl_device_free(&understood);
    CHECK(understand(HL_DEVICE_VBD, "phy",
                     (const char *[]){"params", "", "dev", "xvdd", "mode", "r", NULL}) == 0);
    CHECK(d->target == NULL);
    hl_device_free(&understood);
    CHECK(understand(HL_DEVICE_VBD, "phy", (const char *[]){"dev", "xvdd", NULL}) == -EINVAL);
    hl_device_free(&understood);
}

static int interface(const char *backend, const char *script, const char *more, const char *value_)
{
    return understand(
        HL_DEVICE_VIF, backend,
        (const char *[]){"mac", "00:16:3e:00:00:01", "script", script, more, value_, NULL});
}

static void interfaces(void)
{
    const struct hl_nic *n = &understood.nic;

    /* None of these scripts is installed where this runs; /bin/true is. */
    CHECK(interface("vif", "/nothere/vif-bridge", "bridge", "br1") == 0);
    CHECK(n->mode == HL_NIC_BRIDGE && !n->tap && n->script == NULL);
    CHECK_STR(n->bridge, "br1");
    hl_device_free(&understood);
    CHECK(interface("qnic", "/nothere/vif-nat", "bridge", "br1") == 0);
    CHECK(n->mode == HL_NIC_NAT && n->tap);
    hl_device_free(&understood);
    CHECK(interface("vif", "/nothere/vif-route", "ip", "10.0.0.2") == 0 && n->mode == HL_NIC_ROUTE);
    hl_device_free(&understood);
    CHECK(interface("qnic", "", "mode", "user") == 0 && n->mode == HL_NIC_USER && !n->tap);
    hl_device_free(&understood);
    CHECK(interface("vif", "/bin/true", "mtu", "9000") == 0);
    CHECK(n->mode == HL_NIC_SCRIPT && n->mtu == 9000);
    CHECK_STR(n->script, "/bin/true");
    hl_device_free(&understood);
    CHECK(interface("vif", "/nothere/vif-bridge", NULL, NULL) == -EINVAL);
    hl_device_free(&understood);
    CHECK(interface("vif", "/nothere/vif-route", "ip", "x") == -EINVAL);
    hl_device_free(&understood);
    CHECK(interface("vif", "/bin/true", "vifname", "sixteen-letters-") == -EINVAL);
    hl_device_free(&understood);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"layout", layout},       {"taken_away", taken_away},
        {"xen_tools", xen_tools}, {"closing", closing},
        {"failure", failure},     {"nobody", nobody},
        {"alone", alone},         {"dead", dead},
        {"killed", killed},       {"daemon_away", daemon_away},
        {"who_holds", who_holds}, {"hostile_words", hostile_words},
        {"paths", paths},         {"all", all},
        {"disks", disks},         {"interfaces", interfaces},
    };
    int fd, rc;

    if (argc != 2)
        return 2;
    if (!rig_start(argv[1])) {
        printf("not ok driver_domain: xenstored does not start; see %s\n", rig_dir);
        return 1;
    }
    snprintf(image, sizeof(image), "%s/image", rig_dir);
    fd = open(image, O_RDWR | O_CREAT, 0600);
    if (fd < 0 || ftruncate(fd, 1 << 20) < 0)
        perror(image);
    rc = test_run("driver_domain", tests, sizeof(tests) / sizeof(tests[0]));
    rig_stop();
    return rc;
}
