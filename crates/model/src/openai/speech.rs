//! An answer as the pieces that a run shows.

use std::vec;

use futures::{Stream, StreamExt as _, stream};

use super::completion::Completion;
use crate::{Error, Piece};

const CUT: &str = "\n\n[cut: the model's answer was too long]";

enum Speech {
    Going { completion: Box<Completion>, note: Option<String> },
    Over(vec::IntoIter<Piece>),
}

/// The first text, the rest as it arrives, the note, and what it has cost.
pub(super) fn pieces(
    first: String,
    completion: Completion,
    note: Option<String>,
) -> impl Stream<Item = Result<Piece, Error>> + Send {
    let rest = stream::try_unfold(Speech::Going { completion: Box::new(completion), note }, next);
    stream::iter([Ok(Piece::Text(first))]).chain(rest)
}

async fn next(speech: Speech) -> Result<Option<(Piece, Speech)>, Error> {
    let (mut completion, note) = match speech {
        Speech::Going { completion, note } => (completion, note),
        Speech::Over(mut rest) => return Ok(rest.next().map(|it| (it, Speech::Over(rest)))),
    };
    if let Some(text) = completion.next().await? {
        return Ok(Some((Piece::Text(text), Speech::Going { completion, note })));
    }
    let cut = completion.is_cut().then(|| CUT.to_owned());
    let note = note.map(|it| format!("\n\n{it}"));
    let texts = cut.into_iter().chain(note).map(Piece::Text);
    let mut rest = texts.chain([Piece::Usage(completion.usage())]).collect::<Vec<_>>().into_iter();
    Ok(rest.next().map(|it| (it, Speech::Over(rest))))
}
