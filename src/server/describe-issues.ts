import { z } from 'zod';

/** All that is wrong with a value, in one line. */
export function describeIssues(error: z.core.$ZodError): string {
  return z
    .prettifyError(error)
    .split('\n')
    .map(line => line.replace('✖ ', '').trim())
    .join(' ')
    .trim();
}
