import type { Tool } from '@modelcontextprotocol/sdk/types.js';

/** What one call may be answered with besides the tool's own result: where it stands, or how it failed. */
const OTHER_ANSWERS = [
  { type: 'object', required: ['status', 'reference', 'next'] },
  { type: 'object', required: ['error'] },
];

/** Where references within a schema lead that can be moved along. */
const DEFINITIONS = ['$defs', 'definitions'] as const;

/** An upstream's tool as the host sees it. Any of them may run as a task, whatever its server makes of it. */
export function hostTool(tool: Tool, name: string): Tool {
  const { outputSchema, execution: _theirs, _meta, ...rest } = tool;
  const output = outputSchema && hostOutputSchema(outputSchema);
  // What tells clients of this package that the tool is one of a pair, whose other half is hidden.
  const { 'io.github.mcp-await/pair': _pair, ...meta } = _meta ?? {};
  return {
    ...rest,
    name,
    execution: { taskSupport: 'optional' },
    ...(output !== undefined && { outputSchema: output }),
    ...(Object.keys(meta).length > 0 && { _meta: meta }),
  };
}

/** Hosts check every answer against it. Undefined where it cannot be widened. */
function hostOutputSchema(schema: NonNullable<Tool['outputSchema']>): Tool['outputSchema'] {
  const { $schema, $defs, definitions, ...own } = schema as Record<string, unknown>;
  if (!canBeNested([own, $defs, definitions])) return undefined;
  return {
    ...($schema !== undefined && { $schema }),
    ...($defs !== undefined && { $defs }),
    ...(definitions !== undefined && { definitions }),
    type: 'object',
    anyOf: [own, ...OTHER_ANSWERS],
  };
}

/** Whether every reference in it leads to its definitions, which stay where they are. */
function canBeNested(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(canBeNested);
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([key, item]) => {
    if (key === '$id' || key === '$anchor' || key === '$dynamicRef' || key === '$recursiveRef') return false;
    if (key !== '$ref' || typeof item !== 'string') return canBeNested(item);
    return DEFINITIONS.some(folder => item.startsWith(`#/${folder}/`));
  });
}
