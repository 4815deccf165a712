/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every failure of the toolstack is one record: what was being done (step), to what (object), why it
 * failed (cause, from an errno or in words) and what the user can do (advice). The record prints as
 * one sentence for people and as one JSON object for programs.
 *
 * Functions that can fail return 0 or a negative errno and fill the record that the caller passed. A
 * NULL record is allowed everywhere: the caller then wants the number only.
 */
#ifndef HL_ERROR_H
#define HL_ERROR_H

#include <stdbool.h>

struct hl_error;

/* A new empty record, or NULL when out of memory (which every function here accepts). */
struct hl_error *hl_error_new(void);
void hl_error_free(struct hl_error *e);

/* Back to the empty record, to use it again. */
void hl_error_clear(struct hl_error *e);

/*
 * Fills the record and returns -errnum (errnum > 0), so that a failing function can end with
 * `return hl_fail(e, ...)`. `object` may be NULL. `cause` is a printf format and may be NULL: then
 * the cause is the text of errnum. A record that is already filled is overwritten.
 */
int hl_fail(struct hl_error *e, int errnum, const char *step, const char *object, const char *cause,
            ...) __attribute__((format(printf, 5, 6)));

/* The same with "domain N" as the object. */
int hl_fail_dom(struct hl_error *e, int errnum, unsigned int domid, const char *step,
                const char *cause, ...) __attribute__((format(printf, 5, 6)));

/* What the user can do about it; may be called after hl_fail(). Printf format. */
void hl_error_advise(struct hl_error *e, const char *advice, ...)
    __attribute__((format(printf, 2, 3)));

/* Names the bigger thing that failed because of this ("create domain web1"), outermost last. */
void hl_error_within(struct hl_error *e, const char *what, ...)
    __attribute__((format(printf, 2, 3)));

/* Parts of the record; never NULL for a filled one ("" where nothing was given). */
bool hl_error_is_set(const struct hl_error *e);
int hl_error_errnum(const struct hl_error *e);
const char *hl_error_step(const struct hl_error *e);
const char *hl_error_object(const struct hl_error *e);
const char *hl_error_cause(const struct hl_error *e);
const char *hl_error_advice(const struct hl_error *e);

/* Copies a record (for a background job that hands its failure on). */
void hl_error_copy(struct hl_error *to, const struct hl_error *from);

/*
 * The record as a sentence without a newline, or as a JSON object:
 *   {"step":…,"object":…,"errno":N,"error":"ENOMEM","cause":…,"advice":…,"within":[…]}
 * To be freed by the caller; NULL when out of memory or empty.
 */
char *hl_error_sentence(const struct hl_error *e);
char *hl_error_json(const struct hl_error *e);

#endif
