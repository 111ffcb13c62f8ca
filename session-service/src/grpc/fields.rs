//! Checks of single fields. All of a request's violations are collected, so that
//! the caller learns of them at once.

use prost_types::FieldMask;
use uuid::Uuid;

use crate::{Error, error::Violation};

const MAX_NAME_CHARS: u32 = 200;
/// Of an agent's instructions.
pub(super) const MAX_TEXT_CHARS: u32 = 8_000;

/// What is wrong with a request's fields. After [`check`](Fields::check) nothing
/// is; until then a field that was refused has a stand-in for its value.
#[derive(Debug, Default)]
pub(super) struct Fields {
    violations: Vec<Violation>,
}

impl Fields {
    pub(super) fn check(self) -> Result<(), Error> {
        if self.violations.is_empty() {
            Ok(())
        } else {
            Err(Error::InvalidArgument(self.violations))
        }
    }

    pub(super) fn refuse(&mut self, field: &'static str, problem: impl Into<String>) {
        self.violations.push(Violation { field, problem: problem.into() });
    }

    /// An id that must be there.
    pub(super) fn id<I>(&mut self, field: &'static str, value: i64, new: impl Fn(i64) -> I) -> I {
        if value == 0 {
            self.refuse(field, "is required");
        } else if value < 0 {
            self.refuse(field, "must be positive");
        }
        new(value)
    }

    /// An id that may be absent, which on the wire is 0.
    pub(super) fn optional_id<I>(
        &mut self,
        field: &'static str,
        value: i64,
        new: impl Fn(i64) -> I,
    ) -> Option<I> {
        (value != 0).then(|| self.id(field, value, new))
    }

    /// The id that a caller gave a request, if any: a UUID in its usual form.
    pub(super) fn request_id(&mut self, field: &'static str, value: &str) -> Option<Uuid> {
        if value.is_empty() {
            return None;
        }
        // The other forms have other lengths.
        let is_usual = value.len() == uuid::fmt::Hyphenated::LENGTH;
        let id = Uuid::try_parse(value).ok().filter(|id| is_usual && !id.is_nil());
        if id.is_none() {
            self.refuse(field, "must be a UUID of 36 characters, not all zeros");
        }
        id
    }

    pub(super) fn not_negative(&mut self, field: &'static str, value: i64) -> i64 {
        if value < 0 {
            self.refuse(field, "must not be negative");
        }
        value
    }

    /// How many items a page holds: `default` if not said, never more than `max`.
    pub(super) fn per_page(&mut self, value: i32, default: u32, max: u32) -> u32 {
        match u32::try_from(value) {
            Ok(0) => default,
            Ok(size) => size.min(max),
            Err(_) => {
                self.refuse("per_page", "must not be negative");
                default
            }
        }
    }

    /// A page's number, from 1.
    pub(super) fn page(&mut self, value: i32) -> u32 {
        let page = u32::try_from(value);
        if page.is_err() {
            self.refuse("page", "must not be negative");
        }
        page.unwrap_or_default().max(1)
    }

    /// A short text in one line, without white space around it; may be empty.
    pub(super) fn line(&mut self, field: &'static str, value: &str, max_chars: u32) -> String {
        let value = value.trim();
        self.not_longer(field, value, max_chars);
        if value.chars().any(char::is_control) {
            self.refuse(field, "must not contain control characters");
        }
        value.to_owned()
    }

    /// As [`line`](Fields::line), and must be there.
    pub(super) fn name(&mut self, field: &'static str, value: &str) -> String {
        if value.trim().is_empty() {
            self.refuse(field, "is required");
        }
        self.line(field, value, MAX_NAME_CHARS)
    }

    /// A long text; may be empty.
    pub(super) fn text(&mut self, field: &'static str, value: String, max_chars: u32) -> String {
        self.not_longer(field, &value, max_chars);
        self.no_nul(field, &value);
        value
    }

    fn not_longer(&mut self, field: &'static str, value: &str, max_chars: u32) {
        if value.chars().nth(max_chars as usize).is_some() {
            self.refuse(field, format!("must not have more than {max_chars} characters"));
        }
    }

    pub(super) fn no_nul(&mut self, field: &'static str, value: &str) {
        if value.contains('\0') {
            self.refuse(field, "must not contain the NUL character");
        }
    }

    /// An enum's value; `None` if it is unspecified.
    pub(super) fn choice<E>(&mut self, field: &'static str, value: i32) -> Option<E>
    where
        E: TryFrom<i32>,
    {
        if value == 0 {
            return None;
        }
        let choice = E::try_from(value).ok();
        if choice.is_none() {
            self.refuse(field, format!("{value} is not one of its values"));
        }
        choice
    }

    /// Which of `known` fields to change: those of the mask, or without one those
    /// that are set.
    pub(super) fn mask(
        &mut self,
        mask: Option<FieldMask>,
        known: &[(&'static str, bool)],
    ) -> Vec<&'static str> {
        let paths = mask.map(|mask| mask.paths).unwrap_or_default();
        let names = || known.iter().map(|(name, _)| *name);
        if paths.iter().any(|path| !names().any(|name| name == path)) {
            let names: Vec<&str> = names().collect();
            let problem = format!("names another field than {}", names.join(", "));
            self.refuse("update_mask", problem);
        }
        let is_changed = |&&(name, is_set): &&(&str, bool)| match paths.is_empty() {
            true => is_set,
            false => paths.iter().any(|path| path == name),
        };
        let changed: Vec<&str> = known.iter().filter(is_changed).map(|(name, _)| *name).collect();
        if paths.is_empty() && changed.is_empty() {
            self.refuse("update_mask", "names nothing to change");
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(refused: &[&str], with: impl FnOnce(&mut Fields)) {
        let mut fields = Fields::default();
        with(&mut fields);
        let found: Vec<&str> = fields.violations.iter().map(|it| it.field).collect();
        assert_eq!(found, refused);
    }

    #[test]
    fn every_violation_is_collected() {
        check(&["agent_id", "page", "title"], |fields| {
            fields.id("agent_id", 0, |id| id);
            fields.page(-1);
            fields.line("title", "a\0b", 10);
        });
    }

    #[test]
    fn a_request_id_is_absent_or_a_uuid_in_its_usual_form() {
        let lower = "936da01f-9abd-4d9d-80c7-02af85c822a8";
        let id = Some(Uuid::from_u128(0x936d_a01f_9abd_4d9d_80c7_02af_85c8_22a8));
        check(&[], |fields| {
            assert_eq!(fields.request_id("request_id", ""), None);
            assert_eq!(fields.request_id("request_id", lower), id);
            assert_eq!(fields.request_id("request_id", &lower.to_uppercase()), id);
        });
        for malformed in [
            " ",
            "7",
            "936da01f9abd4d9d80c702af85c822a8",
            "{936da01f-9abd-4d9d-80c7-02af85c822a8}",
            "urn:uuid:936da01f-9abd-4d9d-80c7-02af85c822a8",
            " 936da01f-9abd-4d9d-80c7-02af85c822a8",
            "936da01f-9abd-4d9d-80c7-02af85c822a",
            "936da01f-9abd-4d9d-80c7-02af85c822ag",
            "936da01f9-abd-4d9d-80c7-02af85c822a8",
            "936da01f-9abd-4d9d-80c7-02af85c822é",
            "00000000-0000-0000-0000-000000000000",
        ] {
            check(&["request_id"], |fields| {
                assert_eq!(fields.request_id("request_id", malformed), None, "{malformed}");
            });
        }
    }

    #[test]
    fn a_line_is_trimmed_before_it_is_counted() {
        check(&[], |fields| {
            let title = format!("  {}\n", "é".repeat(10));
            assert_eq!(fields.line("title", &title, 10), "é".repeat(10));
        });
        check(&["title"], |fields| {
            fields.line("title", &"é".repeat(11), 10);
        });
    }

    #[test]
    fn a_page_too_large_is_coerced_and_a_negative_one_refused() {
        check(&[], |fields| {
            assert_eq!(fields.per_page(0, 20, 50), 20);
            assert_eq!(fields.per_page(50, 20, 50), 50);
            assert_eq!(fields.per_page(51, 20, 50), 50);
            assert_eq!(fields.per_page(i32::MAX, 20, 50), 50);
        });
        check(&["per_page"], |fields| {
            fields.per_page(-1, 20, 50);
        });
    }

    #[test]
    fn a_mask_chooses_and_without_one_what_is_set_is_chosen() {
        let known = [("title", true), ("status", false)];
        let mask = |paths: &[&str]| {
            Some(FieldMask { paths: paths.iter().map(|&it| it.to_owned()).collect() })
        };
        check(&[], |fields| {
            assert_eq!(fields.mask(None, &known), ["title"]);
            assert_eq!(fields.mask(mask(&[]), &known), ["title"]);
            assert_eq!(fields.mask(mask(&["status"]), &known), ["status"]);
        });
        check(&["update_mask"], |fields| {
            fields.mask(mask(&["title", "user_id"]), &known);
        });
        check(&["update_mask"], |fields| {
            fields.mask(mask(&["user_id"]), &known);
        });
        check(&["update_mask"], |fields| {
            fields.mask(None, &[("title", false)]);
        });
    }

    #[test]
    fn an_enum_has_its_own_values_only() {
        check(&["status"], |fields| {
            assert_eq!(fields.choice::<proto::v1::SessionStatus>("status", 7), None);
        });
        check(&[], |fields| {
            let status = fields.choice("status", 2);
            assert_eq!(status, Some(proto::v1::SessionStatus::Archived));
        });
    }
}
