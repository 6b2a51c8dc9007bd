# Answers: what every conversation speaks with.
# shellcheck shell=sh disable=SC2154 # nonce

say() { printf '%s %s\n' "$nonce" "$*"; }

# error CODE REASON…: the last word of a conversation.
fail() {
  say "error $1 $2"
  exit 0
}
