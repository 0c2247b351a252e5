import { checkedLayer, type Layer } from './layer.js';
import { transportOf } from './transport-flags.js';

/** What the flags of a command say. */
export function flagLayer(flags: object): Layer {
  const given: Readonly<Record<string, unknown>> = { ...flags, http: transportOf(flags) };
  return checkedLayer(
    ({ flag, unit }) => {
      const value = flag === undefined ? undefined : given[attributeOf(flag)];
      // A duration is parsed to milliseconds.
      return unit === 'seconds' && typeof value === 'number' ? value / 1000 : value;
    },
    ({ flag }) => flag,
  );
}

/** `--token-file` is `tokenFile` among the parsed flags. */
function attributeOf(flag: string): string {
  return flag.slice(2).replace(/-(.)/g, (_match, letter: string) => letter.toUpperCase());
}
