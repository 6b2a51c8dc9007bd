import { ofSession, sshServer } from '../docker/ssh-server.js';
import { prepare } from '../docker/scripts.js';

/** Where the swarm puts the files of the SSH server into a container. */
export const files = {
  hostKey: '/etc/sidecar/host_key',
  authorizedKeys: sshServer.authorizedKeys,
  config: '/etc/sidecar/sshd_config.given',
} as const;

/** sshd sets these by the account, and of the terminal. */
const withheld = [...ofSession, '_'].join('|');

/**
 * The own process of a container of a service, as root: an SSH server on its port, whose sessions have the environment of
 * the container. $1 is the account that logs in. What its image is, only the node knows that runs it.
 */
export const serveOnPort = `
trap 'exit 0' TERM INT
${prepare}
variables=$(env | grep -E '^[A-Za-z_][A-Za-z0-9_]*=' | grep -vE '^(${withheld})=' |
  sed 's/[\\\\"]/\\\\&/g; s/.*/"&"/' | tr '\\n' ' ')
{ cat ${files.config}; [ -z "$variables" ] || echo "SetEnv $variables"; } > ${sshServer.config}
chmod 600 ${sshServer.config}
mkdir -p /etc/profile.d && { printf 'PATH='; printf '%s' "$PATH" | sed "s/'/'\\\\\\\\''/g; s/.*/'&'/"; echo '; export PATH'; } > /etc/profile.d/sidecar.sh
"$sshd" -D -e -f ${sshServer.config} & wait $!
`;
