# shellcheck shell=sh
# What do all OCF agents in plain sh share? The exit codes of the OCF resource agent API 1.1, and the
# way to say something. To be sourced; does nothing by itself.

# shellcheck disable=SC2034 # used by those who source this
{
  OCF_SUCCESS=0
  OCF_ERR_GENERIC=1
  OCF_ERR_ARGS=2
  OCF_ERR_UNIMPLEMENTED=3
  OCF_ERR_PERM=4
  OCF_ERR_INSTALLED=5
  OCF_ERR_CONFIGURED=6
  OCF_NOT_RUNNING=7
  OCF_RUNNING_MASTER=8
  OCF_FAILED_MASTER=9
}

# Longest time one called program may take, and how long after that it is killed.
OCF_CALL_SECONDS=${OCF_CALL_SECONDS:-5}
OCF_KILL_SECONDS=${OCF_KILL_SECONDS:-1}

# ocf_say TEXT: to standard error, where systemd and cluster managers read it.
ocf_say() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
}

# ocf_fail CODE TEXT: says why and ends.
ocf_fail() {
  ocf_fail_code=$1
  shift
  ocf_say "$*"
  exit "$ocf_fail_code"
}

# ocf_need PROGRAM...: ends when one is not installed.
ocf_need() {
  for ocf_program; do
    command -v "$ocf_program" >/dev/null 2>&1 ||
      ocf_fail "$OCF_ERR_INSTALLED" "the program $ocf_program is not installed"
  done
}

# ocf_call PROGRAM...: runs it with the time limit, and without our standard input.
ocf_call() {
  timeout -k "$OCF_KILL_SECONDS" "$OCF_CALL_SECONDS" "$@" </dev/null
}
