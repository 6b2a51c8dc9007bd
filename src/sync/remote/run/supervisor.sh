# The supervisor of one run, in a session of its own: it has the command print into files, and notes how it ended. A shell of
# its own runs this text after that of everywhere/2-process.sh: $0 is the run's directory, $1 that of lead.sh, and the
# rest the command. Its input is the variables for the command.
# shellcheck shell=sh

sidecar_run=$0 sidecar_lead=$1
shift
# Not ignored: the command would ignore them too.
trap : HUP INT TERM
sidecar_me="$$:$(started $$):$(boot)"

# The leader of a process group of its own, in the foreground: in the background a shell would have it ignore interrupts.
lead() {
  if command -v setsid >/dev/null 2>&1; then
    setsid sh -c "$sidecar_lead" "$sidecar_run" "$sidecar_me" "$@"
  else
    set -m
    sh -c "$sidecar_lead" "$sidecar_run" "$sidecar_me" "$@" <&0 &
    wait "$!"
  fi
}

# Through pipes: a command that opens /dev/stdout would truncate a file. It has ended when nobody can print any more, as over
# ssh. Its code is written over what stands there: on a full disk, too.
{
  {
    lead "$@" 2>&3 3>&-
    echo "$?" 1<>"$sidecar_run/code"
  } | cat >"$sidecar_run/stdout" 3>&- 4>&-
} 3>&1 | cat >"$sidecar_run/stderr" 4>&-

if [ "$(readlink "$sidecar_run/supervisor")" = "$sidecar_me" ]; then
  read -r code <"$sidecar_run/code" && case $code in
    *[!0-9]*) ;;
    *) mv -f -- "$sidecar_run/code" "$sidecar_run/exit" ;;
  esac
elif [ ! -L "$sidecar_run/supervisor" ]; then
  rm -rf -- "$sidecar_run"
fi
