/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What texts of configurations must be. */
#ifndef HL_TEXT_H
#define HL_TEXT_H

#include <stdbool.h>

/* UTF-8 (Unicode 15, table 3-7). Other texts cannot be put into JSON so that they come out again. */
bool hl_text_is_utf8(const char *text);

#endif
