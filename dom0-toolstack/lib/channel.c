/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Consoles beyond the first: the class console, "channels" to configurations. hospesd serves them, by
 * a pseudo-terminal or a Unix socket; in a Linux guest number N is /dev/hvcN.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "dom0-toolstack/lib/ctx.h"
#include "dom0-toolstack/lib/device_class.h"
#include "dom0-toolstack/lib/error.h"

static const char *const connection_names[] = {"pty", "socket", NULL};

static const struct device_field fields[] = {
    DEVICE_FIELD("backend_domname", FIELD_TEXT, channel.backend_domain, NULL, 0),
    DEVICE_FIELD("name", FIELD_TEXT, channel.name, NULL, 0),
    DEVICE_FIELD("connection", FIELD_UNION, channel.connection, connection_names, -1),
    DEVICE_FIELD("connection/path", FIELD_TEXT, channel.path, NULL, 0),
    {NULL, FIELD_TEXT, 0, NULL, 0},
};

static void init(struct hl_device *d)
{
    d->channel.connection = -1;
}

/* ---- the text ----------------------------------------------------------------------------- */

static int set_name(struct hl_device *d, const char *value, char *why, size_t size)
{
    return spec_text(&d->channel.name, value, why, size);
}

static int set_backend(struct hl_device *d, const char *value, char *why, size_t size)
{
    return spec_text(&d->channel.backend_domain, value, why, size);
}

static int set_connection(struct hl_device *d, const char *value, char *why, size_t size)
{
    for (int i = 0; connection_names[i] != NULL; i++) {
        if (strcasecmp(value, connection_names[i]) == 0) {
            d->channel.connection = i;
            return 0;
        }
    }
    return spec_bad(why, size, "connection must be pty or socket, found '%s'", value);
}

static int set_path(struct hl_device *d, const char *value, char *why, size_t size)
{
    struct sockaddr_un addr;

    if (*value != '/')
        return spec_bad(why, size, "path must begin with a slash, found '%s'", value);
    if (strlen(value) >= sizeof(addr.sun_path))
        return spec_bad(why, size, "path is longer than a socket's may be (%zu)",
                        sizeof(addr.sun_path) - 1);
    return spec_text(&d->channel.path, value, why, size);
}

static const struct spec_key keys[] = {
    {"backend", set_backend}, {"name", set_name}, {"connection", set_connection},
    {"path", set_path},       {NULL, NULL},
};

static int parse(struct hl_device *d, const char *spec, char *why, size_t size)
{
    const struct hl_channel *c = &d->channel;
    int rc = spec_parse(d, spec, keys, why, size);

    if (rc < 0)
        return rc;
    if (c->name == NULL || *c->name == '\0')
        return spec_bad(why, size, "name= is missing");
    if (c->connection < 0)
        return spec_bad(why, size, "connection= is missing: pty or socket");
    if (c->connection == HL_CHANNEL_SOCKET && c->path == NULL)
        return spec_bad(why, size, "connection=socket needs path=");
    if (c->connection == HL_CHANNEL_PTY && c->path != NULL)
        return spec_bad(why, size, "path= is for connection=socket");
    return 0;
}

static int finish(struct hl_device *d, const char *domain, struct hl_error *e)
{
    (void)domain;
    if (d->devid == 0)
        return hl_fail(e, EINVAL, "check the configuration", "channel",
                       "number 0 is the domain's first console");
    if (d->channel.connection < 0 ||
        (d->channel.connection == HL_CHANNEL_SOCKET && d->channel.path == NULL))
        return hl_fail(e, EINVAL, "check the configuration", "channel",
                       "the channel's connection is incomplete");
    return device_own_backend(d->channel.backend_domain, &console_class, e);
}

static const char *own(const struct hl_device *d)
{
    return d->channel.path;
}

/* ---- the device --------------------------------------------------------------------------- */

static const struct device_backend *backend(const struct hl_device *d, struct hl_error *e)
{
    (void)d;
    (void)e;
    return device_backend_find(HL_DEVICE_CONSOLE, "console");
}

static void nodes(struct device_job *j, struct store_writer *w)
{
    const struct hl_channel *c = &j->dev->channel;
    const char *name = c->name == NULL ? "" : c->name;

    device_put(j, w, "protocol", "vt100");
    device_put(j, w, "name", "%s", name);
    device_put(j, w, "connection", "%s", connection_names[c->connection]);
    if (c->path != NULL)
        device_put(j, w, "path", "%s", c->path);
    store_put(w, j->front, "protocol", "vt100");
    /* What programs of Domain 0 believe. */
    store_put_readable(w, j->front, "name", name);
    store_put_readable(w, j->front, "limit", "1048576");
    store_put_readable(w, j->front, "type", "ioemu");
    store_put_readable(w, j->front, "output", "pty");
    store_put_readable(w, j->front, "tty", "");
}

static bool is_left_over(const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    struct stat st;
    bool refused;
    int fd;

    if (strlen(path) >= sizeof(addr.sun_path) || lstat(path, &st) != 0 || !S_ISSOCK(st.st_mode))
        return false;
    strcpy(addr.sun_path, path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    refused = connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 && errno == ECONNREFUSED;
    close(fd);
    return refused;
}

/* hospesd removes its socket; when it was killed, this does. */
static void unplug(struct device_job *j)
{
    char *path = hs_read_at(j->ctx->xs, HS_TX_NONE, j->copy, "path");

    if (path != NULL && is_left_over(path))
        unlink(path);
    free(path);
}

static void info(struct hl_ctx *ctx, struct hl_device_info *i)
{
    i->ring_ref[0] = hs_number_at(ctx->xs, HS_TX_NONE, i->frontend, "ring-ref", -1);
    if (i->backend == NULL)
        return;
    i->name = hs_read_at(ctx->xs, HS_TX_NONE, i->backend, "name");
    i->connection = hs_read_at(ctx->xs, HS_TX_NONE, i->backend, "connection");
    /* From our side of the store: the guest could put its own folder in the other's place. */
    if (i->connection != NULL && strcmp(i->connection, "socket") == 0)
        i->target = hs_read_at(ctx->xs, HS_TX_NONE, i->backend, "path");
    else
        i->target = hs_read_at(ctx->xs, HS_TX_NONE, i->backend, "tty");
}

const struct device_class console_class = {
    .name = "console",
    .key = "channel",
    .json = "channels",
    .noun = "channel",
    .first = 1,
    .fields = fields,
    .init = init,
    .parse = parse,
    .finish = finish,
    .own = own,
    .backend = backend,
    .nodes = nodes,
    .unplug = unplug,
    .info = info,
};
