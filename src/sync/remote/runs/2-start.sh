# Beginning a run, at most once.
# shellcheck shell=sh disable=SC2154,SC2034 # set elsewhere

# How many runs that have ended stay in each workspace.
kept=20

start() {
  name=${1%% *} words=${1#* }
  IFS= read -r shown || exit 0
  eval "set -- $(printf %b "$words")"
  if ! CDPATH='' cd -- "$W" 2>/dev/null; then
    if [ -e "$W" ]; then fail closed "$W"; else fail missing "$W"; fi
  fi
  tidy
  run=$runs/$name
  at=$(date -u +%Y-%m-%dT%H:%M:%SZ)
  why=$(umask 077 && mkdir -p -- "$runs" 2>&1 && mkdir -- "$run" 2>&1) || fail failed "cannot make the directory $run: $why"
  why=$(write_run 2>&1) || {
    rm -rf -- "$run"
    fail failed "cannot write to $run: $why"
  }
  # What still comes are the variables: to the end of the input, and into nothing but a pipe.
  cat | apart sh -c "$supervisor" "$run" "$lead" "$@" 4>&1 >/dev/null 2>&1 | {
    word=''
    read -r word || :
    [ "$word" = begun ] || fail never 'it did not get so far'
    say "begun $at"
  }
  exit 0
}

write_run() {
  umask 077
  printf '%s\n' "$latest" >"$run/order" && printf '%s\n' "$at" >"$run/started" && printf '%s\n' "$shown" >"$run/command" &&
    : >"$run/stdout" && : >"$run/stderr" && : >"$run/group" && echo ------- >"$run/code" &&
    printf '%s\n' "$W" >"$run/workspace"
}

# In a session of its own, and no child of anybody's here. `&` would have it ignore interrupts, and all that it starts; so it
# is setsid that goes into the background: it does, where it leads a group, which the first of the two sees to.
apart() {
  if command -v setsid >/dev/null 2>&1; then
    setsid setsid "$@"
  else
    set -m
    "$@" <&0 &
  fi
}

# The name can be taken by one of the two only: the run, or the word that it will never be.
settle() {
  run=$runs/$1 left=5
  until (umask 077 && mkdir -p -- "$run" && ln -s void "$run/supervisor") 2>/dev/null; do
    if [ -L "$run/supervisor" ]; then break; fi
    left=$((left - 1))
    [ "$left" -gt 0 ] || fail failed "cannot write to $runs"
  done
  if [ "$(readlink "$run/supervisor")" = void ]; then
    say never
  else
    read -r at <"$run/started" || fail failed "cannot read $run"
    say "begun $at"
  fi
}

# Deletes runs that ended before the last $kept, and what never began and is a day old. Sets $latest, the next number.
tidy() {
  latest=0 old='' count=0
  for run in "$runs"/*; do
    [ -d "$run" ] || continue
    state_of "$run"
    if [ -z "$is" ] && [ -n "$(find "$run" -prune -mmin +1440 2>/dev/null)" ]; then rm -rf -- "$run"; fi
    belongs "$run" || continue
    order=''
    read -r order 2>/dev/null <"$run/order" || continue
    case $order in '' | *[!0-9]*) continue ;; esac
    [ "$order" -le "$latest" ] || latest=$order
    case $is in exited | lost) old="$old $order/${run##*/}" count=$((count + 1)) ;; esac
  done
  latest=$((latest + 1))
  while [ "$count" -gt "$kept" ]; do
    first=$latest
    for each in $old; do
      [ "${each%%/*}" -ge "$first" ] || first=${each%%/*} oldest=$each
    done
    rest=''
    for each in $old; do
      [ "$each" = "$oldest" ] || rest="$rest $each"
    done
    rm -rf -- "${runs:?}/${oldest#*/}"
    old=$rest count=$((count - 1))
  done
}
