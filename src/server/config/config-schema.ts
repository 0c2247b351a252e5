import { z } from 'zod';
import { DEFAULT_KEY_PREFIX } from '../../engine/engine-defaults.js';
import { LOG_LEVELS } from '../observability/log.js';
import { authorizationSection } from './authorization-section.js';
import {
  file,
  integer,
  keyPrefix,
  metricsPrefix,
  numberFrom,
  numberOfAtLeast,
  oneOf,
  positiveNumber,
  settingOrOff,
  storeUrl,
  texts,
  trueOrFalse,
} from './kinds.js';
import { serverSection } from './server-section.js';
import { optionalSetting, setting } from './setting.js';

export const MIN_TTL_SECONDS = 60;

/** Every setting, in the one place where its default, unit, sentence and flag are written. */
export const sections = {
  server: serverSection,
  authorization: authorizationSection,
  state: {
    provider: optionalSetting(storeUrl, {
      description:
        'Where tasks live, as the URL of a store: `sqlite:PATH`, `memory:`, `redis://`, `rediss://`, `postgres://` or `dynamodb://`.',
      flag: '--store',
      otherwise: 'a file in the state folder',
    }),
    keyPrefix: setting(keyPrefix, DEFAULT_KEY_PREFIX, {
      description:
        'Keeps installations apart that share one Redis, PostgreSQL or DynamoDB table; a SQLite file is one of its own.',
      flag: '--key-prefix',
    }),
    ttlSeconds: setting(positiveNumber, 86_400, {
      description: 'How long a task and its result are kept; at most `state.maxTtlSeconds`.',
      unit: 'seconds',
    }),
    maxTtlSeconds: setting(numberOfAtLeast(MIN_TTL_SECONDS), 604_800, {
      description: 'The most that a call may ask for with `ttl_seconds`.',
      unit: 'seconds',
    }),
    maxResultBytes: setting(integer(1), 1_048_576, {
      description: 'Largest result of a task, as JSON.',
      unit: 'bytes',
    }),
    leaseSeconds: setting(numberFrom(1, 3600), 30, {
      description: 'Time within which the tasks of a process that died fail; the same for all on a store.',
      unit: 'seconds',
      flag: '--lease',
    }),
  },
  execution: {
    maxConcurrency: setting(integer(1), 50, {
      description: 'Most tasks that one process runs at the same time.',
      flag: '--concurrency',
    }),
    maxUnfinishedPerPrincipal: setting(integer(1), 10_000, {
      description:
        'Most tasks of one caller that are queued or run; on Redis and PostgreSQL, each front counts those that it has accepted. No limit without tokens.',
    }),
    principalShare: setting(numberFrom(0, 1), 0.8, {
      description:
        'Share of its free places that a process gives to one caller; a server without tokens has only one.',
    }),
    defaultTimeoutSeconds: setting(positiveNumber, 120, {
      description: 'Longest run time of the operations that name no `slaSeconds`.',
      unit: 'seconds',
    }),
    inputTimeoutSeconds: setting(positiveNumber, 86_400, {
      description: 'How long a task may wait for answers to its questions, beside its run time.',
      unit: 'seconds',
    }),
    retryAttempts: setting(integer(0, 10), 0, {
      description: 'How often a task is run again, where its operation says nothing of it.',
    }),
    drainSeconds: setting(numberOfAtLeast(0), 10, {
      description: 'How long running tasks may go on after SIGINT or SIGTERM.',
      unit: 'seconds',
    }),
  },
  webhooks: {
    secretFile: optionalSetting(file, {
      description: 'File with the `whsec_` secrets that webhooks are signed with; turns them on.',
      flag: '--webhook-secret-file',
      otherwise: 'no webhooks, unless `MCP_AWAIT_WEBHOOK_SECRET` is set',
    }),
    allowedHosts: optionalSetting(texts, {
      description: 'Hosts that webhooks may go to, such as `*.example.com`.',
      flag: '--webhook-host',
      otherwise: 'any public host',
    }),
    allowPrivate: setting(trueOrFalse, false, {
      description: 'Whether webhooks may go to loopback and private addresses.',
      flag: '--webhook-allow-private',
    }),
    allowHttp: setting(trueOrFalse, false, {
      description: 'Whether webhooks may go over plain HTTP.',
      flag: '--webhook-allow-http',
    }),
  },
  polling: {
    initialIntervalMs: setting(positiveNumber, 1000, {
      description: 'First interval between the status requests of `run` and `wait`.',
      unit: 'milliseconds',
      flag: '--initial-interval',
    }),
    maxIntervalMs: setting(positiveNumber, 30_000, {
      description: 'Longest interval between status requests.',
      unit: 'milliseconds',
      flag: '--max-interval',
    }),
    backoffMultiplier: setting(positiveNumber, 2, {
      description: 'Factor from one interval to the next.',
    }),
    maxAttempts: setting(settingOrOff(integer(1)), 'off', {
      description:
        'Most status requests at our own pace answered "still running" before giving up; those that the server held, hinted at or notified of do not count.',
      flag: '--max-attempts',
    }),
    deadlineMs: setting(settingOrOff(positiveNumber), 86_400_000, {
      description: 'Longest time for the whole call.',
      unit: 'milliseconds',
      flag: '--timeout',
    }),
    silenceTimeoutMs: setting(settingOrOff(positiveNumber), 'off', {
      description: 'Longest silence of a synchronous call; every progress notification ends a silence.',
      unit: 'milliseconds',
      flag: '--silence-timeout',
    }),
    quietAfterMs: setting(settingOrOff(positiveNumber), 600_000, {
      description: 'A call of which nothing new is heard for this time is told to be quiet, and goes on.',
      unit: 'milliseconds',
    }),
  },
  connection: {
    connectTimeoutMs: optionalSetting(positiveNumber, {
      description:
        'Longest silence of a server until it has answered `initialize`; a command that writes to its standard error is not silent.',
      unit: 'milliseconds',
      flag: '--connect-timeout',
      otherwise: '`60000`, unless the `mcpServers` file says otherwise',
    }),
    discover: optionalSetting(trueOrFalse, {
      description: 'Whether a server is asked first if it speaks MCP without sessions (2026-07-28).',
      flag: '--discover',
      otherwise: '`true`, unless the `mcpServers` file says otherwise',
    }),
    maxAnswerBytes: optionalSetting(integer(1), {
      description: 'Largest answer that is taken from a server.',
      unit: 'bytes',
      flag: '--max-answer-bytes',
      otherwise: '`134217728`, unless the `mcpServers` file says otherwise',
    }),
  },
  observability: {
    metricsPrefix: setting(metricsPrefix, 'mcp_await_', {
      description: 'Begins the name of every metric.',
    }),
    logLevel: optionalSetting(oneOf(LOG_LEVELS), {
      description: 'How much of what happens is written to standard error.',
      flag: '--log-level',
      otherwise: '`"info"`; `"error"` on standard streams',
    }),
    alertOnFailureRate: setting(numberFrom(0, 1), 0.05, {
      description: 'Share of failed tasks above which an operation raises an alert; 1 for never.',
    }),
    alertOnMeanOverSla: setting(positiveNumber, 1, {
      description:
        "An alert is raised when the mean duration is more than this many times the operation's SLA.",
    }),
    alertWindowSeconds: setting(positiveNumber, 300, {
      description: 'Tasks that ended within this time count for alerts.',
      unit: 'seconds',
    }),
    alertIntervalSeconds: setting(positiveNumber, 30, {
      description: 'Time between two looks at the store.',
      unit: 'seconds',
    }),
    alertMinTasks: setting(integer(1), 10, {
      description: 'Fewest tasks that must have ended in the window before a failure rate raises an alert.',
    }),
  },
} as const;

export const configSchema = z.strictObject({
  $schema: z.string().describe('The JSON Schema of this file, for editors.').optional(),
  server: z.strictObject(sections.server).describe('What `serve` offers, and to whom.').prefault({}),
  authorization: z
    .strictObject(sections.authorization)
    .describe('Whose access tokens `serve --http` and `proxy --http` take.')
    .prefault({}),
  state: z.strictObject(sections.state).describe('Where and how long tasks are kept.').prefault({}),
  execution: z.strictObject(sections.execution).describe('How tasks are run.').prefault({}),
  webhooks: z
    .strictObject(sections.webhooks)
    .describe('Whether tasks may tell a URL of their end, and which.')
    .prefault({}),
  observability: z
    .strictObject(sections.observability)
    .describe('What `serve` and `worker` tell, and when it is an alert.')
    .prefault({}),
  connection: z
    .strictObject(sections.connection)
    .describe('How servers are connected to, by `run` and its siblings and by `proxy`.')
    .prefault({}),
  polling: z.strictObject(sections.polling).describe('How `run`, `wait` and `proxy` wait.').prefault({}),
});

/** What a settings file may say. */
export type McpAwaitConfig = z.input<typeof configSchema>;

/** What holds: every setting, with its default where nothing was said. */
export type Settings = Omit<z.output<typeof configSchema>, '$schema'>;
