/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who uses a disk already (dom0-toolstack/lib/disk_users.h): images of programs, by what xenstore says of them and by the
 * locks of those who have them open. Loop devices and devices of the kernel's back end are tests/system/disks.sh's and images.sh's.
 *
 *   disk_users_test XENSTORED
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dom0-toolstack/lib/ctx.h"
#include "dom0-toolstack/lib/disk_users.h"
#include "dom0-toolstack/lib/error.h"
#include "tests/unit/device_rig.h"

#define BACK "/local/domain/0/backend/qdisk/7/51712"
#define COPY "/libxl/7/device/vbd/51712"

static char image[64], other[64], name[64];

static void make(char *path, const char *word)
{
    int fd;

    snprintf(path, sizeof(image), "%s/%s", rig_dir, word);
    fd = open(path, O_RDWR | O_CREAT, 0600);
    if (fd < 0 || ftruncate(fd, 4096) < 0)
        perror(path);
    close(fd);
}

/* Domain 7 has the disk. */
static void has(const char *format, const char *path, const char *mode)
{
    char params[128];

    snprintf(params, sizeof(params), "%s:%s", format, path);
    put(BACK "/params", params);
    put(BACK "/mode", mode);
    put("/local/domain/7/name", "web");
    put(COPY "/backend", BACK);
}

/* "" or the reason. Takes the record. */
static const char *told(int rc, struct hl_error *e)
{
    static char text[512];
    char *sentence = rc == 0 ? NULL : hl_error_sentence(e);

    snprintf(text, sizeof(text), "%s", rc == 0 ? "" : sentence == NULL ? "?" : sentence);
    free(sentence);
    hl_error_free(e);
    return text;
}

/* "" if the file may be used so, else why not. */
static const char *check(const char *path, const char *access)
{
    struct hl_ctx ctx = {NULL, rig_xs, 0};
    struct hl_disk disk = {
        .target = (char *)path, .readwrite = access[0] == 'w', .shared = strcmp(access, "w!") == 0};
    struct hl_error *e = hl_error_new();
    struct stat st;
    int rc = stat(path, &st) == 0 ? disk_users_check_file(&ctx, &st, &disk, e) : -errno;

    return told(rc, e);
}

static void images(void)
{
    has("qcow2", image, "w");
    CHECK(strstr(check(image, "w"), "domain 7 (web) uses it for writing") != NULL);
    CHECK(strstr(check(image, "r"), "domain 7 (web) uses it for writing") != NULL);
    CHECK_STR(check(image, "w!"), "");
    CHECK_STR(check(other, "w"), "");
    /* By another name. */
    CHECK(link(image, name) == 0);
    CHECK(strstr(check(name, "w"), "domain 7 (web)") != NULL);
    unlink(name);
    has("raw", image, "r");
    CHECK(strstr(check(image, "w"), "domain 7 (web) uses it;") != NULL);
    CHECK_STR(check(image, "r"), "");
    /* What is no file of this host, or is none any more. */
    has("nbd", "nbd://host/disk", "w");
    CHECK_STR(check(image, "w"), "");
    has("raw", "/nothere/image", "w");
    CHECK_STR(check(image, "w"), "");
    put(BACK "/params", "");
    CHECK_STR(check(image, "w"), "");
    /* In a driver domain there are nodes, but nobody has begun: it may be the very disk that is asked about. */
    has("raw", image, "w");
    (void)hs_rm(rig_xs, HS_TX_NONE, COPY);
    CHECK_STR(check(image, "w"), "");
    (void)hs_rm(rig_xs, HS_TX_NONE, "/local/domain/0/backend");
    CHECK_STR(check(image, "w"), "");
}

/* One configuration, whose disks nobody serves yet. */
static int twice(const char *a, const char *b)
{
    struct hl_device_list list = {NULL, 0};
    const char *specs[] = {a, b};
    struct hl_device d;
    char text[256], why[64];
    struct stat st;
    int rc = stat(image, &st);

    for (int i = 0; rc == 0 && i < 2; i++) {
        snprintf(text, sizeof(text), "vdev=xvd%c,%s", 'a' + i, specs[i]);
        rc = hl_device_parse(HL_DEVICE_VBD, text, &d, why, sizeof(why));
        if (rc == 0)
            rc = hl_device_list_add(&list, &d);
    }
    if (rc == 0 && disk_users_check_list(&list, &list.items[0], &st, NULL) != 0)
        rc = -EINVAL; /* not with itself */
    if (rc == 0)
        rc = disk_users_check_list(&list, &list.items[1], &st, NULL);
    hl_device_list_free(&list);
    return rc;
}

static void one_list(void)
{
    char w[128], r[128], shared[128], program[128], there_[128], script[128], none[128];

    snprintf(w, sizeof(w), "access=w,target=%s", image);
    snprintf(r, sizeof(r), "access=r,target=%s", image);
    snprintf(shared, sizeof(shared), "access=w!,target=%s", image);
    snprintf(program, sizeof(program), "access=w,backendtype=qdisk,target=%s", image);
    snprintf(there_, sizeof(there_), "access=w,backend=store,target=%s", image);
    snprintf(script, sizeof(script), "access=w,script=x,target=%s", image);
    snprintf(none, sizeof(none), "access=w,target=%s", other);
    CHECK(twice(w, w) == -EBUSY);
    CHECK(twice(program, w) == -EBUSY);
    CHECK(twice(r, w) == -EBUSY);
    CHECK(twice(w, r) == -EBUSY);
    CHECK(twice(r, r) == 0);
    CHECK(twice(shared, w) == 0);
    CHECK(twice(there_, w) == 0);
    CHECK(twice(script, w) == 0);
    CHECK(twice(none, w) == 0);
    CHECK(twice("cdrom", w) == 0);
}

/* Somebody has locked it, as hospes-block does with an image and all that it is based on. */
static int locked_by(short type, const char *access)
{
    struct flock range = {.l_type = type, .l_whence = SEEK_SET};
    struct hl_disk disk = {
        .target = image, .readwrite = access[0] == 'w', .shared = strcmp(access, "w!") == 0};
    int holder = open(image, O_RDWR), fd = open(image, O_RDWR), rc = -1;

    if (fcntl(holder, F_OFD_SETLK, &range) == 0)
        rc = disk_users_check_locks(fd, &disk, NULL);
    close(fd);
    close(holder);
    return rc;
}

static void locks(void)
{
    CHECK(locked_by(F_RDLCK, "w") == -EBUSY);
    CHECK(locked_by(F_RDLCK, "r") == 0);
    CHECK(locked_by(F_WRLCK, "w") == -EBUSY);
    CHECK(locked_by(F_WRLCK, "r") == -EBUSY);
    CHECK(locked_by(F_WRLCK, "w!") == 0);
    CHECK(locked_by(F_UNLCK, "w") == 0);
}

/* The disk of domain 7 is what another image is based on. */
static const char *based_on(const char *path)
{
    struct hl_ctx ctx = {NULL, rig_xs, 0};
    struct hl_error *e = hl_error_new();
    int rc = disk_users_check_backing(&ctx, path, e);

    return told(rc, e);
}

static void backing(void)
{
    CHECK_STR(based_on(image), "");
    has("raw", image, "w");
    CHECK(strstr(based_on(image), "domain 7 (web) uses it for writing") != NULL);
    has("raw", image, "w!");
    CHECK(strstr(based_on(image), "domain 7 (web) uses it for writing") != NULL);
    has("raw", image, "r");
    CHECK_STR(based_on(image), "");
    CHECK_STR(based_on("/nothere/image"), "");
    (void)hs_rm(rig_xs, HS_TX_NONE, COPY);
    (void)hs_rm(rig_xs, HS_TX_NONE, "/local/domain/0/backend");
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"images", images}, {"one_list", one_list}, {"locks", locks}, {"backing", backing}};
    int rc;

    if (argc != 2)
        return 2;
    if (!rig_start(argv[1])) {
        printf("not ok disk_users: xenstored does not start; see %s\n", rig_dir);
        return 1;
    }
    make(image, "image");
    make(other, "other");
    snprintf(name, sizeof(name), "%s/name", rig_dir);
    rc = test_run("disk_users", tests, sizeof(tests) / sizeof(tests[0]));
    rig_stop();
    return rc;
}
