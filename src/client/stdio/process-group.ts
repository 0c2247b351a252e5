/** Whether children get a process group of their own: what they start ends with them, and a Ctrl-C at our terminal passes them by. */
export const HAS_GROUPS = process.platform !== 'win32';

/** Signals a child and its process group; 0 is no signal and only looks. @returns whether any process was there */
export function signalGroup(
  { pid }: { readonly pid?: number | undefined },
  signal: NodeJS.Signals | 0,
): boolean {
  if (pid === undefined) return false;
  try {
    process.kill(HAS_GROUPS ? -pid : pid, signal);
    return true;
  } catch {
    return false;
  }
}
