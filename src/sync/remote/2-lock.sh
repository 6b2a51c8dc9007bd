# The lock: one landing at a time in a workspace.
# shellcheck shell=sh disable=SC2154,SC2034 # S and nonce are set elsewhere

# A symbolic link is made in one step together with its content, the owner: no lock without an owner is ever seen.

boot() {
  id=- ns=-
  if [ -r /proc/sys/kernel/random/boot_id ]; then read -r id </proc/sys/kernel/random/boot_id; fi
  ns=$(readlink /proc/self/ns/pid 2>/dev/null) || ns=-
  printf '%s.%s' "$id" "$ns"
}

# The start time of a process, which tells it from a later one of the same number.
started() {
  if [ -r "/proc/$1/stat" ] && read -r stat <"/proc/$1/stat" 2>/dev/null; then
    # shellcheck disable=SC2086
    set -- ${stat##*) }
    printf '%s' "${20}"
  elif kill -0 "$1" 2>/dev/null; then
    printf -- -
  fi
}

# Whether the holder of a lock may still be at work. Where its processes cannot be seen from here (another container on
# the same volume), ten minutes of age decide.
alive() {
  link=$1 holder=$2
  pid=${holder%%:*} rest=${holder#*:}
  if [ "${rest#*:}" != "$(boot)" ]; then
    [ -z "$(find "$link" -prune -mmin +10 2>/dev/null)" ]
    return
  fi
  now=$(started "$pid")
  [ -n "$now" ] && [ "$now" = "${rest%%:*}" ]
}

# Takes the link $1. A dead holder's link is cleared only by whoever gets the right to, itself a link named after that
# holder: two that find the same dead holder cannot clear each other's new lock.
take() {
  misses=0
  until ln -s "$me" "$1" 2>/dev/null; do
    misses=$((misses + 1))
    [ "$misses" -lt 50 ] || return 2
    owner=$(readlink "$1" 2>/dev/null) || {
      [ -d "${1%/*}" ] && [ -w "${1%/*}" ] || return 2
      continue
    }
    [ "$owner" = "$me" ] && return 0
    if alive "$1" "$owner"; then return 1; fi
    (take "$S/sidecar/lock.$owner") || return 1
    [ "$(readlink "$1" 2>/dev/null)" != "$owner" ] || rm -f -- "$1"
  done
}

pause() { sleep 0.2 2>/dev/null || sleep 1; }

lock() {
  me="$$:$(started $$):$(boot)"
  waited=0
  while :; do
    take "$S/sidecar/lock"
    case $? in
      0) break ;;
      2) fail failed "cannot write to $S" ;;
    esac
    # Said every time round: writing to a client that has gone ends this process.
    say "waiting $waited $owner"
    [ "$waited" -lt 1500 ] || fail in-use "$owner"
    pause
    waited=$((waited + 1))
  done
  holding=1
  # A shell that was killed may have left its git at work on the files.
  if read -r writer 2>/dev/null <"$S/sidecar/writer"; then
    while grep -q read-tree "/proc/$writer/cmdline" 2>/dev/null; do
      say "waiting 0 $writer"
      pause
    done
    rm -f -- "$S/sidecar/writer"
  fi
  rm -f -- "$S"/sidecar/lock.?* "$S/index.lock" "$S"/refs/sidecar/*.lock
}

unlock() {
  if [ -n "$holding" ] && [ "$(readlink "$S/sidecar/lock")" = "$me" ]; then rm -f -- "$S/sidecar/lock"; fi
  holding=''
}
