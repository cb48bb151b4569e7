/*
 * How is one question asked of rtnetlink, with a bound on the wait?
 */
#ifndef TANDEM_NETLINK_H
#define TANDEM_NETLINK_H

#include "tandem.h"

#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

/* The kernel answers while we still send; only a broken socket comes near this. */
#define NETLINK_TIMEOUT_NS 50000000

/* A request under construction: header and attributes in one buffer. */
struct request {
  struct nlmsghdr header;
  union {
    struct ifaddrmsg address;
    struct ndmsg neighbour;
  } body;
  char attributes[160];
};

/* Called for each message of a dump; may keep nothing of it. */
typedef void (*message_reader)(const struct nlmsghdr *message, void *context);

/* `body_size`: of the member of `body` that this type of request has. */
void request_start(struct request *request, uint16_t type, uint16_t flags, size_t body_size);
void request_add(struct request *request, uint16_t type, const void *data, size_t length);

/*
 * Sends and waits for the acknowledgement.
 *
 * Returns 0 or a negative errno: the kernel's, or -ETIMEDOUT. `reason` gets the kernel's own words,
 * or becomes empty.
 */
int netlink_command(struct door *door, struct request *request, char *reason, size_t reason_size);

/* Sends and hands on every message of the answer. Returns 0, -EINTR when it must be repeated
 * because something changed meanwhile, or another negative errno. */
int netlink_dump(struct door *door, struct request *request, message_reader reader, void *context);

#endif
