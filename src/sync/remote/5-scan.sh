# The scan: what stands in the workspace, and what is expected to.
# shellcheck shell=sh disable=SC2154,SC2034 # set in hello and land

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
