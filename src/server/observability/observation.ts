import type { Engine, StoreNotice } from '../../engine/engine.js';
import type { TaskRecord } from '../../engine/task-record.js';
import { openTelemetry } from '../../open-telemetry.js';
import type { Watching } from '../http/watch-endpoints.js';
import type { Operation } from '../operation.js';
import { type Activity, logActivity, tellAll } from './activity.js';
import { createLog, includesLevel, type LogEntry, type LogLevel } from './log.js';
import { countActivity } from './metrics.js';
import { type ObservabilityOptions, observabilitySettings } from './options.js';
import { type Phase, readinessCheck } from './readiness.js';
import { StoreWatch } from './store-watch.js';

export interface ObservationOptions {
  readonly options: ObservabilityOptions | undefined;
  readonly onLog: ((entry: LogEntry) => void) | undefined;
  readonly defaultLevel: LogLevel;
  readonly operations: ReadonlyMap<string, Operation>;
  /** Of operations that name none; undefined where it is not known. */
  readonly defaultSlaSeconds?: number | undefined;
  /** Whether somebody can scrape this process. */
  readonly metrics: boolean;
}

/** What a server or worker tells of itself, from its start to its end. */
export interface Observation {
  readonly activity: Activity;
  /** For the engine. */
  onLost(record: TaskRecord): void;
  /** For the engine. */
  onNotice(notice: StoreNotice): void;
  /** Begins to look at the store. */
  watch(engine: Engine): Watching;
  setPhase(phase: Phase): void;
  stop(): void;
}

/** @throws ConfigurationError when an option is not usable */
export async function startObservation({
  options = {},
  onLog,
  defaultLevel,
  operations,
  defaultSlaSeconds,
  metrics: withMetrics,
}: ObservationOptions): Promise<Observation> {
  const settings = observabilitySettings(options, defaultLevel);
  const log = createLog(settings.logLevel, onLog);
  // Only what can be scraped loads the library.
  const prometheus = withMetrics
    ? (await import('./prometheus.js')).createPrometheus(settings.metricsPrefix)
    : undefined;
  const api = openTelemetry('metrics');
  const meter = api && (await import('./meter.js')).createMeter(api, settings.metricsPrefix);
  const metrics = countActivity([prometheus, meter].filter(each => each !== undefined));
  const activity = tellAll(logActivity(log), metrics.activity);
  let phase: Phase = 'starting';
  let stop = () => {};
  return {
    activity,
    onLost: record => activity.lost(record),
    onNotice: ({ level, message, fields }) => log[level](message, fields),
    watch(engine) {
      const watch = new StoreWatch({
        engine,
        log,
        rules: {
          failureRate: settings.alertOnFailureRate,
          meanOverSla: settings.alertOnMeanOverSla,
          minTasks: settings.alertMinTasks,
        },
        slaMs: name => {
          const operation = operations.get(name);
          return operation && toMs(operation.slaSeconds ?? defaultSlaSeconds);
        },
        windowMs: settings.alertWindowSeconds * 1000,
        intervalMs: settings.alertIntervalSeconds * 1000,
      });
      const isHeard =
        prometheus !== undefined || (onLog !== undefined && includesLevel(settings.logLevel, 'warn'));
      if (isHeard) watch.start();
      const stopObserving = meter?.observe(() => watch.look());
      stop = () => {
        watch.stop();
        stopObserving?.();
      };
      return {
        readiness: readinessCheck({ engine, phase: () => phase }),
        scrape: async () => prometheus?.render(await watch.look()),
        answered: metrics.answered,
      };
    },
    setPhase(next) {
      if (next !== phase) log.debug('The process is in another phase', { phase: next });
      phase = next;
    },
    stop: () => stop(),
  };
}

function toMs(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : seconds * 1000;
}
