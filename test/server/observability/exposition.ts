export interface ParsedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const LABEL = `[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\["\\\\n])*"`;
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(${LABEL}(?:,${LABEL})*)\\})? (-?[0-9.e+-]+|NaN|[+-]Inf)$`);
const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  histogram: ['_bucket', '_sum', '_count'],
};

/**
 * Reads the Prometheus text format 0.0.4 strictly: every line is known, every sample belongs to the family that was
 * announced last, no family and no sample is there twice, counters end in _total and do not fall below zero, and the
 * buckets of a histogram only grow.
 */
export function parseExposition(text: string): readonly ParsedSample[] {
  if (!text.endsWith('\n')) throw new Error('The last line does not end');
  const samples: ParsedSample[] = [];
  const seen = new Set<string>();
  let family = { name: '', type: '' };
  for (const line of text.slice(0, -1).split('\n')) {
    if (line === '') continue;
    const help = new RegExp(`^# HELP (${NAME}) \\S.*$`).exec(line);
    const type = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram)$`).exec(line);
    if (help !== null) {
      family = { name: once(seen, `family ${help[1]}`, help[1]), type: '' };
    } else if (type !== null) {
      if (type[1] !== family.name || family.type !== '') throw new Error(`A stray ${line}`);
      family = { name: family.name, type: type[2] ?? '' };
      if ((family.type === 'counter') !== family.name.endsWith('_total'))
        throw new Error(`Misnamed: ${line}`);
    } else {
      samples.push(parseSample(line, family, seen));
    }
  }
  checkBuckets(samples);
  return samples;
}

function parseSample(
  line: string,
  family: { readonly name: string; readonly type: string },
  seen: Set<string>,
): ParsedSample {
  const [, name = '', labelText = '', valueText = ''] = SAMPLE.exec(line) ?? [];
  const names = (SUFFIXES[family.type] ?? ['']).map(suffix => `${family.name}${suffix}`);
  if (family.type === '' || !names.includes(name)) throw new Error(`No sample of ${family.name}: ${line}`);
  once(seen, `sample ${name}{${labelText}}`, name);
  const labels: Record<string, string> = {};
  for (const [, label = '', value = ''] of labelText.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)) {
    if (label in labels) throw new Error(`A label twice: ${line}`);
    labels[label] = value;
  }
  const value = Number(valueText.replace('Inf', 'Infinity'));
  if (Number.isNaN(value) || (family.type !== 'gauge' && value < 0)) throw new Error(`No value: ${line}`);
  return { name, labels, value };
}

function once(seen: Set<string>, key: string, name = ''): string {
  if (seen.has(key)) throw new Error(`Twice: ${key}`);
  seen.add(key);
  return name;
}

function checkBuckets(samples: readonly ParsedSample[]): void {
  const latest = new Map<string, { readonly bound: number; readonly count: number }>();
  for (const { name, labels, value } of samples.filter(sample => sample.name.endsWith('_bucket'))) {
    const { le = '', ...others } = labels;
    const key = JSON.stringify([name, others]);
    const bound = le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le);
    const before = latest.get(key) ?? { bound: Number.NEGATIVE_INFINITY, count: 0 };
    if (!(bound > before.bound) || value < before.count) throw new Error(`The buckets of ${key} do not grow`);
    latest.set(key, { bound, count: value });
  }
  for (const [key, { bound }] of latest) {
    if (bound !== Number.POSITIVE_INFINITY) throw new Error(`${key} has no bucket for all`);
  }
}

/** The value of the one sample with this name and these labels. */
export function sampleValue(
  samples: readonly ParsedSample[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const wanted = JSON.stringify(Object.entries(labels).sort());
  return samples.find(
    sample => sample.name === name && JSON.stringify(Object.entries(sample.labels).sort()) === wanted,
  )?.value;
}
