//! gateway/envoy.yaml, held to the API and to what the service itself lets pages send and
//! read.

use std::collections::BTreeSet;

use prost::Message as _;
use prost_types::FileDescriptorSet;

use super::{PAGE, Site, WEB, bearer, header, send};

const GATEWAY: &str = include_str!("../../../gateway/envoy.yaml");
/// The longest that a call may wait for a run.
const WAIT_SECONDS: u32 = 300;

/// A way to the service: which paths take it, and for how long.
#[derive(Clone, Copy, Debug)]
struct Route<'a> {
    path: &'a str,
    is_prefix: bool,
    action: &'a str,
}

impl Route<'_> {
    fn takes(&self, path: &str) -> bool {
        if self.is_prefix { path.starts_with(self.path) } else { path == self.path }
    }

    /// So many seconds, if it is said.
    fn seconds(&self, name: &str) -> Option<u32> {
        let (_, value) = self.action.split_once(&format!(" {name}: "))?;
        let (seconds, _) = value.split_once('s').expect("seconds");
        Some(seconds.parse().expect("a number"))
    }
}

/// The routes in their order, which is that in which they are tried.
fn routes() -> Vec<Route<'static>> {
    let (_, routes) = GATEWAY.split_once(" routes:\n").expect("there are routes");
    let (routes, _) = routes.split_once("\n\n").expect("something follows");
    let parts = routes.split("- match: {").skip(1);
    parts.map(|it| route(it, routes)).collect()
}

fn route(part: &'static str, all: &'static str) -> Route<'static> {
    let (kind, rest) = part.trim().split_once(": \"").expect("a path or a prefix");
    let (path, rest) = rest.split_once('"').expect("it ends");
    let (_, action) = rest.split_once("route: ").expect("it leads somewhere");
    let action = match action.trim().strip_prefix('*') {
        Some(alias) => {
            let alias = alias.split_whitespace().next().expect("a name");
            let (_, action) = all.split_once(&format!("&{alias} ")).expect("it is defined");
            action
        }
        None => action,
    };
    let (action, _) = action.split_once('}').expect("in one line");
    assert!(["path", "prefix"].contains(&kind), "{part}");
    Route { path, is_prefix: kind == "prefix", action }
}

/// The methods that the gateway lets through by their paths, and whether each is a stream.
fn methods() -> Vec<(String, bool)> {
    let sets = [proto::v1::FILE_DESCRIPTOR_SET, tonic_health::pb::FILE_DESCRIPTOR_SET];
    let files = sets
        .into_iter()
        .flat_map(|set| FileDescriptorSet::decode(set).expect("descriptors").file.into_iter());
    let methods = files.flat_map(|file| {
        let package = file.package().to_owned();
        file.service.into_iter().flat_map(move |service| {
            let service_name = format!("{package}.{}", service.name());
            service.method.into_iter().map(move |method| {
                let is_stream = method.client_streaming() || method.server_streaming();
                (format!("/{service_name}/{}", method.name()), is_stream)
            })
        })
    });
    methods.collect()
}

#[test]
fn the_gateway_gives_each_call_the_time_that_it_needs() {
    let routes = routes();
    for (path, is_stream) in methods() {
        let taken = routes.iter().find(|it| it.takes(&path));
        let route = taken.unwrap_or_else(|| panic!("{path} leads nowhere"));
        let (whole, idle) = (route.seconds("timeout"), route.seconds("idle_timeout"));

        assert_eq!(whole == Some(0), is_stream, "{path}: {route:?}");
        match path.rsplit('/').next() {
            Some("StartRun" | "WaitRun") => {
                assert!(whole.is_some_and(|it| WAIT_SECONDS < it), "{path}: {route:?}");
                assert_eq!(idle, whole, "{path}");
            }
            Some("ImportTable") => assert_eq!(idle, Some(300), "{path}"),
            // As long as it likes without a word.
            Some("Watch") => assert_eq!(idle, Some(0), "{path}"),
            _ => assert_eq!(idle, None, "{path}"),
        }
    }
}

#[test]
fn the_gateway_names_no_method_that_there_is_not() {
    let methods = methods();
    for route in routes() {
        assert!(methods.iter().any(|(path, _)| route.takes(path)), "{route:?}");
    }
}

fn names(list: &str) -> BTreeSet<&str> {
    list.split(',').map(str::trim).collect()
}

/// A list of headers in the gateway's file.
fn in_gateway(list: &str) -> BTreeSet<&'static str> {
    let (_, value) = GATEWAY.split_once(&format!(" {list}: \"")).expect("it is there");
    names(value.split_once('"').expect("it ends").0)
}

#[tokio::test]
async fn the_gateway_lets_pages_send_and_read_what_the_service_does() {
    let site = Site::start().await;
    let client = &site.clients[0];

    let asked = site.ask(client, PAGE).await;
    let called = send(site.call(client, WEB).header("authorization", bearer())).await;

    let allowed = header(&asked, "access-control-allow-headers").expect("a list");
    assert_eq!(in_gateway("allow_headers"), names(allowed));
    let exposed = header(&called, "access-control-expose-headers").expect("a list");
    assert_eq!(in_gateway("expose_headers"), names(exposed));
}
