/*
 * After which time does a watchdog reset this machine, and what is it?
 *
 * Asked beside the event loop: the driver of a management controller waits for that controller, for
 * seconds. A descriptor that is no watchdog, and an old driver, know none of these questions; what
 * was not answered is told as such, and nothing here is a failure.
 */
#include "tandem.h"

#include <errno.h>
#include <linux/watchdog.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

struct setting {
  napi_async_work work;
  napi_deferred deferred;
  int fd;
  int wanted_seconds;
  /* 0: it does not tell. */
  int seconds;
  bool known;
  struct watchdog_info info;
};

/* In a thread of the pool: nothing of the environment may be touched. */
static void set(napi_env env, void *data) {
  struct setting *setting = data;
  int seconds = setting->wanted_seconds;
  setting->known = ioctl(setting->fd, WDIOC_GETSUPPORT, &setting->info) == 0;
  /* Refused where the driver has one time only, or none so long: what is in force is asked next. */
  ioctl(setting->fd, WDIOC_SETTIMEOUT, &seconds);
  if (ioctl(setting->fd, WDIOC_GETTIMEOUT, &seconds) == 0 && seconds > 0) setting->seconds = seconds;
}

static void told(napi_env env, napi_status status, void *data) {
  struct setting *setting = data;
  char identity[sizeof setting->info.identity + 1] = {0};
  napi_value result;
  memcpy(identity, setting->info.identity, sizeof setting->info.identity);
  if (napi_create_object(env, &result) == napi_ok) {
    bool known = setting->known;
    bool magic = (setting->info.options & WDIOF_MAGICCLOSE) != 0;
    set_member(env, result, "identity", known ? make_text(env, identity) : make_null(env));
    set_member(env, result, "magicClose", known ? make_bool(env, magic) : make_null(env));
    set_member(env, result, "seconds",
               setting->seconds == 0 ? make_null(env) : make_int(env, setting->seconds));
    napi_resolve_deferred(env, setting->deferred, result);
  }
  napi_delete_async_work(env, setting->work);
  free(setting);
}

/* watchdogSet(fd, seconds): a promise of what it is and which time is in force. */
static napi_value watchdog_set(napi_env env, napi_callback_info info) {
  napi_value arguments[2], name, promise;
  int32_t fd, seconds;
  struct setting *setting;
  if (!read_arguments(env, info, 2, arguments)) return NULL;
  if (!read_int(env, arguments[0], &fd) || !read_int(env, arguments[1], &seconds)) return NULL;
  setting = calloc(1, sizeof *setting);
  if (setting == NULL) return throw_errno(env, ENOMEM, "calloc", NULL);
  setting->fd = fd;
  setting->wanted_seconds = seconds;
  if (napi_create_string_utf8(env, "watchdogSet", NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_create_async_work(env, NULL, name, set, told, setting, &setting->work) != napi_ok) {
    free(setting);
    return throw_usage(env, "could not be put beside the event loop");
  }
  if (napi_create_promise(env, &setting->deferred, &promise) != napi_ok ||
      napi_queue_async_work(env, setting->work) != napi_ok) {
    napi_delete_async_work(env, setting->work);
    free(setting);
    return throw_usage(env, "could not be put beside the event loop");
  }
  return promise;
}

void watchdog_register(napi_env env, napi_value exports) {
  set_function(env, exports, "watchdogSet", watchdog_set);
}
