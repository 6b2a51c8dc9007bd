import { Option, type Command } from 'commander';
import type { AddFlags } from '../commands/add.js';
import type { CreateFlags } from '../commands/create.js';
import { transportNames } from '../../src/transport/target.js';
import type { RunCommand } from './run-command.js';

/** Making, adopting and choosing sidecars. */
export function addRegistryCommands(program: Command, run: RunCommand): void {
  program
    .command('create')
    .summary('make a sidecar and make it current')
    .description('Make a sidecar and make it the current one of this working tree. Waits for nothing: `sync` does.')
    .argument('[name]', 'its name; one is made up when it is left out')
    .addOption(providerOption())
    .option('--server <url>', 'api: the control plane (default: SIDECAR_SERVER, or what your config.json says)')
    .option('--image <image>', 'what the machine is made of, in the words of its provider')
    .option('--publish <[address:]port>', 'containers: publish its SSH server on a port (0: any), instead of none')
    .option('--volume <name:/path>', 'containers: keep a directory in a volume, as a cache; may be repeated', collect)
    .option('--env <name=value>', 'containers: set a variable of its environment; may be repeated', collect)
    .option('--cpus <number>', 'containers: how many processors it may use')
    .option('--memory <size>', 'containers: how much memory it may use, as in 4g')
    .option('--devcontainer [file]', 'docker: make it as the devcontainer.json of the working tree says')
    .option('--swarm', 'docker: make it a service of a Docker Swarm, on whatever node there is room')
    .option('--constraint <rule>', 'swarm: where it may run, as in node.labels.zone==east; may be repeated', collect)
    .option('--replicas <number>', 'make so many, called NAME-1, NAME-2, …; none of them becomes current')
    .option('--option <key=value>', 'something else that the provider is to know; may be given more than once', collect)
    .option('--workdir <path>', 'the workspace on the sidecar (default: ~/<name of the local directory>)')
    .option('--sync', 'land the working tree there as soon as the machine answers, and tell how long it all took')
    .option('--boot-delay <seconds>', 'let it refuse connections for so long, as a machine that boots')
    .option('--no-use', 'do not make it current')
    .addHelpText('after', createLines)
    .action((name: string | undefined, flags: CreateFlags) =>
      run(async (context) => (await import('../commands/create.js')).create(context, name, flags)),
    );

  program
    .command('add')
    .summary('adopt a machine that ssh can reach and make it current')
    .description(
      'Adopt any machine that ssh can reach, ~/.ssh/config included, and make it the current sidecar of this working tree.',
    )
    .argument('<name>', 'what to call it')
    .argument('<destination>', '[user@]host[:port], or an alias of ~/.ssh/config')
    .option('--identity <file>', 'the private key to use, and no other')
    .option('--workdir <path>', 'the workspace on the sidecar (default: ~/<name of the local directory>)')
    .option('--jump <hosts>', 'reach it over these, as `ssh -J`: [user@]host[:port], with commas between several')
    .option('--host-key <key>', "the machine's host key, as 'ssh-ed25519 AAAA…'")
    .addOption(transportOption())
    .option('--no-use', 'do not make it current')
    .addHelpText('after', addLines)
    .action((name: string, destination: string, flags: AddFlags) =>
      run(async (context) => (await import('../commands/add.js')).add(context, { name, destination, flags })),
    );

  program
    .command('list')
    .summary('list the sidecars')
    .description('List the sidecars. A star marks the one that commands run here use.')
    .addHelpText('after', listLines)
    .action(() => run(async (context) => (await import('../commands/list.js')).list(context)));

  program
    .command('use')
    .summary('make a sidecar current')
    .description('Make a sidecar the current one of this working tree.')
    .argument('<name>', 'the sidecar')
    .addHelpText('after', useLines)
    .action((name: string) => run(async (context) => (await import('../commands/use.js')).use(context, name)));

  program
    .command('current')
    .summary('print the current sidecar')
    .description('Print the name of the sidecar that commands run here use.')
    .addHelpText('after', currentLines)
    .action(() => run(async (context) => (await import('../commands/current.js')).current(context)));

  program
    .command('forget')
    .summary('take a sidecar off the list')
    .description(
      'Take a sidecar off the list. Its machine and its files stay as they are: refused while it may still be being made.',
    )
    .argument('[name]', 'the sidecar (default: the current one)')
    .addHelpText('after', forgetLines)
    .action((name: string | undefined) =>
      run(async (context) => (await import('../commands/forget.js')).forget(context, name)),
    );

  program
    .command('delete')
    .summary('end a sidecar and remove its files')
    .description(
      'End a sidecar, remove its files and take it off the list. A machine that was adopted with `add` is only taken off the list.',
    )
    .argument('[name]', 'the sidecar (default: the current one)')
    .addHelpText('after', deleteLines)
    .action((name: string | undefined) =>
      run(async (context) => (await import('../commands/delete.js')).deleteSidecar(context, name)),
    );
}

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

/** Its kinds are there to be completed; whether one is known is for `create` to say. */
function providerOption(): Option {
  const words =
    'who makes the machine: local (a small one on this computer), docker, api (a service), or another provider';
  const option = new Option('--provider <name>', words).default('local');
  option.argChoices = ['local', 'docker', 'api'];
  return option;
}

function transportOption(): Option {
  const words = 'what connects: ssh2 (a library), or openssh (your own ssh) for all that only that can do';
  return new Option('--transport <name>', `${words} (default: by what your ssh is configured to use)`).choices(
    transportNames,
  );
}

const createLines = `
Examples:
  sidecar create                   # a name is made up
  sidecar create web --sync        # make it, wait for it, land the working tree
  sidecar create slow --boot-delay 20    # try what waiting looks like
  sidecar create box --provider docker --image my-image --memory 4g --sync
  sidecar create dev --replicas 3 --json | jq -r '.failed[].name'
  sidecar create far --provider api --server https://control.example.com

Exit codes: 0 done · 1 the name is taken, or the machine cannot be made · 2 wrong usage · 130 interrupted.
With --replicas, that of the first that failed; the others are made all the same`;

const addLines = `
Examples:
  sidecar add web dev@web.example.com
  sidecar add box box              # a Host of ~/.ssh/config
  sidecar add vm root@10.0.0.7:2222 --identity ~/.ssh/vm --workdir /srv/app
  sidecar add inner dev@10.1.0.4 --jump bastion.example.com
  sidecar add corp corp.example.com --transport openssh    # certificates, security keys, Kerberos

Nothing is connected to yet: \`sidecar wait\` or \`sidecar sync\` does, and says so when a host key is new.

Exit codes: 0 done · 1 the name is taken · 2 wrong usage`;

const listLines = `
Examples:
  sidecar list
  sidecar list --json | jq -r '.[].name'

Exit codes: 0 done, also where there is none · 1 the list cannot be read`;

const useLines = `
Examples:
  sidecar use web

Exit codes: 0 done · 1 there is no such sidecar`;

const currentLines = `
Examples:
  sidecar current
  PS1='$(sidecar current 2>/dev/null) \\$ '

Exit codes: 0 done · 1 there is none`;

const forgetLines = `
Examples:
  sidecar forget               # the current one
  sidecar forget web

Exit codes: 0 done · 1 there is no such sidecar`;

const deleteLines = `
Examples:
  sidecar delete               # the current one
  sidecar delete web

Exit codes: 0 done · 1 there is no such sidecar, or its machine could not be ended`;
