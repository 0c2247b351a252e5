import type { RequestId } from '@modelcontextprotocol/sdk/types.js';
import { ChangeNotice } from '../time/change-notice.js';
import { OnDispose } from '../time/on-dispose.js';
import type { ProxyTask } from './proxy-task.js';

/** The calls of one host: those under way, and its requests that wait for their ends, on whose streams it can be asked. */
export class HostCalls {
  readonly #open = new Set<RequestId>();
  readonly #running = new Set<ProxyTask>();
  readonly #opened = new ChangeNotice();

  /** The calls under way, the last one at the end. */
  get running(): readonly ProxyTask[] {
    return [...this.#running];
  }

  open(id: RequestId): Disposable {
    this.#open.add(id);
    this.#opened.announce();
    return new OnDispose(() => this.#open.delete(id));
  }

  /** Until its end, the host can be expected to come back for the call. */
  follow(task: ProxyTask): void {
    this.#running.add(task);
    const forget = task.listen(() => {
      if (task.end === undefined) return;
      this.#running.delete(task);
      forget();
    });
  }

  /** The request that was opened last; the next one where calls go on that nobody waits for; undefined where there are none. */
  latest(): RequestId | undefined | Promise<RequestId> {
    const last = [...this.#open].at(-1);
    if (last !== undefined || this.#running.size === 0) return last;
    return this.#opened.next.then(() => this.latest() as RequestId | Promise<RequestId>);
  }
}
