/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a process can still do after sandbox_drop() and sandbox_lock(): each attempt in a process of its own, which the
 * kernel must end, or which must fail. Built without sanitizers: they need more than the sandbox leaves.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dom0-toolstack/bootloader/sandbox.h"
#include "tests/unit/toolstack_test.h"

/* In the sandbox, with its one descriptor. The value is its exit status. */
typedef int attempt(int fd);

/* How the process ended, as waitpid() says; -1: it did not get that far. */
static int in_sandbox(attempt *what, bool lock)
{
    int pair[2], status = -1;
    char answer = 0;
    pid_t pid;

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
        return -1;
    pid = fork();
    if (pid == 0) {
        struct rlimit none = {0, 0};

        setrlimit(RLIMIT_CORE, &none);
        if (sandbox_drop(NULL) < 0 || (lock && sandbox_lock(pair[1], NULL) < 0))
            _exit(99);
        if (write(pair[1], "r", 1) != 1)
            _exit(98);
        _exit(what(pair[1]));
    }
    close(pair[1]);
    if (read(pair[0], &answer, 1) == 1 && answer == 'r')
        (void)!send(pair[0], "x", 1, MSG_NOSIGNAL); /* it may be dead already */
    waitpid(pid, &status, 0);
    close(pair[0]);
    return answer == 'r' ? status : -1;
}

static int do_read(int fd)
{
    char c;
    void *memory = malloc(8 << 20);

    if (memory == NULL)
        return 1;
    memset(memory, 1, 8 << 20);
    free(memory);
    return read(fd, &c, 1) == 1 && c == 'x' ? 0 : 1;
}

static int do_open(int fd)
{
    (void)fd;
    return open("/", O_RDONLY) < 0;
}

static int do_other_fd(int fd)
{
    return (int)write(fd + 1, "x", 1);
}

static int do_socket(int fd)
{
    (void)fd;
    return socket(AF_UNIX, SOCK_STREAM, 0) < 0;
}

static int do_fork(int fd)
{
    (void)fd;
    return fork() < 0;
}

static int do_exec(int fd)
{
    (void)fd;
    return execl("/bin/true", "true", NULL);
}

static int do_executable_memory(int fd)
{
    (void)fd;
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
           MAP_FAILED;
}

static int do_map_file(int fd)
{
    return mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED;
}

static int do_too_much_memory(int fd)
{
    /* volatile: a compiler may take an allocation that nobody uses for granted. */
    void *volatile memory = malloc((size_t)1 << 30);

    (void)fd;
    return memory == NULL ? 0 : 1;
}

static void what_is_left(void)
{
    CHECK(in_sandbox(do_read, true) == 0);
    CHECK(in_sandbox(do_too_much_memory, true) == 0);
}

static void what_ends_the_process(void)
{
    static attempt *const all[] = {do_open, do_other_fd,          do_socket,  do_fork,
                                   do_exec, do_executable_memory, do_map_file};

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        int status = in_sandbox(all[i], true);

        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
            fprintf(stderr, "attempt %zu: status %x\n", i, (unsigned int)status);
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
    }
}

/* Without the lock: nobody, in a root where nothing is and nothing can be made. */
static int is_nobody(int fd)
{
    DIR *d = opendir("/");
    int entries = 0;

    (void)fd;
    while (d != NULL && readdir(d) != NULL)
        entries++;
    if (getuid() != 65534 || geteuid() != 65534 || getgid() != 65534 || getgroups(0, NULL) != 0)
        return 1;
    if (entries > 2 || open("/x", O_CREAT | O_WRONLY, 0600) >= 0 || access("/proc", F_OK) == 0)
        return 2;
    return setuid(0) == 0 ? 3 : 0;
}

static void nobody_nowhere(void)
{
    if (geteuid() != 0) {
        test_skip("only root has rights to give up");
        return;
    }
    CHECK(in_sandbox(is_nobody, false) == 0);
}

int main(void)
{
    static const struct test tests[] = {
        {"what_is_left", what_is_left},
        {"what_ends_the_process", what_ends_the_process},
        {"nobody_nowhere", nobody_nowhere},
    };

    return test_run("sandbox", tests, sizeof(tests) / sizeof(tests[0]));
}
