# Verify: whether the workspace still is what landed there, by its bytes.
# shellcheck shell=sh disable=SC2154,SC2034,SC2317 # set, or called, elsewhere

# The scan does it, with an index that knows no times: so every file is read. That index is nobody else's.
verify() {
  if [ ! -d "$W" ]; then
    W=$tmp/none GIT_WORK_TREE=$tmp/none
    mkdir "$W" 2>"$tmp/err" || fail failed "$(said)"
  fi
  cd -- "$W" 2>"$tmp/err" || fail failed "cannot enter the workspace: $(said)"
  lock
  if ! landed_before; then
    say 'receipt - -'
    say end
    return
  fi
  say "receipt $P_tree $(landed_at)"
  GIT_INDEX_FILE=$tmp/reread
  export GIT_INDEX_FILE
  settle() { :; }
  backdate() { :; }
  { git read-tree "$P" 2>"$tmp/err" && landed=$P && scan && find_drifted && measure; } || fail failed "$(said)"
  say "read $files $bytes $R"
  tell_changes "$tmp/moves"
  say end
  unlock
}

find_drifted() { git diff-tree -r --no-renames "$P" "$R" >"$tmp/moves" 2>"$tmp/err"; }

# How much was read. What is in the index now, was.
measure() {
  git ls-files -s >"$tmp/staged" 2>"$tmp/err" && sed 's/^[0-7]* \([0-9a-f]*\) .*/\1/' "$tmp/staged" >"$tmp/ids" &&
    git cat-file --batch-check='%(objectsize)' <"$tmp/ids" >"$tmp/sizes" 2>"$tmp/err" &&
    awk '{ bytes += $1 } END { printf "%d %.0f\n", NR, bytes }' "$tmp/sizes" >"$tmp/measure" 2>"$tmp/err" &&
    read -r files bytes <"$tmp/measure"
}
