import { Alarm } from '../time/sleep.js';

/** One caller that waits for a task. */
export interface TaskWait {
  readonly alarm: Alarm;
  remove(): void;
}

/** Who waits in this process, by task. */
export class TaskWaits {
  readonly #alarms = new Map<string, Set<Alarm>>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** The tasks that somebody waits for. */
  taskRefs(): Iterable<string> {
    return this.#alarms.keys();
  }

  add(taskRef: string): TaskWait {
    const alarm = new Alarm();
    const alarms = this.#alarms.get(taskRef) ?? new Set();
    this.#alarms.set(taskRef, alarms.add(alarm));
    this.#count++;
    return {
      alarm,
      remove: () => {
        if (alarms.delete(alarm)) this.#count--;
        if (alarms.size === 0) this.#alarms.delete(taskRef);
      },
    };
  }

  ring(taskRef: string): void {
    for (const alarm of this.#alarms.get(taskRef) ?? []) alarm.ring();
  }

  ringAll(): void {
    for (const alarms of this.#alarms.values()) for (const alarm of alarms) alarm.ring();
  }
}
