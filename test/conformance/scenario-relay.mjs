// What the conformance suite starts in each scenario: it hands the scenario to the test, and ends as the client there did.
const [test, url] = process.argv.slice(2);
const { MCP_CONFORMANCE_SCENARIO: name, MCP_CONFORMANCE_CONTEXT: context = '{}' } = process.env;

const body = JSON.stringify({ name, url, context: JSON.parse(context) });
const response = await fetch(test, { method: 'POST', body });
process.exitCode = Number(await response.text());
