/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See sandbox.h. */
#include "pv-backends/lib/sandbox.h"

#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/linux_xen_ioctl.h"

#define ANY(name)           \
    {                       \
        SYS_##name, 0, 0, 0 \
    }
#define IOCTL(request)                           \
    {                                            \
        SYS_ioctl, 1, 1, (unsigned int)(request) \
    }
#define SOCKET(domain)             \
    {                              \
        SYS_socket, 1, 0, (domain) \
    }

static const struct sandbox_call common[] = {
    /* memory */
    ANY(brk),
    ANY(mmap),
    ANY(munmap),
    ANY(mremap),
    ANY(madvise),
    /* signals, time, the end; what abort() does */
    ANY(rt_sigreturn),
    ANY(rt_sigprocmask),
    ANY(rt_sigaction),
    ANY(restart_syscall),
    ANY(getpid),
    ANY(gettid),
    ANY(tgkill),
    ANY(exit),
    ANY(exit_group),
    ANY(clock_gettime),
    ANY(clock_nanosleep),
    ANY(nanosleep),
    ANY(futex),
    ANY(getrandom),
    /* what is open */
    ANY(read),
    ANY(write),
    ANY(readv),
    ANY(writev),
    ANY(close),
    ANY(lseek),
    ANY(fcntl),
    ANY(poll),
    ANY(ppoll),
    ANY(epoll_ctl),
    ANY(epoll_wait),
    ANY(openat), /* each event channel has a descriptor of its own */
    ANY(fstat),
    ANY(newfstatat),
    /* xenstore, after a restart of its daemon, too */
    SOCKET(AF_UNIX),
    ANY(connect),
    ANY(sendto),
    ANY(sendmsg),
    ANY(recvfrom),
    ANY(recvmsg),
    /* the guest */
    IOCTL(EVTCHN_BIND_INTERDOMAIN),
    IOCTL(EVTCHN_UNBIND),
    IOCTL(EVTCHN_NOTIFY),
    IOCTL(GNTDEV_MAP),
    IOCTL(GNTDEV_UNMAP),
    IOCTL(GNTDEV_GET_OFFSET),
    IOCTL(GNTDEV_COPY),
};

/*
 * The handler is entered in place of the call. Nothing of the library that takes a lock may be used. The call is then made
 * once more: while its signal is blocked, as here, the kernel kills the process by it.
 */
static void blocked(int signal, siginfo_t *info, void *context)
{
    char line[128], *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, info->si_syscall);
    int n = snprintf(line, sizeof(line), "sandbox: the system call %s (%d) is not on the list\n",
                     name != NULL ? name : "?", info->si_syscall);

    (void)signal, (void)context;
    if (write(STDERR_FILENO, line, (size_t)n) >= 0)
        syscall(info->si_syscall, 0, 0, 0, 0, 0, 0);
    _exit(126);
}

static int allow(scmp_filter_ctx ctx, const struct sandbox_call *calls, size_t count)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < count; i++) {
        const struct sandbox_call *c = &calls[i];

        rc = c->only
                 ? seccomp_rule_add(ctx, SCMP_ACT_ALLOW, c->number, 1,
                                    SCMP_CMP(c->argument, SCMP_CMP_MASKED_EQ, UINT32_MAX, c->value))
                 : seccomp_rule_add(ctx, SCMP_ACT_ALLOW, c->number, 0);
    }
    return rc;
}

int sandbox_enter(const struct sandbox_call *more, size_t count, struct hl_error *e)
{
    struct sigaction action = {.sa_sigaction = blocked, .sa_flags = SA_SIGINFO};
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_TRAP);
    int rc = ctx == NULL ? -ENOMEM : 0;

    if (rc == 0)
        rc = allow(ctx, common, sizeof(common) / sizeof(common[0]));
    if (rc == 0)
        rc = allow(ctx, more, count);
    if (rc == 0 && sigaction(SIGSYS, &action, NULL) < 0)
        rc = -errno;
    if (rc == 0)
        rc = seccomp_load(ctx);
    if (ctx != NULL)
        seccomp_release(ctx);
    return rc < 0 ? hl_fail(e, -rc, "give up what is not needed (seccomp)", NULL, NULL) : 0;
}
