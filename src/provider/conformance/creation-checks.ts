import { randomUUID } from 'node:crypto';
import { isName } from '../../sidecars/names.js';
import { must, type Check } from './check.js';
import { refused } from './bench.js';

/** Making a machine, and finding it again. */
export const creationChecks: readonly Check[] = [
  {
    id: 'capabilities',
    title: 'says what it can do, and has the methods for just that',
    run: async (bench) => {
      const [first, second] = [await bench.capabilities(), await bench.capabilities()];
      must(JSON.stringify(first) === JSON.stringify(second), 'it says something else when it is asked again');
      for (const name of ['start', 'stop', 'authorizeKey', 'connect'] as const) {
        const has = bench.provider[name] !== undefined;
        must(
          has === first[name],
          `it says that it ${first[name] ? 'can' : 'cannot'} ${name}, and has ${has ? 'a' : 'no'} method for it`,
        );
      }
    },
  },
  {
    id: 'unknown-option',
    title: 'refuses an option that it does not know, and makes nothing',
    run: async (bench) => {
      const spec = await bench.spec();
      const odd = { ...spec, options: { ...spec.options, 'no-such-option-of-any': 'x' } };
      await refused(bench.create(odd), ['usage.invalid'], 'it takes an option that there is not');
      must((await bench.describe(spec)) === undefined, 'it made a machine all the same');
    },
  },
  {
    id: 'unknown-machine',
    title: 'knows no machine that was never made, and deletes it in peace',
    run: async (bench) => {
      const { name, requestId } = await bench.spec();
      must((await bench.describe({ name, requestId })) === undefined, 'it describes a machine that was never made');
      must((await bench.listed(name)).length === 0, 'it lists a machine that was never made');
      await bench.provider.delete({ name, requestId }, { signal: bench.signal });
    },
  },
  {
    id: 'create',
    title: 'creates a machine of the name and request id that were asked for',
    run: async (bench) => {
      const { spec, created } = await bench.first();
      must(created.name === spec.name && isName(created.name), `it is called ${created.name}, not ${spec.name}`);
      must(created.requestId === spec.requestId, 'it has another request id');
      must(created.id !== '', 'it has no id');
    },
  },
  {
    id: 'create-again',
    title: 'answers a creation that is repeated with the same machine, and makes no second one',
    run: async (bench) => {
      const { spec, created } = await bench.first();
      const again = await bench.create(spec);
      must(again.id === created.id, `it made ${again.id} where ${created.id} was there`);
      must((await bench.listed(spec.name)).length === 1, 'it lists two machines of that name');
    },
  },
  {
    id: 'create-conflict',
    title: 'refuses another machine of the same name, and leaves the first one alone',
    run: async (bench) => {
      const { spec, created } = await bench.first();
      const other = await bench.spec({ name: spec.name });
      await refused(bench.create(other), ['sidecar.exists'], 'it makes a second machine of one name');
      const after = await bench.describe(spec);
      must(after?.id === created.id, 'the first one is gone, or another one');
    },
  },
  {
    id: 'describe',
    title: 'describes a machine by its id, and by its name before the id is known',
    run: async (bench) => {
      const { spec, created } = await bench.first();
      const [byId, byName] = [await bench.describe(created), await bench.describe(spec)];
      for (const [how, found] of [
        ['its id', byId],
        ['its name', byName],
      ] as const) {
        must(found !== undefined, `it knows no machine by ${how}`);
        must(found.id === created.id && found.name === spec.name, `by ${how} it finds another machine`);
        must(found.requestId === spec.requestId, `by ${how} it tells another request id`);
      }
    },
  },
  {
    id: 'describe-other',
    title: 'does not take a machine for one of the same name and another request id',
    run: async (bench) => {
      const { spec, created } = await bench.first();
      const other = { name: spec.name, requestId: randomUUID() };
      must((await bench.describe(other)) === undefined, 'it describes one that another creation made');
      await bench.provider.delete(other, { signal: bench.signal });
      must((await bench.describe(created))?.id === created.id, 'it deleted one that another creation made');
    },
  },
  {
    id: 'list',
    title: 'lists a machine once, with its request id',
    run: async (bench) => {
      const { spec, created } = await bench.first();
      const listed = await bench.listed(spec.name);
      must(listed.length === 1, `it lists ${listed.length} machines of that name`);
      must(listed[0]?.id === created.id && listed[0].requestId === spec.requestId, 'with another id or request id');
    },
  },
  {
    id: 'running',
    title: 'has it run before the time for booting is over, and says how to log in',
    run: async (bench) => {
      const { spec } = await bench.first();
      const { ssh } = await bench.waitForState(spec, 'running');
      must(ssh !== undefined && ssh.user !== '', 'it does not say how to log in');
    },
  },
];
