import { wordList } from './nouns.js';

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
    'animate bake dub enhance generate inpaint render synthesize upscale transcode transcribe translate encode',
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
export const LOOKING_ACTIONS: readonly string[] = [
  'status',
  'get_status',
  'check_status',
  'check',
  'poll',
  'get',
  'describe',
  'show',
];
