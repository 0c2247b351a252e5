/** What an upstream calls a tool or a prompt, and whose it is. */
export interface Named<Owner> {
  readonly owner: Owner;
  readonly name: string;
}

/** Hosts hand names on to models, which take no longer ones. */
const LONGEST_NAME = 64;

/**
 * The names by which a host knows what its upstreams offer: their own, and `upstream_name` for those that several have.
 * @param reserved names that this proxy uses itself
 */
export function namesForHost<Owner extends { readonly name: string }>(
  offered: readonly Named<Owner>[],
  reserved: readonly string[] = [],
): ReadonlyMap<string, Named<Owner>> {
  const owners = new Map<string, Set<Owner>>();
  for (const { name, owner } of offered) {
    const known = owners.get(name);
    if (known === undefined) owners.set(name, new Set([owner]));
    else known.add(owner);
  }
  const isOwn = ({ name }: Named<Owner>) => owners.get(name)?.size === 1 && !reserved.includes(name);
  const named = new Map<string, Named<Owner>>();
  // An upstream that offers one name twice means one thing by it.
  for (const each of offered.filter(isOwn)) named.set(each.name, each);
  const taken = (name: string) => named.has(name) || reserved.includes(name);
  const prefixed = new Set<string>();
  for (const each of offered.filter(each => !isOwn(each))) {
    const key = JSON.stringify([each.owner.name, each.name]);
    if (prefixed.has(key)) continue;
    prefixed.add(key);
    named.set(freeName(`${wordOf(each.owner.name)}_${each.name}`, taken), each);
  }
  return named;
}

/** A name that everybody takes as part of a tool's name. */
function wordOf(name: string): string {
  return name.replace(/[^\w-]+/g, '_');
}

function freeName(wanted: string, taken: (name: string) => boolean): string {
  for (let count = 1; ; count++) {
    const suffix = count === 1 ? '' : `_${count}`;
    const name = `${wanted.slice(0, LONGEST_NAME - suffix.length)}${suffix}`;
    if (!taken(name)) return name;
  }
}
