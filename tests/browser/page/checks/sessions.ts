import type { Api } from "../api";
import { ensure, equal } from "../expect";

export async function createdAndListed({ sessions, agentId }: Api): Promise<void> {
  // The title makes a round trip too.
  const title = `Análise – 🐧 ${crypto.randomUUID()}`;
  const { session } = await sessions.createSession({ agentId, title });
  ensure(session, "a session in the response");

  const listed = await sessions.listSessions({ agentId, search: title });

  equal(listed.sessions.length, 1, "the number of sessions with the title");
  equal(listed.sessions[0]?.id, session.id, "the listed session");
  equal(listed.sessions[0]?.title, title, "its title");
}
