import { afterEach, beforeEach } from 'vitest';
import type { Engine } from '../../../src/engine/engine.js';
import type { EngineOptions } from '../../../src/engine/open-engine.js';
import type { EngineStore } from '../engine-store.js';

export type CreateStore = () => Promise<EngineStore>;

/** A fresh store for every test of the surrounding `describe`; what a test opens is closed after it. */
export function useStore(createStore: CreateStore): (options?: EngineOptions) => Promise<Engine> {
  let store: EngineStore;
  let engines: Engine[];
  beforeEach(async () => {
    engines = [];
    store = await createStore();
  });
  afterEach(async () => {
    for (const engine of engines) await engine.close();
    await store.remove();
  });
  return async options => {
    const engine = await store.open(options);
    engines.push(engine);
    return engine;
  };
}
