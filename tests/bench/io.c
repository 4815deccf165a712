/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What disks and networks cost as a program sees it, in Domain 0 and in guests; see tests/bench/devices.sh. On one CPU
 * whose clock counts instructions, elapsed time is the work of all domains and of the hypervisor.
 *
 *   io time NAME COMMAND...        runs it
 *   io read|write NAME DEV MIB     sequential, direct, 256 KiB at a time             per MiB
 *   io random NAME DEV N           reads of 4 KiB at scattered places, one at a time per request
 *   io scatter NAME DEV N          writes likewise
 *   io sink PORT                   takes TCP connections and what they send, for ever
 *   io echo PORT                   sends UDP packets back, for ever
 *   io send NAME HOST PORT MIB     to a sink                                         per MiB
 *   io ping NAME HOST PORT N       a packet of 64 bytes to an echo and back           per round trip
 *   io packets NAME HOST PORT N    the same with 16 under way at a time              per packet and answer
 *
 * Prints `bench NAME NS`; a NAME of - prints nothing (a first run that warms caches).
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MIB    (1ul << 20)
#define CHUNK  (256ul << 10)
#define SMALL  4096ul
#define PACKET 64
#define WINDOW 16

static const char *name;
static uint64_t began;

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "io: %s: %s: %s\n", name, what, strerror(errno));
    exit(1);
}

static uint64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void report(uint64_t n)
{
    uint64_t ns = now() - began;

    if (strcmp(name, "-") != 0)
        printf("bench %s %llu\n", name, (unsigned long long)(ns / (n ? n : 1)));
}

/* ---- disks ---- */

static int open_disk(const char *path, int how, void **buffer)
{
    int fd = open(path, how | O_DIRECT | O_CLOEXEC);

    if (fd < 0)
        give_up(path);
    *buffer = mmap(NULL, CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE,
                   -1, 0);
    if (*buffer == MAP_FAILED)
        give_up("memory");
    memset(*buffer, 0x5a, CHUNK);
    return fd;
}

static void sequential(const char *path, unsigned long mib, int writes)
{
    void *buffer;
    int fd = open_disk(path, writes ? O_WRONLY : O_RDONLY, &buffer);

    began = now();
    for (uint64_t at = 0; at < mib * MIB; at += CHUNK) {
        ssize_t n =
            writes ? pwrite(fd, buffer, CHUNK, (off_t)at) : pread(fd, buffer, CHUNK, (off_t)at);
        if (n != (ssize_t)CHUNK)
            give_up(path);
    }
    if (writes && fsync(fd) < 0)
        give_up("fsync");
    report(mib);
    close(fd);
}

static void scattered(const char *path, unsigned long n, int writes)
{
    uint32_t place = 12345;
    void *buffer;
    int fd = open_disk(path, writes ? O_WRONLY : O_RDONLY, &buffer);
    off_t blocks = lseek(fd, 0, SEEK_END) / (off_t)SMALL;

    if (blocks <= 0)
        give_up("size");
    began = now();
    for (unsigned long i = 0; i < n; i++) {
        place = place * 1664525u + 1013904223u;
        off_t at = (off_t)(place % (uint32_t)blocks) * (off_t)SMALL;
        ssize_t got = writes ? pwrite(fd, buffer, SMALL, at) : pread(fd, buffer, SMALL, at);
        if (got != (ssize_t)SMALL)
            give_up(path);
    }
    report(n);
    close(fd);
}

/* ---- networks ---- */

static struct sockaddr_in address(const char *host, const char *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)strtoul(port, NULL, 10))};

    if (host != NULL && inet_pton(AF_INET, host, &a.sin_addr) != 1)
        give_up(host);
    return a;
}

static int open_socket(int type, const char *host, const char *port, int serves)
{
    struct sockaddr_in a = address(host, port);
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), one = 1;

    if (fd < 0)
        give_up("socket");
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (serves ? bind(fd, (struct sockaddr *)&a, sizeof(a))
               : connect(fd, (struct sockaddr *)&a, sizeof(a)))
        give_up(serves ? "bind" : "connect");
    return fd;
}

static _Noreturn void sink(const char *port)
{
    static char buffer[CHUNK];
    int fd = open_socket(SOCK_STREAM, NULL, port, 1);

    if (listen(fd, 4) < 0)
        give_up("listen");
    for (;;) {
        int c = accept(fd, NULL, NULL);

        if (c < 0)
            give_up("accept");
        while (read(c, buffer, sizeof(buffer)) > 0)
            ;
        if (write(c, "", 1) != 1)
            give_up("answer");
        close(c);
    }
}

/* All of it, and the word that it has come. */
static void send_bytes(const char *host, const char *port, unsigned long mib)
{
    static char buffer[CHUNK];
    int fd = open_socket(SOCK_STREAM, host, port, 0);

    began = now();
    for (uint64_t left = mib * MIB; left > 0;) {
        ssize_t n = write(fd, buffer, left < CHUNK ? left : CHUNK);
        if (n <= 0)
            give_up("send");
        left -= (uint64_t)n;
    }
    shutdown(fd, SHUT_WR);
    if (read(fd, buffer, 1) != 1)
        give_up("the answer");
    report(mib);
}

static _Noreturn void echo(const char *port)
{
    char packet[2048];
    int fd = open_socket(SOCK_DGRAM, NULL, port, 1);

    for (;;) {
        struct sockaddr_in from;
        socklen_t len = sizeof(from);
        ssize_t n = recvfrom(fd, packet, sizeof(packet), 0, (struct sockaddr *)&from, &len);

        if (n > 0 && sendto(fd, packet, (size_t)n, 0, (struct sockaddr *)&from, len) < 0)
            give_up("answer");
    }
}

/* A packet that is lost is an error here: nothing on the way is short of room for 16. */
static void packets(const char *host, const char *port, unsigned long n, unsigned long window)
{
    struct timeval limit = {.tv_sec = 20};
    char packet[PACKET] = {0};
    int fd = open_socket(SOCK_DGRAM, host, port, 0);

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    began = now();
    for (unsigned long done = 0; done < n; done += window) {
        for (unsigned long i = 0; i < window; i++)
            if (send(fd, packet, sizeof(packet), 0) != PACKET)
                give_up("send");
        for (unsigned long i = 0; i < window; i++)
            if (recv(fd, packet, sizeof(packet), 0) != PACKET)
                give_up("the answer");
    }
    report(n);
}

static void time_command(char **argv)
{
    int status;
    pid_t pid;

    began = now();
    pid = fork();
    if (pid == 0) {
        execvp(argv[0], argv);
        give_up(argv[0]);
    }
    if (pid < 0 || waitpid(pid, &status, 0) < 0)
        give_up("process");
    if (status != 0) {
        fprintf(stderr, "io: %s: %s ended with %#x\n", name, argv[0], (unsigned int)status);
        exit(1);
    }
    report(1);
}

int main(int argc, char **argv)
{
    const char *verb = argc > 2 ? argv[1] : "";
    unsigned long last = argc > 2 ? strtoul(argv[argc - 1], NULL, 10) : 0;

    name = argc > 2 ? argv[2] : "";
    if (strcmp(verb, "time") == 0 && argc > 3)
        time_command(argv + 3);
    else if (strcmp(verb, "sink") == 0)
        sink(argv[2]);
    else if (strcmp(verb, "echo") == 0)
        echo(argv[2]);
    else if ((strcmp(verb, "read") == 0 || strcmp(verb, "write") == 0) && argc == 5)
        sequential(argv[3], last, verb[0] == 'w');
    else if ((strcmp(verb, "random") == 0 || strcmp(verb, "scatter") == 0) && argc == 5)
        scattered(argv[3], last, verb[0] == 's');
    else if (strcmp(verb, "send") == 0 && argc == 6)
        send_bytes(argv[3], argv[4], last);
    else if (strcmp(verb, "ping") == 0 && argc == 6)
        packets(argv[3], argv[4], last, 1);
    else if (strcmp(verb, "packets") == 0 && argc == 6)
        packets(argv[3], argv[4], last, WINDOW);
    else {
        fprintf(stderr, "io: see the head of tests/bench/io.c\n");
        return 2;
    }
    return 0;
}
