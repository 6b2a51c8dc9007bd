# The lock: one landing at a time in a workspace.
# shellcheck shell=sh disable=SC2154,SC2034 # S and nonce are set elsewhere

# A symbolic link is made in one step together with its content, the owner: no lock without an owner is ever seen.

# Whether the holder of a lock may still be at work. Where its processes cannot be seen from here (another container on
# the same volume, or before the machine started again), ten minutes of age decide. A lock of a time to come is none of
# now: the clock was set back. It takes two looks to tell, for a holder may let go and take it again in between, once.
alive() {
  link=$1 holder=$2
  pid=${holder%%:*} rest=${holder#*:}
  if [ "${rest#*:}" != "$(boot)" ]; then
    [ -z "$(find "$link" -prune -mmin +10 2>/dev/null)" ] || return 1
    : >"$tmp/now"
    [ -n "$(find "$link" -prune -newer "$tmp/now" 2>/dev/null)" ] || return 0
    ahead=$((ahead + 1))
    [ "$ahead" -lt 3 ]
    return
  fi
  now=$(started "$pid")
  [ -n "$now" ] && [ "$now" = "${rest%%:*}" ]
}

# Whether the process $1 is gone, and was one of this machine's own since it started.
dead() {
  rest=${1#*:}
  [ "${rest#*:}" = "${me#*:*:}" ] && [ "$(started "${1%%:*}")" != "${rest%%:*}" ]
}

# Takes the link $1. A dead holder's link is cleared only by whoever gets the right to, itself a link named after that
# holder: two that find the same dead holder cannot clear each other's new lock.
take() {
  misses=0
  # Into a directory ln would put the link, and succeed.
  until [ ! -d "$1" ] && ln -s "$me" "$1" 2>/dev/null; do
    misses=$((misses + 1))
    [ "$misses" -lt 50 ] || return 2
    if owner=$(readlink "$1" 2>/dev/null); then
      [ "$owner" = "$me" ] && return 0
      if alive "$1" "$owner"; then return 1; fi
      (take "$S/sidecar/lock.$owner") || return 1
      [ "$(readlink "$1" 2>/dev/null)" != "$owner" ] || rm -f -- "$1"
    elif [ ! -e "$1" ]; then
      [ -w "${1%/*}" ] || return 2
    elif [ ! -L "$1" ]; then
      # Nothing that this script makes: a copy of the shadow in which links became files, say.
      owner=nobody
      (take "$S/sidecar/lock.nobody") || return 1
      [ -L "$1" ] || rm -rf -- "$1"
    fi
  done
}

pause() { sleep 0.2 2>/dev/null || sleep 1; }

lock() {
  waited=0 ahead=0
  while :; do
    take "$S/sidecar/lock"
    case $? in
      0) break ;;
      2) fail failed "cannot make the lock of $S: $(ln -s "$me" "$S/sidecar/lock" 2>&1)" ;;
    esac
    # Said every time round: writing to a client that has gone ends this process.
    say "waiting $waited $owner"
    [ "$waited" -lt 1500 ] || fail in-use "$owner"
    pause
    waited=$((waited + 1))
  done
  locked
  # A shell that was killed may have left its git at work on the files.
  if read -r writer 2>/dev/null <"$S/sidecar/writer"; then
    while grep -q reset "/proc/$writer/cmdline" 2>/dev/null; do
      say "waiting 0 $writer"
      pause
    done
    rm -f -- "$S/sidecar/writer"
  fi
  for left in "$S"/sidecar/lock.?* "$S"/*.lock "$S"/refs/sidecar/*.lock "$S"/refs/sidecar/drift/*.lock; do
    if [ -e "$left" ] || [ -L "$left" ]; then rm -f -- "$left"; fi
  done
}

# Who held the lock last. No two that do say the same.
last_holder() {
  last=''
  if [ -f "$S/sidecar/holder" ]; then read -r last <"$S/sidecar/holder"; fi
}

# The lock was taken; $last held it before.
locked() {
  holding=1 times=$((times + 1))
  last_holder
  # On a full disk it says nothing, and nobody trusts what was seen before.
  { printf '%s\n' "$nonce.$times" >"$S/sidecar/holder" || rm -f -- "$S/sidecar/holder"; } 2>/dev/null ||
    fail failed "cannot write to $S/sidecar"
}

unlock() {
  if [ -n "$holding" ] && [ "$(readlink "$S/sidecar/lock")" = "$me" ]; then rm -f -- "$S/sidecar/lock"; fi
  holding=''
}
