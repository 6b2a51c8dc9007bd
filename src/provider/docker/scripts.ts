import { sshServer } from './ssh-server.js';

/** Where sshd is: on the PATH of few. */
const systemPath = 'PATH="${PATH:-/usr/local/bin:/usr/bin:/bin}:/usr/local/sbin:/usr/sbin:/sbin"';

/** sshd does not start without it, and its package's own service is not run here. */
const privilegeSeparation = 'mkdir -p /run/sshd 2>/dev/null';

/** Where it is missing, sshd complains of it on every terminal. */
const lastlog = '[ -e /var/log/lastlog ] || { mkdir -p /var/log && : > /var/log/lastlog; } 2>/dev/null';

/** sshd starts itself again, and needs its whole path for it. */
const findSshd = 'sshd=$(command -v sshd)';

/** How `serve` and `check` say what is wrong. What it is in words, they say on stderr. */
export const scriptExit = { missingPrograms: 71, unusableAccount: 72 } as const;

/**
 * Sees to it that a user can log in, as root: $1 is the account, by name or number. An account that was made without a
 * password counts as locked for sshd, unless the password is `*`.
 */
export const prepare = `
${systemPath}
missing=
for program in sshd git; do command -v $program >/dev/null 2>&1 || missing="$missing $program"; done
if [ -n "$missing" ]; then echo $missing >&2; exit ${scriptExit.missingPrograms}; fi
${findSshd}
account= shell=
while IFS=: read -r name _ uid _ _ _ its_shell || [ -n "$name" ]; do
  if [ "$name" = "$1" ] || [ "$uid" = "$1" ]; then account=$name shell=$its_shell; break; fi
done < /etc/passwd
if [ -z "$account" ]; then
  echo "the image has no account $1" >&2; exit ${scriptExit.unusableAccount}
fi
case $shell in */nologin|*/false)
  echo "the account $account has no login shell, but $shell" >&2; exit ${scriptExit.unusableAccount};;
esac
if grep -q "^$account:!" /etc/shadow 2>/dev/null; then sed -i "s/^$account:![^:]*:/$account:*:/" /etc/shadow; fi
${privilegeSeparation}
${lastlog}
`;

/** Says the name of the account. */
export const check = `${prepare}echo "$account"\n`;

/** An SSH server for one connection, on stdin and stdout. */
export const serve = `${prepare}exec "$sshd" -i -e -f ${sshServer.config}\n`;

/** Appends the public key $1, once. */
export const authorize = `
file=${sshServer.authorizedKeys}
while IFS= read -r line; do [ "$line" = "$1" ] && exit 0; done < "$file"
printf '%s\\n' "$1" >> "$file"
`;

/** A directory $1 for the account $2. One that is there already is left as it is. */
export const makeWorkspace = '[ -d "$1" ] || { mkdir -p "$1" && chown "$2" "$1"; }';

/** The container's own process, which ends when it is told to, and not 10 s later. */
export const idle = `
trap 'exit 0' TERM INT
while :; do sleep 3600 & wait $!; done
`;

/** As \`idle\`, with an SSH server on its port, as root. */
export const idleAndServe = `
trap 'exit 0' TERM INT
${systemPath}
${privilegeSeparation}
${findSshd}
while :; do
  if [ -n "$sshd" ]; then "$sshd" -D -e -f ${sshServer.config} & wait $!; fi
  sleep 1 & wait $!
done
`;
