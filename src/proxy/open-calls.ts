import type { RequestId } from '@modelcontextprotocol/sdk/types.js';
import { ChangeNotice } from '../time/change-notice.js';
import { onDispose } from '../time/on-dispose.js';
import type { ProxyTask } from './proxy-task.js';

/** The requests of one host that wait for a call's end, on whose streams it can be asked. */
export class OpenCalls {
  readonly #open = new Set<RequestId>();
  readonly #running = new Set<ProxyTask>();
  readonly #entered = new ChangeNotice();

  enter(id: RequestId): Disposable {
    this.#open.add(id);
    this.#entered.announce();
    return onDispose(() => this.#open.delete(id));
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

  /** The last that was opened; the next one where calls go on that nobody waits for; undefined where there are none. */
  latest(): RequestId | undefined | Promise<RequestId> {
    const last = [...this.#open].at(-1);
    if (last !== undefined || this.#running.size === 0) return last;
    return this.#entered.next.then(() => this.latest() as RequestId | Promise<RequestId>);
  }
}
