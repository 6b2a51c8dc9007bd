import { wholeFile, type EditorFile } from './editor-file.js';
import { tasksFor, type EditorTask } from './tasks.js';

/** Shell Script run configurations of the IDEs of JetBrains, in `.run`, which is there to be shared. */
export function jetbrainsFiles({ testCommand }: { readonly testCommand: readonly string[] | undefined }): EditorFile[] {
  return tasksFor(testCommand).map((task) =>
    // The name of a file holds no colon on Windows.
    wholeFile(`.run/${task.label.replace(': ', ' ')}.run.xml`, configuration(task)),
  );
}

function configuration({ label, args }: EditorTask): string {
  const options = {
    SCRIPT_TEXT: ['sidecar', ...args].map(shellWord).join(' '),
    INDEPENDENT_SCRIPT_PATH: 'true',
    SCRIPT_PATH: '',
    SCRIPT_OPTIONS: '',
    INDEPENDENT_SCRIPT_WORKING_DIRECTORY: 'true',
    SCRIPT_WORKING_DIRECTORY: '$PROJECT_DIR$',
    INDEPENDENT_INTERPRETER_PATH: 'false',
    INTERPRETER_PATH: '',
    INTERPRETER_OPTIONS: '',
    // A terminal makes links of places, and can ask for a passphrase.
    EXECUTE_IN_TERMINAL: 'true',
    EXECUTE_SCRIPT_FILE: 'false',
  };
  const lines = Object.entries(options).map(
    ([name, value]) => `    <option name="${name}" value="${attribute(value)}" />\n`,
  );
  return `<component name="ProjectRunConfigurationManager">
  <configuration default="false" name="${attribute(label)}" type="ShConfigurationType">
${lines.join('')}    <envs />
    <method v="2" />
  </configuration>
</component>
`;
}

const shellWord = (word: string): string =>
  /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

const attribute = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
