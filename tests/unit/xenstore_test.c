/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The core of xenstored: every message with good and bad input, permissions, watches, quotas. The
 * answers expected here are those of Xen's C xenstored 4.17 unless a comment says otherwise.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/unit/xenstore_rig.h"
#include "tests/unit/xenstore_tests.h"

#define ROOT_NODES "/ n0, \n/tool n0, \n/tool/xenstored n0, \n"

static void expect_dump(struct rig *r, const char *expected)
{
    char *text = rig_dump(r->core);

    SAME(text, expected);
    free(text);
}

static void expect_sound(struct rig *r)
{
    struct buf why = {0};

    if (!core_check(r->core, &why)) {
        buf_u8(&why, 0);
        test_fail(__FILE__, __LINE__, "check: %s", (char *)why.data);
    }
    buf_free(&why);
}

/* ---- nodes -------------------------------------------------------------------------------- */

static void test_start(void)
{
    struct rig r;

    rig_start(&r);
    expect_dump(&r, ROOT_NODES);
    SAME(rig_ask(r.dom0, XS_DIRECTORY, 0, "/"), "tool");
    SAME(rig_ask(r.dom0, XS_DIRECTORY, 0, "/tool/xenstored"), "");
    expect_sound(&r);
    rig_stop(&r);
}

static void test_write_read(void)
{
    struct answer a;
    struct rig r;

    rig_start(&r);
    SAME(rig_write(r.dom0, 0, "/a/b/c", "hello"), "OK");
    SAME(rig_ask(r.dom0, XS_READ, 0, "/a/b/c"), "hello");
    SAME(rig_ask(r.dom0, XS_READ, 0, "/a/b"), "");
    SAME(rig_write(r.dom0, 0, "/a/b/c", ""), "OK");
    SAME(rig_ask(r.dom0, XS_READ, 0, "/a/b/c"), "");
    rig_raw(r.dom0, XS_WRITE, 0, "/a\0x\0y\0", 7, &a); /* any bytes are a value */
    rig_raw(r.dom0, XS_READ, 0, "/a", 3, &a);
    CHECK(a.len == 4 && !memcmp(a.data, "x\0y\0", 4));
    SAME(rig_write(r.dom0, 0, "rel/ative", "1"), "OK");
    SAME(rig_ask(r.dom0, XS_READ, 0, "/local/domain/0/rel/ative"), "1");
    SAME(rig_ask(r.dom0, XS_READ, 0, "/nope"), "ENOENT");
    SAME(rig_ask(r.dom0, XS_READ, 0, "/a/nope/deeper"), "ENOENT");
    expect_sound(&r);
    rig_stop(&r);
}

static void test_directory(void)
{
    struct rig r;

    rig_start(&r);
    rig_write(r.dom0, 0, "/d/b", "");
    rig_write(r.dom0, 0, "/d/10", "");
    rig_write(r.dom0, 0, "/d/a", "");
    rig_write(r.dom0, 0, "/d/2", "");
    rig_write(r.dom0, 0, "/d/02", "");
    /* Ours is sorted: numbers first and by value. (Xen's is in order of creation.) */
    SAME(rig_ask(r.dom0, XS_DIRECTORY, 0, "/d"), "2|10|02|a|b");
    SAME(rig_ask(r.dom0, XS_RM, 0, "/d/10"), "OK");
    SAME(rig_ask(r.dom0, XS_DIRECTORY, 0, "/d"), "2|02|a|b");
    SAME(rig_ask(r.dom0, XS_DIRECTORY, 0, "/nope"), "ENOENT");
    expect_sound(&r);
    rig_stop(&r);
}

/* Collects a directory by parts; the number of requests that it took. */
static int read_parts(struct rig *r, const char *path, struct buf *names)
{
    char payload[64];
    struct answer a;
    int requests = 0;
    size_t skip;

    for (;;) {
        int n = snprintf(payload, sizeof(payload), "%s%c%zu", path, 0, names->len) + 1;

        rig_raw(r->dom0, XS_DIRECTORY_PART, 0, payload, (size_t)n, &a);
        requests++;
        skip = strlen(a.data) + 1;
        if (a.type == XS_ERROR || skip > a.len) {
            return -1;
        }
        if (a.len >= 2 && !a.data[a.len - 1] && !a.data[a.len - 2]) {
            buf_add(names, a.data + skip, a.len - skip - 1);
            return requests;
        }
        if (a.len == skip) {
            return -1;
        }
        buf_add(names, a.data + skip, a.len - skip);
    }
}

static void test_directory_part(void)
{
    struct buf names = {0};
    struct rig r;
    char path[64];
    int i;

    rig_start(&r);
    CHECK(read_parts(&r, "/tool/xenstored", &names) == 1 && names.len == 0);
    for (i = 0; i < 500; i++) {
        snprintf(path, sizeof(path), "/big/a-rather-long-child-name-%d", i);
        rig_write(r.dom0, 0, path, "");
    }
    SAME(rig_ask(r.dom0, XS_DIRECTORY, 0, "/big"), "E2BIG");
    CHECK(read_parts(&r, "/big", &names) == 4);
    CHECK(names.len == tree_find(r.core->root, "/big")->kid_bytes);
    for (i = 0; i < 500 && names.len; i++) {
        CHECK(memmem(names.data, names.len, path + 5, strlen(path + 5) + 1));
    }
    SAME(rig_ask(r.dom0, XS_DIRECTORY_PART, 0, "/big"), "EINVAL");
    SAME(rig_ask(r.dom0, XS_DIRECTORY_PART, 0, "/big|-1"), "EINVAL");
    SAME(rig_ask(r.dom0, XS_DIRECTORY_PART, 0, "/big|x"), "EINVAL");
    SAME(rig_ask(r.dom0, XS_DIRECTORY_PART, 0, "/nope|0"), "ENOENT");
    /* Beyond the end there is only the end. */
    CHECK(strstr(rig_ask(r.dom0, XS_DIRECTORY_PART, 0, "/big|4000000000"), "|"));
    buf_free(&names);
    rig_stop(&r);
}

/* Numbers of all lengths, names that begin alike, names that differ in the bits which a key has no room for. */
static size_t random_name(uint32_t *seed, char name[24])
{
    static const char letters[] = "0129abq-";
    size_t len, i;

    *seed = *seed * 1664525u + 1013904223u;
    len = 1 + (*seed >> 16) % 22;
    for (i = 0; i < len; i++) {
        *seed = *seed * 1664525u + 1013904223u;
        name[i] = letters[(*seed >> 16) % (len % 3 ? 4 : 8)];
        if (len % 5 == 0 && i < 8) {
            name[i] = i < 7 ? 'x' : name[i] % 2 ? 'p' : 'q';
        }
    }
    name[len] = '\0';
    return len;
}

static int sign(int n)
{
    return (n > 0) - (n < 0);
}

static void test_name_order(void)
{
    char names[300][24], path[64];
    uint32_t seed = 7;
    struct rig r;
    int i, k;

    for (i = 0; i < 300; i++) {
        random_name(&seed, names[i]);
    }
    for (i = 0; i < 300; i++) {
        for (k = 0; k < 300; k++) {
            uint64_t a = name_key(names[i], strlen(names[i]));
            uint64_t b = name_key(names[k], strlen(names[k]));
            int order = name_compare(names[i], strlen(names[i]), names[k], strlen(names[k]));

            CHECK(a == b || (a < b ? -1 : 1) == sign(order));
        }
    }
    /* A folder with them finds each, in whatever order they came, and is in order. */
    rig_start(&r);
    for (i = 0; i < 300; i++) {
        snprintf(path, sizeof(path), "/names/%s", names[i]);
        rig_write(r.dom0, 0, path, names[i]);
    }
    for (i = 0; i < 300; i++) {
        snprintf(path, sizeof(path), "/names/%s", names[i]);
        SAME(rig_ask(r.dom0, XS_READ, 0, path), names[i]);
        snprintf(path, sizeof(path), "/names/%sx", names[i]);
        SAME(rig_ask(r.dom0, XS_READ, 0, path), "ENOENT");
    }
    expect_sound(&r);
    for (i = 0; i < 300; i++) {
        snprintf(path, sizeof(path), "/names/%s", names[i]);
        SAME(rig_ask(r.dom0, XS_RM, 0, path), "OK");
        SAME(rig_ask(r.dom0, XS_READ, 0, path), "ENOENT");
    }
    CHECK(tree_find(r.core->root, "/names")->nkids == 0);
    expect_sound(&r);
    rig_stop(&r);
}

/* A finger finds what there is, in whatever order it is asked: names that begin alike, folders of folders, what is not there. */
static void test_finger(void)
{
    static const char *const paths[] = {
        "/",   "/a",      "/a/b",  "/a/b/c",  "/a/b/d", "/a/bb",  "/a/bb/c", "/a/b/c/e",
        "/ab", "/ab/b/c", "/none", "/none/b", "/a/b/n", "/a/n/c", "/a/b/cc", "/a/b/c/e/f",
    };
    enum { N = sizeof(paths) / sizeof(paths[0]) };
    uint32_t random = 1;
    struct finger f;
    struct rig r;

    rig_start(&r);
    rig_write(r.dom0, 0, "/a/b/c/e", "");
    rig_write(r.dom0, 0, "/a/b/d", "");
    rig_write(r.dom0, 0, "/a/bb/c", "");
    rig_write(r.dom0, 0, "/ab/b/c", "");
    f = (struct finger){.root = r.core->root};
    for (int i = 0; i < 2000; i++) {
        random = random * 1664525 + 1013904223;
        const char *path = paths[(random >> 16) % N];

        CHECK(finger_find(&f, path) == tree_find(r.core->root, path));
    }
    rig_stop(&r);
}

static void test_mkdir_rm(void)
{
    struct rig r;

    rig_start(&r);
    SAME(rig_ask(r.dom0, XS_MKDIR, 0, "/m/n/o"), "OK");
    SAME(rig_ask(r.dom0, XS_MKDIR, 0, "/m/n/o"), "OK");
    rig_write(r.dom0, 0, "/m/n", "kept");
    SAME(rig_ask(r.dom0, XS_MKDIR, 0, "/m/n"), "OK");
    SAME(rig_ask(r.dom0, XS_READ, 0, "/m/n"), "kept");
    SAME(rig_ask(r.dom0, XS_RM, 0, "/m/missing"), "OK");
    SAME(rig_ask(r.dom0, XS_RM, 0, "/missing/too"), "ENOENT");
    SAME(rig_ask(r.dom0, XS_RM, 0, "/"), "EINVAL");
    SAME(rig_ask(r.dom0, XS_RM, 0, "/m"), "OK");
    expect_dump(&r, ROOT_NODES);
    expect_sound(&r);
    rig_stop(&r);
}

static void test_bad_paths(void)
{
    static const char *const bad[] = {"",          "/a/",  "//a", "/a//b", "/a b", "/a\n",
                                      "/\xc3\xa4", "/a.b", "a/",  "/a?",   "@x",   "@releaseDomain",
                                      "/a:b"};
    struct rig r;
    size_t i;
    char *path;

    rig_start(&r);
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        SAME(rig_ask(r.dom0, XS_READ, 0, bad[i]), "EINVAL");
        SAME(rig_ask(r.dom0, XS_MKDIR, 0, bad[i]), "EINVAL");
        SAME(rig_write(r.dom0, 0, bad[i], "x"), "EINVAL");
    }
    SAME(rig_write(r.dom0, 0, "/A-z_0@9", "x"), "OK");
    path = malloc(XENSTORE_ABS_PATH_MAX + 2);
    memset(path, 'p', XENSTORE_ABS_PATH_MAX + 1);
    path[0] = '/';
    path[XENSTORE_REL_PATH_MAX + 1] = '\0';
    SAME(rig_write(r.dom0, 0, path, "x"), "EINVAL");
    path[XENSTORE_REL_PATH_MAX] = '\0';
    SAME(rig_write(r.dom0, 0, path, "x"), "OK");
    /* Below a domain's home there may be that many more. */
    memset(path, 'q', XENSTORE_REL_PATH_MAX + 17);
    memcpy(path, "/local/domain/12/", 17);
    path[XENSTORE_REL_PATH_MAX + 17] = '\0';
    SAME(rig_write(r.dom0, 0, path, "x"), "OK");
    free(path);
    expect_sound(&r);
    rig_stop(&r);
}

/* As deep as a path allows: nothing recurses into trouble. */
static void test_deep_path(void)
{
    char path[XENSTORE_REL_PATH_MAX + 1];
    struct rig r;
    size_t i;

    rig_start(&r);
    for (i = 0; i + 2 < sizeof(path); i += 2) {
        memcpy(path + i, "/d", 3);
    }
    SAME(rig_write(r.dom0, 0, path, "deep"), "OK");
    SAME(rig_ask(r.dom0, XS_READ, 0, path), "deep");
    expect_sound(&r);
    rig_restart(&r);
    SAME(rig_ask(r.dom0, XS_READ, 0, path), "deep");
    SAME(rig_ask(r.dom0, XS_RM, 0, "/d"), "OK");
    rig_stop(&r);
}

/* ---- malformed messages ------------------------------------------------------------------- */

static void test_truncated(void)
{
    struct answer a;
    struct rig r;
    uint32_t type;

    rig_start(&r);
    rig_domain(&r, 1);
    for (type = 0; type < XS_TYPE_COUNT + 5; type++) {
        bool known =
            strcmp(request_name(type), "UNKNOWN") && type != XS_WATCH_EVENT && type != XS_ERROR;
        bool takes_nothing = type == XS_TRANSACTION_START || type == XS_RESET_WATCHES;

        rig_raw(r.dom0, type, 0, "", 0, &a);
        SAME(a.data, !known          ? "ENOSYS"
                     : takes_nothing ? (type == XS_RESET_WATCHES ? "OK" : "1")
                                     : "EINVAL");
        /* A string that does not end. */
        rig_raw(r.dom0, type, 0, "/tool", 5, &a);
        if (known && !takes_nothing) {
            SAME(a.data, "EINVAL");
        }
        if (known && !takes_nothing && type != XS_WRITE) {
            rig_raw(r.dom0, type, 0, "/tool\0/tool\0x", 13, &a);
            SAME(a.data, "EINVAL");
        }
    }
    rig_raw(r.dom0, 0xffffffff, 0, "", 0, &a);
    SAME(a.data, "ENOSYS");
    rig_stop(&r);
}

static void test_largest_message(void)
{
    static char big[XENSTORE_PAYLOAD_MAX];
    struct answer a;
    struct rig r;
    uint32_t type;

    rig_start(&r);
    memset(big, 'x', sizeof(big));
    big[0] = '/';
    for (type = 0; type < XS_TYPE_COUNT; type++) {
        if (type != XS_TRANSACTION_START && type != XS_RESET_WATCHES) {
            big[sizeof(big) - 1] = 'x';
            rig_raw(r.dom0, type, 0, big, sizeof(big), &a);
            CHECK(a.type == XS_ERROR);
            big[sizeof(big) - 1] = '\0';
            rig_raw(r.dom0, type, 0, big, sizeof(big), &a);
            CHECK(a.type == XS_ERROR);
        }
    }
    memcpy(big, "/v\0", 3);
    rig_raw(r.dom0, XS_WRITE, 0, big, sizeof(big), &a);
    SAME(a.data, "OK");
    rig_raw(r.dom0, XS_READ, 0, "/v", 3, &a);
    CHECK(a.len == sizeof(big) - 3);
    /* All NULs: as many empty strings as there can be. */
    memset(big, 0, sizeof(big));
    for (type = 0; type < XS_TYPE_COUNT; type++) {
        rig_raw(r.dom0, type, 0, big, sizeof(big), &a);
        CHECK(a.type == XS_ERROR || type == XS_TRANSACTION_START || type == XS_RESET_WATCHES);
    }
    rig_stop(&r);
}

/* ---- permissions -------------------------------------------------------------------------- */

static void test_permissions(void)
{
    struct conn *d1, *d2;
    struct rig r;

    rig_start(&r);
    d1 = rig_domain(&r, 1);
    d2 = rig_domain(&r, 2);
    SAME(rig_ask(d1, XS_READ, 0, "/tool"), "EACCES");
    SAME(rig_ask(d1, XS_READ, 0, "/nope"), "EACCES"); /* one cannot probe what one may not see */
    SAME(rig_write(d1, 0, "/mine", "x"), "EACCES");
    rig_ask(r.dom0, XS_MKDIR, 0, "/local/domain/1");
    SAME(rig_ask(r.dom0, XS_SET_PERMS, 0, "/local/domain/1|n1|r2"), "OK");
    SAME(rig_ask(r.dom0, XS_GET_PERMS, 0, "/local/domain/1"), "n1|r2");
    SAME(rig_write(d1, 0, "data/x", "1"), "OK");
    SAME(rig_ask(d1, XS_GET_PERMS, 0, "data"), "n1|r2"); /* inherited */
    SAME(rig_ask(d2, XS_READ, 0, "/local/domain/1/data/x"), "1");
    SAME(rig_write(d2, 0, "/local/domain/1/data/x", "2"), "EACCES");
    SAME(rig_ask(d2, XS_RM, 0, "/local/domain/1/data"), "EACCES");
    SAME(rig_ask(d2, XS_READ, 0, "/local/domain/1/data/none"), "ENOENT");
    SAME(rig_ask(d2, XS_SET_PERMS, 0, "/local/domain/1/data|n2"), "EACCES");
    SAME(rig_ask(d1, XS_SET_PERMS, 0, "data|n2"), "EPERM"); /* not giving away */
    SAME(rig_ask(d1, XS_SET_PERMS, 0, "data|r1|b2"), "OK");
    SAME(rig_write(d2, 0, "/local/domain/1/data/by2", "2"), "OK");
    SAME(rig_ask(r.dom0, XS_GET_PERMS, 0, "/local/domain/1/data/by2"), "r2|b2");
    SAME(rig_ask(d2, XS_GET_PERMS, 0, "/local/domain/1/data"), "r1|b2");
    SAME(rig_ask(d1, XS_SET_PERMS, 0, "data|w1|n2"), "OK");
    SAME(rig_ask(d2, XS_READ, 0, "/local/domain/1/data"), "EACCES");
    SAME(rig_ask(d1, XS_READ, 0, "data/by2"), "2"); /* everybody may read it, as was inherited */
    expect_sound(&r);
    rig_stop(&r);
}

static void test_bad_permissions(void)
{
    static const char *const bad[] = {
        "/a",     "/a|",       "/a|x0",           "/a|r",   "/a|r-1", "/a|r+1",      "/a|r1x",
        "/a|r1|", "/a|r32752", "/a|r99999999999", "/a|r 1", "/a|1r",  "/a|r1|n2|q3", "/a|R1"};
    struct rig r;
    size_t i;

    rig_start(&r);
    rig_write(r.dom0, 0, "/a", "x");
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        SAME(rig_ask(r.dom0, XS_SET_PERMS, 0, bad[i]), "EINVAL");
    }
    SAME(rig_ask(r.dom0, XS_SET_PERMS, 0, "/nope|r1"), "ENOENT");
    SAME(rig_ask(r.dom0, XS_GET_PERMS, 0, "/a"), "n0");
    rig_stop(&r);
}

/* For every permission letter and every way to touch a node: what the letter allows. */
static void test_permission_matrix(void)
{
    static const char letters[] = "nrwb";
    struct conn *d1;
    struct rig r;
    int i;

    rig_start(&r);
    d1 = rig_domain(&r, 1);
    for (i = 0; i < 4; i++) {
        bool read = i & 1, write = i & 2;
        char perms[32];

        rig_write(r.dom0, 0, "/p", "x");
        snprintf(perms, sizeof(perms), "/p|n0|%c1", letters[i]);
        SAME(rig_ask(r.dom0, XS_SET_PERMS, 0, perms), "OK");
        SAME(rig_ask(d1, XS_READ, 0, "/p"), read ? "x" : "EACCES");
        SAME(rig_ask(d1, XS_DIRECTORY, 0, "/p"), read ? "" : "EACCES");
        SAME(rig_ask(d1, XS_GET_PERMS, 0, "/p"), read ? perms + 3 : "EACCES");
        SAME(rig_ask(d1, XS_READ, 0, "/p/none"), read ? "ENOENT" : "EACCES");
        SAME(rig_ask(d1, XS_SET_PERMS, 0, "/p|n1"), "EACCES");
        SAME(rig_write(d1, 0, "/p", "x"), write ? "OK" : "EACCES");
        SAME(rig_ask(d1, XS_MKDIR, 0, "/p/q"), write ? "OK" : "EACCES");
        SAME(rig_ask(d1, XS_RM, 0, "/p"), write ? "OK" : "EACCES");
        rig_ask(r.dom0, XS_RM, 0, "/p");
    }
    expect_sound(&r);
    rig_stop(&r);
}

static void test_target(void)
{
    struct conn *d1;
    struct rig r;

    rig_start(&r);
    d1 = rig_domain(&r, 1);
    rig_write(r.dom0, 0, "/local/domain/2/x", "v");
    rig_ask(r.dom0, XS_SET_PERMS, 0, "/local/domain/2/x|n2");
    SAME(rig_ask(r.dom0, XS_SET_TARGET, 0, "1|2"), "ENOENT");
    rig_domain(&r, 2);
    SAME(rig_ask(d1, XS_READ, 0, "/local/domain/2/x"), "EACCES");
    SAME(rig_ask(d1, XS_SET_TARGET, 0, "1|2"), "EACCES");
    SAME(rig_ask(r.dom0, XS_SET_TARGET, 0, "1|2"), "OK");
    SAME(rig_ask(d1, XS_READ, 0, "/local/domain/2/x"), "v");
    rig_restart(&r);
    d1 = domain_find(r.core, 1)->conn;
    SAME(rig_ask(d1, XS_READ, 0, "/local/domain/2/x"), "v");
    SAME(rig_ask(r.dom0, XS_RELEASE, 0, "2"), "OK");
    rig_write(r.dom0, 0, "/local/domain/2/y", "v");
    rig_ask(r.dom0, XS_SET_PERMS, 0, "/local/domain/2/y|n2");
    SAME(rig_ask(d1, XS_READ, 0, "/local/domain/2/y"), "EACCES");
    rig_stop(&r);
}

static void test_readonly_socket(void)
{
    struct conn *ro;
    struct rig r;

    rig_start(&r);
    ro = conn_new(r.core, 0, NULL);
    ro->readonly = true;
    SAME(rig_ask(ro, XS_DIRECTORY, 0, "/"), "tool");
    SAME(rig_write(ro, 0, "/a", "x"), "EROFS");
    SAME(rig_ask(ro, XS_MKDIR, 0, "/a"), "EROFS");
    SAME(rig_ask(ro, XS_RM, 0, "/tool"), "EROFS");
    SAME(rig_ask(ro, XS_SET_PERMS, 0, "/tool|r0"), "EROFS");
    SAME(rig_ask(ro, XS_INTRODUCE, 0, "1|1|1"), "EROFS");
    SAME(rig_ask(ro, XS_RELEASE, 0, "1"), "EROFS");
    SAME(rig_ask(ro, XS_CONTROL, 0, "check"), "EROFS");
    SAME(rig_ask(ro, XS_WATCH, 0, "/|t"), "OK");
    rig_stop(&r);
}

/* ---- watches ------------------------------------------------------------------------------ */

static void test_watch(void)
{
    struct rig r;

    rig_start(&r);
    SAME(rig_ask(r.dom0, XS_WATCH, 0, "/w|tok"), "OK");
    SAME(rig_events(r.dom0), "/w|tok"); /* the first event, though nothing is there */
    SAME(rig_ask(r.dom0, XS_WATCH, 0, "/w|tok"), "EEXIST");
    SAME(rig_ask(r.dom0, XS_WATCH, 0, "/w|other"), "OK");
    SAME(rig_ask(r.dom0, XS_UNWATCH, 0, "/w|other"), "OK");
    SAME(rig_ask(r.dom0, XS_UNWATCH, 0, "/w|other"), "ENOENT");
    SAME(rig_ask(r.dom0, XS_UNWATCH, 0, "/v|tok"), "ENOENT");
    rig_events(r.dom0);
    rig_write(r.dom0, 0, "/w", "1");
    SAME(rig_events(r.dom0), "");
    rig_write(r.dom0, 0, "/wx", "1");
    SAME(rig_events(r.dom0), "");
    rig_stop(&r);
}

/* Every change by one connection, seen by another. */
static void test_watch_events(void)
{
    struct conn *eye;
    struct rig r;

    rig_start(&r);
    eye = conn_new(r.core, 0, NULL);
    rig_ask(eye, XS_WATCH, 0, "/w|t");
    rig_ask(eye, XS_WATCH, 0, "/w/a/b|deep");
    rig_events(eye);
    rig_write(r.dom0, 0, "/w", "1");
    SAME(rig_events(eye), "/w|t");
    rig_write(r.dom0, 0, "/w/x/y", "1");
    SAME(rig_events(eye), "/w/x/y|t"); /* not for the parent made on the way */
    rig_ask(r.dom0, XS_MKDIR, 0, "/w/x");
    SAME(rig_events(eye), "");
    rig_write(r.dom0, 0, "/w/a/b/c", "1");
    SAME(rig_events(eye), "/w/a/b/c|deep /w/a/b/c|t");
    rig_ask(r.dom0, XS_SET_PERMS, 0, "/w/a|r0");
    SAME(rig_events(eye), "/w/a|t");
    rig_ask(r.dom0, XS_RM, 0, "/w/x/y");
    SAME(rig_events(eye), "/w/x/y|t");
    rig_ask(r.dom0, XS_RM, 0, "/w/gone");
    SAME(rig_events(eye), "");
    rig_ask(r.dom0, XS_RM, 0, "/w");
    SAME(rig_events(eye), "/w/a/b|deep /w|t"); /* what went with it only for exact watches */
    rig_write(r.dom0, 0, "/elsewhere", "1");
    SAME(rig_events(eye), "");
    rig_ask(eye, XS_WATCH, 0, "/|root");
    rig_events(eye);
    rig_write(r.dom0, 0, "/elsewhere", "2");
    SAME(rig_events(eye), "/elsewhere|root");
    rig_stop(&r);
}

static void test_watch_relative(void)
{
    struct conn *d1;
    struct rig r;

    rig_start(&r);
    d1 = rig_domain(&r, 1);
    rig_ask(r.dom0, XS_MKDIR, 0, "/local/domain/1");
    rig_ask(r.dom0, XS_SET_PERMS, 0, "/local/domain/1|n1");
    rig_ask(d1, XS_WATCH, 0, "control|rel");
    rig_ask(d1, XS_WATCH, 0, "/local/domain/1/control|abs");
    SAME(rig_ask(d1, XS_WATCH, 0, "/local/domain/1/control|rel"), "EEXIST");
    rig_events(d1);
    rig_write(r.dom0, 0, "/local/domain/1/control/shutdown", "poweroff");
    SAME(rig_events(d1), "/local/domain/1/control/shutdown|abs control/shutdown|rel");
    SAME(rig_ask(d1, XS_UNWATCH, 0, "control|abs"), "OK");
    SAME(rig_ask(d1, XS_UNWATCH, 0, "control|rel"), "OK");
    rig_stop(&r);
}

static void test_watch_permissions(void)
{
    struct conn *d1;
    struct rig r;

    rig_start(&r);
    d1 = rig_domain(&r, 1);
    SAME(rig_ask(d1, XS_WATCH, 0, "/|all"), "OK");
    SAME(rig_events(d1), "/|all");
    rig_write(r.dom0, 0, "/secret/x", "1");
    SAME(rig_events(d1), "");
    rig_write(r.dom0, 0, "/open", "1");
    rig_ask(r.dom0, XS_SET_PERMS, 0, "/open|n0|r1");
    SAME(rig_events(d1), "/open|all"); /* it became readable */
    rig_write(r.dom0, 0, "/open/kid", "1");
    SAME(rig_events(d1), "/open/kid|all");
    rig_ask(r.dom0, XS_SET_PERMS, 0, "/open/kid|n0");
    SAME(rig_events(d1), "/open/kid|all"); /* the parent is readable: it may know the names */
    rig_ask(r.dom0, XS_SET_PERMS, 0, "/open|n0");
    SAME(rig_events(d1), "/open|all"); /* it was readable */
    rig_ask(r.dom0, XS_RM, 0, "/open");
    SAME(rig_events(d1), "");
    SAME(rig_ask(d1, XS_WATCH, 0, "@releaseDomain|r"), "OK");
    SAME(rig_ask(d1, XS_WATCH, 0, "@introduceDomain|i"), "OK");
    rig_events(d1);
    rig_domain(&r, 2);
    SAME(rig_events(d1), "");
    SAME(rig_ask(d1, XS_SET_PERMS, 0, "@introduceDomain|r1"), "EACCES");
    SAME(rig_ask(r.dom0, XS_SET_PERMS, 0, "@introduceDomain|n0|r1"), "OK");
    SAME(rig_ask(r.dom0, XS_GET_PERMS, 0, "@introduceDomain"), "n0|r1");
    rig_domain(&r, 3);
    SAME(rig_events(d1), "@introduceDomain|i");
    rig_stop(&r);
}

static void test_watch_special(void)
{
    struct rig r;

    rig_start(&r);
    rig_ask(r.dom0, XS_WATCH, 0, "@introduceDomain|i");
    rig_ask(r.dom0, XS_WATCH, 0, "@releaseDomain|r");
    rig_ask(r.dom0, XS_WATCH, 0, "@releaseDomain/5|r5");
    SAME(rig_events(r.dom0), "@releaseDomain/5|r5");
    SAME(rig_ask(r.dom0, XS_WATCH, 0, "@|x"), "EINVAL");
    SAME(rig_ask(r.dom0, XS_WATCH, 0, "@a//b|x"), "EINVAL");
    rig_ask(r.dom0, XS_INTRODUCE, 0, "4|1|1");
    rig_ask(r.dom0, XS_INTRODUCE, 0, "5|1|1");
    rig_events(r.dom0);
    domain_observe(r.core, 5, true, true);
    SAME(rig_events(r.dom0), "@releaseDomain|r @releaseDomain/5|r5");
    domain_observe(r.core, 5, true, true); /* told once */
    SAME(rig_events(r.dom0), "");
    SAME(rig_ask(r.dom0, XS_RESUME, 0, "5"), "OK");
    domain_observe(r.core, 5, true, true);
    SAME(rig_events(r.dom0), "@releaseDomain|r @releaseDomain/5|r5");
    domain_observe(r.core, 5, false, false);
    SAME(rig_events(r.dom0), "@releaseDomain|r @releaseDomain/5|r5");
    domain_observe(r.core, 4, false, false);
    SAME(rig_events(r.dom0), "@releaseDomain|r");
    CHECK(r.released == 2);
    rig_stop(&r);
}

static void test_reset_watches(void)
{
    struct conn *d1;
    struct rig r;

    rig_start(&r);
    d1 = rig_domain(&r, 1);
    rig_ask(d1, XS_WATCH, 0, "x|1");
    rig_ask(d1, XS_WATCH, 0, "@releaseDomain|2");
    rig_ask(d1, XS_TRANSACTION_START, 0, "");
    SAME(rig_ask(d1, XS_RESET_WATCHES, 0, ""), "OK");
    CHECK(!d1->watches && !d1->txns && d1->domain->use.watches == 0);
    CHECK(d1->domain->use.transactions == 0);
    SAME(rig_ask(d1, XS_WATCH, 0, "x|1"), "OK");
    rig_stop(&r);
}

/* A token with which an event of the longest path would not fit is refused. */
static void test_watch_long_token(void)
{
    char payload[XENSTORE_PAYLOAD_MAX + 1];
    struct rig r;

    rig_start(&r);
    memset(payload, 't', sizeof(payload));
    memcpy(payload, "/|", 2);
    payload[2 + 1022] = '\0';
    SAME(rig_ask(r.dom0, XS_WATCH, 0, payload), "OK");
    payload[2 + 1022] = 't';
    payload[2 + 1023] = '\0';
    SAME(rig_ask(r.dom0, XS_WATCH, 0, payload), "EINVAL");
    rig_stop(&r);
}

/* The same event waits only once, and a new one is not lost behind another. */
static void test_watch_duplicates(void)
{
    struct conn *eye;
    struct rig r;

    rig_start(&r);
    eye = conn_new(r.core, 0, NULL);
    rig_ask(eye, XS_WATCH, 0, "/w|t");
    rig_events(eye);
    rig_write(r.dom0, 0, "/w/1", "x");
    rig_write(r.dom0, 0, "/w/2", "x");
    rig_write(r.dom0, 0, "/w/1", "y");
    SAME(rig_events(eye), "/w/1|t /w/2|t");
    rig_write(r.dom0, 0, "/w/1", "y");
    SAME(rig_events(eye), "/w/1|t");
    rig_stop(&r);
}

static void queue_events(struct conn *c, unsigned int n, unsigned int keep)
{
    const void *data;
    char path[64];
    unsigned int i;

    for (i = 0; i < n; i++) {
        snprintf(path, sizeof(path), "/w/%u", i);
        conn_send_event(c, path, "t");
        if (c->out_count > keep) {
            conn_out_done(c, conn_out_peek(c, &data));
        }
    }
}

static double cpu_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* How many events wait makes no difference to the next one: a guest could stop everything with a transaction. */
static void test_watch_many_pending(void)
{
    enum { MANY = 40000 };
    double start, few, many;
    struct conn *eye;
    struct rig r;

    rig_start(&r);
    eye = conn_new(r.core, 0, NULL);
    queue_events(eye, MANY, MANY);
    conn_drop_output(eye);
    start = cpu_seconds();
    queue_events(eye, MANY, 16);
    conn_drop_output(eye);
    few = cpu_seconds() - start;
    start = cpu_seconds();
    queue_events(eye, MANY, MANY);
    many = cpu_seconds() - start;
    CHECK(eye->out_count == MANY);
    CHECK(many < 100 * few); /* looking through all that wait: some thousand */
    /* All of them are known, those that were there before the index grew and those behind others as well. */
    queue_events(eye, MANY, MANY);
    CHECK(eye->out_count == MANY);
    conn_out_done(eye, 1);
    queue_events(eye, MANY, MANY + 1);
    CHECK(eye->out_count == MANY + 1); /* the first is on its way */
    rig_stop(&r);
}

/* Who reads nothing on a socket is cut off, too; Domain 0's kernel never is. */
static void test_watch_socket_floods(void)
{
    static char token[1000];
    struct conn *eye, *kernel;
    unsigned int i;
    struct rig r;
    char path[64];

    rig_start(&r);
    eye = conn_new(r.core, 0, NULL);
    kernel = rig_domain(&r, 0);
    memset(token, 't', sizeof(token) - 1);
    for (i = 0; i < SOCKET_MAX_OUT / sizeof(token) + 10; i++) {
        snprintf(path, sizeof(path), "/w/%u", i);
        conn_send_event(eye, path, token);
        conn_send_event(kernel, path, token);
    }
    CHECK(eye->broken && !kernel->broken);
    CHECK(rig_logged(&r, "a client reads no events"));
    rig_stop(&r);
}

/* ---- domains ------------------------------------------------------------------------------ */

static void test_domains(void)
{
    struct conn *d1;
    struct rig r;

    rig_start(&r);
    SAME(rig_ask(r.dom0, XS_IS_DOMAIN_INTRODUCED, 0, "1"), "F");
    d1 = rig_domain(&r, 1);
    SAME(rig_ask(r.dom0, XS_IS_DOMAIN_INTRODUCED, 0, "1"), "T");
    SAME(rig_ask(r.dom0, XS_IS_DOMAIN_INTRODUCED, 0, "32752"), "T");
    SAME(rig_ask(r.dom0, XS_IS_DOMAIN_INTRODUCED, 0, "x"), "EINVAL");
    SAME(rig_ask(r.dom0, XS_GET_DOMAIN_PATH, 0, "7"), "/local/domain/7");
    SAME(rig_ask(d1, XS_GET_DOMAIN_PATH, 0, "1"), "/local/domain/1");
    SAME(rig_ask(r.dom0, XS_GET_DOMAIN_PATH, 0, "-1"), "EINVAL");
    SAME(rig_ask(r.dom0, XS_INTRODUCE, 0, "1|5"), "EINVAL");
    SAME(rig_ask(r.dom0, XS_INTRODUCE, 0, "1|5|0"), "EINVAL");
    SAME(rig_ask(r.dom0, XS_INTRODUCE, 0, "1|5|-3"), "EINVAL");
    SAME(rig_ask(r.dom0, XS_INTRODUCE, 0, "32752|5|3"), "EINVAL");
    SAME(rig_ask(r.dom0, XS_INTRODUCE, 0, "99999999999999999999|5|3"), "EINVAL");
    SAME(rig_ask(d1, XS_INTRODUCE, 0, "2|5|3"), "EACCES");
    SAME(rig_ask(d1, XS_RELEASE, 0, "1"), "EACCES");
    SAME(rig_ask(d1, XS_RESUME, 0, "1"), "EACCES");
    SAME(rig_ask(d1, XS_CONTROL, 0, "check"), "EACCES");
    SAME(rig_ask(r.dom0, XS_RELEASE, 0, "9"), "ENOENT");
    SAME(rig_ask(r.dom0, XS_RESUME, 0, "9"), "ENOENT");
    r.introduce_error = EINVAL;
    SAME(rig_ask(r.dom0, XS_INTRODUCE, 0, "2|5|3"), "EINVAL");
    SAME(rig_ask(r.dom0, XS_IS_DOMAIN_INTRODUCED, 0, "2"), "F");
    r.introduce_error = 0;
    CHECK(r.introduced == 2);
    SAME(rig_ask(r.dom0, XS_INTRODUCE, 0, "1|77|9"), "OK"); /* again: new ring, new port */
    CHECK(domain_find(r.core, 1)->gfn == 77 && domain_find(r.core, 1)->port == 9);
    SAME(rig_ask(r.dom0, XS_RELEASE, 0, "1"), "OK");
    SAME(rig_ask(r.dom0, XS_IS_DOMAIN_INTRODUCED, 0, "1"), "F");
    CHECK(!domain_find(r.core, 1));
    rig_stop(&r);
}

/* With a domain go its nodes and its name in permissions, so that its successor inherits nothing. */
static void test_domain_death(void)
{
    struct rig r;

    rig_start(&r);
    rig_domain(&r, 1);
    rig_write(r.dom0, 0, "/local/domain/1/name", "one");
    rig_ask(r.dom0, XS_SET_PERMS, 0, "/local/domain/1|n1");
    rig_write(r.dom0, 0, "/local/domain/1/data/x", "x");
    rig_write(r.dom0, 0, "/backend/vbd/1", "x");
    rig_ask(r.dom0, XS_SET_PERMS, 0, "/backend/vbd/1|n0|r1|w2");
    rig_ask(r.dom0, XS_WATCH, 0, "/local|l");
    rig_events(r.dom0);
    domain_observe(r.core, 1, false, false);
    SAME(rig_events(r.dom0), "/local/domain/1|l");
    expect_dump(&r,
                "/ n0, \n/backend n0, \n/backend/vbd n0, \n/backend/vbd/1 n0,w2, x\n/local n0, \n"
                "/local/domain n0, \n/tool n0, \n/tool/xenstored n0, \n");
    expect_sound(&r);
    core_flush_journal(r.core);
    rig_restart(&r);
    expect_dump(&r,
                "/ n0, \n/backend n0, \n/backend/vbd n0, \n/backend/vbd/1 n0,w2, x\n/local n0, \n"
                "/local/domain n0, \n/tool n0, \n/tool/xenstored n0, \n");
    CHECK(!domain_find(r.core, 1));
    rig_stop(&r);
}

/* ---- quotas ------------------------------------------------------------------------------- */

static struct conn *domain_with_home(struct rig *r, uint32_t domid)
{
    struct conn *c = rig_domain(r, domid);
    char text[64];

    snprintf(text, sizeof(text), "/local/domain/%u", domid);
    rig_ask(r->dom0, XS_MKDIR, 0, text);
    snprintf(text, sizeof(text), "/local/domain/%u|n%u", domid, domid);
    SAME(rig_ask(r->dom0, XS_SET_PERMS, 0, text), "OK");
    return c;
}

static void test_quota_nodes(void)
{
    char path[64];
    struct conn *d1;
    struct rig r;
    int i;

    rig_start(&r);
    SAME(rig_ask(r.dom0, XS_CONTROL, 0, "quota|set|nodes|10"), "OK");
    d1 = domain_with_home(&r, 1);
    for (i = 0; i < 9; i++) {
        snprintf(path, sizeof(path), "n%d", i);
        SAME(rig_write(d1, 0, path, "x"), "OK");
    }
    SAME(rig_write(d1, 0, "more", "x"), "ENOSPC");
    CHECK(rig_logged(&r, "domain 1: quota \"nodes\" (10) exceeded"));
    SAME(rig_write(d1, 0, "n0", "still"), "OK");
    SAME(rig_write(r.dom0, 0, "/local/domain/1/by0", "x"), "OK"); /* counts, but is not refused */
    SAME(rig_ask(d1, XS_RM, 0, "n0"), "OK");
    SAME(rig_ask(d1, XS_RM, 0, "n1"), "OK");
    SAME(rig_write(d1, 0, "more", "x"), "OK");
    SAME(rig_write(d1, 0, "a/b/c", "x"), "ENOSPC");
    expect_sound(&r);
    SAME(rig_ask(r.dom0, XS_CONTROL, 0, "quota|1|set|nodes|12"), "OK");
    SAME(rig_write(d1, 0, "a/b", "x"), "OK");
    SAME(rig_write(d1, 0, "a/c", "x"), "ENOSPC");
    /* A domain of its own quota: nobody else has it, and it does not outlive it. */
    SAME(rig_ask(r.dom0, XS_RELEASE, 0, "1"), "OK");
    d1 = domain_with_home(&r, 1);
    SAME(rig_write(d1, 0, "a/b/c/d/e/f/g/h/i", "x"), "OK");
    SAME(rig_write(d1, 0, "j", "x"), "ENOSPC");
    rig_stop(&r);
}

static void test_quota_others(void)
{
    static char big[3000];
    struct conn *d1;
    struct rig r;
    char text[64];
    int i;

    rig_start(&r);
    d1 = domain_with_home(&r, 1);
    for (i = 0; i < 128; i++) {
        snprintf(text, sizeof(text), "w|%d", i);
        SAME(rig_ask(d1, XS_WATCH, 0, text), "OK");
    }
    SAME(rig_ask(d1, XS_WATCH, 0, "w|more"), "E2BIG");
    CHECK(rig_logged(&r, "quota \"watches\" (128)"));
    for (i = 0; i < 10; i++) {
        CHECK(rig_ask(d1, XS_TRANSACTION_START, 0, "")[0] != 'E');
    }
    SAME(rig_ask(d1, XS_TRANSACTION_START, 0, ""), "ENOSPC");
    CHECK(rig_logged(&r, "quota \"transactions\" (10)"));
    memset(big, 'x', sizeof(big) - 1);
    SAME(rig_write(d1, 0, "big", big), "ENOSPC");
    CHECK(rig_logged(&r, "quota \"node-size\" (2048)"));
    SAME(rig_write(r.dom0, 0, "/local/domain/1/big", big), "OK");
    rig_write(d1, 0, "p", "x");
    SAME(rig_ask(d1, XS_SET_PERMS, 0, "p|n1|r2|r3|r4|r5"), "OK");
    SAME(rig_ask(d1, XS_SET_PERMS, 0, "p|n1|r2|r3|r4|r5|r6"), "ENOSPC");
    CHECK(rig_logged(&r, "quota \"permissions\" (5)"));
    SAME(rig_ask(r.dom0, XS_CONTROL, 0, "quota|set|path-max|20"), "OK");
    SAME(rig_write(d1, 0, "abcdefghijklmnopqrst", "x"), "OK");
    SAME(rig_write(d1, 0, "abcdefghijklmnopqrstu", "x"), "EINVAL");
    SAME(rig_ask(r.dom0, XS_CONTROL, 0, "quota|set|outstanding|3"), "OK");
    conn_drop_output(d1);
    CHECK(conn_may_request(d1));
    for (i = 0; i < 4; i++) {
        conn_send_event(d1, "/p", text);
        text[0]++;
    }
    CHECK(!conn_may_request(d1));
    expect_sound(&r);
    rig_stop(&r);
}

static void test_quota_memory(void)
{
    struct conn *d1;
    struct rig r;
    char path[64], value[1001];
    int i;

    rig_start(&r);
    SAME(rig_ask(r.dom0, XS_CONTROL, 0, "quota|set|memory|20000"), "OK");
    SAME(rig_ask(r.dom0, XS_CONTROL, 0, "quota-soft|set|memory|10000"), "OK");
    d1 = domain_with_home(&r, 1);
    memset(value, 'v', 1000);
    value[1000] = '\0';
    for (i = 0; i < 100; i++) {
        snprintf(path, sizeof(path), "m%d", i);
        if (strcmp(rig_write(d1, 0, path, value), "OK")) {
            break;
        }
    }
    CHECK(i > 15 && i < 20);
    CHECK(rig_logged(&r, "quota \"memory\" (20000) exceeded"));
    CHECK(rig_logged(&r, "quota \"memory-soft\" (10000) passed"));
    SAME(rig_ask(d1, XS_RM, 0, "m0"), "OK");
    SAME(rig_write(d1, 0, path, value), "OK");
    /* Somebody who reads no events is cut off before he takes all memory. */
    for (i = 0; i < 1000 && !d1->broken; i++) {
        snprintf(path, sizeof(path), "/event%d", i);
        conn_send_event(d1, path, value);
    }
    CHECK(i > 15 && i < 40);
    expect_sound(&r);
    rig_stop(&r);
}

/* A warning a quota and ten seconds. */
static void test_quota_log_rate(void)
{
    struct conn *d1;
    struct rig r;
    int i;

    rig_start(&r);
    rig_ask(r.dom0, XS_CONTROL, 0, "quota|set|nodes|1");
    d1 = domain_with_home(&r, 1);
    for (i = 0; i < 100; i++) {
        rig_write(d1, 0, "x", "x");
    }
    CHECK(r.nlog == 1);
    r.now += 10;
    rig_write(d1, 0, "x", "x");
    CHECK(r.nlog == 2);
    rig_stop(&r);
}

/* ---- control ------------------------------------------------------------------------------ */

static void test_control(void)
{
    struct conn *d1;
    struct rig r;

    rig_start(&r);
    SAME(rig_ask(r.dom0, XS_CONTROL, 0, "check"), "OK");
    SAME(rig_ask(r.dom0, XS_CONTROL, 0, "log|on"), "OK");
    CHECK(r.core->trace);
    SAME(rig_ask(r.dom0, XS_CONTROL, 0, "log"), "on");
    SAME(rig_ask(r.dom0, XS_CONTROL, 0, "log|off"), "OK");
    SAME(rig_ask(r.dom0, XS_CONTROL, 0, "log|maybe"), "EINVAL");
    SAME(rig_ask(r.dom0, XS_CONTROL, 0, "print|some words"), "OK");
    CHECK(rig_logged(&r, "control: some words"));
    CHECK(strstr(rig_ask(r.dom0, XS_CONTROL, 0, "help"), "memreport"));
    CHECK(strstr(rig_ask(r.dom0, XS_CONTROL, 0, "memreport"), "domain"));
    CHECK(strstr(rig_ask(r.dom0, XS_CONTROL, 0, "quota"), "nodes            :     1000"));
    CHECK(strstr(rig_ask(r.dom0, XS_CONTROL, 0, "quota|0"), "Domain 0:"));
    SAME(rig_ask(r.dom0, XS_CONTROL, 0, "quota|7"), "ENOENT");
    SAME(rig_ask(r.dom0, XS_CONTROL, 0, "quota|set|nodes"), "EINVAL");
    SAME(rig_ask(r.dom0, XS_CONTROL, 0, "quota|set|nope|1"), "EINVAL");
    SAME(rig_ask(r.dom0, XS_CONTROL, 0, "quota|set|nodes|-1"), "EINVAL");
    SAME(rig_ask(r.dom0, XS_CONTROL, 0, "quota|set|nodes|x"), "EINVAL");
    SAME(rig_ask(r.dom0, XS_CONTROL, 0, "quota|set|nodes|5000000000"), "EINVAL");
    d1 = rig_domain(&r, 1);
    SAME(rig_ask(r.dom0, XS_CONTROL, 0, "watchers|/local/domain/1/backend/vbd/2"), "");
    SAME(rig_ask(d1, XS_WATCH, 0, "backend|kernel"), "OK");
    SAME(rig_ask(d1, XS_WATCH, 0, "/local/domain/1/back|other"), "OK");
    SAME(rig_ask(d1, XS_WATCH, 0, "/local/domain/1/backend/vbd/2/51712|below"), "OK");
    SAME(rig_ask(r.dom0, XS_WATCH, 0, "/local|tools"), "OK");
    SAME(rig_ask(r.dom0, XS_CONTROL, 0, "watchers|/local/domain/1/backend/vbd/2"), "1 1\n");
    SAME(rig_ask(d1, XS_WATCH, 0, "/|daemon"), "OK");
    SAME(rig_ask(r.dom0, XS_CONTROL, 0, "watchers|/local/domain/1/backend/vbd/2"), "1 2\n");
    SAME(rig_ask(r.dom0, XS_CONTROL, 0, "watchers|/local/domain/1/backend"), "1 2\n");
    SAME(rig_ask(r.dom0, XS_CONTROL, 0, "watchers"), "EINVAL");
    SAME(rig_ask(r.dom0, XS_CONTROL, 0, "watchers|local"), "EINVAL");
    SAME(rig_ask(r.dom0, XS_CONTROL, 0, "nope"), "EINVAL");
    SAME(rig_ask(r.dom0, XS_CONTROL, 0, "logfile|/x"), "ENOSYS");
    SAME(rig_ask(r.dom0, XS_CONTROL, 0, "check|1|2|3|4|5|6|7|8|9|10|11|12|13|14|15|16"), "EINVAL");
    rig_stop(&r);
}

int main(void)
{
    test_run("xenstore_start", test_start);
    test_run("xenstore_write_read", test_write_read);
    test_run("xenstore_directory", test_directory);
    test_run("xenstore_directory_part", test_directory_part);
    test_run("xenstore_name_order", test_name_order);
    test_run("xenstore_finger", test_finger);
    test_run("xenstore_mkdir_rm", test_mkdir_rm);
    test_run("xenstore_bad_paths", test_bad_paths);
    test_run("xenstore_deep_path", test_deep_path);
    test_run("xenstore_truncated_messages", test_truncated);
    test_run("xenstore_largest_messages", test_largest_message);
    test_run("xenstore_permissions", test_permissions);
    test_run("xenstore_bad_permissions", test_bad_permissions);
    test_run("xenstore_permission_matrix", test_permission_matrix);
    test_run("xenstore_target", test_target);
    test_run("xenstore_readonly_socket", test_readonly_socket);
    test_run("xenstore_watch", test_watch);
    test_run("xenstore_watch_events", test_watch_events);
    test_run("xenstore_watch_relative", test_watch_relative);
    test_run("xenstore_watch_permissions", test_watch_permissions);
    test_run("xenstore_watch_special", test_watch_special);
    test_run("xenstore_reset_watches", test_reset_watches);
    test_run("xenstore_watch_long_token", test_watch_long_token);
    test_run("xenstore_watch_duplicates", test_watch_duplicates);
    test_run("xenstore_watch_many_pending", test_watch_many_pending);
    test_run("xenstore_watch_socket_floods", test_watch_socket_floods);
    test_run("xenstore_domains", test_domains);
    test_run("xenstore_domain_death", test_domain_death);
    test_run("xenstore_quota_nodes", test_quota_nodes);
    test_run("xenstore_quota_others", test_quota_others);
    test_run("xenstore_quota_memory", test_quota_memory);
    test_run("xenstore_quota_log_rate", test_quota_log_rate);
    test_run("xenstore_control", test_control);
    transaction_tests();
    restart_tests();
    ring_tests();
    rings_tests();
    return test_failures != 0;
}
