import type { Engine, EngineOptions } from '../engine.js';
import type { ServerLocation } from '../store-url.js';
import { openBullmqEngine } from './open-bullmq-engine.js';
import { connectRedis } from './redis-connection.js';

/** BullMQ on Redis or Valkey. */
export function openRedisEngine(location: ServerLocation, options: EngineOptions): Promise<Engine> {
  return openBullmqEngine(connectRedis, location, options);
}
