/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sends the messages of a script to a xenstored, over two connections, and prints what comes back:
 * run on two daemons, the two outputs must be equal.
 *
 *   line:   CONNECTION TYPE TRANSACTION PAYLOAD
 *           a or b; a number or a name; 0, or t for the last transaction started on that connection;
 *           '|' stands for a NUL, and one is added at the end unless the payload ends with '\'
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "hypercalls/abi/io-xs_wire.h"

struct link {
    int fd;
    uint32_t tx;
};

static const char *const names[] = {
    "CONTROL", "DIRECTORY",  "READ",      "GET_PERMS",     "WATCH",          "UNWATCH",
    "START",   "END",        "INTRODUCE", "RELEASE",       "GET_PATH",       "WRITE",
    "MKDIR",   "RM",         "SET_PERMS", "EVENT",         "ERROR",          "IS_INTRODUCED",
    "RESUME",  "SET_TARGET", "20",        "RESET_WATCHES", "DIRECTORY_PART",
};
#define NAMES (sizeof(names) / sizeof(names[0]))

static uint32_t type_of(const char *name)
{
    uint32_t i;

    for (i = 0; i < NAMES; i++) {
        if (!strcmp(names[i], name)) {
            return i;
        }
    }
    return (uint32_t)strtoul(name, NULL, 0);
}

static int open_link(const char *path)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    struct timeval limit = {5, 0};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
    if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa))) {
        perror(path);
        exit(1);
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    return fd;
}

static int read_all(int fd, void *p, size_t len)
{
    while (len) {
        ssize_t n = read(fd, p, len);

        if (n <= 0) {
            return -1;
        }
        p = (char *)p + n;
        len -= (size_t)n;
    }
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The order of a directory is nobody's promise. */
static void print_sorted(char *data, uint32_t len)
{
    char *list[2048], *p;
    size_t n = 0, i;

    for (p = data; p < data + len && n < 2048; p += strlen(p) + 1) {
        list[n++] = p;
    }
    qsort(list, n, sizeof(list[0]), compare_names);
    for (i = 0; i < n; i++) {
        printf("%s|", list[i]);
    }
}

static void print_payload(char *data, uint32_t len, uint32_t type)
{
    uint32_t i;

    if (type == XS_DIRECTORY) {
        print_sorted(data, len);
        return;
    }
    if (type == XS_TRANSACTION_START) {
        printf("(id)");
        return;
    }
    for (i = 0; i < len; i++) {
        putchar(!data[i] ? '|' : isprint((unsigned char)data[i]) ? data[i] : '?');
    }
}

/* Prints messages until the answer to req_id came. */
static void print_until(struct link *l, uint32_t req_id, bool show)
{
    char data[XENSTORE_PAYLOAD_MAX + 1];
    struct xsd_sockmsg hdr;

    do {
        if (read_all(l->fd, &hdr, sizeof(hdr)) || hdr.len > XENSTORE_PAYLOAD_MAX ||
            read_all(l->fd, data, hdr.len)) {
            printf("  connection closed\n");
            exit(1);
        }
        data[hdr.len] = '\0';
        if (hdr.type == XS_TRANSACTION_START) {
            l->tx = (uint32_t)strtoul(data, NULL, 10);
        }
        if (show || hdr.type == XS_WATCH_EVENT) {
            printf("  %s ", hdr.type < NAMES ? names[hdr.type] : "?");
            print_payload(data, hdr.len, hdr.type);
            putchar('\n');
        }
    } while (hdr.type == XS_WATCH_EVENT || hdr.req_id != req_id);
}

static uint32_t send_request(struct link *l, uint32_t type, uint32_t tx, const char *data,
                             size_t len)
{
    static uint32_t last;
    struct xsd_sockmsg hdr = {type, ++last, tx, (uint32_t)len};

    if (write(l->fd, &hdr, sizeof(hdr)) != sizeof(hdr) || write(l->fd, data, len) != (ssize_t)len) {
        printf("  connection closed\n");
        exit(1);
    }
    return last;
}

static void play(struct link links[2], char *line)
{
    char *who = strtok(line, " "), *type = strtok(NULL, " "), *tx = strtok(NULL, " ");
    char *payload = strtok(NULL, "\n"), *p;
    struct link *l = &links[who[0] == 'b'];
    static char empty[1];
    size_t len;

    payload = payload ? payload : empty;
    len = strlen(payload) + 1;
    if (len > 1 && payload[len - 2] == '\\') {
        len -= 2;
    }
    for (p = payload; p < payload + len; p++) {
        *p = *p == '|' ? '\0' : *p;
    }
    print_until(l, send_request(l, type_of(type), tx[0] == 't' ? l->tx : 0, payload, len), true);
    /* An answer behind all events. */
    print_until(&links[0], send_request(&links[0], XS_GET_DOMAIN_PATH, 0, "0", 2), false);
    print_until(&links[1], send_request(&links[1], XS_GET_DOMAIN_PATH, 0, "0", 2), false);
}

int main(int argc, char **argv)
{
    struct link links[2];
    char line[8192];

    if (argc != 2) {
        fprintf(stderr, "usage: xenstore_probe SOCKET < script\n");
        return 2;
    }
    links[0] = (struct link){open_link(argv[1]), 0};
    links[1] = (struct link){open_link(argv[1]), 0};
    while (fgets(line, sizeof(line), stdin)) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] && line[0] != '#') {
            printf("%s\n", line);
            fflush(stdout);
            play(links, line);
        }
    }
    return 0;
}
