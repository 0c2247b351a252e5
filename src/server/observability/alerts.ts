import { failureRate, type OperationStats } from '../../engine/operation-stats.js';

export type AlertName = 'failure_rate' | 'mean_over_sla';

/** Whether something about an operation is out of bounds. */
export interface AlertState {
  readonly operation: string;
  readonly alert: AlertName;
  readonly active: boolean;
  /** A share of tasks, or milliseconds; undefined when nothing ended in the window. */
  readonly value: number | undefined;
  /** What the value must not exceed. */
  readonly limit: number;
}

export interface AlertRules {
  readonly failureRate: number;
  readonly meanOverSla: number;
  readonly minTasks: number;
}

export interface AlertContext {
  readonly rules: AlertRules;
  /** The SLA of an operation in milliseconds; undefined when this process does not know the operation. */
  slaMs(operation: string): number | undefined;
  /** As of the look before. */
  readonly earlier: readonly AlertState[];
}

/** An alert ends only this far below its limit, so that a value about the limit raises one alert, not many. */
const ENDS_BELOW = 0.8;

/** Which alerts stand, after another look at how the tasks stand. */
export function judge(
  stats: readonly OperationStats[],
  { rules, slaMs, earlier }: AlertContext,
): readonly AlertState[] {
  const wasActive = (operation: string, alert: AlertName) =>
    earlier.some(state => state.active && state.operation === operation && state.alert === alert);
  return stats.flatMap(({ operation, recent }) => {
    const bounded = (alert: AlertName, measured: Measured): AlertState => {
      const active = isOutOfBounds({ ...measured, wasActive: wasActive(operation, alert) });
      return { operation, alert, active, value: measured.value, limit: measured.limit };
    };
    const rate = bounded('failure_rate', {
      value: failureRate(recent),
      limit: rules.failureRate,
      isEnough: recent.completed + recent.failed >= rules.minTasks,
    });
    const sla = slaMs(operation);
    if (sla === undefined) return [rate];
    const limit = sla * rules.meanOverSla;
    return [rate, bounded('mean_over_sla', { value: recent.meanDurationMs, limit, isEnough: true })];
  });
}

interface Measured {
  readonly value: number | undefined;
  readonly limit: number;
  /** Whether there are enough tasks to raise an alert. */
  readonly isEnough: boolean;
}

function isOutOfBounds({
  value,
  limit,
  isEnough,
  wasActive,
}: Measured & { readonly wasActive: boolean }): boolean {
  if (value === undefined) return false;
  return wasActive ? value > limit * ENDS_BELOW : isEnough && value > limit;
}

export interface AlertChanges {
  readonly begun: readonly AlertState[];
  readonly over: readonly AlertState[];
}

/** What has begun and what is over since the look before; an operation that has no tasks any more has no alert. */
export function alertChanges(earlier: readonly AlertState[], now: readonly AlertState[]): AlertChanges {
  return { begun: activeOnlyIn(now, earlier), over: activeOnlyIn(earlier, now) };
}

function activeOnlyIn(one: readonly AlertState[], other: readonly AlertState[]): readonly AlertState[] {
  const isActiveInOther = ({ operation, alert }: AlertState) =>
    other.some(state => state.active && state.operation === operation && state.alert === alert);
  return one.filter(state => state.active && !isActiveInOther(state));
}
