//! What a chat model says, as it says it.

use std::time::Duration;

use serde_json::Value;

use super::{
    body::Body,
    chunk::{self, Chunk, Finish},
    failure::Failure,
    key::ApiKey,
    sse::Events,
    thoughts::Thoughts,
};
use crate::{Error, Usage};

const DONE: &str = "[DONE]";
/// More than anybody reads, and far less than a model in a loop writes.
const MAX_TEXT_BYTES: usize = 256 << 10;
/// Of what has a form: a statement, or a summary.
const MAX_WHOLE_BYTES: usize = 32 << 10;

/// An answer that is being read.
#[derive(Debug)]
pub(super) struct Completion {
    body: Body,
    /// For what comes after the last text.
    closing: Duration,
    key: Option<ApiKey>,
    events: Events,
    thoughts: Thoughts,
    has_begun: bool,
    has_ended: bool,
    has_spoken: bool,
    text_bytes: usize,
    finish: Option<Finish>,
    usage: Usage,
}

impl Completion {
    pub(super) fn new(body: Body, closing: Duration, key: Option<&ApiKey>) -> Self {
        Self {
            body,
            closing,
            key: key.cloned(),
            events: Events::default(),
            thoughts: Thoughts::default(),
            has_begun: false,
            has_ended: false,
            has_spoken: false,
            text_bytes: 0,
            finish: None,
            usage: Usage::default(),
        }
    }

    /// The next text, which is not empty; `None` once the model has said it all.
    pub(super) async fn next(&mut self) -> Result<Option<String>, Failure> {
        let text = self.next_text().await;
        match &text {
            Ok(Some(_)) => self.body.confirm(),
            Ok(None) => self.body.judge(None),
            Err(failure) => self.body.judge(Some(failure)),
        }
        text
    }

    /// All of the text that is still to come, as far as it is short enough to be read
    /// as a whole.
    pub(super) async fn collect(&mut self) -> Result<String, Failure> {
        let mut all = String::new();
        while let Some(text) = self.next().await? {
            all += &text;
            if all.len() > MAX_WHOLE_BYTES {
                self.finish = Some(Finish::Length);
                self.body.judge(None);
                break;
            }
        }
        Ok(all)
    }

    /// Whether the model was stopped before it had said it all.
    pub(super) fn is_cut(&self) -> bool {
        self.finish == Some(Finish::Length)
    }

    pub(super) fn usage(&self) -> Usage {
        self.usage
    }

    async fn next_text(&mut self) -> Result<Option<String>, Failure> {
        while !self.has_ended {
            let text = match self.events.next() {
                Some(event) => self.take_event(&event)?,
                None => self.read_on().await?,
            };
            if self.text_bytes > MAX_TEXT_BYTES {
                (self.finish, self.has_ended) = (Some(Finish::Length), true);
            }
            if !text.is_empty() {
                self.has_spoken = true;
                return Ok(Some(text));
            }
        }
        let held = self.thoughts.finish();
        self.has_spoken |= !held.is_empty();
        match (held.is_empty(), self.has_spoken, self.is_cut()) {
            (false, ..) => Ok(Some(held)),
            (true, true, _) => Ok(None),
            (true, false, true) => Err(Failure::unusable("no text before the output's limit")),
            (true, false, false) => Err(Failure::unusable("no text in the answer")),
        }
    }

    /// Takes the next bytes into events; a body that is no stream is one event.
    async fn read_on(&mut self) -> Result<String, Failure> {
        let chunk = match self.body.chunk().await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => return self.end(),
            // It has said why it stopped: all there was to say was said.
            Err(_) if self.finish.is_some() => {
                self.has_ended = true;
                return Ok(String::new());
            }
            Err(failure) => return Err(failure),
        };
        if !self.has_begun && !chunk.trim_ascii().is_empty() {
            self.has_begun = true;
            if chunk.trim_ascii_start().starts_with(b"{") {
                return self.take_whole(chunk.to_vec()).await;
            }
        }
        self.events.push(&chunk).map_err(Failure::unusable)?;
        Ok(String::new())
    }

    async fn take_whole(&mut self, mut json: Vec<u8>) -> Result<String, Failure> {
        json.extend(self.body.collect().await?);
        self.has_ended = true;
        let answer = serde_json::from_slice(&json).map_err(Failure::unusable)?;
        self.take_chunk(&answer)
    }

    /// A stream that ends without saying so, and without a reason to stop, was cut:
    /// what came of it is not known to be all.
    fn end(&mut self) -> Result<String, Failure> {
        self.has_ended = true;
        let rest = self.events.rest().unwrap_or_default();
        let text = match serde_json::from_str(&rest) {
            Ok(chunk) => self.take_chunk(&chunk)?,
            Err(_) => String::new(),
        };
        if self.finish.is_some() || rest.trim() == DONE {
            Ok(text)
        } else if self.events.is_foreign() {
            Err(Failure::unusable("neither a stream of events nor JSON"))
        } else {
            Err(Failure::unreachable("the answer was cut"))
        }
    }

    fn take_event(&mut self, event: &str) -> Result<String, Failure> {
        let event = event.trim();
        self.has_ended = event == DONE;
        if event.is_empty() || self.has_ended {
            return Ok(String::new());
        }
        let chunk = serde_json::from_str(event).map_err(Failure::unusable)?;
        self.take_chunk(&chunk)
    }

    fn take_chunk(&mut self, chunk: &Value) -> Result<String, Failure> {
        if chunk.get("error").is_some_and(|it| !it.is_null()) {
            return Err(Failure::within(chunk, self.key.as_ref()));
        }
        let Chunk { text, finish, usage } = chunk::read(chunk);
        self.usage = usage.unwrap_or(self.usage);
        if finish.is_some() && self.finish.is_none() {
            self.body.hurry(self.closing);
        }
        self.finish = finish.or(self.finish);
        if finish == Some(Finish::Refusal) {
            return Err(Failure::Final(Error::Refused));
        }
        self.text_bytes += text.len();
        Ok(self.thoughts.push(&text))
    }
}
