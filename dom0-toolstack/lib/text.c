/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What texts of configurations must be; see text.h. */
#include "dom0-toolstack/lib/text.h"

bool hl_text_is_utf8(const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0';) {
        unsigned int more = *p < 0x80 ? 0 : *p < 0xc2 ? 4 : *p < 0xe0 ? 1 : *p < 0xf0 ? 2 : 3;
        unsigned int low = *p == 0xe0 ? 0xa0 : *p == 0xf0 ? 0x90 : 0x80;
        unsigned int high = *p == 0xed ? 0x9f : *p == 0xf4 ? 0x8f : 0xbf;

        if (more > 3 || *p++ > 0xf4)
            return false;
        for (; more > 0; more--, low = 0x80, high = 0xbf)
            if (*p < low || *p++ > high)
                return false;
    }
    return true;
}
