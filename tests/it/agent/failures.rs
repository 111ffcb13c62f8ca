use model::{Error, Plan};
use proto::v1::{self as pb, PrivacyMode, RunState};

use super::{PEOPLE, Talk};
use crate::harness::{Broken, Scripted};

async fn about_people(provider: impl model::Provider) -> Talk {
    let settings =
        pb::CreateAgentRequest { privacy_mode: PrivacyMode::Full.into(), ..Default::default() };
    Talk::about(provider, &[("people", PEOPLE)], settings).await
}

#[tokio::test]
async fn a_model_that_breaks_off_costs_nobody_the_rows() {
    let talk = about_people(Broken).await;

    let (run, answer) = talk.ask("SELECT name FROM people ORDER BY name").await;

    assert_eq!((run.state(), run.attempts), (RunState::Succeeded, 1), "{run:?}");
    assert!(answer.content.starts_with(Broken::BEGINNING), "{}", answer.content);
    assert!(answer.content.contains("[The model failed."), "{}", answer.content);
    assert!(answer.content.contains("| Vimhart |\n| Zorblax |"), "{}", answer.content);
    assert_eq!(answer.sql_query, run.sql_query);
}

#[tokio::test]
async fn what_can_not_be_taken_for_a_plan_is_asked_for_again() {
    let babble = || Err(Error::Unusable("nothing but white space".into()));
    let plans = [babble(), babble(), Ok(Plan::Query("SELECT count(*) FROM people".to_owned()))];
    let talk = about_people(Scripted::new(plans)).await;

    let (run, answer) = talk.ask("How many?").await;

    assert_eq!((run.state(), run.attempts), (RunState::Succeeded, 1), "{run:?}");
    assert_eq!(answer.content, "1 rows");
}

#[tokio::test]
async fn a_model_that_only_babbles_fails_the_run() {
    let plans = [0; 3].map(|_| Err(Error::Unusable("nothing but white space".into())));
    let talk = about_people(Scripted::new(plans)).await;

    let (run, _) = talk.ask("How many?").await;

    assert_eq!((run.state(), run.attempts), (RunState::Failed, 1));
    assert_eq!(run.error.map(|it| it.reason), Some("MODEL_UNUSABLE".to_owned()));
}
