/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configurations of living domains on disk; see record.h. */
#include "dom0-toolstack/lib/record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dom0-toolstack/lib/domain_config.h"
#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/files.h"

static int record_dir(char *path, size_t size)
{
    const char *state = getenv("HOSPES_STATE_DIR");
    int n =
        snprintf(path, size, "%s/domains", state != NULL && *state != '\0' ? state : HL_STATE_DIR);

    return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

static int record_path(const uint8_t uuid[16], char *path, size_t size)
{
    char dir[512], text[37];
    int n, rc = record_dir(dir, sizeof(dir));

    if (rc != 0)
        return rc;
    hl_uuid_format(uuid, text);
    n = snprintf(path, size, "%s/%s.json", dir, text);
    return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

int hl_record_save(const struct hl_domain_config *c, struct hl_error *e)
{
    static const char step[] = "keep the domain's configuration";
    char dir[512], path[600];
    char *json;
    int rc = record_dir(dir, sizeof(dir));

    if (rc == 0)
        rc = record_path(c->uuid, path, sizeof(path));
    if (rc != 0)
        return hl_fail(e, -rc, step, NULL, NULL);
    rc = file_make_dirs(dir, 0755);
    if (rc != 0)
        return hl_fail(e, -rc, step, dir, NULL);
    json = hl_domain_config_to_json(c, true);
    if (json == NULL)
        return hl_fail(e, ENOMEM, step, path, NULL);
    /* A command line may hold a password: for root alone. */
    rc = file_write_atomic(path, json, strlen(json), 0600);
    free(json);
    return rc == 0 ? 0 : hl_fail(e, -rc, step, path, NULL);
}

int hl_record_load(const uint8_t uuid[16], struct hl_domain_config *c, struct hl_error *e)
{
    static const char step[] = "read a domain's saved configuration";
    char path[600];
    void *data;
    size_t size;
    int rc = record_path(uuid, path, sizeof(path));

    hl_domain_config_init(c);
    if (rc == 0)
        rc = file_read_all(path, (size_t)1 << 20, &data, &size);
    if (rc != 0)
        return hl_fail(e, -rc, step, path, NULL);
    rc = hl_domain_config_from_json(c, data, size, e);
    free(data);
    if (rc != 0)
        hl_error_within(e, "%s", path);
    return rc;
}

void hl_record_remove(const uint8_t uuid[16])
{
    char path[600];

    if (record_path(uuid, path, sizeof(path)) == 0)
        unlink(path);
}
