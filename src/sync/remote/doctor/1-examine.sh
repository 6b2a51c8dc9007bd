# What could be in the way of a sync here. Nothing is changed; to see whether our own directory can be written, a file is
# made there that is gone at once. Requests:
#
#   examine FORMAT WORKSPACE  everything that can be told, whatever of it is wrong        -> facts… end
#   ping                      nothing but an answer, to see how long that takes           -> pong
#   time                      the time of day here, in seconds since 1970                 -> time SECONDS
# shellcheck shell=sh disable=SC2154,SC2034 # set elsewhere

# The nearest directory on the way to $1 that exists.
nearest() {
  at=$1
  while [ ! -d "$at" ]; do
    at=${at%/*}
    [ -n "$at" ] || at=/
  done
}

# What df says of the directory $2, line by line, for the other side to read: here may be no tool to do so.
tell_space() {
  LC_ALL=C df -P -k "$2" 2>/dev/null | while read -r line; do say "bytes-$1 $line"; done
  LC_ALL=C df -P -i "$2" 2>/dev/null | while read -r line; do say "inodes-$1 $line"; done
}

tell_workspace() {
  W=$(physical "$want") || {
    say "obstructed $want"
    return
  }
  say "workspace ${W:-/}"
  if [ -z "$W" ]; then
    say 'forbidden it is the root directory'
    return
  fi
  case $home/ in "$W"/*) say 'forbidden it is, or holds, the home directory' ;; esac
  nearest "$W"
  if [ ! -w "$at" ] || [ ! -x "$at" ]; then say "unwritable $at"; fi
  tell_space workspace "$at"
  [ "$at" = "$W" ] || return
  if [ -e "$W/.git" ]; then say 'holds repository'
  elif [ -n "$(ls -A -- "$W" 2>/dev/null)" ]; then say 'holds files'
  else say 'holds nothing'; fi
}

tell_state() {
  state=${XDG_STATE_HOME:-}
  case $state in
    /*) ;;
    *) state=$home/.local/state ;;
  esac
  state=$state/sidecar
  say "state $state"
  nearest "$state"
  if [ ! -w "$at" ] || [ ! -x "$at" ]; then say "unwritable-state cannot write to $at"
  elif command -v head >/dev/null 2>&1; then
    why=$(no_room "$at")
    [ -z "$why" ] || say "unwritable-state $why"
  fi
  tell_space state "$at"
}

# What landed, and whether another landing is under way: see lock.
tell_landing() {
  key=$(printf %s "$W" | git hash-object --stdin 2>/dev/null) || return
  S=$(cd -P -- "$state" 2>/dev/null && pwd -P)/workspaces/$key-$format
  [ ! -e "$S/refs/sidecar/landed" ] || say 'landed here'
  owner=$(readlink "$S/sidecar/lock" 2>/dev/null) || return
  pid=${owner%%:*} rest=${owner#*:}
  if [ "${rest#*:}" != "$(boot)" ]; then say "lock elsewhere $pid"
  elif [ "$(started "$pid")" = "${rest%%:*}" ]; then say "lock alive $pid"
  else say "lock gone $pid"; fi
}

examine() {
  format=${1%% *} want=${1#* }
  say "shell ${SHELL:-sh}"
  if command -v git >/dev/null 2>&1; then say "git $(git version 2>/dev/null)"; fi
  find_missing
  say "missing$missing"
  [ -n "${HOME:-}" ] || HOME=$(cd ~ 2>/dev/null && pwd) || HOME=''
  if [ -n "$HOME" ] && home=$(cd -P -- "$HOME" 2>/dev/null && pwd -P); then
    say "home $home"
    case $want in
      /*) ;;
      *) want=$home/$want ;;
    esac
    tell_workspace
    tell_state
    [ -z "$W" ] || tell_landing
  fi
  say end
}

while IFS= read -r line; do
  case $line in
    'examine '*) examine "${line#examine }" ;;
    ping) say pong ;;
    time) say "time $(date +%s)" ;;
  esac
done
