import { shellWord } from '../transport/shell-word.js';

/**
 * The script that runs a command in the workspace, for any POSIX `sh`.
 *
 * The command leads a process group of its own, so that all that it started can be ended. It ends when this script's
 * input does, which is when this side says so and also when the connection is gone: sshd by itself would leave it
 * running. `guard` sees to that within the group, so that it works even where the script around it was killed. It is
 * nobody's child: the command might wait for one that it does not know.
 *
 * Being told to hang up, as by a server that ends the group of what it started, does the same.
 *
 * Its variables come with the script and stand in no list of processes; they are set last, for the script has its own.
 */
export function runScript(
  workspace: string,
  command: readonly string[],
  variables: Readonly<Record<string, string>> = {},
): string {
  const assignments = Object.entries(variables).map(([name, value]) => `export ${name}=${shellWord(value)}`);
  return `cd ${shellWord(workspace)} || exit 126
export sidecar_variables=${shellWord(assignments.join('\n'))}
set -- ${command.map(shellWord).join(' ')}
exec 3<&0 </dev/null
lead='leader=$$
guard() {
  trap : TERM
  while read -r line <&3; do :; done
  kill -s TERM 0
  left=${graceTenths}
  while kill -0 "$leader" && [ "$left" -gt 0 ]; do left=$((left - 1)); sleep 0.1 || sleep 1; done
  kill -s KILL 0
}
(guard >/dev/null 2>&1 &)
exec 3<&-
eval "$sidecar_variables"
unset sidecar_variables
exec "$@"'
if command -v setsid >/dev/null 2>&1; then
  setsid sh -c "$lead" sh "$@" &
else
  set -m
  sh -c "$lead" sh "$@" &
fi
group=$!
exec >/dev/null 2>&1
tell() { kill "-$1" "-$group"; }
trap 'tell TERM' HUP INT TERM
wait "$group"
code=$?
tell TERM
left=${graceTenths}
while kill -0 "$group" && [ "$left" -gt 0 ]; do left=$((left - 1)); sleep 0.1 || sleep 1; done
sleep 0.1
tell KILL
exit "$code"
`;
}

/** What it gets between being told to end and being ended, in tenths of a second: less than a server gives this script. */
const graceTenths = 10;
