import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { MAX_PROXY_SESSIONS } from '../src/proxy/start-proxy.js';
import { sections } from '../src/server/config/config-schema.js';
import { settingList } from '../src/server/config/setting-list.js';
import { MAX_MISTAKES_PER_MINUTE } from '../src/server/http/client-mistakes.js';
import { EVENT_LOG_LIMITS } from '../src/server/http/event-log.js';
import { HTTP_LIMITS } from '../src/server/http/http-server.js';
import { BODY_SILENCE_MS, MAX_BATCH, MAX_DEPTH } from '../src/server/http/request-body.js';
import { MAX_SUBSCRIPTIONS } from '../src/server/http/revision-endpoint.js';
import { MAX_ANSWER_BYTES, MAX_QUESTION_BYTES, MAX_QUESTIONS } from '../src/server/input-answers.js';
import { MAX_SUBSCRIBED_TASKS } from '../src/server/revision-2026-07-28/subscription.js';
import { taskLimits } from '../src/server/task-limits.js';

const rows = readFileSync(new URL('../SECURITY.md', import.meta.url), 'utf8')
  .split('\n')
  .filter(line => /^\| (?!what |-)/.test(line))
  .map(line => line.slice(2, -2).split(' | '));
const limits = taskLimits({});

test('SECURITY.md tells the limits that hold', () => {
  expect(MAX_QUESTION_BYTES).toBe(MAX_ANSWER_BYTES);
  expect(Object.fromEntries(rows.map(([what = '', limit]) => [what, Number(limit)]))).toEqual({
    'bytes of one request': HTTP_LIMITS.maxBodyBytes,
    'levels of nested JSON': MAX_DEPTH,
    'messages of one batch': MAX_BATCH,
    'seconds for the headers of a request': HTTP_LIMITS.headersTimeoutMs / 1000,
    'seconds of silence within a request': BODY_SILENCE_MS / 1000,
    'seconds for a whole request': HTTP_LIMITS.requestTimeoutMs / 1000,
    'bytes of unfinished requests and unread answers of one principal': HTTP_LIMITS.maxPendingBytes,
    'bytes of sent messages that are kept for streams that broke': EVENT_LOG_LIMITS.maxBytes,
    'the same, of one session': EVENT_LOG_LIMITS.maxBytesPerSession,
    'lines of the log on mistakes of clients in a minute': MAX_MISTAKES_PER_MINUTE,
    sessions: HTTP_LIMITS.maxSessions,
    'sessions of the proxy': MAX_PROXY_SESSIONS,
    subscriptions: MAX_SUBSCRIPTIONS,
    'tasks of one subscription': MAX_SUBSCRIBED_TASKS,
    'calls that are held': limits.maxHeldCalls,
    'tasks of one principal that have not ended': limits.maxUnfinishedPerPrincipal,
    'share of the free places of a worker for one principal':
      sections.execution.principalShare.def.defaultValue,
    'bytes of one result': 1024 * 1024,
    'questions of one task': MAX_QUESTIONS,
    'bytes of one question, or of its answer': MAX_ANSWER_BYTES,
  });
});

test('settings have the default that SECURITY.md tells', () => {
  const named = rows.flatMap(([, limit, setting = '']) => {
    const path = /^`((?:server|state|execution)\.\w+)`$/.exec(setting)?.[1];
    return path === undefined ? [] : [[path, Number(limit)] as const];
  });
  expect(named.length).toBeGreaterThan(4);
  for (const [path, limit] of named)
    expect([path, settingList.find(setting => setting.path === path)?.default]).toEqual([path, limit]);
});
