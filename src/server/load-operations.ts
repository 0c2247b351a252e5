import { access } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ConfigurationError } from '../errors.js';
import { importFailureOf, importModule } from './import-module.js';
import { defineOperation, type Operation, operationsByName } from './operation.js';

/**
 * Loads the operations that a user's ES module exports, as `export const operations = [...]` or as
 * `export default [...]`.
 *
 * @param file a path, relative to the working directory, or a `file:` URL
 * @param tell takes a line for the operator where it takes long
 * @throws ConfigurationError when the file is missing, fails to load or exports anything but operations.
 */
export async function loadOperations(
  file: string | URL,
  tell?: (line: string) => void,
): Promise<readonly Operation[]> {
  const url = toUrl(file);
  const name = fileURLToPath(url);
  await access(url).catch(cause => {
    throw new ConfigurationError(`Cannot find the operations file ${name}`, { cause });
  });
  const operations = exportedOperations(await importModule(url, `The operations file ${name}`, tell));
  if (operations === undefined) {
    throw new ConfigurationError(
      `The operations file ${name} exports no operations: export an array, as \`export const operations = [defineOperation({ ... })]\``,
    );
  }
  try {
    for (const [index, operation] of operations.entries()) check(operation, index);
    operationsByName(operations);
  } catch (cause) {
    throw new ConfigurationError(`The operations file ${name} is not usable. ${importFailureOf(cause)}`, {
      cause,
    });
  }
  return operations;
}

function toUrl(file: string | URL): URL {
  if (file instanceof URL) return file;
  return file.startsWith('file:') ? new URL(file) : pathToFileURL(resolve(file));
}

function exportedOperations(module: Readonly<Record<string, unknown>>): readonly Operation[] | undefined {
  const exported = module.operations ?? module.default;
  return Array.isArray(exported) && exported.length > 0 ? exported : undefined;
}

function check(operation: Operation, index: number): void {
  try {
    defineOperation(operation);
  } catch (cause) {
    throw new ConfigurationError(`Entry ${index + 1} is no operation. ${importFailureOf(cause)}`, { cause });
  }
}
