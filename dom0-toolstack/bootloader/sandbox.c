/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See sandbox.h. */
#include "dom0-toolstack/bootloader/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dom0-toolstack/lib/error.h"

#define NOBODY      65534
#define MAX_MEMORY  ((rlim_t)512 << 20)
#define MAX_SECONDS 120

static const char step[] = "give up rights before the guest's disk is read";

/* A folder that exists no more: nothing is in it, and nothing can be made in it. */
static int enter_nowhere(struct hl_error *e)
{
    char dir[] = "/tmp/hospes-bootloader.XXXXXX";
    int fd, rc = 0;

    if (mkdtemp(dir) == NULL)
        return hl_fail(e, errno, step, dir, NULL);
    fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    (void)rmdir(dir);
    if (fd < 0 || fchdir(fd) < 0 || chroot(".") < 0)
        rc = hl_fail(e, errno, step, dir, NULL);
    if (fd >= 0)
        close(fd);
    return rc;
}

int sandbox_drop(struct hl_error *e)
{
    int rc;

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return hl_fail(e, errno, step, "no_new_privs", NULL);
    if (geteuid() != 0)
        return 0;
    /* A host may forbid namespaces; what follows holds without. */
    (void)unshare(CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS);
    rc = enter_nowhere(e);
    if (rc < 0)
        return rc;
    if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
        setresuid(NOBODY, NOBODY, NOBODY) < 0)
        return hl_fail(e, errno, step, "become nobody", NULL);
    if (setuid(0) == 0)
        return hl_fail(e, EPERM, step, "become nobody", "the way back is open");
    return 0;
}

static int limit(int what, rlim_t max, struct hl_error *e)
{
    struct rlimit l = {max, max};

    return setrlimit((__rlimit_resource_t)what, &l) < 0 ? hl_fail(e, errno, step, "limits", NULL)
                                                        : 0;
}

static int set_limits(struct hl_error *e)
{
    static const struct {
        int what;
        rlim_t max;
    } limits[] = {
        {RLIMIT_AS, MAX_MEMORY}, {RLIMIT_CPU, MAX_SECONDS}, {RLIMIT_FSIZE, 0},
        {RLIMIT_NPROC, 0},       {RLIMIT_CORE, 0},          {RLIMIT_NOFILE, 0},
    };
    int rc = 0;

    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]) && rc == 0; i++)
        rc = limit(limits[i].what, limits[i].max, e);
    return rc;
}

/* What the C library asks for memory with, the end of the process, and the one descriptor. */
static int add_rules(scmp_filter_ctx f, int fd)
{
    static const int plain[] = {
        SCMP_SYS(brk),  SCMP_SYS(munmap),       SCMP_SYS(mremap),      SCMP_SYS(madvise),
        SCMP_SYS(exit), SCMP_SYS(exit_group),   SCMP_SYS(getrandom),   SCMP_SYS(clock_gettime),
        SCMP_SYS(time), SCMP_SYS(gettimeofday), SCMP_SYS(rt_sigreturn)};
    static const int on_fd[] = {SCMP_SYS(read), SCMP_SYS(write)};
    int rc = 0;

    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]) && rc == 0; i++)
        rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, plain[i], 0);
    for (size_t i = 0; i < sizeof(on_fd) / sizeof(on_fd[0]) && rc == 0; i++)
        rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, on_fd[i], 1,
                              SCMP_CMP(0, SCMP_CMP_MASKED_EQ, UINT32_MAX, (uint32_t)fd));
    if (rc == 0)
        rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2,
                              SCMP_A2_32(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0),
                              SCMP_A3_32(SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS | MAP_PRIVATE,
                                         MAP_ANONYMOUS | MAP_PRIVATE));
    if (rc == 0)
        rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                              SCMP_A2_32(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    return rc;
}

int sandbox_lock(int fd, struct hl_error *e)
{
    scmp_filter_ctx f;
    int rc;

    if ((fd > 0 && close_range(0, (unsigned int)fd - 1, 0) < 0) ||
        close_range((unsigned int)fd + 1, ~0u, 0) < 0)
        return hl_fail(e, errno, step, "close files", NULL);
    rc = set_limits(e);
    if (rc < 0)
        return rc;
    f = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (f == NULL)
        return hl_fail(e, ENOMEM, step, "seccomp", NULL);
    rc = add_rules(f, fd);
    if (rc == 0)
        rc = seccomp_load(f);
    seccomp_release(f);
    return rc < 0 ? hl_fail(e, -rc, step, "seccomp", NULL) : 0;
}
