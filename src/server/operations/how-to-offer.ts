/** The flags of `serve` that offer an operation where a server does without it. */
const OFFERED_BY = {
  hash_tree: '--root FOLDER',
  http_request: '--builtin',
  mcp_tool: '--config FILE',
  sleep: '--offer-sleep',
};

/** What offers a built-in operation, as a sentence; undefined of a name that is none. */
export function howToOffer(name: string): string | undefined {
  return Object.hasOwn(OFFERED_BY, name)
    ? `\`mcp-await serve ${OFFERED_BY[name as keyof typeof OFFERED_BY]}\` offers it.`
    : undefined;
}
