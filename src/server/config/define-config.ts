import type { McpAwaitConfig } from './config-schema.js';

/**
 * Returns the configuration as it is, so that an editor knows its keys; `mcp-await` checks it when it reads the file.
 *
 * @example
 * ```ts
 * // mcp-await.config.ts
 * export default defineConfig({ server: { transport: 'http', port: 8080 }, execution: { maxConcurrency: 10 } });
 * ```
 */
export function defineConfig(config: McpAwaitConfig): McpAwaitConfig {
  return config;
}
