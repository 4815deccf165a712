/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest with a shared folder, by the kit's frontend. Domain 0 has put `hello` there ("from Domain 0\n") and `big`, of whose
 * bytes each is a letter, 25 in turn; it finds `answer` and `copy`.
 */
#include "tests/guest/test.h"
#include "drivers/p9.h"
#include "kit/grants.h"

#define FILE  1u
#define OTHER 2u

static struct p9 share;
static uint8_t data[P9_MAX_DATA];

static void open_share(void)
{
    grants_init();
    store_init();
    CHECK_EQ(p9_open(&share, (unsigned long)front_find("9pfs", 0)), 0);
}

static bool there(void)
{
    if (share.intf == NULL) {
        open_share();
    }
    return !test_failed();
}

TEST(reads)
{
    if (!there()) {
        return;
    }
    CHECK_EQ(p9_file_open(&share, FILE, "hello", 0), 0);
    CHECK_EQ(p9_file_read(&share, FILE, 0, data, sizeof(data)), 14);
    CHECK_EQ(memcmp(data, "from Domain 0\n", 14), 0);
    CHECK_EQ(p9_file_read(&share, FILE, 14, data, sizeof(data)), 0);
    CHECK_EQ(p9_file_close(&share, FILE), 0);
}

TEST(writes)
{
    static const char text[] = "from the guest\n";

    CHECK(there());
    CHECK_EQ(p9_file_create(&share, FILE, "", "answer", 0644), 0);
    CHECK_EQ(p9_file_write(&share, FILE, 0, text, sizeof(text) - 1), sizeof(text) - 1);
    CHECK_EQ(p9_file_read(&share, FILE, 5, data, sizeof(data)), 10);
    CHECK_EQ(memcmp(data, "the guest\n", 10), 0);
    CHECK_EQ(p9_file_close(&share, FILE), 0);
}

/* More than the ring holds. */
TEST(copies)
{
    uint64_t at = 0;
    long n;

    CHECK(there());
    CHECK_EQ(p9_file_open(&share, FILE, "big", 0), 0);
    CHECK_EQ(p9_file_create(&share, OTHER, "folder", "copy", 0600), 0);
    while ((n = p9_file_read(&share, FILE, at, data, sizeof(data))) > 0) {
        for (long i = 0; i < n; i++) {
            CHECK_EQ(data[i], 'a' + (at + (uint64_t)i) % 25);
        }
        CHECK_EQ(p9_file_write(&share, OTHER, at, data, (uint32_t)n), n);
        at += (uint64_t)n;
    }
    CHECK_EQ(n, 0);
    CHECK_EQ(at, 100000);
    CHECK_EQ(p9_file_close(&share, FILE), 0);
    CHECK_EQ(p9_file_close(&share, OTHER), 0);
}

TEST(what_is_not_there)
{
    CHECK(there());
    CHECK_EQ(p9_file_open(&share, FILE, "none", 0), -XEN_ENOENT);
    CHECK_EQ(p9_file_open(&share, FILE, "folder/none", 0), -XEN_ENOENT);
    CHECK_EQ(p9_file_close(&share, FILE), -XEN_EBADF);
    CHECK_EQ(p9_file_read(&share, 77, 0, data, 1), -XEN_EBADF);
}

TEST(lets_go)
{
    CHECK(there());
    CHECK(p9_close(&share));
}
