/*
 * How does a command reach the kernel gate, and how does systemd hear from us? By one datagram each.
 *
 * The gate's program sits on the way out of `lo`: it has carried the command out, and written its
 * answer into the datagram, before send() returns. The socket is connected to itself, so the answer
 * is simply the next thing to read. Only the offsets of session and sequence are known here; what
 * the rest means: src/gate/command.ts.
 */
#include "tandem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define COMMAND_SIZE 96
#define SESSION_OFFSET 24
#define SEQUENCE_END 40
/* 127.71.0.1 */
#define GATE_ADDRESS 0x7f470001

static napi_value gate_open(napi_env env, napi_callback_info info) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(GATE_ADDRESS)};
  socklen_t length = sizeof address;
  const char *failed = NULL;
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return throw_errno(env, errno, "socket", NULL);
  if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0) failed = "bind";
  else if (getsockname(fd, (struct sockaddr *)&address, &length) < 0) failed = "getsockname";
  else if (connect(fd, (struct sockaddr *)&address, length) < 0) failed = "connect";
  if (failed != NULL) {
    int error = errno;
    close(fd);
    return throw_errno(env, error, failed, NULL);
  }
  return make_int(env, fd);
}

static napi_value gate_exchange(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  uint8_t answer[COMMAND_SIZE];
  uint8_t *command;
  size_t length;
  int32_t fd;
  double timeout_ms;
  int64_t until_ns;

  if (!read_arguments(env, info, 3, arguments)) return NULL;
  if (!read_int(env, arguments[0], &fd)) return NULL;
  if (!read_bytes(env, arguments[1], &command, &length)) return NULL;
  if (!read_double(env, arguments[2], &timeout_ms)) return NULL;
  if (length != COMMAND_SIZE) return throw_usage(env, "a gate command has 96 bytes");
  if (!(timeout_ms >= 0 && timeout_ms <= 1000)) return throw_usage(env, "timeout out of range");

  until_ns = monotonic_now_ns() + (int64_t)(timeout_ms * 1e6);
  if (send(fd, command, COMMAND_SIZE, MSG_NOSIGNAL) < 0) {
    return throw_errno(env, errno, "send", NULL);
  }
  for (;;) {
    ssize_t received = recv(fd, answer, sizeof answer, MSG_TRUNC);
    if (received == COMMAND_SIZE && memcmp(answer + SESSION_OFFSET, command + SESSION_OFFSET,
                                           SEQUENCE_END - SESSION_OFFSET) == 0) {
      memcpy(command, answer, COMMAND_SIZE);
      return make_bool(env, true);
    }
    if (received >= 0) {
      /* A late answer to an earlier command. Not many can wait, but do not read for ever. */
      if (monotonic_now_ns() >= until_ns) return make_bool(env, false);
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return throw_errno(env, errno, "recv", NULL);
    int ready = wait_readable(fd, until_ns);
    if (ready == 0) return make_bool(env, false);
    if (ready < 0) return throw_errno(env, -ready, "ppoll", NULL);
  }
}

static napi_value fd_close(napi_env env, napi_callback_info info) {
  napi_value argument;
  int32_t fd;
  if (!read_arguments(env, info, 1, &argument) || !read_int(env, argument, &fd)) return NULL;
  if (close(fd) < 0) return throw_errno(env, errno, "close", NULL);
  return make_undefined(env);
}

/* One datagram to a unix socket, never waiting for whoever reads. Returns errno or 0. */
static int send_to_path(char *path, const void *bytes, size_t size) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  size_t named = strlen(path);
  socklen_t length;
  int fd, error = 0;
  if (named >= sizeof address.sun_path) return ENAMETOOLONG;
  memcpy(address.sun_path, path, named + 1);
  length = offsetof(struct sockaddr_un, sun_path) + named;
  if (address.sun_path[0] == '@') {
    /* Abstract: the name begins with a zero byte and ends with the length, not with a zero. */
    address.sun_path[0] = '\0';
  } else {
    length += 1;
  }
  fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return errno;
  if (sendto(fd, bytes, size, MSG_NOSIGNAL, (struct sockaddr *)&address, length) < 0) error = errno;
  close(fd);
  return error;
}

static napi_value sd_notify(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  char path[sizeof((struct sockaddr_un *)0)->sun_path], text[2048];
  int error;
  if (!read_arguments(env, info, 2, arguments)) return NULL;
  if (!read_text(env, arguments[0], path, sizeof path)) return NULL;
  if (!read_text(env, arguments[1], text, sizeof text)) return NULL;
  error = send_to_path(path, text, strlen(text));
  return error == 0 ? make_undefined(env) : throw_errno(env, error, "sendto", NULL);
}

/* sendDatagram(path, bytes): false when whoever reads is slow, gone or takes nothing so large. */
static napi_value send_datagram(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  char path[sizeof((struct sockaddr_un *)0)->sun_path];
  uint8_t *bytes;
  size_t size;
  if (!read_arguments(env, info, 2, arguments)) return NULL;
  if (!read_text(env, arguments[0], path, sizeof path)) return NULL;
  if (!read_bytes(env, arguments[1], &bytes, &size)) return NULL;
  return make_bool(env, send_to_path(path, bytes, size) == 0);
}

void gate_register(napi_env env, napi_value exports) {
  set_function(env, exports, "gateOpen", gate_open);
  set_function(env, exports, "gateExchange", gate_exchange);
  set_function(env, exports, "fdClose", fd_close);
  set_function(env, exports, "sdNotify", sd_notify);
  set_function(env, exports, "sendDatagram", send_datagram);
}
