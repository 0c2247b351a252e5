import { rememberFiles } from '../../storage/database.js';
import type { StoreNotice } from '../engine.js';
import { StoreFailure } from '../store-failure.js';
import { MEMORY } from './database.js';

/** The file of a store that is open: whether it still stands where it was opened. */
export class StoreFile {
  readonly path: string;
  readonly #isInPlace: () => boolean;
  readonly #onNotice: (notice: StoreNotice) => void;
  #wasInPlace = true;

  constructor(path: string, onNotice: (notice: StoreNotice) => void = () => {}) {
    this.path = path;
    this.#isInPlace = path === MEMORY ? () => true : rememberFiles(path);
    this.#onNotice = onNotice;
  }

  /** @throws StoreFailure when another process would not find what is written now */
  assertInPlace(): void {
    if (this.#isInPlace()) return;
    throw new StoreFailure(
      `The store ${this.path}, or its -wal file, was deleted or replaced while it was open: what is written now would be lost. Put it back, or start the server again.`,
    );
  }

  /** Tells it once when the file goes, and once when it is back. */
  check(): void {
    const isInPlace = this.#isInPlace();
    if (isInPlace === this.#wasInPlace) return;
    this.#wasInPlace = isInPlace;
    this.#onNotice(
      isInPlace
        ? { level: 'info', message: 'The file of the store is back', fields: {} }
        : {
            level: 'error',
            message: 'The file of the store was deleted or replaced: no task is taken',
            fields: {},
          },
    );
  }
}
