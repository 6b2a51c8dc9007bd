# Saved drift, and the tree that was replaced.
# shellcheck shell=sh disable=SC2154,SC2034 # set elsewhere

list_drift() {
  objects for-each-ref --format='%(refname) %(objectname)' refs/sidecar/drift/ >"$tmp/refs" 2>"$tmp/err" || fail failed "$(said)"
  while read -r name commit; do
    counts='- - -'
    if objects diff-tree -r --name-status --no-renames "$commit^" "$commit" >"$tmp/list" 2>"$tmp/err"; then
      counts=$(awk '{ n[substr($0, 1, 1)]++ } END { print n["A"] + 0, n["M"] + n["T"] + 0, n["D"] + 0 }' "$tmp/list")
    fi
    say "saved ${name#refs/sidecar/drift/} $counts"
  done <"$tmp/refs"
  say end
}

show_drift() {
  saved=refs/sidecar/drift/$1
  objects diff-tree -r --no-renames "$saved^" "$saved" >"$tmp/moves" 2>"$tmp/err" || fail failed "$(said)"
  tell_changes "$tmp/moves"
  say end
}

drop_drift() {
  lock
  for id in $1; do
    objects update-ref -d "refs/sidecar/drift/$id" 2>"$tmp/err" || fail failed "$(said)"
    say "dropped $id"
  done
  say end
  unlock
}

# Rules that are damaged are replaced by the next sync. Until then all that they ignore would count as drift.
check_rules() {
  case $(note rules) in
    *[!0]*) ;;
    *) fail failed 'the ignore rules that are in force there are damaged; a sync replaces them' ;;
  esac
}

overlay() {
  check_rules
  while IFS= read -r line && [ -n "$line" ]; do printf '%s\n' "$line" || break; done >"$tmp/overlay"
  cd -- "$W" 2>"$tmp/err" || fail failed "cannot enter the workspace: $(said)"
  lock
  landed=$(ref landed)
  rescan || fail failed "$(said)"
  over=$(
    GIT_INDEX_FILE=$tmp/over
    export GIT_INDEX_FILE
    cp "$S/index" "$tmp/over" && git update-index --replace --index-info <"$tmp/overlay" && git write-tree
  ) 2>"$tmp/err" || fail failed "$(said)"
  unlock
  cd /
  aside=1
  say "tree $over"
}

tell_replaced() {
  check_rules
  put_back=$(ref replaced)
  [ "$put_back" = - ] || say "replaced $put_back $(objects rev-parse -q --verify "$put_back^{tree}" 2>/dev/null || echo -)"
  [ "$put_back" != - ] || say 'replaced - -'
}
