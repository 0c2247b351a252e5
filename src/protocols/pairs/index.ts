import type { Pair } from '../pair/profile.js';
import { apify } from './apify.js';
import { azurePipelines } from './azure-devops.js';
import { circleci } from './circleci.js';
import { desktopCommander } from './desktop-commander.js';
import { exa } from './exa.js';
import { firecrawlAgent, firecrawlCrawl } from './firecrawl.js';
import { geminiResearch, geminiVideo } from './gemini.js';
import { kieAi } from './kie-ai.js';
import { mcpAwait } from './mcp-await.js';
import { minimaxVideo } from './minimax.js';
import { replicatePredictions, replicateTrainings } from './replicate.js';
import { runway } from './runway.js';
import { shellServer } from './shell-server.js';

/** Profiles of servers that are known. A profile keeps its name, and its version counts its changes. */
export const builtInPairs: readonly Pair[] = [
  mcpAwait,
  apify,
  circleci,
  exa,
  firecrawlAgent,
  firecrawlCrawl,
  geminiResearch,
  geminiVideo,
  kieAi,
  minimaxVideo,
  replicatePredictions,
  replicateTrainings,
  runway,
  shellServer,
];

/** Profiles that are used only when they are named, since not all calls of their start tools start work that ends. */
export const namedPairs: readonly Pair[] = [azurePipelines, desktopCommander];
