import { z } from 'zod';
import { ConfigurationError } from '../../errors.js';
import { connectionShape } from './connection-options.js';
import type { ServerTarget } from './transport.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** Hosts write `PORT: 3000`, and VS Code takes a variable away by null. */
const values = z
  .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]))
  .transform(given =>
    Object.fromEntries(
      Object.entries(given).flatMap(([name, value]) => (value === null ? [] : [[name, String(value)]])),
    ),
  );

const stdioSchema = z.object({
  command: z.string().min(1),
  args: z.array(z.union([z.string(), z.number(), z.boolean()]).transform(String)).nullish(),
  env: values.nullish(),
  cwd: z.string().nullish(),
  ...connectionShape,
});

/** Gemini CLI calls the URL `httpUrl`, Windsurf `serverUrl`. */
const httpSchema = z
  .object({
    url: z.string().min(1).optional(),
    httpUrl: z.string().min(1).optional(),
    serverUrl: z.string().min(1).optional(),
    headers: values.nullish(),
    ...connectionShape,
  })
  .transform(({ url, httpUrl, serverUrl, ...rest }) => ({ url: httpUrl ?? serverUrl ?? url, ...rest }));

const STDIO_TYPES = ['stdio', 'local'];
const HTTP_TYPES = ['http', 'streamablehttp', 'sse', 'remote'];

/** Whether an entry is switched off: by `disabled` in Cursor, Windsurf and Cline, by `enabled` elsewhere. */
export function isDisabled(entry: unknown): boolean {
  const { disabled, enabled } = (entry ?? {}) as { readonly disabled?: unknown; readonly enabled?: unknown };
  return disabled === true || enabled === false;
}

/**
 * The server of one entry, in any of the forms in which hosts write it. `${NAME}`, `${NAME:-default}` and `${env:NAME}`
 * are taken from the environment.
 * @param where the entry in the words of an error
 * @throws ConfigurationError when it makes no sense, is switched off, or asks for what only its host knows
 */
export function targetOfEntry(entry: unknown, environment: Environment, where: string): ServerTarget {
  if (isDisabled(entry))
    throw new ConfigurationError(
      `The ${where} is switched off there: take away \`disabled\` (or \`enabled: false\`) to use it.`,
    );
  const type = typeOf(entry);
  const isNamed = (types: readonly string[]) =>
    type !== undefined && types.includes(type.replace(/[-_]/g, ''));
  if (type !== undefined && !isNamed(STDIO_TYPES) && !isNamed(HTTP_TYPES))
    throw new ConfigurationError(
      `The ${where} has the type \`${type}\`, which is not spoken here: there are stdio, http and sse.`,
    );
  if (typeof entry === 'object' && entry !== null && 'envFile' in entry)
    throw new ConfigurationError(
      `The ${where} has an \`envFile\`, which is not read: write its variables into \`env\`.`,
    );
  const stdio = isNamed(HTTP_TYPES) ? undefined : stdioSchema.safeParse(entry).data;
  const http = isNamed(STDIO_TYPES) ? undefined : httpSchema.safeParse(entry).data;
  const fill = (text: string) => fillVariables(text, environment, where);
  if (stdio !== undefined) return mapTexts(stdio, fill) as ServerTarget;
  if (http?.url !== undefined) {
    const target = mapTexts(http, fill) as ServerTarget;
    return type === 'sse' ? { ...target, type } : target;
  }
  throw new ConfigurationError(`The ${where} needs either a \`command\` or a \`url\`, with texts as values.`);
}

function typeOf(entry: unknown): string | undefined {
  const { type, transport } = (entry ?? {}) as { readonly type?: unknown; readonly transport?: unknown };
  const given = type ?? transport;
  return typeof given === 'string' ? given.toLowerCase() : undefined;
}

const PLACEHOLDER = /\$\{([^}]*)\}/g;
const VARIABLE = /^(?:env:)?([\w.()-]+)(?::-([^$]*))?$/;

function fillVariables(text: string, environment: Environment, where: string): string {
  return text.replace(PLACEHOLDER, (placeholder, inner: string) => {
    const [, variable, fallback] = VARIABLE.exec(inner) ?? [];
    // What only a host knows, such as ${input:token}, would be sent as it stands.
    if (variable === undefined)
      throw new ConfigurationError(
        `The ${where} asks for \`${placeholder}\`, which is not filled in here. Write the value itself, or \${NAME}, \${NAME:-default} or \${env:NAME} for a variable of the environment.`,
      );
    const value = environment[variable] ?? fallback;
    if (value !== undefined) return value;
    throw new ConfigurationError(
      `The environment variable ${variable}, which the ${where} asks for by \`${placeholder}\`, is not set.`,
    );
  });
}

function mapTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map(item => mapTexts(item, change));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    // A key that is null is absent.
    Object.entries(value).flatMap(([key, item]) => (item == null ? [] : [[key, mapTexts(item, change)]])),
  );
}

/**
 * After how many milliseconds a host gives up a call of this server, as an entry says: `timeout` in milliseconds, as in Claude
 * Code and Gemini CLI; a number below 1000 is seconds, as in Cline. Undefined where the entry does not say.
 */
export function timeoutOf(entry: unknown): number | undefined {
  const { timeout } = (entry ?? {}) as { readonly timeout?: unknown };
  if (typeof timeout !== 'number' || !(timeout > 0)) return undefined;
  return timeout < 1000 ? timeout * 1000 : timeout;
}

/** How a program signs in to a server. */
export interface OauthEntry {
  readonly clientId?: string | undefined;
  readonly clientSecret?: string | undefined;
  readonly scope?: string | undefined;
  readonly redirectUrl?: string | undefined;
}

const scopes = z.union([z.string(), z.array(z.string()).transform(each => each.join(' '))]).optional();

/** `oauth` of Claude Code, Gemini CLI and opencode; `auth` of Cursor. */
const oauthSchema = z.object({
  oauth: z
    .object({
      clientId: z.string().optional(),
      clientSecret: z.string().optional(),
      scopes,
      scope: scopes,
      callbackPort: z.int().min(1).max(65_535).optional(),
      redirectUri: z.string().optional(),
    })
    .optional(),
  auth: z
    .object({ CLIENT_ID: z.string().optional(), CLIENT_SECRET: z.string().optional(), scopes })
    .optional(),
});

/**
 * What an entry says of signing in, in any of the forms in which hosts write it.
 * @param where the entry in the words of an error
 * @throws ConfigurationError when it makes no sense
 */
export function oauthOf(entry: unknown, environment: Environment, where: string): OauthEntry {
  // `"oauth": false` and `true` say no more than is so anyway.
  const { oauth: given, auth: own } = (entry ?? {}) as { readonly oauth?: unknown; readonly auth?: unknown };
  const parts = { ...(isObject(given) && { oauth: given }), ...(isObject(own) && { auth: own }) };
  const { data, error } = oauthSchema.safeParse(parts);
  if (data === undefined)
    throw new ConfigurationError(
      `The ${where} says in \`${error?.issues[0]?.path.join('.')}\` something that makes no sense: \`oauth\` has \`clientId\`, \`clientSecret\`, \`scopes\`, and \`callbackPort\` or \`redirectUri\`.`,
    );
  const { oauth, auth } = data;
  const port = oauth?.callbackPort;
  const texts = {
    clientId: oauth?.clientId ?? auth?.CLIENT_ID,
    clientSecret: oauth?.clientSecret ?? auth?.CLIENT_SECRET,
    scope: oauth?.scopes ?? oauth?.scope ?? auth?.scopes,
    // As Claude Code registers it.
    redirectUrl: oauth?.redirectUri ?? (port === undefined ? undefined : `http://localhost:${port}/callback`),
  };
  return mapTexts(texts, text => fillVariables(text, environment, where)) as OauthEntry;
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}
