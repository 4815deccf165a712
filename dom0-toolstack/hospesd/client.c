/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See client.h. */
#include "dom0-toolstack/hospesd/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>
#include <yajl/yajl_gen.h>
#include <yajl/yajl_tree.h>

#include "dom0-toolstack/lib/domain_config.h"
#include "dom0-toolstack/lib/error.h"

/* A list of a thousand guests fits; more than this is no answer of ours. */
#define MAX_ANSWER (1u << 20)

/* The daemon answers at once, but a busy host may hold it up. */
#define ANSWER_SECONDS 60

const char *hospesd_run_dir(void)
{
    const char *dir = getenv("HOSPES_RUN_DIR");

    return dir && dir[0] ? dir : HOSPESD_RUN_DIR;
}

int hospesd_connect(const char *socket_name, struct hl_error *e)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int n, fd, saved;

    n = snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/%s", hospesd_run_dir(), socket_name);
    if (n < 0 || (size_t)n >= sizeof(addr.sun_path))
        return hl_fail(e, ENAMETOOLONG, "connect to hospesd", hospesd_run_dir(), NULL);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return hl_fail(e, errno, "connect to hospesd", addr.sun_path, NULL);
    if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0)
        return fd;
    saved = errno;
    close(fd);
    if (saved == ENOENT || saved == ECONNREFUSED) {
        hl_fail(e, saved, "connect to hospesd", addr.sun_path, "hospesd is not running");
        hl_error_advise(e, "start it: 'systemctl start hospesd', or run 'hospesd'");
        return -saved;
    }
    return hl_fail(e, saved, "connect to hospesd", addr.sun_path, NULL);
}

static int send_line(int fd, const char *line)
{
    size_t len = strlen(line);
    char *text = malloc(len + 1);
    size_t sent = 0;

    if (!text)
        return -ENOMEM;
    memcpy(text, line, len);
    text[len++] = '\n';
    while (sent < len) {
        ssize_t n = send(fd, text + sent, len - sent, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            int rc = -errno;

            free(text);
            return rc;
        }
        sent += (size_t)n;
    }
    free(text);
    return 0;
}

/* One line, byte by byte at its end: what follows it belongs to whoever reads next. */
static int receive_line(int fd, char **out)
{
    size_t len = 0, size = 0;
    char *text = NULL;

    for (;;) {
        ssize_t n;

        if (len + 1 >= size) {
            char *bigger;

            size = size ? size * 2 : 256;
            bigger = size <= MAX_ANSWER ? realloc(text, size) : NULL;
            if (!bigger) {
                free(text);
                return -ENOMEM;
            }
            text = bigger;
        }
        n = recv(fd, text + len, size - len - 1, MSG_PEEK);
        if (n > 0) {
            char *newline = memchr(text + len, '\n', (size_t)n);

            n = recv(fd, text + len, newline ? (size_t)(newline - text) - len + 1 : (size_t)n, 0);
        }
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            free(text);
            return n < 0 ? -errno : -ECONNRESET;
        }
        len += (size_t)n;
        if (text[len - 1] == '\n') {
            text[len - 1] = 0;
            *out = text;
            return 0;
        }
    }
}

/* 0 for {"ok":true}; else the daemon's error into the record. */
static int check_answer(const char *text, struct hl_error *e)
{
    static const char *ok_path[] = {"ok", NULL}, *error_path[] = {"error", NULL};
    static const char *errno_path[] = {"errno", NULL};
    char problem[128];
    yajl_val root = yajl_tree_parse(text, problem, sizeof(problem));
    yajl_val error, number;
    int rc;

    if (!root)
        return hl_fail(e, EPROTO, "read hospesd's answer", NULL, NULL);
    if (YAJL_IS_TRUE(yajl_tree_get(root, ok_path, yajl_t_any))) {
        yajl_tree_free(root);
        return 0;
    }
    error = yajl_tree_get(root, error_path, yajl_t_string);
    number = yajl_tree_get(root, errno_path, yajl_t_number);
    rc = number && YAJL_IS_INTEGER(number) ? (int)YAJL_GET_INTEGER(number) : EIO;
    rc = hl_fail(e, rc > 0 && rc < 4096 ? rc : EIO, "ask hospesd", NULL, "%s",
                 error ? YAJL_GET_STRING(error) : "it refused without a reason");
    yajl_tree_free(root);
    return rc;
}

int hospesd_request(int fd, const char *line, char **answer, struct hl_error *e)
{
    char *text = NULL;
    struct timeval patience = {.tv_sec = ANSWER_SECONDS}, forever = {0};
    int rc = send_line(fd, line);

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (rc == 0)
        rc = receive_line(fd, &text);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &forever, sizeof(forever));
    if (rc == -EAGAIN) {
        hl_fail(e, ETIMEDOUT, "talk to hospesd", NULL, "it did not answer within %d seconds",
                ANSWER_SECONDS);
        hl_error_advise(e, "restart it: 'systemctl restart hospesd'; guests do not notice");
        return -ETIMEDOUT;
    }
    if (rc < 0)
        return hl_fail(e, -rc, "talk to hospesd", NULL, NULL);
    rc = check_answer(text, e);
    if (rc == 0 && answer)
        *answer = text;
    else
        free(text);
    return rc;
}

int hospesd_command(const char *line, char **answer, struct hl_error *e)
{
    int fd = hospesd_connect(HOSPESD_CONTROL, e);
    int rc;

    if (fd < 0)
        return fd;
    rc = hospesd_request(fd, line, answer, e);
    close(fd);
    return rc;
}

int hospesd_adopt(uint32_t domid, struct hl_error *e)
{
    char line[64];

    snprintf(line, sizeof(line), "{\"cmd\":\"adopt\",\"domid\":%u}", domid);
    return hospesd_command(line, NULL, e);
}

/* {"cmd":cmd,key:value}; *out gets the string `wanted` of the answer, malloc'd. */
static int ask(const char *cmd, const char *key, const char *value, const char *wanted, char **out,
               struct hl_error *e)
{
    const char *words[] = {"cmd", cmd, key, value}, *path[] = {wanted, NULL};
    char *answer = NULL, problem[128];
    yajl_gen gen = yajl_gen_alloc(NULL);
    const unsigned char *text;
    yajl_val root, v;
    size_t len;
    int rc;

    if (!gen)
        return hl_fail(e, ENOMEM, "ask hospesd", NULL, NULL);
    yajl_gen_map_open(gen);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        yajl_gen_string(gen, (const unsigned char *)words[i], strlen(words[i]));
    yajl_gen_map_close(gen);
    if (yajl_gen_get_buf(gen, &text, &len) == yajl_gen_status_ok)
        rc = hospesd_command((const char *)text, &answer, e);
    else
        rc = hl_fail(e, EINVAL, "ask hospesd", value, NULL);
    yajl_gen_free(gen);
    if (rc < 0)
        return rc;
    root = yajl_tree_parse(answer, problem, sizeof(problem));
    v = root ? yajl_tree_get(root, path, yajl_t_string) : NULL;
    *out = NULL;
    if (v)
        *out = strdup(v->u.string);
    yajl_tree_free(root);
    free(answer);
    return *out ? 0 : hl_fail(e, v ? ENOMEM : EPROTO, "read hospesd's answer", NULL, NULL);
}

int hospesd_give_up(const char *name, uint8_t uuid[16], struct hl_error *e)
{
    char *text;
    int rc = ask("give-up", "name", name, "uuid", &text, e);

    if (rc < 0)
        return rc;
    rc = hl_uuid_parse(text, uuid);
    free(text);
    return rc;
}

/* {"cmd":"state"}: is it `state`? */
static int is_in_state(const char *key, const char *value, const char *state, bool *is,
                       struct hl_error *e)
{
    char *text;
    int rc = ask("state", key, value, "state", &text, e);

    if (rc < 0)
        return rc;
    *is = strcmp(text, state) == 0;
    free(text);
    return 0;
}

bool hospesd_restarts(const char *name)
{
    bool is;

    return is_in_state("name", name, "restarting", &is, NULL) == 0 && is;
}

int hospesd_gone(const uint8_t uuid[16], bool *gone, struct hl_error *e)
{
    char text[37];

    hl_uuid_format(uuid, text);
    return is_in_state("uuid", text, "gone", gone, e);
}

/* Who listens. */
static int peer(int fd, pid_t *pid)
{
    struct ucred who;
    socklen_t size = sizeof(who);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) < 0)
        return -errno;
    *pid = who.pid;
    return 0;
}

int hospesd_console(uint32_t domid, unsigned int number, bool follow, pid_t *daemon,
                    struct hl_error *e)
{
    int fd = hospesd_connect(HOSPESD_CONSOLE, e);
    pid_t earlier = *daemon;
    char line[96];
    int rc;

    if (fd < 0)
        return fd;
    rc = peer(fd, daemon);
    /* One that is dying may have closed its consoles before the socket that we found: it does not answer any more. */
    if (rc == 0 && *daemon == earlier) {
        rc = hospesd_request(fd, "{}", NULL, NULL);
        rc = rc == -ECONNRESET || rc == -EPIPE ? -ECONNRESET : -EALREADY;
    }
    if (rc < 0) {
        close(fd);
        return hl_fail(e, -rc, "ask hospesd for the console", NULL, NULL);
    }
    snprintf(line, sizeof(line), "{\"domid\":%u,\"number\":%u,\"follow\":%s,\"again\":%s}", domid,
             number, follow ? "true" : "false", earlier != 0 ? "true" : "false");
    rc = hospesd_request(fd, line, NULL, e);
    if (rc < 0) {
        close(fd);
        return rc;
    }
    return fd;
}
