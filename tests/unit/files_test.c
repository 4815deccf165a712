/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that are written whole or not at all, whatever ends their writer. */
#include "tests/unit/toolstack_test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dom0-toolstack/lib/files.h"

#define LIMIT 4096u

static char dir[] = "/tmp/files_test.XXXXXX", path[64];
static const char old[] = "what was there";
static char much[4 * LIMIT];

/* In the folder there is `path` alone, with these contents. */
static bool is_alone(const void *data, size_t size, mode_t mode)
{
    void *is = NULL;
    size_t n = 0, entries = 0;
    struct stat st;
    DIR *d = opendir(dir);

    while (readdir(d) != NULL)
        entries++;
    closedir(d);
    bool same = entries == 3 && stat(path, &st) == 0 && (st.st_mode & 0777) == mode &&
                file_read_all(path, sizeof(much), &is, &n) == 0 && n == size &&
                memcmp(is, data, n) == 0;
    free(is);
    return same;
}

/* Writes more than a process may: the answer of its exit, or -1 if a signal ended it first. */
static int write_too_much(bool killed)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        struct rlimit least = {LIMIT, LIMIT};
        setrlimit(RLIMIT_FSIZE, &least);
        signal(SIGXFSZ, killed ? SIG_DFL : SIG_IGN);
        _exit(-file_write_atomic(path, much, sizeof(much), 0600));
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return -2;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void written_and_replaced(void)
{
    CHECK(file_write_atomic(path, old, sizeof(old), 0644) == 0);
    CHECK(is_alone(old, sizeof(old), 0644));
    CHECK(file_write_atomic(path, much, sizeof(much), 0600) == 0);
    CHECK(is_alone(much, sizeof(much), 0600));
    CHECK(file_write_atomic(path, old, sizeof(old), 0644) == 0);
}

static void failed_write(void)
{
    CHECK(write_too_much(false) == EFBIG);
    CHECK(is_alone(old, sizeof(old), 0644));
}

static void killed_writer(void)
{
    int fd = open(dir, O_TMPFILE | O_RDWR, 0600);

    if (fd < 0) {
        test_skip("this file system has no files without names");
        return;
    }
    close(fd);
    CHECK(write_too_much(true) == -1);
    CHECK(is_alone(old, sizeof(old), 0644));
}

static void not_a_file(void)
{
    CHECK(file_write_atomic(dir, old, sizeof(old), 0644) == -EEXIST);
    CHECK(file_write_atomic("/nowhere/file", old, sizeof(old), 0644) == -ENOENT);
    CHECK(is_alone(old, sizeof(old), 0644));
}

static const struct test tests[] = {
    {"written_and_replaced", written_and_replaced},
    {"failed_write", failed_write},
    {"killed_writer", killed_writer},
    {"not_a_file", not_a_file},
};

int main(void)
{
    if (mkdtemp(dir) == NULL)
        return 1;
    snprintf(path, sizeof(path), "%s/file", dir);
    int rc = test_run("files", tests, sizeof(tests) / sizeof(tests[0]));
    unlink(path);
    rmdir(dir);
    return rc;
}
