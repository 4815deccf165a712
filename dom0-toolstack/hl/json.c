/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See json.h. */
#include "dom0-toolstack/hl/json.h"

#include <stdio.h>
#include <string.h>
#include <yajl/yajl_gen.h>

#include "dom0-toolstack/lib/domain_config.h"

bool json_start(struct json *j)
{
    j->gen = yajl_gen_alloc(NULL);
    if (!j->gen) {
        fprintf(stderr, "hl: out of memory\n");
        return false;
    }
    yajl_gen_config(j->gen, yajl_gen_beautify, 1);
    yajl_gen_config(j->gen, yajl_gen_indent_string, "    ");
    return true;
}

int json_finish(struct json *j)
{
    const unsigned char *text = NULL;
    size_t len = 0;
    bool ok = yajl_gen_get_buf(j->gen, &text, &len) == yajl_gen_status_ok &&
              fwrite(text, 1, len, stdout) == len && fflush(stdout) == 0;

    yajl_gen_free(j->gen);
    j->gen = NULL;
    if (!ok)
        fprintf(stderr, "hl: the output could not be written\n");
    return ok ? 0 : 1;
}

static void write_text(struct json *j, const char *text)
{
    yajl_gen_string(j->gen, (const unsigned char *)text, strlen(text));
}

static void write_key(struct json *j, const char *key)
{
    if (key)
        write_text(j, key);
}

void json_map(struct json *j, const char *key)
{
    write_key(j, key);
    yajl_gen_map_open(j->gen);
}

void json_map_end(struct json *j)
{
    yajl_gen_map_close(j->gen);
}

void json_array(struct json *j, const char *key)
{
    write_key(j, key);
    yajl_gen_array_open(j->gen);
}

void json_array_end(struct json *j)
{
    yajl_gen_array_close(j->gen);
}

void json_string(struct json *j, const char *key, const char *value)
{
    write_key(j, key);
    if (value)
        write_text(j, value);
    else
        yajl_gen_null(j->gen);
}

void json_int(struct json *j, const char *key, int64_t value)
{
    write_key(j, key);
    yajl_gen_integer(j->gen, value);
}

void json_bool(struct json *j, const char *key, bool value)
{
    write_key(j, key);
    yajl_gen_bool(j->gen, value);
}

void json_double(struct json *j, const char *key, double value, int digits)
{
    char text[64];
    int n = snprintf(text, sizeof(text), "%.*f", digits, value);

    write_key(j, key);
    yajl_gen_number(j->gen, text, (size_t)n);
}

void json_uuid(struct json *j, const char *key, const uint8_t uuid[16])
{
    char text[37];

    hl_uuid_format(uuid, text);
    json_string(j, key, text);
}
