import { createServer, request } from 'node:http';

/** A proxy in front of `target` that counts the requests about tools and tasks which pass it. */
export async function countingProxy(target) {
  const { hostname, port, pathname } = new URL(target);
  let count = 0;
  const server = createServer((incoming, outgoing) => {
    const chunks = [];
    incoming.on('data', chunk => chunks.push(chunk));
    incoming.on('end', () => {
      const body = Buffer.concat(chunks);
      if (incoming.method === 'POST' && /"method":"(tools\/call|tasks\/)/.test(body)) count++;
      const headers = { ...incoming.headers, host: `${hostname}:${port}` };
      const forward = request({ hostname, port, path: incoming.url, method: incoming.method, headers });
      forward.on('response', answer => {
        outgoing.writeHead(answer.statusCode, answer.headers);
        outgoing.flushHeaders();
        answer.pipe(outgoing);
      });
      forward.on('error', () => outgoing.destroy());
      outgoing.on('close', () => forward.destroy());
      forward.end(body);
    });
  });
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}${pathname}`,
    take() {
      const taken = count;
      count = 0;
      return taken;
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
