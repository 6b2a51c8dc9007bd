# The landing.
# shellcheck shell=sh disable=SC2154,SC2034 # set in hello

# Whether every object that the landing writes is here: a partial clone may lack some.
whole() {
  git cat-file --batch-check <"$tmp/wanted" >"$tmp/written" 2>/dev/null || return 1
  grep -q ' missing$' "$tmp/written"
  [ $? -eq 1 ]
}

# Whether those objects can be read to their end.
readable() { sed 's/ .*//' "$tmp/written" | git cat-file --batch >/dev/null 2>&1; }

# The index, which is R, and the disk must agree before anything is written: a file that changed since the scan, or one
# that git does not know, stops the switch before it began. (A second name for a file sets the time that trustctime is
# about.) `reset` does as `read-tree -m -u` does, but passes over directories that stay as they are. It asks for a HEAD.
switch() {
  mark
  printf '%s\n' "$L" >"$tmp/head/HEAD" || return 1
  (
    trap '' HUP INT TERM PIPE
    # shellcheck disable=SC2089,SC2090 # the quotes are for git to read
    GIT_CONFIG_PARAMETERS="'core.trustctime=false'"
    # shellcheck disable=SC2090
    export GIT_CONFIG_PARAMETERS
    GIT_COMMON_DIR=$S GIT_INDEX_FILE=$S/index GIT_DIR=$tmp/head
    export GIT_COMMON_DIR GIT_INDEX_FILE GIT_DIR
    # shellcheck disable=SC2016
    exec sh -c 'echo $$ >"$0" && exec git reset -q --merge "$1"' "$S/sidecar/writer" "$L"
  ) 2>"$tmp/err" || return 1
  rm -f -- "$S/sidecar/writer"
  # Of what cannot be removed git only warns, and then no longer knows it.
  [ ! -s "$tmp/err" ] || ! grep -q '^warning: unable to unlink' "$tmp/err" || return 1
  backdate
}

# Whether the index is the tree ($proved), and every file on the disk is what the index says. What was just put in place
# is noted meanwhile.
prove() {
  git diff-files --quiet 2>"$tmp/passed" &
  looking=$!
  proved=$(git write-tree 2>"$tmp/err") || broken "$(said)"
  if [ "$proved" = "$tree" ]; then note_landed || broken "$(said)"; fi
  { wait "$looking" && [ ! -s "$tmp/passed" ]; } || settle || return 1
  [ "$proved" = "$tree" ]
}

# The paths of the list $1, and those that were left alone.
report() {
  [ ! -s "$1" ] || sed "s/^/$nonce drift /" "$1" 2>"$tmp/err" || fail failed "$(said)"
  [ ! -s "$tmp/nested" ] || sed "s/^/$nonce left-alone /" "$tmp/nested" 2>"$tmp/err" || fail failed "$(said)"
}

# What fails while objects that were here before are relied on may lack some: then everything is asked for, once.
broken() {
  [ "$have" = - ] || fail import "$1"
  fail failed "$1"
}

# git on objects alone, where the workspace need not exist yet: with one whose parents are missing git does not even start.
objects() { (unset GIT_WORK_TREE && exec git "$@"); }

# Everything is sent: what a power cut or a bad disk left must not stand for it. git writes no object that seems to be there.
heal() {
  for left in "$S"/objects/??/*/; do
    if [ -d "$left" ]; then rm -rf -- "$left" && healed=1; fi
  done
  [ -z "$(find "$S/objects" -type f -size 0 ! -name 'tmp_*' ! -path '*/info/*' -print -exec rm -f {} + 2>/dev/null)" ] || healed=1
  objects fsck --no-full --no-dangling --no-progress </dev/null 2>&1 |
    sed -n 's|^error: [0-9a-f]*: .*\(objects/[0-9a-f][0-9a-f]/[0-9a-f]*\)$|\1|p' >"$tmp/damaged"
  while IFS= read -r file; do rm -f -- "$S/$file" && healed=1; done <"$tmp/damaged"
}

# Takes in the pack. One that is kept as a file is taken in aside: what is cut off, or finds no room, goes with $tmp. When
# everything is sent, because something here was damaged, nothing that is here is asked; and what a damaged pack seems to
# hold would not be written again: only another pack goes before it.
import() {
  if [ "$have$pack" = -unpack ]; then
    for file in "$S"/objects/pack/*.idx; do [ ! -f "$file" ] || pack=index; done
  fi
  case $pack in
    none) return ;;
    unpack)
      objects unpack-objects -q >/dev/null 2>"$tmp/err"
      return
      ;;
  esac
  mkdir -p "$tmp/objects/pack" "$tmp/objects/info" 2>"$tmp/err" || return 1
  [ "$have" = - ] || printf '%s\n' "$S/objects" >"$tmp/objects/info/alternates" || return 1
  GIT_OBJECT_DIRECTORY=$tmp/objects objects index-pack --stdin --fix-thin >/dev/null 2>"$tmp/err" || return 1
  for ending in rev pack idx; do
    for file in "$tmp/objects/pack"/*."$ending"; do
      [ ! -f "$file" ] || mv -f -- "$file" "$S/objects/pack/" 2>"$tmp/err" || return 1
    done
  done
}

# What is asked of a landing.
asked() {
  mode=land tree='' have=- landing=- pack=none from=- patch=- rules=- drift=save adopt=0 shared=0 origin=- head=-
  for pair in $1; do
    value=${pair#*=}
    case $pair in
      mode=*) mode=$value ;;
      tree=*) tree=$value ;;
      have=*) have=$value ;;
      landing=*) landing=$value ;;
      pack=*) pack=$value ;;
      from=*) from=$value ;;
      patch=*) patch=$value ;;
      rules=*) rules=$value ;;
      drift=*) drift=$value ;;
      adopt=*) adopt=$value ;;
      shared=*) shared=$value ;;
      origin=*) origin=$value ;;
      head=*) head=$value ;;
    esac
  done
}

# Objects in the shadow change nothing in the workspace: no lock is needed to take them in.
receive() {
  # Another first landing may be under way: its end decides whose directory it is.
  ours || {
    lock
    ours || fail not-empty "$W"
    unlock
  }

  [ "$have" != - ] || heal
  import || fail import "$(said)"
}

# Most of a first landing's objects, before the client knows which tree it is.
receive_ahead() {
  asked "$1"
  receive
  say arrived
}

land() {
  asked "$1"
  receive
  # Then the client sends it as a pack, in another request.
  [ "$patch" = - ] || put_together || {
    say unpatched
    return 1
  }
  say received
  if [ "$landing" != - ]; then L=$landing; elif [ -n "$seen" ] && [ "$P_tree" = "$tree" ]; then L=$P; else
    L=$(unset GIT_WORK_TREE && commit "$tree") || {
      why=$(said)
      objects cat-file -e "$tree^{tree}" 2>/dev/null || fail import "$why"
      fail failed "$why"
    }
  fi

  if [ ! -d "$W" ]; then
    seen=''
    if [ "$mode" = dry ]; then
      W=$tmp/none
      GIT_WORK_TREE=$W
    fi
    mkdir -p -- "$W" 2>"$tmp/err" || fail failed "cannot make the workspace: $(said)"
  fi
  cd -- "$W" 2>"$tmp/err" || fail failed "cannot enter the workspace: $(said)"
  lock
  # Then the index names objects that are gone.
  [ -z "$healed" ] || rm -f -- "$S/index" "$tmp/ahead"
  ours || fail not-empty "$W"
  reruled=''
  take_ahead || fail failed "$(said)"
  if [ "$rules" != "$(note rules)" ]; then
    : >"$tmp/rules"
    [ "$rules" = - ] || git cat-file blob "$rules" >"$tmp/rules" 2>"$tmp/err" || fail import "$(said)"
    rm -f -- "$S/sidecar/rules"
    mv -f -- "$tmp/rules" "$S/sidecar/excludes" 2>"$tmp/err" || fail failed "$(said)"
    printf '%s\n' "$rules" >"$S/sidecar/rules"
    seen='' reruled=1
  fi
  # An index that cannot be read is built again.
  [ -z "$reruled" ] || [ ! -f "$S/index" ] || leave_out || rm -f -- "$S/index"
  [ -z "$healed" ] && seen_ahead || seen=''

  stood='' first='' replaced='' noted='' compared='' tries=0 admissions=0
  if [ -n "$seen" ]; then stood=$P stood_tree=$P_tree; else
    P=''
    : >"$tmp/begun"
  fi
  untold_drift
  while :; do
    if [ -n "$seen" ]; then seen=''; else rescan || broken "$(said)"; fi
    if [ -z "$P" ]; then
      expected || broken "$(said)"
      stood=$P stood_tree=$P_tree
      if holds_submodules; then
        git update-index --force-remove --stdin <"$tmp/submodules" 2>"$tmp/err" || broken "$(said)"
        continue
      fi
    fi
    [ -n "$first" ] || first=$R
    # Nothing is written before all that stands in the way is known to git: looked at anew each time, for an index that
    # had to be built again knows nothing of it.
    [ "$R" = "$tree" ] || compare "$R" || broken "$(said)"
    if [ "$R" != "$tree" ] && obstructed; then
      find_obstacles || broken "$(said)"
      if [ -s "$tmp/admit" ]; then
        admissions=$((admissions + 1))
        [ "$admissions" -le 5 ] || fail unsettled "$(said) $(head -n 3 "$tmp/admit" | tr '\n' ' ')"
        admit_obstacles || :
        continue
      fi
    fi
    find_drift || broken "$(said)"
    if [ "$drift" = refuse ] && [ -s "$tmp/drift" ] && [ -z "$replaced" ]; then
      unlock
      report "$tmp/drift"
      fail drifted "$W"
    fi
    [ "$mode" = land ] || break
    if [ "$tries" -ge 5 ]; then
      [ "$have" = - ] || { whole && readable; } || fail import 'objects are missing'
      refusal=$(cat "$tmp/refusal" 2>/dev/null)
      case $refusal in
        '' | *'not uptodate'* | *'would be overwritten'* | *'would lose untracked'*) ;;
        *) fail failed "$(no_room "$W") $refusal" ;;
      esac
      fail unsettled "$refusal $(git diff-files --name-only | head -n 3 | tr '\n' ' ')"
    fi
    tries=$((tries + 1))
    if [ "$R" != "$tree" ]; then
      [ "$have" = - ] || whole || fail import 'objects are missing'
      check_blocked || broken "$(said)"
      if [ -s "$tmp/drift" ]; then save_drift || broken "$(said)"; fi
      make_ours || broken "$(said)"
      set_ref landing "$L" || broken "$(said)"
      hold || broken "$(said)"
      if switch; then switched=1; else
        switched=''
        said >"$tmp/refusal"
      fi
      save_late_drift || broken "$(said)"
      if [ -z "$switched" ]; then
        if find_obstacles; then admit_obstacles; fi
        continue
      fi
      # A few files may as well be read again at every look.
      [ $((added + modified)) -le 50 ] || date +%s >"$S/sidecar/racy"
      # What stands there now is L.
      replaced=$R P=$L P_tree=$tree noted=''
      : >"$tmp/drift"
    fi
    if [ "$R" = "$tree" ]; then
      proved=$R
      break
    fi
    prove || continue
    # Another look, where ignore rules that changed or a nested repository may have hidden files until now.
    [ "$drift" = save ] || break
    [ -s "$tmp/nested" ] || [ -s "$tmp/ignoring" ] || break
  done

  if [ "$first" != "$tree" ]; then compare "$first" || broken "$(said)"; else changes='0 0 0'; fi
  say "changed $changes"
  if [ "$mode" = dry ]; then
    unlock
    report "$tmp/drift"
    say "done $tree -"
    return
  fi
  [ -n "$noted" ] || note_landed || broken "$(said)"
  [ "$head" = "$(note head)" ] || printf '%s\n' "$head" >"$S/sidecar/head"
  unlock
  report "$tmp/kept"
  say "done $proved $saved"
  if [ "$saved" != - ]; then told; fi
  tidy
}

# Now and then, after the answer, the shadow is packed; what nothing refers to goes after git's two weeks.
tidy() {
  for left in "$S"/objects/??/tmp_obj_* "$S"/objects/pack/tmp_* "${S%/workspaces/*}"/tmp.*; do
    [ "$left" = "$tmp" ] || [ ! -e "$left" ] || find "$left" -prune -mmin +1440 -exec rm -rf -- {} + 2>/dev/null
  done
  set -- "$S"/objects/17/*
  loose=$#
  set -- "$S"/objects/pack/*.pack
  if [ "$loose" -gt 20 ] || [ $# -gt 40 ]; then
    (trap '' HUP PIPE && git gc -q </dev/null >/dev/null 2>&1)
  fi
}
