/*
 * What do the parts of the native door share?
 *
 * The door gives Node what it has no function for: clocks, scheduling class, netlink, packet sockets,
 * unix datagrams. Each system call is one function, decides nothing and never waits for anybody
 * unless it says for how long. Types, units and errors: ../native.ts and ../add-on.ts.
 *
 * The add-on may be loaded in the main thread and in workers at once: there is no state but
 * `struct door`, and every environment has its own.
 */
#ifndef TANDEM_H
#define TANDEM_H

#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct watcher;
struct process_watch;

/* One per environment (main thread or worker). Descriptors are opened when first needed. */
struct door {
  int ioctl_fd;
  int netlink_fd;
  uint32_t netlink_sequence;
  struct watcher *watchers;
  struct process_watch *process_watches;
};

struct door *door_of(napi_env env);
/* Closes what was opened on demand, so that it is opened anew (in another network namespace). */
void door_reset(struct door *door);

/*
 * Throws an Error with `code`, `errno` (negative, as Node's own) and `syscall`.
 * `detail` may be NULL. Returns NULL, so that callers can `return throw_errno(...)`.
 */
napi_value throw_errno(napi_env env, int error, const char *syscall, const char *detail);
napi_value throw_usage(napi_env env, const char *message);

/* Arguments. Each returns false with a TypeError pending when the argument is another kind. */
bool read_arguments(napi_env env, napi_callback_info info, size_t count, napi_value *values);
bool read_int(napi_env env, napi_value value, int32_t *out);
bool read_uint(napi_env env, napi_value value, uint32_t *out);
bool read_double(napi_env env, napi_value value, double *out);
/* Fails as well when the text does not fit with its final zero. */
bool read_text(napi_env env, napi_value value, char *out, size_t size);
/* null gives an empty text. */
bool read_text_or_null(napi_env env, napi_value value, char *out, size_t size);
bool read_bytes(napi_env env, napi_value value, uint8_t **data, size_t *length);

/* Results. */
napi_value make_int(napi_env env, int64_t value);
napi_value make_double(napi_env env, double value);
napi_value make_bool(napi_env env, bool value);
napi_value make_text(napi_env env, const char *text);
napi_value make_null(napi_env env);
napi_value make_undefined(napi_env env);
void set_member(napi_env env, napi_value object, const char *name, napi_value value);
void set_function(napi_env env, napi_value exports, const char *name, napi_callback function);

/* CLOCK_MONOTONIC in nanoseconds, for bounds on waiting. */
int64_t monotonic_now_ns(void);
/* Waits for input until the moment. Returns 1 input, 0 time is up, or a negative errno. */
int wait_readable(int fd, int64_t until_ns);

/* Each part adds its functions to the exports. */
void clock_register(napi_env env, napi_value exports);
void process_register(napi_env env, napi_value exports);
void gate_register(napi_env env, napi_value exports);
void link_register(napi_env env, napi_value exports);
void address_register(napi_env env, napi_value exports);
void packet_register(napi_env env, napi_value exports);
void neighbour_register(napi_env env, napi_value exports);
void watchdog_register(napi_env env, napi_value exports);

#endif
