import { ConfigurationError } from '../../errors.js';
import { LOG_LEVELS, type LogLevel } from './log.js';

/** What an operator sees of a server or worker, and when it warns. */
export interface ObservabilityOptions {
  /** Begins the name of every metric. @default 'mcp_await_' */
  readonly metricsPrefix?: string | undefined;
  /** Share of failed tasks, 0 to 1, above which an operation raises an alert; 1 for never. @default 0.05 */
  readonly alertOnFailureRate?: number | undefined;
  /** An alert is raised when the mean duration is more than this many times the operation's SLA. @default 1 */
  readonly alertOnMeanOverSla?: number | undefined;
  /** Tasks that ended within so many seconds count for alerts and for the metrics of durations. @default 300 */
  readonly alertWindowSeconds?: number | undefined;
  /** Seconds between two looks at the store. @default 30 */
  readonly alertIntervalSeconds?: number | undefined;
  /** Fewest tasks that must have ended in the window before a failure rate raises an alert. @default 10 */
  readonly alertMinTasks?: number | undefined;
  /** How much is logged. @default 'info'; 'error' on standard streams, where the one client sees the rest itself */
  readonly logLevel?: LogLevel | undefined;
}

export type ObservabilitySettings = {
  readonly [Name in keyof ObservabilityOptions]-?: NonNullable<ObservabilityOptions[Name]>;
};

/** @throws ConfigurationError that names the option, what it must be and what it is */
export function observabilitySettings(
  options: ObservabilityOptions,
  defaultLevel: LogLevel,
): ObservabilitySettings {
  const settings: ObservabilitySettings = {
    metricsPrefix: options.metricsPrefix ?? 'mcp_await_',
    alertOnFailureRate: options.alertOnFailureRate ?? 0.05,
    alertOnMeanOverSla: options.alertOnMeanOverSla ?? 1,
    alertWindowSeconds: options.alertWindowSeconds ?? 300,
    alertIntervalSeconds: options.alertIntervalSeconds ?? 30,
    alertMinTasks: options.alertMinTasks ?? 10,
    logLevel: options.logLevel ?? defaultLevel,
  };
  for (const [name, { isFit, expected }] of Object.entries(RULES)) {
    const value: unknown = settings[name as keyof ObservabilitySettings];
    if (isFit(value)) continue;
    throw new ConfigurationError(
      `Expected \`observability.${name}\` to be ${expected}, got ${JSON.stringify(value) ?? String(value)}`,
    );
  }
  return settings;
}

interface Rule {
  isFit(value: unknown): boolean;
  readonly expected: string;
}

const positive: Rule = {
  isFit: value => Number.isFinite(value) && Number(value) > 0,
  expected: 'a positive number',
};

const RULES: Readonly<Record<keyof ObservabilitySettings, Rule>> = {
  metricsPrefix: {
    // A colon is for recording rules (Prometheus, "Metric names and labels").
    isFit: value => typeof value === 'string' && /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(value),
    expected: 'letters, digits and underscores that begin with no digit',
  },
  alertOnFailureRate: {
    isFit: value => typeof value === 'number' && value >= 0 && value <= 1,
    expected: 'a number from 0 to 1',
  },
  alertOnMeanOverSla: positive,
  alertWindowSeconds: positive,
  alertIntervalSeconds: positive,
  alertMinTasks: {
    isFit: value => Number.isSafeInteger(value) && Number(value) >= 1,
    expected: 'a positive integer',
  },
  logLevel: {
    isFit: value => LOG_LEVELS.some(level => level === value),
    expected: `one of ${LOG_LEVELS.join(', ')}`,
  },
};
