import { ConnectError } from "@connectrpc/connect";

import { ErrorInfoSchema } from "../gen/google/rpc/error_details_pb";

export function ensure(holds: unknown, what: string): asserts holds {
  if (!holds) throw new Error(`not so: ${what}`);
}

export function equal<T>(actual: T, expected: T, what: string): void {
  ensure(actual === expected, `${what} is ${expected}, but ${actual}`);
}

/** The error that a call fails with. */
export async function failure(call: Promise<unknown>): Promise<ConnectError> {
  try {
    await call;
  } catch (error) {
    ensure(error instanceof ConnectError, `a ConnectError, but ${error}`);
    return error;
  }
  throw new Error("the call did not fail");
}

/** The reason of a refusal, as the service gives it to programs. */
export function reason(error: ConnectError): string | undefined {
  const [info] = error.findDetails(ErrorInfoSchema);
  if (info) equal(info.domain, "tertulia.v1", "the domain");
  return info?.reason;
}
