import { createRequire } from 'node:module';

export type OpenTelemetry = typeof import('@opentelemetry/api');

/** Where every copy of `@opentelemetry/api` 1.x keeps what was registered in this process. */
const REGISTERED = Symbol.for('opentelemetry.js.api.1');

/** Null when the package cannot be loaded. */
let loaded: OpenTelemetry | null | undefined;

/**
 * The API of OpenTelemetry, once somebody has registered a provider of this kind; before, nothing is loaded. Not by `import()`:
 * the span of a call begins when the call is made, and under the context of that moment.
 */
export function openTelemetry(kind: 'trace' | 'metrics'): OpenTelemetry | undefined {
  const registered = (globalThis as { [REGISTERED]?: Readonly<Record<string, unknown>> })[REGISTERED];
  if (registered?.[kind] === undefined) return undefined;
  if (loaded === undefined) loaded = load();
  return loaded ?? undefined;
}

/** Null when the package cannot be resolved from here: the provider may come from another copy of it. */
function load(): OpenTelemetry | null {
  try {
    return createRequire(import.meta.url)('@opentelemetry/api') as OpenTelemetry;
  } catch {
    return null;
  }
}
