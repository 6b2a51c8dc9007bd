# The far half of a sync, in POSIX sh and git: nothing is installed on the sidecar. The near half sends this text as the
# first line of a conversation (see remote-script.ts), with $nonce and the shadow's settings set. Requests are lines on stdin; every line of an
# answer begins with the nonce, so that nothing a start file prints is taken for one.
#
#   hello FORMAT WORKSPACE    what stands there: base, last landing, kind of directory      -> … ready
#   common OID…               the first of these commits that this side has too             -> common OID|-
#   land KEY=VALUE…           put a tree in place; the pack follows on stdin                 -> … done | error
#
# The workspace's own .git is only read. All writing goes to a bare repository of our own ($S, the shadow), whose index
# describes what stands in the workspace ($W). $S holds:
#   refs/sidecar/landed       P: the landing that stands there (a parentless commit, made alike on both sides)
#   refs/sidecar/landing      the landing under way: what an interrupted one left behind is no drift
#   refs/sidecar/replaced     the tree that the last landing replaced
#   refs/sidecar/drift/ID     drift saved before it was overwritten
#   sidecar/{rules,head,origins,lock}
# shellcheck shell=sh disable=SC2154 # nonce, shadow_config and shadow_attributes
set -u
LC_ALL=C
export LC_ALL
tab=$(printf '\t')
W='' S='' tmp='' holding=''

say() { printf '%s %s\n' "$nonce" "$*"; }

# error CODE REASON…: the last word of a conversation.
fail() {
  say "error $1 $2"
  exit 0
}

# What git said, on one line.
said() { tr '\n' ' ' <"$tmp/err" | cut -c 1-600; }

cleanup() {
  unlock
  [ -z "$tmp" ] || rm -rf -- "$tmp"
}
trap cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 141' PIPE
trap 'exit 143' TERM

# ---- the lock: one landing at a time in a workspace -----------------------------------------------------------------
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

# ---- hello ----------------------------------------------------------------------------------------------------------

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

# git on the workspace's own repository, reading only, with its owner's settings: they say what a checkout converts.
own() { (unset GIT_INDEX_FILE GIT_CONFIG_NOSYSTEM GIT_ATTR_NOSYSTEM && HOME=$home XDG_CONFIG_HOME=$home_config GIT_DIR=$W/.git git -c core.fsmonitor=false -c core.hooksPath=/dev/null "$@"); }

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

# Whether there is anything but a repository's own directory.
has_files() {
  # shellcheck disable=SC2010
  ls -A -- "$W" 2>/dev/null | grep -qvx '\.git'
}

hello() {
  format=${1%% *} want=${1#* }
  command -v git >/dev/null 2>&1 || fail no-git 'git is not installed on the sidecar, or not on PATH'
  say "git $(git version 2>/dev/null)"
  [ -n "${HOME:-}" ] || HOME=$(cd ~ 2>/dev/null && pwd) || fail failed 'the sidecar has no home directory (HOME is not set)'
  home_config=${XDG_CONFIG_HOME:-$HOME/.config}
  home=$(cd -P -- "$HOME" 2>/dev/null && pwd -P) || fail failed "the home directory $HOME cannot be entered"
  case $want in
    /*) ;;
    *) want=$home/$want ;;
  esac
  W=$(physical "$want") || fail not-directory "$want"
  state=${XDG_STATE_HOME:-}
  case $state in
    /*) ;;
    *) state=$home/.local/state ;;
  esac
  say "workspace ${W:-/}"
  [ -n "$W" ] || fail forbidden 'it is the root directory'
  case $home/ in "$W"/*) fail forbidden 'it is, or holds, the home directory' ;; esac
  mkdir -p -- "$state/sidecar" 2>/dev/null || fail failed "cannot make the directory $state/sidecar"
  state=$(cd -P -- "$state/sidecar" && pwd -P) || fail failed "cannot enter the directory $state/sidecar"
  case $state/ in "$W"/*) fail forbidden "it holds this tool's own state, $state" ;; esac
  case $W/ in "$state"/*) fail forbidden "it is inside this tool's own state, $state" ;; esac

  # From here git reads nobody's configuration but the shadow's.
  unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_NAMESPACE \
    GIT_COMMON_DIR GIT_CONFIG GIT_CONFIG_GLOBAL GIT_CONFIG_PARAMETERS GIT_CONFIG_COUNT GIT_LITERAL_PATHSPECS \
    GIT_EXTERNAL_DIFF GIT_DIFF_OPTS GIT_TRACE
  cd / || fail failed 'cannot enter /'
  key=$(printf %s "$W" | git hash-object --stdin) || fail failed 'git hash-object does not work'
  S=$state/workspaces/$key-$format
  tmp=$state/tmp.$nonce
  (umask 077 && rm -rf -- "$tmp" && mkdir -p -- "$tmp") 2>/dev/null || fail failed "cannot write to $state"
  HOME=$S XDG_CONFIG_HOME=$S GIT_CONFIG_NOSYSTEM=1 GIT_ATTR_NOSYSTEM=1 GIT_TERMINAL_PROMPT=0 GIT_NO_LAZY_FETCH=1
  GIT_OPTIONAL_LOCKS=0 GIT_NO_REPLACE_OBJECTS=1 GIT_DIR=$S GIT_WORK_TREE=$W
  GIT_AUTHOR_NAME=sidecar GIT_AUTHOR_EMAIL=sidecar GIT_COMMITTER_NAME=sidecar GIT_COMMITTER_EMAIL=sidecar
  export HOME XDG_CONFIG_HOME GIT_CONFIG_NOSYSTEM GIT_ATTR_NOSYSTEM GIT_TERMINAL_PROMPT GIT_NO_LAZY_FETCH \
    GIT_OPTIONAL_LOCKS GIT_NO_REPLACE_OBJECTS GIT_DIR GIT_WORK_TREE GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL \
    GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL
  make_shadow || fail failed "cannot prepare $S: $(said)"

  base=- own_format=-
  if [ ! -d "$W" ]; then
    kind=missing
  elif has_files; then
    kind=filled
  else
    kind=empty
  fi
  : >"$tmp/alternates"
  if [ -e "$W/.git" ]; then
    for name in refs/remotes/origin/HEAD HEAD; do
      base=$(own rev-parse -q --verify "$name^{commit}" 2>/dev/null) && break
      base=-
    done
    own_format=$(own rev-parse --show-object-format 2>/dev/null)
    # A git that knows one format only gives the question back.
    case $own_format in sha256) ;; *) own_format=sha1 ;; esac
    if [ "$own_format" = "$format" ]; then own rev-parse --git-path objects >"$tmp/alternates" 2>/dev/null; fi
  fi
  if ! cmp -s "$tmp/alternates" "$S/objects/info/alternates"; then
    mv -f -- "$tmp/alternates" "$S/objects/info/alternates"
  fi
  say "kind $kind"
  [ "$base" = - ] || say "base ${name#refs/remotes/} $base"
  say "landed $(ref landed)"
  say "head $(note head)"
  say "rules $(note rules)"
  say ready
}

common() {
  # shellcheck disable=SC2086
  found=$(printf '%s\n' $1 | git cat-file --batch-check 2>/dev/null | sed -n '/ commit /{s/ .*//p;q;}')
  say "common ${found:--}"
}

# ---- land -----------------------------------------------------------------------------------------------------------

# A commit of a tree that is the same on every machine: nothing but the tree (and parents) goes into its name.
commit() { GIT_AUTHOR_DATE='@0 +0000' GIT_COMMITTER_DATE='@0 +0000' git commit-tree "$@" </dev/null 2>"$tmp/err"; }

# A file whose time is the index's own second may have changed since within that second, so git reads such files again,
# at every look, until the index is written in a later second: see "racy git" in git's technical documentation. Reads
# them once. Fails when a file is not what the index says.
settle() {
  read -r second <"$S/sidecar/racy"
  now=$(date +%s)
  git update-index --refresh --force-write-index >/dev/null 2>"$tmp/err" || return 1
  [ "$now" -le "$second" ] || rm -f -- "$S/sidecar/racy"
}

# Makes the index describe the workspace: only what git sees as changed is read. Ignore rules are those of the tree that
# is to land ($rules) and those that stand in the workspace. A repository nested in the workspace that is not part of
# the tree shows as `dir/`: it is left alone.
scan() {
  if [ -s "$S/sidecar/excludes" ]; then excludes=$S/sidecar/excludes; else excludes=/dev/null; fi
  if [ -f "$S/sidecar/racy" ]; then settle; fi
  : >"$tmp/taken"
  git diff-files --raw --no-renames >"$tmp/changed" 2>"$tmp/err" &&
    git ls-files -o -X "$excludes" --exclude-per-directory=.gitignore >"$tmp/others" 2>"$tmp/err" || return 1
  if [ -s "$tmp/changed" ]; then
    sed -n "s/^:[0-7]* 160000 .* T$tab//p" "$tmp/changed" >"$tmp/taken" || return 1
    { sed -n "s/^:[0-7]* [0-7]* [^$tab]* D$tab//p" "$tmp/changed"; cat "$tmp/taken"; } >"$tmp/gone" || return 1
    sed -n "/^:[0-7]* 160000 /d;s/^:[0-7]* [0-7]* [^$tab]* [MT]$tab//p" "$tmp/changed" >"$tmp/edited" || return 1
    git update-index --force-remove --stdin <"$tmp/gone" 2>"$tmp/err" || return 1
    git update-index --add --remove --replace --stdin <"$tmp/edited" 2>"$tmp/err" || return 1
  fi
  # git takes no path with a component like .git: such files are nobody's.
  grep -i '^"\{0,1\}\.git/\|/\.git/\|/\.git"\{0,1\}$' "$tmp/others" >"$tmp/reserved"
  { grep '/"\{0,1\}$' "$tmp/others"; cat "$tmp/reserved"; sed -e 's:"$:/":' -e t -e 's:$:/:' "$tmp/taken"; } >"$tmp/nested"
  if [ -s "$tmp/others" ]; then
    grep -v '/"\{0,1\}$' "$tmp/others" | grep -Fxvf "$tmp/reserved" >"$tmp/new"
    git update-index --add --remove --replace --stdin <"$tmp/new" 2>"$tmp/err" || return 1
  fi
  R=$(git write-tree 2>"$tmp/err")
}

# An index that is missing, damaged, or names objects that are gone is built again from what is on the disk.
rescan() {
  if [ -f "$S/index" ] && scan; then return; fi
  rm -f -- "$S/index"
  # Seeded with what is expected, so that what is tracked and ignored is seen too.
  if [ "$(ref landed)" != - ]; then
    git read-tree "$(ref landed)" 2>/dev/null
  elif [ "$base" != - ] && [ "$own_format" = "$format" ]; then
    git read-tree "$(own rev-parse -q --verify 'HEAD^{tree}' 2>/dev/null)" 2>/dev/null
  else
    false
  fi || git read-tree --empty 2>"$tmp/err" || return 1
  scan && return
  rm -f -- "$S/index"
  git read-tree --empty 2>"$tmp/err" && scan
}

# The tree that a clean clone holds as bytes on its disk: R, but as HEAD has it wherever the clone's own git sees a
# change. (A checkout may convert line ends or smudge LFS files: those bytes are no drift.)
clean_clone() {
  (
    GIT_INDEX_FILE=$tmp/clean
    export GIT_INDEX_FILE
    zero=$(printf %s "$R" | tr '0-9a-f' 0)
    raw="s/^:\([0-7]*\) [0-7]* \([0-9a-f]*\) [0-9a-f]* [A-Z][0-9]*$tab/\1 \2$tab/p"
    cp "$S/index" "$tmp/clean" &&
      { own diff-files --raw --no-renames --no-abbrev --ignore-submodules=all &&
        own diff-index --cached --raw --no-renames --no-abbrev --ignore-submodules=all HEAD; } >"$tmp/raw" 2>/dev/null &&
      own ls-files -o -X "$excludes" --exclude-per-directory=.gitignore 2>/dev/null | grep -v '/"\{0,1\}$' |
      sed "s/^/0 $zero$tab/" >"$tmp/untracked"
    { grep -v '^:160000\|^:[0-7]* 160000' "$tmp/raw" | sed -n "$raw" && cat "$tmp/untracked"; } |
      git update-index --replace --index-info 2>/dev/null &&
      git write-tree --missing-ok 2>/dev/null
  )
}

# P: what the workspace is expected to hold, as a commit.
expected() {
  P=$(ref landed)
  if [ "$P" != - ] && git cat-file -e "$P^{tree}" 2>/dev/null; then return; fi
  P=''
  if [ "$base" != - ] && [ "$own_format" = "$format" ]; then P=$(clean_clone) && P=$(commit "$P") || P=''; fi
  [ -n "$P" ] || { P=$(git mktree </dev/null 2>"$tmp/err") && P=$(commit "$P"); }
}

# What would be lost: paths that differ from what is expected, from what an interrupted landing put there, and from what
# is about to stand there. git's combined diff lists exactly the paths that differ from every parent.
find_drift() {
  : >"$tmp/drift"
  [ "$R" != "$tree" ] && [ "$R" != "$(git rev-parse -q --verify "$P^{tree}")" ] || return 0
  under_way=$(ref landing)
  [ "$under_way" != - ] && git cat-file -e "$under_way^{tree}" 2>/dev/null || under_way=$P
  merge=$(commit "$R" -p "$P" -p "$under_way" -p "$L") || return 1
  git diff-tree -r -c --no-commit-id --name-status --no-renames "$merge" >"$tmp/drift" 2>"$tmp/err" ||
    # What was landed is damaged: all that is about to change counts.
    git diff-tree -r --name-status --no-renames "$L" "$R" >"$tmp/drift" 2>"$tmp/err" || return 1
  if [ -s "$tmp/drift" ] && [ "$under_way" != "$P" ]; then forgive_torn || return 1; fi
}

# A landing that was cut off may have torn the file it was at: gone, or there in part. That is no drift.
forgive_torn() {
  : >"$tmp/torn"
  git diff-tree -r --name-only --no-renames "$P" "$under_way" >"$tmp/touched" 2>"$tmp/err" &&
    git diff-tree -r --no-renames --diff-filter=DM "$under_way" "$R" >"$tmp/unlike" 2>"$tmp/err" || return 1
  while IFS= read -r line; do
    name=${line#*"$tab"}
    grep -Fxq -e "$name" "$tmp/touched" || continue
    # :MODE MODE OBJECT OBJECT LETTER
    # shellcheck disable=SC2086
    set -- ${line%%"$tab"*}
    if [ "$5" = M ]; then
      git cat-file blob "$4" >"$tmp/part" 2>"$tmp/err" || return 1
      git cat-file blob "$3" 2>/dev/null | head -c "$(wc -c <"$tmp/part")" | cmp -s - "$tmp/part" || continue
    fi
    printf '%s\n' "$name" >>"$tmp/torn"
  done <"$tmp/unlike"
  [ -s "$tmp/torn" ] || return 0
  while IFS= read -r line; do
    grep -Fxq -e "${line#*"$tab"}" "$tmp/torn" || printf '%s\n' "$line"
  done <"$tmp/drift" >"$tmp/whole" && mv -f "$tmp/whole" "$tmp/drift"
}

# Keeps R under an id of its own. Drift that an earlier pass of this landing kept ($kept) stays part of it.
save_drift() {
  held=$R
  if [ -n "$kept" ]; then
    held=$(
      GIT_INDEX_FILE=$tmp/held
      export GIT_INDEX_FILE
      git read-tree "$kept" && git diff-tree -r --no-renames --diff-filter=d "$P" "$R" |
        sed "s/^:[0-7]* \([0-7]*\) [0-9a-f]* \([0-9a-f]*\) [A-Z]$tab/\1 \2$tab/" |
        git update-index --replace --index-info && git write-tree
    ) 2>"$tmp/err" || return 1
  fi
  merge=$(git commit-tree "$held" -p "$stood" -m drift </dev/null 2>"$tmp/err") || return 1
  [ "$saved" = - ] || git update-ref -d "refs/sidecar/drift/$saved"
  saved=$(date -u +%Y%m%dT%H%M%SZ)-$(printf %s "$merge" | cut -c 1-8)
  # Objects that are only borrowed go with the clone that lends them.
  [ ! -s "$S/objects/info/alternates" ] ||
    printf '%s\n^%s\n' "$merge" "$stood" | git pack-objects -q --revs "$S/objects/pack/pack" >/dev/null 2>"$tmp/err" || return 1
  git update-ref "refs/sidecar/drift/$saved" "$merge" 2>"$tmp/err"
}

# Whether a path that the tree adds may be taken by an ignored file: git would overwrite that in silence. Neither list
# goes into ignored directories or nested repositories, so this costs little; awk compares each path with the other's parents.
# Whatever cannot be told counts as obstructed.
obstructed() {
  git diff-tree -r --no-renames --name-only --diff-filter=A "$R" "$tree" >"$tmp/added" 2>"$tmp/err" || return 0
  [ -s "$tmp/added" ] || return 1
  git ls-files -o -i --directory -X "$excludes" --exclude-per-directory=.gitignore >"$tmp/ignored" 2>"$tmp/err" || return 0
  cat "$tmp/nested" >>"$tmp/ignored"
  [ -s "$tmp/ignored" ] || return 1
  awk '
    { gsub(/^"|"$/, ""); sub(/\/$/, "") }
    FILENAME == ARGV[1] { ignored[$0] = 1 }
    FILENAME == ARGV[2] { added[$0] = 1 }
    function meets(path, set) {
      while (1) {
        if (path in set) return 1
        if (!sub(/\/[^\/]*$/, "", path)) return 0
      }
    }
    END {
      for (path in added) if (meets(path, ignored)) exit 0
      for (path in ignored) if (meets(path, added)) exit 0
      exit 3
    }' "$tmp/ignored" "$tmp/added"
  [ $? -ne 3 ]
}

# Those files count as drift, so they go into the index, and by it into R, first. They are the paths that the tree adds
# and the disk has, and what git calls killed.
admit_obstacles() {
  command -v awk >/dev/null 2>&1 || fail failed 'awk is missing on the sidecar, and ignored files may be in the way of this tree'
  (
    GIT_INDEX_FILE=$tmp/obstacles
    export GIT_INDEX_FILE
    rm -f "$tmp/obstacles"
    git diff-tree -r --no-renames --diff-filter=A "$R" "$tree" | sed "s/^:[0-7]* \([0-7]*\) [0-9a-f]* \([0-9a-f]*\) A$tab/\1 \2$tab/" |
      git update-index --index-info && git diff-files --raw --no-renames >"$tmp/absent" &&
      git diff-tree -r --no-renames --name-only --diff-filter=A "$R" "$tree" >"$tmp/added" && git ls-files -o
  ) >"$tmp/killed" 2>"$tmp/obstacles.err" || return 1
  # What stands at the added paths, and all that lies below one; a repository of the sidecar's own ends in a slash.
  awk '
    function bare(line) { gsub(/^"|"$/, "", line); return line }
    FILENAME == ARGV[1] { path = $0; sub(/^[^\t]*\t/, "", path); if ($2 == "160000") { print path "/"; absent[path] = 1 } else if ($5 ~ /^D/) absent[path] = 1; next }
    FILENAME == ARGV[2] { added[bare($0)] = 1; if (!($0 in absent)) print; next }
    { path = bare($0); sub(/\/$/, "", path)
      do if (path in added) { print; next }
      while (sub(/\/[^\/]*$/, "", path)) }
  ' "$tmp/absent" "$tmp/added" "$tmp/killed" >"$tmp/admit" || return 1
  ! grep '/"\{0,1\}$' "$tmp/admit" >"$tmp/own" || fail blocked "$(head -n 1 "$tmp/own")"
  git update-index --add --remove --replace --stdin <"$tmp/admit" 2>"$tmp/obstacles.err" || :
}

# A repository of the sidecar's own, where the tree has a file, is not ours to replace.
blocked() {
  [ -s "$tmp/nested" ] && git diff-tree -r --no-renames --name-only --diff-filter=A "$R" "$tree" |
    sed -e 's:"$:/":' -e t -e 's:$:/:' | grep -Fxqf "$tmp/nested"
}

# Whether every object that the landing writes is here: a partial clone may lack some.
whole() {
  git diff-tree -r --no-renames --diff-filter=d "$R" "$tree" 2>/dev/null |
    sed 's/^:[0-7]* [0-7]* [0-9a-f]* \([0-9a-f]*\) .*/\1/' | git cat-file --batch-check >"$tmp/objects" 2>/dev/null || return 1
  ! grep -q ' missing$' "$tmp/objects"
}

# Two trees, the index and the disk must agree before anything is written: a file that changed since the scan, or one
# that git does not know, stops the switch before it began.
switch() {
  (
    trap '' HUP INT TERM PIPE
    # shellcheck disable=SC2016
    exec sh -c 'echo $$ >"$0" && exec git read-tree -m -u "$1" "$2"' "$S/sidecar/writer" "$R" "$tree"
  ) 2>"$tmp/err" || return 1
  rm -f -- "$S/sidecar/writer"
}

report() {
  sed "s/^/$nonce drift /" "$tmp/drift"
  sed "s/^/$nonce left-alone /" "$tmp/nested"
}

# Whose directory is it? Ours, when there is nothing in it; when it shares a commit with the client; when the client
# knows the landing that stands there, or landed here before. Anything else takes the user's word.
ours() {
  landed=$(ref landed)
  [ "$adopt$shared" = 00 ] && has_files || return 0
  if [ "$landed" != - ] && [ "$have" = "$landed" ]; then return 0; fi
  grep -qx -e "$origin" "$S/sidecar/origins" 2>/dev/null
}

# What fails while objects that were here before are relied on may lack some: then everything is asked for, once.
broken() {
  [ "$have" = - ] || fail import "$1"
  fail failed "$1"
}

land() {
  mode=land tree='' have=- pack=none rules=- drift=save adopt=0 shared=0 origin=- head=-
  for pair in $1; do
    value=${pair#*=}
    case $pair in
      mode=*) mode=$value ;;
      tree=*) tree=$value ;;
      have=*) have=$value ;;
      pack=*) pack=$value ;;
      rules=*) rules=$value ;;
      drift=*) drift=$value ;;
      adopt=*) adopt=$value ;;
      shared=*) shared=$value ;;
      origin=*) origin=$value ;;
      head=*) head=$value ;;
    esac
  done
  # Another first landing may be under way: its end decides whose directory it is.
  ours || {
    lock
    ours || fail not-empty "$W"
    unlock
  }

  # Everything is sent: what a power cut left empty must not stand for it.
  [ "$have" != - ] || find "$S/objects" -type f -size 0 ! -name 'tmp_*' -exec rm -f {} + 2>/dev/null
  # Objects in the shadow change nothing in the workspace: no lock is needed yet.
  case $pack in
    unpack) git unpack-objects -q >/dev/null 2>"$tmp/err" || fail import "$(said)" ;;
    index) git index-pack --stdin --fix-thin >/dev/null 2>"$tmp/err" || fail import "$(said)" ;;
  esac
  say received
  git cat-file -e "$tree^{tree}" 2>"$tmp/err" || fail import "$(said)"

  if [ ! -d "$W" ]; then
    if [ "$mode" = dry ]; then
      W=$tmp/none
      GIT_WORK_TREE=$W
    fi
    mkdir -p -- "$W" 2>"$tmp/err" || fail failed "cannot make the workspace: $(said)"
  fi
  cd -- "$W" 2>"$tmp/err" || fail failed "cannot enter the workspace: $(said)"
  lock
  ours || fail not-empty "$W"
  if [ "$rules" != "$(note rules)" ]; then
    : >"$tmp/rules"
    [ "$rules" = - ] || git cat-file blob "$rules" >"$tmp/rules" 2>"$tmp/err" || fail import "$(said)"
    rm -f -- "$S/sidecar/rules"
    mv -f -- "$tmp/rules" "$S/sidecar/excludes" 2>"$tmp/err" || fail failed "$(said)"
    printf '%s\n' "$rules" >"$S/sidecar/rules"
  fi

  L=$(commit "$tree") || fail failed "$(said)"
  P='' stood='' first='' replaced='' admitted='' saved=- kept='' tries=0
  : >"$tmp/kept"
  while :; do
    rescan || broken "$(said)"
    [ -n "$first" ] || first=$R
    if [ -z "$P" ]; then
      expected || broken "$(said)"
      stood=$P
    fi
    if [ -z "$admitted" ] && [ "$R" != "$tree" ] && obstructed; then
      admitted=1
      admit_obstacles || broken "$(said)"
      continue
    fi
    find_drift || broken "$(said)"
    if [ "$drift" = refuse ] && [ -s "$tmp/drift" ] && [ -z "$replaced" ]; then
      unlock
      report
      fail drifted "$W"
    fi
    [ "$mode" = land ] || break
    if [ "$tries" -ge 5 ]; then
      [ "$have" = - ] || whole || fail import 'objects are missing'
      fail unsettled "$(cat "$tmp/refusal" 2>/dev/null) $(git diff-files --name-only | head -n 3 | tr '\n' ' ')"
    fi
    tries=$((tries + 1))
    if [ "$R" != "$tree" ]; then
      [ "$have" = - ] || whole || fail import 'objects are missing'
      ! blocked || fail blocked "$(head -n 1 "$tmp/nested")"
      if [ -s "$tmp/drift" ]; then save_drift || broken "$(said)"; fi
      # From here on the directory is ours, even if this landing is cut off.
      grep -qx -e "$origin" "$S/sidecar/origins" 2>/dev/null || printf '%s\n' "$origin" >>"$S/sidecar/origins"
      git update-ref refs/sidecar/landing "$L" 2>"$tmp/err" || broken "$(said)"
      switch || {
        said >"$tmp/refusal"
        admit_obstacles
        continue
      }
      date +%s >"$S/sidecar/racy"
      # What stands there now is L; what this pass saved stays saved, whatever the next one finds.
      replaced=$R P=$L
      if [ "$saved" != - ]; then kept=$(git rev-parse "refs/sidecar/drift/$saved^{tree}"); fi
      cat "$tmp/drift" >>"$tmp/kept"
      : >"$tmp/drift"
    fi
    # The proof: the index is the tree, and every file on the disk is what the index says.
    proved=$(git write-tree 2>"$tmp/err") || broken "$(said)"
    if [ "$R" != "$tree" ]; then settle || continue; fi
    [ "$proved" = "$tree" ] || continue
    [ "$R" != "$tree" ] || break
    # Another look, where ignore rules that changed or a nested repository may have hidden files until now.
    [ "$drift" = save ] || break
    [ -s "$tmp/nested" ] || [ -n "$(git diff-tree -r --name-only "$R" "$tree" -- ':(glob)**/.gitignore')" ] || break
  done
  cat "$tmp/drift" >>"$tmp/kept"
  mv -f "$tmp/kept" "$tmp/drift"

  git diff-tree -r --name-status --no-renames "$first" "$tree" >"$tmp/changes" 2>"$tmp/err" || broken "$(said)"
  say "changed $(grep -c '^A' "$tmp/changes") $(grep -c '^[MT]' "$tmp/changes") $(grep -c '^D' "$tmp/changes")"
  if [ "$mode" = dry ]; then
    unlock
    report
    say "done $tree -"
    return
  fi
  if [ -n "$replaced" ]; then
    replaced=$(commit "$first") && git update-ref refs/sidecar/replaced "$replaced" 2>"$tmp/err"
  fi
  [ "$landed" = "$L" ] || git update-ref refs/sidecar/landed "$L" 2>"$tmp/err" || broken "$(said)"
  rm -f -- "$S/refs/sidecar/landing"
  [ "$head" = "$(note head)" ] || printf '%s\n' "$head" >"$S/sidecar/head"
  unlock
  report
  say "done $proved $saved"
  tidy
}

# Now and then, after the answer, the shadow is packed; what nothing refers to goes after git's two weeks.
tidy() {
  for left in "$S"/objects/pack/tmp_* "${S%/workspaces/*}"/tmp.*; do
    [ ! -e "$left" ] || find "$left" -prune -mmin +1440 -exec rm -rf -- {} + 2>/dev/null
  done
  set -- "$S"/objects/17/*
  loose=$#
  set -- "$S"/objects/pack/*.pack
  if [ "$loose" -gt 20 ] || [ $# -gt 40 ]; then
    (trap '' HUP PIPE && git gc -q </dev/null >/dev/null 2>&1)
  fi
}

while IFS= read -r line; do
  case $line in
    'hello '*) hello "${line#hello }" ;;
    'common '*) common "${line#common }" ;;
    'land '*) land "${line#land }" && break ;;
  esac
done
