# Hold: what a landing replaces is held until it is known what became of it.
# shellcheck shell=sh disable=SC2154,SC2034 # set in hello and land

# A landing takes its time, and somebody may write to a file that it has looked at and has yet to replace. So the files
# that are to go get a second name first, where the state is on the same file system as the workspace; who writes to
# them, writes to what is held.
hold() {
  [ -z "$held" ] || { rm -rf -- "$tmp/going" && mkdir "$tmp/going"; } 2>"$tmp/err" || return 1
  held=''
  [ -s "$tmp/replaced" ] || return 0
  held=1
  # A few plain names fit into one command.
  set --
  while IFS= read -r line && [ $# -lt 50 ]; do
    case $line in \"*) break ;; esac
    set -- "$@" "$line"
    line=''
  done <"$tmp/replaced"
  if [ -z "$line" ]; then
    cp -P -p -l --parents -- "$@" "$tmp/going" >/dev/null 2>&1
    return 0
  fi
  # shellcheck disable=SC2016
  git diff-tree -r -z --no-renames --name-only --diff-filter=DMT "$R" "$tree" 2>/dev/null |
    xargs -0 sh -c '[ $# -eq 0 ] || cp -P -p -l --parents -- "$@" "$0"' "$tmp/going" >/dev/null 2>&1 || :
}

# What was written to them since this landing began is drift like any other.
save_late_drift() {
  [ -n "$held" ] || return 0
  find "$tmp/going" -type f -newer "$tmp/begun" >"$tmp/late" 2>/dev/null || return 0
  [ -s "$tmp/late" ] || return 0
  later=$(
    GIT_INDEX_FILE=$tmp/late-index GIT_WORK_TREE=$tmp/going
    export GIT_INDEX_FILE GIT_WORK_TREE
    cd "$tmp/going" && git read-tree "$R" && find . -type f -newer "$tmp/begun" -exec printf '%s\0' {} + |
      git update-index -z --stdin && git write-tree
  ) 2>"$tmp/err" || return 1
  [ "$later" != "$R" ] || return 0
  was=$R R=$later
  find_drift && { [ ! -s "$tmp/drift" ] || save_drift; } || return 1
  R=$was
}
