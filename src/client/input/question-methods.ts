import type { ClientOptions } from '@modelcontextprotocol/sdk/client/index.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';

type Capabilities = NonNullable<ClientOptions['capabilities']>;

/** The methods by which a server may ask, with the capability that lets it. */
export const questionMethods = [
  { method: 'elicitation/create', capability: 'elicitation', schema: ElicitRequestSchema },
  { method: 'sampling/createMessage', capability: 'sampling', schema: CreateMessageRequestSchema },
  { method: 'roots/list', capability: 'roots', schema: ListRootsRequestSchema },
] as const;

/** What a client declares so that it is asked: what the user says, else that a person can be asked. */
export function capabilitiesToAsk(given: Capabilities = {}, hasHandler: boolean): Capabilities {
  const declared = questionMethods.some(({ capability }) => given[capability] !== undefined);
  return hasHandler && !declared ? { ...given, elicitation: {} } : given;
}
