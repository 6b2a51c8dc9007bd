import { once } from 'node:events';
import { must, Skipped, type Check } from './check.js';
import { refused, runLine } from './bench.js';

/** What is behind the way to log in. */
export const loginChecks: readonly Check[] = [
  {
    id: 'host-key',
    title: 'has its SSH server show the host key that was given, or told',
    run: async (bench) => {
      const { hostKey: kind } = await bench.capabilities();
      if (kind === 'unknown') throw new Skipped('it neither takes nor tells a host key (hostKey)');
      const { spec } = await bench.running();
      const { ssh } = (await bench.describe(spec)) ?? {};
      const expected = kind === 'given' ? [spec.hostKey.publicKey] : (ssh?.hostKeys ?? []);
      must(expected.length > 0, 'it says that it tells its host key, and tells none');
      const { transport, hostKey } = await bench.logIn(spec, { pinned: false });
      await transport.close();
      const shown = 'line' in hostKey ? hostKey.line : '';
      must(expected.includes(shown), `the server shows ${shown}, and not ${expected.join(' or ')}`);
    },
  },
  {
    id: 'login',
    title: 'lets the authorized key log in, and runs commands with their output and exit code',
    run: async (bench) => {
      const { spec } = await bench.running();
      const said = await bench.run(spec, 'echo hello; exit 7');
      must(said.stdout === 'hello\n', `the command printed ${JSON.stringify(said.stdout.slice(0, 200))}`);
      must(said.code === 7, `exit code 7 arrived as ${String(said.code)}`);
    },
  },
  {
    id: 'git',
    title: 'has git and the usual tools in the machine',
    run: async (bench) => {
      const { spec } = await bench.running();
      for (const tool of ['git', 'awk', 'cmp', 'find', 'grep', 'sed']) {
        const { code } = await bench.run(spec, `command -v ${tool}`);
        must(code === 0, `there is no ${tool}`);
      }
    },
  },
  {
    id: 'connections',
    title: 'takes several connections at once',
    run: async (bench) => {
      const { spec } = await bench.running();
      const all = await Promise.all([1, 2, 3].map(() => bench.logIn(spec)));
      try {
        const said = await Promise.all(all.map(({ transport }, at) => runLine(transport, `echo ${at}`, bench.signal)));
        must(
          said.every(({ stdout }, at) => stdout === `${at}\n`),
          'not all of them ran their command',
        );
      } finally {
        await Promise.all(all.map(({ transport }) => transport.close()));
      }
    },
  },
  {
    id: 'other-key',
    title: 'refuses a key that was not authorized',
    run: async (bench) => {
      const { spec } = await bench.running();
      const { other } = await bench.keys;
      await refused(bench.logIn(spec, { key: other }), ['ssh.auth_refused'], 'a key that nobody authorized logs in');
    },
  },
  {
    id: 'authorize-key',
    title: 'authorizes another key, twice in peace, and the first one still logs in',
    needs: ['authorizeKey'],
    run: async (bench) => {
      const { spec } = await bench.running();
      const { other } = await bench.keys;
      for (let time = 0; time < 2; time += 1) {
        await bench.provider.authorizeKey?.(spec, other.publicKey, { signal: bench.signal });
      }
      must((await bench.run(spec, 'true', { key: other })).code === 0, 'the other key runs no command');
      must((await bench.run(spec, 'true')).code === 0, 'the first key runs no command any more');
    },
  },
  {
    id: 'streams',
    title: 'leaves the machine usable when a stream to it is closed midway',
    needs: ['connect'],
    run: async (bench) => {
      const { spec } = await bench.running();
      for (let time = 0; time < 3; time += 1) {
        const stream = await bench.provider.connect?.(spec, { signal: bench.signal });
        if (stream === undefined) continue;
        const closed = once(stream, 'close');
        stream.on('error', () => undefined).destroy();
        await closed;
      }
      must((await bench.run(spec, 'echo on')).stdout === 'on\n', 'it runs no command any more');
    },
  },
];
