import { ExportFormat } from "../../gen/tertulia/v1/run_pb";
import type { Api } from "../api";
import { ensure, equal } from "../expect";
import { ask } from "../run";

export async function exported(api: Api): Promise<void> {
  const run = await ask(api, "SELECT * FROM penguins");
  const pieces: Uint8Array<ArrayBuffer>[] = [];

  const format = ExportFormat.CSV;
  for await (const { data } of api.runs.exportRunResult({ runId: run.id, format })) {
    pieces.push(new Uint8Array(data));
  }

  const lines = (await new Blob(pieces).text()).split("\r\n");
  ensure(lines[0]?.startsWith("species,"), `the columns in the first line: ${lines[0]}`);
  equal(lines.pop(), "", "what follows the last line");
  equal(String(lines.length - 1), run.rowCount, "the number of rows");
}
