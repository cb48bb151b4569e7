/*
 * How is one question asked of rtnetlink, with a bound on the wait?
 *
 * One socket per environment. Answers are told by their sequence number, so one that was given up
 * cannot be taken for the next. What the bound does not cover: the kernel takes its configuration
 * lock inside send(), and a driver that holds it (a reset, a long `ip` batch) holds us up with it.
 */
#include "netlink.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECEIVE_SIZE 32768

static int open_socket(struct door *door) {
  struct sockaddr_nl address = {.nl_family = AF_NETLINK};
  int on = 1;
  int fd;
  if (door->netlink_fd >= 0) return 0;
  fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
  if (fd < 0) return -errno;
  if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0) {
    int error = errno;
    close(fd);
    return -error;
  }
  /* Words with refusals. Kernels without them still give the number. */
  setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
  setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
  door->netlink_fd = fd;
  return 0;
}

void request_start(struct request *request, uint16_t type, uint16_t flags, size_t body_size) {
  memset(request, 0, sizeof *request);
  request->header.nlmsg_len = NLMSG_LENGTH(body_size);
  request->header.nlmsg_type = type;
  request->header.nlmsg_flags = NLM_F_REQUEST | flags;
}

void request_add(struct request *request, uint16_t type, const void *data, size_t length) {
  size_t offset = NLMSG_ALIGN(request->header.nlmsg_len);
  struct rtattr *attribute = (struct rtattr *)((char *)request + offset);
  /* All attributes ever added fit; this only keeps a mistake from becoming an overflow. */
  if (offset + RTA_SPACE(length) > sizeof *request) return;
  attribute->rta_type = type;
  attribute->rta_len = RTA_LENGTH(length);
  memcpy(RTA_DATA(attribute), data, length);
  request->header.nlmsg_len = offset + RTA_LENGTH(length);
}

static int send_request(struct door *door, struct request *request) {
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  int error = open_socket(door);
  if (error < 0) return error;
  door->netlink_sequence += 1;
  request->header.nlmsg_seq = door->netlink_sequence;
  if (sendto(door->netlink_fd, request, request->header.nlmsg_len, 0, (struct sockaddr *)&kernel,
             sizeof kernel) < 0) {
    return -errno;
  }
  return 0;
}

/* Returns the number of bytes, or a negative errno. */
static ssize_t receive(struct door *door, char *buffer, int64_t until_ns) {
  for (;;) {
    struct sockaddr_nl sender;
    socklen_t length = sizeof sender;
    ssize_t received = recvfrom(door->netlink_fd, buffer, RECEIVE_SIZE, 0,
                                (struct sockaddr *)&sender, &length);
    if (received >= 0) {
      /* Anybody may send to a netlink socket; only the kernel has port 0. */
      if (sender.nl_pid == 0) return received;
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return -errno;
    int ready = wait_readable(door->netlink_fd, until_ns);
    if (ready == 0) return -ETIMEDOUT;
    if (ready < 0) return ready;
  }
}

static void copy_reason(const struct nlmsghdr *message, char *reason, size_t size) {
  const struct nlmsgerr *answer = NLMSG_DATA(message);
  size_t offset = sizeof *answer;
  const struct rtattr *attribute;
  int left;
  reason[0] = '\0';
  if (!(message->nlmsg_flags & NLM_F_ACK_TLVS)) return;
  if (!(message->nlmsg_flags & NLM_F_CAPPED)) {
    offset += NLMSG_PAYLOAD(&answer->msg, 0);
  }
  left = (int)message->nlmsg_len - (int)NLMSG_LENGTH(NLMSG_ALIGN(offset));
  attribute = (const struct rtattr *)((const char *)answer + NLMSG_ALIGN(offset));
  for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
    if (attribute->rta_type == NLMSGERR_ATTR_MSG) {
      snprintf(reason, size, "%.*s", (int)RTA_PAYLOAD(attribute), (char *)RTA_DATA(attribute));
    }
  }
}

int netlink_command(struct door *door, struct request *request, char *reason, size_t reason_size) {
  _Alignas(struct nlmsghdr) char buffer[RECEIVE_SIZE];
  int64_t until_ns = monotonic_now_ns() + NETLINK_TIMEOUT_NS;
  int error;
  reason[0] = '\0';
  request->header.nlmsg_flags |= NLM_F_ACK;
  error = send_request(door, request);
  if (error < 0) return error;
  for (;;) {
    ssize_t received = receive(door, buffer, until_ns);
    int left = (int)received;
    if (received < 0) return (int)received;
    for (struct nlmsghdr *message = (struct nlmsghdr *)buffer; NLMSG_OK(message, left);
         message = NLMSG_NEXT(message, left)) {
      if (message->nlmsg_seq != request->header.nlmsg_seq) continue;
      if (message->nlmsg_type != NLMSG_ERROR) continue;
      error = ((struct nlmsgerr *)NLMSG_DATA(message))->error;
      if (error != 0) copy_reason(message, reason, reason_size);
      return error;
    }
  }
}

int netlink_dump(struct door *door, struct request *request, message_reader reader, void *context) {
  _Alignas(struct nlmsghdr) char buffer[RECEIVE_SIZE];
  int64_t until_ns = monotonic_now_ns() + NETLINK_TIMEOUT_NS;
  bool interrupted = false;
  int error;
  request->header.nlmsg_flags |= NLM_F_DUMP;
  error = send_request(door, request);
  if (error < 0) return error;
  for (;;) {
    ssize_t received = receive(door, buffer, until_ns);
    int left = (int)received;
    if (received < 0) return (int)received;
    for (struct nlmsghdr *message = (struct nlmsghdr *)buffer; NLMSG_OK(message, left);
         message = NLMSG_NEXT(message, left)) {
      if (message->nlmsg_seq != request->header.nlmsg_seq) continue;
      if (message->nlmsg_flags & NLM_F_DUMP_INTR) interrupted = true;
      if (message->nlmsg_type == NLMSG_DONE) return interrupted ? -EINTR : 0;
      if (message->nlmsg_type == NLMSG_ERROR) {
        return ((struct nlmsgerr *)NLMSG_DATA(message))->error;
      }
      reader(message, context);
    }
  }
}
