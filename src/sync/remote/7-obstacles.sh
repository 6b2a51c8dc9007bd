# Obstacles: what git would overwrite in silence, or must not.
# shellcheck shell=sh disable=SC2154,SC2034 # set in hello and land

# All that differs between the tree $1 and the one that is to land, sorted by who asks for it.
compare() {
  [ "$compared" != "$1" ] || return 0
  compared=''
  set -- "$1" added emptied wanted replaced ignoring
  for list; do [ "$list" = "$1" ] || true >"$tmp/$list" || return 1; done
  # :MODE MODE OBJECT OBJECT LETTER<tab>PATH
  git diff-tree -r -t --raw --no-renames "$1" "$tree" >"$tmp/moves" 2>"$tmp/err" &&
    (cd -- "$tmp" && exec awk '
      {
        tab = index($0, "\t"); path = substr($0, tab + 1); split(substr($0, 2, tab - 2), field, " ")
        if (field[1] == "040000" && field[5] == "D") { print path >"emptied"; lines++ }
        if (field[1] == "040000" || field[2] == "040000") next
        count[field[5]]++; lines++
        if (field[5] == "A") print path >"added"; else print path >"replaced"
        if (field[5] != "D") { print field[4] >"wanted"; lines++ }
        if (path ~ /(^|\/)\.gitignore"?$/) { print path >"ignoring"; lines++ }
      }
      END { print lines + 0, count["A"] + 0, count["M"] + count["T"] + 0, count["D"] + 0 }
    ' moves) >"$tmp/counts" 2>"$tmp/err" && read -r lines added modified deleted <"$tmp/counts" || return 1
  # Not every awk tells of a full disk.
  from=$1 && shift
  [ "$(cd -- "$tmp" && awk 'END { print NR }' "$@")" = "$lines" ] || return 1
  changes="$added $modified $deleted" compared=$from
}

# Whether a path that the tree adds may be taken by an ignored file: git would overwrite that in silence. Neither list
# goes into ignored directories or nested repositories, so this costs little; awk compares each path with the other's parents.
# Whatever cannot be told counts as obstructed.
obstructed() {
  [ -s "$tmp/added" ] || return 1
  by_rules git -o -i --directory >"$tmp/ignored" 2>"$tmp/err" || return 0
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
# and the disk has, and what git calls killed: listed in $tmp/admit, which is empty once all are in the index.
find_obstacles() {
  command -v awk >/dev/null 2>&1 || fail failed 'awk is missing on the sidecar, and ignored files may be in the way of this tree'
  (
    GIT_INDEX_FILE=$tmp/obstacles
    export GIT_INDEX_FILE
    rm -f "$tmp/obstacles" &&
      git diff-tree -r --no-renames --diff-filter=A "$R" "$tree" >"$tmp/coming" &&
      sed "s/^:[0-7]* \([0-7]*\) [0-9a-f]* \([0-9a-f]*\) A$tab/\1 \2$tab/" "$tmp/coming" >"$tmp/entries" &&
      git update-index --index-info <"$tmp/entries" && git diff-files --raw --no-renames >"$tmp/absent" &&
      git diff-tree -r --no-renames --name-only --diff-filter=A "$R" "$tree" >"$tmp/added" && git ls-files -o
  ) >"$tmp/killed" 2>"$tmp/err" && git ls-files >"$tmp/tracked" 2>"$tmp/err" || return 1
  # What stands at the added paths or on the way to one, and all that lies below one; a repository of the sidecar's own ends in a slash.
  awk '
    function bare(line) { gsub(/^"|"$/, "", line); return line }
    FILENAME == ARGV[1] { path = $0; sub(/^[^\t]*\t/, "", path); if ($2 == "160000") { print path "/"; absent[path] = 1 } else if ($5 ~ /^D/) absent[path] = 1; next }
    FILENAME == ARGV[2] { known[bare($0)] = tracked[bare($0)] = 1; next }
    FILENAME == ARGV[3] { known[bare($0)] = 1; killed[++count] = $0; next }
    { path = bare($0); added[path] = 1; missing = $0 in absent
      while (sub(/\/[^\/]*$/, "", path)) { way[path] = 1; if (path in known) missing = 1 }
      if (!missing) print }
    END { for (one = 1; one <= count; one++) {
      path = bare(killed[one])
      if (path in tracked) continue
      if (path in way) { print killed[one]; continue }
      sub(/\/$/, "", path)
      do if (path in added) { print killed[one]; break }
      while (sub(/\/[^\/]*$/, "", path)) } }
  ' "$tmp/absent" "$tmp/tracked" "$tmp/killed" "$tmp/added" >"$tmp/admit" || return 1
  check_reserved "$tmp/admit" || return 1
  matching '/"\{0,1\}$' "$tmp/admit" >"$tmp/own" || return 1
  [ ! -s "$tmp/own" ] || fail blocked "$(head -n 1 "$tmp/own")"
}

admit_obstacles() { git update-index --add --remove --replace --stdin <"$tmp/admit" 2>"$tmp/err"; }

# Whether the tree needs the place of what git cannot save.
check_reserved() {
  [ -s "$tmp/reserved" ] || return 0
  matching -Fxf "$tmp/reserved" "$1" >"$tmp/own" || return 1
  [ ! -s "$tmp/own" ] || fail failed "git can neither save nor replace what stands there: $(head -n 1 "$tmp/own")"
}

# A repository of the sidecar's own, where the tree has a file, is not ours to replace.
check_blocked() {
  [ -s "$tmp/added" ] || return 0
  check_reserved "$tmp/added" || return 1
  if [ -s "$tmp/nested" ]; then
    sed -e 's:"$:/":' -e t -e 's:$:/:' "$tmp/added" >"$tmp/places" &&
      matching -Fxf "$tmp/nested" "$tmp/places" >"$tmp/own" || return 1
    [ ! -s "$tmp/own" ] || fail blocked "$(head -n 1 "$tmp/own")"
  fi
  # git takes a repository that it knows files of for a directory like others, and would delete it with them.
  [ -s "$tmp/emptied" ] || return 0
  matching -Fxf "$tmp/emptied" "$tmp/added" >"$tmp/own" || return 1
  while IFS= read -r line; do
    found=$(find "$W/$(unquoted "$line")" -name .git 2>/dev/null | head -n 1)
    [ -z "$found" ] || fail blocked "$line"
  done <"$tmp/own"
}
