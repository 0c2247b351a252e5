import { sleep } from '../../src/time/sleep.js';
import type { Victim } from './fleet.js';
import { groupBy } from './history.js';
import type { Random } from './random.js';

const SHORTEST_PEACE_MS = 500;
const LONGEST_PEACE_MS = 3000;
const LONGEST_AWAY_MS = 800;
/** A machine on which nothing runs any more cannot break a promise. */
const MOST_AWAY = 2;

/** Kills one process after the other, fronts as often as workers and the store, and starts each again. */
export async function wreakHavoc(
  victims: readonly [Victim, ...Victim[]],
  random: Random,
  until: AbortSignal,
): Promise<void> {
  const kinds = [...groupBy(victims, ({ kind }) => kind).values()] as [Group, ...Group[]];
  const away = new Map<Victim, Promise<void>>();
  for (;;) {
    const peaceMs = random.integer(SHORTEST_PEACE_MS, LONGEST_PEACE_MS);
    const victim = random.pick(random.pick(kinds));
    const awayMs = random.integer(0, LONGEST_AWAY_MS);
    await sleep(peaceMs, until).catch(() => {});
    if (until.aborted) break;
    if (away.has(victim) || away.size >= MOST_AWAY) continue;
    const absence = victim
      .kill()
      .then(() => sleep(awayMs))
      .then(() => victim.start());
    away.set(victim, absence);
    absence.then(
      () => away.delete(victim),
      () => {},
    );
  }
  await Promise.all(away.values());
}

type Group = [Victim, ...Victim[]];
