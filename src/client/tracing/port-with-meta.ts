import type { Port } from '../../protocols/protocol.js';

type Meta = Readonly<Record<string, unknown>>;

/** A port that adds to the `_meta` of every request. What a request has there already stays. */
export function portWithMeta(port: Port, meta: Meta): Port {
  if (Object.keys(meta).length === 0) return port;
  return {
    callTool: (call, options) => port.callTool({ ...call, _meta: { ...meta, ...call._meta } }, options),
    request: (request, schema, options) => {
      const params = (request.params ?? {}) as { readonly _meta?: Meta };
      return port.request(
        { ...request, params: { ...params, _meta: { ...meta, ...params._meta } } },
        schema,
        options,
      );
    },
  };
}
