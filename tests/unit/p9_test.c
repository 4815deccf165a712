/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server of shared folders (pv-backends/9p), message by message: what a guest's kernel does all day; ways out of the
 * folder by names, links and races; messages that are cut or lie; and that nothing is held beyond its bounds.
 *
 * Works in a directory of its own, which it removes. As root, like the program.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "dom0-toolstack/lib/error.h"
#include "pv-backends/9p/server.h"
#include "tests/unit/toolstack_test.h"

#define NOFID UINT32_MAX
/* In functions that give a value: nothing makes sense after this. */
#define MUST(condition)                                                                    \
    do {                                                                                   \
        if (!(condition)) {                                                                \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
            exit(1);                                                                       \
        }                                                                                  \
    } while (0)

static struct p9_server server;
static uint8_t message[P9_MAX_MESSAGE], answer[P9_MAX_MESSAGE];
static struct p9_out out; /* the message that is made */
static struct p9_in in;   /* the answer, behind its header */
static char base[64], folder[96], outside[96];

/* ---- messages ---- */

static void begin(void)
{
    out = (struct p9_out){
        .base = message, .p = message + P9_HEADER, .end = message + sizeof(message)};
}

static void u8(uint8_t v)
{
    p9_put_number(&out, v, 1);
}

static void u32(uint32_t v)
{
    p9_put_number(&out, v, 4);
}

static void u64(uint64_t v)
{
    p9_put_number(&out, v, 8);
}

static void text(const char *s)
{
    p9_put_text(&out, s, strlen(s));
}

/* Sends it: 0, or the negative errno of the answer. */
static int call(uint8_t type)
{
    uint32_t size = (uint32_t)(out.p - out.base);

    out.p = out.base;
    u32(size);
    u8(type);
    p9_put_number(&out, 7, 2);
    out.p = out.base + size;
    uint32_t length = p9_server_answer(&server, message, size, answer);
    in = (struct p9_in){.p = answer, .end = answer + length};
    MUST(p9_get32(&in) == length && length >= P9_HEADER && length <= server.message_size);
    uint8_t got = p9_get8(&in);
    MUST(p9_get16(&in) == 7);
    if (got == 7)
        return -(int)p9_get32(&in);
    MUST(got == type + 1);
    return 0;
}

static int version(uint32_t size)
{
    begin();
    u32(size);
    text("9P2000.L");
    return call(100);
}

static int attach(uint32_t fid, uint32_t uid)
{
    begin();
    u32(fid);
    u32(NOFID);
    text("");
    text("");
    u32(uid);
    return call(104);
}

/* Names separated by blanks. */
static int walk(uint32_t fid, uint32_t newfid, const char *names)
{
    char copy[512], *save = NULL;
    unsigned int n = 0;

    begin();
    u32(fid);
    u32(newfid);
    uint8_t *count = p9_put(&out, 2);
    snprintf(copy, sizeof(copy), "%s", names);
    for (char *w = strtok_r(copy, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save), n++)
        text(w);
    count[0] = (uint8_t)n;
    count[1] = 0;
    int rc = call(110);
    if (rc == 0 && p9_get16(&in) != n)
        return -ENOENT;
    return rc;
}

static int clunk(uint32_t fid)
{
    begin();
    u32(fid);
    return call(120);
}

static int lopen(uint32_t fid, uint32_t flags)
{
    begin();
    u32(fid);
    u32(flags);
    return call(12);
}

static int lcreate(uint32_t fid, const char *name, uint32_t flags, uint32_t mode)
{
    begin();
    u32(fid);
    text(name);
    u32(flags);
    u32(mode);
    u32(1234);
    return call(14);
}

static int put(uint32_t fid, uint64_t offset, const char *data)
{
    begin();
    u32(fid);
    u64(offset);
    u32((uint32_t)strlen(data));
    memcpy(p9_put(&out, strlen(data)), data, strlen(data));
    int rc = call(118);
    return rc < 0 ? rc : (int)p9_get32(&in);
}

static int get(uint32_t fid, uint64_t offset, uint32_t count, char *data)
{
    begin();
    u32(fid);
    u64(offset);
    u32(count);
    int rc = call(116);
    if (rc < 0)
        return rc;
    uint32_t n = p9_get32(&in);
    MUST(n <= count);
    memcpy(data, p9_get(&in, n), n);
    return (int)n;
}

static int named(uint8_t type, uint32_t fid, const char *name, uint32_t a, uint32_t b)
{
    begin();
    u32(fid);
    text(name);
    u32(a);
    u32(b);
    return call(type);
}

static int make_dir(uint32_t fid, const char *name)
{
    return named(72, fid, name, 0755, 1234);
}

static int unlinkat_(uint32_t fid, const char *name, uint32_t flags)
{
    begin();
    u32(fid);
    text(name);
    u32(flags);
    return call(76);
}

static int make_symlink(uint32_t fid, const char *name, const char *target)
{
    begin();
    u32(fid);
    text(name);
    text(target);
    u32(0);
    return call(16);
}

static int make_node(uint32_t fid, const char *name, uint32_t mode)
{
    begin();
    u32(fid);
    text(name);
    u32(mode);
    u32(1);
    u32(3);
    u32(0);
    return call(18);
}

static int rename_(uint32_t from, const char *old, uint32_t to, const char *new)
{
    begin();
    u32(from);
    text(old);
    u32(to);
    text(new);
    return call(74);
}

static int make_link(uint32_t dir, uint32_t fid, const char *name)
{
    begin();
    u32(dir);
    u32(fid);
    text(name);
    return call(70);
}

static int getattr(uint32_t fid, struct stat *st)
{
    begin();
    u32(fid);
    u64(0x7ff);
    int rc = call(24);
    p9_get64(&in);
    p9_get(&in, 5);
    st->st_ino = p9_get64(&in);
    st->st_mode = p9_get32(&in);
    st->st_uid = p9_get32(&in);
    st->st_gid = p9_get32(&in);
    st->st_nlink = p9_get64(&in);
    p9_get64(&in);
    st->st_size = (off_t)p9_get64(&in);
    return rc;
}

static int setattr(uint32_t fid, uint32_t valid, uint32_t mode, uint32_t uid, uint64_t size)
{
    begin();
    u32(fid);
    u32(valid);
    u32(mode);
    u32(uid);
    u32(uid);
    u64(size);
    for (int i = 0; i < 4; i++)
        u64(i % 2 ? 5 : 1000000);
    return call(26);
}

/* ---- a day's work ---- */

static void start(void)
{
    CHECK(version(P9_MAX_MESSAGE) == 0);
    CHECK(attach(0, 0) == 0);
}

static void sessions(void)
{
    CHECK(version(100) == -EINVAL);
    CHECK(version(1u << 30) == 0);
    CHECK(p9_get32(&in) == P9_MAX_MESSAGE);
    CHECK(attach(0, 0) == 0);
    CHECK(attach(0, 0) == -EBADF);
    CHECK(version(8192) == 0);
    CHECK(p9_get32(&in) == 8192);
    /* It began anew. */
    CHECK(clunk(0) == -EBADF);
    begin();
    u32(8192);
    text("9P2000.u");
    CHECK(call(100) == 0);
    char word[16];
    p9_get32(&in);
    p9_get_text(&in, word, sizeof(word));
    CHECK_STR(word, "unknown");
    start();
    begin();
    u32(0);
    CHECK(call(102) == -EOPNOTSUPP);
    begin();
    CHECK(call(255) == -EOPNOTSUPP);
    begin();
    u32(0);
    u32(9);
    text("user.x");
    CHECK(call(30) == -EOPNOTSUPP);
}

static void files(void)
{
    char data[64];
    struct stat st;

    start();
    CHECK(walk(0, 1, "") == 0);
    CHECK(lcreate(1, "hello", O_RDWR, 0104644) == 0);
    CHECK(put(1, 0, "hello, folder") == 13);
    CHECK(put(1, 7, "world") == 5);
    CHECK(get(1, 0, 64, data) == 13 && memcmp(data, "hello, worldr", 13) == 0);
    CHECK(get(1, 13, 64, data) == 0);
    CHECK(put(1, INT64_MAX, "x") < 0);
    CHECK(put(1, UINT64_MAX, "x") == -EINVAL);
    CHECK(getattr(1, &st) == 0);
    CHECK(st.st_size == 13 && st.st_gid == 1234 && st.st_uid == 0);
    /* Nothing set-uid. */
    CHECK(st.st_mode == (S_IFREG | 0644));
    CHECK(setattr(1, 1, 06755, 0, 0) == 0);
    CHECK(getattr(1, &st) == 0 && st.st_mode == (S_IFREG | 0755));
    CHECK(setattr(1, 8, 0, 0, 5) == 0);
    CHECK(setattr(1, 6, 0, 77, 0) == 0);
    CHECK(setattr(1, 0x1b0, 0, 0, 0) == 0);
    CHECK(getattr(1, &st) == 0 && st.st_size == 5 && st.st_uid == 77 && st.st_gid == 77);
    CHECK(setattr(1, 8, 0, 0, UINT64_MAX) == -EINVAL);
    CHECK(clunk(1) == 0);
    /* Owned by who attached. */
    CHECK(attach(5, 1000) == 0);
    CHECK(walk(5, 6, "") == 0 && lcreate(6, "his", O_WRONLY, 0600) == 0);
    CHECK(getattr(6, &st) == 0 && st.st_uid == 1000);
    CHECK(get(6, 0, 4, data) == -EBADF);
    CHECK(clunk(6) == 0 && clunk(5) == 0);
    /* What is there is opened, or not. */
    CHECK(walk(0, 1, "") == 0 && lcreate(1, "hello", O_RDWR | O_EXCL, 0644) == -EEXIST);
    CHECK(walk(0, 2, "hello") == 0 && lopen(2, O_RDONLY) == 0 && put(2, 0, "x") == -EBADF);
    CHECK(lopen(2, O_RDWR) == -EBADF);
    CHECK(walk(2, 3, "x") == -EINVAL);
    begin();
    u32(2);
    u32(0);
    CHECK(call(50) == 0);
    CHECK(walk(0, 9, "nothing") == -ENOENT);
    CHECK(walk(0, 9, "hello nothing") == -ENOENT || clunk(9) == -EBADF);
    CHECK(unlinkat_(0, "hello", 0) == 0 && unlinkat_(0, "hello", 0) == -ENOENT);
    /* It is open still. */
    CHECK(get(2, 0, 64, data) == 5);
    CHECK(unlinkat_(0, "his", 0) == 0);
}

static void folders(void)
{
    char name[32], seen[300] = {0};
    struct stat st;
    uint64_t offset = 0;
    unsigned int count = 0;

    start();
    CHECK(make_dir(0, "d") == 0 && make_dir(0, "d") == -EEXIST);
    CHECK(walk(0, 1, "d") == 0);
    for (unsigned int i = 0; i < 300; i++) {
        snprintf(name, sizeof(name), "file-%u", i);
        CHECK(make_node(1, name, S_IFREG | 0600) == 0);
    }
    CHECK(walk(1, 2, "") == 0 && lopen(2, O_RDONLY | O_DIRECTORY) == 0);
    for (;;) {
        begin();
        u32(2);
        u64(offset);
        u32(500);
        CHECK(call(40) == 0);
        uint32_t bytes = p9_get32(&in);
        CHECK(bytes <= 500);
        if (bytes == 0)
            break;
        for (const uint8_t *end = in.p + bytes; in.p < end; count++) {
            p9_get(&in, 13);
            offset = p9_get64(&in);
            p9_get8(&in);
            p9_get_text(&in, name, sizeof(name));
            CHECK(!in.bad);
            if (strncmp(name, "file-", 5) == 0)
                seen[atoi(name + 5)]++;
        }
    }
    CHECK(count == 302);
    for (unsigned int i = 0; i < 300; i++)
        CHECK(seen[i] == 1);
    /* Names change, and what they named is the same. */
    CHECK(walk(1, 3, "file-7") == 0);
    CHECK(make_dir(0, "e") == 0 && walk(0, 4, "e") == 0);
    CHECK(rename_(1, "file-7", 4, "seven") == 0);
    CHECK(lopen(3, O_RDWR) == 0 && put(3, 0, "7") == 1);
    CHECK(make_link(0, 3, "also") == 0);
    CHECK(walk(0, 5, "also") == 0 && getattr(5, &st) == 0 && st.st_nlink == 2 && st.st_size == 1);
    CHECK(rename_(0, "d", 4, "d") == 0);
    CHECK(walk(1, 6, "file-8") == 0);
    CHECK(unlinkat_(4, "d", AT_REMOVEDIR) == -ENOTEMPTY);
    CHECK(unlinkat_(4, "seven", AT_REMOVEDIR) == -ENOTDIR);
    CHECK(unlinkat_(4, "seven", 12345) == -EINVAL);
    begin();
    u32(0);
    CHECK(call(8) == 0);
    CHECK(walk(3, 7, "x") < 0);
    CHECK(make_dir(5, "x") == -ENOTDIR);
}

static void locks(void)
{
    start();
    CHECK(walk(0, 1, "") == 0 && lcreate(1, "locked", O_RDWR, 0600) == 0);
    CHECK(walk(0, 2, "locked") == 0 && lopen(2, O_RDWR) == 0);
    for (int i = 0; i < 2; i++) {
        begin();
        u32(i ? 2 : 1);
        u8(1);
        u32(0);
        u64(0);
        u64(100);
        u32(1);
        text("guest");
        CHECK(call(52) == 0 && p9_get8(&in) == i);
    }
    begin();
    u32(2);
    u8(1);
    u64(0);
    u64(0);
    u32(1);
    text("guest");
    CHECK(call(54) == 0 && p9_get8(&in) == 1 && p9_get64(&in) == 0 && p9_get64(&in) == 100);
    begin();
    u32(2);
    u8(1);
    u32(0);
    u64(INT64_MAX);
    u64(INT64_MAX);
    u32(1);
    text("guest");
    CHECK(call(52) == -EINVAL);
}

/* ---- ways out ---- */

static void escapes(void)
{
    static const char *const names[] = {"..", ".", "/etc", "a/b", "../x", "/"};
    struct stat root, st;
    char path[300], target[64];

    start();
    CHECK(getattr(0, &root) == 0);
    /* Up from the folder is the folder. */
    CHECK(walk(0, 1, ".. .. ..") == 0 && getattr(1, &st) == 0 && st.st_ino == root.st_ino);
    CHECK(make_dir(0, "in") == 0);
    CHECK(walk(0, 2, "in ..") == 0 && getattr(2, &st) == 0 && st.st_ino == root.st_ino);
    CHECK(walk(0, 3, "in .. .. .. in") == 0);
    for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        CHECK(make_dir(0, names[i]) == -EINVAL);
        CHECK(make_symlink(0, names[i], "x") == -EINVAL);
        CHECK(make_node(0, names[i], S_IFREG) == -EINVAL);
        CHECK(unlinkat_(0, names[i], 0) == -EINVAL);
        CHECK(rename_(0, "in", 0, names[i]) == -EINVAL && rename_(0, names[i], 0, "x") == -EINVAL);
        CHECK(make_link(0, 3, names[i]) == -EINVAL);
        CHECK(walk(0, 4, "") == 0 && lcreate(4, names[i], O_RDWR, 0600) == -EINVAL);
        CHECK(clunk(4) == 0);
        if (strcmp(names[i], "..") != 0 && strcmp(names[i], ".") != 0)
            CHECK(walk(0, 5, names[i]) == -EINVAL);
    }
    /* Links lead nowhere: they are read, and that is all. */
    snprintf(path, sizeof(path), "%s/secret", outside);
    CHECK(make_symlink(0, "link", path) == 0);
    CHECK(make_symlink(0, "dirlink", outside) == 0);
    CHECK(make_symlink(0, "up", "..") == 0);
    CHECK(walk(0, 6, "link") == 0 && lopen(6, O_RDONLY) == -ELOOP);
    CHECK(setattr(6, 1, 0777, 0, 0) == -EOPNOTSUPP && setattr(6, 8, 0, 0, 0) == -EOPNOTSUPP);
    CHECK(setattr(6, 6, 0, 55, 0) == 0 && setattr(6, 0x1b0, 0, 0, 0) == 0);
    begin();
    u32(6);
    CHECK(call(22) == 0);
    p9_get_text(&in, path, sizeof(path));
    snprintf(target, sizeof(target), "%s", strrchr(path, '/'));
    CHECK_STR(target, "/secret");
    CHECK(walk(0, 7, "dirlink secret") < 0);
    CHECK(walk(0, 7, "dirlink ..") < 0);
    CHECK(walk(0, 7, "up outside") < 0);
    CHECK(walk(0, 8, "") == 0 && lcreate(8, "link", O_RDWR | O_TRUNC, 0600) == -EEXIST);
    CHECK(walk(0, 9, "dirlink") == 0 && make_dir(9, "x") == -ENOTDIR);
    CHECK(walk(0, 10, "dirlink") == 0 && lcreate(10, "x", O_RDWR, 0600) < 0);
    snprintf(path, sizeof(path), "%s/secret", outside);
    CHECK(lstat(path, &st) == 0 && st.st_uid == 0 && (st.st_mode & 0777) == 0600 &&
          st.st_size == 6);
    /* No devices; pipes and sockets are names only. */
    CHECK(make_node(0, "null", S_IFCHR | 0666) == -EPERM &&
          make_node(0, "disk", S_IFBLK) == -EPERM);
    CHECK(make_node(0, "pipe", S_IFIFO | 0600) == 0);
    CHECK(walk(0, 11, "pipe") == 0 && lopen(11, O_RDONLY) == -EPERM);
    CHECK(walk(0, 12, "") == 0 && lcreate(12, "pipe", O_WRONLY, 0) == -EEXIST);
    /* A device that the host put there is not opened. */
    snprintf(path, sizeof(path), "%s/zero", folder);
    if (mknod(path, S_IFCHR | 0666, makedev(1, 5)) == 0)
        CHECK(walk(0, 13, "zero") == 0 && lopen(13, O_RDWR) == -EPERM);
    /* The host moves a folder out while the guest has it: there is no way up from there. */
    char from[300];
    CHECK(make_dir(0, "moved") == 0 && walk(0, 14, "moved") == 0);
    snprintf(from, sizeof(from), "%s/moved", folder);
    snprintf(path, sizeof(path), "%s/moved", outside);
    CHECK(rename(from, path) == 0);
    CHECK(walk(14, 15, "..") == -ENOENT);
}

static volatile int racing;

/* "race" is a folder, then a link to outside, and again. */
static void *swap(void *arg)
{
    char a[300], b[300], c[300];

    (void)arg;
    snprintf(a, sizeof(a), "%s/race", folder);
    snprintf(b, sizeof(b), "%s/race-folder", folder);
    snprintf(c, sizeof(c), "%s/race-link", folder);
    while (racing) {
        if (rename(b, a) == 0 && rename(a, b) == 0 && rename(c, a) == 0)
            rename(a, c);
    }
    return NULL;
}

static void races(void)
{
    char path[300];
    struct stat secret, st;
    unsigned int in_folder = 0;
    pthread_t thread;

    start();
    snprintf(path, sizeof(path), "%s/secret", outside);
    CHECK(stat(path, &secret) == 0);
    CHECK(make_dir(0, "race-folder") == 0 && walk(0, 1, "race-folder") == 0);
    CHECK(make_node(1, "secret", S_IFREG | 0600) == 0);
    CHECK(make_symlink(0, "race-link", outside) == 0);
    racing = 1;
    CHECK(pthread_create(&thread, NULL, swap, NULL) == 0);
    for (unsigned int i = 0; i < 20000; i++) {
        if (walk(0, 2, "race secret") == 0) {
            CHECK(getattr(2, &st) == 0 && st.st_ino != secret.st_ino);
            in_folder++;
            clunk(2);
        } else
            clunk(2);
        if (walk(0, 3, "race") == 0) {
            if (lcreate(3, "made", O_RDWR, 0600) == 0)
                in_folder++;
            clunk(3);
        }
    }
    racing = 0;
    pthread_join(thread, NULL);
    snprintf(path, sizeof(path), "%s/made", outside);
    CHECK(access(path, F_OK) < 0);
    printf("# it was a folder %u times\n", in_folder);
}

/* ---- messages that are not right ---- */

/* Each message of a day's work, cut at every byte, and with every 16-bit number at its largest. */
static void cut_messages(void)
{
    static const uint8_t types[] = {8,  12, 14, 16, 18,  22,  24,  26,  40,  50,  52,  54,
                                    70, 72, 74, 76, 100, 104, 108, 110, 116, 118, 120, 122};
    uint8_t whole[200];

    for (size_t t = 0; t < sizeof(types); t++) {
        start();
        CHECK(walk(0, 1, "") == 0);
        begin();
        u32(1);
        for (int i = 0; i < 20; i++)
            u64((uint64_t)i << (i * 3));
        size_t size = (size_t)(out.p - out.base);
        memcpy(whole, message, size);
        for (size_t n = P9_HEADER; n < size; n++) {
            /* Exactly so long, for the sanitizer. */
            uint8_t *exact = malloc(n);

            memcpy(exact, whole, n);
            exact[4] = types[t];
            uint32_t length = p9_server_answer(&server, exact, (uint32_t)n, answer);
            CHECK(length >= P9_HEADER && length <= server.message_size);
            if (n >= P9_HEADER + 6) {
                exact[n - 1] = exact[n - 2] = 0xff;
                p9_server_answer(&server, exact, (uint32_t)n, answer);
            }
            free(exact);
        }
    }
}

static unsigned int open_files(void)
{
    unsigned int n = 0;

    for (int fd = 0; fd < 20000; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static void bounds(void)
{
    unsigned int before, n = 1;
    char data[16];

    CHECK(version(P9_MAX_MESSAGE) == 0);
    before = open_files();
    start();
    while (walk(0, n, "") == 0)
        n++;
    printf("# %u fids\n", n);
    CHECK(n > 900 && n <= P9_MAX_FIDS);
    CHECK(walk(0, n, "") == -ENFILE || walk(0, n, "") == -EMFILE);
    CHECK(clunk(5) == 0 && walk(0, 5, "") == 0);
    CHECK(version(4096) == 0);
    CHECK(open_files() == before);
    CHECK(attach(0, 0) == 0);
    /* An answer is never longer than was agreed, whatever is asked for. */
    CHECK(walk(0, 1, "") == 0 && lcreate(1, "long", O_RDWR, 0600) == 0);
    CHECK(setattr(1, 8, 0, 0, 1 << 20) == 0);
    begin();
    u32(1);
    u64(0);
    u32(UINT32_MAX);
    CHECK(call(116) == 0 && p9_get32(&in) == 4096 - 11);
    CHECK(get(1, 0, 16, data) == 16);
    begin();
    u32(0);
    u32(2);
    p9_put_number(&out, 17, 2);
    CHECK(call(110) == -EINVAL);
}

/* ---- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static void begin_group(void (*run)(void))
{
    char path[300];
    int fd;

    strcpy(base, "/tmp/p9-test.XXXXXX");
    CHECK(mkdtemp(base) != NULL);
    snprintf(folder, sizeof(folder), "%s/folder", base);
    snprintf(outside, sizeof(outside), "%s/outside", base);
    CHECK(mkdir(folder, 0755) == 0 && mkdir(outside, 0755) == 0);
    snprintf(path, sizeof(path), "%s/secret", outside);
    fd = open(path, O_WRONLY | O_CREAT, 0600);
    CHECK(write(fd, "secret", 6) == 6);
    close(fd);
    CHECK(p9_server_open(&server, folder, P9_MAX_MESSAGE, NULL) == 0);
    run();
    p9_server_close(&server);
    nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#define IN_A_FOLDER(name)         \
    static void name##_test(void) \
    {                             \
        begin_group(name);        \
    }
IN_A_FOLDER(sessions)
IN_A_FOLDER(files)
IN_A_FOLDER(folders)
IN_A_FOLDER(locks)
IN_A_FOLDER(escapes)
IN_A_FOLDER(races)
IN_A_FOLDER(cut_messages)
IN_A_FOLDER(bounds)

int main(void)
{
    static const struct test tests[] = {
        {"sessions", sessions_test},     {"files", files_test},     {"folders", folders_test},
        {"locks", locks_test},           {"escapes", escapes_test}, {"races", races_test},
        {"messages", cut_messages_test}, {"bounds", bounds_test},
    };

    umask(0);
    return test_run("9p", tests, sizeof(tests) / sizeof(tests[0]));
}
