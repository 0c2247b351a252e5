import type { Challenge } from './challenge.js';

/**
 * The scope to ask for: what the challenge says, and where it wants more than before, also what was granted before
 * (spec 2026-07-28, authorization, "Scope Challenge Handling").
 */
export function scopeFor(
  { status, scope }: Challenge,
  before: readonly (string | undefined)[],
): string | undefined {
  if (status === 401 || scope === undefined) return scope;
  const words = [...before, scope].flatMap(each => each?.split(' ') ?? []);
  return [...new Set(words)].filter(word => word !== '').join(' ');
}
