import truncatedWidth from 'fast-string-truncated-width';

/** Columns that a text takes on a terminal. */
export function widthOf(text: string): number {
  return truncatedWidth(text).width;
}

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** The text in at most that many columns, cut with an ellipsis. */
export function cutTo(columns: number, text: string): string {
  if (widthOf(text) <= columns) return text;
  if (columns < 1) return '';
  let kept = '';
  for (const { segment } of graphemes.segment(text)) {
    if (widthOf(kept + segment) > columns - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}
