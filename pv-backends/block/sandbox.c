/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See sandbox.h. What goes through io_uring is not seen here: io.c restricts its ring by itself. */
#include "pv-backends/block/sandbox.h"

#include <linux/fs.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "pv-backends/lib/sandbox.h"

/* Input and output of images, the record of requests below /run, a server of NBD. */
static const struct sandbox_call disk[] = {
    {.number = SYS_io_uring_enter}, {.number = SYS_pread64},   {.number = SYS_pwrite64},
    {.number = SYS_ftruncate},      {.number = SYS_fallocate}, {.number = SYS_fdatasync},
    {.number = SYS_mkdir},          {.number = SYS_unlink},    {.number = SYS_shutdown},
};

/* The same, and what opening another image takes. */
static const struct sandbox_call drives[] = {
    {.number = SYS_io_uring_enter},  {.number = SYS_pread64},        {.number = SYS_pwrite64},
    {.number = SYS_ftruncate},       {.number = SYS_fallocate},      {.number = SYS_fdatasync},
    {.number = SYS_mkdir},           {.number = SYS_unlink},         {.number = SYS_shutdown},
    {SYS_ioctl, 1, 1, BLKGETSIZE64}, {SYS_ioctl, 1, 1, BLKSSZGET},   {SYS_socket, 1, 0, AF_INET},
    {SYS_socket, 1, 0, AF_INET6},    {SYS_socket, 1, 0, AF_NETLINK}, {.number = SYS_bind},
    {.number = SYS_getsockname},     {.number = SYS_getpeername},    {.number = SYS_getsockopt},
    {.number = SYS_setsockopt},      {.number = SYS_sendmmsg},       {.number = SYS_uname},
    {.number = SYS_mprotect},
};

int block_sandbox(bool drive, struct hl_error *e)
{
    return drive ? sandbox_enter(drives, sizeof(drives) / sizeof(drives[0]), e)
                 : sandbox_enter(disk, sizeof(disk) / sizeof(disk[0]), e);
}
