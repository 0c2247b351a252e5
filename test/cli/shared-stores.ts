import { basename } from 'node:path';
import { beforeEach, describe } from 'vitest';
import { createStore } from '../engine/dynamodb/create-store.js';
import { describeWith, describeWithAws, SERVICE_NAMES } from '../services/index.js';
import type { Service } from '../services/service-process.js';
import type { Workplace } from './command.js';

/** Flags that name the store of a place: none sees the tasks of another. */
export type StoreFlags = (place: Workplace) => string[];

/** Tests that hold on every store that processes can share, each database started once. */
export function describeOnSharedStores(title: string, body: (storeFlags: StoreFlags) => void): void {
  describe(`${title}, on SQLite`, () => body(({ home }) => ['--store', `sqlite:${home}/shared.db`]));
  describeOnServers(title, body);
}

/** Tests that hold on every store that is a server of its own. */
export function describeOnServers(
  title: string,
  body: (storeFlags: StoreFlags, service: () => Pick<Service, 'kill' | 'start'>) => void,
): void {
  for (const name of SERVICE_NAMES) {
    describeWith(name, `${title}, on ${name}`, service => {
      const storeFlags: StoreFlags = ({ home }) => [
        '--store',
        service().url,
        '--key-prefix',
        `${basename(home)}:`,
      ];
      body(storeFlags, service);
    });
  }
  describeWithAws(`${title}, on DynamoDB`, aws => {
    let name = '';
    beforeEach(async () => {
      name = await createStore(aws());
    });
    body(() => ['--store', aws().storeUrl(name)], aws);
  });
}
