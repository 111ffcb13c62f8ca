import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";

const HTML = `<!doctype html><html lang="en"><title>Tertulia</title>
<link rel="icon" href="data:,"><script type="module" src="/page.js"></script></html>`;

/** Serves the page at an origin, until the process ends. */
export async function serve(origin: string): Promise<void> {
  const script = await readFile(new URL("page.js", import.meta.url));
  const server = createServer(({ url }, response) => {
    const isScript = url === "/page.js";
    response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
    response.end(isScript ? script : HTML);
  });
  const { hostname, port } = new URL(origin);
  server.listen(Number(port), hostname).unref();
  await once(server, "listening");
}
