import { Code, type CallOptions, type ConnectError } from "@connectrpc/connect";

import type { Api } from "../api";
import { equal, failure, reason } from "../expect";
import { startLong, watch } from "../run";

export async function ofThePage(api: Api): Promise<void> {
  const error = await watchLong(api, { timeoutMs: 300 });

  equal(error.code, Code.DeadlineExceeded, "the code");
}

export async function ofTheService(api: Api): Promise<void> {
  // Without `timeoutMs` the page itself would wait.
  const error = await watchLong(api, { headers: { "grpc-timeout": "300m" } });

  equal(error.code, Code.DeadlineExceeded, "the code");
  equal(reason(error), "DEADLINE_EXCEEDED", "the reason");
}

async function watchLong(api: Api, options: CallOptions): Promise<ConnectError> {
  const { id } = await startLong(api);
  return failure(Array.fromAsync(watch(api, id, options)));
}
