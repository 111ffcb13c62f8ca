use model::Plan;
use proto::v1::{self as pb, PrivacyMode, RunState};

use super::Talk;
use crate::harness::Analyst;

#[tokio::test]
async fn what_a_run_has_cost_is_the_sum_of_its_calls() {
    let analyst = Analyst::shared(|prompt| match prompt.tried {
        [] => Plan::Query("SELECT nmae FROM people".to_owned()),
        _ => Plan::Query("SELECT name FROM people".to_owned()),
    });
    let talk = Talk::about_people(analyst, PrivacyMode::Full).await;

    let (run, _) = talk.ask("Who?").await;

    let usage =
        pb::Usage { model: "builtin".to_owned(), prompt_tokens: 300, completion_tokens: 21 };
    assert_eq!(run.usage, Some(usage));
}

#[tokio::test]
async fn what_earlier_attempts_have_cost_is_added() {
    let talk = Talk::about_people(Analyst::obedient(), PrivacyMode::Full).await;
    talk.ask("SELECT 1").await;
    let spent = "CREATE FUNCTION spend() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN new.prompt_tokens := 1000; RETURN new; END $$;
        CREATE TRIGGER spent BEFORE INSERT ON runs FOR EACH ROW EXECUTE FUNCTION spend()";
    talk.harness.execute(spent).await;

    let (run, _) = talk.ask("SELECT 2").await;

    assert_eq!(run.usage.map(|it| it.prompt_tokens), Some(1_200));
}

#[tokio::test]
async fn a_model_that_configuration_names_no_more_fails_the_run_and_says_so() {
    let talk = Talk::about_people(Analyst::obedient(), PrivacyMode::Full).await;
    talk.harness.execute("UPDATE agents SET model = 'gone/model'").await;

    let (run, _) = talk.ask("Who?").await;

    assert_eq!((run.state(), run.attempts), (RunState::Failed, 1));
    let error = run.error.expect("it says why");
    assert_eq!(error.reason, "MODEL_NOT_AVAILABLE");
    assert_eq!(error.message, "the model gone/model is not available");
}
