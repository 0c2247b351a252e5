import type { InputAnswer, InputHandler, InputQuestion } from '../../client/input/input-handler.js';
import type { CommandIo } from '../io.js';
import { plainText } from '../terminal-text.js';
import { type Field, fieldsOf } from './field.js';
import { PromptReader } from './line-reader.js';
import { readField } from './read-field.js';

type Answer = Extract<InputAnswer, { action: string }>;

const DECLINE = ':decline';
const CANCEL = ':cancel';

/** Whether there is somebody who can be asked. */
export function canAsk({ stdin, stderr }: CommandIo): boolean {
  return stdin.isTTY === true && stderr.isTTY === true;
}

/**
 * Asks whoever sits at the terminal, one question after another.
 * @param pause takes away what else is drawn there, until its answer is disposed
 */
export function terminalAsker(io: CommandIo, pause: () => Disposable): InputHandler {
  let last: Promise<unknown> = Promise.resolve();
  return question => {
    const answer = last.then(() => ask(question, io, pause));
    last = answer.catch(() => {});
    return answer;
  };
}

async function ask(question: InputQuestion, io: CommandIo, pause: () => Disposable): Promise<Answer> {
  const { method, params, signal, tool } = question;
  signal.throwIfAborted();
  if (method !== 'elicitation/create' || (params.mode ?? 'form') !== 'form')
    throw new Error(`a terminal cannot answer \`${method}\``);
  using _paused = pause();
  using lines = new PromptReader(io);
  const fields = fieldsOf(params.requestedSchema);
  io.stderr.write(`${plainText(tool ?? 'The server')} asks: ${plainText(String(params.message ?? ''))}\n`);
  if (fields.length === 0) return await askYesNo(lines, signal);
  io.stderr.write(`(${DECLINE} refuses, ${CANCEL} gives no answer.)\n`);
  return await askFields(fields, lines, { io, signal });
}

async function askYesNo(lines: PromptReader, signal: AbortSignal): Promise<Answer> {
  for (;;) {
    const word = (await lines.read('[y]es, [n]o or [c]ancel: ', signal)).trim().toLowerCase();
    if (['y', 'yes'].includes(word)) return { action: 'accept', content: {} };
    if (['n', 'no', DECLINE].includes(word)) return { action: 'decline' };
    if (['c', 'cancel', CANCEL].includes(word)) return { action: 'cancel' };
  }
}

async function askFields(
  fields: readonly Field[],
  lines: PromptReader,
  { io, signal }: { readonly io: CommandIo; readonly signal: AbortSignal },
): Promise<Answer> {
  const content: Record<string, string | number | boolean | string[]> = {};
  for (const field of fields) {
    for (const [index, { title }] of field.choices.entries())
      io.stderr.write(`  ${index + 1}) ${plainText(title)}\n`);
    for (;;) {
      const line = await lines.read(promptOf(field), signal);
      if (line.trim() === DECLINE) return { action: 'decline' };
      if (line.trim() === CANCEL) return { action: 'cancel' };
      const typed = readField(line, field);
      if ('problem' in typed) {
        io.stderr.write(`${plainText(typed.problem)}\n`);
        continue;
      }
      if ('value' in typed)
        Object.defineProperty(content, field.name, { value: typed.value, enumerable: true });
      break;
    }
  }
  return { action: 'accept', content };
}

const KINDS: Readonly<Record<Field['kind'], string>> = {
  text: '',
  number: 'a number',
  integer: 'a whole number',
  'yes-no': 'y or n',
  'one-of': 'one of these',
  'some-of': 'some of these, with commas between',
};

function promptOf({ name, title, kind, isRequired, standard }: Field): string {
  const notes = [
    KINDS[kind],
    standard === undefined ? '' : `default ${plainText(JSON.stringify(standard))}`,
    isRequired || standard !== undefined ? '' : 'may be left empty',
  ].filter(Boolean);
  const said = title === '' ? '' : ` (${plainText(title)})`;
  return `${plainText(name)}${said}${notes.length === 0 ? '' : `, ${notes.join(', ')}`}: `;
}
