//! The comments of a `.proto` file.

use std::collections::HashMap;

use prost_types::FileDescriptorProto;

/// The numbers of fields in the messages that describe a file: they make up the paths
/// by which its comments are found.
pub(super) mod step {
    pub(crate) const MESSAGE: i32 = 4;
    pub(crate) const ENUM: i32 = 5;
    pub(crate) const SERVICE: i32 = 6;
    pub(crate) const FIELD: i32 = 2;
    pub(crate) const VALUE: i32 = 2;
    pub(crate) const METHOD: i32 = 2;
    pub(crate) const ONEOF: i32 = 8;
}

/// The comments above what a file declares, by its path.
pub(super) struct Comments(HashMap<Vec<i32>, Vec<String>>);

impl Comments {
    pub(super) fn of(file: &FileDescriptorProto) -> Self {
        let locations = file.source_code_info.iter().flat_map(|it| &it.location);
        let paragraphs = locations.map(|it| (it.path.clone(), paragraphs(it.leading_comments())));
        Self(paragraphs.filter(|(_, it)| !it.is_empty()).collect())
    }

    /// The paragraphs above the nth thing of a kind, in what lies at `parent`.
    pub(super) fn get(&self, parent: &[i32], kind: i32, n: usize) -> &[String] {
        let number = i32::try_from(n).expect("a file declares few things");
        let path = [parent, &[kind, number]].concat();
        self.0.get(&path).map(Vec::as_slice).unwrap_or_default()
    }
}

fn paragraphs(comment: &str) -> Vec<String> {
    let lines: Vec<&str> = comment.lines().map(str::trim).collect();
    lines.split(|line| line.is_empty()).filter(|it| !it.is_empty()).map(|it| it.join(" ")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_line_divides_paragraphs() {
        assert_eq!(paragraphs(" One\n goes on.\n\n Two.\n"), ["One goes on.", "Two."]);
        assert_eq!(paragraphs(""), Vec::<String>::new());
    }
}
