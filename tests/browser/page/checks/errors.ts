import { Code } from "@connectrpc/connect";

import { BadRequestSchema } from "../../gen/google/rpc/error_details_pb";
import { type Api, connect, type Way } from "../api";
import { equal, failure, reason } from "../expect";

export async function notFound({ sessions }: Api): Promise<void> {
  const error = await failure(sessions.getSession({ sessionId: "9007199254740993" }));

  equal(error.code, Code.NotFound, "the code");
  equal(reason(error), "SESSION_NOT_FOUND", "the reason");
}

export async function badField({ sessions }: Api): Promise<void> {
  const error = await failure(sessions.listSessions({ perPage: -1 }));

  equal(error.code, Code.InvalidArgument, "the code");
  equal(reason(error), "INVALID_FIELD", "the reason");
  const [details] = error.findDetails(BadRequestSchema);
  equal(details?.fieldViolations[0]?.field, "per_page", "the field");
}

export async function wrongToken(_: Api, way: Way): Promise<void> {
  const { sessions } = connect({ ...way, token: `${way.token}x` });

  const error = await failure(sessions.listSessions({}));

  equal(error.code, Code.Unauthenticated, "the code");
  equal(reason(error), "UNAUTHENTICATED", "the reason");
}
