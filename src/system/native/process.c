/*
 * What does this process hold for itself? Processor time, memory, a network namespace, a lock file.
 * And when has another one ended?
 *
 * Scheduling and namespaces belong to threads on Linux: they change for the calling thread only.
 * Memory, locks and descriptors are the whole process's.
 */
#include "tandem.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uv.h>

/* For headers older than the kernel. The numbers are the same on every architecture. */
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

/* One process that is watched. Told once; then it is gone. */
struct process_watch {
  uv_poll_t poll; /* first: the handle is the watch */
  int fd;
  bool closing;
  bool environment_ends;
  napi_env env;
  napi_ref callback;
  napi_async_cleanup_hook_handle cleanup;
  struct process_watch *next;
};

static napi_value schedule(napi_env env, int policy, int priority) {
  struct sched_param param = {.sched_priority = priority};
  if (sched_setscheduler(0, policy, &param) < 0) {
    return throw_errno(env, errno, "sched_setscheduler", NULL);
  }
  return make_undefined(env);
}

static napi_value set_realtime(napi_env env, napi_callback_info info) {
  napi_value argument;
  int32_t priority;
  if (!read_arguments(env, info, 1, &argument) || !read_int(env, argument, &priority)) return NULL;
  /* Threads and programs started from here must not inherit the class. */
  return schedule(env, SCHED_RR | SCHED_RESET_ON_FORK, priority);
}

static napi_value set_normal(napi_env env, napi_callback_info info) {
  return schedule(env, SCHED_OTHER, 0);
}

static const char *policy_name(int policy) {
  switch (policy & ~SCHED_RESET_ON_FORK) {
    case SCHED_OTHER: return "other";
    case SCHED_FIFO: return "fifo";
    case SCHED_RR: return "rr";
    case SCHED_BATCH: return "batch";
    case SCHED_IDLE: return "idle";
    default: return "unknown";
  }
}

static napi_value scheduling_class(napi_env env, napi_callback_info info) {
  struct sched_param param = {0};
  napi_value result;
  int policy = sched_getscheduler(0);
  if (policy < 0 || sched_getparam(0, &param) < 0) {
    return throw_errno(env, errno, "sched_getscheduler", NULL);
  }
  if (napi_create_object(env, &result) != napi_ok) return NULL;
  set_member(env, result, "policy", make_text(env, policy_name(policy)));
  set_member(env, result, "priority", make_int(env, param.sched_priority));
  return result;
}

/*
 * Not mlockall: V8 gives pages of its heap back with MADV_DONTNEED, which the kernel refuses for
 * locked ones, and V8 takes the refusal for the end of the world (Node 20: "Check failed: 0 == ret",
 * trap). So everything but anonymous mappings is locked: the program, its libraries and add-ons, the
 * stack, the C heap. They are what a dying disk could no longer give back.
 */
static napi_value lock_memory(napi_env env, napi_callback_info info) {
  char line[4352];
  double locked = 0;
  int error = 0;
  FILE *maps = fopen("/proc/self/maps", "re");
  if (maps == NULL) return throw_errno(env, errno, "open", "/proc/self/maps");
  while (error == 0 && fgets(line, sizeof line, maps) != NULL) {
    unsigned long start, end;
    char access[5], what[16];
    if (sscanf(line, "%lx-%lx %4s %*x %*s %*u %15s", &start, &end, access, what) != 4) continue;
    if (what[0] != '/' && strcmp(what, "[stack]") != 0 && strcmp(what, "[heap]") != 0) continue;
    if (access[0] != 'r') continue;
    if (mlock((const void *)start, end - start) == 0) locked += (double)(end - start);
    else error = errno;
  }
  fclose(maps);
  return error == 0 ? make_double(env, locked) : throw_errno(env, error, "mlock", NULL);
}

static napi_value enter_netns(napi_env env, napi_callback_info info) {
  napi_value argument;
  char path[4096];
  int fd, error;
  if (!read_arguments(env, info, 1, &argument)) return NULL;
  if (!read_text(env, argument, path, sizeof path)) return NULL;
  fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return throw_errno(env, errno, "open", path);
  error = setns(fd, CLONE_NEWNET) < 0 ? errno : 0;
  close(fd);
  if (error != 0) return throw_errno(env, error, "setns", path);
  /* Sockets stay in the namespace they were made in. */
  door_reset(door_of(env));
  return make_undefined(env);
}

/* The descriptor is kept on purpose: the lock ends with the process, whatever it dies of. */
static napi_value lock_file(napi_env env, napi_callback_info info) {
  napi_value argument;
  char path[4096];
  int fd, error;
  if (!read_arguments(env, info, 1, &argument)) return NULL;
  if (!read_text(env, argument, path, sizeof path)) return NULL;
  fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (fd < 0) return throw_errno(env, errno, "open", path);
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) return make_bool(env, true);
  error = errno;
  close(fd);
  if (error == EWOULDBLOCK) return make_bool(env, false);
  return throw_errno(env, error, "flock", path);
}

/* execProgram(path, arguments): returns only when it failed. The process stays, its program changes. */
static napi_value exec_program(napi_env env, napi_callback_info info) {
  enum { WORDS_MAX = 64, WORD_SIZE = 4096 };
  static char words[WORDS_MAX][WORD_SIZE];
  char *vector[WORDS_MAX + 1];
  char path[WORD_SIZE];
  napi_value arguments[2], word;
  uint32_t count = 0;
  if (!read_arguments(env, info, 2, arguments)) return NULL;
  if (!read_text(env, arguments[0], path, sizeof path)) return NULL;
  napi_get_array_length(env, arguments[1], &count);
  if (count == 0 || count > WORDS_MAX) return throw_usage(env, "1 to 64 words are needed");
  for (uint32_t index = 0; index < count; index += 1) {
    napi_get_element(env, arguments[1], index, &word);
    if (!read_text(env, word, words[index], WORD_SIZE)) return NULL;
    vector[index] = words[index];
  }
  vector[count] = NULL;
  /* Node marks even the standard streams to be closed (uv_disable_stdio_inheritance). */
  for (int fd = 0; fd <= 2; fd += 1) fcntl(fd, F_SETFD, 0);
  execv(path, vector);
  return throw_errno(env, errno, "execv", path);
}

/*
 * sealDescriptors(): nothing but the standard streams reaches a program started from here. Node and
 * this add-on open everything so; a library may not.
 */
static napi_value seal_descriptors(napi_env env, napi_callback_info info) {
  DIR *directory;
  struct dirent *entry;
  if (syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) == 0) return make_undefined(env);
  /* Before Linux 5.11 one by one. */
  directory = opendir("/proc/self/fd");
  if (directory == NULL) return throw_errno(env, errno, "opendir", "/proc/self/fd");
  while ((entry = readdir(directory)) != NULL) {
    int fd = atoi(entry->d_name);
    if (fd > 2) fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
  closedir(directory);
  return make_undefined(env);
}

static void on_watch_closed(uv_handle_t *handle) {
  struct process_watch *watch = (struct process_watch *)handle;
  close(watch->fd);
  if (!watch->environment_ends) napi_delete_reference(watch->env, watch->callback);
  napi_remove_async_cleanup_hook(watch->cleanup);
  free(watch);
}

static void close_watch(struct process_watch *watch) {
  struct door *door = door_of(watch->env);
  struct process_watch **link;
  if (watch->closing) return;
  watch->closing = true;
  for (link = door ? &door->process_watches : NULL; link && *link; link = &(*link)->next) {
    if (*link == watch) {
      *link = watch->next;
      break;
    }
  }
  uv_poll_stop(&watch->poll);
  uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
}

/* A worker ends while it watches: its loop may not be left before the handle is closed. */
static void on_watch_environment_end(napi_async_cleanup_hook_handle handle, void *data) {
  struct process_watch *watch = data;
  watch->environment_ends = true;
  close_watch(watch);
}

static void on_process_end(uv_poll_t *poll, int status, int events) {
  struct process_watch *watch = (struct process_watch *)poll;
  napi_env env = watch->env;
  napi_handle_scope scope;
  napi_value receiver, callback, error;
  bool pending = false;
  /* The descriptor stays readable for good. The memory lives until the handle is closed, later. */
  close_watch(watch);
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  if (napi_get_reference_value(env, watch->callback, &callback) == napi_ok &&
      napi_get_global(env, &receiver) == napi_ok) {
    napi_make_callback(env, NULL, receiver, callback, 0, NULL, NULL);
    if (napi_is_exception_pending(env, &pending) == napi_ok && pending &&
        napi_get_and_clear_last_exception(env, &error) == napi_ok) {
      napi_fatal_exception(env, error);
    }
  }
  napi_close_handle_scope(env, scope);
}

/* watchProcess(pid, callback): returns the descriptor. Readable once all threads have ended. */
static napi_value watch_process(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  napi_valuetype type;
  struct process_watch *watch;
  struct door *door = door_of(env);
  uv_loop_t *loop;
  int32_t pid;
  int fd, error;
  if (!read_arguments(env, info, 2, arguments) || !read_int(env, arguments[0], &pid)) return NULL;
  if (napi_typeof(env, arguments[1], &type) != napi_ok || type != napi_function) {
    return throw_usage(env, "expected a function");
  }
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) return throw_usage(env, "no event loop");
  fd = (int)syscall(SYS_pidfd_open, pid, 0); /* close-on-exec by itself */
  if (fd < 0) return throw_errno(env, errno, "pidfd_open", NULL);
  watch = calloc(1, sizeof *watch);
  error = watch == NULL ? -ENOMEM : uv_poll_init(loop, &watch->poll, fd);
  if (error < 0) {
    free(watch);
    close(fd);
    return throw_errno(env, -error, "uv_poll_init", NULL);
  }
  watch->fd = fd;
  watch->env = env;
  watch->next = door->process_watches;
  door->process_watches = watch;
  napi_create_reference(env, arguments[1], 1, &watch->callback);
  napi_add_async_cleanup_hook(env, on_watch_environment_end, watch, &watch->cleanup);
  error = uv_poll_start(&watch->poll, UV_READABLE, on_process_end);
  if (error < 0) {
    close_watch(watch);
    return throw_errno(env, -error, "uv_poll_start", NULL);
  }
  return make_int(env, fd);
}

static napi_value unwatch_process(napi_env env, napi_callback_info info) {
  napi_value argument;
  struct process_watch *watch;
  int32_t fd;
  if (!read_arguments(env, info, 1, &argument) || !read_int(env, argument, &fd)) return NULL;
  for (watch = door_of(env)->process_watches; watch; watch = watch->next) {
    if (watch->fd == fd) {
      close_watch(watch);
      break;
    }
  }
  return make_undefined(env);
}

void process_register(napi_env env, napi_value exports) {
  set_function(env, exports, "setRealtime", set_realtime);
  set_function(env, exports, "setNormal", set_normal);
  set_function(env, exports, "schedulingClass", scheduling_class);
  set_function(env, exports, "lockMemory", lock_memory);
  set_function(env, exports, "enterNetns", enter_netns);
  set_function(env, exports, "lockFile", lock_file);
  set_function(env, exports, "execProgram", exec_program);
  set_function(env, exports, "sealDescriptors", seal_descriptors);
  set_function(env, exports, "watchProcess", watch_process);
  set_function(env, exports, "unwatchProcess", unwatch_process);
}
