import 'pg';
import type { Engine, EngineOptions } from '../engine.js';
import type { ServerLocation } from '../store-url.js';
import { openBullmqEngine } from './open-bullmq-engine.js';
import { connectPostgres } from './postgres-connection.js';

/** BullMQ on PostgreSQL. */
export function openPostgresEngine(location: ServerLocation, options: EngineOptions): Promise<Engine> {
  return openBullmqEngine(connectPostgres, location, options);
}
