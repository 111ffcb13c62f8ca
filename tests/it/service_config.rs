//! docs/service-config.json, which clients take as it is, held to the API.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message as _;
use prost_types::FileDescriptorSet;
use serde_json::Value;
use session_service::error::RETRY_AFTER;

const CONFIG: &str = include_str!("../../docs/service-config.json");

/// The configuration of each method, by service and method; fails if one is named twice.
fn configured() -> BTreeMap<(String, String), Value> {
    let config: Value = serde_json::from_str(CONFIG).expect("JSON");
    let mut found = BTreeMap::new();
    for config in config["methodConfig"].as_array().expect("a list") {
        for name in config["name"].as_array().expect("a list") {
            let text = |key: &str| name[key].as_str().expect("a name").to_owned();
            let method = (text("service"), text("method"));
            let earlier = found.insert(method.clone(), config.clone());
            assert_eq!(earlier, None, "{method:?} is named twice");
        }
    }
    found
}

fn seconds(duration: &Value) -> Option<u64> {
    let text = duration.as_str()?;
    Some(text.strip_suffix('s').and_then(|it| it.parse().ok()).expect("whole seconds"))
}

/// The methods that there are, and whether each is a stream.
fn methods() -> BTreeMap<(String, String), bool> {
    let set = FileDescriptorSet::decode(proto::v1::FILE_DESCRIPTOR_SET).expect("descriptors");
    let files = set.file.iter().filter(|file| file.package() == "tertulia.v1");
    let services = files.flat_map(|file| &file.service);
    let methods = services.flat_map(|service| {
        service.method.iter().map(|method| {
            let name = (format!("tertulia.v1.{}", service.name()), method.name().to_owned());
            (name, method.client_streaming() || method.server_streaming())
        })
    });
    methods.collect()
}

#[test]
fn every_method_is_named_once_and_no_other() {
    let named: BTreeSet<_> = configured().into_keys().collect();

    assert_eq!(named, methods().into_keys().collect());
}

#[test]
fn only_what_reads_is_tried_again_and_only_when_the_service_was_not_there() {
    for ((service, method), config) in configured() {
        let reads = ["Get", "List", "Search", "Wait"].iter().any(|it| method.starts_with(it));
        let policy = config.get("retryPolicy");

        assert_eq!(policy.is_some(), reads, "{service}/{method}");
        if let Some(policy) = policy {
            assert_eq!(policy["retryableStatusCodes"], serde_json::json!(["UNAVAILABLE"]));
        }
    }
}

#[test]
fn what_is_tried_again_is_so_no_sooner_than_the_service_says() {
    for (method, config) in configured() {
        let Some(policy) = config.get("retryPolicy") else { continue };
        let first = seconds(&policy["initialBackoff"]).expect("a time to wait");

        assert!(RETRY_AFTER.as_secs() <= first, "{method:?}");
        assert!(seconds(&policy["maxBackoff"]).is_some_and(|last| first <= last), "{method:?}");
    }
}

#[test]
fn every_call_but_a_stream_has_a_timeout() {
    let configured = configured();
    for (method, is_stream) in methods() {
        let seconds = configured[&method].get("timeout").and_then(seconds);
        let least = match method.1.as_str() {
            // They may wait for 300 s.
            "StartRun" | "WaitRun" => 310,
            // It may log in (5 s), read the schema (20 s), and samples of the values (5 s).
            "GetSchema" => 40,
            _ => 10,
        };

        assert_eq!(seconds.is_none(), is_stream, "{method:?}");
        assert!(seconds.is_none_or(|it| least <= it), "{method:?}");
    }
}
