import { Server } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/*
 * fauxqs on the loopback address only; by itself it listens on all.
 * node sqs-emulator.mjs PACKAGES PORT FOLDER
 */
const [packages = '', port = '', dataDir = ''] = process.argv.slice(2);
const { listen } = Server.prototype;
Server.prototype.listen = function (options, ...rest) {
  return listen.call(this, { ...options, host: '127.0.0.1' }, ...rest);
};
const load = file => import(pathToFileURL(join(packages, 'node_modules/fauxqs/dist', file)).href);
const { PersistenceManager } = await load('persistence.js');
// 2.4.1 writes null where its own table allows none, and so loses a message whose visibility is set to 0.
PersistenceManager.prototype.updateMessageReady = function (messageId) {
  this.stmts.updateMessageInflight.run(null, null, 0, null, messageId);
};
const { startFauxqs } = await load('app.js');
await startFauxqs({ port: Number(port), logger: false, dataDir });
