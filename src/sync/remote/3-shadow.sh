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

# What a shadow consists of, and what must stay as it was made.
shadow_directories='objects objects/info objects/pack refs refs/sidecar info sidecar'
shadow_files='HEAD config info/attributes sidecar/made'
shadow_notes='index index.lock sidecar/rules sidecar/excludes sidecar/head sidecar/racy sidecar/writer sidecar/holder sidecar/untold sidecar/history'
shadow_refs='refs/sidecar/landed refs/sidecar/landing refs/sidecar/replaced'

# Whether the shadow is what it was made as: without its attributes and settings, git would convert bytes in silence.
sound() {
  for part in $shadow_directories; do [ -d "$S/$part" ] || return 1; done
  for part in $shadow_files; do [ -f "$S/$part" ] || return 1; done
  for part in $shadow_notes; do [ ! -d "$S/$part" ] || return 1; done
  for part in $shadow_refs; do [ ! -e "$S/$part" ] || is_id "$S/$part" || return 1; done
  { read -r line && [ "$line" = "$shadow_attributes" ] && ! read -r line; } <"$S/info/attributes" || return 1
  read -r line <"$S/HEAD" || return 1
  case $line in 'ref: refs/heads/'?*) ;; *) return 1 ;; esac
  cmp -s "$S/config" "$S/sidecar/made"
}

# A bare repository that takes bytes as they are and runs nobody's hooks, filters or monitors. It is made aside and put in
# place in one step: whoever comes second at the same time finds it whole.
make_shadow() {
  ! sound || return 0
  new=$tmp/shadow
  case $format in
    sha1) set -- ;;
    *) set -- "--object-format=$format" ;;
  esac
  (umask 077 && mkdir -p "${S%/*}" "$new" && unset GIT_WORK_TREE && GIT_DIR=$new git init -q --bare --template= "$@") 2>"$tmp/err" || return 1
  (
    for part in $shadow_directories; do mkdir -p "$new/$part" || return 1; done
    printf '%s\n' "$shadow_attributes" >"$new/info/attributes" &&
      printf '%s\n' "$shadow_config" >>"$new/config" &&
      cat "$new/config" >"$new/sidecar/made"
  ) 2>"$tmp/err" || return 1
  if [ -d "$S" ]; then mend; else
    rm -f -- "$S"
    mv -- "$new" "$S" 2>"$tmp/err" || [ -f "$S/sidecar/made" ] || return 1
    # The same words put the second one inside the first.
    rm -rf -- "$S/shadow" 2>/dev/null || :
  fi
}

# A damaged shadow may hold saved drift: it is never made anew, only what is wrong in it is replaced, from the new one
# beside it. Two that do so at the same time do the same.
mend() {
  for part in $shadow_directories; do
    [ -d "$S/$part" ] || { rm -f -- "$S/$part" && mkdir -p "$S/$part"; } || return 1
  done
  for part in $shadow_notes $shadow_files; do
    [ ! -d "$S/$part" ] || rm -rf -- "${S:?}/$part" || return 1
  done
  # git writes no ref over one that it cannot read.
  for part in $shadow_refs; do
    [ ! -e "$S/$part" ] || is_id "$S/$part" || rm -rf -- "${S:?}/$part" || return 1
  done
  for part in $shadow_files; do mv -f -- "$new/$part" "$S/$part" || return 1; done
} 2>"$tmp/err"

# Whether a file of ours holds an object id: then it is $value. Damage may have put anything there.
is_id() {
  value=''
  if [ -f "$1" ]; then read -r value <"$1"; fi
  case $value in *[!0-9a-f]*) return 1 ;; esac
  case ${#value} in 40 | 64) ;; *) return 1 ;; esac
}

id_in() { if is_id "$1"; then printf '%s' "$value"; else printf -- -; fi; }

ref() { id_in "$S/refs/sidecar/$1"; }

note() { id_in "$S/sidecar/$1"; }

# The id of the ignore rules that are in force. Where they are not what they were, none is said, and an id that nobody
# sends is noted: whichever rules come next replace them.
rules_in_force() {
  noted=$(note rules) is=-
  if [ -s "$S/sidecar/excludes" ]; then is=$(git hash-object --stdin <"$S/sidecar/excludes" 2>/dev/null); fi
  if [ "$is" = "$noted" ]; then
    printf '%s' "$noted"
  else
    printf '%040d\n' 0 >"$S/sidecar/rules"
    printf -- -
  fi
}
