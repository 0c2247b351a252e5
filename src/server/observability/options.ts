import { type OptionNames, refuseUnknownOptions } from '../../unknown-option.js';
import { sections } from '../config/config-schema.js';
import { settingValues } from '../config/setting-values.js';
import type { LogLevel } from './log.js';

const observability: OptionNames<ObservabilityOptions> & typeof sections.observability =
  sections.observability;

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

/** @throws ConfigurationError that names the option, what it must be and what it is */
export function observabilitySettings(options: ObservabilityOptions, defaultLevel: LogLevel) {
  refuseUnknownOptions('`observability`', options, observability);
  const { logLevel = defaultLevel, ...settings } = settingValues(observability, options, 'observability.');
  return { ...settings, logLevel };
}
