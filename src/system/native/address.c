/*
 * Which addresses does this network namespace have, and how is one set or taken away?
 *
 * Mechanism only: which flags and lifetimes a floating IP gets, and why, is in src/system/native.ts
 * and src/resources/floating-ip.ts. 0xffffffff seconds are for ever, as in the kernel.
 */
#include "netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#define DUMP_TRIES 5

struct target {
  uint32_t interface_index;
  int family;
  uint8_t bytes[16];
  size_t size;
  uint32_t prefix_length;
  /* For messages. */
  char text[INET6_ADDRSTRLEN + 40];
};

/* Reads interface index, 4 or 6, address, prefix length. */
static bool read_target(napi_env env, const napi_value *arguments, struct target *target) {
  char address[INET6_ADDRSTRLEN];
  int32_t version;
  if (!read_uint(env, arguments[0], &target->interface_index)) return false;
  if (!read_int(env, arguments[1], &version)) return false;
  if (!read_text(env, arguments[2], address, sizeof address)) return false;
  if (!read_uint(env, arguments[3], &target->prefix_length)) return false;
  target->family = version == 4 ? AF_INET : AF_INET6;
  target->size = version == 4 ? 4 : 16;
  if ((version != 4 && version != 6) || target->prefix_length > target->size * 8 ||
      inet_pton(target->family, address, target->bytes) != 1) {
    throw_usage(env, "not an address of this family, or no possible prefix length");
    return false;
  }
  snprintf(target->text, sizeof target->text, "%s/%u on interface %u", address,
           target->prefix_length, target->interface_index);
  return true;
}

static void start_request(struct request *request, uint16_t type, uint16_t flags,
                          const struct target *target) {
  request_start(request, type, flags, sizeof request->body.address);
  request->body.address.ifa_family = target->family;
  request->body.address.ifa_prefixlen = target->prefix_length;
  request->body.address.ifa_scope = RT_SCOPE_UNIVERSE;
  request->body.address.ifa_index = target->interface_index;
  request_add(request, IFA_LOCAL, target->bytes, target->size);
  request_add(request, IFA_ADDRESS, target->bytes, target->size);
}

static napi_value throw_refusal(napi_env env, int error, const char *what,
                                const struct target *target, const char *reason) {
  char detail[300];
  snprintf(detail, sizeof detail, "%s%s%s", target->text, reason[0] ? ": " : "", reason);
  return throw_errno(env, -error, what, detail);
}

/* (index, version, address, prefix length, label or null, flags, valid s, preferred s) */
static napi_value address_replace(napi_env env, napi_callback_info info) {
  napi_value arguments[8];
  struct target target;
  struct request request;
  struct ifa_cacheinfo lifetime = {0};
  char label[IFNAMSIZ];
  char reason[160];
  uint32_t flags;
  int error;
  if (!read_arguments(env, info, 8, arguments)) return NULL;
  if (!read_target(env, arguments, &target)) return NULL;
  if (!read_text_or_null(env, arguments[4], label, sizeof label)) return NULL;
  if (!read_uint(env, arguments[5], &flags)) return NULL;
  if (!read_uint(env, arguments[6], &lifetime.ifa_valid)) return NULL;
  if (!read_uint(env, arguments[7], &lifetime.ifa_prefered)) return NULL;
  start_request(&request, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &target);
  request.body.address.ifa_flags = (uint8_t)flags;
  request_add(&request, IFA_FLAGS, &flags, sizeof flags);
  request_add(&request, IFA_CACHEINFO, &lifetime, sizeof lifetime);
  if (label[0] != '\0') request_add(&request, IFA_LABEL, label, strlen(label) + 1);
  error = netlink_command(door_of(env), &request, reason, sizeof reason);
  if (error < 0) return throw_refusal(env, error, "RTM_NEWADDR", &target, reason);
  return make_undefined(env);
}

/* (index, version, address, prefix length); true when it was there */
static napi_value address_remove(napi_env env, napi_callback_info info) {
  napi_value arguments[4];
  struct target target;
  struct request request;
  char reason[160];
  int error;
  if (!read_arguments(env, info, 4, arguments)) return NULL;
  if (!read_target(env, arguments, &target)) return NULL;
  start_request(&request, RTM_DELADDR, 0, &target);
  error = netlink_command(door_of(env), &request, reason, sizeof reason);
  if (error == -EADDRNOTAVAIL) return make_bool(env, false);
  if (error < 0) return throw_refusal(env, error, "RTM_DELADDR", &target, reason);
  return make_bool(env, true);
}

struct listing {
  napi_env env;
  napi_value array;
  uint32_t count;
};

static void read_address(const struct nlmsghdr *message, void *context) {
  struct listing *listing = context;
  const struct ifaddrmsg *body = NLMSG_DATA(message);
  const struct rtattr *attribute = IFA_RTA(body);
  int left = IFA_PAYLOAD(message);
  const void *local = NULL, *address = NULL;
  const char *label = NULL;
  uint32_t flags = body->ifa_flags;
  uint32_t valid = 0xffffffff;
  char text[INET6_ADDRSTRLEN];
  napi_env env = listing->env;
  napi_value entry;

  if (message->nlmsg_type != RTM_NEWADDR) return;
  if (body->ifa_family != AF_INET && body->ifa_family != AF_INET6) return;
  for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
    const void *data = RTA_DATA(attribute);
    switch (attribute->rta_type) {
      case IFA_LOCAL: local = data; break;
      case IFA_ADDRESS: address = data; break;
      case IFA_LABEL: label = data; break;
      case IFA_FLAGS: memcpy(&flags, data, sizeof flags); break;
      case IFA_CACHEINFO: valid = ((const struct ifa_cacheinfo *)data)->ifa_valid; break;
      default: break;
    }
  }
  /* On links with two ends IFA_ADDRESS is the other one's. IPv6 leaves IFA_LOCAL out elsewhere. */
  if (local == NULL) local = address;
  if (local == NULL || inet_ntop(body->ifa_family, local, text, sizeof text) == NULL) return;
  if (napi_create_object(env, &entry) != napi_ok) return;
  set_member(env, entry, "interfaceIndex", make_int(env, body->ifa_index));
  set_member(env, entry, "family", make_int(env, body->ifa_family == AF_INET ? 4 : 6));
  set_member(env, entry, "address", make_text(env, text));
  set_member(env, entry, "prefixLength", make_int(env, body->ifa_prefixlen));
  set_member(env, entry, "label", label == NULL ? make_null(env) : make_text(env, label));
  set_member(env, entry, "validSeconds",
             valid == 0xffffffff ? make_null(env) : make_int(env, valid));
  set_member(env, entry, "flags", make_int(env, flags));
  napi_set_element(env, listing->array, listing->count, entry);
  listing->count += 1;
}

static napi_value address_list(napi_env env, napi_callback_info info) {
  struct listing listing = {.env = env};
  struct request request;
  int error = -EINTR;
  for (int attempt = 0; attempt < DUMP_TRIES && error == -EINTR; attempt += 1) {
    if (napi_create_array(env, &listing.array) != napi_ok) return NULL;
    listing.count = 0;
    request_start(&request, RTM_GETADDR, 0, sizeof request.body.address);
    error = netlink_dump(door_of(env), &request, read_address, &listing);
  }
  if (error < 0) return throw_errno(env, -error, "RTM_GETADDR", NULL);
  return listing.array;
}

void address_register(napi_env env, napi_value exports) {
  set_function(env, exports, "addressReplace", address_replace);
  set_function(env, exports, "addressRemove", address_remove);
  set_function(env, exports, "addressList", address_list);
}
