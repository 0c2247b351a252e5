import {
  type AttributeValue,
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  DescribeTableCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { sleep } from '../../time/sleep.js';
import type { StoreCalls } from '../store-calls.js';

/** An item's attributes; one that is undefined is not there. */
export type Fields = Readonly<Record<string, string | number | Uint8Array | undefined>>;

export interface ItemKey {
  readonly pk: string;
  readonly sk: string;
}

/** Names in a condition are written `#name`, values `:name`. */
export interface Condition {
  readonly condition: string;
  readonly values?: Fields | undefined;
}

export interface ItemChange extends Condition {
  /** What is undefined here is removed. */
  readonly set: Fields;
  /** Waits for the answer as long as it takes. */
  readonly insists?: boolean | undefined;
}

export interface ItemPut extends Partial<Condition> {
  readonly fields: Fields;
}

/** What a conditional write has come to: the item as it is now, or why not: the item that did not meet the condition. */
export type Written =
  | { readonly item: Fields; readonly isDone: true }
  | { readonly item: Fields | undefined; readonly isDone: false };

export interface IndexQuery {
  readonly index?: string | undefined;
  /** The condition of the keys. */
  readonly keys: string;
  readonly values: Fields;
  readonly limit?: number | undefined;
  readonly newestFirst?: boolean | undefined;
}

const MAX_GET = 100;
/** What DynamoDB leaves out of an answer, it has throttled. */
const UNPROCESSED_PAUSE_MS = 100;

/** One table of DynamoDB: conditional writes, and reads. */
export class DynamodbTable {
  readonly #client: DynamoDBClient;
  readonly #calls: StoreCalls;
  readonly #TableName: string;

  constructor(client: DynamoDBClient, calls: StoreCalls, name: string) {
    this.#client = client;
    this.#calls = calls;
    this.#TableName = name;
  }

  /** The names of the table's indexes. @throws what the SDK throws */
  async indexes(): Promise<readonly string[]> {
    const { Table } = await this.#client.send(new DescribeTableCommand({ TableName: this.#TableName }));
    return (Table?.GlobalSecondaryIndexes ?? []).map(({ IndexName = '' }) => IndexName);
  }

  /** As it is after all writes that were answered. */
  async get(key: ItemKey): Promise<Fields | undefined> {
    const command = new GetItemCommand({
      TableName: this.#TableName,
      Key: attributesOf({ ...key }),
      ConsistentRead: true,
    });
    const { Item } = await this.#calls.make(() => this.#client.send(command));
    return Item && fieldsOf(Item);
  }

  /** Those that there are, in any order; `isLatest` for as they are after all writes that were answered, at twice the price. */
  async getMany(keys: readonly ItemKey[], isLatest: boolean): Promise<readonly Fields[]> {
    const found: Fields[] = [];
    let left = keys.map(key => attributesOf({ ...key }));
    while (left.length > 0) {
      const Keys = left.slice(0, MAX_GET);
      const command = new BatchGetItemCommand({
        RequestItems: { [this.#TableName]: { Keys, ConsistentRead: isLatest } },
      });
      const { Responses, UnprocessedKeys } = await this.#calls.make(() => this.#client.send(command));
      found.push(...(Responses?.[this.#TableName] ?? []).map(fieldsOf));
      const unprocessed = UnprocessedKeys?.[this.#TableName]?.Keys ?? [];
      if (unprocessed.length > 0) await sleep(UNPROCESSED_PAUSE_MS);
      left = [...left.slice(MAX_GET), ...unprocessed];
    }
    return found;
  }

  /** All pages of a query, page by page. */
  async *pages({
    index,
    keys,
    values,
    limit,
    newestFirst = false,
  }: IndexQuery): AsyncGenerator<readonly Fields[]> {
    let ExclusiveStartKey: Record<string, AttributeValue> | undefined;
    do {
      const command = new QueryCommand({
        TableName: this.#TableName,
        IndexName: index,
        KeyConditionExpression: keys,
        ExpressionAttributeNames: namesIn(keys),
        ExpressionAttributeValues: placeholders(values),
        Limit: limit,
        ScanIndexForward: !newestFirst,
        ConsistentRead: index === undefined,
        ExclusiveStartKey,
      });
      const { Items = [], LastEvaluatedKey } = await this.#calls.make(() => this.#client.send(command));
      ExclusiveStartKey = LastEvaluatedKey;
      yield Items.map(fieldsOf);
    } while (ExclusiveStartKey !== undefined);
  }

  async put(put: ItemPut): Promise<Written> {
    const command = new PutItemCommand(this.#putOf(put));
    return this.#calls.make(() =>
      whether(put.fields, async () => {
        await this.#client.send(command);
        return put.fields;
      }),
    );
  }

  /** Puts all of them, or none: then the items that did not meet their conditions, by place. */
  async putTogether(puts: readonly ItemPut[]): Promise<readonly Written[]> {
    const TransactItems = puts.map(put => ({ Put: this.#putOf(put) }));
    // One token for all tries: a transaction whose answer was lost is not made twice.
    const command = new TransactWriteItemsCommand({ TransactItems, ClientRequestToken: crypto.randomUUID() });
    return this.#calls.make(async () => {
      try {
        await this.#client.send(command);
        return puts.map(({ fields }) => ({ item: fields, isDone: true as const }));
      } catch (error) {
        if (!(error instanceof TransactionCanceledException)) throw error;
        const { CancellationReasons = [] } = error;
        if (!CancellationReasons.some(({ Code }) => Code === 'ConditionalCheckFailed')) throw error;
        return puts.map(({ fields }, index) => {
          const { Code, Item } = CancellationReasons[index] ?? {};
          if (Code !== 'ConditionalCheckFailed') return { item: fields, isDone: true as const };
          return { item: Item && fieldsOf(Item), isDone: false as const };
        });
      }
    });
  }

  async update(key: ItemKey, change: ItemChange): Promise<Written> {
    const { set, condition, values = {}, insists = false } = change;
    const names = Object.keys(set);
    const kept = names.filter(name => set[name] !== undefined);
    const removed = names.filter(name => set[name] === undefined);
    const expression = [
      kept.length > 0 ? `SET ${kept.map(name => `#${name} = :set_${name}`).join(', ')}` : '',
      removed.length > 0 ? `REMOVE ${removed.map(name => `#${name}`).join(', ')}` : '',
      'ADD #version :one',
    ].join(' ');
    const command = new UpdateItemCommand({
      TableName: this.#TableName,
      Key: attributesOf({ ...key }),
      UpdateExpression: expression,
      ConditionExpression: condition,
      ExpressionAttributeNames: namesIn(`${expression} ${condition}`),
      ExpressionAttributeValues: {
        ...placeholders({ ...values, one: 1 }),
        ...placeholders(set, 'set_'),
      },
      ReturnValues: 'ALL_NEW',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    });
    const call = () =>
      whether(set, async () => fieldsOf((await this.#client.send(command)).Attributes ?? {}));
    return insists ? this.#calls.insist(call) : this.#calls.make(call);
  }

  async remove(key: ItemKey): Promise<void> {
    const command = new DeleteItemCommand({ TableName: this.#TableName, Key: attributesOf({ ...key }) });
    await this.#calls.make(() => this.#client.send(command));
  }

  #putOf({ fields, condition, values = {} }: ItemPut) {
    return {
      TableName: this.#TableName,
      Item: attributesOf(fields),
      ...(condition === undefined
        ? {}
        : { ConditionExpression: condition, ExpressionAttributeNames: namesIn(condition) }),
      ...(Object.keys(values).length === 0 ? {} : { ExpressionAttributeValues: placeholders(values) }),
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
    };
  }
}

/** A write whose answer was lost, and that was made again, finds itself. */
async function whether(wanted: Fields, write: () => Promise<Fields>): Promise<Written> {
  try {
    return { item: await write(), isDone: true };
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    const item = error.Item && fieldsOf(error.Item);
    if (item === undefined) return { item, isDone: false };
    return { item, isDone: Object.entries(wanted).every(([name, value]) => item[name] === value) };
  }
}

function namesIn(expression: string): Record<string, string> {
  return Object.fromEntries([...expression.matchAll(/#(\w+)/g)].map(([name, bare = '']) => [name, bare]));
}

function placeholders(fields: Fields, prefix = ''): Record<string, AttributeValue> {
  const attributes = Object.entries(attributesOf(fields));
  return Object.fromEntries(attributes.map(([name, value]) => [`:${prefix}${name}`, value]));
}

function attributesOf(fields: Fields): Record<string, AttributeValue> {
  const attributes: Record<string, AttributeValue> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === 'string') attributes[name] = { S: value };
    else if (typeof value === 'number') attributes[name] = { N: String(value) };
    else if (value !== undefined) attributes[name] = { B: value };
  }
  return attributes;
}

function fieldsOf(attributes: Record<string, AttributeValue>): Fields {
  const fields: Record<string, string | number | Uint8Array | undefined> = {};
  for (const [name, { S, N, B }] of Object.entries(attributes)) fields[name] = S ?? (N && Number(N)) ?? B;
  return fields;
}
