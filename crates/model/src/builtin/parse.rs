//! Reads a question from left to right, clause by clause.
//!
//! Every word has to be taken by a clause or be known to mean nothing; no word
//! is skipped because it is not understood.

mod clauses;
mod filters;

use super::{
    intent::{Intent, Problem},
    names::{Mention, Names},
    vocabulary::{self, Language, Tag},
    words::{Shape, Token},
};

#[derive(Debug)]
pub(super) struct Parser<'a> {
    text: &'a str,
    tokens: &'a [Token<'a>],
    language: Language,
    names: &'a Names,
    at: usize,
    intent: Intent,
}

pub(super) fn parse<'a>(
    text: &'a str,
    tokens: &'a [Token<'a>],
    language: Language,
    names: &'a Names,
) -> Result<Intent, Problem> {
    let mut parser = Parser { text, tokens, language, names, at: 0, intent: Intent::default() };
    while let Some(token) = parser.tokens.get(parser.at) {
        if !parser.clause()? && !parser.filler() {
            return Err(Problem::Unknown(token.raw.to_owned()));
        }
    }
    Ok(parser.intent)
}

/// A clause that isn't there takes nothing.
type Found = Result<bool, Problem>;

impl<'a> Parser<'a> {
    fn clause(&mut self) -> Found {
        let clauses: [fn(&mut Self) -> Found; 11] = [
            Self::year,
            Self::filter,
            Self::superlative,
            Self::most,
            Self::group,
            Self::sort,
            Self::top,
            Self::count,
            Self::aggregate,
            Self::verb,
            Self::table,
        ];
        for clause in clauses {
            let start = self.at;
            if clause(self)? {
                return Ok(true);
            }
            self.at = start;
        }
        Ok(false)
    }

    fn rest(&self) -> &'a [Token<'a>] {
        &self.tokens[self.at..]
    }

    fn tag(&self) -> Option<Tag> {
        vocabulary::longest(self.rest(), self.language).map(|(tag, _)| tag)
    }

    /// Takes the next phrase if the function makes something of it.
    fn take<T>(&mut self, wanted: impl FnOnce(Tag) -> Option<T>) -> Option<T> {
        // "Grade A" is no article.
        let first = self.rest().first()?;
        if self.at > 0 && first.raw.len() == 1 && first.is_upper_case() && !self.is_shouted() {
            return None;
        }
        let (tag, length) = vocabulary::longest(self.rest(), self.language)?;
        let taken = wanted(tag)?;
        self.at += length;
        Some(taken)
    }

    fn accept(&mut self, wanted: &[Tag]) -> bool {
        self.take(|tag| wanted.contains(&tag).then_some(())).is_some()
    }

    fn accept_comma(&mut self) -> bool {
        let is_comma = self.rest().first().is_some_and(|it| it.shape == Shape::Comma);
        self.at += usize::from(is_comma);
        is_comma
    }

    fn filler(&mut self) -> bool {
        self.links() || self.accept(&[Tag::Is, Tag::Have, Tag::Rows]) || self.accept_comma()
    }

    /// Capital letters mean nothing in a question that has no others.
    fn is_shouted(&self) -> bool {
        !self.text.contains(char::is_lowercase)
    }

    fn links(&mut self) -> bool {
        let start = self.at;
        while self.accept(&[Tag::Article, Tag::In, Tag::Preposition, Tag::Filler]) {}
        self.at > start
    }

    fn articles(&mut self) {
        while self.accept(&[Tag::Article]) {}
    }

    fn column(&mut self) -> Option<Mention> {
        let (mention, length) = self.names.column(self.rest())?;
        self.at += length;
        Some(mention)
    }

    /// Columns joined by commas and "and", as long as no comparison follows.
    fn columns(&mut self) -> Option<Vec<Mention>> {
        let mut columns = vec![self.column()?];
        loop {
            let before = self.at;
            let is_joined = self.accept_comma() | self.accept(&[Tag::And]);
            self.articles();
            let column = if is_joined { self.column() } else { None };
            match column {
                Some(column) if !self.is_at_operator() => columns.push(column),
                _ => {
                    self.at = before;
                    return Some(columns);
                }
            }
        }
    }

    /// A table's name, with or without the word "table".
    fn table_name(&mut self) -> Option<Vec<usize>> {
        self.accept(&[Tag::TableNoun]);
        let (tables, length) = self.names.tables(self.rest())?;
        self.at += length;
        self.accept(&[Tag::TableNoun]);
        Some(tables)
    }

    fn whole_number(&mut self) -> Option<u64> {
        let number = self.rest().first()?.raw.parse().ok()?;
        self.at += 1;
        Some(number)
    }
}

/// What is said twice is not clear.
fn set<T>(slot: &mut Option<T>, value: T) -> Result<(), Problem> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(Problem::Unclear),
    }
}
