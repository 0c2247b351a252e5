// How long a person waits for help, beyond what Node itself takes.
import { execFileSync } from 'node:child_process';
import { BIN } from './bundled-server.js';
import { median, ms, printTable, timed } from './measure.js';

const ROUNDS = 15;
const TARGET_MS = 150;

async function start(...args) {
  return (await timed(() => execFileSync(process.execPath, args))).elapsedMs;
}

export async function coldStart() {
  const [bare, help] = [[], []];
  await start(BIN, '--help');
  for (let round = 0; round < ROUNDS; round++) {
    bare.push(await start('-e', '0'));
    help.push(await start(BIN, '--help'));
  }
  const beyond = median(help.map((value, index) => value - bare[index]));
  printTable(
    `mcp-await --help from a cold start, ${ROUNDS} runs in turn (target: under ${TARGET_MS} ms beyond bare Node)`,
    ['node -e 0', 'mcp-await --help', 'beyond bare Node', 'target'],
    [[ms(median(bare)), ms(median(help)), ms(beyond), beyond < TARGET_MS ? 'met' : 'MISSED']],
  );
}
