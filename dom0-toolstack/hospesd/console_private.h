/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by console.c (the guest's side), viewer.c (the people's side) and socket.c only. */
#ifndef HL_HOSPESD_CONSOLE_PRIVATE_H
#define HL_HOSPESD_CONSOLE_PRIVATE_H

#include "dom0-toolstack/hospesd/console.h"
#include "dom0-toolstack/hospesd/daemon.h"
#include "dom0-toolstack/hospesd/history.h"

#define HISTORY_SIZE ((size_t)64 << 10)

struct viewer {
    struct viewer *next;
    struct console *c;
    struct loop_source source;
    uint64_t pos; /* in the console's history */
    bool follow;
};

/* A Unix socket for one program at a time; who comes later waits. */
struct console_socket {
    char *path;                        /* NULL: none */
    struct loop_source listener, peer; /* fd -1: none */
    int parked;   /* a peer that left behind more than the guest took yet; -1: none */
    uint64_t pos; /* what has been read, by whomever */
};

struct console {
    struct console *next;
    struct daemon *d;
    uint32_t domid;
    unsigned int number;
    uint8_t uuid[16];
    char *name;
    struct xencons_interface *page; /* NULL: not connected to the guest (any more) */
    struct gntdev *grants;          /* the page is the guest's by a grant; NULL: a foreign frame */
    bool waiting;                   /* the guest may connect yet: what is typed is kept */
    uint32_t port;                  /* our end; 0: none */
    struct history history;
    uint64_t old_output; /* as much of it was printed to an earlier daemon */
    struct logfile log;
    char input[1024]; /* typed, on the way into the ring */
    size_t input_len;
    size_t window_bytes; /* printed in this window */
    bool held;           /* its port stays masked until the next one */
    bool ended, restarting;
    struct viewer *viewers;
    struct loop_source pty; /* fd -1: none */
    int pty_slave;          /* held open, or the master would report hang-ups */
    uint64_t pty_pos;
    char tty[64]; /* the pty's name */
    struct console_socket socket;
};

/* console.c */
void console_flush_input(struct console *c);
void console_free_if_idle(struct console *c);

/* viewer.c */
void viewers_pump(
    struct console *c); /* hands on what is new; may free an ended console's viewers */
void viewers_adopt(struct console *c);     /* takes the waiting followers of the same uuid */
void viewers_close_all(struct console *c); /* at once */
void pty_close(struct console *c);
/* For both kinds of descriptors: what to wait for; reading (false: the other side is gone); writing. */
enum pumped {
    PUMPED_ALL,
    PUMPED_SOME, /* the other side is slow */
    PUMPED_GONE,
};
uint32_t console_wanted(const struct console *c, bool more_output);
bool console_read(struct console *c, int fd);
enum pumped console_pump(struct console *c, int fd, uint64_t *pos);

/* socket.c */
void socket_close(struct console *c);
void socket_pump(struct console *c);

#endif
