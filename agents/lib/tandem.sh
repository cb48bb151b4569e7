# shellcheck shell=sh
# How does an agent in plain sh have Tandem's own program do what a shell cannot? To be sourced after ocf.sh; does
# nothing by itself.

# shellcheck disable=SC2154 # set by those who source this
tandem_program=$dir/../dist/cli/tandem.js
# The Debian package brings a Node.js of its own.
[ -x "$dir/../bin/node" ] && tandem_node=$dir/../bin/node || tandem_node=node
tandem_node=${TANDEM_NODEJS:-$tandem_node}

# tandem_need: ends when it cannot be run.
tandem_need() {
  ocf_need "$tandem_node"
  [ -e "$tandem_program" ] ||
    ocf_fail "$OCF_ERR_INSTALLED" "$tandem_program is missing; run: npm run build"
}

# tandem WORD...
tandem() {
  tandem_need
  "$tandem_node" "$tandem_program" "$@" </dev/null
}
