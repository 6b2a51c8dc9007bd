import { SidecarError } from '../../src/errors.js';
import type { ConformanceReport } from '../../src/provider/conformance/run.js';
import { durationRule, parseDuration } from '../../src/sidecars/duration.js';
import type { Context } from '../context.js';
import { providerOptions } from '../provider-options.js';
import { openSidecars } from '../sidecars.js';
import { conformanceLines, reasonOf } from '../ui/conformance-lines.js';
import { exitCode } from '../ui/exit-codes.js';
import { table } from '../ui/table.js';

export async function providerList(context: Context): Promise<void> {
  const providers = await openSidecars(context).providers();
  const rows = providers.map(({ name, command }) => [name, command === undefined ? 'built in' : command.join(' ')]);
  context.output.answer(
    providers.map(({ name, command = null, source = null }) => ({ name, command, source })),
    table(['NAME', 'PROGRAM'], rows),
  );
}

export interface ProviderTestFlags {
  readonly image?: string;
  readonly option?: readonly string[];
  readonly bootTimeout?: string;
}

/** Fails where a promise is broken, or something is left behind. Ends all that it made, also after Ctrl-C. */
export async function providerTest(context: Context, name: string, flags: ProviderTestFlags): Promise<number> {
  const { clock, env, output, signal, finishing } = context;
  const options = providerOptions(flags);
  const bootMs = bootTimeout(flags.bootTimeout);
  const [provider, { runConformance }, { checks }, { logInBy }] = await Promise.all([
    openSidecars(context).provider(name),
    import('../../src/provider/conformance/run.js'),
    import('../../src/provider/conformance/checks.js'),
    import('../../src/provider/conformance/login.js'),
  ]);
  const report = await finishing(
    runConformance({
      ...{ provider, image: flags.image, options, clock, signal, logIn: logInBy(env), bootMs },
      onCheck: (check) => output.progress(`${checks.indexOf(check) + 1} of ${checks.length}: ${check.title}…`),
      onCleanUp: () => {
        if (signal.aborted) output.note('ending what was made; Ctrl-C again leaves it');
        else output.progress('ending what was made…');
      },
      onAborted: ({ leftBehind, perhapsLeftBehind }) => {
        for (const each of leftBehind) output.leftBehind(`left behind, to be ended by hand: ${each}`, each);
        for (const each of perhapsLeftBehind) output.leftBehind(`perhaps left behind: ${each}`, each);
      },
    }),
  );
  output.answer(document(name, report), conformanceLines(report, output.look));
  return isWell(report) ? exitCode.done : exitCode.failed;
}

const isWell = ({ results, leftBehind }: ConformanceReport): boolean =>
  leftBehind.length === 0 && results.every(({ result }) => result !== 'failed');

function document(provider: string, report: ConformanceReport): unknown {
  return {
    provider,
    ok: isWell(report),
    checks: report.results.map((each) => {
      const { check, result, ms } = each;
      return { id: check.id, title: check.title, result, reason: reasonOf(each) ?? null, ms };
    }),
    leftBehind: report.leftBehind,
    perhapsLeftBehind: report.perhapsLeftBehind,
  };
}

function bootTimeout(text = '5m'): number {
  const ms = parseDuration(text);
  if (ms !== undefined) return ms;
  throw new SidecarError('usage.invalid', { reason: `--boot-timeout must be ${durationRule}`, value: text });
}
