const list = (words: string): ReadonlySet<string> => new Set(words.split(' '));

/** A tool that begins with one of these changes something: it is never asked for a state. */
export const CHANGING = list(
  'abort accept add answer append apply approve archive assign authorize begin book build buy call cancel capture charge clear click clone close comment commit complete configure confirm connect convert copy create deactivate decline delete deny deploy destroy disable dismiss drop edit enable end execute export extend feedback fill fix force fork generate give grant import insert install interact invite invoke issue kill launch like lock log login make mark merge modify move mute navigate new open operate order patch pause pay perform pin place post press provision publish purge push put queue reboot record refresh refund register reject release reload remove rename render reopen replace reply rerun reserve reset resize restart restore resume retry revoke rollback rotate run save schedule send set share shutdown sign start stop store submit subscribe suspend sync tag terminate train transfer trigger turn type unlock unpin unsubscribe update upgrade upload upsert vote write',
);

/** A tool that begins with one of these only looks. Others, such as `query` and `scan`, may look or may start. */
export const READING = list(
  'await browse check count describe detail details diff download explain fetch find follow get head info inspect list look lookup monitor peek ping poll preview read resolve retrieve see show stat status summarize tail tell track view wait watch',
);

/** Names of what is looked up at once, where no verb says otherwise. */
export const LOOKUP = list('search query history lookup log logs list');

/** What a tool does that starts nothing that could be waited for, whatever else it changes. */
export const ENDING = list(
  'abort cancel clear close delete destroy disable drop edit kill mark move patch pin remove rename revoke set stop terminate unpin update',
);

export const RECORDING = list(
  'add answer append apply assign book buy comment draft feedback grant insert invite like log note open order pay pin post publish put record register reply reserve save schedule sell send share sign store subscribe tag transfer vote write',
);

/** What only machines do, and what takes them a while: verbs of the operations of public APIs for media, data, builds and models. */
export const MACHINE = list(
  'animate analyze archive backtest backup benchmark bake batch build clone compile compress convert crawl deploy dispatch dub embed encode enqueue enhance evaluate execute export extract finetune forecast generate import index infer ingest inpaint launch migrate optimize parse predict process provision reindex render replicate research restore retrain run scan scrape segment simulate submit summarize sync synthesize test train transcode transcribe translate trigger upscale',
);

/** A start by one of these says nothing of what is started: that takes a noun of work. */
export const STARTING = list(
  'begin create initiate kick launch new queue request schedule start submit trigger post add',
);

/** Changes that people make to what is theirs: jobs are not edited. */
export const EDITING = list(
  'update edit assign unassign pay capture approve reject close reopen merge comment modify move complete rename patch reply',
);

/** It hands something out only once, or takes it away. */
export const TAKING = list(
  'take pop claim consume ack acknowledge dequeue receive drain purge download save export share publish',
);

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
