# Ours: whose directory a workspace is, and what is noted of a landing there.
# shellcheck shell=sh disable=SC2154,SC2034 # set in hello and land

# Whose directory is it? Ours, when there is nothing in it; when it shares a commit with the client; when the client
# knows the landing that stands there, or landed here before. Anything else takes the user's word.
ours() {
  landed=$(ref landed)
  [ "$adopt$shared" = 00 ] || return 0
  if [ "$landed" != - ] && [ "$have" = "$landed" ]; then return 0; fi
  landed_from_here || ! has_files
}

# Whether one of the lines is the client's name.
landed_from_here() {
  [ -f "$origins" ] || return 1
  while read -r line; do
    [ "$line" != "$origin" ] || return 0
  done <"$origins"
  return 1
}

# From the first change on the directory is ours, even if this landing is cut off.
make_ours() {
  landed_from_here ||
    (umask 077 && mkdir -p "${origins%/*}" && printf '%s\n' "$origin" >>"$origins") 2>"$tmp/err"
}

# The index is the landing's tree from here on. Whatever on the disk still differs from it is drift.
note_landed() {
  if [ -n "$aside" ]; then
    [ ! -e "$S/refs/sidecar/landing" ] || rm -f -- "$S/refs/sidecar/landing"
    noted=1
    return
  fi
  if [ -n "$replaced" ]; then
    # A commit of the same tree has the same name.
    if [ "$first" = "$stood_tree" ]; then was=$stood; else was=$(commit "$first"); fi && set_ref replaced "$was" || return 1
  fi
  if is_id "$S/refs/sidecar/landing" && [ "$value" = "$L" ]; then
    mv -f -- "$S/refs/sidecar/landing" "$S/refs/sidecar/landed" 2>"$tmp/err" || return 1
  else
    [ "$landed" = "$L" ] || set_ref landed "$L" || return 1
    [ ! -e "$S/refs/sidecar/landing" ] || rm -f -- "$S/refs/sidecar/landing"
  fi
  landed=$L noted=1
}

# git's own way takes a lock and two programs more.
set_ref() { { printf '%s\n' "$2" >"$tmp/ref" && mv -f -- "$tmp/ref" "$S/refs/sidecar/$1"; } 2>"$tmp/err"; }
