//! Who sees what on the server: an account for what is kept, and one for each service.
//!
//! The server checks what a client publishes to and what it subscribes to, but not where
//! it has replies sent. What a service has sent to another account's subjects by asking
//! for it as a reply stays in its own account, where nobody listens.

use run_queue::{Rights, Service};
use serde_json::{Value, json};

use super::Login;

/// Where the streams are.
const KEEPER: &str = "TERTULIA";

/// The operator's account and the services'.
pub(super) fn accounts(operator: &Value, logins: &[Login<'_>]) -> Value {
    let mut accounts = json!({
        KEEPER: {
            "jetstream": "enabled",
            "users": [operator],
            "exports": [{ "service": ">", "response_type": "stream" }],
        },
    });
    for login in logins {
        accounts[name(login.service)] = account(login);
    }
    accounts
}

fn account(login: &Login<'_>) -> Value {
    let Login { service, names, password } = *login;
    let rights = Rights::of(service, names);
    let told = Rights::of(service.other(), names).hear;
    let exports: Vec<_> = told.iter().map(|subject| json!({ "stream": subject })).collect();
    // With less of the API the server would also answer by itself, and first, that the
    // account has no streams.
    let asked = ["$JS.API.>".to_owned(), "$JS.ACK.>".to_owned(), names.all_messages()];
    let asked = asked.iter().map(|subject| import("service", KEEPER, subject));
    let heard = rights.hear.iter().map(|it| import("stream", name(service.other()), it));
    json!({
        "users": [{
            "user": service.name(),
            "password": password,
            "permissions": { "publish": rights.publish, "subscribe": rights.subscribe() },
        }],
        "exports": exports,
        "imports": asked.chain(heard).collect::<Vec<_>>(),
    })
}

fn import(kind: &str, account: &str, subject: &str) -> Value {
    json!({ kind: { "account": account, "subject": subject } })
}

fn name(service: Service) -> &'static str {
    match service {
        Service::SessionService => "SESSION_SERVICE",
        Service::RunWorker => "RUN_WORKER",
    }
}

#[cfg(test)]
mod tests {
    use run_queue::Names;

    use super::*;

    #[test]
    fn only_the_operator_may_do_everything() {
        let names = Names::with_prefix("");
        let login = Login { service: Service::RunWorker, names: &names, password: "secret" };
        let accounts = accounts(&json!({ "user": "operator" }), &[login]);

        let user = &accounts["RUN_WORKER"]["users"][0];
        assert_eq!(user["user"], "run-worker");
        assert_eq!(user["permissions"]["subscribe"][1], "runs.cancel-requested");
        assert_eq!(accounts[KEEPER]["users"], json!([{ "user": "operator" }]));
    }

    #[test]
    fn only_one_account_has_streams() {
        let names = Names::with_prefix("");
        let login = |service| Login { service, names: &names, password: "secret" };
        let logins = [login(Service::SessionService), login(Service::RunWorker)];
        let accounts = accounts(&json!({}), &logins);

        assert_eq!(accounts[KEEPER]["jetstream"], "enabled");
        for service in ["SESSION_SERVICE", "RUN_WORKER"] {
            assert_eq!(accounts[service]["jetstream"], Value::Null);
        }
    }
}
