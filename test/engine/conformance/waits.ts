import { describe, expect, test } from 'vitest';
import { timed } from '../../fixtures/timed.js';
