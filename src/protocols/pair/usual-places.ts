import type { Place } from './profile.js';

type Places = Place[];

/** Where the reason of a failure usually is. */
export const usualErrorPlaces: Places =
  'error data.error task.error job.error error_message errorMessage'.split(' ');

export const usualExitCodePlaces: Places = ['exit_code', 'exitCode', 'data.exit_code', 'data.exitCode'];

/** Of a name that somebody else gave. */
const MAX_NAME = 300;

/** The words of an identifier: `taskId`, `task_id` and `task-id` are the same two. `状态` is a status, `进度` a progress. */
export function wordsOf(name: string): readonly string[] {
  return name
    .slice(0, MAX_NAME)
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .replace(/([A-Z])(?=[A-Z][a-z])/g, '$1 ')
    .toLowerCase()
    .replace(/状态|状態|ステータス|상태|статус|état/g, ' status ')
    .replace(/进度|進捗|진행률|прогресс/g, ' progress ')
    .split(/[^a-z\d]+/)
    .filter(word => word !== '');
}
