/*
 * How do values and errors pass between C and JavaScript? Nothing here knows the operating system
 * beyond errno and ppoll.
 */
#include "tandem.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <uv.h>

napi_value throw_errno(napi_env env, int error, const char *syscall, const char *detail) {
  char code[32];
  char reason[128];
  char text[400];
  napi_value message, code_value, object;

  uv_err_name_r(-error, code, sizeof code);
  uv_strerror_r(-error, reason, sizeof reason);
  snprintf(text, sizeof text, "%s: %s, %s%s%s", code, reason, syscall, detail ? " " : "",
           detail ? detail : "");
  if (napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &message) != napi_ok) return NULL;
  if (napi_create_string_utf8(env, code, NAPI_AUTO_LENGTH, &code_value) != napi_ok) return NULL;
  if (napi_create_error(env, code_value, message, &object) != napi_ok) return NULL;
  set_member(env, object, "errno", make_int(env, -error));
  set_member(env, object, "syscall", make_text(env, syscall));
  napi_throw(env, object);
  return NULL;
}

napi_value throw_usage(napi_env env, const char *message) {
  napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", message);
  return NULL;
}

bool read_arguments(napi_env env, napi_callback_info info, size_t count, napi_value *values) {
  size_t given = count;
  if (napi_get_cb_info(env, info, &given, values, NULL, NULL) != napi_ok) return false;
  if (given < count) {
    throw_usage(env, "too few arguments");
    return false;
  }
  return true;
}

bool read_int(napi_env env, napi_value value, int32_t *out) {
  if (napi_get_value_int32(env, value, out) == napi_ok) return true;
  throw_usage(env, "expected a whole number");
  return false;
}

bool read_uint(napi_env env, napi_value value, uint32_t *out) {
  if (napi_get_value_uint32(env, value, out) == napi_ok) return true;
  throw_usage(env, "expected a whole number");
  return false;
}

bool read_double(napi_env env, napi_value value, double *out) {
  if (napi_get_value_double(env, value, out) == napi_ok) return true;
  throw_usage(env, "expected a number");
  return false;
}

bool read_text(napi_env env, napi_value value, char *out, size_t size) {
  size_t length = 0;
  if (napi_get_value_string_utf8(env, value, NULL, 0, &length) != napi_ok) {
    throw_usage(env, "expected a text");
    return false;
  }
  if (length >= size) {
    throw_usage(env, "text is too long");
    return false;
  }
  return napi_get_value_string_utf8(env, value, out, size, &length) == napi_ok;
}

bool read_text_or_null(napi_env env, napi_value value, char *out, size_t size) {
  napi_valuetype type;
  if (napi_typeof(env, value, &type) != napi_ok) return false;
  if (type != napi_null) return read_text(env, value, out, size);
  out[0] = '\0';
  return true;
}

bool read_bytes(napi_env env, napi_value value, uint8_t **data, size_t *length) {
  bool is_buffer = false;
  if (napi_is_buffer(env, value, &is_buffer) != napi_ok || !is_buffer) {
    throw_usage(env, "expected a Buffer");
    return false;
  }
  return napi_get_buffer_info(env, value, (void **)data, length) == napi_ok;
}

napi_value make_int(napi_env env, int64_t value) {
  napi_value result = NULL;
  napi_create_int64(env, value, &result);
  return result;
}

napi_value make_double(napi_env env, double value) {
  napi_value result = NULL;
  napi_create_double(env, value, &result);
  return result;
}

napi_value make_bool(napi_env env, bool value) {
  napi_value result = NULL;
  napi_get_boolean(env, value, &result);
  return result;
}

napi_value make_text(napi_env env, const char *text) {
  napi_value result = NULL;
  napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &result);
  return result;
}

napi_value make_null(napi_env env) {
  napi_value result = NULL;
  napi_get_null(env, &result);
  return result;
}

napi_value make_undefined(napi_env env) {
  napi_value result = NULL;
  napi_get_undefined(env, &result);
  return result;
}

void set_member(napi_env env, napi_value object, const char *name, napi_value value) {
  if (value != NULL) napi_set_named_property(env, object, name, value);
}

void set_function(napi_env env, napi_value exports, const char *name, napi_callback function) {
  napi_value value;
  if (napi_create_function(env, name, NAPI_AUTO_LENGTH, function, NULL, &value) == napi_ok) {
    set_member(env, exports, name, value);
  }
}

int64_t monotonic_now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int wait_readable(int fd, int64_t until_ns) {
  for (;;) {
    int64_t left = until_ns - monotonic_now_ns();
    struct pollfd request = {.fd = fd, .events = POLLIN};
    struct timespec limit;
    int ready;
    if (left <= 0) return 0;
    limit.tv_sec = left / 1000000000;
    limit.tv_nsec = left % 1000000000;
    ready = ppoll(&request, 1, &limit, NULL);
    if (ready > 0) return 1;
    if (ready < 0 && errno != EINTR) return -errno;
  }
}
