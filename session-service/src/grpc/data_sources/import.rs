//! The first message of ImportTable: what to make of the file that follows.

use std::fs::File;

use data_source::dataset::Request;
use proto::v1::{self as pb, import_table_request::Part};
use sha2::{Digest as _, Sha256};
use storage::DataSourceId;
use uuid::Uuid;

use super::convert::MAX_IDENTIFIER_BYTES;
use crate::{Error, data_sources::Upload, grpc::fields::Fields};

const MAX_NULL_MARKERS: usize = 20;
const MAX_MARKER_CHARS: usize = 100;

/// What to make of a file that is still to be received.
pub(super) struct ImportTable {
    pub data_source_id: DataSourceId,
    table: String,
    delimiter: u8,
    null_markers: Vec<String>,
    replace: bool,
    request_id: Option<Uuid>,
}

impl ImportTable {
    /// Everything that was asked for, as far as it is known before the file; no two
    /// imports have the same, since each text has its length before it.
    pub(super) fn hash(&self) -> Sha256 {
        let mut hash = Sha256::new();
        hash.update(self.data_source_id.0.to_be_bytes());
        hash.update([self.delimiter, self.replace.into()]);
        hash.update(length(self.null_markers.len()));
        for text in [&self.table].into_iter().chain(&self.null_markers) {
            hash.update(length(text.len()));
            hash.update(text);
        }
        hash
    }

    pub(super) fn with(self, file: File, content_hash: [u8; 32]) -> Upload {
        let Self { data_source_id: _, table, delimiter, null_markers, replace, request_id } = self;
        let request = request_id.map(|id| Request { id, content_hash });
        Upload { table, delimiter, null_markers, replace, request, file }
    }
}

fn length(length: usize) -> [u8; 8] {
    (length as u64).to_be_bytes()
}

pub(super) fn import_table(first: Option<pb::ImportTableRequest>) -> Result<ImportTable, Error> {
    let Some(Part::Table(table)) = first.and_then(|first| first.part) else {
        return Err(Error::invalid("part", "must be table in the first message"));
    };
    let mut fields = Fields::default();
    let import = ImportTable {
        data_source_id: fields.id("table.data_source_id", table.data_source_id, DataSourceId),
        delimiter: delimiter(&mut fields, &table.delimiter),
        table: table_name(&mut fields, table.table_name),
        null_markers: null_markers(&mut fields, table.null_markers),
        replace: table.replace,
        request_id: fields.request_id("table.request_id", &table.request_id),
    };
    fields.check()?;
    Ok(import)
}

fn null_markers(fields: &mut Fields, markers: Option<pb::NullMarkers>) -> Vec<String> {
    let markers = match markers {
        None => vec![String::new(), "NA".to_owned()],
        Some(pb::NullMarkers { markers }) => markers,
    };
    if MAX_NULL_MARKERS < markers.len() {
        let problem = format!("must not have more than {MAX_NULL_MARKERS} entries");
        fields.refuse("table.null_markers.markers", problem);
    }
    if markers.iter().any(|marker| MAX_MARKER_CHARS < marker.chars().count()) {
        let problem = format!("must not have more than {MAX_MARKER_CHARS} characters each");
        fields.refuse("table.null_markers.markers", problem);
    }
    markers
}

fn delimiter(fields: &mut Fields, delimiter: &str) -> u8 {
    match *delimiter.as_bytes() {
        [] => b',',
        [byte] if byte.is_ascii() && !b"\"\r\n\0".contains(&byte) => byte,
        _ => {
            let problem = "must be one ASCII character, no quote and no line break";
            fields.refuse("table.delimiter", problem);
            b','
        }
    }
}

fn table_name(fields: &mut Fields, name: String) -> String {
    let is_first = |c: char| c.is_ascii_lowercase() || c == '_';
    let is_other = |c: char| is_first(c) || c.is_ascii_digit();
    if !name.starts_with(is_first)
        || !name.chars().all(is_other)
        || MAX_IDENTIFIER_BYTES < name.len()
    {
        let problem =
            "must be 1 to 63 lower-case letters, digits and _, not beginning with a digit";
        fields.refuse("table.table_name", problem);
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_imports_have_the_same_hash() {
        let table = |name: &str| pb::ImportedTable {
            data_source_id: 1,
            table_name: name.to_owned(),
            ..Default::default()
        };
        let with = |markers: &[&str]| {
            let markers = markers.iter().map(|&it| it.to_owned()).collect();
            pb::ImportedTable { null_markers: Some(pb::NullMarkers { markers }), ..table("t") }
        };
        let imports = [
            table("t"),
            table("u"),
            table("ta"),
            pb::ImportedTable { data_source_id: 2, ..table("t") },
            pb::ImportedTable { delimiter: ";".to_owned(), ..table("t") },
            pb::ImportedTable { replace: true, ..table("t") },
            with(&[]),
            with(&[""]),
            with(&["a"]),
            with(&["ab"]),
            with(&["a", "b"]),
            with(&["b", "a"]),
            with(&["", "ab"]),
            with(&["ab", ""]),
        ];

        let hash = |table| {
            let part = Some(Part::Table(table));
            let import = import_table(Some(pb::ImportTableRequest { part })).unwrap();
            import.hash().finalize()
        };
        let mut hashes: Vec<_> = imports.into_iter().map(hash).collect();
        hashes.sort_unstable();
        assert!(hashes.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
