const SECRET_PARAMETER = /([?&][^=&#]*(?:pass|secret|token|key)[^=&#]*=)[^&#]*/gi;

/** A text that may be a URL, with `***` for who logs in to it and for every parameter that sounds like a secret. */
export function maskSecrets(text: string): string {
  if (/^(sqlite|file):/i.test(text)) return text;
  // Up to the last `@`: a password that was not percent-encoded may hold one, and slashes too.
  return text.replace(/\/\/.*@/s, '//***@').replace(SECRET_PARAMETER, '$1***');
}
