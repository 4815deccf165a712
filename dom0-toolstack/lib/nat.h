/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A private network behind Domain 0's addresses: a bridge with an address of its own, forwarding and
 * masquerading, addresses for the guests by dnsmasq where that is installed. It is made for its first
 * guest and goes with its last; what tells that it is ours is the file HOSPES_RUN_DIR/nat-BRIDGE.
 */
#ifndef HL_NAT_H
#define HL_NAT_H

struct hl_error;

/*
 * A guest's end. `owner` names it as none that comes later is ("vif7.0"), whatever the interface is called: two guests, one
 * after the other, may have the same `mac`. `ip`, where not NULL, is what the guest gets by DHCP.
 */
struct nat_client {
    const char *owner, *mac, *ip;
};

/*
 * Makes an interface a port of the network `bridge`. `address` ("10.77.0.1/24") is the bridge's where
 * the network has to be made; NULL: a free one below 10.77.
 */
int nat_join(const char *bridge, const char *address, const char *port, const struct nat_client *c,
             struct hl_error *e);

/*
 * Makes address translation and DHCP of all private networks again where somebody took them away; nat_join() does so for its
 * one. 0, or the first error, the other networks being tried all the same.
 */
int nat_mend(struct hl_error *e);

/*
 * The guest's interface leaves: `port`, where it still is one (NULL: it has gone), is none any more, and with the last port
 * goes the network. Who uses it is thus nowhere counted but in the kernel, which forgets interfaces that go by themselves.
 * The address that is reserved goes, too, if it is `owner`'s still; mac may be NULL, where none is known.
 * May come again, and late. Of a bridge that is not ours nothing is removed.
 */
void nat_leave(const char *bridge, const char *port, const struct nat_client *c);

#endif
