/*
 * What does the kernel know about an interface? Asked by ioctl, without opening files.
 *
 * The carrier is asked of the driver (ETHTOOL_GLINK): link messages and IFF_RUNNING come up to a
 * second later, because the kernel batches them (measured: 559 ms against 0.2 ms).
 */
#include "tandem.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Returns the descriptor or a negative errno. */
static int ioctl_socket(struct door *door) {
  if (door->ioctl_fd < 0) door->ioctl_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  return door->ioctl_fd < 0 ? -errno : door->ioctl_fd;
}

/* Returns 1, 0 or a negative errno. */
static int has_carrier(int fd, const char name[IFNAMSIZ]) {
  struct ethtool_value value = {.cmd = ETHTOOL_GLINK};
  struct ifreq request = {0};
  memcpy(request.ifr_name, name, IFNAMSIZ);
  request.ifr_data = (char *)&value;
  if (ioctl(fd, SIOCETHTOOL, &request) == 0) return value.data != 0;
  if (errno != EOPNOTSUPP) return -errno;
  /* Devices without this answer, such as tunnels. */
  if (ioctl(fd, SIOCGIFFLAGS, &request) < 0) return -errno;
  return (request.ifr_flags & IFF_RUNNING) != 0;
}

/*
 * Fills the whole of `name`. An interface of a longer name, or of none, cannot exist; it is told like
 * one that does not.
 */
static bool read_name(napi_env env, napi_callback_info info, char name[IFNAMSIZ], bool *possible) {
  napi_value argument;
  char text[256];
  if (!read_arguments(env, info, 1, &argument)) return false;
  if (!read_text(env, argument, text, sizeof text)) return false;
  *possible = strlen(text) < IFNAMSIZ && text[0] != '\0';
  memset(name, 0, IFNAMSIZ);
  memcpy(name, text, strnlen(text, IFNAMSIZ - 1));
  return true;
}

static napi_value carrier(napi_env env, napi_callback_info info) {
  char name[IFNAMSIZ];
  bool possible;
  int fd, answer;
  if (!read_name(env, info, name, &possible)) return NULL;
  if (!possible) return make_bool(env, false);
  fd = ioctl_socket(door_of(env));
  if (fd < 0) return throw_errno(env, -fd, "socket", NULL);
  answer = has_carrier(fd, name);
  if (answer == -ENODEV) return make_bool(env, false);
  if (answer < 0) return throw_errno(env, -answer, "ioctl", name);
  return make_bool(env, answer == 1);
}

static napi_value link_state(napi_env env, napi_callback_info info) {
  char name[IFNAMSIZ];
  char mac_text[18];
  struct ifreq index = {0}, mac, flags, mtu;
  const uint8_t *octets;
  bool possible;
  int fd, answer;
  napi_value result;
  if (!read_name(env, info, name, &possible)) return NULL;
  if (!possible) return make_null(env);
  fd = ioctl_socket(door_of(env));
  if (fd < 0) return throw_errno(env, -fd, "socket", NULL);
  memcpy(index.ifr_name, name, IFNAMSIZ);
  mac = flags = mtu = index;
  if (ioctl(fd, SIOCGIFINDEX, &index) < 0 || ioctl(fd, SIOCGIFHWADDR, &mac) < 0 ||
      ioctl(fd, SIOCGIFFLAGS, &flags) < 0 || ioctl(fd, SIOCGIFMTU, &mtu) < 0) {
    return errno == ENODEV ? make_null(env) : throw_errno(env, errno, "ioctl", name);
  }
  answer = has_carrier(fd, name);
  if (answer == -ENODEV) return make_null(env);
  if (answer < 0) return throw_errno(env, -answer, "ioctl", name);
  octets = (const uint8_t *)mac.ifr_hwaddr.sa_data;
  snprintf(mac_text, sizeof mac_text, "%02x:%02x:%02x:%02x:%02x:%02x", octets[0], octets[1],
           octets[2], octets[3], octets[4], octets[5]);
  if (napi_create_object(env, &result) != napi_ok) return NULL;
  set_member(env, result, "index", make_int(env, index.ifr_ifindex));
  set_member(env, result, "mac", make_text(env, mac_text));
  set_member(env, result, "ethernet", make_bool(env, mac.ifr_hwaddr.sa_family == ARPHRD_ETHER));
  set_member(env, result, "up", make_bool(env, (flags.ifr_flags & IFF_UP) != 0));
  set_member(env, result, "carrier", make_bool(env, answer == 1));
  set_member(env, result, "mtu", make_int(env, mtu.ifr_mtu));
  return result;
}

static napi_value link_names(napi_env env, napi_callback_info info) {
  struct if_nameindex *list = if_nameindex();
  napi_value result;
  uint32_t count = 0;
  if (list == NULL) return throw_errno(env, errno, "if_nameindex", NULL);
  if (napi_create_array(env, &result) == napi_ok) {
    for (struct if_nameindex *entry = list; entry->if_index != 0; entry += 1) {
      napi_set_element(env, result, count, make_text(env, entry->if_name));
      count += 1;
    }
  } else {
    result = NULL;
  }
  if_freenameindex(list);
  return result;
}

void link_register(napi_env env, napi_value exports) {
  set_function(env, exports, "carrier", carrier);
  set_function(env, exports, "linkState", link_state);
  set_function(env, exports, "linkNames", link_names);
}
