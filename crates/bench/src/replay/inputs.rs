/// What a call is about, by name; the same names in the same order for all calls of a
/// script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inputs(Vec<(&'static str, Input)>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Input {
    Number(i64),
    Text(String),
}

impl Inputs {
    #[must_use]
    pub fn number(mut self, name: &'static str, number: i64) -> Self {
        self.0.push((name, Input::Number(number)));
        self
    }

    #[must_use]
    pub fn text(mut self, name: &'static str, text: &str) -> Self {
        self.0.push((name, Input::Text(text.to_owned())));
        self
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|(name, _)| *name)
    }

    pub(super) fn get(&self, index: usize) -> &Input {
        &self.0[index].1
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
