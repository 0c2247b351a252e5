import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { ConfigurationError } from '../../errors.js';
import { reasonOf } from '../../storage/failure-reason.js';
import { makeFolder, stateFolder } from '../../storage/state-folder.js';
import type { CommandIo } from '../io.js';

const clientSchema = z.looseObject({ client_id: z.string(), client_secret: z.string().optional() });
const tokensSchema = z.looseObject({
  access_token: z.string(),
  token_type: z.string(),
  refresh_token: z.string().optional(),
  scope: z.string().optional(),
  expires_in: z.number().optional(),
});

/** A file of this version is of this program; whatever else stands there counts as no sign-in. */
const savedSchema = z.object({
  version: z.literal(1),
  /** Of the server, without secrets. */
  server: z.string(),
  /** Who this program is at the authorization server. */
  client: clientSchema.optional(),
  tokens: tokensSchema.optional(),
  /** Where the tokens are given back. */
  revocationUrl: z.string().optional(),
});

export type SavedSignIn = z.infer<typeof savedSchema>;

/**
 * The sign-in of this user at one server, in the state folder: one file for each address, whole and readable by its user
 * only at every moment.
 */
export class SignInFile {
  readonly path: string;
  readonly #server: string;

  constructor(url: URL, env: CommandIo['env']) {
    this.#server = `${url.origin}${url.pathname}`;
    // All of the address, because servers of one host may stand behind one path and differ in the query.
    const name = createHash('sha256').update(`${this.#server}${url.search}`).digest('hex').slice(0, 32);
    this.path = join(stateFolder(env), 'sign-ins', `${name}.json`);
  }

  get lockPath(): string {
    return `${this.path.slice(0, -'.json'.length)}.lock`;
  }

  /** @throws ConfigurationError when there is a file that cannot be read */
  read(): SavedSignIn | undefined {
    try {
      return savedSchema.safeParse(JSON.parse(readFileSync(this.path, 'utf8'))).data;
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (cause instanceof SyntaxError || code === 'ENOENT' || code === 'ENOTDIR') return undefined;
      throw this.#failed('read', cause);
    }
  }

  /** @throws ConfigurationError when it cannot be written; then the file is as it was */
  write(saved: Omit<SavedSignIn, 'version' | 'server'>): void {
    const text = `${JSON.stringify({ version: 1, server: this.#server, ...saved }, null, 2)}\n`;
    const next = `${this.path}.${randomBytes(8).toString('hex')}.new`;
    try {
      makeFolder(dirname(this.path));
      writeFileSync(next, text, { mode: 0o600, flag: 'wx', flush: true });
      renameSync(next, this.path);
    } catch (cause) {
      // Where no file can be, none is left, and the first error says why.
      try {
        rmSync(next, { force: true });
      } catch {}
      throw this.#failed('written', cause);
    }
  }

  remove(): void {
    try {
      rmSync(this.path, { force: true });
    } catch (cause) {
      throw this.#failed('deleted', cause);
    }
  }

  #failed(what: string, cause: unknown): ConfigurationError {
    const reason = reasonOf(cause, 'name another state folder with MCP_AWAIT_HOME');
    return new ConfigurationError(`The sign-in ${this.path} cannot be ${what}: ${reason}`, { cause });
  }
}
