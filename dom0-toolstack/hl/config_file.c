/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See config_file.h. */
#include "dom0-toolstack/hl/config_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dom0-toolstack/hl/hl.h"
#include "dom0-toolstack/lib/cfg.h"
#include "dom0-toolstack/lib/cfg_domain.h"
#include "dom0-toolstack/lib/domain_config.h"

/* No configuration is this long; a wrong file name may be. */
#define MAX_FILE (1u << 20)

static int read_file(struct app *app, const char *path, char **text, size_t *len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t size = 0;
    char *buf = NULL;
    int rc;

    if (fd < 0)
        return hl_fail(app->err, errno, "read the config file", path, NULL);
    buf = malloc(MAX_FILE + 1);
    rc = buf ? 0 : hl_fail(app->err, ENOMEM, "read the config file", path, NULL);
    while (rc == 0) {
        ssize_t n = read(fd, buf + size, MAX_FILE + 1 - size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            rc = hl_fail(app->err, errno, "read the config file", path, NULL);
        if (n <= 0)
            break;
        size += (size_t)n;
        if (size > MAX_FILE)
            rc = hl_fail(app->err, EFBIG, "read the config file", path,
                         "it is longer than 1 MiB: is it a configuration at all?");
    }
    close(fd);
    if (rc < 0) {
        free(buf);
        return rc;
    }
    *text = buf;
    *len = size;
    return 0;
}

static void warn(void *opaque, const char *text)
{
    const struct app *app = opaque;

    if (app)
        fprintf(stderr, "%s\n", text);
}

/* A parser's error as a record. */
static int syntax_error(struct app *app, const struct cfg_error *err)
{
    char object[512];

    if (err->place.line)
        snprintf(object, sizeof(object), "%s:%u:%u", err->place.source, err->place.line,
                 err->place.column);
    else
        snprintf(object, sizeof(object), "%s", err->place.source);
    return hl_fail(app->err, err->no_memory ? ENOMEM : EINVAL, "read the configuration", object,
                   "%s", err->text);
}

static int parse_all(struct app *app, const struct config_input *in, struct cfg *cfg)
{
    struct cfg_error err = {0};
    char *text = NULL;
    size_t len = 0;
    int rc;

    if (in->file) {
        rc = read_file(app, in->file, &text, &len);
        if (rc < 0)
            return rc;
        rc = cfg_parse(cfg, in->file, text, len, &err);
        free(text);
        if (rc < 0)
            return syntax_error(app, &err);
    }
    for (int i = 0; i < in->nr_overrides; i++) {
        char source[80];

        snprintf(source, sizeof(source), "command line '%.50s'", in->overrides[i]);
        if (cfg_parse(cfg, source, in->overrides[i], strlen(in->overrides[i]), &err) < 0)
            return syntax_error(app, &err);
    }
    return 0;
}

int config_load(struct app *app, const struct config_input *in, struct hl_domain_config *c)
{
    const char *source = in->file ? in->file : "command line";
    struct cfg_error err = {0};
    struct cfg *cfg = cfg_new();
    int rc;

    hl_domain_config_init(c);
    if (!cfg) {
        hl_fail(app->err, ENOMEM, "read the configuration", source, NULL);
        return app_failed(app);
    }
    rc = parse_all(app, in, cfg);
    if (rc == 0 && cfg_to_domain(cfg, source, c, warn, in->quiet ? NULL : app, &err) < 0)
        rc = syntax_error(app, &err);
    if (rc == 0 && in->file) {
        c->config_file = strdup(in->file);
        rc = c->config_file ? hl_domain_config_finish(c, app->err)
                            : hl_fail(app->err, ENOMEM, "read the configuration", source, NULL);
    } else if (rc == 0) {
        rc = hl_domain_config_finish(c, app->err);
    }
    cfg_free(cfg);
    if (rc == 0)
        return 0;
    hl_domain_config_free(c);
    app_failed(app);
    return rc == -ENOENT || rc == -EACCES || rc == -EISDIR ? EXIT_NO_FILE : EXIT_FAILED;
}
