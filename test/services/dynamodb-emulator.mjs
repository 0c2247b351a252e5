import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/*
 * dynalite, and what it lacks of DynamoDB: transactions, time to live, and the item that made a condition fail.
 * node dynamodb-emulator.mjs PACKAGES PORT FOLDER
 */
const [packages = '', port = '', path = ''] = process.argv.slice(2);
const require = createRequire(join(packages, 'node_modules', 'none.js'));
const db = require('dynalite/db');
const { checkTypes, checkValidations } = require('dynalite/validations');

const MAX_TRANSACTION_ITEMS = 100;
/** DynamoDB knows a token again for ten minutes. */
const TOKEN_MS = 600_000;

const validation = Object.fromEntries(
  ['putItem', 'updateItem', 'deleteItem', 'getItem'].map(name => [
    name,
    require(`dynalite/validations/${name}`),
  ]),
);
const action = Object.fromEntries(
  ['putItem', 'updateItem', 'deleteItem', 'getItem'].map(name => [name, require(`dynalite/actions/${name}`)]),
);
for (const { types } of [validation.putItem, validation.updateItem, validation.deleteItem])
  types.ReturnValuesOnConditionCheckFailure = { type: 'String', enum: ['ALL_OLD', 'NONE'] };

const { checkConditional } = db;
db.checkConditional = (data, item) => {
  const error = checkConditional(data, item);
  if (error && item && data.ReturnValuesOnConditionCheckFailure === 'ALL_OLD') error.body.Item = item;
  return error;
};

let store;
const { create } = db;
db.create = options => {
  store = create(options);
  return store;
};
const server = require('dynalite')({ path, createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
const [dynalite] = server.listeners('request');
server.removeAllListeners('request');
server.on('request', (request, response) => {
  const run = ADDED[String(request.headers['x-amz-target'] ?? '').split('.')[1]];
  if (run === undefined) return dynalite(request, response);
  answer(request, response, run).catch(() => response.destroy());
});
// A client that is killed cuts its connection: dynalite throws then, and would end.
process.on('uncaughtException', error => {
  if (error.code === 'ECONNRESET' || error.message === 'aborted') return;
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
server.listen(Number(port), '127.0.0.1');

async function answer(request, response, run) {
  let text = '';
  for await (const chunk of request) text += chunk;
  const [status, body] = await run(JSON.parse(text)).then(
    result => [200, result],
    error => {
      if (error.statusCode === undefined) throw error;
      return [error.statusCode, error.body];
    },
  );
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(body));
}

const ADDED = {
  TransactWriteItems: transactWriteItems,
  TransactGetItems: transactGetItems,
  UpdateTimeToLive: updateTimeToLive,
  DescribeTimeToLive: describeTimeToLive,
};

const PART_ACTIONS = {
  Put: 'putItem',
  Update: 'updateItem',
  Delete: 'deleteItem',
  ConditionCheck: 'deleteItem',
};
const tokens = new Map();

async function transactWriteItems({ TransactItems = [], ClientRequestToken: token }) {
  if (TransactItems.length === 0 || TransactItems.length > MAX_TRANSACTION_ITEMS)
    throw db.validationError(`A transaction has 1 to ${MAX_TRANSACTION_ITEMS} items.`);
  const digest = createHash('sha256').update(JSON.stringify(TransactItems)).digest('hex');
  for (const [known, { at }] of tokens) if (Date.now() - at > TOKEN_MS) tokens.delete(known);
  const known = tokens.get(token);
  if (known !== undefined) {
    if (known.digest !== digest) throw failure('IdempotentParameterMismatchException', 'Other parameters.');
    return {};
  }
  const parts = await Promise.all(TransactItems.map(readPart));
  const names = parts.map(({ table, key }) => `${table.TableName}~${key}`);
  if (new Set(names).size < names.length)
    throw db.validationError('Transaction request cannot include multiple operations on one item');
  await locked(names, parts, () => writeAll(parts));
  if (token !== undefined) tokens.set(token, { at: Date.now(), digest });
  return {};
}

async function readPart(part) {
  const [[kind, given]] = Object.entries(part);
  const name = PART_ACTIONS[kind];
  const { types, custom } = validation[name];
  const data = checkTypes(given, types);
  checkValidations(data, types, custom, store);
  const table = await called(done => store.getTable(data.TableName, done));
  const item = data.Item ?? data.Key;
  const invalid = data.Item ? db.validateItem(item, table) : db.validateKey(item, table);
  if (invalid) throw invalid;
  return { kind, name, data, table, key: db.createKey(item, table) };
}

/** Locks the items in one order, so that no two transactions wait for each other. */
async function locked(names, parts, run) {
  const ordered = names.map((name, at) => [name, parts[at]]).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const releases = [];
  for (const [, { table, key }] of ordered) {
    const release = await new Promise(resolve => store.getItemDb(table.TableName).lock(key, resolve));
    releases.push(release(() => {}));
  }
  try {
    return await run();
  } finally {
    for (const release of releases) release();
  }
}

async function writeAll(parts) {
  const reasons = await Promise.all(
    parts.map(async ({ data, table, key }) => {
      const item = await called(done => store.getItemDb(table.TableName).get(key, done)).catch(error => {
        if (error.name !== 'NotFoundError') throw error;
      });
      const error = db.checkConditional(data, item);
      if (!error) return { Code: 'None' };
      return {
        Code: 'ConditionalCheckFailed',
        Message: error.message,
        ...(error.body.Item && { Item: error.body.Item }),
      };
    }),
  );
  if (reasons.some(({ Code }) => Code !== 'None')) {
    const codes = reasons.map(({ Code }) => Code).join(', ');
    const message = `Transaction cancelled, please refer cancellation reasons for specific reasons [${codes}]`;
    throw failure('TransactionCanceledException', message, { CancellationReasons: reasons });
  }
  const writes = [];
  for (const { kind, name, data } of parts)
    if (kind !== 'ConditionCheck') await called(done => action[name](noting(writes), data, done));
  await called(done => store.db.batch(writes, done));
}

/** The store for an action whose items are locked already: it notes what it would write. */
function noting(writes) {
  const noted = (inner, prefix) => ({
    ...inner,
    lock: (_key, run) => run(done => done),
    put(key, value, done) {
      writes.push({ type: 'put', key: prefix + key, value });
      done(null);
    },
    del(key, done) {
      writes.push({ type: 'del', key: prefix + key });
      done(null);
    },
  });
  return {
    ...store,
    getItemDb: name => noted(store.getItemDb(name), `item-${name}~`),
    getIndexDb: (type, table, index) =>
      noted(store.getIndexDb(type, table, index), `index-${type.toLowerCase()}~${table}~${index}~`),
  };
}

async function transactGetItems({ TransactItems = [] }) {
  const read = async ({ Get }) => {
    const { types, custom } = validation.getItem;
    const data = checkTypes(Get, types);
    checkValidations(data, types, custom, store);
    return called(done => action.getItem(store, data, done));
  };
  return { Responses: await Promise.all(TransactItems.map(read)) };
}

async function updateTimeToLive({ TableName, TimeToLiveSpecification: asked }) {
  await called(done => store.getTable(TableName, done));
  const { TimeToLiveStatus: status } = await timeToLive(TableName);
  if (asked.Enabled === (status === 'ENABLED'))
    throw db.validationError(`TimeToLive is already ${asked.Enabled ? 'enabled' : 'disabled'}`);
  await called(done => store.db.put(`ttl~${TableName}`, asked, done));
  return { TimeToLiveSpecification: asked };
}

async function describeTimeToLive({ TableName }) {
  await called(done => store.getTable(TableName, done));
  return { TimeToLiveDescription: await timeToLive(TableName) };
}

async function timeToLive(table) {
  const found = await called(done => store.db.get(`ttl~${table}`, done)).catch(() => undefined);
  if (!found?.Enabled) return { TimeToLiveStatus: 'DISABLED' };
  return { TimeToLiveStatus: 'ENABLED', AttributeName: found.AttributeName };
}

function failure(code, message, facts = {}) {
  const body = { __type: `com.amazonaws.dynamodb.v20120810#${code}`, message, Message: message, ...facts };
  return Object.assign(new Error(message), { statusCode: 400, body });
}

function called(run) {
  return new Promise((resolve, reject) => {
    run((error, value) => (error ? reject(error) : resolve(value)));
  });
}
