#!/bin/sh
# Builds the Debian package: npm run package [-- --output DIR --version VERSION --quick]
#
#   --output DIR       where the file is written (build)
#   --version VERSION  of the package instead of that of package.json
#   --quick            not compressed, for a test: in seconds, and large
#
# The program is taken as it was built and tested here: dist, the add-on, the gate, the node_modules that it
# needs at run time, and this machine's Node.js. Two goes over the same commit give the same bytes: times are
# those of the commit (or SOURCE_DATE_EPOCH), and dpkg-deb sorts.
set -eu
umask 022
cd "$(dirname "$0")/../.."

output=build version='' compression='-Zxz --threads-max=2'
while [ $# -gt 0 ]; do
  case $1 in
    --output) output=$2; shift ;;
    --version) version=$2; shift ;;
    --quick) compression=-Znone ;;
    *) printf 'package: unknown option %s\n' "$1" >&2; exit 1 ;;
  esac
  shift
done

say() { printf 'package: %s\n' "$*" >&2; }

: "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct 2>/dev/null || stat -c %Y package.json)}"
export SOURCE_DATE_EPOCH
[ -n "$version" ] || version=$(node -p 'require("./package.json").version')-1
architecture=$(dpkg --print-architecture)
node=$(node -p process.execPath)
mkdir -p "$output"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
home=$root/usr/lib/tandem
doc=$root/usr/share/doc/tandem
mkdir -p "$home/bin" "$doc" "$root/DEBIAN" "$root/etc/tandem"

say "Node.js $("$node" -v) of $node"
strip --strip-unneeded -o "$home/bin/node" "$node" 2>/dev/null

say 'the program and the modules that it needs'
cp -r dist agents package.json "$home"
rm -rf "$home/dist/.built" "$home/dist/package"
mkdir -p "$home/packaging"
cp -r packaging/bin "$home/packaging"
strip --strip-unneeded -o "$home/tandem.node" src/system/native/build/Release/tandem.node
chmod 644 "$home/tandem.node"
node dist/package/modules.js node_modules "$home/node_modules"
find "$home/node_modules" -type f -exec chmod 644 {} +
find "$home/node_modules" -name '*.node' -exec strip --strip-unneeded {} +
# They are run by the Node.js of the package, never by name.
grep -rlZ --include='*.js' '^#!' "$home/dist" "$home/node_modules" | xargs -0r sed -i '1{/^#!/d}'
find "$home/node_modules" -type d -empty -delete

say 'pages, completion, examples'
mkdir -p "$root/usr/share/bash-completion/completions"
node dist/package/manual.js "$root/usr/share/man"
gzip -9n "$root"/usr/share/man/man8/*
node dist/package/completion.js >"$root/usr/share/bash-completion/completions/tandem"
cp README.md ARCHITECTURE.md "$doc"
cp -r docs "$doc"
cp -r packaging/examples "$doc"
gzip -9nc CHANGELOG.md >"$doc/changelog.gz"
printf 'tandem (%s) unstable; urgency=medium\n\n  * What changed is in changelog.gz.\n\n -- The Tandem authors <tandem@packages.invalid>  %s\n' \
  "$version" "$(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")" | gzip -9n >"$doc/changelog.Debian.gz"
node dist/package/copyright.js node_modules "$node" >"$doc/copyright"

say 'where Debian looks for them'
put() { # MODE FILE... DIRECTORY
  mode=$1; shift
  for last; do :; done
  mkdir -p "$root/$last"
  while [ $# -gt 1 ]; do
    install -m "$mode" "$1" "$root/$last"
    shift
  done
}
put 644 systemd/*.service usr/lib/systemd/system
put 644 packaging/login/tandem.sh etc/profile.d
put 755 packaging/login/50-tandem etc/update-motd.d
put 644 packaging/snmp/TANDEM-MIB.txt usr/share/snmp/mibs
put 644 packaging/prometheus/alerts.yml packaging/prometheus/prometheus.yml usr/share/tandem/prometheus
put 644 packaging/grafana/tandem.json usr/share/tandem/grafana
put 755 packaging/ngcpcfg/reload-tandem usr/share/tandem/ngcpcfg
put 644 packaging/deb/lintian-overrides usr/share/lintian/overrides
mv "$root/usr/share/lintian/overrides/lintian-overrides" "$root/usr/share/lintian/overrides/tandem"
mkdir -p "$root/usr/bin" "$root/usr/sbin" "$root/usr/lib/ocf/resource.d/tandem"
ln -s ../lib/tandem/packaging/bin/tandem "$root/usr/bin/tandem"
for program in packaging/bin/ngcp-*; do
  ln -s "../lib/tandem/$program" "$root/usr/sbin"
done
ln -s ../lib/tandem/packaging/bin/ngcp-check-active "$root/usr/sbin/ngcp-check_active"
for agent in agents/*; do
  case ${agent#agents/} in
    lib | release | template) ;;
    *) ln -s "../../../tandem/$agent" "$root/usr/lib/ocf/resource.d/tandem" ;;
  esac
done

say 'control files'
mkdir "$work/debian"
printf 'Source: tandem\n\nPackage: tandem\nArchitecture: any\nDescription: x\n' >"$work/debian/control"
libraries=$(cd "$work" && find root \( -name '*.node' -o -path '*/bin/node' \) -print0 |
  xargs -0 dpkg-shlibdeps -O 2>/dev/null | sed -n 's/^shlibs:Depends=//p')
[ -n "$libraries" ] || { say 'dpkg-shlibdeps told no libraries'; exit 1; }
size=$(du -sk --apparent-size "$root" | cut -f 1)
sed -e "s/@VERSION@/$version/" -e "s/@ARCHITECTURE@/$architecture/" -e "s/@SIZE@/$size/" \
  -e "s/@SHLIBS@/$libraries/" packaging/deb/control >"$root/DEBIAN/control"
(cd "$root" && find etc -type f | LC_ALL=C sort | sed 's,^,/,') >"$root/DEBIAN/conffiles"
install -m 755 packaging/deb/postinst packaging/deb/prerm packaging/deb/postrm "$root/DEBIAN"
(cd "$root" && find usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
chmod -R u=rwX,go=rX "$root"
find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +

file=$output/tandem_${version}_$architecture.deb
say "$file"
# shellcheck disable=SC2086 # options
dpkg-deb $compression --root-owner-group --build "$root" "$file" >/dev/null
