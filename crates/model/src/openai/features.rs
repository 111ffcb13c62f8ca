//! What a server takes beside the plain request, learnt from what it refuses.

use std::sync::atomic::{AtomicU8, Ordering};

use super::{config::StructuredOutput, failure::Rejection};

/// Something that can be left out of a request, or said in another way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Feature {
    JsonSchema,
    JsonObject,
    StreamUsage,
    Temperature,
    /// The bound on the output by its old name.
    MaxTokens,
    /// The same by its new name, tried if the old one is refused.
    MaxCompletionTokens,
}

/// What each is called in a request; a refusal names it.
const NAMES: [(Feature, &[&str]); 6] = [
    (Feature::JsonSchema, &["response_format", "json_schema", "schema", "grammar"]),
    (Feature::JsonObject, &["response_format", "json_object"]),
    (Feature::StreamUsage, &["stream_options", "include_usage"]),
    (Feature::Temperature, &["temperature"]),
    (Feature::MaxTokens, &["max_tokens"]),
    (Feature::MaxCompletionTokens, &["max_completion_tokens"]),
];

/// The features that were refused so far.
#[derive(Debug, Default)]
pub(super) struct Refused(AtomicU8);

impl Refused {
    pub(super) fn of(structured_output: StructuredOutput) -> Self {
        let refused = Self::default();
        let (schema, object) = (Feature::JsonSchema, Feature::JsonObject);
        let left_out: &[Feature] = match structured_output {
            StructuredOutput::Auto => &[],
            StructuredOutput::JsonSchema => &[object],
            StructuredOutput::JsonObject => &[schema],
            StructuredOutput::Off => &[schema, object],
        };
        left_out.iter().for_each(|it| refused.refuse(*it));
        refused
    }

    pub(super) fn refuse(&self, feature: Feature) {
        self.0.fetch_or(bit(feature), Ordering::Relaxed);
    }

    pub(super) fn has(&self, feature: Feature) -> bool {
        self.0.load(Ordering::Relaxed) & bit(feature) != 0
    }
}

impl Rejection {
    /// Which of the features that were sent the server complains about.
    pub(super) fn blames(&self, sent: &[Feature]) -> Option<Feature> {
        if !matches!(self.status, 400 | 415 | 422 | 501) {
            return None;
        }
        let complaint = format!("{} {}", self.param, self.message).to_lowercase();
        let names = |feature: Feature| {
            let names = NAMES.into_iter().find(|(it, _)| *it == feature);
            names.is_some_and(|(_, names)| names.iter().any(|it| complaint.contains(it)))
        };
        sent.iter().copied().find(|it| names(*it))
    }
}

fn bit(feature: Feature) -> u8 {
    1 << feature as u8
}
