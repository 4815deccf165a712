/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See sandbox.h. Viewers come in by the listening socket alone; no other can be made. */
#include "pv-backends/fb/sandbox.h"

#include <sys/syscall.h>

#include "dom0-toolstack/lib/linux_xen_ioctl.h"
#include "pv-backends/lib/sandbox.h"

/* Viewers; the guest's frames; the devices, for a keyboard that comes later; unlink: of the device's lock. */
static const struct sandbox_call calls[] = {
    {.number = SYS_accept4},
    {.number = SYS_getpeername},
    {.number = SYS_getsockname},
    {.number = SYS_setsockopt},
    {.number = SYS_getsockopt},
    {.number = SYS_shutdown},
    {.number = SYS_select},
    {.number = SYS_pselect6},
    {SYS_ioctl, 1, 1, (unsigned int)PRIVCMD_MAP_BATCH},
    {.number = SYS_access}, /* libgcrypt, for a password */
    {.number = SYS_eventfd2},
    {.number = SYS_epoll_create1},
    {.number = SYS_unlink},
};

int fb_sandbox(struct hl_error *e)
{
    return sandbox_enter(calls, sizeof(calls) / sizeof(calls[0]), e);
}
