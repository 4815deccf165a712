/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See sandbox.h. The port is opened when the guest connects, and again when it does so again. */
#include "pv-backends/net/sandbox.h"

#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "pv-backends/lib/sandbox.h"

/* Finding an interface of that name, and attaching to it; unlink: of the device's lock. */
static const struct sandbox_call tap[] = {
    {.number = SYS_unlink},
    {SYS_ioctl, 1, 1, TUNSETIFF},
    {SYS_ioctl, 1, 1, TUNSETOFFLOAD},
    {SYS_ioctl, 1, 1, SIOCGIFINDEX},
};

/* libslirp: the guest's connections out, and the name servers in /etc/resolv.conf. Nothing listens. */
static const struct sandbox_call user[] = {
    {.number = SYS_unlink},      {SYS_socket, 1, 0, AF_INET}, {SYS_socket, 1, 0, AF_INET6},
    {.number = SYS_bind},        {.number = SYS_getsockname}, {.number = SYS_getpeername},
    {.number = SYS_getsockopt},  {.number = SYS_setsockopt},  {.number = SYS_shutdown},
    {SYS_ioctl, 1, 1, FIONREAD},
};

int net_sandbox(bool is_user, struct hl_error *e)
{
    return is_user ? sandbox_enter(user, sizeof(user) / sizeof(user[0]), e)
                   : sandbox_enter(tap, sizeof(tap) / sizeof(tap[0]), e);
}
