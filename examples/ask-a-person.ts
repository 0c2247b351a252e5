// An operation that asks before it deletes: `mcp-await serve --operations examples/ask-a-person.js`.
import { rm, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { defineOperation } from 'mcp-await/server';
import { z } from 'zod';

export const operations = [
  defineOperation({
    name: 'delete_file',
    description: 'Deletes a file, if a person agrees, and returns whether it did and why.',
    input: z.object({ path: z.string() }),
    async run({ path }, { elicit }) {
      // What comes before a question may be done more than once: it only looks.
      const { size } = await stat(path);
      const answer = await elicit(
        z.object({ confirm: z.boolean(), reason: z.string().max(200).optional() }),
        `Delete ${basename(path)} of ${size} bytes?`,
      );
      if (answer.action !== 'accept' || !answer.content.confirm) return { deleted: false };
      await rm(path, { force: true });
      return { deleted: true, reason: answer.content.reason };
    },
  }),
];
