# Drift: what the sidecar changed, found and saved before it is overwritten.
# shellcheck shell=sh disable=SC2154,SC2034 # set in hello and land

# What would be lost: paths that differ from what is expected, from what an interrupted landing put there, and from what
# is about to stand there. git's combined diff lists exactly the paths that differ from every parent.
find_drift() {
  : >"$tmp/drift"
  [ "$R" != "$tree" ] && [ "$R" != "$P_tree" ] || return 0
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
    printf '%s\n' "$name" >>"$tmp/torn" || return 1
  done <"$tmp/unlike"
  [ -s "$tmp/torn" ] || return 0
  while IFS= read -r line; do
    grep -Fxq -e "${line#*"$tab"}" "$tmp/torn" || printf '%s\n' "$line" || return 1
  done <"$tmp/drift" >"$tmp/whole" && mv -f "$tmp/whole" "$tmp/drift"
}

# MODE OBJECT<tab>PATH of what find_drift found, where it is a file. A raw line has a mode and an object for every parent,
# and R's come last.
drifted_entries() {
  id='[0-9a-f]\{40,64\}'
  git diff-tree -r -c --no-commit-id --raw --no-renames "$merge" >"$tmp/entries" 2>"$tmp/err" ||
    git diff-tree -r --no-renames "$L" "$R" >"$tmp/entries" 2>"$tmp/err" || return 1
  sed -e "/^:*\([0-7]* \)*000000 $id/d" -e "s/^:*\([0-7]\{6\} \)*\([0-7]\{6\}\) \($id \)*\($id\) [A-Z]*$tab/\2 \4$tab/" "$tmp/entries"
}

# Keeps R under an id of its own. Drift that was saved on the way to this landing ($kept) becomes part of it; where it
# cannot, because a file drifted twice, the earlier id stays too. A ref goes only once another holds all that it holds.
save_drift() {
  held=$R earlier=''
  if [ -n "$kept" ]; then
    held=$(
      GIT_INDEX_FILE=$tmp/held
      export GIT_INDEX_FILE
      git read-tree "$kept" && drifted_entries >"$tmp/overlay" &&
        git update-index --replace --index-info <"$tmp/overlay" && git write-tree
    ) 2>"$tmp/err" || return 1
    hidden=$(git diff-tree -r --no-renames --diff-filter=a --name-only "$kept" "$held" 2>"$tmp/err") || return 1
    [ -n "$hidden" ] || earlier=$saved
  fi
  merge=$(git commit-tree "$held" -p "$stood" -m drift </dev/null 2>"$tmp/err") || return 1
  saved=$(date -u +%Y%m%dT%H%M%SZ 2>"$tmp/err")-${merge%"${merge#????????}"} || return 1
  # Objects that are only borrowed go with the clone that lends them, and one that seems to be there may be damaged.
  printf '%s\n^%s\n' "$merge" "$stood" | git pack-objects -q --revs "$S/objects/pack/pack" >/dev/null 2>"$tmp/err" || return 1
  git update-ref "refs/sidecar/drift/$saved" "$merge" 2>"$tmp/err" || return 1
  # Whoever comes next tells of it, should this landing be cut off.
  kept=$held
  without "$tmp/kept" "$tmp/drift" >"$tmp/more" && cat "$tmp/more" >>"$tmp/kept" || return 1
  { echo "$saved" && cat "$tmp/kept"; } >"$tmp/untold" && mv -f "$tmp/untold" "$S/sidecar/untold" || return 1
  # What stays of that does no harm.
  [ -z "$earlier" ] || [ "$earlier" = "$saved" ] || git update-ref -d "refs/sidecar/drift/$earlier" 2>"$tmp/err" || :
}

# What a landing saved that was cut off before it could say so.
untold_drift() {
  saved=- kept=''
  : >"$tmp/kept"
  [ -f "$S/sidecar/untold" ] || return 0
  { read -r saved && cat >"$tmp/kept"; } <"$S/sidecar/untold"
  kept=$(git rev-parse -q --verify "refs/sidecar/drift/$saved^{tree}" 2>/dev/null) && return 0
  saved=- kept=''
  : >"$tmp/kept"
}

# The list goes only once the client has it. Another landing may have had something to tell since.
told() {
  IFS= read -r line && [ "$line" = told ] || return 0
  if [ -f "$S/sidecar/untold" ] && read -r line <"$S/sidecar/untold" && [ "$line" = "$saved" ]; then rm -f -- "$S/sidecar/untold"; fi
  say noted
}
