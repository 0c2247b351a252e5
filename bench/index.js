// `npm run bench [name …]`: prints the tables of docs/measurements/figures.md, measured in this run.
import { cpus } from 'node:os';
import { agent } from './agent.js';
import { callOverhead } from './call-overhead.js';
import { coldStart } from './cold-start.js';
import { detection } from './detection.js';
import { dynamodbEngine } from './dynamodb-engine.js';
import { dynamodbLatency } from './dynamodb-latency.js';
import { engine } from './engine.js';
import { idle } from './idle.js';
import { initiate } from './initiate.js';
import { manyWaits } from './many-waits.js';
import { progressSimulation } from './progress-simulation.js';
import { waiting } from './waiting.js';
import { waitingSimulation } from './waiting-simulation.js';

const benches = {
  initiate,
  agent,
  engine,
  'dynamodb-engine': dynamodbEngine,
  'dynamodb-latency': dynamodbLatency,
  'call-overhead': callOverhead,
  'cold-start': coldStart,
  idle,
  'many-waits': manyWaits,
  detection,
  waiting,
  'waiting-simulation': waitingSimulation,
  'progress-simulation': progressSimulation,
};

const chosen = process.argv.slice(2);
const unknown = chosen.find(name => !(name in benches));
if (unknown !== undefined)
  throw new Error(`There is no bench ${unknown}; there are ${Object.keys(benches).join(', ')}.`);

console.log(`Node ${process.version}, ${cpus().length} cores.`);
for (const [name, bench] of Object.entries(benches)) {
  if (chosen.length === 0 || chosen.includes(name)) await bench();
}
