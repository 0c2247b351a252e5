/** The words of a list, given by where they are from: public APIs that name their resources or methods so. */
export function wordList(words: Readonly<Record<string, string>>): ReadonlySet<string> {
  return new Set(Object.values(words).flatMap(group => group.split(' ')));
}

/** Words of a name that is about a state or a result. */
export const STATE = wordList({
  'names of status operations: AWS Get…Status, Google operations.wait, MCP tasks/result':
    'status state progress check poll wait await result results',
});

/** Names of what lasts: people or events move it on within days, or it is kept running. A wait for it has no end. */
export const PERSISTENT = wordList({
  'Jira, GitHub, Zendesk, Linear: work of people':
    'issue ticket story sprint project team member todo comment review merge pull branch repository board incident approval thread meeting note notebook page document role permission policy',
  'Stripe, Shopify, PayPal: trade':
    'order payment charge refund payout invoice quote subscription dispute checkout cart basket card purchase shipment delivery transaction customer account trade bid auction contest estimate position loan mortgage claim vote',
  'Salesforce, HubSpot, Greenhouse: people and deals':
    'lead opportunity contact campaign case contract deal application candidate complaint employee person user membership organization referral survey form participant record',
  'Google Calendar, Calendly, airlines: dates':
    'event appointment booking reservation schedule reminder timer invitation invite visa license licence permit trial',
  'Twilio, Slack, mail: messages': 'message sms call email notification forward feed post stream',
  'Kubernetes, EC2, RDS, ECS, Cloud Run: what is kept running':
    'pod instance container vm machine server cluster database db service daemon environment sandbox workspace workstation domain endpoint connection session tunnel listener monitor alert watcher webhook cron rule app bot device browser tab cursor folder group',
});

/** Words of a name that say nothing of what it is about. */
export const GENERIC = wordList({
  'articles, prepositions and what surrounds names of tools':
    'a all an and api async by for from id in info manage manager mcp of on or sync the to tool v1 v2 with',
});

/** Ends of the name of an argument that takes a handle. */
export const IDS = wordList({
  'OpenAPI path parameters; AWS ARNs; POSIX': 'id ids uuid guid ref reference handle token pid arn ticket',
});

const MACHINE_WORK = {
  'Kubernetes Job, Airflow DagRun, Step Functions Execution': 'job run execution',
  'CodeBuild, GitLab, Argo': 'build pipeline workflow',
  'Replicate, SageMaker, Vertex AI': 'prediction training inference simulation backtest',
  'Firecrawl, ZAP, Blender, Anthropic batches, AssemblyAI':
    'crawl scan render batch generation transcription',
};

/** Names of work that only machines have; people have tasks, requests and orders, too. */
export const MACHINE_NOUNS = wordList(MACHINE_WORK);

/** Names of work that machines do. */
export const WORK_NOUNS = wordList({
  ...MACHINE_WORK,
  'Google long-running operations, MCP tasks, queues':
    'task operation request process processing command invocation',
  'Vercel, Cloudflare, GitHub': 'deployment migration rerun',
  'BigQuery, Athena, Databricks SQL': 'query statement export import extraction conversion',
  'media and speech APIs': 'rendering dubbing translation transcode',
  'Glue, Apify; MLflow; OpenAI': 'crawler scrape experiment evaluation research analysis',
  'RDS, Elasticsearch': 'backup snapshot',
});

/** Words of an argument that takes the handle of work, and of nothing else. */
export const WORK_HANDLES = wordList({
  'jobId, task_id, runId … of the APIs above':
    'job task run execution operation request prediction process generation',
});

/** The singular of an English noun, for comparing. */
export function singular(word: string): string {
  if (/(ss|us|is)$/.test(word) || word.length < 4) return word;
  if (word.endsWith('ies')) return `${word.slice(0, -3)}y`;
  return word.endsWith('s') ? word.slice(0, -1) : word;
}
