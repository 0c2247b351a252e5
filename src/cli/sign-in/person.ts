import { AuthorizationError } from '../../errors.js';
import { formatDuration } from '../../time/duration.js';
import { linkSignals, untilAborted } from '../../time/signals.js';
import { startTimer } from '../../time/sleep.js';
import { PromptReader } from '../ask/line-reader.js';
import { canAsk } from '../ask/terminal-asker.js';
import type { CommandIo } from '../io.js';
import { plainText } from '../terminal-text.js';
import type { RedirectListener } from './redirect-listener.js';

/** How long somebody may take to sign in. */
const SIGN_IN_WITHIN_MS = 5 * 60_000;

export interface SentPerson {
  /** The server, as messages name it. */
  readonly where: string;
  /** Where to authorize. */
  readonly url: URL;
  readonly listener: RedirectListener;
  readonly opensBrowser: boolean;
  readonly io: CommandIo;
  readonly signal: AbortSignal;
}

/**
 * Shows the link, opens the browser, and waits for the address that the browser comes back to: at this machine, or as a
 * person pastes it who has opened the link elsewhere.
 * @throws AuthorizationError when nobody comes back in time; the signal's reason
 */
export async function sendPerson(sent: SentPerson): Promise<URL> {
  const { where, url, listener, io, signal } = sent;
  using linked = linkSignals(signal);
  const limit = formatDuration(SIGN_IN_WITHIN_MS);
  const stop = startTimer(SIGN_IN_WITHIN_MS, () =>
    linked.abort(new AuthorizationError(`Nobody has signed in to ${where} within ${limit}: try again.`)),
  );
  const isOpened = sent.opensBrowser && (await openBrowser(url));
  const how = isOpened ? 'in the browser, which has been opened; otherwise open' : 'in a browser: open';
  io.stderr.write(`Sign in to ${where} ${how}\n  ${url.href}\n`);
  try {
    const ways = [listener.answer];
    if (canAsk(io)) ways.push(pasted(url, io, linked.signal));
    return await untilAborted(Promise.race(ways), linked.signal);
  } finally {
    linked.abort(new Error('the sign-in is over'));
    stop();
  }
}

/** Whether this process can show its user a browser on this screen. */
export function hasBrowser({ env }: CommandIo, platform: NodeJS.Platform = process.platform): boolean {
  if (env.SSH_CONNECTION || env.SSH_CLIENT || env.SSH_TTY) return false;
  if (platform === 'darwin' || platform === 'win32') return true;
  return Boolean(env.DISPLAY || env.WAYLAND_DISPLAY || env.WSL_DISTRO_NAME);
}

/** @returns false where none could be started; whether it shows the page, nobody can tell */
async function openBrowser(url: URL): Promise<boolean> {
  const { default: open } = await import('open');
  try {
    const browser = await open(url.href);
    browser.on('error', () => {});
    return true;
  } catch {
    return false;
  }
}

async function pasted(sent: URL, io: CommandIo, signal: AbortSignal): Promise<URL> {
  using lines = new PromptReader(io);
  let prompt = 'If that browser cannot reach this machine, paste the address here that it ends at: ';
  for (;;) {
    const text = plainText(await lines.read(prompt, signal));
    const answer = URL.canParse(text) ? new URL(text) : undefined;
    const state = answer?.searchParams.get('state');
    if (answer !== undefined && state === sent.searchParams.get('state')) return answer;
    prompt =
      state === undefined || state === null
        ? 'That is no such address: paste all of the line at the top of the browser, with `code` and `state` in it: '
        : 'That address belongs to another sign-in: open the link above, and paste the address that it ends at: ';
  }
}
