import { readFileSync } from 'node:fs';
import path from 'node:path';
import Ajv from 'ajv';
import { packageRoot } from '../../src/package.js';

interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required?: boolean }[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly $ref?: string; readonly content?: Content }>>;
}
type Content = Readonly<Record<string, { readonly schema?: object }>>;

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly responses: Operation['responses'] };
}

const file = path.join(packageRoot, 'src/control/openapi.json');

/** The document that is published. */
const openapi = JSON.parse(readFileSync(file, 'utf8')) as Document;

// It keeps to what OpenAPI 3.1 and draft-07 have in common.
const ajv = new Ajv({ allErrors: true });
ajv.addSchema({ ...openapi, $id: 'openapi' });

export interface Exchange {
  readonly method: string;
  /** Without what the server's address has before it. */
  readonly path: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: unknown;
  readonly status: number;
  readonly answer: unknown;
}

/** What of a request and its answer is not as the document says; nothing where all is. */
export function deviations({ method, path: asked, headers, body, status, answer }: Exchange): string[] {
  const what = `${method} ${asked}`;
  const template = Object.keys(openapi.paths).find((each) => pattern(each).test(asked));
  const operation = template === undefined ? undefined : openapi.paths[template]?.[method.toLowerCase()];
  if (operation === undefined) return status === 404 || status === 405 ? [] : [`${what} is no call`];
  const refused = status >= 400 && status !== 409;
  return [
    ...(refused ? [] : requestDeviations(operation, headers, body)),
    ...answerDeviations(operation, status, answer),
  ].map((problem) => `${what} ${status}: ${problem}`);
}

function requestDeviations(
  { parameters = [], requestBody }: Operation,
  headers: Exchange['headers'],
  body: unknown,
): string[] {
  const missing = parameters.filter(
    (each) => each.in === 'header' && each.required === true && headers[each.name.toLowerCase()] === undefined,
  );
  return [
    ...missing.map(({ name }) => `the header ${name} is missing`),
    ...(requestBody === undefined ? [] : schemaDeviations(requestBody.content, body)),
    ...(requestBody === undefined && body !== undefined ? ['it has a body'] : []),
  ];
}

function answerDeviations({ responses }: Operation, status: number, answer: unknown): string[] {
  const found = responses[String(status)] ?? responses[`${String(status)[0] ?? ''}XX`];
  if (found === undefined) return ['that status is not in the document'];
  const name = found.$ref?.split('/').at(-1);
  const { content } = name === undefined ? found : (openapi.components.responses[name] ?? found);
  if (content === undefined) return answer === undefined ? [] : ['its answer has a body'];
  // What a gateway says is not agreed.
  if (typeof answer === 'string' && content['text/html'] !== undefined) return [];
  return schemaDeviations(content, answer);
}

function schemaDeviations(content: Content, value: unknown): string[] {
  const schema = content['application/json']?.schema;
  if (schema === undefined) return [];
  const absolute = JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"openapi#/')) as object;
  if (ajv.validate(absolute, value) === true) return [];
  return [ajv.errorsText()];
}

function pattern(template: string): RegExp {
  return new RegExp(`^${template.replace(/\{[^}]+\}/g, '[^/]+')}$`);
}
