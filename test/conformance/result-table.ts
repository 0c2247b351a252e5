/** Why each scenario is expected to fail. */
export type Baseline = ReadonlyMap<string, string>;

/** Checks that passed and failed, by scenario. */
export type Results = ReadonlyMap<string, { readonly passed: number; readonly failed: number }>;

/** @throws TypeError for an entry without a reason */
export function readBaseline(yaml: string): Baseline {
  const entries = yaml.split('\n').filter(line => line.startsWith('  - '));
  return new Map(
    entries.map(entry => {
      const [, scenario, reason] = /^ {2}- (\S+) # (\S.*)$/.exec(entry) ?? [];
      if (scenario === undefined || reason === undefined) throw new TypeError(`No reason: ${entry}`);
      return [scenario, reason];
    }),
  );
}

/** Reads the summary that the suite prints of each scenario. */
export function readResults(output: string): Results {
  const lines = output.matchAll(/^[✓✗~] (\S+): (\d+) passed, (\d+) failed/gm);
  return new Map(
    [...lines].map(([, scenario = '', passed, failed]) => [
      scenario,
      { passed: Number(passed), failed: Number(failed) },
    ]),
  );
}

export function resultTable(results: ReadonlyMap<string, Results>, baseline: Baseline): string {
  const revisions = [...results.keys()];
  const scenarios = [...new Set([...results.values()].flatMap(each => [...each.keys()]))].toSorted();
  const rows = scenarios.map(scenario => {
    const cells = revisions.map(revision => cellOf(results.get(revision)?.get(scenario)));
    return `| ${scenario} | ${cells.join(' | ')} | ${baseline.get(scenario) ?? ''} |`;
  });
  const head = `| scenario | ${revisions.join(' | ')} | |`;
  return [head, `|---|${revisions.map(() => '---|').join('')}---|`, ...rows].join('\n');
}

/** Of scenarios that test a client, each run by itself; how many checks there are depends on the requests that it sends. */
export function scenarioTable(runs: readonly (readonly [string, string])[], baseline: Baseline): string {
  const revisions = [...new Set(runs.map(([, revision]) => revision))].toSorted();
  const scenarios = [...new Set(runs.map(([scenario]) => scenario))].toSorted();
  const rows = scenarios.map(scenario => {
    const reason = baseline.get(scenario);
    const word = reason === undefined ? 'passed' : 'failed';
    const cells = revisions.map(revision =>
      runs.some(run => run[0] === scenario && run[1] === revision) ? word : '',
    );
    return `| ${scenario} | ${cells.join(' | ')} | ${reason ?? ''} |`;
  });
  const head = `| scenario | ${revisions.join(' | ')} | |`;
  return [head, `|---|${revisions.map(() => '---|').join('')}---|`, ...rows].join('\n');
}

function cellOf(result: { readonly passed: number; readonly failed: number } | undefined): string {
  if (result === undefined) return '';
  return result.failed === 0
    ? `${result.passed} passed`
    : `${result.failed} of ${result.passed + result.failed} failed`;
}
