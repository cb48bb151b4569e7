/*
 * Which hardware address does the kernel know for a neighbour, and does it go on believing in it?
 *
 * A neighbour entry dies when its owner no longer answers address requests, even while the owner
 * still receives everything we send. Over a link that works one way only, that would silence the
 * direction that works as well.
 */
#include "netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/neighbour.h>
#include <string.h>

#define HARDWARE_MAX 32

struct found {
  uint32_t interface_index;
  uint8_t address[16];
  size_t address_size;
  uint16_t state;
  uint8_t hardware[HARDWARE_MAX];
  size_t hardware_size;
};

static void read_entry(const struct nlmsghdr *message, void *context) {
  struct found *found = context;
  const struct ndmsg *entry = NLMSG_DATA(message);
  const struct rtattr *attribute = (const struct rtattr *)((const char *)entry + NLMSG_ALIGN(sizeof *entry));
  int left = (int)message->nlmsg_len - (int)NLMSG_LENGTH(sizeof *entry);
  const struct rtattr *address = NULL, *hardware = NULL;
  if (message->nlmsg_type != RTM_NEWNEIGH) return;
  if ((uint32_t)entry->ndm_ifindex != found->interface_index) return;
  for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
    if (attribute->rta_type == NDA_DST) address = attribute;
    if (attribute->rta_type == NDA_LLADDR) hardware = attribute;
  }
  if (address == NULL || hardware == NULL) return;
  if (RTA_PAYLOAD(address) != found->address_size || RTA_PAYLOAD(hardware) > HARDWARE_MAX) return;
  if (memcmp(RTA_DATA(address), found->address, found->address_size) != 0) return;
  found->state = entry->ndm_state;
  found->hardware_size = RTA_PAYLOAD(hardware);
  memcpy(found->hardware, RTA_DATA(hardware), found->hardware_size);
}

/*
 * neighbourConfirm(index, version, address): keeps the kernel's entry for this address reachable.
 * False when there is none with a hardware address; true also when it needs no keeping.
 */
static napi_value neighbour_confirm(napi_env env, napi_callback_info info) {
  struct door *door = door_of(env);
  napi_value arguments[3];
  struct found found = {0};
  struct request request;
  char text[INET6_ADDRSTRLEN], reason[160];
  int32_t version;
  int error;
  if (!read_arguments(env, info, 3, arguments)) return NULL;
  if (!read_uint(env, arguments[0], &found.interface_index)) return NULL;
  if (!read_int(env, arguments[1], &version)) return NULL;
  if (!read_text(env, arguments[2], text, sizeof text)) return NULL;
  int family = version == 4 ? AF_INET : AF_INET6;
  found.address_size = version == 4 ? 4 : 16;
  if ((version != 4 && version != 6) || inet_pton(family, text, found.address) != 1) {
    return throw_usage(env, "not an address of this family");
  }

  request_start(&request, RTM_GETNEIGH, 0, sizeof request.body.neighbour);
  request.body.neighbour.ndm_family = family;
  request.body.neighbour.ndm_ifindex = (int)found.interface_index;
  error = netlink_dump(door, &request, read_entry, &found);
  if (error < 0 && error != -EINTR) return throw_errno(env, -error, "RTM_GETNEIGH", text);
  if (found.hardware_size == 0) return make_bool(env, false);
  if (found.state & (NUD_PERMANENT | NUD_NOARP)) return make_bool(env, true);

  request_start(&request, RTM_NEWNEIGH, NLM_F_REPLACE, sizeof request.body.neighbour);
  request.body.neighbour.ndm_family = family;
  request.body.neighbour.ndm_ifindex = (int)found.interface_index;
  request.body.neighbour.ndm_state = NUD_REACHABLE;
  request_add(&request, NDA_DST, found.address, found.address_size);
  request_add(&request, NDA_LLADDR, found.hardware, found.hardware_size);
  error = netlink_command(door, &request, reason, sizeof reason);
  if (error == -ENOENT) return make_bool(env, false);
  if (error < 0) return throw_errno(env, -error, "RTM_NEWNEIGH", text);
  return make_bool(env, true);
}

void neighbour_register(napi_env env, napi_value exports) {
  set_function(env, exports, "neighbourConfirm", neighbour_confirm);
}
