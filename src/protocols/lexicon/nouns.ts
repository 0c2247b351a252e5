const list = (words: string): ReadonlySet<string> => new Set(words.split(' '));

export const STATE = list('status state progress check poll wait await result results');

/** Names of what a person or the world moves on, in days, and of what is kept running: not of work that comes to an end. */
export const LASTING = list(
  'account alert app application appointment approval auction basket bid board booking bot branch browser call campaign candidate card cart case charge checkout claim cluster comment complaint connection contact container contest contract cron cursor customer daemon database db deal delivery device dispute document domain email employee endpoint environment estimate event feed folder form forward group incident instance invitation invite invoice issue lead licence license listener loan machine meeting member membership merge message monitor mortgage note notebook notification opportunity order organization page participant payment payout permission permit person pod policy position post project pull purchase quote record referral refund reminder repository reservation review role rule sandbox schedule server service session shipment sms sprint story stream subscription survey tab team thread ticket timer todo trade transaction trial tunnel user visa vm vote watcher webhook workspace workstation',
);

export const GENERIC = list(
  'a all an and api async by for from id in info manage manager mcp of on or sync the to tool v1 v2 with',
);

/** Ends the name of an argument that takes a handle. */
export const IDS = list('id ids uuid guid ref reference handle token pid arn ticket');

/** What machines work on, by the names that it has in public APIs: jobs of Kubernetes, runs of Airflow, operations of Google … */
export const WORK_NOUNS = list(
  'job task run execution operation request prediction process processing generation workflow build deployment crawl scan render rendering export import training transcription research simulation batch query pipeline backtest conversion extraction analysis inference backup statement dubbing snapshot experiment evaluation invocation command crawler scrape translation transcode rerun migration',
);

/** Those that people have nothing of: no task, request or order. */
export const MACHINE_NOUNS = list(
  'job run execution build pipeline workflow prediction training crawl scan render batch generation transcription inference simulation backtest',
);

/** Words of an argument that takes the handle of work, and of nothing else. */
export const WORK_HANDLES = list('job task run execution operation request prediction process generation');

export function singular(word: string): string {
  if (/(ss|us|is)$/.test(word) || word.length < 4) return word;
  if (word.endsWith('ies')) return `${word.slice(0, -3)}y`;
  return word.endsWith('s') ? word.slice(0, -1) : word;
}
