import type { CallOptions } from "@connectrpc/connect";

import type { Api } from "./api";
import { ensure } from "./expect";
import type { Run, RunEvent } from "../gen/tertulia/v1/run_pb";

/** 40 million rows to count: some seconds. */
const LONG = "SELECT count(*) FROM penguins a, penguins b, penguins c";

export function startLong(api: Api): Promise<Run> {
  return start(api, LONG);
}

export async function start({ runs, agentId }: Api, question: string): Promise<Run> {
  const { run } = await runs.startRun({ agentId, question });
  ensure(run, "a run in the response");
  return run;
}

/** Asks, and waits for the end. */
export async function ask({ runs, agentId }: Api, question: string): Promise<Run> {
  const { run } = await runs.startRun({ agentId, question, wait: { seconds: 30n } });
  ensure(run?.endedAt, "it has ended");
  return run;
}

export async function* watch(
  { runs }: Api,
  runId: string,
  options: CallOptions = {},
  afterEventId = "0",
): AsyncGenerator<RunEvent> {
  for await (const { event } of runs.watchRun({ runId, afterEventId }, options)) {
    ensure(event, "an event in the response");
    yield event;
  }
}
