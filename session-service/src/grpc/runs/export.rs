//! A run's result as a file, piece by piece.

mod csv;
mod json_lines;

use std::vec;

use proto::v1 as pb;
use storage::{
    RunId,
    results::{Column, Page},
};

use crate::{Error, grpc::fields::Fields};

const MAX_PIECE_BYTES: usize = 64 * 1024;

#[derive(Clone, Copy, Debug)]
pub(super) enum Format {
    Csv,
    JsonLines,
}

pub(super) fn export_run_result(
    request: &pb::ExportRunResultRequest,
) -> Result<(RunId, Format), Error> {
    let mut fields = Fields::default();
    let run_id = fields.id("run_id", request.run_id, RunId);
    if request.format == 0 {
        fields.refuse("format", "is required");
    }
    let format = match fields.choice("format", request.format) {
        None | Some(pb::ExportFormat::Unspecified | pb::ExportFormat::Csv) => Format::Csv,
        Some(pb::ExportFormat::JsonLines) => Format::JsonLines,
    };
    fields.check()?;
    Ok((run_id, format))
}

/// The pieces of a file, each written when it is asked for.
pub(super) struct Pieces {
    format: Format,
    columns: Vec<Column>,
    rows: vec::IntoIter<Vec<Option<String>>>,
    /// What is written and not yet given away.
    written: Vec<u8>,
}

impl Pieces {
    pub(super) fn new(format: Format, result: Page) -> Self {
        let Page { columns, rows, .. } = result;
        let mut written = Vec::new();
        let names = columns.iter().map(|it| it.name.as_str());
        match format {
            Format::Csv => csv::write_line(&mut written, names.map(Some)),
            Format::JsonLines => json_lines::write_names(&mut written, names),
        }
        Self { format, columns, rows: rows.into_iter(), written }
    }

    fn write(&mut self, row: &[Option<String>]) {
        let values = row.iter().map(Option::as_deref);
        match self.format {
            Format::Csv => csv::write_line(&mut self.written, values),
            Format::JsonLines => {
                let types = self.columns.iter().map(|it| it.type_name.as_str());
                json_lines::write_row(&mut self.written, types.zip(values));
            }
        }
    }
}

impl Iterator for Pieces {
    type Item = pb::ExportRunResultResponse;

    fn next(&mut self) -> Option<Self::Item> {
        while self.written.len() < MAX_PIECE_BYTES
            && let Some(row) = self.rows.next()
        {
            self.write(&row);
        }
        let rest = self.written.split_off(self.written.len().min(MAX_PIECE_BYTES));
        let data = std::mem::replace(&mut self.written, rest);
        (!data.is_empty()).then_some(pb::ExportRunResultResponse { data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(rows: Vec<Vec<Option<String>>>) -> Vec<Vec<u8>> {
        let column = Column { name: "text".to_owned(), type_name: "text".to_owned() };
        let result = Page {
            columns: vec![column],
            row_count: 0,
            rows,
            truncated_by: None,
            total_rows: None,
        };
        Pieces::new(Format::Csv, result).map(|piece| piece.data).collect()
    }

    #[test]
    fn pieces_are_full_but_for_the_last_and_make_up_the_file() {
        let long = "é".repeat(100_000);
        let rows = [vec![Some(long.clone())], vec![None], vec![Some("end".to_owned())]];

        let pieces = pieces(rows.to_vec());

        let sizes: Vec<usize> = pieces.iter().map(Vec::len).collect();
        assert_eq!(sizes, [65_536, 65_536, 65_536, 200_006 + 2 + 7 - 3 * 65_536]);
        let file = String::from_utf8(pieces.concat()).unwrap();
        assert_eq!(file, format!("text\r\n{long}\r\n\r\nend\r\n"));
    }

    #[test]
    fn a_result_without_rows_is_a_file_with_one_line() {
        assert_eq!(pieces(vec![]), [b"text\r\n"]);
    }
}
