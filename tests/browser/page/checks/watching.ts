import { Code } from "@connectrpc/connect";

import { type RunEvent, RunState } from "../../gen/tertulia/v1/run_pb";
import type { Api } from "../api";
import { ensure, equal, failure } from "../expect";
import { startLong, watch } from "../run";

export async function live(api: Api): Promise<void> {
  const run = await startLong(api);
  const seen: RunEvent["event"]["case"][] = [];

  for await (const { event } of watch(api, run.id)) {
    seen.push(event.case);
    if (event.case === "sqlGenerated") {
      // It could not be so if the events came all at once, at the end.
      const now = await api.runs.getRun({ runId: run.id });
      equal(now.run?.state, RunState.RUNNING, "the run's state when its SQL was seen");
    }
    if (event.case === "final") {
      equal(event.value.run?.state, RunState.SUCCEEDED, "the run's state in the end");
      equal(event.value.answer?.content, "40707584", "the answer");
    }
  }

  ensure(seen.includes("sqlGenerated"), `the SQL among ${seen}`);
  equal(seen.at(-1), "final", "the last event");
}

export async function resumed(api: Api): Promise<void> {
  const run = await startLong(api);
  let last = "0";

  const error = await failure(
    (async () => {
      const abort = new AbortController();
      for await (const { event, eventId } of watch(api, run.id, { signal: abort.signal })) {
        last = eventId;
        if (event.case === "sqlGenerated") abort.abort();
      }
    })(),
  );
  const rest = await Array.fromAsync(watch(api, run.id, {}, last));

  equal(error.code, Code.Canceled, "the code");
  const repeated = rest.filter(({ eventId }) => eventId !== "0" && BigInt(eventId) <= BigInt(last));
  equal(repeated.length, 0, "the number of events that came again");
  equal(rest.at(-1)?.event.case, "final", "the last event");
}
