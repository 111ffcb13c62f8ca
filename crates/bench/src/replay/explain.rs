//! Finds out where a value comes from, given what it was in several recordings.

use bytes::Bytes;
use recorder::{Execution, Value};
use tokio_postgres::types::Type;

use super::{
    array::Array,
    inputs::{Input, Inputs},
    number,
    source::{Origin, Slot, Source, microseconds},
    template::{Piece, Template, split},
    units::Aligned,
};

/// A number that nothing explains is a measurement if it is less: a duration, in ms.
const MEASURED: i64 = 120_000;

/// What is added to a returned number is a counter's step.
const MAX_STEP: i64 = 1000;

/// How much later or sooner a time is taken than its statement is sent.
const MAX_DELAY: i64 = 5_000_000;

/// What is known before a statement is sent.
pub(super) struct Known<'a> {
    pub(super) inputs: &'a [&'a Inputs],
    /// The statements that are answered.
    pub(super) before: &'a [Aligned<'a>],
    pub(super) slots: &'a mut Vec<Slot>,
}

impl Known<'_> {
    /// Explains a parameter; its values are those of the recordings.
    pub(super) fn parameter(&mut self, values: &[&Value], oid: u32) -> Option<Source> {
        let binary = values.iter().all(|it| it.binary);
        if values.iter().any(|it| it.binary != binary) {
            return None;
        }
        if values.iter().all(|it| it.bytes.is_none()) {
            return Some(Source::Constant(None));
        }
        let values: Option<Vec<Bytes>> = values.iter().map(|it| it.bytes.clone()).collect();
        self.value(&values?, oid, binary)
    }

    fn value(&mut self, values: &[Bytes], oid: u32, binary: bool) -> Option<Source> {
        if all_equal(values) {
            return Some(Source::Constant(values.first().cloned()));
        }
        let numbers: Option<Vec<i64>> =
            values.iter().map(|it| number::read(it, oid, binary)).collect();
        if let Some((origin, plus)) = numbers.as_deref().and_then(|it| self.number(it)) {
            return Some(Source::Number { origin, plus, oid, binary });
        }
        self.text_input(values)
            .or_else(|| self.returned(values).map(Source::Returned))
            .or_else(|| self.array(values, binary))
            .or_else(|| self.fresh(values, oid, binary))
            .or_else(|| measurement(values, &numbers?))
            .or_else(|| is_text(oid, binary).then(|| self.text(values, true).map(Source::Text))?)
    }

    /// Explains a statement's text, or a name.
    pub(super) fn name(&mut self, texts: &[&str]) -> Option<Template> {
        let texts: Vec<Bytes> =
            texts.iter().map(|it| Bytes::copy_from_slice(it.as_bytes())).collect();
        self.text(&texts, false)
    }

    fn number(&mut self, numbers: &[i64]) -> Option<(Origin, i64)> {
        self.equal_number(numbers).map(|origin| (origin, 0)).or_else(|| {
            let found = self.find(|executions, row, column| {
                let steps = numbers.iter().zip(executions).map(|(number, execution)| {
                    Some(number - returned_number(execution, row, column)?)
                });
                let steps: Vec<i64> = steps.collect::<Option<_>>()?;
                let is_step = all_equal(&steps) && steps[0].abs() <= MAX_STEP;
                is_step.then(|| steps[0])
            });
            found.map(|(slot, plus)| (Origin::Slot(slot), plus))
        })
    }

    fn equal_number(&mut self, numbers: &[i64]) -> Option<Origin> {
        let is_equal = |index: &usize| {
            let mut pairs = numbers.iter().zip(self.inputs);
            pairs.all(|(number, it)| *it.get(*index) == Input::Number(*number))
        };
        if let Some(index) = (0..self.inputs[0].len()).find(is_equal) {
            return Some(Origin::Input(index));
        }
        let found = self.find(|executions, row, column| {
            let mut pairs = numbers.iter().zip(executions);
            pairs
                .all(|(number, it)| returned_number(it, row, column) == Some(*number))
                .then_some(())
        });
        found.map(|(slot, ())| Origin::Slot(slot))
    }

    fn text_input(&self, values: &[Bytes]) -> Option<Source> {
        let is_equal = |index: &usize| {
            values.iter().zip(self.inputs).all(|(value, it)| match it.get(*index) {
                Input::Text(text) => text.as_bytes() == value,
                Input::Number(_) => false,
            })
        };
        let index = (0..self.inputs[0].len()).find(is_equal)?;
        Some(Source::Text(Template(vec![Piece::Input(index)])))
    }

    fn returned(&mut self, values: &[Bytes]) -> Option<usize> {
        let found = self.find(|executions, row, column| {
            let mut pairs = values.iter().zip(executions);
            pairs
                .all(|(value, it)| it.rows[row][column].bytes.as_ref() == Some(value))
                .then_some(())
        });
        found.map(|(slot, ())| slot)
    }

    /// Looks through all that was returned, from the last statement on.
    fn find<T>(
        &mut self,
        matches: impl Fn(&[&Execution], usize, usize) -> Option<T>,
    ) -> Option<(usize, T)> {
        for (step, executions) in self.before.iter().enumerate().rev() {
            if executions.iter().any(|it| it.simple) {
                continue;
            }
            let rows = executions.iter().map(|it| it.rows.len()).min().unwrap_or_default();
            let columns = executions.first().map_or(0, |it| it.columns.len());
            for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |it| (row, it))) {
                if let Some(found) = matches(executions, row, column) {
                    let oid = executions[0].columns[column];
                    return Some((self.slot(Slot { step, row, column, oid }), found));
                }
            }
        }
        None
    }

    fn slot(&mut self, slot: Slot) -> usize {
        self.slots.iter().position(|it| *it == slot).unwrap_or_else(|| {
            self.slots.push(slot);
            self.slots.len() - 1
        })
    }

    fn array(&mut self, values: &[Bytes], binary: bool) -> Option<Source> {
        if !binary {
            return None;
        }
        let arrays: Vec<Array<Bytes>> =
            values.iter().map(|it| Array::read(it.clone())).collect::<Option<_>>()?;
        let (oid, length) = (arrays[0].oid, arrays[0].elements.len());
        if arrays.iter().any(|it| it.oid != oid || it.elements.len() != length) {
            return None;
        }
        let elements = (0..length).map(|index| {
            let values: Vec<Bytes> = arrays.iter().map(|it| it.elements[index].clone()).collect();
            self.value(&values, oid, true)
        });
        Some(Source::Array(Array { oid, elements: elements.collect::<Option<_>>()? }))
    }

    /// What a call makes for itself.
    fn fresh(&self, values: &[Bytes], oid: u32, binary: bool) -> Option<Source> {
        let length = values[0].len();
        let is_of_one_length = values.iter().all(|it| it.len() == length);
        match Type::from_oid(oid) {
            Some(Type::UUID | Type::BYTEA) if binary && is_of_one_length => {
                Some(Source::Random(length))
            }
            Some(Type::TEXT | Type::VARCHAR) if is_of_one_length => hexadecimal(values),
            _ => None,
        }
    }

    fn text(&mut self, texts: &[Bytes], may_be_measured: bool) -> Option<Template> {
        let split: Vec<Vec<&[u8]>> = texts.iter().map(|it| split(it)).collect();
        if split.iter().any(|it| it.len() != split[0].len()) {
            return None;
        }
        let mut pieces = Vec::new();
        let mut literal = Vec::new();
        for index in 0..split[0].len() {
            let parts: Vec<&[u8]> = split.iter().map(|it| it[index]).collect();
            if all_equal(&parts) {
                literal.extend_from_slice(parts[0]);
                continue;
            }
            let numbers: Vec<i64> =
                parts.iter().map(|it| number::digits(it)).collect::<Option<_>>()?;
            let piece = match self.equal_number(&numbers) {
                Some(origin) => Piece::Number(origin),
                None if may_be_measured && numbers.iter().all(|it| *it < MEASURED) => {
                    Piece::Measured(Bytes::copy_from_slice(parts[0]))
                }
                None => return None,
            };
            pieces.push(Piece::Literal(std::mem::take(&mut literal).into()));
            pieces.push(piece);
        }
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal.into()));
        }
        Some(Template(pieces))
    }
}

/// Times are told apart from numbers by their type.
pub(super) fn time(values: &[&Value], at: &Aligned<'_>) -> Option<Source> {
    let offsets = values.iter().zip(at).map(|(value, execution)| {
        let bytes = value.bytes.as_deref().filter(|_| value.binary)?;
        let time = i64::from_be_bytes(bytes.try_into().ok()?);
        Some(time - microseconds(execution.at))
    });
    let offsets: Vec<i64> = offsets.collect::<Option<_>>()?;
    let (least, most) = (offsets.iter().min()?, offsets.iter().max()?);
    (most - least <= MAX_DELAY).then_some(Source::Now(*least))
}

fn measurement(values: &[Bytes], numbers: &[i64]) -> Option<Source> {
    let is_measured = numbers.iter().all(|it| (0..MEASURED).contains(it));
    is_measured.then(|| Source::Measured(values[0].clone()))
}

fn returned_number(execution: &Execution, row: usize, column: usize) -> Option<i64> {
    let value = &execution.rows[row][column];
    number::read(value.bytes.as_deref()?, execution.columns[column], value.binary)
}

/// Ids of traces, and UUIDs: their digits differ, what is between them does not.
fn hexadecimal(values: &[Bytes]) -> Option<Source> {
    const SHORTEST: usize = 16;
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let has_only = values.iter().all(|it| it.iter().all(|byte| is_digit(byte) || *byte == b'-'));
    if !has_only || values[0].len() < SHORTEST {
        return None;
    }
    let form = (0..values[0].len()).map(|index| match values[0][index] {
        same if values.iter().all(|it| it[index] == same) => Some(same),
        _ if values.iter().any(|it| it[index] == b'-') => None,
        _ => Some(b'x'),
    });
    Some(Source::Hexadecimal(form.collect::<Option<Vec<u8>>>()?.into()))
}

fn is_text(oid: u32, binary: bool) -> bool {
    let texts = [Type::TEXT, Type::VARCHAR, Type::JSON, Type::JSONB];
    !binary || Type::from_oid(oid).is_some_and(|it| texts.contains(&it))
}

fn all_equal<T: PartialEq>(values: &[T]) -> bool {
    values.windows(2).all(|pair| pair[0] == pair[1])
}
