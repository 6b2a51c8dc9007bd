import { SidecarError } from '../../src/errors.js';
import type { RunEvent, WatchEvent } from '../../src/events.js';
import { errorDocument } from './error-report.js';
import { explain } from './explain.js';
import { commandLine } from './command-line.js';
import type { Line } from './line.js';
import type { Output } from './output.js';
import { problemLine, problemOf } from './problem-line.js';
import { formatSeconds } from './quantities.js';

/**
 * What goes on between the landings of a watch, in words. The lines of a landing's begin and of its end are an interface:
 * editors recognise them by `sidecar: landing` and by `sidecar: landed` or `sidecar: not landed`.
 */
export function reportWatch(output: Output, name: string, event: WatchEvent | RunEvent): void {
  switch (event.kind) {
    case 'watch.started':
      output.note(`watching ${event.directory} for ${name}`);
      return;
    case 'watch.polling':
      output.warn(
        `no file events for ${event.directory}: ${event.reason}; ` +
          'it is looked through again and again instead, which is slower',
      );
      return;
    case 'watch.held':
      if (output.verbose) output.note(`git is at work (${event.path}); waiting for its end`);
      output.progress('waiting for git…');
      return;
    case 'watch.stuck':
      output.warn(
        `git does not come to an end: ${event.path} is still there; landing the tree as it is. ` +
          'If no git runs, remove it',
      );
      return;
    case 'watch.landing':
      output.note('landing…');
      return;
    case 'watch.asleep':
      output.note(`not landed: ${name} is stopped, or in standby; the next change starts it`);
      return;
    case 'watch.failed': {
      const error = about(event.error, name);
      const { message, hint } = explain(error);
      const again = `trying again at the next change, and in ${formatSeconds(event.retryMs)}`;
      const problem = problemOf(error);
      output.fail(errorDocument(error), [
        // Before the line that ends the landing: editors take what stands between the two for its problems.
        ...(problem === undefined ? [] : [problemLine(problem)]),
        [{ text: 'sidecar: ', style: 'red' }, `not landed: ${message}`],
        [{ text: '  hint: ', style: 'cyan' }, hint === '' ? again : `${hint}; ${again}`],
      ]);
      return;
    }
    case 'run.started':
      if (output.verbose) output.note(`running ${commandLine(event.command)}`);
      return;
    case 'run.ended':
      output.note(ended(event), ` after ${formatSeconds(event.elapsedMs)}`);
      return;
    case 'run.stopped':
      output.note(`stopped ${commandLine(event.command)}: there is a newer landing`);
      return;
    case 'run.failed': {
      const error = about(event.error, name);
      output.fail(errorDocument(error), [
        [{ text: 'sidecar: ', style: 'red' }, `${commandLine(event.command)}: ${explain(error).message}`],
        [{ text: '  hint: ', style: 'cyan' }, 'it runs again after the next landing that changes something'],
      ]);
      return;
    }
    default:
      event satisfies never;
  }
}

function ended({ command, code }: Extract<RunEvent, { kind: 'run.ended' }>): Line[number] {
  const text = `${commandLine(command)} ended with ${code}`;
  return code === 0 ? text : { text, style: 'yellow' };
}

/** The error with the name that the user has for the machine. */
function about(error: SidecarError, sidecar: string): SidecarError {
  return new SidecarError(error.code, { ...error.facts, sidecar }, { cause: error });
}
