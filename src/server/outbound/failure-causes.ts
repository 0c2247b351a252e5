/** The error and what it was caused by; of several connection attempts, each. */
export function causes(error: unknown): readonly unknown[] {
  if (!(error instanceof Error)) return [error];
  const attempts = error instanceof AggregateError ? error.errors : [];
  return [error, ...attempts.flatMap(causes), ...(error.cause === undefined ? [] : causes(error.cause))];
}

/** Why a request failed, as a code that holds nothing of the request: paths, queries and headers may be secret. */
export function causeCode(error: unknown): string {
  return (
    causes(error)
      .map(codeOf)
      .findLast(found => found !== undefined) ?? 'unknown reason'
  );
}

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('code' in error && typeof error.code === 'string') return error.code;
  // A port that the Fetch standard blocks; undici gives this one no code.
  return error.message === 'bad port' ? error.message : undefined;
}
