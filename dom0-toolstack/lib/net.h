/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network interfaces and bridges of Domain 0. All return 0 or a negative errno with the record. */
#ifndef HL_NET_H
#define HL_NET_H

#include <netinet/in.h>
#include <stdbool.h>

struct hl_error;

bool net_exists(const char *name);
bool net_is_bridge(const char *name);

int net_set_up(const char *name, bool up, struct hl_error *e);
int net_rename(const char *name, const char *to, struct hl_error *e);
int net_set_mtu(const char *name, int mtu, struct hl_error *e);
/* 0 where it cannot be read. */
int net_mtu(const char *name);
int net_set_address(const char *name, struct in_addr address, struct in_addr mask,
                    struct hl_error *e);

/* A TAP interface that stays without a program; for programs that use IFF_VNET_HDR. Removing waits a while for a program that
 * is ending. */
int net_tap_add(const char *name, struct hl_error *e);
int net_tap_remove(const char *name, struct hl_error *e);

int net_bridge_add(const char *bridge, struct hl_error *e);
/* It must be down. */
int net_bridge_remove(const char *bridge, struct hl_error *e);
int net_bridge_add_port(const char *bridge, const char *port, struct hl_error *e);
int net_bridge_remove_port(const char *bridge, const char *port, struct hl_error *e);
/* The number of its ports; -1 where there is no such bridge. */
int net_bridge_ports(const char *bridge);

/* A route through an interface, to the addresses whose first `bits` are those of `to`; it goes with the interface. */
int net_add_route(const char *name, struct in_addr to, unsigned int bits, struct hl_error *e);

/* Is there such a table of nftables, of family ip? Asked of the kernel itself, since loading libnftables costs half of what
 * making a guest does. (linux/netfilter/nf_tables.h) */
bool net_has_table(const char *name);

/* Writes to /proc/sys/net/ipv4/WHAT. */
int net_sysctl(const char *what, const char *value, struct hl_error *e);

#endif
