# Patch: a tree made of one that is here and a text that says what differs.
# shellcheck shell=sh disable=SC2154,SC2034 # set in hello and land

# Makes $tree of the tree $from and the text in the blob $patch: a diff without context, in which `D path` stands for a
# file that goes, and `M path` for the header of one whose lines change. Whether it came out right its id tells.
put_together() {
  (
    unset GIT_WORK_TREE
    GIT_INDEX_FILE=$tmp/patched
    export GIT_INDEX_FILE
    rm -f -- "$tmp/patched"
    zero=$(printf %s "$tree" | tr '0-9a-f' 0)
    git cat-file blob "$patch" >"$tmp/patch" && git read-tree "$from" &&
      sed -n "s/^D /0 $zero$tab/p" "$tmp/patch" >"$tmp/going-away" &&
      git update-index --index-info <"$tmp/going-away" &&
      sed -e '/^D /d' -e 's:^M \(.*\)$:diff --git a/\1 b/\1\
--- a/\1\
+++ b/\1:' "$tmp/patch" >"$tmp/diff" &&
      { [ ! -s "$tmp/diff" ] || git apply --cached --unidiff-zero --whitespace=nowarn "$tmp/diff" >/dev/null; } &&
      [ "$(git write-tree --missing-ok)" = "$tree" ]
  ) 2>"$tmp/err"
}
