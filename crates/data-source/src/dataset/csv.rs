//! Reading CSV as RFC 4180 has it: UTF-8, fields in quotes where need be, lines
//! ended by LF or CRLF. Every fault is reported with the number of its line.

use std::{
    io::{self, BufRead, BufReader, Read},
    mem,
};

use crate::Error;

/// A record longer than this is most likely a quote that was never closed.
const MAX_RECORD_LEN: usize = 8 * 1024 * 1024;
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Reads records in bounded memory.
#[derive(Debug)]
pub(super) struct Reader<R> {
    input: BufReader<R>,
    delimiter: char,
    /// The line being read, with its end.
    line: String,
    line_number: u64,
}

/// One record's fields, without their quotes.
#[derive(Debug, Default)]
pub(super) struct Record {
    text: String,
    ends: Vec<usize>,
    /// The line that it begins on.
    pub(super) line: u64,
}

impl Record {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn fields(&self) -> impl Iterator<Item = &str> {
        let starts = [0].into_iter().chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| &self.text[start..end])
    }
}

impl<R: Read> Reader<R> {
    pub(super) fn new(input: R, delimiter: u8) -> Result<Self, Error> {
        if !delimiter.is_ascii() || matches!(delimiter, b'"' | b'\r' | b'\n' | 0) {
            return Err(problem(1, "the delimiter must be an ASCII character and not a quote"));
        }
        let input = BufReader::with_capacity(64 * 1024, input);
        Ok(Self { input, delimiter: delimiter.into(), line: String::new(), line_number: 0 })
    }

    /// Reads the next record, skipping empty lines; `false` is the end.
    pub(super) fn read(&mut self, record: &mut Record) -> Result<bool, Error> {
        record.text.clear();
        record.ends.clear();
        loop {
            if !self.next_line()? {
                return Ok(false);
            }
            if !without_line_end(&self.line).is_empty() {
                break;
            }
        }
        record.line = self.line_number;
        self.parse(record)?;
        Ok(true)
    }

    fn parse(&mut self, record: &mut Record) -> Result<(), Error> {
        let mut at = 0;
        loop {
            if self.line[at..].starts_with('"') {
                at = self.parse_quoted(record, at + 1)?;
            } else {
                let rest = without_line_end(&self.line[at..]);
                let field = &rest[..rest.find(self.delimiter).unwrap_or(rest.len())];
                record.text.push_str(field);
                at += field.len();
            }
            record.ends.push(record.text.len());
            if !self.line[at..].starts_with(self.delimiter) {
                return Ok(());
            }
            at += 1;
        }
    }

    /// Reads a quoted field from after its opening quote, over as many lines as
    /// it takes, and gives where the line goes on after the closing one.
    fn parse_quoted(&mut self, record: &mut Record, mut at: usize) -> Result<usize, Error> {
        let opened_on = self.line_number;
        loop {
            let rest = &self.line[at..];
            let Some(quote) = rest.find('"') else {
                record.text.push_str(rest);
                if record.text.len() > MAX_RECORD_LEN {
                    return Err(problem(opened_on, "a quoted field is not closed within 8 MiB"));
                }
                if !self.next_line()? {
                    return Err(problem(opened_on, "a quoted field is not closed"));
                }
                at = 0;
                continue;
            };
            record.text.push_str(&rest[..quote]);
            at += quote + 1;
            let after = &self.line[at..];
            if after.starts_with('"') {
                record.text.push('"');
                at += 1;
            } else if after.starts_with(self.delimiter) || without_line_end(after).is_empty() {
                return Ok(at);
            } else {
                return Err(problem(self.line_number, "text follows a closing quote"));
            }
        }
    }

    fn next_line(&mut self) -> Result<bool, Error> {
        let mut line = mem::take(&mut self.line).into_bytes();
        line.clear();
        let mut limited = (&mut self.input).take(MAX_RECORD_LEN as u64 + 1);
        let len = limited.read_until(b'\n', &mut line).map_err(unreadable)?;
        if len == 0 {
            return Ok(false);
        }
        self.line_number += 1;
        if len > MAX_RECORD_LEN {
            return Err(problem(self.line_number, "is longer than 8 MiB"));
        }
        self.line =
            String::from_utf8(line).map_err(|_| problem(self.line_number, "is not UTF-8"))?;
        if self.line.contains('\0') {
            return Err(problem(self.line_number, "holds a NUL byte"));
        }
        if self.line_number == 1 && self.line.starts_with(BYTE_ORDER_MARK) {
            self.line.remove(0);
        }
        Ok(true)
    }
}

fn without_line_end(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

fn problem(line: u64, problem: &str) -> Error {
    Error::Csv { line, problem: problem.to_owned() }
}

fn unreadable(error: io::Error) -> Error {
    Error::Store(error.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Result<Vec<(u64, Vec<String>)>, Error> {
        let mut reader = Reader::new(text, b',')?;
        let mut record = Record::default();
        let mut records = Vec::new();
        while reader.read(&mut record)? {
            records.push((record.line, record.fields().map(str::to_owned).collect()));
        }
        Ok(records)
    }

    #[track_caller]
    fn check(text: &str, expected: &[(u64, &[&str])]) {
        let records = read(text.as_bytes()).unwrap();
        let records: Vec<(u64, Vec<&str>)> = records
            .iter()
            .map(|(line, fields)| (*line, fields.iter().map(String::as_str).collect()))
            .collect();
        let expected: Vec<_> = expected.iter().map(|(line, it)| (*line, it.to_vec())).collect();
        assert_eq!(records, expected, "{text:?}");
    }

    #[track_caller]
    fn check_fault(text: &[u8], expected_line: u64, expected: &str) {
        match read(text) {
            Err(Error::Csv { line, problem }) => {
                assert_eq!((line, problem.as_str()), (expected_line, expected));
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn fields_end_at_delimiters_and_line_ends() {
        check("a,b\n1,2\n", &[(1, &["a", "b"]), (2, &["1", "2"])]);
        check("a,b\r\n1,2", &[(1, &["a", "b"]), (2, &["1", "2"])]);
        check(",\n,x,\n", &[(1, &["", ""]), (2, &["", "x", ""])]);
        check("um, dois ,três", &[(1, &["um", " dois ", "três"])]);
    }

    #[test]
    fn quotes_hold_delimiters_line_ends_and_doubled_quotes() {
        check("\"a,b\",\"c\"\n", &[(1, &["a,b", "c"])]);
        check("\"he said \"\"no\"\"\",\"\"\r\n", &[(1, &["he said \"no\"", ""])]);
        check("\"a\r\nb\n\",c\nd", &[(1, &["a\r\nb\n", "c"]), (4, &["d"])]);
        check("5\" pipe,x", &[(1, &["5\" pipe", "x"])]);
    }

    #[test]
    fn a_byte_order_mark_and_empty_lines_are_dropped() {
        check("\u{feff}a\n\n\r\nb\n\n", &[(1, &["a"]), (4, &["b"])]);
        check("\u{feff}\"a\"\n", &[(1, &["a"])]);
        check("", &[]);
    }

    #[test]
    fn a_fault_is_reported_with_its_line() {
        check_fault(b"a\n\"b\nc\n", 2, "a quoted field is not closed");
        check_fault(b"a\n\"b\n\"\"\n", 2, "a quoted field is not closed");
        check_fault(b"a\n\"b\nc\"d\n", 3, "text follows a closing quote");
        check_fault(b"a\n\"b\n\"\n\xff\n", 4, "is not UTF-8");
        check_fault(b"a\n\nb\0\n", 3, "holds a NUL byte");
    }

    #[test]
    fn a_record_without_end_is_cut_off() {
        let long = "x".repeat(MAX_RECORD_LEN + 1);
        check_fault(format!("a\n{long}").as_bytes(), 2, "is longer than 8 MiB");
        let lines = "xxxxxxx\n".repeat(MAX_RECORD_LEN / 8 + 1);
        let open = format!("a\nb,\"{lines}");
        check_fault(open.as_bytes(), 2, "a quoted field is not closed within 8 MiB");
    }

    #[test]
    fn a_delimiter_that_means_something_else_is_refused() {
        for delimiter in [b'"', b'\n', b'\r', 0, 0xe9] {
            assert!(Reader::new(b"a".as_slice(), delimiter).is_err());
        }
        assert!(Reader::new(b"a".as_slice(), b';').is_ok());
    }
}
