/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's defaults, /etc/xen/xl.conf (environment HOSPES_XL_CONF names another file). */
#ifndef HL_XL_CONF_H
#define HL_XL_CONF_H

struct hl_error;

/*
 * *value gets a malloc'd string, NULL where the key is not set. No file is as good as an empty one;
 * one that cannot be read is an error with file, line and column.
 */
int xl_conf_string(const char *key, char **value, struct hl_error *e);

#endif
