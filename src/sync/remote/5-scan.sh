# The scan: what stands in the workspace, and what is expected to.
# shellcheck shell=sh disable=SC2154,SC2034 # set in hello and land

# A commit of a tree that is the same on every machine: nothing but the tree (and parents) goes into its name.
commit() { GIT_AUTHOR_DATE='@0 +0000' GIT_COMMITTER_DATE='@0 +0000' git commit-tree "$@" </dev/null 2>"$tmp/err"; }

# git compares times by the second. Whoever changes a file within the second in which git looked at it, before the index
# is written in the next one, would never be noticed: so the index gets the time from before git's first look, and git
# reads all that is not older than that again. `mark` comes before the look, `backdate` after the index was written.
mark() { : >"$tmp/mark"; }
backdate() { touch -r "$tmp/mark" "$S/index" 2>"$tmp/err"; }

# A file whose time is the index's own second may have changed since within that second, so git reads such files again,
# at every look, until the index is written in a later second: see "racy git" in git's technical documentation. Reads
# them once. Fails when a file is not what the index says.
settle() {
  second=0
  if [ -f "$S/sidecar/racy" ]; then read -r second <"$S/sidecar/racy"; fi
  now=$(date +%s)
  git update-index --refresh --force-write-index >/dev/null 2>"$tmp/err" || return 1
  [ "$now" -le "$second" ] || rm -f -- "$S/sidecar/racy"
}

# grep, to which it is no failure that no line matches. The statuses of a pipeline but the last go unseen, so where a
# list decides what is kept, each program writes a file.
matching() {
  grep "$@"
  [ $? -le 1 ]
}

# The lines of $2 that are none of $1's. busybox takes an empty list of patterns for one that every line matches.
without() { if [ -s "$1" ]; then matching -Fxvf "$1" "$2"; else cat "$2"; fi; }

# A path as git lists it, quoted or not, as it is.
unquoted() {
  case $1 in
    \"*\")
      text=${1#?}
      # shellcheck disable=SC2059
      printf "$(printf '%s' "${text%?}" | sed -e 's/\\\\/\\134/g' -e 's/\\"/\\042/g' -e 's/%/%%/g')"
      ;;
    *) printf '%s' "$1" ;;
  esac
}

# Which paths of a list are links called .gitmodules: git takes none, for it would follow them.
untakable() {
  : >"$tmp/links"
  matching -i '\(^"\{0,1\}\|/\)\.gitmodules"\{0,1\}$' "$1" >"$tmp/modules" || return 1
  while IFS= read -r line; do
    if [ -L "$W/$(unquoted "$line")" ]; then printf '%s\n' "$line" >>"$tmp/links"; fi
  done <"$tmp/modules"
}

# git passes over what it cannot look at, and says so in $tmp/err, among other things. Behind a link that leads back to
# itself there is nothing any more; what may not be looked at is neither unchanged nor gone.
heed_unseen() {
  : >"$tmp/unseen"
  [ -s "$tmp/err" ] || return 0
  nowhere=': \(Too many levels of symbolic links\|Symbolic link loop\|File name too long\|Filename too long\)$'
  matching -v "^warning: \| is not a valid attribute name: \|^Use '\\\\!' for literal " "$tmp/err" >"$tmp/passed" && mv -f "$tmp/passed" "$tmp/err" || return 1
  ! grep -qv "$nowhere" "$tmp/err" || fail failed "$(said)"
  sed "s/$nowhere//" "$tmp/err" | tr '\n' '\0' >"$tmp/unseen"
  git update-index -z --force-remove --stdin <"$tmp/unseen" 2>"$tmp/err"
}

# The rules in force are those of the tree that is to land ($rules), and git's own in the workspace. The first ones begin
# with what the client's settings say, which stands above all else: lines that are comments to git.
find_rules() {
  if [ -s "$S/sidecar/excludes" ]; then excludes=$S/sidecar/excludes; else excludes=/dev/null; fi
}

# git ls-files by these rules. $1 is git, or own.
by_rules() {
  asked=$1 && shift
  set -- "$@" -X "$excludes" --exclude-per-directory=.gitignore
  while IFS= read -r rule; do
    case $rule in
      '#above '* | '#never '*) set -- "$@" -x "${rule#???????}" ;;
      *) break ;;
    esac
  done <"$excludes"
  "$asked" ls-files "$@"
}

# What is never to be sent is left alone, also where it is tracked over here, or has landed before: the index forgets it.
leave_out() {
  find_rules
  set --
  while IFS= read -r rule; do
    case $rule in
      '#above '*) ;;
      '#never '*) set -- "$@" -x "${rule#???????}" ;;
      *) break ;;
    esac
  done <"$excludes"
  [ $# -gt 0 ] || return 0
  git ls-files -c -i "$@" >"$tmp/never" 2>"$tmp/err" && git update-index --force-remove --stdin <"$tmp/never" 2>"$tmp/err"
}

# What differs from the index, and what the index does not know.
survey() {
  find_rules
  for list in taken untakable closed reserved nested unseen; do true >"$tmp/$list" || return 1; done
  mark
  git diff-files --raw --no-renames >"$tmp/changed" 2>"$tmp/err" &
  looking=$!
  list_others
  listed=$?
  wait "$looking"
}

list_others() { by_rules git -o >"$tmp/others" 2>"$tmp/others.err"; }

# Makes the index describe the workspace: only what git sees as changed is read. A repository nested in the workspace that
# is not part of the tree shows as `dir/`: it is left alone, as is a directory that may not be opened.
scan() {
  if [ -f "$S/sidecar/racy" ]; then settle; fi
  survey && heed_unseen || return 1
  [ ! -s "$tmp/unseen" ] || { list_others && listed=0; }
  [ "$listed" = 0 ] || { mv -f "$tmp/others.err" "$tmp/err" && return 1; }
  if [ -s "$tmp/others.err" ]; then
    sed -n "s/^warning: could not open directory '\(.*\)': .*/\1/p" "$tmp/others.err" >"$tmp/closed" || return 1
  fi
  if [ -s "$tmp/changed" ]; then
    sed -n "s/^:[0-7]* 160000 .* T$tab//p" "$tmp/changed" >"$tmp/taken" || return 1
    sed -n "s/^:[0-7]* [0-7]* [^$tab]* D$tab//p" "$tmp/changed" >"$tmp/gone" && cat "$tmp/taken" >>"$tmp/gone" || return 1
    sed -n "/^:[0-7]* 160000 /d;s/^:[0-7]* [0-7]* [^$tab]* [MT]$tab//p" "$tmp/changed" >"$tmp/edited" || return 1
    untakable "$tmp/edited" && cat "$tmp/links" >>"$tmp/gone" && cat "$tmp/links" >>"$tmp/untakable" &&
      without "$tmp/links" "$tmp/edited" >"$tmp/takable" || return 1
    git update-index --force-remove --stdin <"$tmp/gone" 2>"$tmp/err" || return 1
    git update-index --add --remove --replace --stdin <"$tmp/takable" 2>"$tmp/err" || return 1
  fi
  # Mostly all of these are empty.
  if [ -s "$tmp/others" ] || [ -s "$tmp/untakable" ] || [ -s "$tmp/closed" ] || [ -s "$tmp/taken" ]; then tell_apart || return 1; fi
  if [ -s "$tmp/others" ]; then
    matching -v '/"\{0,1\}$' "$tmp/others" >"$tmp/listed" && without "$tmp/reserved" "$tmp/listed" >"$tmp/new" || return 1
    git update-index --add --remove --replace --stdin <"$tmp/new" 2>"$tmp/err" || return 1
  fi
  if [ -s "$tmp/changed" ] || [ -s "$tmp/others" ] || [ -s "$tmp/unseen" ]; then backdate || return 1; fi
  R=$(git write-tree 2>"$tmp/err")
}

# What of the others is left alone. git takes no path with a component like .git: such files are nobody's.
tell_apart() {
  matching -i '^"\{0,1\}\.git/\|/\.git/\|/\.git"\{0,1\}$' "$tmp/others" >"$tmp/reserved" &&
    untakable "$tmp/others" && cat "$tmp/links" "$tmp/untakable" >>"$tmp/reserved" &&
    matching '/"\{0,1\}$' "$tmp/others" >"$tmp/nested" && cat "$tmp/reserved" "$tmp/closed" >>"$tmp/nested" &&
    sed -e 's:"$:/":' -e t -e 's:$:/:' "$tmp/taken" >>"$tmp/nested"
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
  leave_out && scan && return
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
      { own diff-files --raw --no-renames --no-abbrev --ignore-submodules=dirty 2>"$tmp/passed" &&
        own diff-index --cached --raw --no-renames --no-abbrev --ignore-submodules=all HEAD -- &&
        # The one passes over what it cannot look at, the other takes it for gone.
        { [ ! -s "$tmp/passed" ] || own diff-index --raw --no-renames --no-abbrev --diff-filter=D HEAD --; }; } >"$tmp/raw" &&
      by_rules own -o >"$tmp/untracked" &&
      matching -v '^:160000\|^:[0-7]* 160000' "$tmp/raw" >"$tmp/own" && sed -n "$raw" "$tmp/own" >"$tmp/as-in-head" &&
      matching -v '/"\{0,1\}$' "$tmp/untracked" >"$tmp/own" && sed "s/^/0 $zero$tab/" "$tmp/own" >>"$tmp/as-in-head" &&
      sed -n "s/^:160000 1[02][^$tab]*$tab/0 $zero$tab/p" "$tmp/raw" >>"$tmp/as-in-head" &&
      { ! holds_submodules || sed "s/^/0 $zero$tab/" "$tmp/submodules" >>"$tmp/as-in-head"; } &&
      git update-index --replace --index-info <"$tmp/as-in-head" && git write-tree --missing-ok
  ) 2>"$tmp/err"
}

# Whether the index holds submodules, as that of a clone may. git takes no notice of files in one, whether there is a
# repository in it or not; and no tree that lands has any.
holds_submodules() {
  [ "$landed" = - ] && git ls-files -s >"$tmp/staged" 2>"$tmp/err" && sed -n "s/^160000 [0-9a-f]* 0$tab//p" "$tmp/staged" >"$tmp/submodules" &&
    [ -s "$tmp/submodules" ]
}

# P: what the workspace is expected to hold, as a commit, and its tree.
expected() {
  ! landed_before || return 0
  P=''
  if [ "$base" != - ] && [ "$own_format" = "$format" ]; then P_tree=$(clean_clone) && P=$(commit "$P_tree") || P=''; fi
  [ -n "$P" ] || { P_tree=$(git mktree </dev/null 2>"$tmp/err") && P=$(commit "$P_tree"); }
}

landed_before() {
  P=$(ref landed)
  [ "$P" != - ] && P_tree=$(git rev-parse -q --verify "$P^{tree}" 2>/dev/null)
}

# The look while the client is still at its snapshot. It takes no lock and writes nothing that others see, so it serves
# only where the workspace is found as it was left ($R, which is P), and if nobody has held the lock in between.
look_ahead() {
  seen=''
  last_holder
  # Whoever takes the lock from here on says so.
  if [ -n "$last" ] && [ -f "$S/index" ] && [ ! -f "$S/sidecar/racy" ] && [ ! -L "$S/sidecar/lock" ] && [ ! -e "$S/sidecar/lock" ] &&
    cd -- "$W" 2>/dev/null; then
    : >"$tmp/begun"
    if landed_before && survey && as_left; then R=$P_tree seen=$last seen_at=$(date +%s); fi
    cd /
  fi
  read_ahead
}

# Before the first landing in a clone every file has to be read once. That can be done ahead too, into an index of this
# conversation's own. It takes in no file that HEAD has not: which of the others count, the client's ignore rules say.
read_ahead() {
  [ "$base" != - ] && [ "$own_format" = "$format" ] && [ "$(ref landed)" = - ] && [ ! -f "$S/index" ] && cd -- "$W" 2>/dev/null || return 0
  mark
  (
    GIT_INDEX_FILE=$tmp/ahead
    export GIT_INDEX_FILE
    if git read-tree "$(own rev-parse -q --verify 'HEAD^{tree}')"; then git update-index -q --refresh; fi
    touch -r "$tmp/mark" "$tmp/ahead" || rm -f -- "$tmp/ahead"
  ) >/dev/null 2>&1
  cd /
}

# With the lock in hand that index serves, as any that an earlier landing left: the scan compares it with the disk.
take_ahead() {
  [ "$landed" != - ] || [ -f "$S/index" ] || [ ! -f "$tmp/ahead" ] || { mv -f -- "$tmp/ahead" "$S/index" 2>"$tmp/err" && reruled=1; }
}

# Whether the survey found nothing but repositories of the sidecar's own, and the index is P.
as_left() {
  [ "$listed" = 0 ] && [ ! -s "$tmp/err" ] && [ ! -s "$tmp/others.err" ] && [ ! -s "$tmp/changed" ] || return 1
  if [ -s "$tmp/others" ]; then
    ! grep -qv '/"\{0,1\}$' "$tmp/others" && tell_apart || return 1
  fi
  git diff-index --cached --quiet "$P" 2>"$tmp/err"
}

# For how long that holds, in seconds: who edits a file over there expects the next sync to see it.
seen_lasts=3

# Whether that look still holds, with the lock in hand.
seen_ahead() {
  [ -n "$seen" ] && [ "$last" = "$seen" ] || return 1
  age=$(($(date +%s) - seen_at))
  [ "$age" -ge 0 ] && [ "$age" -le "$seen_lasts" ]
}
