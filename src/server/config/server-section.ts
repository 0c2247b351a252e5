import { MAX_HOLD_MS } from '../host-timeouts.js';
import {
  file,
  folders,
  integer,
  numberFrom,
  oneOf,
  optionalSetting,
  setting,
  text,
  texts,
  trueOrFalse,
} from './setting.js';

/** What `serve` offers, where it listens and who may call. */
export const serverSection = {
  transport: setting(oneOf(['stdio', 'http']), 'stdio', {
    description: 'Transport of `serve`: the standard streams or Streamable HTTP.',
    flag: '--http',
  }),
  host: setting(text, '127.0.0.1', {
    description: 'Address to listen on. Any address other than loopback needs a token.',
    flag: '--host',
  }),
  port: setting(integer(0, 65_535), 3000, {
    description: 'Port to listen on; 0 takes any free port.',
    flag: '--port',
  }),
  tokenFile: optionalSetting(file, {
    description: 'File with the bearer tokens of callers, one per line, as `name=token` or bare.',
    flag: '--token-file',
    otherwise: 'no token',
  }),
  allowedHosts: setting(texts, [], {
    description: 'Further names that are allowed in the Host header.',
    flag: '--allowed-host',
  }),
  allowedOrigins: setting(texts, [], {
    description: 'Further origins whose pages may call.',
    flag: '--allowed-origin',
  }),
  localOrigins: optionalSetting(trueOrFalse, {
    description: 'Whether pages of this machine may call, from any port, such as `http://localhost:5173`.',
    flag: '--local-origins',
    otherwise: '`true` with a token, `false` without',
  }),
  operations: optionalSetting(file, {
    description: 'ES module that exports operations of your own.',
    flag: '--operations',
    otherwise: 'only the built-in operations',
  }),
  builtin: setting(trueOrFalse, true, {
    description: 'Whether to offer the built-in operations in addition to `server.operations`.',
    flag: '--builtin',
  }),
  roots: setting(folders, ['.'], {
    description: 'Folders that `hash_tree` may read.',
    flag: '--root',
  }),
  offerSleep: optionalSetting(trueOrFalse, {
    description: 'Whether to offer `sleep`, which takes a place of the worker and does nothing.',
    flag: '--offer-sleep',
    otherwise: '`true` on standard streams, `false` over HTTP',
  }),
  allowPrivate: setting(trueOrFalse, false, {
    description: 'Whether `http_request` may call loopback and private addresses.',
    flag: '--allow-private',
  }),
  inlineWindowMs: setting(numberFrom(0, 20_000), 1000, {
    description:
      "How long a call of an operation's own tool is held for its result, before it is answered with its reference.",
  }),
  hostTimeoutMs: optionalSetting(numberFrom(0, MAX_HOLD_MS), {
    description:
      'How long such a call is held for every host, known or not. It has no effect if `inlineWindowMs` is 0.',
    flag: '--host-timeout',
    otherwise: 'the known limit of the host, else `inlineWindowMs`',
  }),
  maxPendingBytes: setting(integer(1), 33_554_432, {
    description:
      'Largest size of the unfinished requests and unread answers of one principal. More is refused with 429.',
  }),
  maxHeldCalls: setting(integer(1), 1000, {
    description:
      'Largest number of calls that are held at the same time, shared between principals. Further calls are answered at once.',
  }),
  taskPage: setting(trueOrFalse, false, {
    description:
      'Whether the page `/tasks` shows tasks: those of the caller over HTTP, all of them on the metrics port of `worker`.',
    flag: '--task-page',
  }),
  trustedProxies: setting(texts, [], {
    description:
      'Proxies (`10.0.0.0/8`, `loopback`) whose `X-Forwarded-For` says where a sign-in to the page of tasks comes from.',
    flag: '--trusted-proxy',
  }),
  worker: setting(trueOrFalse, true, {
    description:
      'Whether `serve` also runs tasks. If not, `mcp-await worker` on the same store must run them.',
    flag: '--worker',
  }),
};

/** Whose access tokens a server takes over HTTP. */
export const authorizationSection = {
  issuer: optionalSetting(text, {
    description: 'Authorization server whose access tokens (JWT) are accepted, as named in their `iss`.',
    flag: '--auth-issuer',
    otherwise: 'no such tokens',
  }),
  audience: optionalSetting(text, {
    description: 'Audience that these tokens must have in `aud`. Required with an issuer.',
    flag: '--auth-audience',
    otherwise: 'none',
  }),
  scopes: setting(texts, [], {
    description: 'Scopes that each of these tokens must have.',
    flag: '--auth-scope',
  }),
  allowPrivate: setting(trueOrFalse, false, {
    description: 'Whether the authorization server may have a private address.',
    flag: '--auth-allow-private',
  }),
  publicUrl: optionalSetting(text, {
    description:
      'URL of the MCP endpoint as clients know it, for the metadata that name the authorization server.',
    flag: '--public-url',
    otherwise: 'the audience if it is a URL, else the address of the server',
  }),
} as const;
