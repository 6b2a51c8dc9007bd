# Places: where a path leads, and where this tool keeps its own state.
# shellcheck shell=sh disable=SC2034 # home and state are used elsewhere

# The physical path of $1, whose last parts need not exist yet.
physical() {
  path=$1 rest=''
  while [ ! -d "$path" ]; do
    if [ -e "$path" ] || [ -L "$path" ]; then return 1; fi
    rest=/${path##*/}$rest
    path=${path%/*}
    [ -n "$path" ] || path=/
  done
  path=$(cd -P -- "$path" && pwd -P) || return 1
  printf '%s%s' "${path%/}" "$rest"
}

# Sets $home, without links.
find_home() {
  [ -n "${HOME:-}" ] || HOME=$(cd ~ 2>/dev/null && pwd) || fail failed 'the sidecar has no home directory (HOME is not set)'
  home=$(cd -P -- "$HOME" 2>/dev/null && pwd -P) || fail failed "the home directory $HOME cannot be entered"
}

# Sets $state, without links, and makes it.
find_state() {
  state=${XDG_STATE_HOME:-}
  case $state in
    /*) ;;
    *) state=$home/.local/state ;;
  esac
  [ -d "$state/sidecar" ] || why=$(umask 077 && mkdir -p -- "$state/sidecar" 2>&1) || fail failed "cannot make the directory $state/sidecar: $why"
  state=$(cd -P -- "$state/sidecar" && pwd -P) || fail failed "cannot enter the directory $state/sidecar"
}
