//! What a client can know of the API: its methods, their messages, the reasons that calls fail
//! with, and the ids that it was given.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use prost::Message as _;
use prost_types::{DescriptorProto, FileDescriptorSet};
use proto::v1::FILE_DESCRIPTOR_SET;
use rand::{Rng as _, rngs::StdRng, seq::IndexedRandom as _};
use tonic::Code;

/// Made from the service's code, whose catalogue this crate can't see.
const CATALOGUE: &str = include_str!("../../../../docs/errors.md");
/// How many ids are remembered.
const IDS: usize = 64;

/// A method, what it takes and what it returns.
#[derive(Debug)]
pub(super) struct Method {
    pub(super) path: String,
    pub(super) input: String,
    pub(super) output: String,
    /// Whether it takes many messages.
    pub(super) is_stream: bool,
    /// Whether it returns many.
    pub(super) returns_stream: bool,
}

#[derive(Debug)]
pub(super) struct Api {
    pub(super) methods: Vec<Method>,
    messages: HashMap<String, DescriptorProto>,
    reasons: HashMap<&'static str, Code>,
    ids: Mutex<Vec<u64>>,
}

impl Api {
    pub(super) fn load() -> anyhow::Result<Self> {
        let set = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET)?;
        let mut api = Self {
            methods: Vec::new(),
            messages: HashMap::new(),
            reasons: CATALOGUE.lines().filter_map(reason).collect(),
            ids: Mutex::default(),
        };
        for file in set.file {
            let package = file.package().to_owned();
            for service in &file.service {
                let methods = service.method.iter().map(|method| Method {
                    path: format!("/{package}.{}/{}", service.name(), method.name()),
                    input: method.input_type().to_owned(),
                    output: method.output_type().to_owned(),
                    is_stream: method.client_streaming(),
                    returns_stream: method.server_streaming(),
                });
                api.methods.extend(methods);
            }
            for message in file.message_type {
                api.add(&format!(".{package}"), message);
            }
        }
        Ok(api)
    }

    fn add(&mut self, scope: &str, message: DescriptorProto) {
        let name = format!("{scope}.{}", message.name());
        for nested in &message.nested_type {
            self.add(&name, nested.clone());
        }
        self.messages.insert(name, message);
    }

    pub(super) fn message_type(&self, name: &str) -> Option<&DescriptorProto> {
        self.messages.get(name)
    }

    /// The code that belongs to a reason; `None` if there is no such reason.
    pub(super) fn code_of(&self, reason: &str) -> Option<Code> {
        self.reasons.get(reason).copied()
    }

    /// Keeps an id that the service has given to something.
    pub(super) fn learn(&self, id: u64) {
        let mut ids = self.lock();
        if !ids.contains(&id) {
            if ids.len() == IDS {
                ids.remove(0);
            }
            ids.push(id);
        }
    }

    pub(super) fn known_id(&self, random: &mut StdRng) -> u64 {
        self.lock().choose(random).copied().unwrap_or_else(|| random.random())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<u64>> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A reason of calls and its code, if this line of the catalogue has one.
fn reason(line: &'static str) -> Option<(&'static str, Code)> {
    let (_, rest) = line.strip_prefix("| <a id=\"")?.split_once("\"></a>`")?;
    let (reason, rest) = rest.split_once("` | ")?;
    let (name, _) = rest.split_once(" |")?;
    let code = (0..=16).map(Code::from).find(|code| written(*code) == name)?;
    Some((reason, code))
}

/// A code's name as the catalogue writes it: `InvalidArgument` as `INVALID_ARGUMENT`.
fn written(code: Code) -> String {
    let mut written = String::new();
    for letter in format!("{code:?}").chars() {
        if letter.is_uppercase() && !written.is_empty() {
            written.push('_');
        }
        written.push(letter.to_ascii_uppercase());
    }
    written
}
