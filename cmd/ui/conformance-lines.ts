import { SidecarError } from '../../src/errors.js';
import type { CheckResult, ConformanceReport } from '../../src/provider/conformance/run.js';
import { explain } from './explain.js';
import type { Line } from './line.js';
import { count } from './quantities.js';
import { mark, marks } from './result-mark.js';

/** What the checks of a provider found, one line each. */
export function conformanceLines(
  { results, leftBehind, perhapsLeftBehind }: ConformanceReport,
  { terminal }: { readonly terminal: boolean },
): readonly Line[] {
  const lines = results.map((each): Line => {
    const { sign, style } = { sign: mark(each.result, terminal), style: marks[each.result].style };
    const reason = reasonOf(each);
    const said = `${each.check.title}${reason === undefined ? '' : `: ${reason}`}`;
    return [{ text: `${sign} `, style }, each.result === 'skipped' ? { text: said, style } : said];
  });
  const left = leftBehind.map((each): Line => [{ text: 'left behind, to be deleted by hand: ', style: 'red' }, each]);
  const perhaps = perhapsLeftBehind.map((each): Line => [{ text: 'perhaps left behind: ', style: 'yellow' }, each]);
  return [...lines, ...left, ...perhaps, summary(results)];
}

/** Undefined where all is well. */
export function reasonOf(result: CheckResult): string | undefined {
  switch (result.result) {
    case 'ok':
      return undefined;
    case 'skipped':
      return result.reason;
    case 'failed':
      return result.error instanceof SidecarError
        ? `${explain(result.error).message} [${result.error.code}]`
        : result.error.message;
  }
}

function summary(results: readonly CheckResult[]): Line {
  const how = (result: CheckResult['result']): number => results.filter((each) => each.result === result).length;
  const [kept, broken, skipped] = [how('ok'), how('failed'), how('skipped')];
  const text = `${count(kept, 'promise')} kept, ${broken} broken, ${skipped} skipped`;
  return [{ text, style: broken === 0 ? 'green' : 'red' }];
}
