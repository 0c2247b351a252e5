import { ErrorCode, McpError } from '@modelcontextprotocol/sdk/types.js';
import { expect, test } from 'vitest';
import { circuitVerdictOf } from '../../../src/client/faults/circuits.js';
import * as errors from '../../../src/errors.js';
import type { CircuitVerdict } from '../../../src/pacing/circuit.js';

test.each<[unknown, CircuitVerdict]>([
  [new errors.ServerUnavailableError('x'), 'failure'],
  [new errors.OutcomeUnknownError('x'), 'failure'],
  [new errors.ProtocolViolationError('x'), 'failure'],
  [new errors.StatusCheckError('x', { retryable: false }), 'failure'],
  [new errors.AwaitTimeoutError('x', { budget: 'attempts' }), 'failure'],
  [new McpError(ErrorCode.InternalError, 'x'), 'failure'],
  [new Error('x'), 'failure'],
  [new McpError(ErrorCode.InvalidParams, 'x'), 'nothing'],
  [new errors.AwaitAbortedError('x'), 'nothing'],
  [new errors.AwaitDetachedError('x'), 'nothing'],
  [new errors.ConfigurationError('x'), 'nothing'],
  [new errors.CircuitOpenError('x', { retryAt: '' }), 'nothing'],
  [new errors.AuthorizationError('x'), 'nothing'],
  [new errors.InputRequiredError('x', {}), 'nothing'],
  [new errors.TaskNotFoundError('x'), 'nothing'],
])('a call that ends in %s', (error, verdict) => {
  expect(circuitVerdictOf({ error }, 10, 5)).toBe(verdict);
});

test('a stored result tells nothing, however it ended and however long it took to read', () => {
  const error = { code: 'A', message: 'b' };
  expect(circuitVerdictOf({ outcome: { status: 'failed', error }, stored: true }, 10, 5)).toBe('nothing');
});
