/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The network that hospes-net is by itself (libslirp), in its sandbox: a guest's ARP, DHCP, DNS, UDP, ping and a TCP
 * connection to an address of this machine, frame by frame. A system call that is not on the list ends the process.
 * And what is not on it does. Built without sanitizers, which need more.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "dom0-toolstack/lib/error.h"
#include "pv-backends/net/port.h"
#include "pv-backends/net/sandbox.h"
#include "tests/unit/toolstack_test.h"

#define GUEST 0x0a00020f /* 10.0.2.15 */
#define DNS   0x0a000203

/* ---- frames ---- */

static uint8_t frame[2048];
static size_t len;

static void put(const void *bytes, size_t n)
{
    memcpy(frame + len, bytes, n);
    len += n;
}

static void put16(unsigned int v)
{
    put((uint8_t[]){(uint8_t)(v >> 8), (uint8_t)v}, 2);
}

static void put32(uint32_t v)
{
    put16(v >> 16);
    put16(v & 0xffff);
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void ethernet(unsigned int type)
{
    static const uint8_t to[6] = {0x52, 0x55, 10, 0, 2, 2}, all[6] = {255, 255, 255, 255, 255, 255};
    static const uint8_t from[6] = {0, 0x16, 0x3e, 1, 2, 3};

    len = 0;
    put(type == 0x0806 ? all : to, 6);
    put(from, 6);
    put16(type);
}

static uint16_t sum(const uint8_t *p, size_t n, uint32_t start)
{
    for (size_t i = 0; i < n; i++)
        start += i & 1 ? p[i] : (uint32_t)p[i] << 8;
    while (start >> 16 != 0)
        start = (start & 0xffff) + (start >> 16);
    return (uint16_t)~start;
}

static void ip(unsigned int protocol, uint32_t from, uint32_t to, size_t payload)
{
    uint16_t check;

    ethernet(0x0800);
    put16(0x4500);
    put16((unsigned int)payload + 20);
    put32(0);
    put16(64u << 8 | protocol);
    put16(0);
    put32(from);
    put32(to);
    check = sum(frame + 14, 20, 0);
    frame[24] = (uint8_t)(check >> 8);
    frame[25] = (uint8_t)check;
}

/* The checksum over what stands behind the IP header, at `offset` of it. */
static void seal(unsigned int protocol, size_t offset)
{
    uint32_t pseudo = protocol == 1 ? 0 : protocol + (uint32_t)(len - 34);
    uint16_t check;

    if (protocol != 1)
        for (size_t i = 26; i < 34; i += 2)
            pseudo += (uint32_t)frame[i] << 8 | frame[i + 1];
    check = sum(frame + 34, len - 34, pseudo);
    frame[34 + offset] = (uint8_t)(check >> 8);
    frame[34 + offset + 1] = (uint8_t)check;
}

static void udp(uint32_t from, uint32_t to, unsigned int from_port, unsigned int to_port,
                const void *data, size_t n)
{
    ip(17, from, to, n + 8);
    put16(from_port);
    put16(to_port);
    put16((unsigned int)n + 8);
    put16(0);
    put(data, n);
    seal(17, 6);
}

/* ---- the guest, in the sandbox ---- */

static struct net_port *port;

static void transmit(void)
{
    struct net_offload o = {.checksum = false};

    port->kind->send(port, frame, len, &o);
}

/* Works for so many turns, or until a frame comes that `wanted` takes, which is then in `frame`. */
static bool receive_for(int turns, bool (*wanted)(void))
{
    static uint8_t packet[NET_MAX_PACKET];
    static struct pollfd fds[64];
    struct net_offload o;

    while (turns-- > 0) {
        int timeout = 20;
        ssize_t n;
        unsigned int count = port->kind->wait(port, fds, 64, false, &timeout);

        poll(fds, count, timeout < 0 || timeout > 20 ? 20 : timeout);
        port->kind->woken(port, fds);
        while ((n = port->kind->receive(port, packet, &o)) > 0) {
            len = (size_t)n < sizeof(frame) ? (size_t)n : sizeof(frame);
            memcpy(frame, packet, len);
            if (wanted())
                return true;
        }
    }
    return false;
}

static bool receive(bool (*wanted)(void))
{
    return receive_for(6000, wanted);
}

static bool is_ip(unsigned int protocol)
{
    return len > 34 && frame[12] == 8 && frame[13] == 0 && frame[23] == protocol;
}

static bool is_arp(void)
{
    return frame[12] == 8 && frame[13] == 6 && frame[21] == 2;
}

static bool is_offer(void)
{
    return is_ip(17) && frame[35] == 67;
}

static bool is_pong(void)
{
    return is_ip(1) && frame[34] == 0;
}

static bool is_syn_ack(void)
{
    return is_ip(6) && (frame[47] & 0x12) == 0x12;
}

static bool is_fin(void)
{
    return is_ip(6) && (frame[47] & 1) != 0;
}

static bool is_nothing(void)
{
    return false;
}

static void tcp(uint32_t to, unsigned int to_port, uint32_t seq, uint32_t ack, unsigned int flags,
                const char *data)
{
    ip(6, GUEST, to, strlen(data) + 20);
    put16(40000);
    put16(to_port);
    put32(seq);
    put32(ack);
    put16(0x5000 | flags);
    put16(65000);
    put32(0);
    put(data, strlen(data));
    seal(6, 16);
    transmit();
}

static bool arp(void)
{
    static const uint8_t head[] = {0, 1, 8, 0, 6, 4, 0, 1, 0, 0x16, 0x3e, 1, 2, 3};

    ethernet(0x0806);
    put(head, sizeof(head));
    put32(GUEST);
    put16(0);
    put32(0);
    put32(0x0a000202);
    transmit();
    return receive(is_arp);
}

static bool dhcp(void)
{
    static uint8_t discover[300] = {1, 1, 6, 0, 1, 2, 3, 4, [28] = 0, 0x16, 0x3e, 1, 2, 3};
    static const uint8_t options[] = {0x63, 0x82, 0x53, 0x63, 53, 1, 1, 255};

    memcpy(discover + 236, options, sizeof(options));
    udp(0, 0xffffffff, 68, 67, discover, sizeof(discover));
    memset(frame, 255, 6);
    transmit();
    return receive(is_offer);
}

/* A service of the machine, as 6 bytes that are written to the guest's process. */
struct server {
    uint32_t address;
    uint16_t port;
};

/* Exit status: the first thing that did not work. */
static int guest(const struct server *s)
{
    static const uint8_t query[] = {0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 'x', 0, 0, 1, 0, 1};
    static const uint8_t echo[] = {8, 0, 0, 0, 0, 1, 0, 1, 'p', 'i', 'n', 'g'};
    uint32_t seq;

    if (!arp())
        return 1;
    if (!dhcp())
        return 2;
    /* Whether anybody answers depends on the machine. */
    udp(GUEST, DNS, 4000, 53, query, sizeof(query));
    transmit();
    ip(1, GUEST, s->address, sizeof(echo));
    put(echo, sizeof(echo));
    seal(1, 2);
    transmit();
    (void)receive_for(20, is_pong);
    udp(GUEST, s->address, 4001, s->port, "udp", 3);
    transmit();
    tcp(s->address, s->port, 1000, 0, 2, "");
    if (!receive(is_syn_ack))
        return 3;
    seq = get32(frame + 38) + 1;
    tcp(s->address, s->port, 1001, seq, 0x18, "hello");
    tcp(s->address, s->port, 1006, seq, 0x11, "");
    if (!receive(is_fin))
        return 4;
    tcp(s->address, s->port, 1007, get32(frame + 38) + 1, 0x10, "");
    (void)receive_for(10, is_nothing);
    port->kind->close(port);
    return 0;
}

static int in_sandbox(const struct server *s)
{
    struct rlimit none = {0, 0};

    setrlimit(RLIMIT_CORE, &none);
    if (net_sandbox(true, NULL) < 0)
        return 90;
    if (user_open(&port, NULL) < 0)
        return 91;
    return guest(s);
}

/* ---- the machine ---- */

/* An address that is not the machine's own alone: slirp does not lead there. */
static bool own_address(struct in_addr *address)
{
    struct ifaddrs *list, *i;
    bool found = false;

    if (getifaddrs(&list) < 0)
        return false;
    for (i = list; i != NULL && !found; i = i->ifa_next) {
        if (i->ifa_addr == NULL || i->ifa_addr->sa_family != AF_INET ||
            (i->ifa_flags & IFF_LOOPBACK) != 0)
            continue;
        *address = ((const struct sockaddr_in *)(const void *)i->ifa_addr)->sin_addr;
        found = true;
    }
    freeifaddrs(list);
    return found;
}

static int listen_at(struct in_addr address, struct server *s)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = address};
    socklen_t size = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&a, size) < 0 || listen(fd, 1) < 0 ||
        getsockname(fd, (struct sockaddr *)&a, &size) < 0)
        return -1;
    *s = (struct server){ntohl(a.sin_addr.s_addr), ntohs(a.sin_port)};
    return fd;
}

/* Takes one connection and what is said on it, then closes it. False: none came. */
static bool take(int fd, char *text, size_t size)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    ssize_t n = 0, got = 0;
    int c;

    if (poll(&p, 1, 120000) != 1)
        return false;
    c = accept(fd, NULL, NULL);
    while (c >= 0 && (n = read(c, text + got, size - 1 - (size_t)got)) > 0)
        got += n;
    text[got] = '\0';
    close(c);
    return n == 0;
}

static int status_of(pid_t pid)
{
    int status = 0;

    waitpid(pid, &status, 0);
    if (WIFSIGNALED(status))
        fprintf(stderr, "signal %d\n", WTERMSIG(status));
    else if (WEXITSTATUS(status) != 0)
        fprintf(stderr, "status %d\n", WEXITSTATUS(status));
    return status;
}

static void a_network(void)
{
    struct in_addr address;
    struct server s;
    char text[64] = "";
    pid_t pid;
    int fd;

    if (!own_address(&address)) {
        test_skip("the machine has no network");
        return;
    }
    fd = listen_at(address, &s);
    CHECK(fd >= 0);
    fflush(stdout);
    pid = fork();
    if (pid == 0)
        _exit(in_sandbox(&s));
    CHECK(take(fd, text, sizeof(text)));
    CHECK_STR(text, "hello");
    CHECK(status_of(pid) == 0);
    close(fd);
}

/* ---- what it may not ---- */

static void run(void)
{
    execl("/bin/true", "true", (char *)NULL);
}

static void serve(void)
{
    listen(0, 1);
}

static void duplicate(void)
{
    if (fork() == 0)
        _exit(0);
}

static void raw(void)
{
    socket(AF_PACKET, SOCK_RAW, 0);
}

static bool ends(bool user, void (*what)(void))
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        struct rlimit none = {0, 0};

        setrlimit(RLIMIT_CORE, &none);
        dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
        if (net_sandbox(user, NULL) < 0)
            _exit(0);
        what();
        _exit(0);
    }
    waitpid(pid, &status, 0);
    return WIFSIGNALED(status);
}

static void inet(void)
{
    socket(AF_INET, SOCK_STREAM, 0);
}

static void refused(void)
{
    for (int user = 0; user < 2; user++) {
        CHECK(ends(user, run));
        CHECK(ends(user, serve));
        CHECK(ends(user, duplicate));
        CHECK(ends(user, raw));
    }
    CHECK(ends(false, inet));
    CHECK(!ends(true, inet));
}

int main(void)
{
    static const struct test tests[] = {{"a_network", a_network}, {"refused", refused}};

    return test_run("net_sandbox", tests, sizeof(tests) / sizeof(tests[0]));
}
