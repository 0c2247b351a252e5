import type { Argument, Command, Option } from 'commander';
import { listServers } from '../client/connect/mcp-config.js';
import type { CommandIo } from './io.js';
import { shownId, withJobs } from './jobs.js';
import { plainText } from './terminal-text.js';

/** What may stand at the cursor. */
interface Candidate {
  readonly value: string;
  readonly says: string;
}

/** The shell completes names of files itself. */
const FILES = ':files';

/** Each asks this program for what may stand at the cursor; no word of a command line is run, or expanded. */
export const SCRIPTS = {
  bash: `# mcp-await: add to ~/.bashrc   source <(mcp-await completion bash)
_mcp_await() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == ${FILES} ]]; then
      compopt -o default 2>/dev/null
    else
      COMPREPLY+=("$(printf %q "\${line%%$'\\t'*}")")
    fi
  done < <(mcp-await complete -- "\${COMP_WORDS[@]:0:COMP_CWORD+1}" 2>/dev/null)
}
complete -F _mcp_await mcp-await
`,
  zsh: `#compdef mcp-await
# mcp-await: add to ~/.zshrc, after compinit   source <(mcp-await completion zsh)
_mcp_await() {
  local -a found
  local line
  while IFS= read -r line; do
    if [[ $line == ${FILES} ]]; then
      _files
    else
      found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
    fi
  done < <(mcp-await complete -- "\${(@)words[1,CURRENT]}" 2>/dev/null)
  (( \${#found} )) && _describe mcp-await found
}
compdef _mcp_await mcp-await
`,
  fish: `# mcp-await: mcp-await completion fish > ~/.config/fish/completions/mcp-await.fish
function __mcp_await
  set -l current (commandline -ct)
  set -l words (commandline -opc)
  for line in (mcp-await complete -- $words "$current" 2>/dev/null)
    if test "$line" = ${FILES}
      __fish_complete_path "$current"
    else
      echo $line
    end
  end
end
complete -c mcp-await -f -a '(__mcp_await)'
`,
} as const;

/** Prints what may stand at the cursor, a line each; nothing at all where something is wrong, since a shell waits for it. */
export async function complete(program: Command, words: readonly string[], io: CommandIo): Promise<void> {
  const candidates = await candidatesFor(program, words.slice(1), io).catch((): string | Candidate[] => []);
  if (candidates === FILES) io.stdout.write(`${FILES}\n`);
  if (typeof candidates === 'string') return;
  const current = words.at(-1) ?? '';
  const lines = candidates
    .filter(({ value }) => value.startsWith(current))
    .map(({ value, says }) => `${plainText(value)}\t${plainText(says).slice(0, 100)}\n`);
  io.stdout.write(lines.join(''));
}

async function candidatesFor(
  program: Command,
  words: readonly string[],
  io: CommandIo,
): Promise<readonly Candidate[] | typeof FILES> {
  const before = words.slice(0, -1);
  const current = words.at(-1) ?? '';
  // What stands behind `--` is a command of its own.
  if (before.includes('--')) return FILES;
  const command = program.commands.find(each => each.name() === before[0]);
  if (command === undefined) return before.length === 0 ? commandsOf(program) : [];
  const option = command.options.find(each => each.long === before.at(-1));
  if (option !== undefined && (option.required || option.optional)) return valuesOf(option, before, io);
  if (current.startsWith('-'))
    return command
      .createHelp()
      .visibleOptions(command)
      .map(({ long, description }) => ({
        value: long ?? '',
        says: description,
      }));
  const argument = command.registeredArguments[positionOf(command, before.slice(1))];
  return argument === undefined ? [] : argumentsOf(command, argument, io);
}

function commandsOf(program: Command): readonly Candidate[] {
  const visible = program.createHelp().visibleCommands(program);
  return visible.map(command => ({ value: command.name(), says: command.description() }));
}

/** How many arguments stand before the cursor. */
function positionOf(command: Command, words: readonly string[]): number {
  const takesValue = (word: string | undefined) =>
    command.options.some(({ long, required }) => long === word && required);
  return words.filter((word, index) => !word.startsWith('-') && !takesValue(words[index - 1])).length;
}

async function valuesOf(option: Option, before: readonly string[], io: CommandIo) {
  if (option.argChoices !== undefined) return option.argChoices.map(value => ({ value, says: '' }));
  if (option.long === '--server') return serversOf(before, io);
  return /<(file|folder|path)>/.test(option.flags) ? FILES : [];
}

async function argumentsOf(
  command: Command,
  argument: Argument,
  io: CommandIo,
): Promise<readonly Candidate[]> {
  if (argument.argChoices !== undefined) return argument.argChoices.map(value => ({ value, says: '' }));
  if (argument.name() === 'server') return serversOf([], io);
  if (!['wait', 'status', 'cancel', 'forget'].includes(command.name())) return [];
  const records = (await withJobs(io, journal => journal.list({ all: false }))) ?? [];
  return records.map(record => ({ value: shownId(record.id), says: `${record.tool} ${record.status}` }));
}

/** The servers of the file that the words name, or of the nearest one. */
function serversOf(before: readonly string[], io: CommandIo): readonly Candidate[] {
  const at = before.indexOf('--config');
  const configFile = at < 0 ? undefined : before[at + 1];
  return listServers({ configFile, directory: io.cwd(), environment: io.env }).map(({ name }) => ({
    value: name,
    says: 'server',
  }));
}
