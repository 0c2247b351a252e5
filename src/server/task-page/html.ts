/** Text that is HTML already. */
export interface Html {
  readonly markup: string;
}

type Piece = Html | string | number | undefined | readonly Piece[];

/** A template of HTML. Whatever is put into it is escaped, unless it is `Html` itself: all of it may be a stranger's text. */
export function html(strings: TemplateStringsArray, ...pieces: readonly Piece[]): Html {
  return { markup: strings.map((text, index) => text + markupOf(pieces[index])).join('') };
}

function markupOf(piece: Piece): string {
  if (piece === undefined) return '';
  if (typeof piece === 'string' || typeof piece === 'number') return escapeHtml(String(piece));
  return 'markup' in piece ? piece.markup : piece.map(markupOf).join('');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Characters that turn the direction of writing, or move nothing visible, are shown as a replacement character. */
export function escapeHtml(text: string): string {
  return text
    .replace(/[&<>"']/g, character => ENTITIES[character] ?? '')
    .replace(/[\p{Cc}\p{Bidi_Control}]/gu, character => (/[\t\n]/.test(character) ? character : '\ufffd'));
}

/** A time of the day that all readers of a log understand. */
export function timeOf(at: number): Html {
  const iso = new Date(at).toISOString();
  return html`<time datetime="${iso}">${iso.replace('T', ' ').slice(0, 19)} UTC</time>`;
}
