# The far half of runs that live on without a connection, in POSIX sh. The near half sends it with everywhere/ before it, and
# with $nonce, and $supervisor, $lead and $interrupter (the texts of run/) set. Requests, each answered as said:
#
#   at WORKSPACE              which workspace it is all about                            -> workspace PATH
#   list                      its runs                                                   -> run …, end
#   start ID WORDS            begins a run: the command as words of sh for `printf %b`, then a line that shows it as JSON,
#                             then the variables                                         -> begun TIME | error
#   settle ID                 whether that run has begun; if not, it never will          -> begun TIME | never
#   read ID OUT ERR           what it printed so far, from these bytes on                -> stdout N, stderr N, …, STATE
#   follow ID OUT ERR         the same until it has ended; `interrupt` may follow        -> …, alive now and then, STATE,
#                                                                                           interrupted once it was heard
#
# Each run is a directory ID of $runs:
#   workspace, order, command, started   of which workspace, the how manieth there, what, and when
#   stdout, stderr                       what it printed
#   supervisor                           a link to PID:START:MACHINE of the shell that sees to it, or to `void`
#   group                                the process group of the command, and when its leader started
#   code, later exit                     how it ended; the name tells that all of it is there
# shellcheck shell=sh disable=SC2154,SC2034 # nonce and the like are set elsewhere
set -u
line_end='
'

at() {
  missing=''
  for tool in cat date dd find ln ls mkdir mv readlink rm sleep; do
    command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
  done
  [ -z "$missing" ] || fail failed "these programs are missing on the sidecar, or not on PATH:$missing"
  find_home
  want=$1
  case $want in
    /*) ;;
    *) want=$home/$want ;;
  esac
  W=$(physical "$want") || fail not-directory "$want"
  W=${W:-/}
  case $W in *"$line_end"*) fail failed 'the path of the workspace holds a newline' ;; esac
  find_state
  runs=$state/runs machine=$(boot)
  say "workspace $W"
}

# Whether the directory $1 is that of a run in this workspace.
belongs() { IFS= read -r of 2>/dev/null <"$1/workspace" && [ "$of" = "$W" ]; }

# Sets $is to running, exited (with $code) or lost, or to nothing where it has not begun. One whose supervisor was killed, or
# whose machine was started again, is lost: nobody will ever know how it ended.
state_of() {
  is='' code=-
  ended "$1" && return
  holder=$(readlink "$1/supervisor" 2>/dev/null) || return 0
  case $holder in *:*:*) ;; *) return 0 ;; esac
  rest=${holder#*:} is=running
  if [ "${rest#*:}" = "$machine" ] && [ "$(started "${holder%%:*}")" = "${rest%%:*}" ]; then return; fi
  # It may have ended just now.
  ended "$1" || is=lost
}

ended() {
  [ -f "$1/exit" ] && read -r code <"$1/exit" && is=exited
}

list() {
  for run in "$runs"/*; do
    belongs "$run" || continue
    state_of "$run"
    [ -n "$is" ] || continue
    { read -r order <"$run/order" && read -r at <"$run/started" && IFS= read -r shown <"$run/command"; } 2>/dev/null || continue
    say "run ${run##*/} $order $at $is $code $shown"
  done
  say end
}

pause() { sleep 0.2 2>/dev/null || sleep 1; }
