import type { Api, Way } from "./api";
import * as deadlines from "./checks/deadlines";
import * as errors from "./checks/errors";
import * as results from "./checks/results";
import * as sessions from "./checks/sessions";
import * as watching from "./checks/watching";

/** What must be so; it throws where it is not. */
export type Check = (api: Api, way: Way) => Promise<void>;

export const checks = new Map<string, Check>([
  ["a session that the page creates is in its list", sessions.createdAndListed],
  ["events of a run arrive while it goes on", watching.live],
  ["a watch that was aborted goes on where it was", watching.resumed],
  ["the rows of a run are a file in the page", results.exported],
  ["what is not there is refused with its reason", errors.notFound],
  ["a bad field is refused by its name", errors.badField],
  ["a wrong token is refused in words that the page can read", errors.wrongToken],
  ["the page ends a call at its own deadline", deadlines.ofThePage],
  ["the service ends a call at the caller's deadline", deadlines.ofTheService],
]);
