/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text of a network interface, xl-network-configuration(5): key=value and flags, separated by
 * commas, all optional. mode= (bridge, nat, route or user) and backendtype=
 * (kernel or tap) are ours.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "dom0-toolstack/lib/device_class.h"

struct spec {
    struct hl_device *dev;
    char *why;
    size_t size;
};

static int __attribute__((format(printf, 2, 3))) bad(const struct spec *s, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(s->why, s->size, fmt, ap);
    va_end(ap);
    return -EINVAL;
}

static bool is(const char *text, size_t len, const char *word)
{
    return strlen(word) == len && strncasecmp(text, word, len) == 0;
}

static int set_text(const struct spec *s, char **field, const char *text, size_t len)
{
    free(*field);
    *field = NULL;
    return device_set_text(field, text, len, s->why, s->size);
}

static int set_mac(const struct spec *s, const char *text, size_t len)
{
    char *mac;
    int rc;

    if (len != 17)
        return bad(s, "mac must be like 00:16:3e:01:02:03, found '%.*s'", (int)len, text);
    for (size_t i = 0; i < len; i++) {
        if (i % 3 == 2 ? text[i] != ':' : !isxdigit((unsigned char)text[i]))
            return bad(s, "mac must be like 00:16:3e:01:02:03, found '%.*s'", (int)len, text);
    }
    rc = set_text(s, &s->dev->nic.mac, text, len);
    if (rc < 0)
        return rc;
    mac = s->dev->nic.mac;
    for (size_t i = 0; i < len; i++)
        mac[i] = (char)tolower((unsigned char)mac[i]);
    if (strtoul(mac, NULL, 16) & 1)
        return bad(s, "mac %s is a multicast address", mac);
    return 0;
}

static int set_name(const struct spec *s, char **field, const char *what, const char *text,
                    size_t len)
{
    if (len >= IFNAMSIZ)
        return bad(s, "%s '%.*s' is longer than an interface's name may be (%d)", what, (int)len,
                   text, IFNAMSIZ - 1);
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '/' || isspace((unsigned char)text[i]))
            return bad(s, "%s '%.*s' is no interface's name", what, (int)len, text);
    }
    return set_text(s, field, text, len);
}

static int set_bridge(const struct spec *s, const char *text, size_t len)
{
    return set_name(s, &s->dev->nic.bridge, "bridge", text, len);
}

static int set_vifname(const struct spec *s, const char *text, size_t len)
{
    return set_name(s, &s->dev->nic.vifname, "vifname", text, len);
}

static int set_gatewaydev(const struct spec *s, const char *text, size_t len)
{
    return set_name(s, &s->dev->nic.gatewaydev, "gatewaydev", text, len);
}

static int set_ip(const struct spec *s, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!isxdigit((unsigned char)text[i]) && !strchr(".:/ ", text[i]))
            return bad(s, "ip must be an address, found '%.*s'", (int)len, text);
    }
    return set_text(s, &s->dev->nic.ip, text, len);
}

static int set_script(const struct spec *s, const char *text, size_t len)
{
    return set_text(s, &s->dev->nic.script, text, len);
}

static int set_backend(const struct spec *s, const char *text, size_t len)
{
    return set_text(s, &s->dev->nic.backend_domain, text, len);
}

static int set_model(const struct spec *s, const char *text, size_t len)
{
    return set_text(s, &s->dev->nic.model, text, len);
}

static int set_type(const struct spec *s, const char *text, size_t len)
{
    /* A PV guest has one kind, whatever is written there. */
    if (is(text, len, "vif") || is(text, len, "ioemu"))
        return 0;
    return bad(s, "type must be vif or ioemu, found '%.*s'", (int)len, text);
}

static int set_mode(const struct spec *s, const char *text, size_t len)
{
    static const struct {
        const char *name;
        enum hl_nic_mode mode;
    } modes[] = {
        {"bridge", HL_NIC_BRIDGE},
        {"nat", HL_NIC_NAT},
        {"route", HL_NIC_ROUTE},
        {"user", HL_NIC_USER},
    };

    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (is(text, len, modes[i].name)) {
            s->dev->nic.mode = (int)modes[i].mode;
            return 0;
        }
    }
    return bad(s, "mode must be bridge, nat, route or user, found '%.*s'", (int)len, text);
}

static int set_backendtype(const struct spec *s, const char *text, size_t len)
{
    s->dev->nic.tap = is(text, len, "tap");
    if (s->dev->nic.tap || is(text, len, "kernel"))
        return 0;
    return bad(s, "backendtype must be kernel or tap, found '%.*s'", (int)len, text);
}

/* Digits and what follows them; false where there are none or too many. */
static bool number(const char **text, size_t *len, unsigned long long *out)
{
    size_t n = 0;

    *out = 0;
    while (n < *len && isdigit((unsigned char)(*text)[n])) {
        if (*out > ULLONG_MAX / 10 - 1)
            return false;
        *out = *out * 10 + (unsigned int)((*text)[n++] - '0');
    }
    *text += n;
    *len -= n;
    return n > 0;
}

static int number_in(const struct spec *s, const char *what, const char *text, size_t len,
                     unsigned int low, unsigned int high, int *out)
{
    const char *at = text;
    unsigned long long v;
    size_t left = len;

    if (!number(&at, &left, &v) || left || v < low || v > high)
        return bad(s, "%s must be a number from %u to %u, found '%.*s'", what, low, high, (int)len,
                   text);
    *out = (int)v;
    return 0;
}

static int set_mtu(const struct spec *s, const char *text, size_t len)
{
    return number_in(s, "mtu", text, len, 68, 65517, &s->dev->nic.mtu);
}

static int set_devid(const struct spec *s, const char *text, size_t len)
{
    int id = 0, rc = number_in(s, "devid", text, len, 0, 65535, &id);

    if (rc == 0)
        s->dev->devid = (uint32_t)id;
    return rc;
}

/* RATE/s[@INTERVAL]: bytes (B) or bits (b) a second, and how often the credit is filled up. */
static int set_rate(const struct spec *s, const char *text, size_t len)
{
    static const char expected[] = "rate must be like 10Mb/s, 250KB/s or 1MB/s@20ms, found '%.*s'";
    unsigned long long rate, unit = 1, interval = 50000, us = 1, bytes;
    const char *at = text;
    size_t left = len;

    if (!number(&at, &left, &rate) || left < 3)
        return bad(s, expected, (int)len, text);
    if (*at == 'G' || *at == 'M' || *at == 'K') {
        unit = *at == 'G' ? 1000000000 : *at == 'M' ? 1000000 : 1000;
        at++;
        left--;
    }
    if (left < 3 || (*at != 'B' && *at != 'b') || strncmp(at + 1, "/s", 2) != 0)
        return bad(s, expected, (int)len, text);
    if (rate > (1ull << 40) / unit)
        return bad(s, "the rate '%.*s' is too big", (int)len, text);
    rate *= unit;
    if (*at == 'b')
        rate /= 8;
    at += 3;
    left -= 3;
    if (left) {
        if (*at++ != '@' || (left--, !number(&at, &left, &interval)) || interval > 1000000000)
            return bad(s, expected, (int)len, text);
        if (is(at, left, "ms"))
            us = 1000;
        else if (is(at, left, "s"))
            us = 1000000;
        else if (!is(at, left, "us"))
            return bad(s, expected, (int)len, text);
        interval *= us;
    }
    if (interval == 0 || interval > 4000000000ull / 2)
        return bad(s, "the interval of '%.*s' is not usable", (int)len, text);
    bytes = (unsigned long long)((unsigned __int128)rate * interval / 1000000);
    if (bytes == 0 || bytes > UINT32_MAX)
        return bad(s, "the rate '%.*s' is %s", (int)len, text, bytes ? "too big" : "too small");
    s->dev->nic.rate_bytes = (long long)bytes;
    s->dev->nic.rate_us = (int)interval;
    return 0;
}

static int set_nothing(const struct spec *s, const char *text, size_t len)
{
    (void)s;
    (void)text;
    (void)len;
    return 0;
}

static const struct {
    const char *name;
    int (*set)(const struct spec *s, const char *text, size_t len);
} keys[] = {
    {"mac", set_mac},
    {"bridge", set_bridge},
    {"ip", set_ip},
    {"script", set_script},
    {"backend", set_backend},
    {"vifname", set_vifname},
    {"type", set_type},
    {"model", set_model},
    {"mode", set_mode},
    {"backendtype", set_backendtype},
    {"rate", set_rate},
    {"mtu", set_mtu},
    {"devid", set_devid},
    {"gatewaydev", set_gatewaydev},
    {"netdev", set_gatewaydev},
    {"accel", set_nothing},
};

static int set_key(const struct spec *s, const char *name, size_t name_len, const char *text,
                   size_t len)
{
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (is(name, name_len, keys[i].name))
            return len ? keys[i].set(s, text, len) : 0;
    }
    return bad(s, "the parameter '%.*s' is not known", (int)name_len, name);
}

static size_t trimmed(const char *text, size_t len)
{
    while (len && isspace((unsigned char)text[len - 1]))
        len--;
    return len;
}

static int set_one(const struct spec *s, const char *text, size_t len)
{
    const char *equals = memchr(text, '=', len);

    if (len == 0)
        return 0;
    if (equals) {
        const char *v = equals + 1 + strspn(equals + 1, " \t");
        size_t used = (size_t)(v - text);

        return set_key(s, text, trimmed(text, (size_t)(equals - text)), v,
                       used < len ? len - used : 0);
    }
    if (is(text, len, "trusted") || is(text, len, "untrusted")) {
        s->dev->nic.trusted = is(text, len, "trusted");
        return 0;
    }
    return bad(s, "expected key=value, trusted or untrusted, found '%.*s'", (int)len, text);
}

int nic_spec_parse(struct hl_device *dev, const char *text, char *why, size_t size)
{
    const struct spec s = {dev, why, size};
    int rc = 0;

    while (rc == 0 && *text) {
        const char *end;

        text += strspn(text, " \t\n");
        end = text + strcspn(text, ",");
        rc = set_one(&s, text, trimmed(text, (size_t)(end - text)));
        text = *end ? end + 1 : end;
    }
    return rc;
}
