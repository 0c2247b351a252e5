import { createHash } from 'node:crypto';
import type { ToolAnswer } from './front-connection.js';
import { isTerminal, type KeyHistory, type Observation } from './history.js';
import { isRightResult, type TortureTask } from './torture-task.js';

const LONGEST_KEPT = 300;

/** All that the callers were told. */
export class Ledger {
  readonly keys = new Map<string, KeyHistory>();
  readonly observations: Observation[] = [];
  /** How often a request had no answer or had to be repeated, by reason. */
  readonly troubles = new Map<string, number>();
  readonly #keyOf = new Map<string, KeyHistory>();

  open(task: TortureTask): KeyHistory {
    const history = this.keys.get(task.label) ?? { task, calls: 0, acknowledgements: [], refusals: [] };
    this.keys.set(task.label, history);
    return history;
  }

  /** The reference, unless the call was refused. */
  acknowledge(history: KeyHistory, { data, front, at }: ToolAnswer): string | undefined {
    if (data.task_ref === undefined) {
      history.refusals.push(JSON.stringify(data));
      return undefined;
    }
    history.acknowledgements.push({ taskRef: data.task_ref, front, at });
    this.#keyOf.set(data.task_ref, history);
    return data.task_ref;
  }

  observe(taskRef: string, tool: Observation['tool'], { data, front, askedAt, at }: ToolAnswer): Observation {
    const task = this.#keyOf.get(taskRef)?.task;
    const status: Observation['status'] = data.task_ref === taskRef ? data.status : 'refused';
    const end = JSON.stringify([status, data.result, data.error, data.updated_at]);
    const observation: Observation = {
      taskRef,
      front,
      tool,
      askedAt,
      at,
      status,
      errorCode: data.error?.code,
      end: isTerminal({ status }) ? shortened(end) : undefined,
      isRight: status !== 'completed' || task === undefined || isRightResult(task, data.result),
      ageMs: Date.parse(data.updated_at) - Date.parse(data.created_at),
    };
    this.observations.push(observation);
    return observation;
  }

  readonly trouble = (reason: string): void => {
    const kind = reason.replaceAll(/task_\w+|\d{4,}/g, '…').slice(0, LONGEST_KEPT);
    this.troubles.set(kind, (this.troubles.get(kind) ?? 0) + 1);
  };

  /** Of every task that was acknowledged. */
  get taskRefs(): ReadonlySet<string> {
    return new Set(this.#keyOf.keys());
  }
}

function shortened(text: string): string {
  return text.length <= LONGEST_KEPT ? text : `SHA-256 ${createHash('sha256').update(text).digest('hex')}`;
}
