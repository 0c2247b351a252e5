/** One HTTP request, ready to be sent. */
export interface OutgoingRequest {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** What may follow to another origin. Any other header may hold a secret, whatever its name is. */
const HARMLESS_HEADERS: ReadonlySet<string> = new Set([
  'accept',
  'accept-language',
  'content-type',
  'user-agent',
]);

/** Where a redirect leads; undefined when the response is none, or does not say where to. */
export function redirectTarget(status: number, location: string | null, from: URL): URL | undefined {
  if (!REDIRECTS.has(status) || location === null || !URL.canParse(location, from.href)) return undefined;
  return new URL(location, from);
}

/** The request that follows a redirect, as browsers do it (Fetch standard, "HTTP-redirect fetch"). */
export function redirected(request: OutgoingRequest, status: number, url: URL): OutgoingRequest {
  const becomesGet =
    (status === 303 && request.method !== 'HEAD') ||
    ((status === 301 || status === 302) && request.method === 'POST');
  const sameOrigin = url.origin === request.url.origin;
  const headers = Object.entries(request.headers).filter(([name]) => {
    const lowerCase = name.toLowerCase();
    if (becomesGet && lowerCase === 'content-type') return false;
    return sameOrigin || HARMLESS_HEADERS.has(lowerCase);
  });
  return {
    url,
    method: becomesGet ? 'GET' : request.method,
    headers: Object.fromEntries(headers),
    body: becomesGet ? undefined : request.body,
  };
}
