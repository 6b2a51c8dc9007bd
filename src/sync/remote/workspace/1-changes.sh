# What is told of a workspace, and done in it, beside landing a tree. Requests, besides hello, scan, common and land:
#
#   land mode=dry KEY=VALUE…  after what a dry landing says: what stands there           -> ours, last, stands, change… end
#   drifted                   after that: the drift that it named, from what was expected  -> change… end
#   verify                    read every file again, and compare it with the last landing -> receipt, read, change… end
#   objects OID…              these objects as a pack                                      -> pack BYTES, the bytes
#   drift                     the drift that is saved                                      -> saved ID A M D… end
#   drift ID                  how it differs from the landing that it drifted from         -> change… end
#   overlay ID                the tree of what stands there with the entries over it that follow, up to an empty line. A landing
#                             of it is none: what it puts there is drift, as it was.       -> tree OID
#   drop ID…                  forget saved drift                                           -> dropped ID… end
#   replaced                  the tree that the last landing replaced                      -> replaced OID OID|-
#   history                   what the workspace's own repository is at                    -> repository, on, noted… end
#   own OID…                  the first of these commits that this repository has         -> own OID|-
#   history KEY=VALUE…        give it the history in the lines that follow, up to an empty line, and in the pack after
#                             them                                                         -> kept COMMITS REF… end | error
# shellcheck shell=sh disable=SC2154,SC2034 # set elsewhere

# The differences in the list $1, as git gives them; a directory has none of its own.
tell_changes() {
  sed -e '/^:040000 /d' -e '/^:[0-7]* 040000 /d' -e "s/^/$nonce change /" "$1" 2>"$tmp/err" || fail failed "$(said)"
}

# When the tree that stands there landed, in seconds since 1970; nothing where this machine has no way to tell.
landed_at() {
  file=$S/refs/sidecar/landed
  at=$(stat -c %Y "$file" 2>/dev/null || stat -f %m "$file" 2>/dev/null)
  case $at in '' | *[!0-9]*) at=- ;; esac
  printf '%s' "$at"
}

# After a dry landing: $first stands there, and $tmp/moves is the way from it to the tree.
tell_standing() {
  if (adopt=0 && ours); then say 'ours yes'; else say 'ours no'; fi
  if (landed_before); then say "last $P_tree $(landed_at)"; else say 'last - -'; fi
  say "stands $first"
  if [ "$first" != "$tree" ]; then tell_changes "$tmp/moves"; fi
  say end
}

# Which paths these are, the dry landing said; here is what they were, and are.
tell_drifted() {
  if [ -s "$tmp/drift" ]; then
    { git diff-tree -r --no-renames "$P" "$R" >"$tmp/since" 2>"$tmp/err" && pick_drifted; } || fail failed "$(said)"
    tell_changes "$tmp/list"
  fi
  say end
}

pick_drifted() {
  awk '
    { path = $0; sub(/^[^\t]*\t/, "", path) }
    FILENAME == ARGV[1] { drifted[path] = 1; next }
    path in drifted' "$tmp/drift" "$tmp/since" >"$tmp/list" 2>"$tmp/err"
}

send_objects() {
  # shellcheck disable=SC2086
  printf '%s\n' $1 | objects pack-objects -q --stdout >"$tmp/pack" 2>"$tmp/err" || fail import "$(said)"
  say "pack $(($(wc -c <"$tmp/pack")))"
  cat "$tmp/pack"
}
