# Hello: what stands on the sidecar, and which commits both sides have.
# shellcheck shell=sh disable=SC2154,SC2034 # nonce and the like are set elsewhere

# Whether there is anything but a repository's own directory.
has_files() {
  [ -d "$W" ] || return 1
  # What cannot be looked at may hold anything.
  ls -A -- "$W" >"$tmp/listing" 2>/dev/null || return 0
  grep -qvx '\.git' "$tmp/listing"
  [ $? -ne 1 ]
}

# Which of the programs that are needed, besides git, are not there.
find_missing() {
  missing=''
  for tool in awk cat cmp cut date find grep head ln ls mkdir mv readlink rm sed sleep touch tr; do
    command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
  done
}

hello() {
  format=${1%% *} want=${1#* }
  command -v git >/dev/null 2>&1 || fail no-git 'git is not installed on the sidecar, or not on PATH'
  say "git $(git version 2>/dev/null)"
  find_missing
  [ -z "$missing" ] || fail failed "these programs are missing on the sidecar, or not on PATH:$missing"
  find_home
  home_config=${XDG_CONFIG_HOME:-$HOME/.config}
  case $want in
    /*) ;;
    *) want=$home/$want ;;
  esac
  W=$(physical "$want") || fail not-directory "$want"
  say "workspace ${W:-/}"
  [ -n "$W" ] || fail forbidden 'it is the root directory'
  case $home/ in "$W"/*) fail forbidden 'it is, or holds, the home directory' ;; esac
  find_state
  case $state/ in "$W"/*) fail forbidden "it holds this tool's own state, $state" ;; esac
  case $W/ in "$state"/*) fail forbidden "it is inside this tool's own state, $state" ;; esac

  # From here git reads nobody's configuration but the shadow's.
  unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_NAMESPACE \
    GIT_COMMON_DIR GIT_CONFIG GIT_CONFIG_GLOBAL GIT_CONFIG_PARAMETERS GIT_CONFIG_COUNT GIT_LITERAL_PATHSPECS \
    GIT_EXTERNAL_DIFF GIT_DIFF_OPTS GIT_TRACE
  cd / || fail failed 'cannot enter /'
  key=$(printf %s "$W" | git hash-object --stdin) || fail failed 'git hash-object does not work'
  S=$state/workspaces/$key-$format
  # Which working trees have landed here: beside the shadow, so that it is known when the shadow is lost.
  origins=$state/origins/$key-$format
  tmp=$state/tmp.$nonce
  why=$(umask 077 && mkdir -- "$tmp" "$tmp/head" "$tmp/going" 2>&1) || fail failed "cannot write to $state: $why"
  me="$$:$(started $$):$(boot)"
  printf '%s\n' "$me" >"$tmp/owner"
  # What a killed shell left goes now; what cannot be told from a living one's goes in a day: see tidy.
  for left in "$state"/tmp.*; do
    if [ "$left" != "$tmp" ] && read -r owner 2>/dev/null <"$left/owner" && dead "$owner"; then rm -rf -- "$left"; fi
  done
  HOME=$S XDG_CONFIG_HOME=$S GIT_CONFIG_NOSYSTEM=1 GIT_ATTR_NOSYSTEM=1 GIT_TERMINAL_PROMPT=0 GIT_NO_LAZY_FETCH=1
  GIT_ALLOW_PROTOCOL=none
  GIT_OPTIONAL_LOCKS=0 GIT_NO_REPLACE_OBJECTS=1 GIT_DIR=$S GIT_WORK_TREE=$W
  GIT_AUTHOR_NAME=sidecar GIT_AUTHOR_EMAIL=sidecar GIT_COMMITTER_NAME=sidecar GIT_COMMITTER_EMAIL=sidecar
  export HOME XDG_CONFIG_HOME GIT_CONFIG_NOSYSTEM GIT_ATTR_NOSYSTEM GIT_TERMINAL_PROMPT GIT_NO_LAZY_FETCH GIT_ALLOW_PROTOCOL \
    GIT_OPTIONAL_LOCKS GIT_NO_REPLACE_OBJECTS GIT_DIR GIT_WORK_TREE GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL \
    GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL
  make_shadow || fail failed "cannot prepare $S: $(said)"

  look
  printf '%s\n' "$facts"
  say ready
}

# What may change while a conversation waits: the workspace's own repository, what landed, and its rules.
look() {
  base=- own_format=- borrowed='' facts=''
  : >"$tmp/alternates"
  if [ -e "$W/.git" ]; then
    for name in refs/remotes/origin/HEAD HEAD; do
      # Three lines. A git that knows one format only gives the question back, as does any for a commit that is none.
      own rev-parse --show-object-format --git-path objects "$name^{commit}" >"$tmp/own" 2>/dev/null && base='' && break
    done
    { read -r own_format && IFS= read -r borrowed && [ -z "$base" ] && read -r base; } <"$tmp/own"
    case $base in '' | *[!0-9a-f]*) base=- ;; esac
    case $own_format in sha256) ;; *) own_format=sha1 ;; esac
    if [ "$own_format" = "$format" ] && [ -n "$borrowed" ]; then printf '%s\n' "$borrowed" >"$tmp/alternates"; fi
  fi
  if ! cmp -s "$tmp/alternates" "$S/objects/info/alternates"; then
    mv -f -- "$tmp/alternates" "$S/objects/info/alternates"
  fi
  [ "$base" = - ] || facts="$nonce base ${name#refs/remotes/} $base
"
  facts="$facts$nonce landed $(ref landed)
$nonce head $(note head)
$nonce rules $(rules_in_force)"
}

# A conversation may have waited for long since its hello. What was said then must still be so, or the client asks anew.
begin() {
  were=$facts
  if [ -f "$tmp/owner" ] && [ "$(physical "$want")" = "$W" ] && sound && look && [ "$facts" = "$were" ]; then
    look_ahead
  else
    fail stale 'what stands on the sidecar has changed since it was asked'
  fi
}

common() {
  # shellcheck disable=SC2086
  found=$(printf '%s\n' $1 | objects cat-file --batch-check 2>/dev/null | sed -n '/ commit /{s/ .*//p;q;}')
  say "common ${found:--}"
}
