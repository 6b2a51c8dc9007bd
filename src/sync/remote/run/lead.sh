# What becomes the command of a run, after the text of everywhere/2-process.sh. $0 is the run's directory, $1 the name of its supervisor, and the rest the command; the
# input is the variables (see variableLines), which nothing but a shell ever holds. Says `begun` on descriptor 4.
# shellcheck shell=sh disable=SC2163 # NAME=VALUE

sidecar_me=$1 sidecar_count=0
shift
while read -r sidecar_name sidecar_left && [ "$sidecar_name" != . ]; do
  IFS= read -r sidecar_value
  while [ "$sidecar_left" -gt 1 ]; do
    IFS= read -r sidecar_line
    sidecar_value="$sidecar_value
$sidecar_line"
    sidecar_left=$((sidecar_left - 1))
  done
  set -- "$sidecar_name=$sidecar_value" "$@"
  sidecar_count=$((sidecar_count + 1))
done
# Not all of them arrived: the connection was lost.
[ "$sidecar_name" = . ] || exit 1

# The link is the moment from which on it runs. Whoever asked in vain whether it does has made one that says that it never
# will. No variable of the command's is set yet: PATH may be among them.
echo "$$ $(started $$)" >"$0/group" || exit 1
ln -s "$sidecar_me" "$0/supervisor" || exit 1
# Of its own, for there may be nobody who hears it.
(echo begun >&4)
exec </dev/null 4>&-

unset sidecar_me sidecar_name sidecar_left sidecar_value sidecar_line sidecar_run sidecar_lead
while [ "$sidecar_count" -gt 0 ]; do
  export "$1"
  shift
  sidecar_count=$((sidecar_count - 1))
done
unset sidecar_count
exec "$@"
