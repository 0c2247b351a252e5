// One contender in a process of its own: node child.js NAME URL [SECONDS …]. Prints {lateMs, cpuMs} as JSON.
import { contenders } from './contenders.js';

const [name, url, ...durations] = process.argv.slice(2);
const contender = await contenders[name](url);
// What is loaded at first use is no part of waiting.
await contender.run(0);
const cpuBefore = process.cpuUsage();
const late = durations.map(async seconds => {
  const result = await contender.run(Number(seconds));
  return Date.now() - result.ended_at;
});
const lateMs = await Promise.all(late);
const { user, system } = process.cpuUsage(cpuBefore);
console.log(JSON.stringify({ lateMs, cpuMs: (user + system) / 1000 / durations.length }));
await contender.close();
process.exit();
