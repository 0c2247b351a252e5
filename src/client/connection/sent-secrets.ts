import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { isRecord } from '../../protocols/tool-result.js';

/** A shorter text is more likely to be a word than a secret. */
const MIN_SECRET_LENGTH = 8;
const SECRET_VARIABLE = /token|secret|passw|pwd|key|auth|credential|dsn|cookie/i;
const MASK = '…';

/** The secrets that a server was sent, which no message may repeat. */
export class SentSecrets {
  readonly #secrets: readonly string[];

  /** @param values texts with secrets in them, such as `Bearer …`; short words are no secrets */
  constructor(values: readonly string[]) {
    this.#secrets = values
      .flatMap(value => [value, ...value.split(' '), encodeURIComponent(value)])
      .filter(({ length }) => length >= MIN_SECRET_LENGTH)
      .sort((a, b) => b.length - a.length);
  }

  /** @param more a secret that was not known at first */
  masked(said: string, more?: string): string {
    const secrets =
      more === undefined || more.length < MIN_SECRET_LENGTH ? this.#secrets : [...this.#secrets, more];
    return secrets.reduce((left, secret) => left.replaceAll(secret, MASK), said);
  }

  /** The same message where it has no error or was sent no secret. */
  withoutSecrets(message: JSONRPCMessage, more?: string): JSONRPCMessage {
    if (!('error' in message)) return message;
    const { message: text, data } = message.error;
    const json = data instanceof Error ? undefined : JSON.stringify(data);
    const maskedPart = (_key: string, part: unknown) => {
      if (typeof part === 'string') return this.masked(part, more);
      if (!isRecord(part)) return part;
      return Object.fromEntries(Object.entries(part).map(([key, value]) => [this.masked(key, more), value]));
    };
    const error = {
      ...message.error,
      message: this.masked(text, more),
      ...(json !== undefined && { data: JSON.parse(json, maskedPart) }),
    };
    return { ...message, error };
  }
}

/** The values of variables whose names sound like secrets. */
export function secretVariables(env: Readonly<Record<string, string>> = {}): readonly string[] {
  return Object.entries(env).flatMap(([name, value]) => (SECRET_VARIABLE.test(name) ? [value] : []));
}
