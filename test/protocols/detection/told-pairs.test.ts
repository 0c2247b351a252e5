import { expect, test } from 'vitest';
import { pairOfFlags } from '../../../src/cli/pair-flags.js';
import { isRight, play } from '../../fixtures/detection/play-server.js';
import { readPlayedServers } from '../../fixtures/detection/tool-lists.js';

/** What `--status-tool` and `--id-arg` say of each server. */
const told = [
  ['meshy', 'meshy_get_task_status', 'task_id'],
  ['json2video', 'get_video_status', 'project'],
  ['comfyui', 'get_job_status', 'prompt_id'],
  ['screamingfrog', 'crawl_status', 'crawl_id'],
  ['deepresearch', 'openai_deep_research_check_status', 'request_id'],
  ['qiskit', 'get_job_status_tool', 'job_id'],
  ['coolify', 'deployment', 'uuid'],
  ['argo', 'get_workflow', 'name'],
  ['zap', 'zap_active_scan_status', 'scanId'],
  ['terraform', 'get_run_details', 'run_id'],
  ['mineru', 'mineru_status', 'task_id'],
  ['rowan', 'retrieve_workflow', 'uuid'],
] as const;

const { servers } = readPlayedServers('told-1');
const cases = told.flatMap(([name, statusTool, idArg]) =>
  servers
    .filter(server => server.name === name)
    .flatMap(server => (['done', 'failed'] as const).map(end => ({ name, statusTool, idArg, server, end }))),
);

test('every server is told of', () => {
  expect(told.map(([name]) => name)).toEqual(servers.map(({ name }) => name));
});

test.each(cases)(
  '--status-tool $statusTool --id-arg $idArg tells of $name: $end',
  async ({ statusTool, idArg, server, end }) => {
    const pair = pairOfFlags(server.start, { statusTool, idArg });
    const played = await play(server, end, { pairs: pair === undefined ? [] : [pair], detect: false });
    expect(isRight(played, server, end), JSON.stringify(played)).toBe(true);
    expect(played.calls.filter(name => name === server.start)).toHaveLength(1);
    expect(played.calls.filter(name => name === statusTool).length).toBeGreaterThanOrEqual(2);
    expect(played.calls.filter(name => server.states?.[name] === undefined)).toEqual([server.start]);
  },
);
