//! Server-sent events, from bytes that may be cut anywhere.

use std::{collections::VecDeque, mem};

const MAX_LINE_BYTES: usize = 1 << 20;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Gathers bytes into the data of events.
#[derive(Debug, Default)]
pub(super) struct Events {
    line: Vec<u8>,
    is_after_return: bool,
    data: Option<String>,
    ready: VecDeque<String>,
    is_foreign: bool,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event is longer than 1 MiB")]
pub(super) struct TooLong;

impl Events {
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        for &byte in bytes {
            let is_rest_of_break = byte == b'\n' && mem::take(&mut self.is_after_return);
            self.is_after_return = byte == b'\r';
            match byte {
                _ if is_rest_of_break => (),
                b'\n' | b'\r' => self.end_line()?,
                _ if self.line.len() >= MAX_LINE_BYTES => return Err(TooLong),
                _ => self.line.push(byte),
            }
        }
        Ok(())
    }

    /// The data of the next whole event.
    pub(super) fn next(&mut self) -> Option<String> {
        self.ready.pop_front()
    }

    /// What came after the last whole event, for servers that leave out the empty
    /// line behind it.
    pub(super) fn rest(&mut self) -> Option<String> {
        self.end_line().ok()?;
        self.data.take()
    }

    /// Whether there were lines that no event has.
    pub(super) fn is_foreign(&self) -> bool {
        self.is_foreign
    }

    fn end_line(&mut self) -> Result<(), TooLong> {
        let line = mem::take(&mut self.line);
        let line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&line);
        if line.is_empty() {
            self.ready.extend(self.data.take());
            return Ok(());
        }
        let line = String::from_utf8_lossy(line);
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        match field {
            "data" => self.add_data(value.strip_prefix(' ').unwrap_or(value)),
            "" | "event" | "id" | "retry" => Ok(()),
            _ => {
                self.is_foreign = true;
                Ok(())
            }
        }
    }

    fn add_data(&mut self, value: &str) -> Result<(), TooLong> {
        let data = match self.data.take() {
            Some(before) => before + "\n" + value,
            None => value.to_owned(),
        };
        if data.len() > MAX_LINE_BYTES {
            return Err(TooLong);
        }
        self.data = Some(data);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(stream: &str, chunk: usize) -> Vec<String> {
        let mut events = Events::default();
        let mut all = Vec::new();
        for bytes in stream.as_bytes().chunks(chunk) {
            events.push(bytes).unwrap();
            all.extend(std::iter::from_fn(|| events.next()));
        }
        all
    }

    #[track_caller]
    fn check(stream: &str, expected: &[&str]) {
        for chunk in 1..=stream.len() {
            assert_eq!(read(stream, chunk), expected, "in chunks of {chunk}");
        }
    }

    #[test]
    fn events_are_the_same_wherever_their_bytes_are_cut() {
        check("data: é日\n\ndata:b\n\n", &["é日", "b"]);
        check("data: a\r\n\r\ndata: b\r\n\r\n", &["a", "b"]);
        check("data: a\r\ndata: b\r\n\r\n", &["a\nb"]);
        check("data: a\r\rdata: b\r\r", &["a", "b"]);
        check("\u{feff}data: a\n\n\n\n\r\n", &["a"]);
    }

    #[test]
    fn an_event_has_all_its_data_and_nothing_else() {
        check("event: x\nid: 1\nretry: 5\ndata: a\ndata:  b\n\n", &["a\n b"]);
        check(": keep-alive\n\n: x\ndata: a\n\n", &["a"]);
        check("data\n\ndata: [DONE]\n\n", &["", "[DONE]"]);
        check("event: x\n\n", &[]);
    }

    #[test]
    fn an_event_that_was_cut_is_no_event() {
        check("data: a\n\ndata: b\n", &["a"]);
        let mut events = Events::default();
        events.push(b"data: a\ndata: b").unwrap();
        assert_eq!((events.next(), events.rest()), (None, Some("a\nb".to_owned())));
    }

    #[test]
    fn what_is_no_stream_of_events_is_seen() {
        let mut events = Events::default();
        events.push(b": comment\ndata: x\n\n").unwrap();
        assert!(!events.is_foreign());
        events.push(b"<html>\n").unwrap();
        assert!(events.is_foreign());
    }

    #[test]
    fn neither_a_line_nor_an_event_grows_without_bound() {
        let mut events = Events::default();
        assert_eq!(events.push(&vec![b'x'; MAX_LINE_BYTES + 1]), Err(TooLong));

        let mut events = Events::default();
        let line = format!("data: {}\n", "x".repeat(1_000));
        assert_eq!(events.push(line.repeat(1_100).as_bytes()), Err(TooLong));
    }
}
