//! A file of comma-separated values, made on the fly.

use std::fmt::Write as _;

use bytes::Bytes;

const MEGABYTE: usize = 1_000_000;
const PIECE: usize = 64 * 1024;
const HEADER: &str = "id,day,place,amount,note\n";

/// As they are taken for when the file is imported.
pub(super) const COLUMNS: &str = "id bigint, day date, place text, amount numeric, note text";

pub(super) struct File {
    pub(super) pieces: Vec<Bytes>,
    /// Without the header.
    pub(super) rows: i64,
}

impl File {
    /// Of at least so many megabytes.
    pub(super) fn of(megabytes: usize) -> Self {
        let mut text = String::with_capacity(megabytes * MEGABYTE + PIECE);
        text.push_str(HEADER);
        let mut rows = 0;
        while text.len() < megabytes * MEGABYTE {
            rows += 1;
            row(&mut text, rows).expect("a string takes everything");
        }
        let text = Bytes::from(text);
        let pieces = (0..text.len()).step_by(PIECE);
        let pieces = pieces.map(|at| text.slice(at..text.len().min(at + PIECE))).collect();
        Self { pieces, rows }
    }
}

fn row(text: &mut String, id: i64) -> std::fmt::Result {
    const PLACES: [&str; 4] = ["Lisboa", "Porto", "\"Faro, Algarve\"", "São Paulo"];
    let (month, day) = (1 + id % 12, 1 + id % 28);
    let (place, cents) = (PLACES[(id % 4) as usize], id % 100);
    writeln!(text, "{id},2024-{month:02}-{day:02},{place},{id}.{cents:02},sale number {id} of all")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pieces_are_the_file_and_its_rows_are_counted() {
        let file = File::of(1);

        let text: Vec<u8> = file.pieces.concat();
        let lines = text.iter().filter(|byte| **byte == b'\n').count();
        assert!(MEGABYTE <= text.len() && text.len() < MEGABYTE + 100);
        assert_eq!(lines as i64, file.rows + 1);
        assert!(file.pieces.iter().all(|piece| piece.len() <= PIECE));
    }
}
