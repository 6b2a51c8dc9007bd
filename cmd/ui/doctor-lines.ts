import { checkGroups, type CheckGroup, type CheckId, type Finding } from '../../src/doctor/check.js';
import type { Examination } from '../../src/doctor/doctor.js';
import { checkTitles, checkWords, groupTitle } from './check-words.js';
import type { Line } from './line.js';
import { count } from './quantities.js';
import { mark, marks } from './result-mark.js';

type Result = Finding['result'];

/** What was found, one line each in its group, and below it what to do. Without a terminal, results are words. */
export function doctorLines(
  { sidecar, findings }: Examination,
  { terminal }: { readonly terminal: boolean },
): readonly Line[] {
  const lines = groups().flatMap((group): readonly Line[] => [
    [{ text: groupTitle(group, sidecar), style: 'bold' }],
    ...groupLines(findings.filter(isIn(group)), terminal),
    [''],
  ]);
  return [...lines, summary(findings)];
}

function groups(): readonly CheckGroup[] {
  return Object.keys(checkGroups) as CheckGroup[];
}

const isIn =
  (group: CheckGroup) =>
  ({ check }: Finding): boolean =>
    (checkGroups[group] as readonly string[]).includes(check);

/** What was not tried for one reason is told in one line. */
function groupLines(findings: readonly Finding[], terminal: boolean): readonly Line[] {
  const lines: Line[] = [];
  const told = new Set<CheckId>();
  for (const finding of findings) {
    if (!('because' in finding)) lines.push(...findingLines(finding, terminal));
    else if (!told.has(finding.because)) {
      told.add(finding.because);
      const alike = findings.filter((each) => 'because' in each && each.because === finding.because);
      const which =
        alike.length === findings.length ? '' : `: ${alike.map(({ check }) => checkTitles[check]).join(', ')}`;
      const words = `not tried (see ${checkTitles[finding.because]})${which}`;
      lines.push([{ text: `  ${mark('skipped', terminal)} ${words}`, style: 'dim' }]);
    }
  }
  return lines;
}

function findingLines(finding: Finding, terminal: boolean): readonly Line[] {
  const { check, result } = finding;
  const { detail, fix } = checkWords(finding);
  const { style } = marks[result];
  const shown = mark(result, terminal);
  const said = `${checkTitles[check]}: ${detail}`;
  const line: Line = [{ text: `  ${shown} `, style }, result === 'skipped' ? { text: said, style } : said];
  if (fix === undefined) return [line];
  return [line, [{ text: `  ${' '.repeat(shown.length)}   fix: `, style: 'cyan' }, fix]];
}

function summary(findings: readonly Finding[]): Line {
  const how = (result: Result): number => findings.filter((finding) => finding.result === result).length;
  const [wrong, doubtful] = [how('failed'), how('warning')];
  const warnings = doubtful === 0 ? '' : `, ${count(doubtful, 'warning')}`;
  if (wrong > 0) return [{ text: `${count(wrong, 'thing needs', 'things need')} fixing${warnings}`, style: 'red' }];
  return [{ text: `nothing needs fixing${warnings}`, style: 'green' }];
}
