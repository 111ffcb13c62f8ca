//! Which rows are meant: a column, a comparison, a value.

use super::{Found, Parser};
use crate::builtin::{
    intent::Filter,
    vocabulary::{Comparison, Tag, Unit},
    words::{Shape, Token},
};

const INTRODUCTIONS: [Tag; 5] = [Tag::Where, Tag::With, Tag::Have, Tag::In, Tag::Preposition];

enum Operator {
    Compare(Comparison),
    Between,
}

impl Parser<'_> {
    /// "where state is TX", "de species Adelie", "body_mass_g > 4000"
    pub(super) fn filter(&mut self) -> Found {
        let has_filter = !self.intent.filters.is_empty();
        let is_joined = has_filter && (self.accept_comma() | self.accept(&[Tag::And]));
        let is_introduced = self.accept(&INTRODUCTIONS) || is_joined;
        self.articles();
        let Some(column) = self.column() else { return Ok(false) };
        let (comparison, is_explicit) = match self.operator() {
            Some(Operator::Between) => {
                let Some((low, high)) = self.range() else { return Ok(false) };
                self.intent.filters.push(Filter::Between(column, low, high));
                return Ok(true);
            }
            Some(Operator::Compare(comparison)) => (comparison, true),
            None => (Comparison::Equal, false),
        };
        if !is_explicit && !is_introduced {
            return Ok(false);
        }
        let Some(value) = self.value(is_explicit) else { return Ok(false) };
        self.intent.filters.push(Filter::Is(column, comparison, value));
        Ok(true)
    }

    /// "in 2012", "no ano de 2012"
    pub(super) fn year(&mut self) -> Found {
        if !self.accept(&[Tag::In]) {
            return Ok(false);
        }
        self.articles();
        let named = self.names.column(self.rest()).map(|(column, _)| column);
        let column = named.filter(|_| self.accept(&[Tag::Unit(Unit::Year)]));
        self.accept(&[Tag::Unit(Unit::Year)]);
        self.accept(&[Tag::In]);
        let Some(token) = self.rest().first() else { return Ok(false) };
        let year = token.raw.parse().ok().filter(|year| (1500..3000).contains(year));
        let Some(year) = year else { return Ok(false) };
        self.at += 1;
        self.intent.filters.push(Filter::Year(column, year));
        Ok(true)
    }

    pub(super) fn is_at_operator(&self) -> bool {
        let is_symbol = self.rest().first().is_some_and(|it| it.shape == Shape::Operator);
        is_symbol || matches!(self.tag(), Some(Tag::Is | Tag::Not | Tag::Compare(_) | Tag::Between))
    }

    fn operator(&mut self) -> Option<Operator> {
        let first = self.rest().first()?;
        if first.shape == Shape::Operator {
            self.at += 1;
            return Some(Operator::Compare(symbol(first)));
        }
        let is_copula = self.accept(&[Tag::Is]);
        let operator = self.take(|tag| match tag {
            Tag::Compare(comparison) => Some(Operator::Compare(comparison)),
            Tag::Not => Some(Operator::Compare(Comparison::NotEqual)),
            Tag::Between => Some(Operator::Between),
            _ => None,
        });
        operator.or_else(|| is_copula.then_some(Operator::Compare(Comparison::Equal)))
    }

    fn range(&mut self) -> Option<(String, String)> {
        let low = self.value(true)?;
        if !self.accept(&[Tag::And]) {
            return None;
        }
        Some((low, self.value(true)?))
    }

    /// A value between quotation marks, a word, or several words that all start
    /// like a name. Without a comparison before it, a word has to look like one.
    fn value(&mut self, is_explicit: bool) -> Option<String> {
        let first = self.rest().first()?;
        let is_name = first.starts_like_a_name();
        // IN, OR and ME are states; "in", "or" and "me" are not, nor is NULL.
        let is_code = first.is_upper_case() && first.raw.len() <= 2 && !self.is_shouted();
        let is_value = match first.shape {
            Shape::Quoted => true,
            Shape::Operator | Shape::Comma => false,
            Shape::Word if self.is_known() => is_code,
            Shape::Word => is_explicit || is_name || first.starts_like_a_number(),
        };
        if !is_value {
            return None;
        }
        self.at += 1;

        let mut end = first.start + first.raw.len();
        while first.shape == Shape::Word && is_name && !self.is_shouted() {
            match self.rest().first() {
                Some(next) if next.starts_like_a_name() && !self.is_known() => {
                    end = next.start + next.raw.len();
                    self.at += 1;
                }
                _ => break,
            }
        }
        Some(self.text[first.start..end].to_owned())
    }

    /// Whether the next word is one of the vocabulary's or the schema's.
    fn is_known(&self) -> bool {
        self.tag().is_some()
            || self.names.column(self.rest()).is_some()
            || self.names.tables(self.rest()).is_some()
    }
}

fn symbol(token: &Token<'_>) -> Comparison {
    match token.raw {
        ">" => Comparison::Greater,
        ">=" | "≥" => Comparison::AtLeast,
        "<" => Comparison::Less,
        "<=" | "≤" => Comparison::AtMost,
        "<>" | "!=" => Comparison::NotEqual,
        _ => Comparison::Equal,
    }
}
