import { MAX_HOLD_MS } from '../host-timeouts.js';
import { file, folders, integer, numberFrom, oneOf, text, texts, trueOrFalse } from './kinds.js';
import { optionalSetting, setting } from './setting.js';

/** What `serve` offers, where it listens and who may call. */
export const serverSection = {
  transport: setting(oneOf(['stdio', 'http']), 'stdio', {
    description: 'What `serve` speaks: the standard streams, or Streamable HTTP.',
    flag: '--http',
  }),
  host: setting(text, '127.0.0.1', {
    description: 'Address to listen on; any other than loopback needs a token.',
    flag: '--host',
  }),
  port: setting(integer(0, 65_535), 3000, {
    description: 'Port to listen on, 0 for any free one.',
    flag: '--port',
  }),
  tokenFile: optionalSetting(file, {
    description: 'File with the bearer tokens that callers may send, one per line, as `name=token` or bare.',
    flag: '--token-file',
    otherwise: 'no token',
  }),
  allowedHosts: setting(texts, [], {
    description: 'Further names that may stand in the Host header.',
    flag: '--allowed-host',
  }),
  allowedOrigins: setting(texts, [], {
    description: 'Further origins whose pages may call.',
    flag: '--allowed-origin',
  }),
  localOrigins: optionalSetting(trueOrFalse, {
    description: 'Whether pages of this machine may call, from whichever port: `http://localhost:5173`.',
    flag: '--local-origins',
    otherwise: '`true` with a token, `false` without',
  }),
  operations: optionalSetting(file, {
    description: 'ES module that exports operations of your own.',
    flag: '--operations',
    otherwise: 'the built-in ones only',
  }),
  builtin: setting(trueOrFalse, true, {
    description: 'Whether the built-in operations are offered beside those of `server.operations`.',
    flag: '--builtin',
  }),
  roots: setting(folders, ['.'], {
    description: 'Folders that `hash_tree` may read.',
    flag: '--root',
  }),
  offerSleep: optionalSetting(trueOrFalse, {
    description: 'Whether callers may start `sleep`, which holds a place and does nothing.',
    flag: '--offer-sleep',
    otherwise: '`true` on standard streams, `false` over HTTP',
  }),
  allowPrivate: setting(trueOrFalse, false, {
    description: 'Whether `http_request` may reach loopback and private addresses.',
    flag: '--allow-private',
  }),
  inlineWindowMs: setting(numberFrom(0, 20_000), 1000, {
    description:
      "How long a call of an operation's own tool is held for its result, before its reference is given.",
    unit: 'milliseconds',
  }),
  hostTimeoutMs: optionalSetting(numberFrom(0, MAX_HOLD_MS), {
    description:
      "How long a call of an operation's own tool is held where `inlineWindowMs` is not 0, whichever host calls.",
    unit: 'milliseconds',
    flag: '--host-timeout',
    otherwise: 'as the host is known to wait, else `inlineWindowMs`',
  }),
  maxPendingBytes: setting(integer(1), 33_554_432, {
    description:
      "Most bytes of one caller's unfinished requests and unread answers; more is refused with 429.",
    unit: 'bytes',
  }),
  maxHeldCalls: setting(integer(1), 1000, {
    description: 'Most calls held at the same time, shared between callers; others are answered at once.',
  }),
  taskPage: setting(trueOrFalse, false, {
    description:
      'Whether a page shows tasks at `/tasks`: of the caller over HTTP, of all on the metrics port of `worker`.',
    flag: '--task-page',
  }),
  trustedProxies: setting(texts, [], {
    description:
      'Proxies (`10.0.0.0/8`, `loopback`) whose `X-Forwarded-For` says where a sign-in to the page of tasks comes from.',
    flag: '--trusted-proxy',
  }),
  worker: setting(trueOrFalse, true, {
    description: 'Whether `serve` also runs tasks, or leaves them to `mcp-await worker` on the same store.',
    flag: '--worker',
  }),
};
