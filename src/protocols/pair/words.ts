import type { TaskStatus } from '../../types.js';
import { MACHINE } from '../lexicon.js';

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
  // German, Chinese, Japanese, Spanish
  'läuft gestartet ausstehend in_bearbeitung in_arbeit in_warteschlange 处理中 进行中 运行中 执行中 排队中 等待中 生成中 已提交 待处理 処理中 実行中 待機中 進行中 準備中 pendiente en_curso en_proceso en_progreso en_cola procesando en_ejecución',
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
  // German, Chinese, Japanese, Spanish
  'abgeschlossen fertig erledigt erfolgreich 已完成 完成 成功 完了 completado completada finalizado exitoso',
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
  // German, Chinese, Japanese, Spanish
  'fehlgeschlagen fehler gescheitert 失败 错误 失敗 エラー fallido fallida',
  // Others
  'aborted_with_error completed_with_errors dead exception fatal partial_failure partially_completed partially_failed system_failure unsuccessful not_built',
];
const CANCELLED = [
  'abort aborted cancel canceled cancelled interrupted killed preempted revoked stopped terminated discarded user_cancelled job_state_cancelled force_canceled',
  // German, Chinese, Japanese, Spanish
  'abgebrochen 已取消 キャンセル cancelado cancelada',
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
