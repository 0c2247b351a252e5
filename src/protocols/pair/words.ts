import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import type { TaskStatus } from '../../types.js';
import { MACHINE } from '../lexicon.js';
import type { Pair } from './profile.js';

/**
 * The words for one state, after the enums of public APIs: Kubernetes, Argo and Tekton; GitHub, GitLab, CircleCI, Jenkins and
 * Vercel; Terraform; AWS (Batch, Step Functions, Glue, SageMaker, CodeBuild, CloudFormation); Google (long-running
 * operations, Dataflow, Cloud Build, Vertex AI); Azure; OpenAI, Anthropic and Replicate; Databricks, Snowflake, Airflow,
 * Dagster, Prefect, dbt and Airbyte; Celery, BullMQ, Temporal and Slurm; A2A. A word that two of them use for different things is in no list.
 */
const WORKING = [
  // Kubernetes, Argo, Tekton
  'pending running initializing containercreating podinitializing',
  // GitHub, GitLab, CircleCI, Jenkins, Vercel
  'queued in_progress requested waiting waiting_for_resource preparing created building deploying initialized not_run',
  // Terraform
  'fetching pre_plan_running planning plan_queued cost_estimating policy_checking pre_apply_running applying apply_queued queuing queuing_apply confirmed post_plan_running fetching_completed pre_plan_completed cost_estimated policy_checked post_plan_completed pre_apply_completed',
  // AWS
  'submitted runnable starting stopping awaiting_start updating create_in_progress update_in_progress rollback_in_progress pending_redrive provisioning inprogress',
  // Google, Azure
  'job_state_queued job_state_pending job_state_running job_state_cancelling not_started notstarted accepted creating working enqueued',
  // OpenAI, Anthropic, Replicate, media
  'validating validating_files finalizing processing in_process cancelling canceling generating rendering encoding transcribing synthesizing loading throttled in_queue inqueue awaiting_processing streaming',
  // Databricks, Snowflake, Airflow, Dagster, Prefect, dbt, Airbyte
  'terminating aborting resuming_warehouse queued_reparing_warehouse restarting up_for_retry up_for_reschedule deferred scheduled started launched blocked waiting_for_retry',
  // Celery, BullMQ, Slurm
  'retry received delayed prioritized waiting_children completing configuring stage_out',
  // German, Chinese, Japanese, Korean
  'läuft gestartet ausstehend in_bearbeitung in_arbeit in_warteschlange 处理中 进行中 运行中 执行中 排队中 等待中 生成中 已提交 待处理 処理中 実行中 待機中 進行中 準備中 진행_중 진행중 대기_중 대기중 처리_중 처리중 실행_중 실행중 생성_중 생성중',
  // Spanish, Portuguese, French, Italian, Russian
  'pendiente en_curso en_proceso en_progreso en_cola procesando en_ejecución pendente em_andamento em_execução em_processamento na_fila aguardando processando executando en_cours en_attente planifié planifiée démarré démarrée in_corso in_attesa in_coda in_esecuzione in_elaborazione avviato avviata выполняется в_процессе в_работе в_очереди ожидание ожидает обрабатывается обработка запущено запущена',
  // Others
  'active_job busy dispatched downloading enqueueing executing indexing initiated initiating new not_ready ongoing pending_start polling preprocessing postprocessing queueing rescheduled retrying scraping crawling still_processing still_running submitting timing_out training uploading waiting_to_run triggered sent_to_worker put_in_queue underway',
];
const COMPLETED = [
  'complete completed done finished success successful succeeded succeed',
  // Buildkite, and runners of tests
  'passed',
  // Terraform, AWS, Google
  'planned_and_finished applied create_complete update_complete job_state_succeeded',
  // ElevenLabs
  'dubbed',
  // German, Chinese, Japanese, Korean
  'abgeschlossen fertig erledigt erfolgreich 已完成 完成 成功 完了 완료 완료됨 성공',
  // Spanish, Portuguese, French, Italian, Russian
  'completado completada finalizado exitoso concluído concluída sucesso terminé terminée réussi réussie succès completato completata riuscito riuscita successo завершено завершена выполнено выполнена готово успешно',
  'completed_successfully successfully_completed completed_with_warnings finished_successfully',
];
const FAILED = [
  'fail failed failing failure error errored errors',
  // GitHub, GitLab, Jenkins, Terraform
  'timed_out timedout timeout time_out startup_failure unstable policy_soft_failed',
  // Tripo
  'banned',
  // AWS, Google, Azure
  'fault create_failed update_failed rollback_complete rollback_failed job_state_failed job_state_expired internal_error expired',
  // OpenAI and media
  'moderated moderation_failed bad_request invalid rejected refused',
  // Databricks, Snowflake, Airflow, Prefect, Slurm
  'failed_with_error failed_with_incident upstream_failed crashed node_fail out_of_memory boot_fail deadline upstream_canceled',
  // German, Chinese, Japanese, Korean
  'fehlgeschlagen fehler gescheitert 失败 错误 失敗 エラー 실패 오류',
  // Spanish, Portuguese, French, Italian, Russian
  'fallido fallida falhou falha erro échoué échouée échec erreur fallito fallita errore ошибка сбой',
  // Others
  'aborted_with_error completed_with_errors dead exception fatal partial_failure partially_completed partially_failed system_failure unsuccessful not_built',
];
const CANCELLED = [
  'abort aborted cancel canceled cancelled interrupted killed preempted revoked stopped terminated discarded user_cancelled job_state_cancelled force_canceled',
  // German, Chinese, Japanese, Korean, Spanish and Portuguese, French, Italian, Russian
  'abgebrochen 已取消 キャンセル 취소 취소됨 cancelado cancelada annulé annulée annullato annullata отменено отменена',
];
const ASKING = [
  'action_required auth_required awaiting_input input_required needs_input requires_action requires_input waiting_for_input awaiting_approval waiting_for_approval pending_approval on_hold needs_confirmation',
];

const WORDS: ReadonlyMap<string, TaskStatus> = new Map([
  ...each(WORKING, 'working'),
  ...each(COMPLETED, 'completed'),
  ...each(FAILED, 'failed'),
  ...each(CANCELLED, 'cancelled'),
  ...each(ASKING, 'input_required'),
]);

/** Words that mean one thing under one key and another under another: only there they mean anything. */
const BY_KEY: Readonly<Record<string, Readonly<Record<string, TaskStatus>>>> = {
  // Vercel
  ready: { readystate: 'completed', ready_state: 'completed' },
  // GitHub: what passes besides `success`
  neutral: { conclusion: 'completed' },
  skipped: { conclusion: 'completed' },
};

/** What stands before a word and says only of what it is the state: `JOB_STATE_RUNNING`, `build_failed`. */
const PREFIX = /^(?:(?:job|task|run|build|workflow|process|execution|status|state|lifecycle)_)+/;
/** Values of an enum begin with its name, as Protocol Buffers and Python have it: `QUERY_STATE_EXECUTING`, `TaskStatus.RUNNING`. */
const ENUM_PREFIX = /^(?:[a-z_]{1,40}_(?:state|status|phase)_|(?:[a-z_]{1,40}(?:\.|::))+)/;

/** "✅ Completed (3 files)" is `Completed`. */
export function lettersOf(value: string): string {
  return /\p{L}(?:[\p{L}\p{M}_ -]|(?:\.|::)(?=\p{L})){0,100}/u.exec(value)?.[0].trim() ?? value;
}

/** A word as the table has it: `IN-PROGRESS`, `inProgress` and `in progress` are one. */
export function fold(word: string): string {
  return word
    .normalize('NFKC')
    .trim()
    .replace(/([a-z\d])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[\s_-]+/g, '_');
}

/**
 * What a status word means; undefined for one that is not known, which must never end a wait.
 * @param key the key that it stands under
 */
export function meaningOf(
  word: string,
  { key, own }: { readonly key?: string | undefined; readonly own: Readonly<Record<string, TaskStatus>> },
): TaskStatus | undefined {
  // Longer than any word of a state.
  const folded = fold(word.slice(0, 100));
  const underKey = `${fold(key ?? '')}=${folded}`;
  for (const [given, status] of Object.entries(own))
    if (fold(given) === folded || fold(given) === underKey) return status;
  if (Object.hasOwn(BY_KEY, folded)) return BY_KEY[folded]?.[fold(key ?? '')];
  return (
    WORDS.get(folded) ??
    WORDS.get(folded.replace(PREFIX, '')) ??
    WORDS.get(folded.replace(ENUM_PREFIX, '')) ??
    byEnding(folded)
  );
}

/** Whether a server's own words are numbers; elsewhere a number counts something. */
export function isNumbered(own: Readonly<Record<string, TaskStatus>>): boolean {
  return Object.keys(own).some(word => /(?:^|=)-?\d{1,9}$/.test(word));
}

/** `CREATE_TASK_FAILED`, `plan_queued`, `dubbing`; nothing of the kind for success, where `FIRST_SUCCESS` is a step. */
function byEnding(folded: string): TaskStatus | undefined {
  if (/_(failed|failure|error|exception|timeout)$/.test(folded)) return 'failed';
  if (/^[a-z]{1,20}_(queued|pending|started|running|in_progress)$/.test(folded)) return 'working';
  // `dubbing`, `transcoding`: what only machines do goes on.
  const [, stem = '', last = ''] = /^([a-z]{2,20}?)(([a-z])\3?)ing$/.exec(folded) ?? [];
  const verbs = [`${stem}${last}`, `${stem}${last[0]}`, `${stem}${last}e`];
  return verbs.some(verb => MACHINE.has(verb)) ? 'working' : undefined;
}

function each(lists: readonly string[], status: TaskStatus): [string, TaskStatus][] {
  return lists.flatMap(words => words.split(' ').map((word): [string, TaskStatus] => [word, status]));
}

/** "0 = queued", "2: done", "`3` - failed" */
const NUMBER_FIRST =
  /(?<![\w.])(-?\d{1,4})`? ?(?:=|:|：|-|–|—|→|is|means|表示|代表|为)((?:[^\d-]|-(?!\d)){2,26})/g;
/** "queued (0)", "DONE = 2" */
const WORD_FIRST = /\b([A-Za-z][A-Za-z_-]{1,20})["'`]? ?[(=:] ?(-?\d{1,4})(?![\w.%])/g;
const MAX_LISTING = 4000;
const MAX_STATES = 50;

/** What numbers mean as states, where a status tool's description or output schema says so, as status words; none unless work and both ends are among them. */
export function numberedStates({ description = '', outputSchema }: Tool): Pair['words'] {
  const schema = outputSchema === undefined ? '' : namedValues(outputSchema).join(', ');
  const said = `${description.slice(0, MAX_LISTING)}\n${schema.slice(0, MAX_LISTING)}`;
  const numberFirst = statesOf([...said.matchAll(NUMBER_FIRST)].map(([, number, word]) => [number, word]));
  const wordFirst = statesOf([...said.matchAll(WORD_FIRST)].map(([, word, number]) => [number, word]));
  return Object.keys(numberFirst).length >= Object.keys(wordFirst).length ? numberFirst : wordFirst;
}

/** The states of a list that has them all; a number that is said to be two of them is none. */
function statesOf(pairs: readonly (readonly (string | undefined)[])[]): Pair['words'] {
  const told = pairs.slice(0, MAX_STATES).flatMap(([number = '', word = '']) => {
    const said = lettersOf(word);
    const status = meaningOf(said, { own: {} }) ?? failureOf(said);
    return status === undefined ? [] : [[number, status] as const];
  });
  const states = Object.fromEntries(told);
  const isClear = told.every(([number, status]) => states[number] === status);
  const isWhole = ['working', 'completed', 'failed'].every(each =>
    told.some(([, status]) => status === each),
  );
  return isClear && isWhole ? states : {};
}

/** "failed with an error": what begins like a success may end otherwise. */
function failureOf(words: string): TaskStatus | undefined {
  const first = meaningOf(words.split(' ')[0] ?? '', { own: {} });
  return first === 'completed' ? undefined : first;
}

/** Descriptions of a schema, and its constants with their titles. */
function namedValues(schema: unknown, depth = 0): readonly string[] {
  if (depth > 8 || typeof schema !== 'object' || schema === null) return [];
  const { const: value, title, description } = schema as Readonly<Record<string, unknown>>;
  const named = typeof value === 'number' ? `${value} = ${title ?? description}` : description;
  const inner = Object.values(schema).flatMap(each => namedValues(each, depth + 1));
  return typeof named === 'string' ? [named, ...inner] : inner;
}
