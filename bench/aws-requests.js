// Counts the requests to DynamoDB and SQS on their way, and the units for which AWS charges.
import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';
import { TABLE_DEFINITION } from '../dist/engine/dynamodb/table.js';

/** What a request costs: units of DynamoDB to write and to read, requests of SQS. */
const NOTHING = { requests: 0, write: 0, read: 0, sqs: 0 };

/** Gives `work` endpoints in front of those given, and a counter of what goes through them. */
export async function withCounter({ endpoint, sqsEndpoint }, work) {
  const counts = new Map();
  const servers = [];
  const agent = new Agent({ keepAlive: true });
  const inFrontOf = async target => {
    const server = createServer((incoming, outgoing) => {
      forward(incoming, outgoing, { target, agent, counts }).catch(() => outgoing.destroy());
    }).listen(0, '127.0.0.1');
    servers.push(server);
    await once(server, 'listening');
    return `http://127.0.0.1:${server.address().port}`;
  };
  try {
    const endpoints = { endpoint: await inFrontOf(endpoint), sqsEndpoint: await inFrontOf(sqsEndpoint) };
    return await work(endpoints, { counts, reset: () => counts.clear() });
  } finally {
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
    agent.destroy();
  }
}

/** The sum of all that some kinds of requests cost. */
export function total(counts, isOf = () => true) {
  const sum = { ...NOTHING };
  for (const [kind, count] of counts)
    if (isOf(kind)) for (const unit of Object.keys(sum)) sum[unit] += count[unit];
  return sum;
}

async function forward(incoming, outgoing, { target, agent, counts }) {
  const [service, action] = String(incoming.headers['x-amz-target']).split('.');
  const asked = JSON.parse((await bytesOf(incoming)).toString());
  const isDynamodb = service.startsWith('DynamoDB');
  // The emulator tells the units of the table; no signature is checked there.
  if (isDynamodb && TOLD.has(action)) asked.ReturnConsumedCapacity = 'TOTAL';
  const body = Buffer.from(JSON.stringify(asked));
  const sent = request(new URL(incoming.url, target), {
    agent,
    method: incoming.method,
    headers: { ...incoming.headers, 'content-length': body.length },
  });
  outgoing.on('close', () => sent.destroy());
  sent.end(body);
  const [answer] = await once(sent, 'response');
  const bytes = await bytesOf(answer);
  const answered = JSON.parse(bytes.toString() || '{}');
  const isDone = answer.statusCode === 200;
  const cost = isDynamodb ? tableCost(action, { asked, answered, isDone }) : { sqs: 1 };
  add(counts, kindOf(action, { asked, answered, isDone }), cost);
  // The answer is longer than it was signed to be.
  const { 'x-amz-crc32': _sum, ...headers } = answer.headers;
  outgoing.writeHead(answer.statusCode, headers).end(bytes);
}

async function bytesOf(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function add(counts, kind, cost) {
  const known = counts.get(kind) ?? NOTHING;
  const { write = 0, read = 0, sqs = 0 } = cost;
  counts.set(kind, {
    requests: known.requests + 1,
    write: known.write + write,
    read: known.read + read,
    sqs: known.sqs + sqs,
  });
}

/** Of a request that is made whether there is work or not. */
export function isIdle(kind) {
  return kind.startsWith('idle: ');
}

function kindOf(action, { asked, answered, isDone }) {
  const pk = (asked.Item ?? asked.Key)?.pk?.S ?? '';
  if (pk.endsWith('engines')) return `idle: ${action}, a sign of life`;
  if (pk.endsWith('sweep')) return `idle: ${action}, whose turn it is to sweep`;
  if (action === 'Query') return asked.IndexName ? 'idle: Query, the sweep' : 'idle: Query, signs of life';
  if (action === 'ReceiveMessage' && !answered.Messages?.length)
    return 'idle: ReceiveMessage without a message';
  if (action === 'BatchGetItem') {
    const [{ ConsistentRead }] = Object.values(asked.RequestItems);
    return ConsistentRead
      ? 'BatchGetItem, tasks of messages'
      : 'BatchGetItem, a look at what runs and is awaited';
  }
  return isDone ? action : `${action}, refused`;
}

const TOLD = new Set(['PutItem', 'UpdateItem', 'DeleteItem', 'GetItem', 'BatchGetItem', 'Query']);
const READS = new Set(['GetItem', 'BatchGetItem', 'Query']);
const INDEXES = TABLE_DEFINITION.GlobalSecondaryIndexes;

/** Units as AWS charges them: the emulator tells those of the table; those of indexes are counted here. */
function tableCost(action, { asked, answered, isDone }) {
  const told = [answered.ConsumedCapacity ?? []].flat().reduce((sum, one) => sum + one.CapacityUnits, 0);
  if (READS.has(action)) return { read: action === 'Query' ? Math.max(0.5, told) : told };
  // A write that is refused costs as one that is done, but for the indexes.
  if (!isDone) return { write: 1 };
  if (action === 'TransactWriteItems') {
    const items = asked.TransactItems.map(({ Put }) => Put.Item);
    return { write: items.reduce((sum, item) => sum + 2 * writeUnits(item) + putIndexUnits(item), 0) };
  }
  if (action === 'PutItem') return { write: told + putIndexUnits(asked.Item) };
  if (action === 'UpdateItem') return { write: told + updateIndexUnits(asked) };
  return { write: told };
}

/** An item is put into each index whose keys it has. */
function putIndexUnits(item) {
  return INDEXES.filter(({ KeySchema }) => KeySchema.every(({ AttributeName }) => AttributeName in item))
    .length;
}

/** A changed key of an index is two writes to it, another attribute that is in it one. */
function updateIndexUnits({ UpdateExpression, ExpressionAttributeNames: names }) {
  const changed = new Set([...UpdateExpression.matchAll(/#\w+/g)].map(([name]) => names[name]));
  const isChanged = name => changed.has(name);
  return INDEXES.reduce((sum, { KeySchema, Projection }) => {
    if (KeySchema.some(({ AttributeName }) => isChanged(AttributeName))) return sum + 2;
    return sum + Number(Projection.NonKeyAttributes.some(isChanged));
  }, 0);
}

/** One for each 1,024 bytes of an item's names and values. */
function writeUnits(item) {
  const bytes = Object.entries(item).reduce((sum, [name, { S, N, B }]) => {
    const value =
      S === undefined ? (N === undefined ? (B.length * 3) / 4 : N.length / 2 + 1) : Buffer.byteLength(S);
    return sum + name.length + value;
  }, 0);
  return Math.ceil(bytes / 1024);
}
