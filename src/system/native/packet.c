/*
 * How do ARP and neighbour discovery frames leave and reach us without the kernel's own judgement?
 *
 * A packet socket of all protocols, with a filter in the kernel: it hears frames before tc and
 * nftables judge them, so a shut gate does not deafen us. Sockets of a single protocol stand behind
 * tc and would be. Our own frames are left out at the source (PACKET_IGNORE_OUTGOING), which also
 * spares every other outgoing packet of the machine a copy.
 *
 * What comes in is read by the event loop that the environment runs on, at most FRAMES_PER_WAKE at
 * once, so that a flood of ARP cannot hold up a tick.
 */
#include "tandem.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#define FRAMES_PER_WAKE 64
#define FRAME_SIZE_MAX 1600

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

struct watcher {
  uv_poll_t poll; /* first: the handle is the watcher */
  int fd;
  bool closing;
  bool environment_ends;
  napi_env env;
  napi_ref callback;
  napi_async_cleanup_hook_handle cleanup;
  struct watcher *next;
};

#define DROP_OUTGOING_AND_TAGGED(to_drop)                                                    \
  /* Frames of a VLAN belong to its own interface, though the parent sees them as well. */   \
  BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT),                  \
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, (to_drop) - 2),                                  \
  BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_PKTTYPE),                           \
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, (to_drop) - 4, 0),                    \
  BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12)

static struct sock_filter arp_filter[] = {
  DROP_OUTGOING_AND_TAGGED(7),
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_ARP, 0, 1),
  BPF_STMT(BPF_RET | BPF_K, FRAME_SIZE_MAX),
  BPF_STMT(BPF_RET | BPF_K, 0), /* 7 */
};

static struct sock_filter neighbour_filter[] = {
  DROP_OUTGOING_AND_TAGGED(12),
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IPV6, 0, 6),
  BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 20), /* next header */
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 58, 0, 4),
  BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 54), /* ICMPv6 type */
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 135, 1, 0),
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 136, 0, 1),
  BPF_STMT(BPF_RET | BPF_K, FRAME_SIZE_MAX),
  BPF_STMT(BPF_RET | BPF_K, 0), /* 12 */
};

static void deliver(struct watcher *watcher, const uint8_t *frame, size_t length) {
  napi_env env = watcher->env;
  napi_handle_scope scope;
  napi_value receiver, callback, argument, error;
  bool pending = false;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  if (napi_get_reference_value(env, watcher->callback, &callback) == napi_ok &&
      napi_create_buffer_copy(env, length, frame, NULL, &argument) == napi_ok &&
      napi_get_global(env, &receiver) == napi_ok) {
    napi_make_callback(env, NULL, receiver, callback, 1, &argument, NULL);
    if (napi_is_exception_pending(env, &pending) == napi_ok && pending &&
        napi_get_and_clear_last_exception(env, &error) == napi_ok) {
      /* As if it had been thrown from any other event: uncaughtException. */
      napi_fatal_exception(env, error);
    }
  }
  napi_close_handle_scope(env, scope);
}

static void on_readable(uv_poll_t *poll, int status, int events) {
  struct watcher *watcher = (struct watcher *)poll;
  uint8_t frame[FRAME_SIZE_MAX];
  if (status < 0) {
    /*
     * The interface went down. libuv stops watching a descriptor with an error, and would leave us
     * deaf when it is back up. Asking for the error takes it off the socket.
     */
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(watcher->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0) return;
    uv_poll_start(&watcher->poll, UV_READABLE, on_readable);
    return;
  }
  for (int count = 0; count < FRAMES_PER_WAKE && !watcher->closing; count += 1) {
    struct sockaddr_ll sender;
    socklen_t length = sizeof sender;
    ssize_t received = recvfrom(watcher->fd, frame, sizeof frame, MSG_DONTWAIT,
                                (struct sockaddr *)&sender, &length);
    if (received < 0) return;
    if (sender.sll_pkttype == PACKET_OUTGOING) continue;
    deliver(watcher, frame, (size_t)received);
  }
}

static void on_closed(uv_handle_t *handle) {
  struct watcher *watcher = (struct watcher *)handle;
  close(watcher->fd);
  if (!watcher->environment_ends) napi_delete_reference(watcher->env, watcher->callback);
  napi_remove_async_cleanup_hook(watcher->cleanup);
  free(watcher);
}

static void begin_close(struct watcher *watcher) {
  struct door *door = door_of(watcher->env);
  if (watcher->closing) return;
  watcher->closing = true;
  for (struct watcher **link = door ? &door->watchers : NULL; link && *link; link = &(*link)->next) {
    if (*link == watcher) {
      *link = watcher->next;
      break;
    }
  }
  uv_poll_stop(&watcher->poll);
  uv_close((uv_handle_t *)&watcher->poll, on_closed);
}

/* A worker ends with the socket still open: its loop may not be left before the handle is closed. */
static void on_environment_end(napi_async_cleanup_hook_handle handle, void *data) {
  struct watcher *watcher = data;
  watcher->environment_ends = true;
  begin_close(watcher);
}

/* Returns the descriptor, or a negative errno with `failed` naming the call. */
static int open_packet_socket(uint32_t interface_index, struct sock_fprog *filter,
                              const char **failed) {
  struct sockaddr_ll address = {
    .sll_family = AF_PACKET,
    .sll_protocol = htons(ETH_P_ALL),
    .sll_ifindex = (int)interface_index,
  };
  int on = 1;
  int error;
  /* No protocol yet: nothing arrives before filter and interface are set. */
  int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  *failed = "socket";
  if (fd < 0) return -errno;
  *failed = "setsockopt";
  if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, filter, sizeof *filter) == 0) {
    /* Before Linux 4.20 the filter does it alone. */
    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on);
    *failed = "bind";
    if (bind(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
  }
  error = errno;
  close(fd);
  return -error;
}

/* (interface index, 'arp' or 'ipv6-nd', callback); returns the descriptor */
static napi_value packet_open(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  napi_valuetype type;
  char protocol[16];
  uint32_t interface_index;
  struct sock_fprog filter;
  struct watcher *watcher;
  struct door *door = door_of(env);
  const char *failed;
  uv_loop_t *loop;
  int fd, error;

  if (!read_arguments(env, info, 3, arguments)) return NULL;
  if (!read_uint(env, arguments[0], &interface_index)) return NULL;
  if (!read_text(env, arguments[1], protocol, sizeof protocol)) return NULL;
  if (napi_typeof(env, arguments[2], &type) != napi_ok || type != napi_function) {
    return throw_usage(env, "expected a function");
  }
  if (strcmp(protocol, "arp") == 0) {
    filter.filter = arp_filter;
    filter.len = sizeof arp_filter / sizeof arp_filter[0];
  } else if (strcmp(protocol, "ipv6-nd") == 0) {
    filter.filter = neighbour_filter;
    filter.len = sizeof neighbour_filter / sizeof neighbour_filter[0];
  } else {
    return throw_usage(env, "expected arp or ipv6-nd");
  }
  /* Interface 0 would mean all of them. */
  if (interface_index == 0) return throw_errno(env, ENODEV, "bind", NULL);
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) return throw_usage(env, "no event loop");
  fd = open_packet_socket(interface_index, &filter, &failed);
  if (fd < 0) return throw_errno(env, -fd, failed, NULL);

  watcher = calloc(1, sizeof *watcher);
  error = watcher == NULL ? -ENOMEM : uv_poll_init(loop, &watcher->poll, fd);
  if (error < 0) {
    free(watcher);
    close(fd);
    return throw_errno(env, -error, "uv_poll_init", NULL);
  }
  watcher->fd = fd;
  watcher->env = env;
  watcher->next = door->watchers;
  door->watchers = watcher;
  napi_create_reference(env, arguments[2], 1, &watcher->callback);
  napi_add_async_cleanup_hook(env, on_environment_end, watcher, &watcher->cleanup);
  error = uv_poll_start(&watcher->poll, UV_READABLE, on_readable);
  if (error < 0) {
    begin_close(watcher);
    return throw_errno(env, -error, "uv_poll_start", NULL);
  }
  return make_int(env, fd);
}

static napi_value packet_send(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  uint8_t *frame;
  size_t length;
  int32_t fd;
  if (!read_arguments(env, info, 2, arguments)) return NULL;
  if (!read_int(env, arguments[0], &fd)) return NULL;
  if (!read_bytes(env, arguments[1], &frame, &length)) return NULL;
  if (send(fd, frame, length, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
    return throw_errno(env, errno, "send", NULL);
  }
  return make_undefined(env);
}

/* (descriptor, interface index, group address): lets the adapter pass a multicast group. */
static napi_value packet_join(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  struct packet_mreq group = {.mr_type = PACKET_MR_MULTICAST, .mr_alen = ETH_ALEN};
  uint8_t *mac;
  size_t length;
  int32_t fd, interface_index;
  if (!read_arguments(env, info, 3, arguments)) return NULL;
  if (!read_int(env, arguments[0], &fd) || !read_int(env, arguments[1], &interface_index)) return NULL;
  if (!read_bytes(env, arguments[2], &mac, &length)) return NULL;
  if (length != ETH_ALEN) return throw_usage(env, "a group address has 6 bytes");
  group.mr_ifindex = interface_index;
  memcpy(group.mr_address, mac, ETH_ALEN);
  if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &group, sizeof group) < 0) {
    return throw_errno(env, errno, "setsockopt", NULL);
  }
  return make_undefined(env);
}

static napi_value packet_close(napi_env env, napi_callback_info info) {
  napi_value argument;
  int32_t fd;
  if (!read_arguments(env, info, 1, &argument) || !read_int(env, argument, &fd)) return NULL;
  for (struct watcher *watcher = door_of(env)->watchers; watcher; watcher = watcher->next) {
    if (watcher->fd == fd) {
      begin_close(watcher);
      break;
    }
  }
  return make_undefined(env);
}

void packet_register(napi_env env, napi_value exports) {
  set_function(env, exports, "packetOpen", packet_open);
  set_function(env, exports, "packetSend", packet_send);
  set_function(env, exports, "packetJoin", packet_join);
  set_function(env, exports, "packetClose", packet_close);
}
