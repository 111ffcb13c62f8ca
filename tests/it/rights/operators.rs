//! What operators are told to set up is what is needed.

use std::fmt::Display;

use run_queue::{Names, Rights, Service};

const README: &str = include_str!("../../../README.md");
const COMPOSE: &str = include_str!("../../../compose/nats.conf");

fn list<T: Display>(subjects: &[T]) -> String {
    let quoted: Vec<_> = subjects.iter().map(|it| format!("\"{it}\"")).collect();
    quoted.join(", ")
}

#[test]
fn the_readme_has_each_services_rights_on_nats_and_no_others() {
    check(README);
}

#[test]
fn the_composed_nats_gives_each_service_its_rights_and_no_others() {
    check(COMPOSE);
}

#[track_caller]
fn check(text: &str) {
    // Its lines are broken where there is room.
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for service in [Service::SessionService, Service::RunWorker] {
        let rights = Rights::of(service, &Names::with_prefix(""));
        let (publish, subscribe) = (list(&rights.publish), list(&rights.subscribe()));
        let permissions = format!("publish: [ {publish} ], subscribe: [{subscribe}]");
        assert!(text.contains(&permissions), "{}: {permissions}", service.name());
        let account = service.other().name().to_uppercase().replace('-', "_");
        for subject in rights.hear {
            let import = format!(r#"{{ stream: {{ account: {account}, subject: "{subject}" }} }}"#);
            assert!(text.contains(&import), "{}: {import}", service.name());
        }
    }
}
