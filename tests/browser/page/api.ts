import { type Client, createClient, type Interceptor } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";

import { RunService } from "../gen/tertulia/v1/run_pb";
import { SessionService } from "../gen/tertulia/v1/session_pb";

/** A way into the service, and as whom. */
export interface Way {
  baseUrl: string;
  token: string;
  agentId: string;
}

export interface Api {
  agentId: string;
  sessions: Client<typeof SessionService>;
  runs: Client<typeof RunService>;
}

export function connect({ baseUrl, token, agentId }: Way): Api {
  const bearing: Interceptor = (next) => (request) => {
    request.header.set("authorization", `Bearer ${token}`);
    return next(request);
  };
  const transport = createGrpcWebTransport({ baseUrl, interceptors: [bearing] });
  return {
    agentId,
    sessions: createClient(SessionService, transport),
    runs: createClient(RunService, transport),
  };
}
