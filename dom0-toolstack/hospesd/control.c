/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two sockets of hospesd; the protocol is in client.h. A client is read without blocking, may
 * send one line of bounded length, and an idle one holds nothing up. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>
#include <yajl/yajl_gen.h>
#include <yajl/yajl_tree.h>

#include "dom0-toolstack/hospesd/channels.h"
#include "dom0-toolstack/hospesd/client.h"
#include "dom0-toolstack/hospesd/console.h"
#include "dom0-toolstack/hospesd/daemon.h"
#include "dom0-toolstack/hospesd/guests.h"
#include "dom0-toolstack/lib/domain_config.h"
#include "dom0-toolstack/lib/error.h"

struct listener {
    struct daemon *d;
    struct loop_source source;
    const char *name;
    bool console;
};

static struct listener listeners[2] = {
    {.source.fd = -1, .name = HOSPESD_CONTROL},
    {.source.fd = -1, .name = HOSPESD_CONSOLE, .console = true},
};

struct client {
    struct daemon *d;
    struct loop_source source;
    bool console;
    size_t len;
    char line[HOSPESD_MAX_LINE];
};

/* Closes unless the descriptor was handed on (fd -1). */
static void client_free(struct client *c)
{
    int fd = c->source.fd;

    loop_remove(&c->d->loop, &c->source);
    if (fd >= 0)
        close(fd);
    free(c);
}

/* Answers are short but for "list"; a client that does not read its answer loses it. */
static void answer(struct client *c, yajl_gen g)
{
    const unsigned char *text;
    size_t len;

    if (yajl_gen_get_buf(g, &text, &len) == yajl_gen_status_ok) {
        int fd = c->source.fd;

        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
        if (send(fd, text, len, MSG_NOSIGNAL) < 0 || send(fd, "\n", 1, MSG_NOSIGNAL) < 0)
            say("a client left before its answer");
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    }
    yajl_gen_free(g);
}

static void put(yajl_gen g, const char *text)
{
    yajl_gen_string(g, (const unsigned char *)text, strlen(text));
}

static yajl_gen begin(bool ok)
{
    yajl_gen g = yajl_gen_alloc(NULL);

    if (!g)
        return NULL;
    yajl_gen_map_open(g);
    put(g, "ok");
    yajl_gen_bool(g, ok);
    return g;
}

static void refuse(struct client *c, int errnum, const char *why)
{
    yajl_gen g = begin(false);

    if (!g)
        return;
    put(g, "errno");
    yajl_gen_integer(g, errnum);
    put(g, "error");
    put(g, why);
    yajl_gen_map_close(g);
    answer(c, g);
}

static void refuse_record(struct client *c, struct hl_error *e)
{
    char *text = hl_error_sentence(e);

    refuse(c, hl_error_errnum(e) ? hl_error_errnum(e) : EIO, text ? text : "failed");
    free(text);
}

static void accept_simply(struct client *c)
{
    yajl_gen g = begin(true);

    if (!g)
        return;
    yajl_gen_map_close(g);
    answer(c, g);
}

/* ---- requests ------------------------------------------------------------------------------- */

static bool get_number(yajl_val root, const char *key, long long *out)
{
    const char *path[] = {key, NULL};
    yajl_val v = yajl_tree_get(root, path, yajl_t_number);

    if (!v || !YAJL_IS_INTEGER(v))
        return false;
    *out = YAJL_GET_INTEGER(v);
    return true;
}

static const char *get_string(yajl_val root, const char *key)
{
    const char *path[] = {key, NULL};
    yajl_val v = yajl_tree_get(root, path, yajl_t_string);

    return v ? YAJL_GET_STRING(v) : NULL;
}

static bool get_domid(struct client *c, yajl_val root, uint32_t *domid)
{
    long long n;

    if (get_number(root, "domid", &n) && n >= 0 && n < 0x7ff0) {
        *domid = (uint32_t)n;
        return true;
    }
    refuse(c, EINVAL, "\"domid\" is missing or is no domain's number");
    return false;
}

static void do_ping(struct client *c, yajl_val root)
{
    yajl_gen g = begin(true);

    (void)root;
    if (!g)
        return;
    put(g, "pid");
    yajl_gen_integer(g, getpid());
    yajl_gen_map_close(g);
    answer(c, g);
}

static void do_adopt(struct client *c, yajl_val root)
{
    struct hl_error *e;
    uint32_t domid;

    if (!get_domid(c, root, &domid))
        return;
    e = hl_error_new();
    if (guest_adopt(c->d, domid, e) < 0)
        refuse_record(c, e);
    else
        accept_simply(c);
    hl_error_free(e);
}

static void do_give_up(struct client *c, yajl_val root)
{
    const char *name = get_string(root, "name");
    uint8_t uuid[16];
    char text[37];
    yajl_gen g;

    if (!name) {
        refuse(c, EINVAL, "\"name\" is missing");
        return;
    }
    if (guest_give_up(c->d, name, uuid) < 0) {
        refuse(c, ENOENT, "no guest of this name is to be restarted");
        return;
    }
    g = begin(true);
    if (!g)
        return;
    hl_uuid_format(uuid, text);
    put(g, "uuid");
    put(g, text);
    yajl_gen_map_close(g);
    answer(c, g);
}

static void do_state(struct client *c, yajl_val root)
{
    const char *text = get_string(root, "uuid"), *name = get_string(root, "name");
    const struct guest *guest;
    uint8_t uuid[16];
    yajl_gen g;

    if (text ? hl_uuid_parse(text, uuid) < 0 : !name) {
        refuse(c, EINVAL, "\"uuid\" is missing or is none");
        return;
    }
    guests_scan(c->d, false);
    guest = text ? guest_by_uuid(c->d, uuid) : guest_without_domain(c->d, name);
    g = begin(true);
    if (!g)
        return;
    put(g, "state");
    put(g, guest ? guest_state_name(guest->state) : "gone");
    yajl_gen_map_close(g);
    answer(c, g);
}

static void do_list(struct client *c, yajl_val root)
{
    yajl_gen g = begin(true);
    char uuid[37];

    (void)root;
    if (!g)
        return;
    put(g, "guests");
    yajl_gen_array_open(g);
    for (const struct guest *guest = c->d->guests; guest; guest = guest->next) {
        hl_uuid_format(guest->uuid, uuid);
        yajl_gen_map_open(g);
        put(g, "domid");
        yajl_gen_integer(g, guest->domid);
        put(g, "name");
        put(g, guest->name);
        put(g, "uuid");
        put(g, uuid);
        put(g, "state");
        put(g, guest_state_name(guest->state));
        put(g, "managed");
        yajl_gen_bool(g, guest->managed);
        put(g, "console");
        yajl_gen_bool(g, guest->console != NULL);
        put(g, "viewers");
        yajl_gen_integer(g, guest->console ? console_viewers(guest->console) : 0);
        yajl_gen_map_close(g);
    }
    yajl_gen_array_close(g);
    yajl_gen_map_close(g);
    answer(c, g);
}

static const struct {
    const char *name;
    void (*run)(struct client *c, yajl_val root);
} commands[] = {{"ping", do_ping},
                {"adopt", do_adopt},
                {"give-up", do_give_up},
                {"state", do_state},
                {"list", do_list}};

static void do_command(struct client *c, yajl_val root)
{
    const char *name = get_string(root, "cmd");

    for (size_t i = 0; name && i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(commands[i].name, name) == 0) {
            commands[i].run(c, root);
            return;
        }
    }
    refuse(c, ENOSYS, "\"cmd\" is missing or not known");
}

static struct console *find_console(struct guest *g, unsigned int number, struct hl_error *e)
{
    struct console *c = number == 0 ? guest_console(g, e) : channel_console(g->d, g->domid, number);

    if (!c && number != 0)
        hl_fail_dom(e, ENOENT, g->domid, "open the console", "it has no console %u", number);
    return c;
}

/* `rest`: what was typed ahead of the answer. The descriptor becomes the console's. */
static void do_console(struct client *c, yajl_val root, const char *rest, size_t rest_len)
{
    static const char *follow_path[] = {"follow", NULL}, *again_path[] = {"again", NULL};
    bool follow = YAJL_IS_TRUE(yajl_tree_get(root, follow_path, yajl_t_any));
    bool again = YAJL_IS_TRUE(yajl_tree_get(root, again_path, yajl_t_any));
    struct console *console = NULL;
    struct hl_error *e = NULL;
    long long number = 0;
    struct guest *g;
    uint32_t domid;
    int fd;

    if (!get_domid(c, root, &domid))
        return;
    if (get_number(root, "number", &number) && (number < 0 || number > UINT16_MAX)) {
        refuse(c, EINVAL, "\"number\" is no console's number");
        return;
    }
    e = hl_error_new();
    g = guest_by_domid(c->d, domid);
    if (!g) {
        guests_scan(c->d, false);
        g = guest_by_domid(c->d, domid);
    }
    if (!g)
        hl_fail_dom(e, ESRCH, domid, "open the console", "there is no such domain");
    else
        console = find_console(g, (unsigned int)number, e);
    if (!console) {
        refuse_record(c, e);
    } else {
        accept_simply(c);
        fd = c->source.fd;
        loop_remove(&c->d->loop, &c->source);
        if (rest_len)
            console_input(console, rest, rest_len);
        if (console_attach(console, fd, follow, again) < 0)
            close(fd);
    }
    hl_error_free(e);
}

static void handle_line(struct client *c, char *newline)
{
    const char *rest = newline + 1;
    size_t rest_len = c->len - (size_t)(rest - c->line);
    char problem[128];
    yajl_val root;

    *newline = 0;
    root = yajl_tree_parse(c->line, problem, sizeof(problem));
    if (!root || !YAJL_IS_OBJECT(root))
        refuse(c, EINVAL, "the request is no JSON object");
    else if (c->console)
        do_console(c, root, rest, rest_len);
    else
        do_command(c, root);
    yajl_tree_free(root);
}

static void client_ready(void *opaque, uint32_t events)
{
    struct client *c = opaque;
    char *newline;
    ssize_t n;

    (void)events;
    n = read(c->source.fd, c->line + c->len, sizeof(c->line) - 1 - c->len);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n <= 0) {
        client_free(c);
        return;
    }
    newline = memchr(c->line + c->len, '\n', (size_t)n);
    c->len += (size_t)n;
    if (newline) {
        handle_line(c, newline);
        client_free(c); /* one request a connection */
    } else if (c->len == sizeof(c->line) - 1) {
        refuse(c, EMSGSIZE, "the request is too long");
        client_free(c);
    }
}

static void listener_ready(void *opaque, uint32_t events)
{
    struct listener *l = opaque;
    struct timeval patience = {.tv_sec = 1};
    struct client *c;
    int fd;

    (void)events;
    fd = accept4(l->source.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    c = calloc(1, sizeof(*c));
    if (!c || loop_add(&l->d->loop, &c->source, fd, EPOLLIN, client_ready, c) < 0) {
        close(fd);
        free(c);
        return;
    }
    c->d = l->d;
    c->console = l->console;
}

static int listen_at(struct listener *l, struct hl_error *e)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd, rc;
    mode_t mask;

    rc = snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/%s", hospesd_run_dir(), l->name);
    if (rc < 0 || (size_t)rc >= sizeof(addr.sun_path))
        return hl_fail(e, ENAMETOOLONG, "make the socket", l->name, NULL);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return hl_fail(e, errno, "make the socket", addr.sun_path, NULL);
    unlink(addr.sun_path); /* an earlier daemon's; that none runs was checked */
    mask = umask(0177);
    rc = bind(fd, (struct sockaddr *)&addr, sizeof(addr));
    umask(mask);
    if (rc < 0 || listen(fd, 64) < 0) {
        rc = hl_fail(e, errno, "make the socket", addr.sun_path, NULL);
        close(fd);
        return rc;
    }
    rc = loop_add(&l->d->loop, &l->source, fd, EPOLLIN, listener_ready, l);
    if (rc < 0)
        close(fd);
    return rc < 0 ? hl_fail(e, -rc, "make the socket", addr.sun_path, NULL) : 0;
}

int control_start(struct daemon *d, struct hl_error *e)
{
    for (size_t i = 0; i < 2; i++) {
        int rc;

        listeners[i].d = d;
        rc = listen_at(&listeners[i], e);
        if (rc < 0)
            return rc;
    }
    return 0;
}

void control_stop(struct daemon *d)
{
    for (size_t i = 0; i < 2; i++) {
        int fd = listeners[i].source.fd;

        loop_remove(&d->loop, &listeners[i].source);
        if (fd >= 0)
            close(fd);
    }
}
