import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';

const PAGE = fileURLToPath(new URL('../../docs/measurements/conformance.md', import.meta.url));

/** The table of the page is that of this run; `npm run conformance` writes it. */
export async function expectOnPage(name: 'conformance' | 'client-conformance', table: string): Promise<void> {
  const section = new RegExp(
    `(?<=<!-- ${name}: made by \`npm run conformance\` -->\\n)[\\s\\S]*?(?=<!-- /${name} -->)`,
  );
  const page = await readFile(PAGE, 'utf8');
  expect(page).toMatch(section);
  if (process.env.npm_lifecycle_event === 'conformance')
    await writeFile(
      PAGE,
      page.replace(section, () => `\n${table}\n`),
    );
  else expect(section.exec(page)?.[0]).toBe(`\n${table}\n`);
}
