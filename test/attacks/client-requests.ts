import fc from 'fast-check';

/** What a hostile client sends: whatever its session, its version and its names. */
export interface HostileRequest {
  readonly httpMethod: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const METHODS = [
  'initialize',
  'ping',
  'tools/list',
  'tools/call',
  'tasks/get',
  'tasks/result',
  'tasks/cancel',
  'tasks/list',
  'tasks/update',
  'server/discover',
  'subscriptions/listen',
  'notifications/cancelled',
  'notifications/initialized',
  'logging/setLevel',
  'completion/complete',
  '__proto__',
];
const NAMES = [
  'initiate_background_task',
  'resolve_task_status',
  'cancel_background_task',
  'work',
  'constructor',
];
const VERSIONS = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28', 'x', ''];

const oddText = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary', maxLength: 50 }),
  fc.constantFrom(...NAMES),
);
const oddValue = fc.oneof(fc.jsonValue({ maxDepth: 5 }), oddText, fc.double(), fc.constant(null));
const optional = (value: fc.Arbitrary<unknown>) => fc.option(value, { nil: undefined, freq: 3 });

const callArguments = fc.record({
  operation_type: optional(fc.oneof(fc.constant('work'), oddValue)),
  parameters: optional(oddValue),
  idempotency_key: optional(fc.oneof(fc.string({ minLength: 1, maxLength: 20 }), oddValue)),
  task_ref: optional(oddValue),
  task_refs: optional(fc.array(oddValue, { maxLength: 5 })),
  wait_seconds: optional(fc.constantFrom(0, 0.01, -1, 1e9, '1')),
  ttl_seconds: optional(oddValue),
  webhook_url: optional(oddValue),
});

const meta = fc.oneof(
  fc.constant({
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': { extensions: { 'io.modelcontextprotocol/tasks': {} } },
  }),
  fc.record({ progressToken: optional(oddValue), 'io.github.mcp-await/call': optional(oddValue) }),
  oddValue,
);

const params = fc.oneof(
  fc.record({
    _meta: optional(meta),
    name: optional(fc.oneof(fc.constantFrom(...NAMES), oddValue)),
    arguments: optional(fc.oneof(callArguments, oddValue)),
    taskId: optional(oddValue),
    task: optional(oddValue),
    inputResponses: optional(oddValue),
    requestState: optional(oddValue),
    notifications: optional(fc.oneof(fc.record({ taskIds: fc.array(oddValue, { maxLength: 3 }) }), oddValue)),
    requestId: optional(oddValue),
    protocolVersion: optional(fc.constantFrom(...VERSIONS)),
    capabilities: optional(oddValue),
    clientInfo: optional(oddValue),
  }),
  oddValue,
);

const message = fc.record({
  jsonrpc: fc.oneof({ weight: 9, arbitrary: fc.constant('2.0') }, { weight: 1, arbitrary: oddValue }),
  id: optional(fc.oneof(fc.integer(), fc.string({ maxLength: 10 }), oddValue)),
  method: fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...METHODS) }, { weight: 1, arbitrary: oddValue }),
  params: optional(params),
});

const body = fc.oneof(
  { weight: 12, arbitrary: message.map(value => JSON.stringify(value)) },
  { weight: 2, arbitrary: fc.array(message, { maxLength: 4 }).map(value => JSON.stringify(value)) },
  { weight: 1, arbitrary: oddText },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 1, max: 5000 }).map(depth => `${'['.repeat(depth)}${']'.repeat(depth)}`),
  },
);

const headers = fc.record({
  accept: fc.constantFrom('application/json, text/event-stream', 'application/json', '*/*'),
  'content-type': fc.constantFrom('application/json', 'application/json', 'text/plain'),
  'mcp-protocol-version': fc.constantFrom(...VERSIONS),
  'mcp-method': fc.constantFrom(...METHODS),
  'mcp-name': fc.constantFrom(...NAMES, '=?base64?!?='),
  // Of the session that the attack has opened, of none, or of nobody.
  'mcp-session-id': fc.constantFrom('own', 'own', 'none', 'made-up'),
  'last-event-id': fc.constantFrom('none', 'none', 'none', '1._GET_stream'),
});

export const hostileRequest: fc.Arbitrary<HostileRequest> = fc.record({
  httpMethod: fc.constantFrom('POST', 'POST', 'POST', 'POST', 'POST', 'POST', 'PUT', 'OPTIONS'),
  headers,
  body,
});
