import { expect, test } from 'vitest';
import { Circuit, type CircuitState, type CircuitVerdict } from '../../src/pacing/circuit.js';

const settings = { failureRate: 0.5, minimumCalls: 4, callCount: 6, openMs: 1000 };

function newCircuit() {
  const changes: CircuitState['name'][] = [];
  const circuit = new Circuit(settings, state => changes.push(state.name));
  const call = (verdict: CircuitVerdict, now = 0) => circuit.settle(circuit.admit(now), verdict, now);
  return { circuit, changes, call };
}

/** A circuit that has opened at 0. */
function newOpenCircuit() {
  const made = newCircuit();
  for (let count = 0; count < 4; count++) made.call('failure');
  return made;
}

test.each<[string, CircuitVerdict[], CircuitState['name']]>([
  ['too few calls', ['failure', 'failure', 'failure'], 'closed'],
  ['every call failed', ['failure', 'failure', 'failure', 'failure'], 'open'],
  ['exactly the rate', ['success', 'failure', 'success', 'failure'], 'closed'],
  ['more than the rate', ['success', 'failure', 'failure', 'failure'], 'open'],
  ['calls that tell nothing', ['failure', 'nothing', 'nothing', 'failure', 'nothing', 'failure'], 'closed'],
  [
    'old successes are forgotten',
    [
      'success',
      'success',
      'success',
      'success',
      'success',
      'success',
      'failure',
      'failure',
      'failure',
      'failure',
    ],
    'open',
  ],
])('%s: %j leaves it %s', (_case, verdicts, state) => {
  const { circuit, call } = newCircuit();
  for (const verdict of verdicts) call(verdict);
  expect(circuit.state.name).toBe(state);
});

test('no call passes before the time, then one passes, and no other while it lasts', () => {
  const { circuit, changes } = newOpenCircuit();
  expect(circuit.state).toEqual({ name: 'open', retryAt: 1000 });
  expect(circuit.admit(999)).toBeUndefined();
  expect(circuit.admit(1000)).toBeDefined();
  expect(circuit.admit(1001)).toBeUndefined();
  expect(changes).toEqual(['open', 'half-open']);
});

test('a trial that goes well closes the circuit and forgets the failures', () => {
  const { circuit, changes, call } = newOpenCircuit();
  call('success', 1000);
  for (let count = 0; count < 2; count++) call('failure', 1001);
  expect(circuit.state.name).toBe('closed');
  expect(changes).toEqual(['open', 'half-open', 'closed']);
});

test('a trial that fails opens it again for the whole time', () => {
  const { circuit } = newOpenCircuit();
  const trial = circuit.admit(1000);
  circuit.settle(trial, 'failure', 1500);
  expect(circuit.state).toEqual({ name: 'open', retryAt: 2500 });
});

test('after a trial that tells nothing the next call is the trial', () => {
  const { circuit } = newOpenCircuit();
  const trial = circuit.admit(1000);
  circuit.settle(trial, 'nothing', 1500);
  expect(circuit.admit(1500)).toBeDefined();
});

test('a trial that never tells anything holds up nobody for longer than the time', () => {
  const { circuit } = newOpenCircuit();
  const forgotten = circuit.admit(1000);
  expect(circuit.admit(1999)).toBeUndefined();
  const next = circuit.admit(2000);
  expect(next).toBeDefined();
  circuit.settle(forgotten, 'success', 2100);
  expect(circuit.state.name).toBe('half-open');
  circuit.settle(next, 'success', 2200);
  expect(circuit.state.name).toBe('closed');
});

test('calls that began before it opened change nothing until it is closed', () => {
  const { circuit, call } = newCircuit();
  const early = circuit.admit(0);
  const late = circuit.admit(0);
  for (let count = 0; count < 4; count++) call('failure');
  circuit.settle(early, 'success', 10);
  expect(circuit.state).toEqual({ name: 'open', retryAt: 1000 });
  circuit.admit(1000);
  circuit.settle(late, 'failure', 1001);
  expect(circuit.state.name).toBe('half-open');
});
