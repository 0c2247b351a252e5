/** The store could not do what was asked; nothing was changed. The message says why and what to do. */
export class StoreFailure extends Error {
  override readonly name = 'StoreFailure';
}

/** What a store calls its failure: an SQLSTATE, an `errno`, an exception of AWS, or the word that a Redis error begins with. */
export function failureCode(error: unknown): string {
  if (!(error instanceof Error)) return '';
  if ('code' in error && typeof error.code === 'string') return error.code;
  if (error.name.endsWith('Exception')) return error.name;
  return /^[A-Z]{2,}\b/.exec(error.message)?.[0] ?? '';
}
