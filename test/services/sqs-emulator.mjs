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
const { startFauxqs } = await import(pathToFileURL(join(packages, 'node_modules/fauxqs/dist/app.js')).href);
await startFauxqs({ port: Number(port), logger: false, dataDir });
