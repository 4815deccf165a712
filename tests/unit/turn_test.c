/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One process for a device, however the one before it ended. */
#include "tests/unit/toolstack_test.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dom0-toolstack/lib/error.h"
#include "pv-backends/lib/turn.h"

#define DISK  "/local/domain/0/backend/qdisk/7/51712"
#define OTHER "/local/domain/0/backend/qdisk/7/51728"
#define GUEST "/local/domain/0/backend/qdisk/8/51712"

static char dir[] = "/tmp/turn_test.XXXXXX";

#define READY 7 /* what it says before it waits */

struct process {
    pid_t pid;
    int said; /* what its turn_wait() answered, once it did */
};

/* Takes its turn, says so, and has it until it is killed. */
static struct process begin(const char *path)
{
    int fds[2], rc;
    pid_t pid;

    if (pipe(fds) < 0)
        abort();
    pid = fork();
    if (pid == 0) {
        struct hl_error *e = hl_error_new();

        rc = READY;
        (void)!write(fds[1], &rc, sizeof(rc));
        rc = turn_wait("block", path, e);
        (void)!write(fds[1], &rc, sizeof(rc));
        while (rc == 0)
            pause();
        _exit(0);
    }
    close(fds[1]);
    /* Earlier a signal would end it. */
    if (read(fds[0], &rc, sizeof(rc)) != sizeof(rc) || rc != READY)
        abort();
    return (struct process){.pid = pid, .said = fds[0]};
}

static int answer(const struct process *p)
{
    int rc = 1;

    return read(p->said, &rc, sizeof(rc)) == sizeof(rc) ? rc : 2;
}

/* Whether it has said nothing for a while: one that did not wait would have been seen by then. */
static bool waits(const struct process *p)
{
    struct pollfd fd = {.fd = p->said, .events = POLLIN};

    return poll(&fd, 1, 200) == 0;
}

static void end(const struct process *p)
{
    kill(p->pid, SIGKILL);
    waitpid(p->pid, NULL, 0);
    close(p->said);
}

static void after_the_first(void)
{
    struct process first = begin(DISK), second;

    CHECK(answer(&first) == 0);
    second = begin(DISK);
    CHECK(waits(&second));
    end(&first);
    CHECK(answer(&second) == 0);
    end(&second);
}

static void others_do_not_wait(void)
{
    struct process a = begin(DISK), b, c;

    CHECK(answer(&a) == 0);
    b = begin(OTHER);
    c = begin(GUEST);
    CHECK(answer(&b) == 0 && answer(&c) == 0);
    end(&a);
    end(&b);
    end(&c);
}

static void told_to_stop(void)
{
    struct process first = begin(DISK), second;
    int status = 0;

    CHECK(answer(&first) == 0);
    second = begin(DISK);
    CHECK(waits(&second));
    kill(second.pid, SIGTERM);
    CHECK(waitpid(second.pid, &status, 0) == second.pid && WIFSIGNALED(status));
    close(second.said);
    end(&first);
}

/* Whoever was killed has left no file of its device. */
static void nothing_left(void)
{
    struct process p = begin(DISK);
    struct dirent *entry;
    unsigned int n = 0;
    DIR *d;

    CHECK(answer(&p) == 0);
    end(&p);
    d = opendir(dir);
    CHECK(d != NULL);
    while ((entry = readdir(d)) != NULL)
        n += entry->d_name[0] != '.' && strcmp(entry->d_name, "block.lock") != 0;
    closedir(d);
    CHECK(n == 0);
}

static void no_device(void)
{
    static const char *const paths[] = {
        "",          "/",          "qdisk",           "/qdisk/7",        "/qdisk/7/",
        "/qdisk//7", "/qdisk/7/x", "/qdisk/7/51712x", "/qdisk/7/51712/", "/qdisk/7/4294967295"};

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct process p = begin(paths[i]);

        CHECK(answer(&p) == -EINVAL);
        end(&p);
    }
}

int main(void)
{
    static const struct test tests[] = {{"after_the_first", after_the_first},
                                        {"others_do_not_wait", others_do_not_wait},
                                        {"told_to_stop", told_to_stop},
                                        {"nothing_left", nothing_left},
                                        {"no_device", no_device}};
    char file[sizeof(dir) + 16];
    int rc;

    if (mkdtemp(dir) == NULL)
        return 2;
    setenv("HOSPES_RUN_DIR", dir, 1);
    rc = test_run("turn", tests, sizeof(tests) / sizeof(tests[0]));
    snprintf(file, sizeof(file), "%s/block.lock", dir);
    unlink(file);
    rmdir(dir);
    return rc;
}
