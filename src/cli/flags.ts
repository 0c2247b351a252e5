import { type Command, Option } from 'commander';
import type { SettingsFlag } from './config/find-file.js';
import { collect, count, duration, orOff, port } from './flag-values.js';

export interface WaitFlags {
  readonly onInterrupt: 'detach' | 'cancel';
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export function addWaitFlags(command: Command): Command {
  return addOutputFlags(
    addPollingFlags(command.optionsGroup('Waiting:')).addOption(
      new Option('--on-interrupt <action>', 'what Ctrl-C does to the job')
        .choices(['detach', 'cancel'])
        .default('detach'),
    ),
  );
}

export function addPollingFlags(command: Command): Command {
  return command
    .option(
      '--timeout <duration>',
      'give up waiting after this time, such as 90s or 5m, or off (default: 24h)',
      orOff(duration),
    )
    .option(
      '--silence-timeout <duration>',
      'give up on a synchronous call that is silent for this time (default: off)',
      orOff(duration),
    )
    .option(
      '--max-attempts <count>',
      'give up after this many status requests at our own pace (default: off)',
      orOff(count),
    )
    .option('--initial-interval <duration>', 'first interval between status requests (default: 1s)', duration)
    .option('--max-interval <duration>', 'longest interval between status requests (default: 30s)', duration);
}

export function addSettingsFlag(command: Command): Command {
  return command.option(
    '--settings <file>',
    'file of settings (default: mcp-await.config.json, .ts, .mts, .js or .mjs in the working folder)',
  );
}

export function addOutputFlags(command: Command): Command {
  return command
    .optionsGroup('Output:')
    .option('--json', 'print one JSON object with status, reference, attempts and result')
    .option('--quiet', 'print only errors on standard error');
}

/** The hosts whose files `mcp-await install` knows. */
export const HOST_NAMES = [
  'claude-code',
  'claude-desktop',
  'cursor',
  'vscode',
  'windsurf',
  'codex',
  'gemini-cli',
] as const;

/** Every command finds its server by these. */
export interface ServerFlags extends SettingsFlag {
  readonly url?: string;
  readonly urlEnv?: string;
  readonly header?: readonly string[];
  readonly headerEnv?: readonly string[];
  readonly server?: string;
  readonly config?: string;
  readonly env?: readonly string[];
  /** Undefined to sign in where somebody is at the terminal. */
  readonly signIn?: boolean;
  /** A flag of commands that wait. */
  readonly quiet?: boolean;
  /** No flag: the folder in which a server of the journal is started again. */
  readonly cwd?: string;
}

export function addServerFlags(command: Command): Command {
  const choice = command
    .optionsGroup('Server:')
    .option('--url <url>', 'URL of a server over Streamable HTTP')
    .option('--url-env <variable>', 'variable of the environment that has the URL')
    .option('--header <line>', "HTTP header 'Name: value' for --url (repeatable)", collect)
    .option(
      '--header-env <name=variable>',
      'HTTP header for --url whose value is in a variable of the environment (repeatable)',
      collect,
    )
    .option('--server <name>', 'name of a server in the nearest .mcp.json or mcp.json')
    .option('--config <file>', 'look the name up in this mcpServers file')
    .option('--sign-in', 'open a browser if the server needs a sign-in, even without a terminal')
    .option('--no-sign-in', 'never open a browser; the tokens of `mcp-await login` are still used')
    .option('--env <name=value>', 'variable of the environment for -- COMMAND (repeatable)', collect);
  // What follows is the verb's own.
  return addConnectionFlags(addSettingsFlag(choice))
    .optionsGroup('Options:')
    .addHelpText(
      'after',
      '\nServer: --url URL, --server NAME, or -- COMMAND ARGS... (stdio). Without any, the bundled server with its own store.',
    );
}

/** How a server is connected to; each is a setting, too. */
export function addConnectionFlags(command: Command): Command {
  return command
    .option(
      '--connect-timeout <duration>',
      'give up connecting after this silence; a command that writes to standard error is not silent (default: 60s)',
      duration,
    )
    .option('--discover', 'first ask a server whether it speaks MCP 2026-07-28 (default)')
    .option('--no-discover', 'do not ask, and send `initialize`')
    .option('--max-answer-bytes <count>', 'largest accepted answer of a server (default: 134217728)', count);
}

/** Of the flags of a process that runs tasks, those that are no settings. */
export interface TaskFlags extends SettingsFlag {
  readonly config?: string;
}

const STORES = 'store of the tasks: sqlite:PATH, memory:, redis://, rediss://, postgres:// or dynamodb://';
export const SHARED_STORES = 'sqlite:PATH, redis://, rediss://, postgres:// or dynamodb://';
export const KEY_PREFIX_FLAG =
  'separates installations that share one Redis, PostgreSQL or DynamoDB table (default: mcp_task:)';

export function addTaskFlags(command: Command): Command {
  return addSettingsFlag(command)
    .option('--store <url>', `${STORES} (default: a file in the state folder)`)
    .option('--key-prefix <prefix>', KEY_PREFIX_FLAG)
    .option('--operations <file>', 'ES module that exports operations of your own')
    .option('--builtin', 'also offer the built-in operations (default)')
    .option('--no-builtin', 'offer only the operations of --operations')
    .option('--concurrency <count>', 'largest number of tasks at the same time (default: 50)', count)
    .option(
      '--lease <duration>',
      'time within which the tasks of a dead process fail; the same for all processes on a store (default: 30s)',
      duration,
    )
    .option(
      '--root <folder>',
      'folder that hash_tree may read (repeatable; default: the working directory)',
      collect,
    )
    .option('--allow-private', 'let http_request call loopback and private addresses')
    .option('--no-allow-private', 'refuse them, even if the settings allow them')
    .option('--config <file>', 'mcpServers file whose servers mcp_tool may call')
    .option(
      '--log-level <level>',
      'error, warn, info or debug (default: info; error on the standard streams)',
    )
    .optionsGroup('Webhooks:')
    .option(
      '--webhook-secret-file <file>',
      'turn webhooks on, and sign them with the whsec_ secret in this file (or in MCP_AWAIT_WEBHOOK_SECRET)',
    )
    .option(
      '--webhook-host <pattern>',
      'host to which webhooks may go, such as *.example.com (repeatable; default: any public host)',
      collect,
    )
    .option('--webhook-allow-private', 'let webhooks go to loopback and private addresses')
    .option('--no-webhook-allow-private', 'refuse them, even if the settings allow them')
    .option('--webhook-allow-http', 'let webhooks use plain HTTP')
    .option('--no-webhook-allow-http', 'refuse it, even if the settings allow it');
}

export function addListenFlags(command: Command): Command {
  addHttpFlags(command)
    .option('--offer-sleep', 'offer the operation sleep (default on the standard streams)')
    .option('--no-offer-sleep', 'do not offer it (default over HTTP)');
  return addTaskPageFlags(command, "show a caller's tasks in a browser, at /tasks (needs --http)")
    .option(
      '--host-timeout <duration>',
      'answer a call of an operation that takes longer with its reference (default: the known limit of the host, else 1s)',
      duration,
    )
    .option('--worker', 'also run tasks (default)')
    .option('--no-worker', 'only accept tasks; `mcp-await worker` on the same store runs them');
}

export function addHttpFlags(command: Command): Command {
  return command
    .optionsGroup('Transport:')
    .option('--http', 'serve Streamable HTTP instead of the standard streams')
    .option('--stdio', 'serve the standard streams, even if the settings say HTTP')
    .option('--host <address>', 'address to listen on (default: 127.0.0.1); any other address needs a token')
    .option('--port <number>', 'port to listen on, 0 for any free port (default: 3000)', port)
    .option('--token-file <file>', 'file with one token per line, as name=token or bare')
    .option('--auth-issuer <url>', 'accept access tokens of this authorization server, as named in their iss')
    .option('--auth-audience <text>', 'audience that these tokens must have in aud')
    .option('--auth-scope <scope>', 'scope that these tokens must have (repeatable)', collect)
    .option('--auth-allow-private', 'allow a private address for the authorization server')
    .option('--no-auth-allow-private', 'refuse it, even if the settings allow it')
    .option(
      '--public-url <url>',
      'URL of the endpoint as clients know it (default: the audience if it is a URL, else the address it listens on)',
    )
    .option('--allowed-host <name>', 'further name that is allowed in the Host header (repeatable)', collect)
    .option('--allowed-origin <origin>', 'further Origin whose pages may call (repeatable)', collect)
    .option(
      '--local-origins',
      'let pages of this machine call, such as http://localhost:5173 (default with a token)',
    )
    .option('--no-local-origins', 'refuse them (default without a token)');
}

function addTaskPageFlags(command: Command, description: string): Command {
  return command
    .option('--task-page', description)
    .option('--no-task-page', 'do not show them (default)')
    .option(
      '--trusted-proxy <address>',
      'proxy whose X-Forwarded-For says where a sign-in to that page comes from (repeatable)',
      collect,
    );
}

export function addProbeFlags(command: Command): Command {
  command.option(
    '--metrics-port <number>',
    'serve /metrics, /health and /ready on this port, 0 for any free port',
    port,
  );
  return addTaskPageFlags(command, 'show the tasks of all owners in a browser, at /tasks of that port')
    .option(
      '--metrics-host <address>',
      'address for that port (default: 127.0.0.1); any other address needs tokens',
    )
    .option('--metrics-token-file <file>', 'file with the tokens for /metrics, one per line');
}

/** What follows the options in the help of a command that waits. */
export const EXIT_CODES = `
Exit codes:
  0    completed                      4    cancelled
  1    failed                         5    the server cannot be reached
  2    the command line is wrong      6    the result could not be printed
  3    gave up; the job may go on     130  left by Ctrl-C; the job goes on`;

export const RUN_HELP = `
Examples:
  mcp-await run render_report --arg title=May -- npx tsx server.ts
  mcp-await run render_report --args @arguments.json --url http://127.0.0.1:3000/mcp
  mcp-await run hash_tree --arg path=. --detach
${EXIT_CODES}`;

/** Each command says where its help is, and the usage of those that find a server that a command may follow. */
export function withUsage(program: Command): Command {
  for (const command of program.commands) {
    command.showHelpAfterError(`(see \`mcp-await ${command.name()} --help\`)`);
    const choices = command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices).join(', ');
    if (choices !== '')
      command.configureOutput({
        // The parser names the choices only where another word stands in their place.
        outputError: (text, write) =>
          write(text.replace(/^(error: missing required argument '.*')$/m, `$1: ${choices}`)),
      });
    if (command.options.some(({ long }) => long === '--url'))
      command.usage(`${command.usage()} [-- COMMAND]`);
  }
  return withHelp(program);
}

/** `help` that answers a word which is no command as the parser does: with the nearest one. */
function withHelp(program: Command): Command {
  program
    .helpCommand(false)
    .command('help')
    .description('display help for command')
    .argument('[command]')
    .helpOption(false)
    .action(async name => {
      const verb = program.commands.find(command => command.name() === name);
      if (name !== undefined && verb === undefined) await program.parseAsync([name], { from: 'user' });
      else (verb ?? program).outputHelp();
    });
  return program;
}
