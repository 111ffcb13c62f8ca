// Drives the page in Chromium: every check, through every way in.

import { randomUUID } from "node:crypto";

import { type Browser, chromium, type Page } from "playwright-core";

import type { Way } from "../page/api";
import type {} from "../page/main";
import { serve } from "./pages";
import { hasFailures, report } from "./report";
import { settings } from "./settings";

const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Opens the page, and shows what its console says where a check fails. */
async function open(browser: Browser, origin: string) {
  const said: string[] = [];
  const page = await browser.newPage();
  page.on("console", (message) => said.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => said.push(`error: ${error.message}`));
  await page.goto(origin);
  await page.waitForFunction(() => "tertulia" in window);
  const check = async (way: string, name: string, run: (page: Page) => Promise<unknown>) => {
    said.length = 0;
    const isGood = await report(way, name, () => run(page));
    if (!isGood) for (const line of said) console.log(`        console ${line}`);
  };
  return { page, check };
}

async function checkWay(browser: Browser, entry: (typeof settings.ways)[number]): Promise<void> {
  const { name, baseUrl } = entry;
  const way: Way = { baseUrl, token: settings.token, agentId: settings.agentId };
  const known = await open(browser, entry.known);
  const checks = await known.page.evaluate(() => window.tertulia.names());
  for (const check of checks) {
    await known.check(name, check, (page) =>
      page.evaluate(([check, way]) => window.tertulia.check(check, way), [check, way] as const),
    );
  }

  const strange = await open(browser, entry.strange);
  const title = `From elsewhere ${randomUUID()}`;
  await strange.check(name, "a page of another origin is told nothing", (page) =>
    page.evaluate(([way, title]) => window.tertulia.estranged(way, title), [way, title] as const),
  );
  await known.check(name, "a page of another origin changes nothing", (page) =>
    page.evaluate(([way, title]) => window.tertulia.untouched(way, title), [way, title] as const),
  );
}

await Promise.all(settings.ways.map(({ known }) => serve(known)));
const browser = await chromium.launch({ executablePath: settings.chromium, args: ARGUMENTS });
try {
  for (const entry of settings.ways) await checkWay(browser, entry);
} finally {
  await browser.close();
}
process.exitCode = hasFailures() ? 1 : 0;
