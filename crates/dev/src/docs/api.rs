//! The reference of the API, made from the protos and their comments.

mod tables;

use std::collections::HashSet;

use prost::Message as _;
use prost_types::{
    FileDescriptorProto, FileDescriptorSet, MethodDescriptorProto, ServiceDescriptorProto,
};
use proto::v1::FILE_DESCRIPTOR_SET;

use super::{
    comments::{Comments, step},
    links::Links,
};

const INTRODUCTION: &str = include_str!("introduction.md");
const PACKAGE: &str = "tertulia.v1";
/// The files in the order in which a reader needs them; others come after, by name.
const ORDER: [&str; 4] = ["session", "run", "agent", "data_source"];

/// The reference; `errors` is the catalogue of errors, to link to.
pub(super) fn document(errors: &str) -> anyhow::Result<String> {
    let set = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET)?;
    let mut files: Vec<FileDescriptorProto> =
        set.file.into_iter().filter(|it| it.package() == PACKAGE).collect();
    files.sort_by_key(|file| (place(file), file.name().to_owned()));
    Ok(Reference::of(&files, Links::of_reasons(errors)).document())
}

fn place(file: &FileDescriptorProto) -> usize {
    let is_it = |it: &&str| file.name() == format!("tertulia/v1/{it}.proto");
    ORDER.iter().position(is_it).unwrap_or(ORDER.len())
}

struct Reference<'a> {
    files: Vec<(&'a FileDescriptorProto, Comments)>,
    links: Links,
    /// The messages that are shown with their method.
    of_methods: HashSet<&'a str>,
}

impl<'a> Reference<'a> {
    fn of(files: &'a [FileDescriptorProto], mut links: Links) -> Self {
        let mut of_methods = HashSet::new();
        for file in files {
            for method in file.service.iter().flat_map(|it| &it.method) {
                links.add(method.name(), method.name());
                of_methods.extend([local(method.input_type()), local(method.output_type())]);
            }
            for it in &file.service {
                links.add(it.name(), it.name());
            }
            for it in &file.message_type {
                links.add(it.name(), it.name());
            }
            for it in &file.enum_type {
                links.add(it.name(), it.name());
                for value in &it.value {
                    links.add(value.name(), it.name());
                }
            }
        }
        let files = files.iter().map(|file| (file, Comments::of(file))).collect();
        Self { files, links, of_methods }
    }

    fn document(&self) -> String {
        let mut text = INTRODUCTION.to_owned();
        text.push_str(&self.contents());
        for (file, comments) in &self.files {
            for (n, service) in file.service.iter().enumerate() {
                text.push_str(&self.service(service, comments, n));
            }
        }
        text.push_str("\n## Messages\n");
        for (file, comments) in &self.files {
            let all = file.message_type.iter().enumerate();
            let shared = all.filter(|(_, it)| !self.of_methods.contains(it.name()));
            text.extend(shared.map(|(n, it)| self.message("###", it, comments, n)));
        }
        text.push_str("\n## Enums\n");
        for (file, comments) in &self.files {
            let all = file.enum_type.iter().enumerate();
            text.extend(all.map(|(n, it)| self.enumeration(it, comments, n)));
        }
        text
    }

    fn contents(&self) -> String {
        let services = self.files.iter().flat_map(|(file, _)| &file.service);
        let lines = services.map(|service| {
            let methods: Vec<String> =
                service.method.iter().map(|it| self.links.get(it.name())).collect();
            format!("- {}: {}\n", self.links.get(service.name()), methods.join(", "))
        });
        lines.collect::<String>() + "- [Messages](#messages), [Enums](#enums)\n"
    }

    fn service(&self, service: &ServiceDescriptorProto, comments: &Comments, n: usize) -> String {
        let mut text = format!("\n## {}\n\n", service.name());
        text.push_str(&self.paragraphs(comments.get(&[], step::SERVICE, n)));
        let at = [step::SERVICE, index(n)];
        for (n, method) in service.method.iter().enumerate() {
            let path = format!("{PACKAGE}.{}/{}", service.name(), method.name());
            text.push_str(&format!("\n### {}\n\n`{path}`\n\n", method.name()));
            text.push_str(&format!("{}\n\n", self.signature(method)));
            text.push_str(&self.paragraphs(comments.get(&at, step::METHOD, n)));
            for name in [method.input_type(), method.output_type()] {
                text.push_str(&self.own_message(local(name)));
            }
        }
        text
    }

    fn signature(&self, method: &MethodDescriptorProto) -> String {
        let part = |name: &str, is_stream: bool| {
            let link = self.links.get(local(name));
            if is_stream { format!("a stream of {link}") } else { link }
        };
        let request = part(method.input_type(), method.client_streaming());
        let response = part(method.output_type(), method.server_streaming());
        format!("Takes {request}, returns {response}.")
    }

    /// A message that is one method's.
    fn own_message(&self, name: &str) -> String {
        let found = self.files.iter().find_map(|(file, comments)| {
            let n = file.message_type.iter().position(|it| it.name() == name)?;
            Some(self.message("####", &file.message_type[n], comments, n))
        });
        found.unwrap_or_default()
    }

    fn paragraphs(&self, paragraphs: &[String]) -> String {
        let linked: Vec<String> = paragraphs.iter().map(|it| self.links.in_prose(it)).collect();
        linked.join("\n\n") + "\n"
    }
}

/// A type's name, without our package.
fn local(name: &str) -> &str {
    let name = name.trim_start_matches('.');
    name.strip_prefix(PACKAGE).and_then(|it| it.strip_prefix('.')).unwrap_or(name)
}

fn index(n: usize) -> i32 {
    i32::try_from(n).expect("a file declares few things")
}
