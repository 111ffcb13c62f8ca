"""Generated stubs: runs that are watched, cancelled and waited for."""

import time

import grpc

from api import FAST, SLOW, WithAgent
from tertulia.v1 import run_pb2


class Watch(WithAgent):
    def test_a_run_is_watched_from_its_state_to_its_end(self):
        run_id = self.user.start(FAST, agent_id=self.agent_id).run.id

        events = list(self.user.watch(run_id))

        kinds = [event.WhichOneof("event") for event in events]
        self.assertEqual(kinds[0], "state")
        self.assertEqual(kinds[-1], "final")
        self.assertLessEqual({"attempt", "sql_generated", "rows", "text_delta"}, set(kinds))
        ids = [event.event_id for event in events if event.event_id]
        self.assertEqual(ids, sorted(set(ids)))
        text = "".join(event.text_delta.text for event in events)
        self.assertEqual(text, events[-1].final.answer.content)

    def test_a_watch_that_is_resumed_gives_what_is_left(self):
        run_id = self.user.start(FAST, wait=60, agent_id=self.agent_id).run.id
        whole = [event.event_id for event in self.user.watch(run_id) if event.event_id]

        rest = [event.event_id for event in self.user.watch(run_id, whole[1]) if event.event_id]

        self.assertEqual(rest, whole[2:])

    def test_a_run_is_cancelled_while_its_statement_goes_on(self):
        run_id = self.user.start(SLOW, agent_id=self.agent_id).run.id
        watch = self.user.watch(run_id)
        next(event for event in watch if event.WhichOneof("event") == "sql_generated")

        self.user.cancel(run_id, "no longer needed")

        *_, last = watch
        self.assertEqual(last.final.run.state, run_pb2.RUN_STATE_CANCELLED)
        self.assertEqual(last.final.run.error.message, "no longer needed")
        self.assertEqual(self.user.wait(run_id).answer, last.final.answer)

    def test_a_wait_is_answered_before_its_deadline(self):
        run_id = self.user.start(SLOW, agent_id=self.agent_id).run.id

        run = self.user.wait(run_id, deadline=1).run

        self.assertIn(run.state, (run_pb2.RUN_STATE_QUEUED, run_pb2.RUN_STATE_RUNNING))
        self.user.cancel(run_id)

    def test_a_deadline_ends_the_call_and_not_the_run(self):
        run_id = self.user.start(SLOW, agent_id=self.agent_id).run.id
        began = time.monotonic()

        with self.assertRaises(grpc.RpcError) as raised:
            list(self.user.watch(run_id, deadline=0.5))

        self.assertEqual(raised.exception.code(), grpc.StatusCode.DEADLINE_EXCEEDED)
        self.assertLess(time.monotonic() - began, 5)
        # Had it ended, it would not be cancelled any more.
        self.assertEqual(self.user.cancel(run_id).error.reason, "CANCELLED")
