/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing JSON to stdout (yajl). A key of NULL is for members of arrays. Output errors show when the
 * document is finished.
 */
#ifndef HL_HL_JSON_H
#define HL_HL_JSON_H

#include <stdbool.h>
#include <stdint.h>

struct yajl_gen_t;
struct json {
    struct yajl_gen_t *gen;
};

/* Starts a document. False when out of memory (then nothing else may be called). */
bool json_start(struct json *j);
/* Prints it and frees all; 0, or 1 (an exit code) when it could not be written. */
int json_finish(struct json *j);

void json_map(struct json *j, const char *key);
void json_map_end(struct json *j);
void json_array(struct json *j, const char *key);
void json_array_end(struct json *j);

/* A NULL value is written as null. */
void json_string(struct json *j, const char *key, const char *value);
void json_int(struct json *j, const char *key, int64_t value);
void json_bool(struct json *j, const char *key, bool value);
void json_double(struct json *j, const char *key, double value, int digits);
void json_uuid(struct json *j, const char *key, const uint8_t uuid[16]);

#endif
