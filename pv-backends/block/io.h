/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asynchronous input and output by io_uring, and the event loop around it: file transfers with a callback each, file descriptors to be
 * waited for. One thread.
 */
#ifndef PVB_IO_H
#define PVB_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct hl_error;
struct io;

/* Room for so many transfers at once; more wait in line. */
int io_open(struct io **io, unsigned int depth, struct hl_error *e);
void io_close(struct io *io);

/* A transfer: the caller's memory until its callback, which gets the bytes moved or a negative errno. A short transfer
 * goes on by itself: fewer bytes than asked mean the end of the file. */
struct io_transfer {
    void (*done)(struct io_transfer *t, long rc);
    void *opaque;
    /* io.c's */
    struct io_transfer *next;
    uint8_t kind;
    int fd, mode;
    uint64_t offset, length;
    long moved;
    struct iovec *iov;
    unsigned int iovcnt;
};

/* iov: changed on the way, the caller's to keep until done. */
void io_readv(struct io *io, struct io_transfer *t, int fd, struct iovec *iov, unsigned int iovcnt,
              uint64_t offset);
void io_writev(struct io *io, struct io_transfer *t, int fd, struct iovec *iov, unsigned int iovcnt,
               uint64_t offset);
void io_datasync(struct io *io, struct io_transfer *t, int fd);
/* fallocate() with FALLOC_FL_*. */
void io_fallocate(struct io *io, struct io_transfer *t, int fd, int mode, uint64_t offset,
                  uint64_t length);

/*
 * Calls ready() when the descriptor is ready for `events` (POLLIN, POLLOUT; level-triggered): `once`, after which the watch is
 * no more, or until io_unwatch(). NULL: no memory. After io_unwatch() it is never called again.
 */
struct io_watch;
struct io_watch *io_watch(struct io *io, int fd, short events, bool once,
                          void (*ready)(void *opaque), void *opaque);
void io_unwatch(struct io *io, struct io_watch *w);

/* Submits what was begun and handles what is done; waits for the first if `wait`. 0 or a negative errno. */
int io_turn(struct io *io, bool wait);

#endif
