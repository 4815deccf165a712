/* SPDX-License-Identifier: MIT */
/* The states that frontend and backend of a device show each other in xenstore (node "state"). */
#ifndef HOSPES_ABI_IO_XENBUS_H
#define HOSPES_ABI_IO_XENBUS_H

enum xenbus_state {
    XenbusStateUnknown = 0,
    XenbusStateInitialising = 1,
    XenbusStateInitWait = 2,    /* the backend waits for the frontend's details */
    XenbusStateInitialised = 3, /* the frontend has given them */
    XenbusStateConnected = 4,
    XenbusStateClosing = 5,
    XenbusStateClosed = 6,
    XenbusStateReconfiguring = 7, /* PCI hotplug */
    XenbusStateReconfigured = 8
};
typedef enum xenbus_state XenbusState;

#endif
