#!/bin/sh
# Builds gate.o from gate.bpf.c, the same bytes in every checkout.
#
# Debian 12: clang llvm libbpf-dev linux-libc-dev. Nodes need none of this, the object is shipped.
# The object keeps its BTF (maps and the spin lock need it); only DWARF is stripped. BTF holds the
# name of the source, hence the prefix map. Another clang release gives other bytes.
# Usage: build.sh [OUTPUT]
set -eu

cd "$(dirname "$0")"
output=${1:-gate.o}
clang -O2 -g -Wall -Wextra -Werror -target bpf \
  -ffile-prefix-map="$PWD=." -fdebug-compilation-dir=. \
  -I"/usr/include/$(uname -m)-linux-gnu" \
  -c gate.bpf.c -o "$output"
llvm-strip -g "$output"
