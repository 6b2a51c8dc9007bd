# History: the workspace's own repository gets the commits, the branch and the tags that there are on the near side. Files
# stay as they are. What nothing would hold any more is kept under refs/sidecar/kept/.
# shellcheck shell=sh disable=SC2154,SC2034 # set elsewhere

tell_history() {
  case $own_format in
    -) say 'repository none' ;;
    *)
      shallow=$(own rev-parse --is-shallow-repository 2>"$tmp/err") || fail failed "its own repository cannot be used: $(said)"
      say "repository $own_format $shallow"
      look_at_head
      say "on $on_id ${on_ref:--}"
      ;;
  esac
  say "noted $(note history)"
  say end
}

look_at_head() {
  on_ref=$(own symbolic-ref -q HEAD 2>/dev/null) || on_ref=''
  on_id=$(own rev-parse -q --verify 'HEAD^{commit}' 2>/dev/null) || on_id=-
}

# The first of these commits that the workspace's own repository has.
tell_own() {
  # shellcheck disable=SC2086
  found=$(printf '%s\n' $1 | own cat-file --batch-check 2>/dev/null | sed -n '/ commit /{s/ .*//p;q;}')
  say "own ${found:--}"
}

land_history() {
  branch='' tip='' digest='' pack=unpack
  for pair in $1; do
    value=${pair#*=}
    case $pair in
      tip=*) tip=$value ;;
      branch=*) branch=$value ;;
      digest=*) digest=$value ;;
      pack=*) pack=$value ;;
    esac
  done
  # Lines that say what they are: tag ID REF, remote ID REF, origin REF, shallow ID.
  while IFS= read -r line && [ -n "$line" ]; do printf '%s\n' "$line" || break; done >"$tmp/history"
  lock
  make_own
  refuse_busy
  import_history || fail import "$(said)"
  note_shallow || fail failed "$(said)"
  { printf '%s\n' "$tip" && sed -n 's/^[a-z]* \([0-9a-f]*\) refs.*/\1/p' "$tmp/history"; } |
    own rev-list --objects --quiet --stdin --not --all 2>"$tmp/err" || fail import "$(said)"
  move_refs
  { own read-tree -m "$tip" 2>/dev/null || own read-tree "$tip" 2>"$tmp/err"; } || fail failed "$(said)"
  own update-index -q --refresh >/dev/null 2>&1 || :
  printf '%s\n' "$digest" "$tip" >"$S/sidecar/history" || fail failed "cannot write to $S/sidecar"
  sed "s/^/$nonce kept /" "$tmp/kept-refs"
  say end
  unlock
}

# A workspace that is no repository becomes one.
make_own() {
  if [ ! -e "$W/.git" ]; then
    case $format in
      sha1) set -- ;;
      *) set -- "--object-format=$format" ;;
    esac
    (
      unset GIT_DIR GIT_WORK_TREE
      HOME=$home XDG_CONFIG_HOME=$home_config git init -q --template= "$@" "$tmp/made" && mv -- "$tmp/made/.git" "$W/.git"
    ) 2>"$tmp/err" || fail failed "$(said)"
    own_format=$format
  fi
  [ "$own_format" = "$format" ] || fail failed "its own repository is of another format, $own_format"
}

# What is under way there would go on from another commit than it began at.
refuse_busy() {
  set --
  for name in rebase-merge rebase-apply MERGE_HEAD CHERRY_PICK_HEAD REVERT_HEAD BISECT_START index.lock; do
    set -- "$@" --git-path "$name"
  done
  own rev-parse "$@" >"$tmp/paths" 2>"$tmp/err" || fail failed "$(said)"
  while IFS= read -r path; do
    [ ! -e "$path" ] || fail history-busy "${path##*/}"
  done <"$tmp/paths"
  [ -z "$(own ls-files -u | head -n 1)" ] || fail history-busy 'unmerged files'
  # The main working tree comes first, and may be called by its repository; a linked one is called what it is.
  is_main=0
  [ "$(own rev-parse --absolute-git-dir)" != "$(cd -P -- "$W" && cd -P -- "$(own rev-parse --git-common-dir)" && pwd -P)" ] || is_main=1
  if [ "$branch" != - ] && own worktree list --porcelain 2>/dev/null |
    HERE="worktree $W" BRANCH="branch $branch" IS_MAIN=$is_main awk '
      /^worktree / { trees++; other = ENVIRON["IS_MAIN"] == 1 ? trees > 1 : $0 != ENVIRON["HERE"] }
      $0 == ENVIRON["BRANCH"] && other { found = 1 }
      END { exit !found }'; then
    fail history-busy "${branch#refs/heads/} in another working tree"
  fi
}

import_history() {
  case $pack in
    unpack) own unpack-objects -q >/dev/null 2>"$tmp/err" ;;
    *) own index-pack --stdin --fix-thin >/dev/null 2>"$tmp/err" ;;
  esac
}

# Where the history that came ends before it began.
note_shallow() {
  sed -n 's/^shallow //p' "$tmp/history" >"$tmp/ends"
  while read -r id; do
    ! own cat-file commit "$id" >"$tmp/commit" 2>/dev/null ||
      ! sed -n -e '/^$/q' -e 's/^parent //p' "$tmp/commit" | own cat-file --batch-check | grep -q ' missing$' ||
      printf '%s\n' "$id"
  done <"$tmp/ends" >"$tmp/grafts"
  [ -s "$tmp/grafts" ] || return 0
  list=$(own rev-parse --git-path shallow)
  (
    set -C
    { [ ! -f "$list" ] || cat "$list"; } | cat - "$tmp/grafts" | awk '!there[$0]++' >"$list.lock" && mv -f -- "$list.lock" "$list"
  ) 2>"$tmp/err"
}

# All refs in one transaction, then HEAD.
move_refs() {
  look_at_head
  stamp=$(date -u +%Y%m%dT%H%M%SZ)
  was='' sent=''
  # What came from here last is not only there.
  { read -r sent && read -r sent && own cat-file -e "$sent^{commit}"; } 2>/dev/null <"$S/sidecar/history" || sent=''
  [ "$branch" = - ] || was=$(own rev-parse -q --verify "$branch^{commit}")
  : >"$tmp/kept-refs"
  write_staged
  {
    [ -z "$was" ] || keep_commits "$was" "${branch#refs/heads/}"
    if [ -z "$on_ref" ] && [ "$on_id" != - ] && [ "$on_id" != "$was" ]; then keep_commits "$on_id" ''; fi
    [ -z "$staged" ] || keep_staged
    if [ "$branch" != - ] && [ "$was" != "$tip" ]; then
      if [ -n "$was" ]; then printf 'update %s %s %s\n' "$branch" "$tip" "$was"; else printf 'create %s %s\n' "$branch" "$tip"; fi
    fi
    new_tags
    newer_remotes
  } >"$tmp/moves"
  own update-ref -m 'sidecar sync --history' --stdin <"$tmp/moves" 2>"$tmp/err" || fail failed "$(said)"
  if [ "$branch" = - ]; then
    [ "$on_id$on_ref" = "$tip" ] || own update-ref --no-deref -m 'sidecar sync --history' HEAD "$tip" 2>"$tmp/err" || fail failed "$(said)"
  elif [ "$on_ref" != "$branch" ]; then
    own symbolic-ref -m 'sidecar sync --history' HEAD "$branch" 2>"$tmp/err" || fail failed "$(said)"
  fi
  sed -n 's/^origin //p' "$tmp/history" >"$tmp/origin"
  if read -r main <"$tmp/origin" && ! own symbolic-ref -q refs/remotes/origin/HEAD >/dev/null; then
    own symbolic-ref refs/remotes/origin/HEAD "$main"
  fi
}

# Commits of $1 that only the branch $2 holds, or only a HEAD on no branch.
keep_commits() {
  lost=$(own rev-list --count "$1" --not "$tip" ${sent:+"$sent"} ${2:+"--exclude=$2"} --branches --remotes --tags --glob=refs/sidecar/kept 2>/dev/null)
  [ "$lost" != 0 ] || return 0
  kept=refs/sidecar/kept/$stamp-$(printf '%.8s' "$1")
  printf 'create %s %s\n' "$kept" "$1"
  printf '%s %s\n' "${lost:-0}" "$kept" >>"$tmp/kept-refs"
}

# What was added to the index over there, and is in no commit, as a commit: $staged, if there is any.
write_staged() {
  staged='' parent=''
  if [ "$on_id" != - ]; then
    ! own diff-index --cached --quiet "$on_id" 2>/dev/null || return 0
    parent=$on_id
  fi
  index_tree=$(own write-tree 2>"$tmp/err") || fail failed "$(said)"
  [ -n "$(own ls-tree "$index_tree" | head -n 1)" ] || return 0
  [ "$index_tree" != "$(own rev-parse -q --verify "$tip^{tree}")" ] || return 0
  staged=$(own commit-tree "$index_tree" ${parent:+-p "$parent"} -m 'What was in the index' 2>"$tmp/err") || fail failed "$(said)"
}

keep_staged() {
  kept=refs/sidecar/kept/$stamp-$(printf '%.8s' "$staged")
  printf 'create %s %s\n' "$kept" "$staged"
  printf '1 %s\n' "$kept" >>"$tmp/kept-refs"
}

# A tag that is there already stays what it is.
new_tags() {
  own for-each-ref --format='%(refname)' refs/tags >"$tmp/tags"
  awk 'FILENAME == ARGV[1] { there[$0] = 1; next } $1 == "tag" && !($3 in there) { print "create", $3, $2 }' "$tmp/tags" "$tmp/history"
}

# One stays where ours is not newer: it has been fetched there since, or may be the only one to hold what was pushed there.
newer_remotes() {
  while read -r kind id name; do
    [ "$kind" = remote ] || continue
    if ! its=$(own rev-parse -q --verify "$name"); then printf 'create %s %s\n' "$name" "$id"; elif
      [ "$its" != "$id" ] && own merge-base --is-ancestor "$its" "$id" 2>/dev/null
    then printf 'update %s %s %s\n' "$name" "$id" "$its"; fi
  done <"$tmp/history"
}
