import { toJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { answers, failure, requests } from '../src/provider/exec/protocol.js';
import { settingsFile } from '../src/sidecars/settings-schema.js';

const schemaOf = (schema: v.GenericSchema): object =>
  toJsonSchema(schema, { target: 'draft-07', typeMode: 'input', ignoreActions: ['check'] });

/** One of them, without the address that only a whole document has. */
function part(schema: v.GenericSchema): object {
  return Object.fromEntries(Object.entries(schemaOf(schema)).filter(([key]) => key !== '$schema'));
}

const parts = (schemas: Readonly<Record<string, v.GenericSchema>>, kind: string): [string, object][] =>
  Object.entries(schemas).map(([call, schema]) => [`${call} ${kind}`, part(schema)]);

/** What a provider program is asked and answers: `#/definitions/create request`, `#/definitions/create answer`, `failure`. */
const provider = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'sidecar provider protocol',
  definitions: Object.fromEntries([
    ...parts(requests, 'request'),
    ...parts(answers, 'answer'),
    ['failure', part(failure)],
  ]),
};

/**
 * Prints the JSON Schemas that are published, by the names of their files. The build runs it once, because the converter
 * is needed only there.
 */
process.stdout.write(
  JSON.stringify({ 'settings.schema.json': schemaOf(settingsFile), 'provider.schema.json': provider }),
);
