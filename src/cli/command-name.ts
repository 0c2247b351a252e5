import type { CommandIo } from './io.js';

/** What starts a package for the time of one command, by where it keeps it. */
const RUN_ONCE: readonly (readonly [RegExp, string])[] = [
  [/\/pnpm\/dlx\//, 'pnpm dlx mcp-await'],
  [/\/dlx-\d+\//, 'yarn dlx mcp-await'],
  [/\/bunx-/, 'bunx mcp-await'],
];

/** What starts a package of the project, by the name in `npm_config_user_agent`. */
const BY_MANAGER: Readonly<Record<string, string>> = {
  npm: 'npx mcp-await',
  pnpm: 'pnpm exec mcp-await',
  yarn: 'yarn mcp-await',
  bun: 'bunx mcp-await',
};

/** How whoever has started this command starts it again: `mcp-await` where the shell finds that, else `npx mcp-await` or the like. */
export function commandName({ argv, env }: Pick<CommandIo, 'argv' | 'env'>): string {
  const path = (argv[1] ?? '').replaceAll('\\', '/');
  const once = RUN_ONCE.find(([place]) => place.test(path));
  if (once !== undefined) return once[1];
  // Installed for all projects, or a clone.
  const isOfProject = path.includes('/node_modules/.bin/') || env.npm_config_user_agent !== undefined;
  if (!path.includes('/node_modules/') || !isOfProject) return 'mcp-await';
  const manager = env.npm_config_user_agent?.split('/', 1)[0] ?? 'npm';
  return BY_MANAGER[manager] ?? 'npx mcp-await';
}

/** A command in a text for a person: in backticks, behind a colon or an arrow, or at the beginning of an indented line. */
const COMMAND = /(`|: +| {2}|→ )(?:npx )?mcp-await(?= [-[<a-z])/g;

/** A text for a person with its commands as this one was started. */
export function asStarted(text: string, io: Pick<CommandIo, 'argv' | 'env'>): string {
  return text.replace(COMMAND, (_command, before: string) => `${before}${commandName(io)}`);
}
