const NAMES = ['@aws-sdk/client-dynamodb', '@aws-sdk/client-sqs'];
const RUNS_ON_NODE_20 = '3.1164';

/**
 * What a store on AWS needs, as `npm install` takes it. The AWS SDK says that versions published after the first week of
 * January 2027 will need Node 22: below that, the message names a version that runs.
 */
export const AWS_PACKAGES: readonly string[] =
  Number.parseInt(process.versions.node, 10) < 22 ? NAMES.map(name => `${name}@${RUNS_ON_NODE_20}`) : NAMES;
