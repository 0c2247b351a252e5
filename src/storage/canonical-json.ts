import { hash } from 'node:crypto';

/** The JSON text of a value with the keys of every object sorted: values with the same JSON have the same text. */
export function canonicalJson(value: unknown): string {
  const json = JSON.stringify(value);
  return json === undefined ? 'null' : sortKeys(JSON.parse(json));
}

/** SHA-256 of the canonical JSON, in hexadecimal. */
export function digestJson(value: unknown): string {
  return hash('sha256', canonicalJson(value));
}

function sortKeys(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sortKeys).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${sortKeys(item)}`).join(',')}}`;
}
