# The shadow: a bare repository of our own, and the workspace's own repository, which is only read.
# shellcheck shell=sh disable=SC2154,SC2034 # S, W and the like are set in hello

# git on the workspace's own repository, reading only, with its owner's settings: they say what a checkout converts.
own() {
  (
    unset GIT_INDEX_FILE GIT_CONFIG_NOSYSTEM GIT_ATTR_NOSYSTEM
    HOME=$home XDG_CONFIG_HOME=$home_config GIT_DIR=$W/.git \
      git -c core.fsmonitor=false -c core.hooksPath=/dev/null "$@"
  )
}

# A bare repository that takes bytes as they are and runs nobody's hooks, filters or monitors. It is made aside and put in
# place in one step: whoever comes second at the same time finds it whole.
make_shadow() {
  [ ! -f "$S/sidecar/made" ] || return 0
  if [ -d "$S" ]; then mv -- "$S" "$tmp/broken"; fi
  new=$tmp/shadow
  case $format in
    sha1) set -- ;;
    *) set -- "--object-format=$format" ;;
  esac
  (umask 077 && mkdir -p "${S%/*}" "$new" && unset GIT_WORK_TREE && GIT_DIR=$new git init -q --bare --template= "$@") 2>"$tmp/err" || return 1
  mkdir -p "$new/info" "$new/objects/info" "$new/sidecar" && : >"$new/sidecar/made" || return 1
  printf '%s\n' "$shadow_attributes" >"$new/info/attributes" || return 1
  printf '%s\n' "$shadow_config" >>"$new/config" || return 1
  mv -- "$new" "$S" 2>"$tmp/err" || [ -f "$S/sidecar/made" ] || return 1
  # The same words put the second one inside the first.
  rm -rf -- "$S/shadow" 2>/dev/null || :
}

ref() {
  value=-
  if [ -f "$S/refs/sidecar/$1" ]; then read -r value <"$S/refs/sidecar/$1"; fi
  printf '%s' "$value"
}

note() {
  value=-
  if [ -f "$S/sidecar/$1" ]; then read -r value <"$S/sidecar/$1"; fi
  printf '%s' "${value:--}"
}
