/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hospes-9p: shares one folder with a guest.
 *
 *   hospes-9p PATH      PATH: the device's directory in xenstore, /local/domain/0/backend/9pfs/DOMID/DEVID
 *
 * Ends when the device is gone. One that follows a killed one goes on with its rings, but knows nothing of the files that
 * the guest had open: the guest gets errors until it mounts the folder again.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/hv_event.h"
#include "pv-backends/9p/ring.h"
#include "pv-backends/lib/backend.h"
#include "pv-backends/lib/sandbox.h"
#include "pv-backends/lib/states.h"
#include "pv-backends/lib/turn.h"
#include "xenstore/client/xs_client.h"

#define MAX_RINGS 4u

struct share {
    struct backend b;
    struct states states;
    struct p9_server server;
    struct p9_ring ring[MAX_RINGS];
    unsigned int rings;
};

static volatile sig_atomic_t stop;

static void on_signal(int signal)
{
    (void)signal;
    stop = 1;
}

/* ---- the connection ---- */

static void disconnect(void *opaque)
{
    struct share *s = opaque;

    for (unsigned int i = 0; i < s->rings; i++)
        p9_ring_close(&s->ring[i]);
    p9_fids_clear(&s->server.fids);
    s->rings = 0;
}

static int front_number(struct share *s, const char *format, unsigned int i, uint32_t *value,
                        struct hl_error *e)
{
    char node[32];

    snprintf(node, sizeof(node), format, i);
    long long n = backend_front_number(&s->b, node, -1);
    *value = (uint32_t)n;
    return n >= 0 ? 0
                  : hl_fail(e, EINVAL, "connect to the frontend", s->b.frontend,
                            "it has no number in %s", node);
}

static int connect_rings(struct share *s, struct hl_error *e)
{
    long long rings = backend_front_number(&s->b, "num-rings", 0);
    long long version = backend_front_number(&s->b, "version", 0);
    uint32_t ref, port, most = P9_MAX_MESSAGE;
    int rc = 0;

    if (rings < 1 || rings > MAX_RINGS || version != 1)
        return hl_fail(e, EINVAL, "connect to the frontend", s->b.frontend,
                       "version %lld of the rings, %lld of them", version, rings);
    while (rc == 0 && s->rings < rings) {
        unsigned int i = s->rings;

        rc = front_number(s, "ring-ref%u", i, &ref, e);
        if (rc == 0)
            rc = front_number(s, "event-channel-%u", i, &port, e);
        if (rc < 0)
            break;
        s->rings++;
        rc = p9_ring_open(&s->ring[i], &s->b, ref, port, e);
        /* The longest message must fit into every ring. */
        if (rc == 0 && s->ring[i].size < most)
            most = s->ring[i].size;
    }
    s->server.most = most;
    s->server.message_size = P9_MIN_MESSAGE;
    return rc;
}

static int connect_front(void *opaque, bool again, struct hl_error *e)
{
    int rc = connect_rings(opaque, e);

    (void)again;
    if (rc < 0)
        disconnect(opaque);
    return rc;
}

static void offer(struct backend *b, void *opaque)
{
    (void)opaque;
    backend_write(b, "versions", "1");
    backend_write(b, "max-rings", "%u", MAX_RINGS);
    backend_write(b, "max-ring-page-order", "%u", P9_MAX_ORDER);
    backend_write(b, "hotplug-status", "connected");
}

static const struct states_kind kind = {
    .offer = offer,
    .connect = connect_front,
    .disconnect = disconnect,
};

/* ---- serving ---- */

/* True: there is more to do. */
static bool work(struct share *s)
{
    bool more = false;

    for (unsigned int i = 0; s->states.connected && i < s->rings; i++) {
        int rc = p9_ring_work(&s->ring[i], &s->server);

        if (rc < 0) {
            struct hl_error *e = hl_error_new();

            hl_fail(e, EPROTO, "share the folder", s->b.path,
                    "the guest's ring has an index or a message that cannot be");
            states_give_up(&s->states, e);
            hl_error_free(e);
            return false;
        }
        more |= rc > 0;
    }
    return more;
}

static void serve(struct share *s)
{
    struct pollfd fds[2] = {{.fd = evtchn_fd(s->b.ev), .events = POLLIN},
                            {.fd = hs_fd(s->b.xs), .events = POLLIN}};
    bool more = false;
    int port;

    while (!stop) {
        if (poll(fds, 2, more ? 0 : -1) < 0 && errno != EINTR)
            return;
        while ((port = evtchn_pending(s->b.ev)) >= 0)
            evtchn_unmask(s->b.ev, (uint32_t)port);
        if (!states_changed(&s->states))
            return;
        more = work(s);
    }
}

/* ---- start ---- */

static int open_share(struct share *s, const char *path, struct hl_error *e)
{
    int rc = backend_open(&s->b, path, e);

    if (rc < 0)
        return rc;
    char *folder = backend_text(&s->b, "path"), *model = backend_text(&s->b, "security_model");
    if (folder == NULL || folder[0] != '/')
        rc = hl_fail(e, EINVAL, "share a folder", path, "its node path names none");
    else if (model != NULL && strcmp(model, "none") != 0)
        rc = hl_fail(e, EOPNOTSUPP, "share a folder", folder,
                     "security_model=%s: there is only none", model);
    else
        rc = p9_server_open(&s->server, folder, P9_MAX_MESSAGE, e);
    free(folder);
    free(model);
    return rc;
}

static int lock_in(struct hl_error *e)
{
    static const struct sandbox_call calls[] = {
        {.number = SYS_openat2},   {.number = SYS_open},       {.number = SYS_pread64},
        {.number = SYS_pwrite64},  {.number = SYS_getdents64}, {.number = SYS_fsync},
        {.number = SYS_fdatasync}, {.number = SYS_fchown},     {.number = SYS_fchownat},
        {.number = SYS_chmod},     {.number = SYS_truncate},   {.number = SYS_utimensat},
        {.number = SYS_fstatfs},   {.number = SYS_mkdirat},    {.number = SYS_symlinkat},
        {.number = SYS_mknodat},   {.number = SYS_readlinkat}, {.number = SYS_linkat},
        {.number = SYS_renameat},  {.number = SYS_unlinkat},   {.number = SYS_unlink},
    };

    return sandbox_enter(calls, sizeof(calls) / sizeof(calls[0]), e);
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = on_signal};
    struct rlimit files = {2 * P9_MAX_FIDS + 64, 2 * P9_MAX_FIDS + 64};
    struct hl_error *e = hl_error_new();
    struct share s = {.states = {&kind, &s.b, &s, false}, .server.root = -1};

    if (argc != 2 || argv[1][0] != '/') {
        fprintf(stderr, "usage: hospes-9p PATH   (of the device in xenstore)\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    umask(0);
    setrlimit(RLIMIT_NOFILE, &files);
    int rc = turn_wait("9p", argv[1], e);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    if (rc == 0)
        rc = open_share(&s, argv[1], e);
    if (rc == 0)
        rc = lock_in(e);
    if (rc < 0 && s.b.xs != NULL) {
        backend_complain(&s.b, e);
        backend_set_state(&s.b, XenbusStateClosed);
    } else if (rc < 0)
        fprintf(stderr, "hospes-9p: %s\n", hl_error_sentence(e));
    if (rc == 0) {
        if (states_begin(&s.states, e) < 0)
            states_give_up(&s.states, e);
        serve(&s);
    }
    disconnect(&s);
    p9_server_close(&s.server);
    if (s.b.path != NULL)
        backend_close(&s.b);
    hl_error_free(e);
    return rc < 0;
}
