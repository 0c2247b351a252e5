#!/usr/bin/env node
if (Number.parseInt(process.versions.node, 10) >= 22) keepCompiledCode();
const { main } = await import('../dist/command/main.js');
process.exitCode = await main(process);

/** From Node 22.8 on. In a folder of the user's: whoever writes compiled code decides what runs. */
function keepCompiledCode() {
  const { enableCompileCache } = process.getBuiltinModule('node:module');
  const { homedir } = process.getBuiltinModule('node:os');
  const { join } = process.getBuiltinModule('node:path');
  try {
    enableCompileCache?.(join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'mcp-await'));
  } catch {
    // A user whom the system does not know has no folder.
  }
}
