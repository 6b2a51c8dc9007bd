import { shellWord } from '../transport/shell-word.js';
import { sttyArguments, type TerminalModes } from '../transport/terminal.js';

export interface ExecutionScript {
  /** Every word of the script's own begins with it. */
  readonly nonce: string;
  /** As `workspacePath` gives it: a relative path starts at the home directory. */
  readonly workspace: string;
  /** Undefined: a login shell. */
  readonly command: readonly string[] | undefined;
}

export interface PlainScript extends ExecutionScript {
  /** Whether there is a lifeline, which the command must not begin without. */
  readonly hasLifeline: boolean;
}

/**
 * The script that runs a command in the workspace with the caller's own input, for any POSIX `sh`. It says
 * `NONCE missing PATH` or `NONCE go PATH` on stdout, and `NONCE go` on stderr; then the streams are the command's. PATH is
 * the workspace's as the system has it, or empty where that is not to be said in one line. What follows
 * the script on stdin are the variables of `variableLines`, and the command's input.
 *
 * The command leads a process group of its own, in the foreground: in the background a shell would have it ignore
 * interrupts. The group's number goes into a file, for the lifeline.
 */
export function plainScript(options: PlainScript): string {
  const { nonce } = options;
  return `${enterWorkspace(options)}
${findLifeFile(nonce)}
${options.hasLifeline ? awaitLifeline : ''}
lead='${takeVariables}
(umask 077; echo $$ >"$0") 2>/dev/null
[ -e "$0.over" ] && exit 130
${sayGo(nonce)}
echo "${nonce} go" >&2
exec "$@"'
if command -v setsid >/dev/null 2>&1; then
  setsid sh -c "$lead" "$life" "$@"
else
  set -m
  sh -c "$lead" "$life" "$@" <&0 &
  wait "$!"
fi
code=$?
rm -f -- "$life"
exit "$code"
`;
}

/**
 * The same on a terminal, which hangs up by itself on those who are on it. `stty` says the modes once more: not every
 * server has understood them.
 */
export function terminalScript(options: ExecutionScript, modes: TerminalModes): string {
  const { nonce } = options;
  const words = sttyArguments(modes).map(shellWord).join(' ');
  return `${enterWorkspace(options)}
${takeVariables}
stty "$modes" 2>/dev/null
${words === '' ? ':' : `stty ${words} 2>/dev/null`}
${sayGo(nonce)}
unset modes script size nonce
exec "$@"
`;
}

/**
 * The script of the lifeline: once its input ends, which it does with the connection too, the command that still runs is
 * interrupted, told to end, and killed, with all of its group. sshd by itself would leave it running. The input is `go`
 * once the command is known to have begun.
 */
export function lifelineScript(nonce: string): string {
  return `trap : HUP INT TERM PIPE
exec >/dev/null 2>&1
${findLifeFile(nonce)}
(umask 077; : >"$life")
heard=$(cat)
group=''
read -r group <"$life"
if [ -z "$group" ] && [ "$heard" != go ]; then
  # It may be about to begin.
  : >"$life.over"
  read -r group <"$life" || sleep 10
fi
case $group in
  '' | *[!0-9]*)
    rm -f -- "$life" "$life.over"
    exit
    ;;
esac
for signal in INT TERM; do
  kill "-$signal" "-$group" || break
  left=${graceTenths}
  while kill -0 "-$group" && [ "$left" -gt 0 ]; do left=$((left - 1)); sleep 0.1 || sleep 1; done
done
rm -f -- "$life" "$life.over"
kill -KILL "-$group"
`;
}

/**
 * Variables for `takeVariables`: they are read by a shell and nothing else, so that no list of processes over there ever
 * shows them. Values are lines after the number of them.
 */
export function variableLines(variables: Readonly<Record<string, string>>): string {
  const each = Object.entries(variables).map(([name, value]) => `${name} ${value.split('\n').length}\n${value}\n`);
  return `${each.join('')}. 0\n`;
}

const takeVariables = `while read -r sidecar_name sidecar_left && [ "$sidecar_name" != . ]; do
  IFS= read -r sidecar_value
  while [ "$sidecar_left" -gt 1 ]; do
    IFS= read -r sidecar_line
    sidecar_value="$sidecar_value
$sidecar_line"
    sidecar_left=$((sidecar_left - 1))
  done
  export "$sidecar_name=$sidecar_value"
done
unset sidecar_name sidecar_left sidecar_value sidecar_line`;

function enterWorkspace({ nonce, workspace, command }: ExecutionScript): string {
  return `nonce=${nonce}
say() { printf '%s\n' "$nonce $*"; }
CDPATH= cd -- "\${HOME:-/}" 2>/dev/null
want=${shellWord(workspace)}
if ! CDPATH= cd -- "$want" 2>/dev/null; then
  case $want in /*) ;; *) want=\${HOME:-}/$want ;; esac
  if [ -e "$want" ]; then say closed "$want"; else say missing "$want"; fi
  exit 1
fi
set -- ${command === undefined ? '"${SHELL:-/bin/sh}" -l' : command.map(shellWord).join(' ')}`;
}

/** With what every shell has in itself, and without a variable: PATH, and any name, may be the command's by now. */
function sayGo(nonce: string): string {
  return `sidecar_go() {
  case $1 in *\\\\* | *"
"*) set -- ;; esac
  echo "${nonce} go $1"
}
sidecar_go "$(pwd -P)"`;
}

/** Memory before disk: a command has to run on a full one, too. */
function findLifeFile(nonce: string): string {
  return `life=''
for place in "\${XDG_RUNTIME_DIR:-}" /dev/shm "\${TMPDIR:-/tmp}" "\${HOME:-}"; do
  if [ -n "$place" ] && [ -d "$place" ] && [ -w "$place" ]; then life=$place/.sidecar-exec-${nonce}; break; fi
done`;
}

/** How long a lifeline may begin after what it is for, in hundredths of a second. */
const lateHundredths = 3000;

/**
 * Its login shell may have been slower, and dies of its own greeting where the connection is lost by then. Where no file
 * can be made at all, as on a full disk, there is nothing to wait for.
 */
const awaitLifeline = `if [ ! -e "$life" ] && (: >"$life.waits") 2>/dev/null; then
  left=${lateHundredths}
  until [ -e "$life" ] || [ "$left" -eq 0 ]; do left=$((left - 1)); sleep 0.01 2>/dev/null || sleep 1; done
  rm -f -- "$life.waits"
  if [ ! -e "$life" ]; then echo "what ends the command with its connection has not started" >&2; exit 1; fi
fi`;

/**
 * What a command gets between being told to end and being told more firmly, in tenths of a second. Twice that is less than
 * a server gives the lifeline.
 */
const graceTenths = 15;
