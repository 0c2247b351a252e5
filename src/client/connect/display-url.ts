/** A URL without what may be secret: no user, password, query or fragment. */
export function displayUrl(url: string | URL): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}
