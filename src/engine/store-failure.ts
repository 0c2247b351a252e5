/** The store could not do what was asked; nothing was changed. The message says why and what to do. */
export class StoreFailure extends Error {
  override readonly name = 'StoreFailure';
}
