/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Half-made domains whose creator died (lib/creation.h): the worker removes them. */
#ifndef HL_HOSPESD_CREATIONS_H
#define HL_HOSPESD_CREATIONS_H

struct daemon;
struct hl_error;

/* Looks at what is there, and from then on at each creator's end. 0 or a negative errno. */
int creations_start(struct daemon *d, struct hl_error *e);
/* Looks again: xenstored, which was away, is back. */
void creations_scan(struct daemon *d);
/* The same a second later: a creator was found to live, or its lock outlived it by a moment. */
void creations_scan_later(struct daemon *d);
void creations_stop(struct daemon *d);

#endif
