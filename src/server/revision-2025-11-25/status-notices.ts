import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { isEnded, type TaskRecord } from '../../engine/task-record.js';
import type { TaskFeed } from '../task-feed.js';
import { nativeTask } from './native-task.js';

export interface StatusNotices {
  /** The session has started a task or asked about it: it is to hear of it from now on. */
  follow(record: TaskRecord): void;
  stop(): void;
}

/** Sends `notifications/tasks/status` to one session (spec 2025-11-25, basic/utilities/tasks, "Task Status Notification"). */
export function createStatusNotices(server: Server, feed: TaskFeed): StatusNotices {
  const followed = new Map<string, () => void>();
  let stopped = false;
  return {
    follow(record) {
      const { taskRef } = record;
      if (stopped || followed.has(taskRef)) return;
      let told = nativeTask(record, Date.now());
      const stop = feed.watch(record, changed => {
        if (isEnded(changed)) followed.delete(taskRef);
        const { status, statusMessage } = told;
        told = nativeTask(changed, Date.now());
        if (told.status === status && told.statusMessage === statusMessage) return;
        // A client that has gone, or takes no notifications, can still ask.
        server.notification({ method: 'notifications/tasks/status', params: told }).catch(() => {});
      });
      followed.set(taskRef, stop);
    },
    stop() {
      stopped = true;
      for (const unfollow of followed.values()) unfollow();
      followed.clear();
    },
  };
}
