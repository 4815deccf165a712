/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzzer of guests' configurations: a .cfg file and overrides as on hl's command line, up to struct
 * hl_domain_config and its JSON form; and JSON as in the records that are read back.
 *
 *   input:  '{': all of it is JSON; else a file, and behind each NUL byte an override
 */
#include "dom0-toolstack/lib/cfg.h"
#include "dom0-toolstack/lib/cfg_domain.h"
#include "dom0-toolstack/lib/domain_config.h"
#include "dom0-toolstack/lib/error.h"
#include "tests/fuzz/fuzz.h"

/* What was written can be read, and is the same when it is written again. */
static void round_trip(const struct hl_domain_config *c)
{
    struct hl_domain_config copy, again;
    char *first, *second;

    FUZZ_CHECK(hl_domain_config_copy(&copy, c) == 0);
    first = hl_domain_config_to_json(&copy, true);
    FUZZ_CHECK(first);
    FUZZ_CHECK(hl_domain_config_from_json(&again, first, strlen(first), NULL) == 0);
    second = hl_domain_config_to_json(&again, true);
    FUZZ_CHECK(second && strcmp(first, second) == 0);
    free(first);
    free(second);
    hl_domain_config_free(&copy);
    hl_domain_config_free(&again);
}

static void check_record(const struct hl_error *e)
{
    char *text = hl_error_sentence(e), *json = hl_error_json(e);

    FUZZ_CHECK(text && *text && !strchr(text, '\n'));
    FUZZ_CHECK(json && *json == '{');
    free(text);
    free(json);
}

static void finish(struct hl_domain_config *c)
{
    struct hl_error *e = hl_error_new();

    if (hl_domain_config_finish(c, e) == 0) {
        FUZZ_CHECK(hl_domain_name_ok(c->name));
        round_trip(c);
    } else {
        check_record(e);
    }
    hl_error_free(e);
}

static void from_json(const char *text, size_t len)
{
    struct hl_error *e = hl_error_new();
    struct hl_domain_config c;

    if (hl_domain_config_from_json(&c, text, len, e) == 0)
        finish(&c);
    else
        check_record(e);
    hl_domain_config_free(&c);
    hl_error_free(e);
}

static unsigned int lines(const char *text, size_t len)
{
    unsigned int n = 1;

    for (size_t i = 0; i < len; i++)
        n += text[i] == '\n';
    return n;
}

static void check_error(const struct cfg_error *err, unsigned int last_line)
{
    char *text = cfg_error_string(err);

    FUZZ_CHECK(text && !err->no_memory && err->text[0] && err->place.line <= last_line);
    free(text);
}

static void warned(void *opaque, const char *text)
{
    unsigned int *n = opaque;

    FUZZ_CHECK(*text && !strchr(text, '\n'));
    ++*n;
}

static void from_files(const char *text, size_t len)
{
    struct cfg *cfg = cfg_new();
    struct cfg_error err = {0};
    struct hl_domain_config c;
    unsigned int last_line = 1, warnings = 0;
    bool good = true;

    hl_domain_config_init(&c);
    for (size_t at = 0; good && at <= len;) {
        size_t n = strnlen(text + at, len - at);
        char *exact = malloc(n ? n : 1);

        memcpy(exact, text + at, n);
        last_line = lines(exact, n) > last_line ? lines(exact, n) : last_line;
        good = cfg_parse(cfg, at ? "override" : "file.cfg", exact, n, &err) == 0;
        free(exact);
        at += n + 1;
    }
    if (good)
        good = cfg_to_domain(cfg, "file.cfg", &c, warned, &warnings, &err) == 0;
    if (good)
        finish(&c);
    else
        check_error(&err, last_line);
    cfg_free(cfg);
    hl_domain_config_free(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    memcpy(text, data, size);
    text[size] = '\0';
    if (size && *text == '{')
        from_json(text, size);
    else
        from_files(text, size);
    free(text);
    return 0;
}
