import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { Span } from '@opentelemetry/api';
import { type OpenTelemetry, openTelemetry } from '../../open-telemetry.js';
import { VERSION } from '../../version.js';
import type { CallWatch } from './call-watch.js';
import {
  connectionAttributes,
  type EndOfSpan,
  endOfSpan,
  leftAlone,
  spanEventOf,
} from './span-attributes.js';

/** A server may send progress a thousand times a second. */
const MAX_EVENTS = 100;

export interface TracedCall {
  readonly tool: string;
  /** What the caller sends in `_meta`. */
  readonly meta: Readonly<Record<string, unknown>> | undefined;
  readonly client: Client;
  /** Aborts when the client is closed. */
  readonly closed: AbortSignal;
}

/**
 * One span from the start of a call to its end, below whatever span is active now (OpenTelemetry semantic conventions
 * for MCP, "Client"); undefined when no tracer provider is registered.
 */
export function traceCall({ tool, meta = {}, client, closed }: TracedCall): CallWatch | undefined {
  const api = openTelemetry('trace');
  if (api === undefined) return undefined;
  const parent = api.context.active();
  const span = api.trace.getTracer('mcp-await', VERSION).startSpan(
    `tools/call ${tool}`,
    {
      kind: api.SpanKind.CLIENT,
      attributes: {
        ...connectionAttributes(client),
        'mcp.method.name': 'tools/call',
        'gen_ai.operation.name': 'execute_tool',
        'gen_ai.tool.name': tool,
      },
    },
    parent,
  );
  const carrier: Record<string, unknown> = {};
  api.propagation.inject(api.trace.setSpan(parent, span), carrier);
  // Values that the caller has set in `_meta` apply to all requests of the call.
  const own = Object.keys(carrier).filter(key => meta[key] !== undefined);
  for (const key of own) carrier[key] = meta[key];
  return { ...spanWatch(api, span, closed), meta: carrier };
}

function spanWatch(api: OpenTelemetry, span: Span, closed: AbortSignal): CallWatch {
  let eventCount = 0;
  let over = false;
  const end = ({ attributes, failure }: EndOfSpan) => {
    over = true;
    closed.removeEventListener('abort', onClosed);
    span.setAttributes(attributes);
    if (eventCount > MAX_EVENTS) span.setAttribute('mcp_await.dropped_events', eventCount - MAX_EVENTS);
    if (failure !== undefined) span.setStatus({ code: api.SpanStatusCode.ERROR, message: failure });
    span.end();
  };
  // A call with a waiting caller ends its span itself in this turn; a task without one goes on.
  const onClosed = () => queueMicrotask(() => !over && end(leftAlone));
  closed.addEventListener('abort', onClosed, { once: true });
  return {
    hear(event) {
      if (over) return;
      if (event.type === 'task-started') span.setAttribute('mcp_await.protocol', event.reference.protocol);
      const told = spanEventOf(event);
      if (told === undefined) return;
      eventCount++;
      if (eventCount <= MAX_EVENTS) span.addEvent(told.name, told.attributes);
    },
    ended: how => end(endOfSpan(how)),
  };
}
