/*
 * What time is it? Node's own clock stops while the machine sleeps; leases need one that does not.
 */
#include "tandem.h"

#include <errno.h>
#include <time.h>

static napi_value boot_time_ms(napi_env env, napi_callback_info info) {
  struct timespec now;
  if (clock_gettime(CLOCK_BOOTTIME, &now) < 0) {
    return throw_errno(env, errno, "clock_gettime", NULL);
  }
  return make_double(env, (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6);
}

static napi_value nanoseconds(napi_env env, clockid_t clock) {
  struct timespec now;
  napi_value result = NULL;
  if (clock_gettime(clock, &now) < 0) return throw_errno(env, errno, "clock_gettime", NULL);
  napi_create_bigint_int64(env, (int64_t)now.tv_sec * 1000000000 + now.tv_nsec, &result);
  return result;
}

static napi_value boot_time_ns(napi_env env, napi_callback_info info) {
  return nanoseconds(env, CLOCK_BOOTTIME);
}

static napi_value monotonic_ns(napi_env env, napi_callback_info info) {
  return nanoseconds(env, CLOCK_MONOTONIC);
}

void clock_register(napi_env env, napi_value exports) {
  set_function(env, exports, "bootTimeMs", boot_time_ms);
  set_function(env, exports, "bootTimeNs", boot_time_ns);
  set_function(env, exports, "monotonicNs", monotonic_ns);
}
