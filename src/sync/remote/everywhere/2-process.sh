# Processes: which one is meant, and whether it is still there.
# shellcheck shell=sh

# This machine, since it started, as its processes see it.
boot() {
  id=- ns=-
  if [ -r /proc/sys/kernel/random/boot_id ]; then read -r id </proc/sys/kernel/random/boot_id; fi
  ns=$(readlink /proc/self/ns/pid 2>/dev/null) || ns=-
  printf '%s.%s' "$id" "$ns"
}

# The start time of a process, which tells it from a later one of the same number; nothing for one that is gone. One that
# nobody has buried is gone too: not every container has an init that does.
started() {
  if [ -r "/proc/$1/stat" ] && read -r stat <"/proc/$1/stat" 2>/dev/null; then
    # shellcheck disable=SC2086
    set -- ${stat##*) }
    case $1 in Z | X) ;; *) printf '%s' "${20}" ;; esac
  elif kill -0 "$1" 2>/dev/null; then
    printf -- -
  fi
}
