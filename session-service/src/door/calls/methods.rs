//! The API's methods, by their paths.

use std::{collections::HashMap, sync::LazyLock};

use proto::v1::FILE_DESCRIPTOR_SET;

use crate::described;

/// What nobody is called for.
const PUBLIC: [&str; 2] = ["/grpc.health.", "/grpc.reflection."];
/// The API's methods, by their paths.
static METHODS: LazyLock<HashMap<String, Method>> = LazyLock::new(|| {
    let methods = described::methods(FILE_DESCRIPTOR_SET).into_iter();
    methods.map(|it| (it.path(), Method::new(it))).collect()
});

/// What callers make up has one name, or there would be any number of them.
static OTHER: LazyLock<Method> = LazyLock::new(|| {
    let other = || "_OTHER".to_owned();
    Method { name: other(), service: other(), method: other() }
});

#[derive(Debug)]
pub(super) struct Method {
    pub(super) name: String,
    pub(super) service: String,
    pub(super) method: String,
}

impl Method {
    fn new(method: described::Method) -> Self {
        let name = method.name();
        let described::Method { service, method, .. } = method;
        Self { name, service, method }
    }

    /// Whose path it is; `None` if it is public.
    pub(super) fn of(path: &str) -> Option<&'static Self> {
        let is_public = PUBLIC.iter().any(|it| path.starts_with(it));
        (!is_public).then(|| METHODS.get(path).unwrap_or(&OTHER))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_apis_methods_have_names_of_their_own() {
        let name = |path| Method::of(path).map(|it| it.name.as_str());
        let start = name("/tertulia.v1.RunService/StartRun");
        assert_eq!(start, Some("tertulia.v1.RunService/StartRun"));
        assert_eq!(name("/tertulia.v1.RunService/Made/Up"), Some("_OTHER"));
        assert_eq!(name("/"), Some("_OTHER"));
    }

    #[test]
    fn what_is_public_has_none() {
        assert!(Method::of("/grpc.health.v1.Health/Check").is_none());
        let reflection = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
        assert!(Method::of(reflection).is_none());
    }
}
