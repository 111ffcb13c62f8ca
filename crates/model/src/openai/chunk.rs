//! A piece of what a chat model says, as servers of all kinds write it.
//!
//! Nothing is required and nothing unknown is minded.

use serde_json::Value;

use crate::Usage;

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) text: String,
    pub(super) finish: Option<Finish>,
    pub(super) usage: Option<Usage>,
}

/// Why a model stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finish {
    Stop,
    Length,
    Refusal,
}

/// The chunk, or the whole answer of a server that does not stream.
pub(super) fn read(chunk: &Value) -> Chunk {
    let choice = &chunk["choices"][0];
    let said = [&choice["delta"], &choice["message"]].into_iter().find(|it| it.is_object());
    let said = said.unwrap_or(choice);
    let content = [&said["content"], &said["text"]].into_iter().find(|it| !it.is_null());
    let refusal = said["refusal"].as_str().filter(|it| !it.is_empty());
    let finish = choice["finish_reason"].as_str().and_then(finish);
    Chunk {
        text: content.map(text).unwrap_or_default(),
        finish: refusal.map(|_| Finish::Refusal).or(finish),
        usage: usage(&chunk["usage"]),
    }
}

fn finish(reason: &str) -> Option<Finish> {
    match reason {
        "" => None,
        "length" | "max_tokens" => Some(Finish::Length),
        "content_filter" | "refusal" | "safety" => Some(Finish::Refusal),
        _ => Some(Finish::Stop),
    }
}

/// Text, or parts of text.
fn text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            parts.iter().filter_map(|it| it.as_str().or_else(|| it["text"].as_str())).collect()
        }
        _ => String::new(),
    }
}

fn usage(usage: &Value) -> Option<Usage> {
    let tokens = |name: &str| usage[name].as_f64().map(|it| it as u64);
    let (prompt, completion) = (tokens("prompt_tokens"), tokens("completion_tokens"));
    (prompt.is_some() || completion.is_some()).then(|| Usage {
        prompt_tokens: prompt.unwrap_or_default(),
        completion_tokens: completion.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(chunk: Value, text: &str, finish: Option<Finish>) {
        assert_eq!(read(&chunk), Chunk { text: text.to_owned(), finish, usage: None });
    }

    fn choice(choice: Value) -> Value {
        json!({"choices": [choice], "service_tier": "on_demand"})
    }

    #[test]
    fn text_is_found_wherever_a_server_puts_it() {
        check(choice(json!({"delta": {"content": "a"}})), "a", None);
        check(
            choice(json!({"message": {"content": "a"}, "finish_reason": "stop"})),
            "a",
            Some(Finish::Stop),
        );
        check(choice(json!({"text": "a"})), "a", None);
        let parts = json!([{"type": "text", "text": "a"}, "b", {"type": "image"}]);
        check(choice(json!({"delta": {"content": parts}})), "ab", None);
    }

    #[test]
    fn what_says_nothing_is_nothing() {
        for chunk in
            [json!({}), json!(null), json!([]), json!({"choices": null}), json!({"choices": []})]
        {
            check(chunk, "", None);
        }
        for delta in [json!(null), json!({"content": null}), json!({"reasoning_content": "hm"})] {
            check(choice(json!({"delta": delta, "finish_reason": ""})), "", None);
        }
    }

    #[test]
    fn the_reason_to_stop_is_one_of_three() {
        let finish = |reason: &str| read(&choice(json!({"finish_reason": reason}))).finish;
        assert_eq!(finish("length"), Some(Finish::Length));
        assert_eq!(finish("content_filter"), Some(Finish::Refusal));
        assert_eq!(finish("eos"), Some(Finish::Stop));
        check(choice(json!({"delta": {"refusal": "no"}})), "", Some(Finish::Refusal));
    }

    #[test]
    fn usage_may_come_with_a_chunk_of_its_own_or_in_halves() {
        let usage = |it: Value| read(&json!({"choices": [], "usage": it})).usage;
        let both = Usage { prompt_tokens: 5, completion_tokens: 2 };
        assert_eq!(usage(json!({"prompt_tokens": 5, "completion_tokens": 2.0})), Some(both));
        let half = Usage { prompt_tokens: 5, completion_tokens: 0 };
        assert_eq!(usage(json!({"prompt_tokens": 5, "completion_tokens": null})), Some(half));
        assert_eq!(usage(json!(null)), None);
    }
}
