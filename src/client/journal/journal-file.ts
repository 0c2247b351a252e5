import { taskRefOf } from '../../protocols/pairs/task-ref.js';
import type { PairProof } from '../../protocols/protocol.js';
import { parseJson } from '../../protocols/tool-result.js';
import { canonicalJson } from '../../storage/canonical-json.js';
import { type DatabaseKind, openDatabaseFile, rememberFiles } from '../../storage/database.js';
import type { Database } from '../../storage/driver.js';
import { isSurelyLarger } from '../../storage/large-json.js';
import { inTransaction } from '../../storage/statement.js';
import type { Outcome, Snapshot, TaskReference, ToolCall } from '../../types.js';
import { callStatements, JOURNAL_MIGRATIONS } from './call-statements.js';
import { type CallRow, type JournalRecord, toJournalRecord } from './journal-record.js';
import type { ServerIdentity } from './known-server.js';
import { journalLimits } from './options.js';

/** A crash of the process loses nothing; a power cut may lose the last moments, for a call without a sync to disk. */
const JOURNAL: DatabaseKind = {
  noun: 'journal',
  elsewhere: 'name another one (`journal: { file }`, MCP_AWAIT_HOME)',
  migrations: JOURNAL_MIGRATIONS,
  synchronous: 'NORMAL',
};

/** A call that is about to be sent. */
export interface NewJournalCall {
  readonly identity: ServerIdentity;
  readonly call: ToolCall;
  readonly protocol: string;
  readonly idempotencyKey: string | undefined;
}

/** The journal's file: one row a call. Safe between processes; every method may throw what the database throws. */
export class JournalFile {
  readonly #database: Database;
  readonly #statements: ReturnType<typeof callStatements>;
  readonly #clock: () => number;
  readonly #newId: () => string;
  /** Whether the file is still at the path where it was opened; what is written to a deleted file is lost. */
  readonly isInPlace: () => boolean;
  #secret: string | undefined;
  /** The first call cleans: whoever only looks writes nothing. */
  #callsUntilCleaning = 1;

  /** @throws ConfigurationError when it cannot be opened */
  constructor(file: string, clock: () => number = Date.now, newId: () => string = shortId) {
    this.#database = openDatabaseFile(file, JOURNAL);
    this.#clock = clock;
    this.#newId = newId;
    this.#statements = callStatements(this.#database);
    this.isInPlace = rememberFiles(file);
  }

  /** The digest of the arguments as records hold it. */
  argumentsDigest(call: ToolCall): string {
    return this.#digest(call.arguments ?? {});
  }

  /** The record of the call with this key, or a new one in the state `starting`. */
  claim(newCall: NewJournalCall): { readonly record: JournalRecord; readonly created: boolean } {
    if (--this.#callsUntilCleaning <= 0) this.clean();
    const { identity, call, protocol, idempotencyKey } = newCall;
    const [now, serverKey] = [this.#clock(), this.#digest(identity.distinction)];
    const callKey =
      idempotencyKey === undefined ? null : this.#digest([serverKey, call.name, idempotencyKey]);
    return inTransaction(this.#database, () => {
      if (callKey !== null) {
        this.#statements.removeExpiredKey({ callKey, now });
        const known = this.#statements.findByKey({ callKey, now });
        if (known !== undefined) return { record: toJournalRecord(known), created: false };
      }
      const values = {
        callKey,
        idempotencyKey:
          idempotencyKey === undefined ? null : plain(idempotencyKey, journalLimits.keyCharacters),
        argumentsDigest: this.argumentsDigest(call),
        serverKey,
        server: JSON.stringify(identity.server),
        tool: plain(call.name, journalLimits.keyCharacters),
        protocol,
        claimUntil: now + journalLimits.claimMs,
        now,
        expiresAt: now + (callKey === null ? journalLimits.keptUnansweredMs : journalLimits.keptMs),
      };
      let row: CallRow | undefined;
      // Another call may have the id.
      while (row === undefined) row = this.#statements.insert({ id: this.#newId(), ...values });
      return { record: toJournalRecord(row), created: true };
    });
  }

  /** Makes the call a new one; false when another process has changed it since. */
  restart({ id, state, updatedAt }: JournalRecord): boolean {
    const now = this.#clock();
    const [claimUntil, expiresAt] = [now + journalLimits.claimMs, now + journalLimits.keptMs];
    return this.#statements.restart({ id, state, updatedAt, now, claimUntil, expiresAt }) > 0;
  }

  /** Says that the process which starts these calls still lives. */
  holdClaims(ids: readonly string[], forMs: number = journalLimits.claimMs): void {
    this.#statements.holdClaims({ ids: JSON.stringify(ids), claimUntil: this.#clock() + forMs });
  }

  accept(id: string, reference: TaskReference): void {
    const referenceKey = this.#referenceKey(reference);
    this.#statements.accept({ id, reference: JSON.stringify(reference), referenceKey, ...this.#times() });
  }

  note(id: string, { status, message }: Pick<Snapshot, 'status' | 'message'>): void {
    this.#statements.note({ id, status, message: shortMessage(message), ...this.#times() });
  }

  end(id: string, outcome: Outcome): void {
    const { outcomeBytes: maxBytes } = journalLimits;
    const json = isSurelyLarger(outcome, maxBytes) ? undefined : JSON.stringify(outcome);
    const outcomeBytes = json === undefined ? maxBytes + 1 : Buffer.byteLength(json);
    const message = outcome.status === 'completed' ? undefined : outcome.error.message;
    this.#statements.end({
      id,
      status: outcome.status,
      message: shortMessage(message),
      outcome: json === undefined || outcomeBytes > maxBytes ? null : json,
      outcomeBytes,
      ...this.#times(),
    });
  }

  /** The server no longer knows the task. */
  lose(id: string, message: string): void {
    this.#statements.lose({ id, message: shortMessage(message), now: this.#clock() });
  }

  deliver(id: string): void {
    this.#statements.deliver({ id });
  }

  /** The call was not sent, or refused: nothing has come of it. */
  removeUnstarted(id: string): void {
    this.#statements.removeUnstarted({ id });
  }

  /** Removes the record in any state, so that its key names no call. */
  forget(id: string): void {
    this.#statements.remove({ id });
  }

  find(id: string): JournalRecord | undefined {
    const row = this.#statements.find({ id, now: this.#clock() });
    return row && toJournalRecord(row);
  }

  /** The calls whose id begins so; two when there are more. */
  findByPrefix(prefix: string): readonly JournalRecord[] {
    return this.#statements.findByPrefix({ prefix, now: this.#clock() }).map(toJournalRecord);
  }

  /** The calls whose idempotency key begins so, the oldest first. */
  findByKeyPrefix(prefix: string): readonly JournalRecord[] {
    return this.#statements.findByKeyPrefix({ prefix, now: this.#clock() }).map(toJournalRecord);
  }

  /** The calls of this task, the last changed first; of one server only where it is given. */
  findByReference(reference: TaskReference, identity?: ServerIdentity): readonly JournalRecord[] {
    const referenceKey = this.#referenceKey(reference);
    const serverKey = identity === undefined ? undefined : this.#digest(identity.distinction);
    return this.#statements
      .findByReference({ referenceKey, now: this.#clock() })
      .filter(
        ({ id }) => serverKey === undefined || this.#statements.isOnServer({ id, serverKey }) !== undefined,
      )
      .map(toJournalRecord);
  }

  /** The newest first; `all` with those whose end was delivered. */
  list({ all }: { readonly all: boolean }): readonly JournalRecord[] {
    return this.#statements.list({ all: Number(all), now: this.#clock() }).map(toJournalRecord);
  }

  /** What was remembered under the key: how long the tasks of a tool took. */
  history(key: string): unknown {
    const row = this.#statements.history({ key });
    return row && parseJson(row.history);
  }

  remember(key: string, history: unknown): void {
    this.#statements.remember({ key, history: JSON.stringify(history), now: this.#clock() });
  }

  /** Whether two tools of a server have proved themselves a pair, and have not changed since. */
  isProved(identity: ServerIdentity, proof: PairProof): boolean {
    return this.#statements.isProved({ key: this.#digest([identity.distinction, proof]) }) !== undefined;
  }

  prove(identity: ServerIdentity, proof: PairProof): void {
    const key = this.#digest([identity.distinction, proof]);
    this.#statements.prove({ key, now: this.#clock() });
    this.#statements.removeProofsAbove({ proofs: journalLimits.proofs });
  }

  disprove(identity: ServerIdentity, proof: PairProof): void {
    this.#statements.removeProof({ key: this.#digest([identity.distinction, proof]) });
  }

  /** @returns how many there were */
  forgetProofs(): number {
    return this.#statements.removeProofs({});
  }

  /** Removes what is too old, and what is too much. */
  clean(): void {
    this.#callsUntilCleaning = journalLimits.callsBetweenCleanings;
    inTransaction(this.#database, () => {
      this.#statements.removeExpired({ now: this.#clock() });
      this.#statements.removeAbove({ rows: journalLimits.rows });
      this.#statements.removeOutcomesAbove({ bytes: journalLimits.allOutcomesBytes });
      this.#statements.removeDurationsAbove({ durations: journalLimits.durations });
    });
  }

  close(): void {
    this.#database.close();
  }

  #times() {
    const now = this.#clock();
    return { now, expiresAt: now + journalLimits.keptMs };
  }

  /** A person may know only the `task_ref` of a task of the bundled server. */
  #referenceKey({ protocol, handle }: TaskReference): string {
    return this.#digest([protocol, taskRefOf(handle) ?? handle]);
  }

  /** A keyed digest, so that secrets or arguments cannot be found by digesting guesses. */
  #digest(value: unknown): string {
    this.#secret ??= this.#knownSecret();
    return crypto().createHmac('sha256', this.#secret).update(canonicalJson(value)).digest('hex');
  }

  #knownSecret(): string {
    const known = () => this.#statements.secret({ name: 'digest' })?.value;
    const secret = known();
    if (secret !== undefined) return secret;
    this.#statements.addSecret({ name: 'digest', value: crypto().randomBytes(32).toString('hex') });
    // Another process may have been faster.
    return known() ?? '';
  }
}

/** At first use: a command that looks at jobs digests nothing, and it takes a while to load. */
function crypto(): typeof import('node:crypto') {
  return process.getBuiltinModule('node:crypto');
}

/** Short enough to type, long enough for 10,000 calls: the chance that one is drawn twice is one in 20,000. */
function shortId(): string {
  return crypto().randomBytes(5).toString('hex');
}

function shortMessage(message: string | undefined): string | null {
  return message === undefined ? null : plain(message, journalLimits.messageCharacters);
}

/** SQLite would end a text at a NUL. */
function plain(text: string, characters: number): string {
  return text.slice(0, characters).replaceAll('\0', ' ');
}
