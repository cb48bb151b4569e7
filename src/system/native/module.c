/*
 * What happens when the door is loaded? Each environment gets a `struct door` of its own; it is given
 * back, with its descriptors, when the environment ends.
 */
#include "tandem.h"

#include <stdlib.h>
#include <unistd.h>

struct door *door_of(napi_env env) {
  void *data = NULL;
  napi_get_instance_data(env, &data);
  return data;
}

void door_reset(struct door *door) {
  if (door->ioctl_fd >= 0) close(door->ioctl_fd);
  if (door->netlink_fd >= 0) close(door->netlink_fd);
  door->ioctl_fd = -1;
  door->netlink_fd = -1;
}

static void release(napi_env env, void *data, void *hint) {
  struct door *door = data;
  door_reset(door);
  free(door);
}

NAPI_MODULE_INIT() {
  struct door *door = calloc(1, sizeof *door);
  if (door == NULL) {
    napi_throw_error(env, "ENOMEM", "out of memory");
    return NULL;
  }
  door->ioctl_fd = -1;
  door->netlink_fd = -1;
  if (napi_set_instance_data(env, door, release, NULL) != napi_ok) {
    free(door);
    napi_throw_error(env, NULL, "could not keep the state of the environment");
    return NULL;
  }
  clock_register(env, exports);
  process_register(env, exports);
  gate_register(env, exports);
  link_register(env, exports);
  address_register(env, exports);
  packet_register(env, exports);
  neighbour_register(env, exports);
  watchdog_register(env, exports);
  return exports;
}
