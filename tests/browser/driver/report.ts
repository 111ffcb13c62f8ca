import { setTimeout as sleep } from "node:timers/promises";

const PATIENCE_MS = 30_000;

let failures = 0;

/** Runs a check, and prints what came of it in a line. */
export async function report(way: string, name: string, check: () => Promise<unknown>) {
  const start = performance.now();
  const problem = await outcome(check);
  const took = `${Math.round(performance.now() - start)} ms`;
  console.log(`${problem ? "FAILED" : "ok    "}  ${way.padEnd(6)}  ${name} (${took})`);
  if (problem) {
    failures += 1;
    console.log(problem.replace(/^/gm, "        "));
  }
  return !problem;
}

export function hasFailures(): boolean {
  return failures > 0;
}

async function outcome(check: () => Promise<unknown>): Promise<string | undefined> {
  const late = sleep(PATIENCE_MS, undefined, { ref: false }).then(() => {
    throw new Error(`not done in ${PATIENCE_MS} ms`);
  });
  try {
    await Promise.race([check(), late]);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
