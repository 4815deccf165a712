/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small viewer for scripts, which shares no code with the server's library:
 *
 *   rfb PORT PASSWORD COMMAND...
 *     size WxH           the screen's size
 *     pixel X,Y RRGGBB   that pixel's colour; waits up to a minute for it
 *     key SYMBOL         pressed and released; a number (0x61) of X11
 *     pointer X,Y,BUTTONS
 *     stay SECONDS
 *
 * Ends with 0 when all was so, with 3 when the password was refused.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <gcrypt.h>

#define PATIENCE 240

static int fd;
static unsigned int width, height;
static uint8_t *screen; /* 4 bytes a pixel: blue, green, red, nothing */

static void __attribute__((noreturn, format(printf, 2, 3))) die(int status, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fprintf(stderr, "rfb: ");
    vfprintf(stderr, fmt, ap);
    fprintf(stderr, "\n");
    exit(status);
}

static void get(void *to, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = read(fd, (char *)to + done, len - done);

        if (n <= 0)
            die(1, "the server left: %s", n < 0 ? strerror(errno) : "end");
        done += (size_t)n;
    }
}

static uint32_t get32(void)
{
    uint32_t v;

    get(&v, 4);
    return ntohl(v);
}

static uint16_t get16(void)
{
    uint16_t v;

    get(&v, 2);
    return ntohs(v);
}

static void skip(size_t len)
{
    char c;

    while (len--)
        get(&c, 1);
}

static void put(const void *from, size_t len)
{
    if (write(fd, from, len) != (ssize_t)len)
        die(1, "the server does not read");
}

static void put16(uint8_t *at, unsigned int v)
{
    at[0] = (uint8_t)(v >> 8);
    at[1] = (uint8_t)v;
}

/* The challenge, encrypted with the password, whose bits RFB takes in the other order. */
static void answer_challenge(const char *password)
{
    uint8_t key[8] = {0}, challenge[16];
    gcry_cipher_hd_t des;

    for (size_t i = 0; i < 8 && password[i]; i++)
        for (int bit = 0; bit < 8; bit++)
            if (password[i] >> bit & 1)
                key[i] |= (uint8_t)(0x80 >> bit);
    get(challenge, sizeof(challenge));
    gcry_check_version(NULL);
    gcry_control(GCRYCTL_DISABLE_SECMEM, 0);
    gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
    if (gcry_cipher_open(&des, GCRY_CIPHER_DES, GCRY_CIPHER_MODE_ECB, 0))
        die(1, "no DES");
    gcry_cipher_setkey(des, key, 8); /* weak keys are what passwords give */
    if (gcry_cipher_encrypt(des, challenge, 16, NULL, 0))
        die(1, "DES fails");
    put(challenge, sizeof(challenge));
}

static void authenticate(const char *password)
{
    uint8_t count, types[256], type = password[0] ? 2 : 1;
    char version[12];

    get(version, 12);
    put("RFB 003.008\n", 12);
    get(&count, 1);
    if (count == 0)
        die(1, "no way to authenticate");
    get(types, count);
    if (!memchr(types, type, count))
        die(3, "the server does not offer security type %d", type);
    put(&type, 1);
    if (type == 2)
        answer_challenge(password);
    if (get32() != 0)
        die(3, "refused");
}

static void begin(void)
{
    /* 32 bits a pixel, depth 24, little-endian, true colour, 255 each, red at 16, green at 8, blue at 0 */
    static const uint8_t format[20] = {0, 0, 0, 0, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0};
    static const uint8_t raw[8] = {2, 0, 0, 1, 0, 0, 0, 0};
    uint8_t shared = 1;

    put(&shared, 1);
    width = get16();
    height = get16();
    skip(16);
    skip(get32());
    put(format, sizeof(format));
    put(raw, sizeof(raw));
    screen = calloc(width * height, 4);
}

static void ask(int incremental)
{
    uint8_t m[10] = {3, (uint8_t)incremental};

    put16(m + 6, width);
    put16(m + 8, height);
    put(m, sizeof(m));
}

static void take_rectangle(void)
{
    unsigned int x = get16(), y = get16(), w = get16(), h = get16();

    if (get32() != 0)
        die(1, "an encoding that was not asked for");
    if (x + w > width || y + h > height)
        die(1, "a rectangle beyond the screen");
    for (unsigned int i = 0; i < h; i++)
        get(screen + ((size_t)(y + i) * width + x) * 4, (size_t)w * 4);
}

static void update(void)
{
    for (;;) {
        uint8_t type;

        get(&type, 1);
        switch (type) {
        case 0:
            skip(1);
            for (unsigned int n = get16(); n; n--)
                take_rectangle();
            return;
        case 1:
            skip(3);
            skip(6 * (size_t)get16());
            break;
        case 2: break;
        case 3:
            skip(3);
            skip(get32());
            break;
        default: die(1, "message %d", type);
        }
    }
}

static void want_pixel(const char *place, const char *colour)
{
    uint32_t wanted = (uint32_t)strtoul(colour, NULL, 16), seen = 0;
    time_t end = time(NULL) + PATIENCE;
    unsigned int x, y;

    if (sscanf(place, "%u,%u", &x, &y) != 2 || x >= width || y >= height)
        die(2, "no pixel %s on %ux%u", place, width, height);
    do {
        const uint8_t *p = screen + ((size_t)y * width + x) * 4;

        ask(0);
        update();
        seen = (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
        if (seen == wanted)
            return;
        usleep(200000);
    } while (time(NULL) < end);
    die(1, "pixel %s is %06x, not %06x", place, seen, wanted);
}

static void press(const char *symbol)
{
    uint32_t v = htonl((uint32_t)strtoul(symbol, NULL, 0));
    uint8_t m[8] = {4, 1};

    memcpy(m + 4, &v, 4);
    put(m, 8);
    m[1] = 0;
    put(m, 8);
}

static void point(const char *where)
{
    unsigned int x, y, buttons;
    uint8_t m[6] = {5};

    if (sscanf(where, "%u,%u,%u", &x, &y, &buttons) != 3)
        die(2, "pointer X,Y,BUTTONS");
    m[1] = (uint8_t)buttons;
    put16(m + 2, x);
    put16(m + 4, y);
    put(m, 6);
}

int main(int argc, char **argv)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    char size[32];

    if (argc < 3)
        die(2, "usage: rfb PORT PASSWORD COMMAND...");
    addr.sin_port = htons((uint16_t)atoi(argv[1]));
    fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
        die(4, "port %s: %s", argv[1], strerror(errno));
    authenticate(argv[2]);
    begin();
    snprintf(size, sizeof(size), "%ux%u", width, height);
    for (int i = 3; i < argc; i++) {
        const char *next = i + 1 < argc ? argv[i + 1] : "";

        if (strcmp(argv[i], "size") == 0 && strcmp(argv[++i], size) != 0)
            die(1, "the screen is %s", size);
        else if (strcmp(argv[i], "pixel") == 0 && i + 2 < argc) {
            want_pixel(next, argv[i + 2]);
            i += 2;
        } else if (strcmp(argv[i], "key") == 0)
            press(argv[++i]);
        else if (strcmp(argv[i], "pointer") == 0)
            point(argv[++i]);
        else if (strcmp(argv[i], "stay") == 0)
            sleep((unsigned int)atoi(argv[++i]));
    }
    return 0;
}
