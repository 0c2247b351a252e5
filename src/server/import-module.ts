import { ConfigurationError } from '../errors.js';
import { startTimer } from '../time/sleep.js';

/** How long a module may take to load before somebody hears of it. */
const SLOW_MS = 5000;

/**
 * Runs an ES module of the user's and returns what it exports.
 * @param what the file in the words of the error, such as `The operations file /x/operations.js`
 * @param tell takes a line for the operator where it takes long
 * @throws ConfigurationError when it fails to load
 */
export async function importModule(
  url: URL,
  what: string,
  tell: (line: string) => void = () => {},
): Promise<Readonly<Record<string, unknown>>> {
  if (/\.[mc]?ts$/.test(url.pathname) && !readsTypeScript()) {
    throw new ConfigurationError(
      `${what} is TypeScript, which Node runs from 22.18 on and this is ${process.version}: write it as .js, or take a newer Node.`,
    );
  }
  let onIdle = () => {};
  const idle = new Promise<never>((_, reject) => {
    onIdle = () => reject(new Error('it awaits at its top level what never comes'));
  });
  process.once('beforeExit', onIdle);
  const stop = startTimer(
    SLOW_MS,
    () =>
      tell(
        `${what} has not finished loading after ${SLOW_MS / 1000} s: look at what it awaits at its top level. Nothing goes on before.`,
      ),
    { unref: true },
  );
  try {
    return await Promise.race([import(url.href), idle]);
  } catch (cause) {
    throw new ConfigurationError(`${what} failed to load: ${importFailureOf(cause)}`, { cause });
  } finally {
    stop();
    process.off('beforeExit', onIdle);
  }
}

export function importFailureOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whether this Node strips types, as a flag or its version says. */
function readsTypeScript(): boolean {
  const { typescript } = process.features as { readonly typescript?: string | false };
  return typeof typescript === 'string';
}
