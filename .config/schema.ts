import { toJsonSchema } from '@valibot/to-json-schema';
import { settingsFile } from '../src/sidecars/settings-schema.js';

/**
 * Prints the JSON Schema of the settings files, for editors. The build runs it once, because the converter is needed
 * only there.
 */
const schema = toJsonSchema(settingsFile, { target: 'draft-07', typeMode: 'input', ignoreActions: ['check'] });

process.stdout.write(`${JSON.stringify(schema, null, 2)}\n`);
