//! JSON within text.

use serde_json::{Map, Value};

/// Where to look; a text has as many braces as it likes.
const MAX_BRACES: usize = 64;

/// An object that holds one of the names, in the text or one level below it, and
/// where it begins.
pub(super) fn find(text: &str, names: &[&str]) -> Option<(usize, Map<String, Value>)> {
    let braces = text.match_indices('{').take(MAX_BRACES);
    braces.map(|(at, _)| at).find_map(|at| {
        let value = serde_json::Deserializer::from_str(&text[at..]).into_iter().next()?.ok()?;
        Some((at, holder(value, names)?))
    })
}

/// The text of the first of the names that has any.
pub(super) fn text<'a>(object: &'a Map<String, Value>, names: &[&str]) -> Option<&'a str> {
    let texts = names.iter().filter_map(|name| object.get(*name)?.as_str());
    texts.map(str::trim).find(|it| !it.is_empty() && !it.eq_ignore_ascii_case("null"))
}

fn holder(value: Value, names: &[&str]) -> Option<Map<String, Value>> {
    let Value::Object(object) = value else { return None };
    if names.iter().any(|name| object.contains_key(*name)) {
        return Some(object);
    }
    let within = object.into_iter().map(|(_, value)| value);
    within
        .filter_map(|it| it.as_object().cloned())
        .find(|inner| names.iter().any(|name| inner.contains_key(*name)))
}
