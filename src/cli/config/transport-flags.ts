import { UsageError } from '../exit-code.js';

export interface TransportFlags {
  readonly http?: boolean;
  readonly stdio?: boolean;
}

/** @throws UsageError when both are asked for */
export function transportOf({ http, stdio }: TransportFlags): 'http' | 'stdio' | undefined {
  if (http === true && stdio === true) throw new UsageError('Give --http or --stdio, not both.');
  if (http === true) return 'http';
  return stdio === true ? 'stdio' : undefined;
}
