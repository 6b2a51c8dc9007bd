# The far half of a sync, in POSIX sh and git: nothing is installed on the sidecar. The near half sends this text as the
# first line of a conversation (see remote-script.ts), these files joined in the order of their names, with $nonce and the
# shadow's settings set, and then those of sync/ or of workspace/, which listen. Requests are lines on stdin; every line of
# an answer begins with the nonce, so that nothing a start file prints is taken for one. Those of a sync:
#
#   hello FORMAT WORKSPACE    what stands there: base and last landing                      -> … ready
#   begin                     a sync begins, maybe long after hello: what was said must be so still     -> error stale, or nothing
#   scan                      look round the workspace while the client is still at its snapshot       -> nothing
#   common OID…               the first of these commits that this side has too             -> common OID|-
#   ahead KEY=VALUE…          take in a pack, whatever lands then; it follows on stdin    -> arrived | error
#   land KEY=VALUE…           put a tree in place; the pack follows on stdin                 -> … done | error
#                             | unpatched: the tree could not be made, another land follows
#   told                      after a `done` that names saved drift: its list has arrived    -> noted
#
# The workspace's own .git is only read. All writing goes to a bare repository of our own ($S, the shadow), whose index
# describes what stands in the workspace ($W). $S holds:
#   refs/sidecar/landed       P: the landing that stands there (a parentless commit, made alike on both sides)
#   refs/sidecar/landing      the landing under way: what an interrupted one left behind is no drift
#   refs/sidecar/replaced     the tree that the last landing replaced
#   refs/sidecar/drift/ID     drift saved before it was overwritten
#   sidecar/{rules,head,lock}
# shellcheck shell=sh disable=SC2154,SC2034 # nonce, shadow_config and shadow_attributes
set -u
LC_ALL=C
export LC_ALL
tab=$(printf '\t')
W='' S='' tmp='' holding='' held='' healed='' times=0 seen=''
# Set where what is put in place is to be no landing: see workspace/.
aside=''

# What git said, on one line. A full disk has no room for that: then what is said on trying to write.
said() {
  words=$(tr '\n' ' ' <"$tmp/err" | cut -c 1-600)
  if [ -z "$words" ]; then words=$(no_room "$tmp"); fi
  printf '%s' "$words"
}

# Why nothing can be written in the directory $1; nothing, when it can be. The file is gone before it is written to.
no_room() {
  room=$1/.room.$nonce
  why=$({ exec 3>"$room" && rm -f -- "$room" && head -c 65536 /dev/zero >&3; } 2>&1) ||
    printf '%s' "cannot write to $1: ${why##*: }"
}

cleanup() {
  trap '' HUP INT PIPE TERM
  unlock
  [ -z "$tmp" ] || rm -rf -- "$tmp"
}
trap cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 141' PIPE
trap 'exit 143' TERM
