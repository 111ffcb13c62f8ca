import { connect, type Way } from "./api";
import { equal, failure } from "./expect";

/** A page from elsewhere, with a token all the same, can't read anything. */
export async function estranged(way: Way, title: string): Promise<void> {
  const { sessions, agentId } = connect(way);

  const error = await failure(sessions.createSession({ agentId, title }));
  equal(error.rawMessage, "Failed to fetch", "what the page is told");

  // The browser sends this one without asking first.
  const simple = fetch(`${way.baseUrl}/tertulia.v1.SessionService/ListSessions`, {
    method: "POST",
    headers: { "content-type": "text/plain" },
  });
  const outcome = await simple.then(
    (response) => `status ${response.status}`,
    () => "nothing",
  );
  equal(outcome, "nothing", "what the page can read");
}

/** What such a page wanted to create was not created. */
export async function untouched(way: Way, title: string): Promise<void> {
  const { sessions, agentId } = connect(way);
  const found = await sessions.listSessions({ agentId, search: title });
  equal(found.sessions.length, 0, "the number of sessions with its title");
}
