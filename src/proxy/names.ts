/** What an upstream calls a tool or a prompt, and whose it is. */
export interface Named<Owner> {
  readonly owner: Owner;
  readonly name: string;
}

/** Hosts hand names on to models, which take no longer ones. */
const MAX_NAME_CHARACTERS = 64;
const MAX_PREFIX_CHARACTERS = 24;
/** Of one upstream, also those that are kept for what it no longer offers. */
const MAX_GIVEN_NAMES = 20_000;

export interface HostNamesOptions {
  /** Names that this proxy uses itself. @default none */
  readonly reserved?: readonly string[] | undefined;
  /** Told which name an upstream does not get because it is another's, once for each upstream and name. */
  readonly onRefused?: ((refused: RefusedName) => void) | undefined;
}

export interface RefusedName {
  readonly owner: string;
  readonly name: string;
  readonly givenInstead: string;
}

/**
 * The names by which a host knows what its upstreams offer: their own, and `upstream_name` for those that several have. A name
 * that was given keeps its meaning, and one that begins as another upstream's names do is given to nobody else.
 */
export class HostNames<Owner extends { readonly name: string }> {
  readonly #prefixes: readonly { readonly owner: Owner; readonly prefix: string }[];
  readonly #reserved: readonly string[];
  readonly #onRefused: (refused: RefusedName) => void;
  readonly #given = new Map<string, Named<Owner>>();
  /** The given names, by whose they are and what that upstream says. */
  readonly #names = new Map<Owner, Map<string, string>>();

  constructor(owners: readonly Owner[], { reserved = [], onRefused = () => {} }: HostNamesOptions = {}) {
    this.#prefixes = owners
      .map(owner => ({ owner, prefix: prefixOf(owner.name) }))
      .sort((one, other) => other.prefix.length - one.prefix.length);
    this.#reserved = reserved;
    this.#onRefused = onRefused;
  }

  /** What is offered now, by the names that the host knows. */
  of(offered: readonly Named<Owner>[]): ReadonlyMap<string, Named<Owner>> {
    // An upstream that offers one name twice means one thing by it.
    const owners = new Map<string, Set<Owner>>();
    for (const { name, owner } of offered) owners.set(name, (owners.get(name) ?? new Set()).add(owner));
    const known = (each: Named<Owner>) => this.#names.get(each.owner)?.get(each.name);
    const fresh = offered.filter(each => known(each) === undefined);
    const isFree = ({ name, owner }: Named<Owner>) =>
      owners.get(name)?.size === 1 && this.#isFor(owner, name);
    for (const each of fresh.filter(isFree)) this.#give(each.name, each);
    for (const each of fresh)
      if (known(each) === undefined) this.#giveAnother(each, owners.get(each.name)?.size === 1);
    return new Map(
      offered.flatMap(each => {
        const name = known(each);
        return name === undefined ? [] : [[name, each] as const];
      }),
    );
  }

  /** The name of what the host asks for by the full form `upstream_name`, which everything has besides the name that was given. */
  fullForm(name: string): string | undefined {
    const found = this.#prefixes.find(({ prefix }) => name.startsWith(prefix));
    return found && this.#names.get(found.owner)?.get(name.slice(found.prefix.length));
  }

  #giveAnother(each: Named<Owner>, isRefused: boolean): void {
    const name = this.#prefixed(each);
    this.#give(name, each);
    if (isRefused && !this.#reserved.includes(each.name))
      this.#onRefused({ owner: each.owner.name, name: each.name, givenInstead: name });
  }

  #prefixed({ owner, name }: Named<Owner>): string {
    const prefix = this.#prefixFor(owner, name);
    for (let count = 1; ; count++) {
      const suffix = count === 1 ? '' : `_${count}`;
      const wanted = `${prefix}${name}`.slice(0, MAX_NAME_CHARACTERS - suffix.length);
      const free = `${wanted}${suffix}`;
      if (!this.#given.has(free) && !this.#reserved.includes(free)) return free;
    }
  }

  /** One prefix may go on as another does: `git_` and `git_hub_`. */
  #prefixFor(owner: Owner, name: string): string {
    const prefix = prefixOf(owner.name);
    const numbered = this.#prefixes.map((_, index) => `${prefix.slice(0, -1)}${index + 2}_`);
    return [prefix, ...numbered].find(each => !this.#belongsToOther(owner, `${each}${name}`)) ?? prefix;
  }

  #isFor(owner: Owner, name: string): boolean {
    return !this.#given.has(name) && !this.#reserved.includes(name) && !this.#belongsToOther(owner, name);
  }

  #belongsToOther(owner: Owner, name: string): boolean {
    const found = this.#prefixes.find(({ prefix }) => name.startsWith(prefix));
    return found !== undefined && found.owner !== owner && prefixOf(owner.name) !== found.prefix;
  }

  #give(name: string, each: Named<Owner>): void {
    this.#given.set(name, each);
    const names = this.#names.get(each.owner) ?? new Map<string, string>();
    this.#names.set(each.owner, names.set(each.name, name));
    for (const [own, oldest] of names) {
      if (names.size <= MAX_GIVEN_NAMES) break;
      names.delete(own);
      this.#given.delete(oldest);
    }
  }
}

/** With characters that everybody takes as part of a tool's name. */
function prefixOf(name: string): string {
  return `${name.replace(/[^\w-]+/g, '_').slice(0, MAX_PREFIX_CHARACTERS)}_`;
}
