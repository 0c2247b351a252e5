import { z } from 'zod';
import { DEFAULT_KEY_PREFIX } from '../../engine/engine-defaults.js';
import { LOG_LEVELS } from '../observability/log.js';
import { authorizationSection, serverSection } from './server-section.js';
import {
  file,
  integer,
  keyPrefix,
  metricsPrefix,
  numberFrom,
  numberOfAtLeast,
  oneOf,
  optionalSetting,
  positiveNumber,
  setting,
  settingOrOff,
  storeUrl,
  texts,
  trueOrFalse,
} from './setting.js';

export const MIN_TTL_SECONDS = 60;

/** Every setting, in the one place where its default, sentence and flag are written. The end of its name tells its unit. */
export const sections = {
  server: serverSection,
  authorization: authorizationSection,
  state: {
    provider: optionalSetting(storeUrl, {
      description:
        'Store of the tasks, as a URL: `sqlite:PATH`, `memory:`, `redis://`, `rediss://`, `postgres://` or `dynamodb://`.',
      flag: '--store',
      otherwise: 'a file in the state folder',
    }),
    keyPrefix: setting(keyPrefix, DEFAULT_KEY_PREFIX, {
      description:
        'Separates installations that share one Redis, PostgreSQL or DynamoDB table. SQLite does not use it.',
      flag: '--key-prefix',
    }),
    ttlSeconds: setting(positiveNumber, 86_400, {
      description: 'How long a task and its result are kept; at most `state.maxTtlSeconds`.',
    }),
    maxTtlSeconds: setting(numberOfAtLeast(MIN_TTL_SECONDS), 604_800, {
      description: 'Longest time that a call may ask for with `ttl_seconds`.',
    }),
    maxResultBytes: setting(integer(1), 1_048_576, {
      description: 'Largest result of a task, as JSON.',
    }),
    leaseSeconds: setting(numberFrom(1, 3600), 30, {
      description:
        'Time within which the tasks of a dead process fail; the same for all processes on a store.',
      flag: '--lease',
    }),
  },
  execution: {
    maxConcurrency: setting(integer(1), 50, {
      description: 'Largest number of tasks that one process runs at the same time.',
      flag: '--concurrency',
    }),
    maxUnfinishedPerPrincipal: setting(integer(1), 10_000, {
      description:
        'Largest number of queued and running tasks of one principal. Except on SQLite, each front counts only the tasks that it has accepted. No limit without tokens.',
    }),
    principalShare: setting(numberFrom(0, 1), 0.8, {
      description: 'Share of its free places that a process gives to one principal. No limit without tokens.',
    }),
    defaultTimeoutSeconds: setting(positiveNumber, 120, {
      description: 'Longest run time of an operation without `slaSeconds`.',
    }),
    inputTimeoutSeconds: setting(positiveNumber, 86_400, {
      description: 'How long a task may wait for answers to its questions, in addition to its run time.',
    }),
    retryAttempts: setting(integer(0, 10), 0, {
      description: 'How many times a task is run again, if its operation has no `retryAttempts`.',
    }),
    drainSeconds: setting(numberOfAtLeast(0), 10, {
      description: 'How long running tasks may continue after SIGINT or SIGTERM.',
    }),
  },
  webhooks: {
    secretFile: optionalSetting(file, {
      description: 'File with the `whsec_` secrets that sign webhooks; turns webhooks on.',
      flag: '--webhook-secret-file',
      otherwise: 'no webhooks, unless `MCP_AWAIT_WEBHOOK_SECRET` is set',
    }),
    allowedHosts: optionalSetting(texts, {
      description: 'Hosts to which webhooks may go, such as `*.example.com`.',
      flag: '--webhook-host',
      otherwise: 'any public host',
    }),
    allowPrivate: setting(trueOrFalse, false, {
      description: 'Whether webhooks may go to loopback and private addresses.',
      flag: '--webhook-allow-private',
    }),
    allowHttp: setting(trueOrFalse, false, {
      description: 'Whether webhooks may use plain HTTP.',
      flag: '--webhook-allow-http',
    }),
  },
  polling: {
    initialIntervalMs: setting(positiveNumber, 1000, {
      description: 'First interval between the status requests of `run` and `wait`.',
      flag: '--initial-interval',
    }),
    maxIntervalMs: setting(positiveNumber, 30_000, {
      description: 'Longest interval between status requests.',
      flag: '--max-interval',
    }),
    backoffMultiplier: setting(positiveNumber, 2, {
      description: 'Factor between one interval and the next.',
    }),
    maxAttempts: setting(settingOrOff(integer(1)), 'off', {
      description:
        'Largest number of status requests before giving up. It counts requests by back-off that found the task still running, not those that the server held, asked for by a hint or announced by a notification.',
      flag: '--max-attempts',
    }),
    deadlineMs: setting(settingOrOff(positiveNumber), 86_400_000, {
      description: 'Longest time for the whole call.',
      flag: '--timeout',
    }),
    silenceTimeoutMs: setting(settingOrOff(positiveNumber), 'off', {
      description: 'Longest silence of a synchronous call; every progress notification ends a silence.',
      flag: '--silence-timeout',
    }),
    quietAfterMs: setting(settingOrOff(positiveNumber), 600_000, {
      description:
        'After this time without news of a call, a line says that it is quiet. The wait continues.',
    }),
  },
  connection: {
    connectTimeoutMs: optionalSetting(positiveNumber, {
      description:
        'Longest silence of a server until it has answered `initialize`. A command that writes to standard error is not silent.',
      flag: '--connect-timeout',
      otherwise: '`60000`, unless the `mcpServers` file says otherwise',
    }),
    discover: optionalSetting(trueOrFalse, {
      description: 'Whether to ask a server first if it speaks MCP 2026-07-28.',
      flag: '--discover',
      otherwise: '`true`, unless the `mcpServers` file says otherwise',
    }),
    maxAnswerBytes: optionalSetting(integer(1), {
      description: 'Largest accepted answer of a server.',
      flag: '--max-answer-bytes',
      otherwise: '`134217728`, unless the `mcpServers` file says otherwise',
    }),
  },
  observability: {
    metricsPrefix: setting(metricsPrefix, 'mcp_await_', {
      description: 'Prefix of the name of every metric.',
    }),
    logLevel: optionalSetting(oneOf(LOG_LEVELS), {
      description: 'How much is logged on standard error.',
      flag: '--log-level',
      otherwise: '`"info"`; `"error"` on standard streams',
    }),
    alertOnFailureRate: setting(numberFrom(0, 1), 0.05, {
      description: 'Share of failed tasks above which an operation raises an alert; 1 for never.',
    }),
    alertOnMeanOverSla: setting(positiveNumber, 1, {
      description: 'Mean duration above which an operation raises an alert, as a multiple of its SLA.',
    }),
    alertWindowSeconds: setting(positiveNumber, 300, {
      description: 'Alerts cover the tasks that ended within this time.',
    }),
    alertIntervalSeconds: setting(positiveNumber, 30, {
      description: 'Time between two checks of the store.',
    }),
    alertMinTasks: setting(integer(1), 10, {
      description: 'Smallest number of ended tasks in that time before a failure rate raises an alert.',
    }),
  },
} as const;

function section<Shape extends z.ZodRawShape>(shape: Shape, description: string) {
  // Each setting of a section may be left out.
  return z
    .strictObject(shape)
    .describe(description)
    .prefault({} as never);
}

export const configSchema = z.strictObject({
  $schema: z.string().describe('The JSON Schema of this file, for editors.').optional(),
  server: section(sections.server, 'What `serve` offers, and to whom.'),
  authorization: section(
    sections.authorization,
    'Access tokens that `serve --http` and `proxy --http` accept.',
  ),
  state: section(sections.state, 'Where and how long tasks are kept.'),
  execution: section(sections.execution, 'How tasks are run.'),
  webhooks: section(sections.webhooks, 'Whether the end of a task is reported to a URL, and to which.'),
  observability: section(sections.observability, 'Metrics, log and alerts of `serve` and `worker`.'),
  connection: section(sections.connection, 'How `run`, the other commands and `proxy` connect to servers.'),
  polling: section(sections.polling, 'How `run`, `wait` and `proxy` wait.'),
});

/** What a settings file may say. */
export type McpAwaitConfig = z.input<typeof configSchema>;

/** What holds: every setting, with its default where nothing was said. */
export type Settings = Omit<z.output<typeof configSchema>, '$schema'>;

/**
 * Returns the configuration as it is, so that an editor knows its keys; `mcp-await` checks it when it reads the file.
 *
 * @example
 * ```ts
 * // mcp-await.config.ts
 * export default defineConfig({ server: { transport: 'http', port: 8080 }, execution: { maxConcurrency: 10 } });
 * ```
 */
export function defineConfig(config: McpAwaitConfig): McpAwaitConfig {
  return config;
}
