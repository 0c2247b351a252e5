import { expect, test } from 'vitest';
import { builtInOperations } from '../../../src/server/operations/index.js';

const connect = () => Promise.reject(new Error('unused'));

test('offers every operation that has a policy to work under', () => {
  const operations = builtInOperations({
    hashTree: { roots: ['.'] },
    mcpTool: { servers: ['slow'], connect },
  });
  expect(operations.map(({ name }) => name)).toEqual(['http_request', 'mcp_tool', 'hash_tree', 'sleep']);
});

test('leaves out what the operator allows nothing of', () => {
  const operations = builtInOperations({ hashTree: { roots: [] }, mcpTool: { servers: [], connect } });
  expect(operations.map(({ name }) => name)).toEqual(['http_request', 'sleep']);
  expect(builtInOperations().map(({ name }) => name)).toEqual(['http_request', 'sleep']);
});
