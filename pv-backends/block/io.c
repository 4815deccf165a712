/* SPDX-License-Identifier: GPL-2.0-or-later */
/* io_uring; see io.h. */
#include "pv-backends/block/io.h"

#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dom0-toolstack/lib/error.h"

enum kind { READV, WRITEV, DATASYNC, FALLOCATE };

/* What a completion belongs to: the low bit of user_data tells a watch from a transfer. */
#define IS_WATCH 1ull

struct io {
    struct io_uring ring;
    unsigned int depth, in_flight;
    struct io_watch *watches;
    struct io_watch *running;          /* whose ready() runs now */
    struct io_transfer *first, **last; /* in line, not given to the kernel yet */
};

/* Transfers and watches are all that this ring ever does: the filter of system calls (lib/sandbox.h) does not see what goes
 * through it. */
static int restrict_ring(struct io_uring *ring)
{
    static const uint8_t ops[] = {IORING_OP_READV,     IORING_OP_WRITEV,   IORING_OP_FSYNC,
                                  IORING_OP_FALLOCATE, IORING_OP_POLL_ADD, IORING_OP_POLL_REMOVE};
    struct io_uring_restriction allowed[sizeof(ops)] = {0};

    for (size_t i = 0; i < sizeof(ops); i++) {
        allowed[i].opcode = IORING_RESTRICTION_SQE_OP;
        allowed[i].sqe_op = ops[i];
    }
    /* Not among what the library exports everywhere. */
    long rc = syscall(SYS_io_uring_register, ring->ring_fd, IORING_REGISTER_RESTRICTIONS, allowed,
                      sizeof(ops));
    if (rc == 0)
        rc = syscall(SYS_io_uring_register, ring->ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
    return rc < 0 ? -errno : 0;
}

int io_open(struct io **out, unsigned int depth, struct hl_error *e)
{
    struct io *io = calloc(1, sizeof(*io));

    *out = NULL;
    if (io == NULL)
        return hl_fail(e, ENOMEM, "set up io_uring", NULL, NULL);
    io->depth = depth;
    io->last = &io->first;
    /* Watches come on top of transfers. */
    int rc = io_uring_queue_init(depth + 16, &io->ring, IORING_SETUP_R_DISABLED);
    if (rc == 0) {
        rc = restrict_ring(&io->ring);
        if (rc < 0)
            io_uring_queue_exit(&io->ring);
    }
    if (rc < 0) {
        free(io);
        return hl_fail(e, -rc, "set up io_uring", NULL, NULL);
    }
    *out = io;
    return 0;
}

static struct io_uring_sqe *entry(struct io *io)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&io->ring);

    /* The queue is as long as all that may be in it at once; a full one only waits for the kernel to take it. */
    while (sqe == NULL) {
        io_uring_submit(&io->ring);
        sqe = io_uring_get_sqe(&io->ring);
    }
    return sqe;
}

/* ---- transfers ---- */

static void start(struct io *io, struct io_transfer *t)
{
    struct io_uring_sqe *sqe = entry(io);
    uint64_t at = t->offset + (uint64_t)t->moved;

    switch (t->kind) {
    case READV: io_uring_prep_readv(sqe, t->fd, t->iov, t->iovcnt, at); break;
    case WRITEV: io_uring_prep_writev(sqe, t->fd, t->iov, t->iovcnt, at); break;
    case DATASYNC: io_uring_prep_fsync(sqe, t->fd, IORING_FSYNC_DATASYNC); break;
    default: io_uring_prep_fallocate(sqe, t->fd, t->mode, (off_t)at, (off_t)t->length); break;
    }
    io_uring_sqe_set_data64(sqe, (uintptr_t)t);
    io->in_flight++;
}

static void queue(struct io *io, struct io_transfer *t)
{
    t->next = NULL;
    if (io->in_flight < io->depth) {
        start(io, t);
        return;
    }
    *io->last = t;
    io->last = &t->next;
}

static void queue_transfer(struct io *io, struct io_transfer *t, enum kind kind, int fd,
                           struct iovec *iov, unsigned int iovcnt, uint64_t offset)
{
    t->kind = (uint8_t)kind;
    t->fd = fd;
    t->iov = iov;
    t->iovcnt = iovcnt;
    t->offset = offset;
    t->moved = 0;
    t->length = 0;
    for (unsigned int i = 0; i < iovcnt; i++)
        t->length += iov[i].iov_len;
    queue(io, t);
}

void io_readv(struct io *io, struct io_transfer *t, int fd, struct iovec *iov, unsigned int iovcnt,
              uint64_t offset)
{
    queue_transfer(io, t, READV, fd, iov, iovcnt, offset);
}

void io_writev(struct io *io, struct io_transfer *t, int fd, struct iovec *iov, unsigned int iovcnt,
               uint64_t offset)
{
    queue_transfer(io, t, WRITEV, fd, iov, iovcnt, offset);
}

void io_datasync(struct io *io, struct io_transfer *t, int fd)
{
    queue_transfer(io, t, DATASYNC, fd, NULL, 0, 0);
}

void io_fallocate(struct io *io, struct io_transfer *t, int fd, int mode, uint64_t offset,
                  uint64_t length)
{
    *t = (struct io_transfer){.done = t->done,
                              .opaque = t->opaque,
                              .kind = FALLOCATE,
                              .fd = fd,
                              .mode = mode,
                              .offset = offset,
                              .length = length};
    queue(io, t);
}

/* Drops the first n bytes of the buffers. */
static void advance(struct io_transfer *t, size_t n)
{
    while (n != 0 && n >= t->iov->iov_len) {
        n -= t->iov->iov_len;
        t->iov++;
        t->iovcnt--;
    }
    if (n != 0) {
        t->iov->iov_base = (char *)t->iov->iov_base + n;
        t->iov->iov_len -= n;
    }
}

static void finish(struct io *io, struct io_transfer *t, int res)
{
    io->in_flight--;
    if (res == -EINTR || res == -EAGAIN) {
        start(io, t);
        return;
    }
    if (res > 0 && t->kind <= WRITEV) {
        t->moved += res;
        if ((uint64_t)t->moved < t->length) {
            advance(t, (size_t)res);
            start(io, t);
            return;
        }
    }
    /* A write that moves nothing would go on for ever. */
    if (res == 0 && t->kind == WRITEV && (uint64_t)t->moved < t->length)
        res = -EIO;
    t->done(t, res < 0 ? res : t->moved);
}

/* ---- watches ---- */

struct io_watch {
    struct io_watch *next, **link; /* all of them */
    int fd;
    short events;
    bool once, gone; /* gone: only its completion is waited for */
    void (*ready)(void *opaque);
    void *opaque;
};

static void arm(struct io *io, struct io_watch *w)
{
    struct io_uring_sqe *sqe = entry(io);

    io_uring_prep_poll_add(sqe, w->fd, (unsigned int)w->events);
    io_uring_sqe_set_data64(sqe, (uintptr_t)w | IS_WATCH);
}

struct io_watch *io_watch(struct io *io, int fd, short events, bool once,
                          void (*ready)(void *opaque), void *opaque)
{
    struct io_watch *w = malloc(sizeof(*w));

    if (w == NULL)
        return NULL;
    *w = (struct io_watch){
        .fd = fd, .events = events, .once = once, .ready = ready, .opaque = opaque};
    w->next = io->watches;
    w->link = &io->watches;
    if (w->next != NULL)
        w->next->link = &w->next;
    io->watches = w;
    arm(io, w);
    return w;
}

/* It is armed, but while its own ready() runs: then that is the last that the kernel says of it. */
void io_unwatch(struct io *io, struct io_watch *w)
{
    struct io_uring_sqe *sqe;

    if (w == NULL || w->gone)
        return;
    w->gone = true;
    if (w == io->running)
        return;
    sqe = entry(io);
    io_uring_prep_poll_remove(sqe, (uintptr_t)w | IS_WATCH);
    io_uring_sqe_set_data64(sqe, 0);
}

static void forget(struct io_watch *w)
{
    *w->link = w->next;
    if (w->next != NULL)
        w->next->link = w->link;
    free(w);
}

static void watch_ready(struct io *io, struct io_watch *w)
{
    struct io_watch *outer = io->running;

    if (!w->gone) {
        io->running = w;
        w->ready(w->opaque);
        io->running = outer;
    }
    if (w->gone || w->once)
        forget(w);
    else
        arm(io, w);
}

/* ---- the loop ---- */

static void complete(struct io *io, uint64_t data, int res)
{
    if (data == 0)
        return;
    if (data & IS_WATCH)
        watch_ready(io, (struct io_watch *)(uintptr_t)(data & ~IS_WATCH));
    else
        finish(io, (struct io_transfer *)(uintptr_t)data, res);
}

int io_turn(struct io *io, bool wait)
{
    struct io_uring_cqe *cqe;
    int rc = wait ? io_uring_submit_and_wait(&io->ring, 1) : io_uring_submit(&io->ring);

    if (rc < 0 && rc != -EINTR && rc != -EBUSY)
        return rc;
    while (io_uring_peek_cqe(&io->ring, &cqe) == 0) {
        uint64_t data = io_uring_cqe_get_data64(cqe);
        int res = cqe->res;

        io_uring_cqe_seen(&io->ring, cqe);
        complete(io, data, res);
        while (io->first != NULL && io->in_flight < io->depth) {
            struct io_transfer *t = io->first;

            io->first = t->next;
            if (io->first == NULL)
                io->last = &io->first;
            start(io, t);
        }
    }
    return 0;
}

void io_close(struct io *io)
{
    if (io == NULL)
        return;
    io_uring_queue_exit(&io->ring);
    while (io->watches != NULL)
        forget(io->watches);
    free(io);
}
