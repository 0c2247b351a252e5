// Operations of your own: `mcp-await serve --operations examples/own-operations.js`.
import { setTimeout } from 'node:timers/promises';
import { defineOperation, OperationError } from 'mcp-await/server';
import { z } from 'zod';

export const operations = [
  defineOperation({
    name: 'bake_cake',
    description: 'Bakes a cake of the given layers and returns its name.',
    input: z.object({ flavour: z.string(), layers: z.number().int().min(1).max(10) }),
    output: z.object({ cake: z.string() }),
    slaSeconds: 60,
    async run({ flavour, layers }, { signal, progress }) {
      if (flavour === 'concrete') throw new OperationError('NOT_EDIBLE', 'Nobody eats concrete.');
      for (let layer = 1; layer <= layers; layer++) {
        await setTimeout(100, undefined, { signal });
        progress({ current: layer, total: layers, message: `layer ${layer} is done` });
      }
      return { cake: `${flavour} cake of ${layers} layers` };
    },
  }),
];
