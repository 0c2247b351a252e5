import type { Engine } from '../../engine/engine.js';
import { atMost } from '../../time/at-most.js';

/** Where a process stands in its life. */
export type Phase = 'starting' | 'serving' | 'closing';

export type Readiness =
  | { readonly ready: true }
  | { readonly ready: false; readonly reason: 'starting' | 'closing' | 'store_unavailable' };

const TIMEOUT_MS = 2000;
/** Probes need no token: however many come, the store is asked once. */
const FRESH_MS = 1000;
/** Never a task's, but such that an engine must ask its store for it. */
const PROBE_REF = `task_readiness_${'0'.repeat(32)}`;

export interface ReadinessOptions {
  readonly engine: Pick<Engine, 'find'>;
  phase(): Phase;
  /** Milliseconds that only move forward. @default performance.now */
  readonly now?: (() => number) | undefined;
}

/** Makes the check whether this process should get work. The check never rejects. */
export function readinessCheck({
  engine,
  phase,
  now = () => performance.now(),
}: ReadinessOptions): () => Promise<Readiness> {
  let asking: Promise<boolean> | undefined;
  let askedAt = Number.NEGATIVE_INFINITY;
  function storeAnswers(): Promise<boolean> {
    if (asking === undefined || now() - askedAt >= FRESH_MS) {
      asking = ask(engine);
      askedAt = now();
    }
    return asking;
  }
  return async () => {
    if (phase() === 'serving' && !(await storeAnswers())) {
      return { ready: false, reason: 'store_unavailable' };
    }
    // It may have begun to close in the meantime.
    const current = phase();
    return current === 'serving' ? { ready: true } : { ready: false, reason: current };
  };
}

async function ask(engine: Pick<Engine, 'find'>): Promise<boolean> {
  try {
    await atMost(engine.find(PROBE_REF), TIMEOUT_MS);
    return true;
  } catch {
    return false;
  }
}
