import { Argument, Command } from 'commander';
import { TASK_STATES } from '../engine/task-list.js';
import { VERSION } from '../version.js';
import { asStarted } from './command-name.js';
import { collect, count, duration, orOff, taskState } from './flag-values.js';
import {
  addConnectionFlags,
  addHttpFlags,
  addListenFlags,
  addPollingFlags,
  addProbeFlags,
  addServerFlags,
  addSettingsFlag,
  addTaskFlags,
  addWaitFlags,
  EXIT_CODES,
  HOST_NAMES,
  KEY_PREFIX_FLAG,
  RUN_HELP,
  SHARED_STORES,
  withUsage,
} from './flags.js';
import type { CommandIo } from './io.js';
import { addLoadFlags } from './load/load-flags.js';
import { addPairFlags, addWordFlags } from './pair-flags.js';

export interface ProgramListeners {
  onExit(code: number): void;
  /** Standard output carries MCP, and no results. */
  onProtocol(): void;
}

/** The command line. Each verb's code is loaded when the verb is used, so that help is instant. */
export function buildProgram(
  io: CommandIo,
  /** What stood after `--`. */
  serverCommand: readonly string[],
  { onExit, onProtocol }: ProgramListeners,
): Command {
  const program = new Command('mcp-await')
    .description('Call any MCP tool and get its result, however long it takes.')
    .version(VERSION)
    .configureOutput({
      writeOut: text => io.stdout.write(asStarted(text, io)),
      writeErr: text => io.stderr.write(text),
    })
    .exitOverride()
    .showHelpAfterError('(see `mcp-await --help`)');

  const run = program
    .command('run')
    .description('call a tool and print its final result')
    .argument('<tool>', 'name of the tool')
    .optionsGroup('Call:')
    .option('--args <json>', 'arguments as a JSON object, @file, or - for standard input')
    .option(
      '--arg <key=value>',
      "one argument, converted to the type in the tool's schema (repeatable)",
      collect,
    )
    .option('--idempotency-key <key>', 'the same key returns the same task instead of starting a second one')
    .option('--detach', 'print the reference when the job has started, and leave it running')
    .option('--no-journal', 'do not keep the job in the journal; `mcp-await list` does not show it')
    .action(async (tool, flags) =>
      onExit(await (await import('./run.js')).run(tool, flags, serverCommand, io)),
    );
  addPairFlags(addWaitFlags(addServerFlags(run)))
    .option('--no-detect', 'use no detected pair of tools, only profiles and flags')
    .option('--no-detect-actions', 'use no detected pair among the actions of one tool')
    .addHelpText('after', RUN_HELP);

  addWordFlags(addWaitFlags(addServerFlags(program.command('wait'))))
    .description('resume a job and print its final result')
    .argument(
      '<reference>',
      'ID of `mcp-await list` or its beginning, a task_ref, the JSON of a reference, @file, or - for standard input',
    )
    .action(async (reference, flags) =>
      onExit(await (await import('./wait.js')).wait(reference, flags, serverCommand, io)),
    )
    .addHelpText('after', EXIT_CODES);

  const lookedAt = {
    status: 'print the state of a job',
    cancel: 'cancel a job and print its state',
  };
  for (const verb of ['status', 'cancel'] as const)
    addServerFlags(program.command(verb))
      .description(lookedAt[verb])
      .argument('<reference>', 'as for wait')
      .option('--json', 'print one JSON object')
      .action(async (reference, flags) =>
        onExit(await (await import('./status.js'))[verb](reference, flags, serverCommand, io)),
      );

  program
    .command('list')
    .description("list the jobs of this machine's journal, the newest first")
    .option('--all', 'also the jobs whose outcome was delivered, for 30 days')
    .option('--refresh', 'first ask the servers about open jobs; this starts servers that are commands')
    .option('--json', 'print a JSON array')
    .action(async flags => onExit(await (await import('./list.js')).list(flags, io)));

  program
    .command('forget')
    .description("remove a job from this machine's journal, so that its key starts a new one")
    .argument('[id|key]', 'ID of `mcp-await list`, its beginning, or an idempotency key')
    .option('--force', 'also a job that may still run')
    .option('--pairs', 'forget which detected pairs of tools have worked, instead of a job')
    .action(async (name, flags) => onExit(await (await import('./forget.js')).forget(name, flags, io)));

  addSettingsFlag(program.command('login'))
    .description('sign in to a server by OAuth, for all commands of this user')
    .argument('<server>', 'URL of its endpoint, or its name in the nearest .mcp.json or mcp.json')
    .option('--config <file>', 'look the name up in this mcpServers file')
    .option('--client-id <id>', 'ID of a client that you have registered (default: registers one)')
    .option('--client-secret-file <file>', 'file with the secret of that client')
    .option('--scope <scopes>', 'scopes, separated by spaces (default: those that the server names)')
    .option('--redirect-url <url>', 'URL to which the browser returns (default: any free port of 127.0.0.1)')
    .option('--browser', 'open a browser, also without a terminal (default at a terminal)')
    .option('--no-browser', 'only print the link')
    .option('--again', 'sign in again, for example to another account')
    .action(async (server, flags) => onExit(await (await import('./login.js')).login(server, flags, io)));

  program
    .command('logout')
    .description('revoke the tokens of a server and delete them')
    .argument('<server>', 'as for login')
    .option('--config <file>', 'look the name up in this mcpServers file')
    .action(async (server, flags) => onExit(await (await import('./login.js')).logout(server, flags, io)));

  addServerFlags(program.command('tools'))
    .description("list a server's tools, or show how to call one of them")
    .argument('[tool]', 'show the arguments of this tool, as flags to copy')
    .optionsGroup('Tools:')
    .option('--no-detect', 'do not look for pairs of tools')
    .option('--no-detect-actions', 'do not look for pairs among the actions of one tool')
    .option('--why', 'also print how each tool is awaited, and the evidence for each pair')
    .option('--json', 'print a JSON array, or one object for one tool')
    .action(async (tool, flags) =>
      onExit(await (await import('./tools.js')).tools(flags, serverCommand, io, tool)),
    );

  addWordFlags(addServerFlags(program.command('pairs')))
    .description('propose profiles for the start/status pairs of a server')
    .addArgument(new Argument('<action>', 'what to do').choices(['init']))
    .option('--yes', 'accept all pairs with strong evidence, without asking')
    .option('--tool <name>', 'only the pair that this tool starts (default: all)')
    .option(
      '--try <json>',
      'call the tool ONCE with these arguments, show its answer and that of its status tool, and save the words and places that were found: a JSON object, @file, or - for standard input',
    )
    .option(
      '--timeout <duration>',
      'with --try: stop polling after this time, such as 90s (default: 2m)',
      duration,
    )
    .action(async (_action, flags) =>
      onExit(await (await import('./pairs.js')).pairs(flags, serverCommand, io)),
    );

  addListenFlags(addTaskFlags(program.command('serve')))
    .description('run the bundled server, on the standard streams or over HTTP')
    .option('--token <token>', 'bearer token that callers must send')
    .action(async flags => {
      const { isBehindRelay, relayedFlags, relayStdio } = await import('./stdio-relay.js');
      const { chooseTransport } = await import('./config/choose-transport.js');
      // The relay stays small and quick: it loads nothing of the server.
      const isRelay = !isBehindRelay(io) && (await chooseTransport(flags, io)) === 'stdio';
      if (isRelay) onProtocol();
      onExit(
        isRelay
          ? await relayStdio(io)
          : await (await import('./serve.js')).serve(relayedFlags(flags, io), io),
      );
    });

  addHttpFlags(addServerFlags(program.command('proxy')))
    .description('serve one server, or all of an mcpServers file (--config), to hosts that time out')
    .option('--token <token>', 'bearer token that callers must send')
    .option(
      '--host-timeout <duration>',
      'answer a call that takes longer with its reference, or off (default: the known limit of the host, else 55s on stdio, off over HTTP)',
      orOff(duration),
    )
    .option('--no-journal', 'do not keep calls in the journal; their results end with this process')
    .action(async flags => {
      const { isBehindRelay, relayStdio } = await import('./stdio-relay.js');
      const isRelay = flags.http !== true && !isBehindRelay(io);
      if (isRelay) onProtocol();
      onExit(
        isRelay ? await relayStdio(io) : await (await import('./proxy.js')).proxy(flags, serverCommand, io),
      );
    });

  program
    .command('install')
    .description("put the proxy in front of the servers in a host's file")
    .addArgument(new Argument('<host>', 'host whose file to change').choices(HOST_NAMES))
    .option('--project', "the host's file in this folder (default: the file of your user)")
    .option('--file <path>', 'another file of that host')
    .option('--servers <names>', 'only these servers, separated by commas (default: all)')
    .option('--local', 'start this copy of mcp-await by its path (default: npx -y mcp-await)')
    .option('--undo', 'restore the servers as they were')
    .option('--yes', 'write without asking')
    .action(async (host, flags) =>
      onExit(await (await import('./install/install.js')).install(host, flags, io)),
    );

  addSettingsFlag(program.command('doctor'))
    .description('check Node, the state folder, the store, the journal, the hosts and each server')
    .option(
      '--config <file>',
      'check the servers of this mcpServers file (default: the nearest .mcp.json or mcp.json)',
    )
    .option('--server <name>', 'check only this server')
    .option(
      '--server-timeout <duration>',
      'time for a server to start and list its tools (default: 30s)',
      duration,
    )
    .option('--json', 'print a JSON array')
    .action(async flags => onExit(await (await import('./doctor/doctor.js')).doctor(flags, io)));

  addProbeFlags(addTaskFlags(program.command('worker')))
    .description('run the tasks of servers with --no-worker on the same store')
    .action(async flags => onExit(await (await import('./worker.js')).worker(flags, io)));

  program
    .command('store')
    .description('create the table, indexes, time to live and queues of a DynamoDB store')
    .addArgument(new Argument('<action>', 'what to do').choices(['create']))
    .option('--store <url>', 'dynamodb://TABLE?queue=QUEUE (default: MCP_AWAIT_STATE_PROVIDER)')
    .option('--cloudformation', 'print a template for AWS CloudFormation, and create nothing')
    .action(async (_action, flags) => onExit(await (await import('./store.js')).store(flags, io)));

  addSettingsFlag(program.command('stats'))
    .description('count the tasks of a store, by operation')
    .option('--store <url>', `${SHARED_STORES} (default: a file in the state folder)`)
    .option('--key-prefix <prefix>', KEY_PREFIX_FLAG)
    .option('--window <duration>', 'count durations and failures of this time (default: 1h)', duration)
    .option('--json', 'print one JSON object, times in milliseconds')
    .action(async flags => onExit(await (await import('./stats.js')).stats(flags, io)));

  addSettingsFlag(program.command('tasks'))
    .description('list the tasks of a store, the newest first')
    .option('--store <url>', `${SHARED_STORES} (default: a file in the state folder)`)
    .option('--key-prefix <prefix>', KEY_PREFIX_FLAG)
    .option(
      '--state <state>',
      `only tasks in this state: ${TASK_STATES.slice(0, -1).join(', ')} or ${TASK_STATES.at(-1)} (repeatable)`,
      taskState,
    )
    .option('--operation <name>', 'only tasks of this operation')
    .option('--owner <principal>', 'only tasks of this principal')
    .option('--limit <count>', 'list at most this many tasks (default: 50)', count)
    .option('--json', 'print a JSON array')
    .action(async flags => onExit(await (await import('./tasks.js')).tasks(flags, io)));

  addConnectionFlags(addPollingFlags(addListenFlags(addTaskFlags(program.command('config')))))
    .description('print every setting and where it comes from; takes the flags of serve and run')
    .option('--json', 'print one JSON object')
    .action(async flags => onExit(await (await import('./config.js')).config(flags, io)));

  addLoadFlags(addServerFlags(program.command('load')))
    .description('run many tasks at once and measure the server')
    .action(async flags => onExit(await (await import('./load/load.js')).load(flags, serverCommand, io)));

  program
    .command('completion')
    .description('print the completion script of a shell')
    .addArgument(new Argument('<shell>', 'name of the shell').choices(['bash', 'zsh', 'fish']))
    .action(async (shell: 'bash' | 'zsh' | 'fish') => {
      io.stdout.write((await import('./completion.js')).SCRIPTS[shell]);
    });

  program
    .command('complete', { hidden: true })
    .description('print what may stand at the cursor of the command line behind --')
    .action(async () => (await import('./completion.js')).complete(program, serverCommand, io));

  program
    .command('keep', { hidden: true })
    .description('keep the server of a job that its command has left')
    .action(async () => onExit(await (await import('./keep.js')).keep(io)));

  program
    .command('end-server', { hidden: true })
    .description('end a server that goes on although its command has closed its input')
    .argument('<pid>', 'its process', count)
    .action(async pid => (await import('../client/stdio/process-group.js')).endGroup(pid));

  return withUsage(program);
}
