/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many requests at a time between the client library and a real xenstored: batches in a transaction, requests that a client
 * sends without waiting for answers, and events that arrive together with an answer.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "hypercalls/abi/io-xs_wire.h"
#include "tests/unit/device_rig.h"

/* More than the 256 answers which the daemon lets lie unread, and more bytes than a socket takes at once. */
#define MANY 900

static const char *xenstored;

static struct hs_batch *begin(hs_tx_t *tx)
{
    *tx = hs_tx_start(rig_xs);
    return *tx == HS_TX_NONE ? NULL : hs_batch_new(rig_xs, *tx);
}

static void long_value(char text[600], int i)
{
    memset(text, 'a' + i % 26, 599);
    text[599] = '\0';
}

static void many_changes(void)
{
    const struct hs_perm perm = {7, HS_PERM_READ};
    char path[64], text[600];
    struct hs_batch *b;
    struct hs_perm *perms;
    unsigned int n = 0;
    hs_tx_t tx;

    b = begin(&tx);
    CHECK(b != NULL);
    for (int i = 0; i < MANY; i++) {
        snprintf(path, sizeof(path), "/many/%d", i);
        long_value(text, i);
        CHECK(hs_batch_write(b, path, text, strlen(text)) == 0);
    }
    CHECK(hs_batch_set_perms(b, "/many/3", &perm, 1) == 0 && hs_batch_mkdir(b, "/many/dir") == 0);
    CHECK(!there("/many"));
    CHECK(hs_batch_run(b, NULL) == 0);
    CHECK(!there("/many"));
    CHECK(hs_exists(rig_xs, tx, "/many/899") == 1);
    hs_batch_free(b);
    CHECK(hs_tx_commit(rig_xs, tx) == 0);
    for (int i = 0; i < MANY; i++) {
        char *v;

        snprintf(path, sizeof(path), "/many/%d", i);
        long_value(text, i);
        v = hs_read(rig_xs, HS_TX_NONE, path, NULL);
        CHECK_STR(v, text);
        free(v);
    }
    CHECK_STR(value("/many/dir"), "");
    perms = hs_get_perms(rig_xs, HS_TX_NONE, "/many/3", &n);
    CHECK(n == 1 && perms[0].domid == 7 && perms[0].access == HS_PERM_READ);
    free(perms);
}

/* In the order of the requests, whatever the errors: the caller knows what it may report. */
static void first_failure(void)
{
    const char *path = NULL;
    struct hs_batch *b;
    hs_tx_t tx;

    b = begin(&tx);
    CHECK(b != NULL);
    CHECK(hs_batch_run(b, &path) == 0 && path == NULL);
    CHECK(hs_batch_write(b, "/good", "1", 1) == 0 && hs_batch_write(b, "/not//good", "1", 1) == 0 &&
          hs_batch_mkdir(b, "/good/too") == 0 && hs_batch_mkdir(b, "nor good?") == 0);
    CHECK(hs_batch_run(b, &path) == -1 && errno == EINVAL);
    CHECK_STR(path, "/not//good");
    CHECK(hs_exists(rig_xs, tx, "/good/too") == 1);
    /* It is empty again. */
    CHECK(hs_batch_write(b, "/second", "1", 1) == 0 && hs_batch_run(b, NULL) == 0);
    hs_batch_free(b);
    hs_tx_abort(rig_xs, tx);
    CHECK(!there("/good") && !there("/second"));
}

static void needs_a_transaction(void)
{
    struct hs_batch *b = hs_batch_new(rig_xs, HS_TX_NONE);
    static const char big[XENSTORE_PAYLOAD_MAX];

    CHECK(b != NULL);
    CHECK(hs_batch_write(b, "/big", big, sizeof(big)) == -1 && errno == E2BIG);
    CHECK(hs_batch_write(b, "/none", "1", 1) == 0);
    CHECK(hs_batch_run(b, NULL) == -1 && errno == EINVAL);
    CHECK(!there("/none"));
    hs_batch_free(b);
}

/* The transaction is gone with the daemon: to be begun again, as by any request of it. */
static void daemon_dies(void)
{
    struct hs_batch *b;
    hs_tx_t tx;

    b = begin(&tx);
    CHECK(b != NULL);
    CHECK(hs_batch_write(b, "/lost", "1", 1) == 0);
    CHECK(rig_restart(xenstored));
    CHECK(hs_batch_run(b, NULL) == -1 && errno == EAGAIN);
    hs_batch_free(b);
    CHECK(hs_tx_commit(rig_xs, tx) == -1 && errno == EAGAIN);
    CHECK(!there("/lost"));
    b = begin(&tx);
    CHECK(hs_batch_write(b, "/lost", "1", 1) == 0 && hs_batch_run(b, NULL) == 0);
    hs_batch_free(b);
    CHECK(hs_tx_commit(rig_xs, tx) == 0 && there("/lost"));
}

static bool event_comes(const char *path)
{
    struct pollfd p = {.fd = hs_fd(rig_xs), .events = POLLIN};
    struct hs_event *event;
    bool right = false;

    while (!right && poll(&p, 1, 120000) == 1) {
        while ((event = hs_event(rig_xs, 0)) != NULL) {
            right |= strcmp(event->path, path) == 0;
            free(event);
        }
    }
    return right;
}

/* What is read together with an answer is no more to be seen in the socket: hs_fd() must tell of it all the same. */
static void events_with_answers(void)
{
    char path[64];
    hs_tx_t tx;
    struct hs_batch *b;

    CHECK(hs_watch(rig_xs, "/events", "t") == 0 && event_comes("/events"));
    for (int i = 0; i < 200; i++) {
        snprintf(path, sizeof(path), "/events/%d", i);
        put(path, "1");
        /* Whether or not it came with the write's answer, it comes with this one. */
        CHECK(there(path));
        CHECK(event_comes(path));
    }
    b = begin(&tx);
    CHECK(b != NULL);
    for (int i = 0; i < 200; i++) {
        snprintf(path, sizeof(path), "/events/%d", i);
        CHECK(hs_batch_write(b, path, "2", 1) == 0);
        put("/events/other", "3");
    }
    CHECK(hs_batch_run(b, NULL) == 0);
    hs_batch_free(b);
    CHECK(hs_tx_commit(rig_xs, tx) == 0);
    CHECK(event_comes("/events/199"));
    CHECK(hs_unwatch(rig_xs, "/events", "t") == 0);
}

/* ---- without the library ---- */

static int raw_connection(void)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(sa.sun_path, sizeof(sa.sun_path), "%.80s/socket", rig_dir);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool read_all(int fd, void *to, size_t len)
{
    char *p = to;

    while (len > 0) {
        ssize_t n = read(fd, p, len);

        if (n <= 0)
            return false;
        p += n;
        len -= (size_t)n;
    }
    return true;
}

/*
 * All questions first, in odd pieces; then the answers. The daemon stops reading while too many of them lie unread, so the
 * pieces are few: what it has not read yet must fit into the socket, which counts a piece at much more than its bytes.
 */
static void answers_unread(void)
{
    static const char path[] = "/";
    char request[sizeof(struct xsd_sockmsg) + sizeof(path)], all[MANY * sizeof(request)], body[64];
    int fd = raw_connection();

    CHECK(fd >= 0);
    for (unsigned int i = 0; i < MANY; i++) {
        struct xsd_sockmsg hdr = {XS_GET_PERMS, i, 0, sizeof(path)};

        memcpy(request, &hdr, sizeof(hdr));
        memcpy(request + sizeof(hdr), path, sizeof(path));
        memcpy(all + i * sizeof(request), request, sizeof(request));
    }
    for (size_t at = 0, n; at < sizeof(all); at += n) {
        n = 701 + at % 89;
        n = n < sizeof(all) - at ? n : sizeof(all) - at;
        CHECK(send(fd, all + at, n, MSG_NOSIGNAL) == (ssize_t)n);
    }
    /* Others are served meanwhile. */
    CHECK(there("/"));
    for (unsigned int i = 0; i < MANY; i++) {
        struct xsd_sockmsg hdr;

        CHECK(read_all(fd, &hdr, sizeof(hdr)));
        CHECK(hdr.type == XS_GET_PERMS && hdr.req_id == i && hdr.len <= sizeof(body));
        CHECK(read_all(fd, body, hdr.len));
    }
    close(fd);
}

/* A length that no message may have ends the connection, also behind good requests of the same piece. */
static void too_long(void)
{
    struct {
        struct xsd_sockmsg good;
        char path[2];
        struct xsd_sockmsg bad;
    } __attribute__((packed)) two = {
        .good = {XS_READ, 1, 0, 2}, .path = "/", .bad = {XS_READ, 2, 0, XENSTORE_PAYLOAD_MAX + 1}};
    char rest[256];
    int fd = raw_connection();

    CHECK(fd >= 0);
    CHECK(send(fd, &two, sizeof(two), MSG_NOSIGNAL) == (ssize_t)sizeof(two));
    while (read(fd, rest, sizeof(rest)) > 0)
        ;
    close(fd);
    CHECK(there("/"));
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"many_changes", many_changes},
        {"first_failure", first_failure},
        {"no_transaction", needs_a_transaction},
        {"events_with_answers", events_with_answers},
        {"answers_unread", answers_unread},
        {"too_long", too_long},
        {"daemon_dies", daemon_dies},
    };
    int rc;

    xenstored = argc > 1 ? argv[1] : "build/bin/xenstored";
    if (!rig_start(xenstored)) {
        fprintf(stderr, "xs_batch_test: no xenstored\n");
        return 1;
    }
    rc = test_run("xs_batch", tests, sizeof(tests) / sizeof(tests[0]));
    rig_stop();
    return rc;
}
