import { checkGroups } from '../../src/doctor/check.js';
import { examine, type Examination } from '../../src/doctor/doctor.js';
import type { Context } from '../context.js';
import { daemonBuild } from '../daemon.js';
import { finishingSoon } from '../finishing-soon.js';
import { passphrasePrompt } from '../ui/ask-passphrase.js';
import { checkTitles, checkWords } from '../ui/check-words.js';
import { doctorLines } from '../ui/doctor-lines.js';
import { exitCode } from '../ui/exit-codes.js';

/** Fails where something needs fixing. */
export async function doctor(context: Context): Promise<number> {
  const { env, homeDir, platform, directory, sidecar, clock, signal, output } = context;
  output.progress('looking…');
  const examination = await examine({
    ...{ env, homeDir, platform, directory, sidecar, clock, signal },
    daemonBuild: context.daemon ? daemonBuild() : undefined,
    askPassphrase: passphrasePrompt(context),
    finishing: finishingSoon(context),
  });
  output.answer(doctorDocument(examination), doctorLines(examination, output.look));
  return isWell(examination) ? exitCode.done : exitCode.failed;
}

const isWell = ({ findings }: Examination): boolean => findings.every(({ result }) => result !== 'failed');

function doctorDocument(examination: Examination): unknown {
  const { sidecar, findings } = examination;
  return {
    ok: isWell(examination),
    sidecar,
    checks: findings.map((finding) => {
      const { check: id, result } = finding;
      const { detail, fix = null } = checkWords(finding);
      const group = Object.entries(checkGroups).find(([, ids]) => (ids as readonly string[]).includes(id))?.[0];
      const error = 'error' in finding ? { error: finding.error.code } : {};
      return { id, group, title: checkTitles[id], result, detail, fix, ...error };
    }),
  };
}
