import { createInterface, type Interface } from 'node:readline';
import { ChangeNotice } from '../../time/change-notice.js';
import { untilAborted } from '../../time/signals.js';
import type { CommandIo } from '../io.js';

/** Lines that somebody types; what is typed ahead is kept for the next prompt, which readline's own `question` would lose. */
export class PromptReader implements Disposable {
  readonly #io: CommandIo;
  readonly #interface: Interface;
  readonly #lines: string[] = [];
  readonly #changed = new ChangeNotice();
  #isClosed = false;

  constructor(io: CommandIo) {
    this.#io = io;
    // Not in the terminal's raw mode: Ctrl-C stays a signal.
    this.#interface = createInterface({ input: io.stdin, terminal: false });
    this.#interface.on('line', line => {
      this.#lines.push(line);
      this.#changed.announce();
    });
    this.#interface.on('close', () => {
      this.#isClosed = true;
      this.#changed.announce();
    });
  }

  /** @throws the signal's reason, or an Error when the terminal has ended */
  async read(prompt: string, signal: AbortSignal): Promise<string> {
    this.#io.stderr.write(prompt);
    for (;;) {
      const changed = this.#changed.next;
      const line = this.#lines.shift();
      if (line !== undefined) return line;
      if (this.#isClosed) throw new Error('the terminal has ended');
      await untilAborted(changed, signal);
    }
  }

  [Symbol.dispose](): void {
    this.#interface.close();
  }
}
