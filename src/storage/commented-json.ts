import { type ParseError, type ParseErrorCode, parse, printParseErrorCode } from 'jsonc-parser';

/**
 * Reads JSON as people write it into the files of hosts: with comments and trailing commas.
 * @throws SyntaxError that says what is wrong at which place, and repeats nothing of the text: it may hold secrets
 */
export function parseCommentedJson(text: string): unknown {
  const errors: ParseError[] = [];
  const value = parseWithin(text, errors);
  const [error] = errors;
  if (error === undefined) return value;
  const before = text.slice(0, error.offset).split('\n');
  const place = `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
  throw new SyntaxError(`${words(error.error)} at ${place}`);
}

function parseWithin(text: string, errors: ParseError[]): unknown {
  try {
    return parse(text, errors, { allowTrailingComma: true });
  } catch (cause) {
    // The parser calls itself for each level.
    if (cause instanceof RangeError) throw new SyntaxError('it is nested too deeply', { cause });
    throw cause;
  }
}

/** `PropertyNameExpected` as `property name expected`. */
function words(code: ParseErrorCode): string {
  return printParseErrorCode(code)
    .replace(/(?!^)[A-Z]/g, letter => ` ${letter}`)
    .toLowerCase();
}
