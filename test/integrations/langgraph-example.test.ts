import { expect, onTestFinished, test } from 'vitest';
import { newExampleProject } from '../example-project.js';

test('langgraph.js runs as it is', async () => {
  const project = await newExampleProject();
  onTestFinished(() => project.remove());
  expect(await project.run('langgraph.js')).toMatch(/12 jobs, All done\.\n$/);
});
