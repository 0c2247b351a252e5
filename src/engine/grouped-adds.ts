/** Most of one group: its statement stays short. */
const MAX_AT_ONCE = 100;

export interface GroupedAddsOptions {
  /** Whether what failed may be one job's fault, so that each is to be added alone. @default it always may */
  readonly isRefusal?: ((error: unknown) => boolean) | undefined;
  /** Most of one group. @default 100 */
  readonly maxAtOnce?: number | undefined;
}

interface Waiting<Job, Added> {
  readonly job: Job;
  readonly resolve: (added: Added) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Adds together what comes while earlier ones are being added: what costs is the round trip and the sync to disk at its
 * end, and one serves all. So the more callers there are, the larger the groups, not the number of requests.
 */
export class GroupedAdds<Job, Added = string> {
  readonly #add: (jobs: readonly Job[]) => Promise<readonly Added[]>;
  #waiting: Waiting<Job, Added>[] = [];
  #isAdding = false;
  readonly #options: GroupedAddsOptions;

  /** @param add answers what came of the jobs, in their order; adding one twice is adding it once */
  constructor(add: (jobs: readonly Job[]) => Promise<readonly Added[]>, options: GroupedAddsOptions = {}) {
    this.#add = add;
    this.#options = options;
  }

  add(job: Job): Promise<Added> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ job, resolve, reject });
      if (!this.#isAdding) void this.#addAll();
    });
  }

  async #addAll(): Promise<void> {
    const { maxAtOnce = MAX_AT_ONCE } = this.#options;
    this.#isAdding = true;
    while (this.#waiting.length > 0) await this.#addGroup(this.#waiting.splice(0, maxAtOnce));
    this.#isAdding = false;
  }

  async #addGroup(group: readonly Waiting<Job, Added>[]): Promise<void> {
    const { isRefusal = () => true } = this.#options;
    try {
      const added = await this.#add(group.map(({ job }) => job));
      for (const [index, { resolve }] of group.entries()) resolve(added[index] as Added);
    } catch (error) {
      if (group.length > 1 && isRefusal(error)) {
        await Promise.all(group.map(one => this.#addGroup([one])));
        return;
      }
      for (const { reject } of group) reject(error);
    }
  }
}
