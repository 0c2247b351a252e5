import { vi } from 'vitest';

const PATIENT = Symbol.for('patient');
const { waitFor } = vi;

/** The default of vitest is a second, for which a busy machine may stop a process. */
const patiently: typeof waitFor = (callback, options) =>
  waitFor(callback, { timeout: 20_000, ...(typeof options === 'number' ? { timeout: options } : options) });

// This file runs before each file of tests, several of which may share a process.
if (!(PATIENT in waitFor)) vi.waitFor = Object.assign(patiently, { [PATIENT]: true });
// A test that hung may have left these behind.
vi.useRealTimers();
