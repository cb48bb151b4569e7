#!/bin/sh
# Makes a fresh checkout ready to run: Debian packages where we are root, npm packages, the build.
# Does nothing that is done already. Usage: packaging/prepare.sh [run|test|build]
#
#   run   what the demo needs (default)
#   build what the Debian package is built with
#   test  also what the tests compare with and supervise: the compiler of the gate, the rivals, the VoIP
#         services, small tools
set -eu
cd "$(dirname "$0")/.."
purpose=${1:-run}

say() { printf 'prepare: %s\n' "$*" >&2; }

# The same as "engines" in package.json, which npm only warns about.
if ! node -e 'const [a, b] = process.versions.node.split("."); process.exit(+a > 20 || (+a === 20 && +b >= 19) ? 0 : 1)'; then
  say "this is Node.js $(node -v); Tandem needs 20.19 or newer"
  say 'Debian 13 has it (apt-get install nodejs npm); for Debian 12 take it from nodejs.org or NodeSource'
  exit 1
fi

# PROGRAM:PACKAGE pairs; a package is installed when its program is missing.
needs='ip:iproute2 tc:iproute2 nft:nftables bpftool:bpftool make:make g++:g++ python3:python3 arping:iputils-arping ping:iputils-ping nsenter:util-linux redis-server:redis-server'
# The compiler, and what puts the package together.
[ "$purpose" = build ] && needs='make:make g++:g++ python3:python3 dpkg-shlibdeps:dpkg-dev strip:binutils'
[ "$purpose" = test ] && needs="$needs dpkg-shlibdeps:dpkg-dev strip:binutils mmdebstrap:mmdebstrap lintian:lintian"
[ "$purpose" = test ] && needs="$needs git:git sysctl:procps clang:clang llvm-strip:llvm keepalived:keepalived tcpdump:tcpdump shellcheck:shellcheck ethtool:ethtool /usr/libexec/heartbeat/heartbeat:heartbeat mariadbd:mariadb-server /usr/include/bpf/bpf_helpers.h:libbpf-dev"
# What has no program of its own is known by another file.
[ "$purpose" = test ] && needs="$needs kamailio:kamailio rtpengine:rtpengine-daemon sipp:sip-tester monit:monit promtool:prometheus curl:curl haproxy:haproxy openssl:openssl snmpd:snmpd snmpwalk:snmp /etc/kamailio/tls.cfg:kamailio-tls-modules /usr/lib/ocf/resource.d/heartbeat/Dummy:resource-agents"
# One node pushes its configuration to the other.
[ "$purpose" = test ] && needs="$needs ssh:openssh-client /usr/sbin/sshd:openssh-server"
# Nodes that boot.
[ "$purpose" = test ] && needs="$needs systemd-nspawn:systemd-container"
# A witness.
[ "$purpose" = test ] && needs="$needs etcd:etcd-server etcdctl:etcd-client"
# What switches a machine off.
[ "$purpose" = test ] && needs="$needs fence_dummy:fence-agents"
# A terminal and a browser to look at.
[ "$purpose" = test ] && needs="$needs tmux:tmux chromium:chromium /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf:fonts-dejavu-core"

missing=
for pair in $needs; do
  program=${pair%%:*} package=${pair##*:}
  case $program in
    /*) [ -e "$program" ] && continue ;;
    *) command -v "$program" >/dev/null 2>&1 && continue
       [ -x "/usr/sbin/$program" ] && continue ;;
  esac
  case " $missing " in *" $package "*) ;; *) missing="$missing $package" ;; esac
done
if [ -n "$missing" ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    say "installing Debian packages:$missing"
    # Daemons of rivals and services must not start on this machine.
    policy=/usr/sbin/policy-rc.d made=
    [ -e $policy ] || { printf '#!/bin/sh\nexit 101\n' >$policy; chmod 755 $policy; made=yes; }
    trap '[ -n "$made" ] && rm -f "$policy"' EXIT
    apt-get update -qq >/dev/null 2>&1 || say 'apt-get update failed; trying with the lists at hand'
    # shellcheck disable=SC2086 # a list of package names
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null ||
      say "some packages could not be installed; what needs them says so"
  else
    say "missing, and not root to install them:$missing"
  fi
fi

if [ ! -d node_modules ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  say 'installing npm packages'
  npm ci --no-audit --no-fund >/dev/null
fi

newest=$(find src tsconfig.json package.json -type f -newer dist/.built 2>/dev/null | head -n 1 || true)
if [ ! -e dist/.built ] || [ -n "$newest" ]; then
  say 'building'
  npm run --silent build
fi
