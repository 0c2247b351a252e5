import { expect, it } from 'vitest';
import { z } from 'zod';
import { configSchema } from '../../../src/server/config/config-schema.js';
import { settingList } from '../../../src/server/config/setting-list.js';

/** What an editor needs: completion, a sentence for each key, and a line under what is wrong. */
function jsonSchema(): object {
  return z.toJSONSchema(configSchema, {
    io: 'input',
    target: 'draft-7',
    override({ zodSchema, jsonSchema }) {
      const setting = settingList.find(({ schema }) => schema === (zodSchema as unknown as z.ZodType));
      if (setting?.unit !== undefined) jsonSchema.description = `${setting.description} In ${setting.unit}.`;
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    },
  });
}

it('the JSON Schema in the package is that of the settings', async () => {
  const file = '../../../schema/mcp-await.config.schema.json';
  await expect(`${JSON.stringify(jsonSchema(), undefined, 2)}\n`).toMatchFileSnapshot(file);
});
