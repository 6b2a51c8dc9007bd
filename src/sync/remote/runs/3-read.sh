# Reading what a run printed, from any byte on, while it goes on or after it.
# shellcheck shell=sh disable=SC2154,SC2034 # set elsewhere

# How much of one output is sent before it is the other's turn: so many blocks.
block=65536 turn=256
# Every how many rounds in silence a word is sent: where nobody hears it, this ends.
patience=25

# read_run MODE ID OUT ERR
read_run() {
  mode=$1 run=$runs/$2 out=$3 err=$4
  belongs "$run" || fail gone "$2"
  if ! CDPATH='' cd -- "$run" || [ ! -r stdout ] || [ ! -r stderr ]; then fail gone "$2"; fi
  exec 5<stdout 6<stderr
  skip "$out" <&5
  skip "$err" <&6
  heard=''
  if [ "$mode" = follow ]; then
    exec 3<&0
    trap 'heard=1' USR1
    (trap : HUP INT TERM PIPE && listen_meanwhile) </dev/null >/dev/null 2>&1 &
    listener=$!
    trap 'kill -KILL "$listener"' EXIT
  fi
  quiet=0 more=''
  while :; do
    if [ -n "$heard" ]; then
      heard=''
      say interrupted
    fi
    # What is printed while it is read is another time's. The state before the sizes: of one that has ended nothing is missed.
    if [ -z "$more" ] || [ "$mode" = follow ]; then
      state_of "$run"
      [ -n "$is" ] || fail gone "$2"
      sizes || fail gone "$2"
    fi
    more=''
    pass stdout $((out_size - out)) <&5
    out=$((out + passed))
    pass stderr $((err_size - err)) <&6
    err=$((err + passed))
    [ -z "$more" ] || continue
    if [ "$is" != running ] || [ "$mode" = read ]; then break; fi
    quiet=$((quiet + 1))
    [ $((quiet % patience)) -ne 0 ] || say alive
    pause
  done
  say "$is $code"
  exit 0
}

# Moves on by $1 bytes, without reading them.
skip() {
  [ "$1" -eq 0 ] || dd bs=1 skip="$1" count=0 >/dev/null 2>&1 || fail failed "cannot read $run"
}

# From here: the names are words without blanks.
sizes() {
  # shellcheck disable=SC2046
  set -- $(LC_ALL=C ls -ln stderr stdout 2>/dev/null)
  [ $# -eq 18 ] || return 1
  err_size=$5
  shift 9
  out_size=$5
}

# Says that $2 bytes of $1 follow, or as many as it is its turn for, and sends them: $passed. A file that shrank, or cannot be
# read, ends it all: what was said cannot be taken back.
pass() {
  passed=$2
  [ "$passed" -gt 0 ] || return 0
  quiet=0
  if [ "$passed" -gt $((block * turn)) ]; then passed=$((block * turn)) more=1; fi
  say "$1 $passed"
  [ "$passed" -lt "$block" ] || dd bs="$block" count=$((passed / block)) 2>/dev/null || exit 1
  [ $((passed % block)) -eq 0 ] || dd bs=$((passed % block)) count=1 2>/dev/null || exit 1
}

listen_meanwhile() {
  while read -r word <&3; do
    [ "$word" = interrupt ] || continue
    interrupt
    # Only the other one may answer: bytes may be on their way.
    kill -USR1 $$
  done
  # Nobody reads any more.
  kill -KILL $$
}

# As whoever runs it at a terminal would, and more firmly where that is not enough: also when whoever asked for it has gone.
interrupt() {
  state_of "$run"
  group='' since=''
  if [ "$is" = running ]; then read -r group since <"$run/group"; fi
  case $group in '' | *[!0-9]*) return ;; esac
  # A group lives on without its leader, and its number is not given to another meanwhile; after that it may be.
  case $since in
    '' | -) ;;
    *) case $(started "$group") in '' | "$since") ;; *) return ;; esac ;;
  esac
  apart sh -c "$interrupter" "$group"
}
