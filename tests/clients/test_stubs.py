"""Generated stubs: an import, questions, pages, files."""

import uuid

from api import FAST, WithAgent
from tertulia.v1 import data_source_pb2, run_pb2, session_pb2


class Stubs(WithAgent):
    def test_a_table_is_imported_from_pieces_that_are_cut_anywhere(self):
        data_source_id = self.user.create_data_set("Cities")
        csv = "City,Founded,Area\nSão Luís,1612-09-08,834.8\nNA,,\n".encode()

        imported = self.user.import_csv(data_source_id, "cities", csv, piece=1)

        self.assertEqual(imported.row_count, 2)
        columns = [(column.name, column.type) for column in imported.table.columns]
        self.assertEqual(columns, [("city", "text"), ("founded", "date"), ("area", "numeric")])
        request = data_source_pb2.GetSchemaRequest(data_source_id=data_source_id)
        schema = self.user.stubs.data_sources.GetSchema(request, metadata=self.user.bearer)
        self.assertEqual([table.name for table in schema.tables], ["cities"])

    def test_a_question_that_is_waited_for_comes_back_with_its_answer(self):
        response = self.user.start(FAST, wait=60, agent_id=self.agent_id)

        self.assertEqual(response.run.state, run_pb2.RUN_STATE_SUCCEEDED)
        self.assertEqual(response.run.total_rows, 3)
        self.assertIn("é2", response.answer.content)
        self.assertEqual(response.answer.sql_query, response.run.sql_query)
        self.assertEqual(response.answer.message_metadata["row_count"], 3)

    def test_messages_are_listed_page_by_page(self):
        session_id = self.user.create_session(self.agent_id)
        for _ in range(3):
            self.user.start(FAST, wait=60, session_id=session_id)

        pages, number = [], 1
        while True:
            request = session_pb2.ListMessagesRequest(
                session_id=session_id, per_page=4, page=number
            )
            page = self.user.stubs.sessions.ListMessages(request, metadata=self.user.bearer)
            pages.append([message.sequence_order for message in page.messages])
            if not page.pagination.has_next:
                break
            number += 1

        self.assertEqual(pages, [[1, 2, 3, 4], [5, 6]])
        self.assertEqual(page.session_info.total_messages, 6)

    def test_sessions_are_listed_token_by_token_each_once(self):
        agent_id = self.user.create_agent()
        created = [self.user.create_session(agent_id, title=f"Session {n}") for n in range(5)]

        listed, request = [], session_pb2.ListSessionsRequest(agent_id=agent_id, per_page=2)
        while True:
            page = self.user.stubs.sessions.ListSessions(request, metadata=self.user.bearer)
            listed += [session.id for session in page.sessions]
            request.page_token = page.pagination.next_page_token
            if not request.page_token:
                break

        self.assertEqual(listed, created[::-1])

    def test_a_request_that_is_sent_twice_has_one_effect(self):
        request_id = str(uuid.uuid4())

        first, second = (
            self.user.create_session(self.agent_id, request_id=request_id) for _ in range(2)
        )

        self.assertEqual(first, second)

    def test_the_rows_of_an_answer_come_as_a_file(self):
        run_id = self.user.start(FAST, wait=60, agent_id=self.agent_id).run.id

        files = {
            run_pb2.EXPORT_FORMAT_CSV: "name\r\né1\r\né2\r\né3\r\n",
            run_pb2.EXPORT_FORMAT_JSON_LINES: '["name"]\n["é1"]\n["é2"]\n["é3"]\n',
        }
        for format, file in files.items():
            request = run_pb2.ExportRunResultRequest(run_id=run_id, format=format)
            pieces = self.user.stubs.runs.ExportRunResult(request, metadata=self.user.bearer)
            self.assertEqual(b"".join(piece.data for piece in pieces).decode(), file)
