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

const ENDS = {
  'Google AIP-135 and AIP-151, AWS Delete… Stop… Terminate…, POSIX':
    'abort cancel clear close delete destroy disable drop kill remove revoke stop terminate',
  'AIP-134, JSON Patch, Slack': 'edit mark move patch pin rename set unpin update',
};
const RECORDS = {
  'Stripe, PayPal, Shopify, brokers': 'buy order pay sell reserve book transfer',
  'Slack, mail, GitHub, social media':
    'answer comment draft feedback invite like log note open post publish reply send share subscribe vote',
  'key-value stores, CRUD':
    'add append apply assign grant insert pin put record register save schedule sign store tag write',
};
const EDITS = {
  'Jira, GitHub, Zendesk':
    'update edit assign unassign approve reject close reopen merge comment modify move complete rename patch reply',
  Stripe: 'pay capture',
};

/** What a tool does that starts nothing that could be waited for, whatever else it changes. */
export const ENDING = wordList(ENDS);

/** What puts something on record or tells somebody: no work of the server's comes of it. */
export const RECORDING = wordList(RECORDS);

/** What is made by one of these may wait for somebody who begins it … */
export const MAKING = wordList({
  'AIP-133, Kubernetes, Databricks Jobs': 'add create define draft new prepare',
});

/** … by one of these. */
export const BEGINNING = wordList({
  'Databricks Jobs (run-now), AWS Start…, POSIX': 'begin execute launch run start trigger',
});

/** Changes that people make to what is theirs: jobs are not edited. */
export const EDITING = wordList(EDITS);

/** A tool that begins with one of these changes something: it is never asked for a state. */
export const CHANGING = wordList({
  ...ENDS,
  ...RECORDS,
  ...EDITS,
  'AWS and Google methods that begin or create':
    'begin create start submit run rerun execute invoke launch trigger queue generate train render convert build deploy export import copy clone fork extend provision reboot restart restore resume retry rollback upgrade upload upsert sync reload refresh reset resize rotate replace fill fix force',
  'AWS and Google methods that change a setting':
    'deactivate enable configure confirm connect commit lock unlock mute pause suspend release purge push shutdown end archive',
  'browsers, devices and shells':
    'click type press navigate turn perform operate interact place make give install new login',
  people: 'accept authorize call charge decline deny dismiss issue refund unsubscribe',
});

/** A tool that begins with one of these only looks. Others, such as `query` and `scan`, may look or may start. */
export const READING = wordList({
  'AIP-131, AIP-132, AWS Get… List… Describe…, Kubernetes verbs': 'get list describe watch read find count',
  'shells and Docker': 'head tail diff inspect ping view show stat preview follow',
  'status operations': 'await check monitor peek poll status track wait resolve',
  'other APIs': 'browse detail details download explain fetch info look lookup retrieve see summarize tell',
});

/** Names of what is looked up at once, where no verb says otherwise. */
export const LOOKUP = wordList({ 'REST collections and logs': 'search query history lookup log logs list' });

/** What only machines do, and what takes them a while. */
export const MACHINE = wordList({
  'Replicate, Runway, ElevenLabs, Stability: media':
    'animate bake dub enhance gen generate inpaint render synthesize upscale transcode transcribe translate encode',
  'CodeBuild, Docker, npm, Vercel': 'build compile deploy benchmark test optimize launch provision',
  'BigQuery, Glue, Elasticsearch, Airbyte':
    'analyze archive backup batch clone compress convert export extract import index ingest migrate parse reindex replicate restore scan segment sync',
  'SageMaker, Vertex AI, OpenAI':
    'backtest embed evaluate finetune forecast infer predict retrain train simulate summarize research',
  'Firecrawl, Apify': 'crawl scrape',
  'queues and schedulers': 'dispatch enqueue execute process run submit trigger',
});

/** A start by one of these says nothing of what is started: that takes a noun of work. */
export const STARTING = wordList({
  'AWS Start…, AIP-133, queues':
    'begin create initiate kick launch new queue request schedule start submit trigger post add',
});

/** What hands something out only once, or takes it away. */
export const TAKING = wordList({
  'SQS, Pub/Sub, Kafka, Redis': 'take pop claim consume ack acknowledge dequeue receive drain purge',
  'what writes a file or shows it to others': 'download save export share publish',
});

/** Exact values of an enum of actions that only look, the best first. */
export const LOOKING_ACTIONS: readonly string[] =
  'status get_status check_status check poll get describe show'.split(' ');
