# The role of this node in the prompt of interactive shells, and once at login. To be /etc/profile.d/tandem.sh.
# shellcheck shell=sh disable=SC2016 # a prompt is expanded when it is shown
#
# `!` active, `.` standby, `?` unknown, `~` transition, asked anew for each prompt: it takes some milliseconds
# and cannot hang (see ngcp-check-active). Understood by every POSIX shell; changes nothing where the command
# is missing, and leaves $? as it is. TANDEM_PROMPT=no before it keeps the prompt as it was.

case $- in
  *i*)
    if command -v ngcp-check-active >/dev/null 2>&1; then
      # Where the banner comes with the message of the day it is not said twice.
      [ -x /etc/update-motd.d/50-tandem ] ||
        printf '%s is %s\n' "$(uname -n)" "$(ngcp-check-active -v 2>/dev/null)"
      if [ "${TANDEM_PROMPT-}" != no ]; then
        if [ -n "${BASH_VERSION-}" ]; then
          # ~/.bashrc comes later and sets a prompt of its own.
          __tandem_prompt() {
            case $PS1 in
              *ngcp-check-active*) ;;
              *) PS1='$(ngcp-check-active -p 2>/dev/null) '$PS1 ;;
            esac
          }
          case ${PROMPT_COMMAND-} in
            *__tandem_prompt*) ;;
            *) PROMPT_COMMAND="__tandem_prompt${PROMPT_COMMAND:+; $PROMPT_COMMAND}" ;;
          esac
        else
          case ${PS1-} in
            *ngcp-check-active*) ;;
            *) PS1='$(ngcp-check-active -p 2>/dev/null) '${PS1-'$ '} ;;
          esac
        fi
      fi
    fi
    ;;
esac
