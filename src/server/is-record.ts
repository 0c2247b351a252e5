/** Whether a value is a JSON object. */
export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A message without the nulls that some clients write for what is absent: `params` and its members, and the progress token. */
export function withoutNulls(message: unknown): unknown {
  if (!isJsonObject(message)) return message;
  const { params, ...rest } = message;
  if (params === null) return rest;
  if (!isJsonObject(params)) return message;
  const given = withoutNull(params);
  const { _meta: meta } = given;
  if (!isJsonObject(meta) || meta.progressToken !== null)
    return given === params ? message : { ...rest, params: given };
  const { progressToken: _absent, ...others } = meta;
  return { ...rest, params: { ...given, _meta: others } };
}

function withoutNull(object: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(object);
  const given = entries.filter(([, value]) => value !== null);
  return given.length === entries.length ? object : Object.fromEntries(given);
}
