# shellcheck shell=sh
# What do the agents of replicated stores share? Which process a server is, how it is started, stopped and
# ended for certain, how its account is proven, and the actions, which are the same for both.
#
# To be sourced after ocf.sh; does nothing by itself. Whoever sources it defines
#
#   store_look         sets `role`: writable, read-only, absent (nobody there) or unknown
#   store_close        makes it read-only; fails when that did not work
#   store_open         lets applications write
#   store_works        a write of our own succeeds
#   store_part         read-only for good: linked to nobody, applications cut off
#
# A process is killed only when it listens where the store is told to be, runs the right program, and is
# the one that the pid file names where one is told. One that is not identified is left alone, loudly.

: "${OCF_RESKEY_socket=}" "${OCF_RESKEY_address:=127.0.0.1}" "${OCF_RESKEY_port=}"
: "${OCF_RESKEY_user:=tandem}" "${OCF_RESKEY_password_file=}" "${OCF_RESKEY_pid_file=}"
: "${OCF_RESKEY_unit=}" "${OCF_RESKEY_doubt:=end}"

# What the store's program and its process may be called, between spaces; what the last look found.
: "${store_names:=}" "${role:=}"

# Of the action as a whole, as Pacemaker tells it in ms. Starting and stopping a server takes its time.
store_action_seconds=$((${OCF_RESKEY_CRM_meta_timeout:-20000} / 1000))

# The XML of the parameters, which are the same for every store. $1: its port.
store_parameters() {
  store_parameter socket 'The socket it listens on, in place of address and port.' Socket string
  store_parameter address 'The address it listens on; without it 127.0.0.1.' Address string
  store_parameter port "Its port; without it $1." Port integer
  store_parameter user 'Our account on it; without it tandem.' Account string
  store_parameter password_file \
    'File with the password of that account alone, readable by its owner only.' 'Password file' string
  store_parameter pid_file 'Its pid file. The process that listens must be the one it names.' \
    'Pid file' string
  store_parameter unit 'Its systemd unit. Without it nothing is started here.' Unit string
}

store_parameter() {
  cat <<XML
    <parameter name="$1" unique="0" required="0">
      <longdesc lang="en">$2</longdesc>
      <shortdesc lang="en">$3</shortdesc>
      <content type="$4"/>
    </parameter>
XML
}

store_actions() {
  cat <<'XML'
  <actions>
    <action name="start" timeout="60s"/>
    <action name="stop" timeout="60s"/>
    <action name="monitor" timeout="10s" interval="10s" depth="0" role="Unpromoted"/>
    <action name="monitor" timeout="10s" interval="5s" depth="0" role="Promoted"/>
    <action name="promote" timeout="20s"/>
    <action name="demote" timeout="20s"/>
    <action name="notify" timeout="5s"/>
    <action name="release" timeout="2s"/>
    <action name="validate-all" timeout="10s"/>
    <action name="meta-data" timeout="5s"/>
  </actions>
XML
}

# How it is called for people.
store_where() {
  if [ -n "$OCF_RESKEY_socket" ]; then printf '%s' "$OCF_RESKEY_socket"; else
    printf '%s port %s' "$OCF_RESKEY_address" "$OCF_RESKEY_port"
  fi
}

# Where the server is. Ends when that makes no sense.
store_validate_place() {
  case $OCF_RESKEY_port in
    '' | *[!0-9]* | ??????*) ocf_fail "$OCF_ERR_CONFIGURED" "no port: '$OCF_RESKEY_port'" ;;
  esac
  case $OCF_RESKEY_address in
    *[!0-9A-Za-z:._-]* | -*)
      ocf_fail "$OCF_ERR_CONFIGURED" "no address: '$OCF_RESKEY_address'"
      ;;
  esac
  case $OCF_RESKEY_unit in
    -* | *[!0-9A-Za-z:._@-]*) ocf_fail "$OCF_ERR_CONFIGURED" "no unit: '$OCF_RESKEY_unit'" ;;
  esac
}

# How we speak to it. Ends when we cannot.
store_validate_account() {
  ocf_need timeout ss stat readlink "$@"
  case $OCF_RESKEY_user in
    *[!0-9A-Za-z._-]* | -*) ocf_fail "$OCF_ERR_CONFIGURED" "no account: '$OCF_RESKEY_user'" ;;
  esac
  [ -n "$OCF_RESKEY_password_file" ] || return 0
  mode=$(ocf_call stat -L -c %a "$OCF_RESKEY_password_file" 2>/dev/null) ||
    ocf_fail "$OCF_ERR_CONFIGURED" "the file $OCF_RESKEY_password_file cannot be read"
  case $mode in
    *00) ;;
    *)
      ocf_fail "$OCF_ERR_CONFIGURED" \
        "the file $OCF_RESKEY_password_file may be read by others: chmod 600 it"
      ;;
  esac
}

# Sets `password`: the first line of its file. It leaves this shell only in the environment of a client.
store_password() {
  password=
  [ -n "$OCF_RESKEY_password_file" ] || return 0
  IFS= read -r password <"$OCF_RESKEY_password_file" || [ -n "$password" ] || return
  password=${password%"$(printf '\r')"}
}

# Ids of the processes that listen where the store is told to be, on lines.
store_listeners() {
  if [ -n "$OCF_RESKEY_socket" ]; then
    all=$(OCF_CALL_SECONDS=1 ocf_call ss -Hlxp) || return
  else
    all=$(OCF_CALL_SECONDS=1 ocf_call ss -Hltnp "sport = :$OCF_RESKEY_port") || return
  fi
  while read -r line; do
    if [ -n "$OCF_RESKEY_socket" ]; then
      case $line in *" $OCF_RESKEY_socket "*) ;; *) continue ;; esac
    else
      # shellcheck disable=SC2086 # the fields of a line: state, two queues, our end
      set -- $line
      case ${4%:*} in
        "$OCF_RESKEY_address" | "[$OCF_RESKEY_address]" | '*' | 0.0.0.0 | '[::]') ;;
        *) continue ;;
      esac
    fi
    # users:(("redis-server",pid=7,fd=6),("redis-server",pid=8,fd=6))
    while :; do
      case $line in *pid=*) ;; *) break ;; esac
      line=${line#*pid=}
      printf '%s\n' "${line%%,*}"
    done
  done <<ALL
$all
ALL
}

# store_is PID: that process runs the store's program and is called like it.
store_is() {
  program=$(readlink "/proc/$1/exe" 2>/dev/null) || return
  program=${program% (deleted)}
  read -r called 2>/dev/null <"/proc/$1/comm" || return
  case $store_names in *" ${program##*/} "*) ;; *) return 1 ;; esac
  case $store_names in *" $called "*) ;; *) return 1 ;; esac
}

# Sets `pid`; fails when the process is not known beyond doubt, and sets `why`.
store_process() {
  pid='' why="nobody listens at $(store_where)"
  named=
  if [ -n "$OCF_RESKEY_pid_file" ]; then
    if ! read -r named _ 2>/dev/null <"$OCF_RESKEY_pid_file" && [ -z "$named" ]; then
      why="the pid file $OCF_RESKEY_pid_file cannot be read"
      return 1
    fi
  fi
  if ! listeners=$(store_listeners); then
    why="the kernel does not say in time who listens at $(store_where)"
    return 1
  fi
  for one in $listeners; do
    # On both families the same process listens twice.
    [ "$one" != "$pid" ] || continue
    if ! store_is "$one"; then
      why="process $one at $(store_where) is no such server"
    elif [ -n "$named" ] && [ "$named" != "$one" ]; then
      why="process $one at $(store_where) is not the one of $OCF_RESKEY_pid_file, $named"
    elif [ -n "$pid" ]; then
      pid='' why="several servers listen at $(store_where)"
      return 1
    else
      pid=$one
    fi
  done
  [ -n "$pid" ]
}

# store_gone PID: nothing of it runs. A process whose first thread ended may go on listening in others.
store_gone() {
  [ -d "/proc/$1" ] || return 0
  read -r stat 2>/dev/null <"/proc/$1/stat" || return 0
  case ${stat##*) } in Z* | X*) ;; *) return 1 ;; esac
  set -- "/proc/$1/task"/*
  [ $# -le 1 ]
}

# store_await_end PID SECONDS
store_await_end() {
  tries=$(($2 * 50))
  until store_gone "$1"; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || return 1
    sleep 0.02
  done
}

# Ends the server for certain. What it holds of memory may take a moment to be given back.
store_kill() {
  if ! store_process; then
    ocf_say "nothing was killed: $why"
    return 1
  fi
  ocf_say "the server at $(store_where) is ended: SIGKILL to process $pid"
  kill -KILL "$pid" || return
  store_await_end "$pid" 1 && return
  ocf_say "process $pid is still there (does it wait for a disk?)"
  return 1
}

# Read-only or ended: nobody can write here afterwards.
store_shut() {
  store_close && return
  ocf_say "the server at $(store_where) could not be made read-only"
  store_kill
}

store_start() {
  store_look
  if [ "$role" = absent ]; then
    [ -n "$OCF_RESKEY_unit" ] ||
      ocf_fail "$OCF_ERR_GENERIC" "nobody is at $(store_where), and the parameter unit is not set"
    OCF_CALL_SECONDS=$store_action_seconds ocf_call systemctl start "$OCF_RESKEY_unit"
    tries=$((store_action_seconds * 10))
    while [ "$tries" -gt 0 ]; do
      store_look
      case $role in writable | read-only) break ;; esac
      tries=$((tries - 1))
      sleep 0.1
    done
  fi
  # Nobody was promoted yet, so nobody may write.
  [ "$role" != writable ] || store_close || return "$OCF_ERR_GENERIC"
  store_look
  [ "$role" = read-only ] && return
  ocf_say "the server at $(store_where) is $role after its start"
  return "$OCF_ERR_GENERIC"
}

store_stop() {
  store_look
  if [ "$role" = absent ]; then return; fi
  if [ -n "$OCF_RESKEY_unit" ]; then
    OCF_CALL_SECONDS=$store_action_seconds ocf_call systemctl stop "$OCF_RESKEY_unit"
  elif store_process; then
    kill -TERM "$pid"
    # A stopped process does not hear that.
    store_await_end "$pid" $((store_action_seconds / 2))
  fi
  store_look
  [ "$role" = absent ] || store_kill || return "$OCF_ERR_GENERIC"
}

store_monitor() {
  store_look
  case $role in
    absent) return "$OCF_NOT_RUNNING" ;;
    read-only) return "$OCF_SUCCESS" ;;
    writable)
      store_works && return "$OCF_RUNNING_MASTER"
      return "$OCF_FAILED_MASTER"
      ;;
  esac
  ocf_say "the server at $(store_where) does not answer as it should"
  return "$OCF_ERR_GENERIC"
}

store_promote() {
  store_look
  case $role in
    absent) return "$OCF_NOT_RUNNING" ;;
    writable) return "$OCF_SUCCESS" ;;
    unknown) return "$OCF_ERR_GENERIC" ;;
  esac
  store_open || return "$OCF_ERR_GENERIC"
  store_look
  [ "$role" = writable ] || return "$OCF_ERR_GENERIC"
}

store_demote() {
  store_look
  [ "$role" != absent ] || return "$OCF_NOT_RUNNING"
  [ "$role" = read-only ] || store_shut || return "$OCF_ERR_GENERIC"
  store_look
  [ "$role" = absent ] || store_part || return "$OCF_ERR_GENERIC"
}

# After the end of the Tandem agent: what takes writes does so no longer. A store that is read-only stays
# as it is, above all one that follows the peer. One that does not say what it is, is ended where it may
# have been writable (doubt=end), and left where it was a standby's.
store_release() {
  store_look
  case $role in
    absent | read-only) return ;;
    writable)
      store_shut || return "$OCF_ERR_GENERIC"
      return
      ;;
  esac
  if [ "$OCF_RESKEY_doubt" = leave ]; then
    ocf_say "the server at $(store_where) does not answer; it was a standby's, and is left alone"
    return
  fi
  ocf_say "the server at $(store_where) does not answer"
  store_kill || return "$OCF_ERR_GENERIC"
}

# store_act ACTION PROGRAM...: everything but meta-data.
store_act() {
  action=$1
  shift
  case $action in
    notify) exit "$OCF_SUCCESS" ;;
    start | stop | monitor | promote | demote | release | validate-all) ;;
    *)
      known='start|stop|monitor|promote|demote|notify|release|validate-all|meta-data'
      ocf_fail "$OCF_ERR_UNIMPLEMENTED" "usage: ${0##*/} $known"
      ;;
  esac
  store_validate_place
  if [ "$action" != release ]; then
    store_validate_account "$@"
    store_password || ocf_fail "$OCF_ERR_CONFIGURED" "the file $OCF_RESKEY_password_file is empty"
    [ "$action" != validate-all ] || exit "$OCF_SUCCESS"
  elif ! store_password 2>/dev/null; then
    # Whatever is wrong with our account: a server that cannot be commanded is ended.
    ocf_say "the file $OCF_RESKEY_password_file cannot be read"
    OCF_RESKEY_password_file='' OCF_RESKEY_user=default
  fi
  "store_$action"
  exit
}
