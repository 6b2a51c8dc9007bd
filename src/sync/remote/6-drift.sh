# Drift: what the sidecar changed, found and saved before it is overwritten.
# shellcheck shell=sh disable=SC2154,SC2034 # set in hello and land

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
