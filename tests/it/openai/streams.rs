//! Answers as they arrive: whole, in odd pieces, or not to their end.

use super::*;
use crate::harness::{Ending, ModelServer, Reply, delta, event, speech};

const SQL: &str = "SELECT 'é日' FROM zoo.penguins";

fn plan_text() -> String {
    json!({"sql": SQL, "reply": null}).to_string()
}

/// The stream in chunks of so many bytes.
fn chunks(stream: &str, size: usize) -> Vec<Vec<u8>> {
    stream.as_bytes().chunks(size).map(<[u8]>::to_vec).collect()
}

fn cut(stream: &str, ending: Ending) -> Reply {
    Reply::Chunks(vec![stream.as_bytes().to_vec()], ending)
}

#[tokio::test]
async fn an_answer_is_the_same_wherever_its_bytes_are_cut() {
    let stream = ": hello\n\n".to_owned() + &speech(&["Há 3 ", "pingüins ", "日本."]);
    for stream in [stream.clone(), stream.replace('\n', "\r\n")] {
        for size in [1, 2, 3, 7, 64, 100_000] {
            let server =
                ModelServer::start([Reply::Chunks(chunks(&stream, size), Ending::Proper)]).await;
            let (texts, end) = answer(&*patient(&server)).await;
            assert_eq!(texts, ["Há 3 ", "pingüins ", "日本."], "in chunks of {size}");
            assert_eq!(end.unwrap(), Some(USAGE));
        }
    }
}

#[tokio::test]
async fn a_plan_is_gathered_from_its_pieces_with_what_it_has_cost() {
    let text = plan_text();
    let pieces: Vec<String> = text.chars().map(String::from).collect();
    let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
    let server = ModelServer::start([Reply::says(&pieces)]).await;

    let planned = plan(&*patient(&server)).await.unwrap();

    assert_eq!(planned, Planned { plan: query(SQL), usage: USAGE });
}

#[tokio::test]
async fn the_first_text_is_passed_on_before_the_last_has_come() {
    let server = ModelServer::start([cut(&delta("first"), Ending::Hang)]).await;
    let provider = patient(&server);
    let (schema, rows) = (schema(), one_row());
    let prompt = prompt("How many?", &schema);

    let mut pieces = provider.answer(&prompt, "SELECT 1", &rows);

    assert_eq!(pieces.next().await.unwrap().unwrap(), Piece::Text("first".to_owned()));
}

#[tokio::test]
async fn a_server_that_does_not_stream_is_understood_too() {
    let body = json!({
        "choices": [{"message": {"content": plan_text()}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 11, "completion_tokens": 7},
    });
    let server = ModelServer::start([Reply::json(&body)]).await;
    let provider = patient(&server);

    assert_eq!(plan(&*provider).await.unwrap(), Planned { plan: query(SQL), usage: USAGE });
    assert_eq!(answer(&*provider).await.0, [plan_text()]);
}

#[tokio::test]
async fn what_is_cut_before_its_first_text_is_tried_again() {
    let nothing = cut("", Ending::Proper);
    let half = cut("data: {\"choi", Ending::Proper);
    let role = cut(&event(&json!({"choices": [{"delta": {"role": "assistant"}}]})), Ending::Cut);
    let server = ModelServer::start([nothing, half, Reply::says(&["3"])]).await;
    assert_eq!(answer(&*patient(&server)).await.0, ["3"]);
    assert_eq!(server.seen().len(), 3);

    server.go_on([role, Reply::says(&["3"])]);
    assert_eq!(answer(&*patient(&server)).await.0, ["3"]);
}

#[tokio::test]
async fn an_answer_that_is_cut_later_fails_and_is_not_begun_again() {
    for ending in [Ending::Proper, Ending::Cut] {
        let server = ModelServer::start([cut(&delta("There are"), ending)]).await;
        let (texts, end) = answer(&*patient(&server)).await;
        assert_eq!(texts, ["There are"]);
        is_unreachable(end);
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_plan_that_is_cut_is_tried_again_from_its_start() {
    let half = delta("{\"sql\": \"SELECT count(*) FROM zoo.penguins WHERE");
    let server = ModelServer::start([
        cut(&half, Ending::Cut),
        cut(&half, Ending::Proper),
        Reply::says(&[&plan_text()]),
    ])
    .await;

    assert_eq!(plan(&*patient(&server)).await.unwrap().plan, query(SQL));
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn an_answer_is_whole_with_a_reason_to_stop_or_with_its_end() {
    let stop = event(&json!({"choices": [{"delta": {"content": "3"}, "finish_reason": "stop"}]}));
    let unfinished = delta("3").replace("null", "\"\"") + "data: [DONE]\n\n";
    let no_last_line = delta("3") + "data: [DONE]";
    for reply in [
        cut(&stop, Ending::Proper),
        cut(&stop, Ending::Cut),
        cut(stop.trim_end(), Ending::Proper),
        cut(&unfinished, Ending::Proper),
        cut(&no_last_line, Ending::Proper),
    ] {
        let server = ModelServer::start([reply]).await;
        let (texts, end) = answer(&*patient(&server)).await;
        assert_eq!((texts.concat().as_str(), end.unwrap()), ("3", Some(Usage::default())));
    }
}

#[tokio::test]
async fn an_answer_that_reached_the_models_limit_says_so_and_such_a_plan_is_none() {
    let length = event(&json!({"choices": [{"delta": {}, "finish_reason": "length"}]}));
    let stream = delta("SELECT 1") + &length + "data: [DONE]\n\n";
    let server = ModelServer::start([cut(&stream, Ending::Proper)]).await;
    let provider = patient(&server);

    let (texts, end) = answer(&*provider).await;
    assert_eq!(texts, ["SELECT 1", "\n\n[cut: the model's answer was too long]"]);
    assert!(end.unwrap().is_some());
    is_unusable(plan(&*provider).await, "longer than the output");
}

#[tokio::test]
async fn what_the_model_refuses_is_refused() {
    let filtered = event(&json!({"choices": [{"delta": {}, "finish_reason": "content_filter"}]}));
    let refusal = event(&json!({"choices": [{"delta": {"refusal": "I can't"}}]}));
    for stream in [filtered, refusal] {
        let server = ModelServer::start([cut(&(delta("Well") + &stream), Ending::Proper)]).await;
        let provider = patient(&server);
        assert!(matches!(plan(&*provider).await, Err(Error::Refused)));
        let (texts, end) = answer(&*provider).await;
        assert_eq!(texts, ["Well"]);
        assert!(matches!(end, Err(Error::Refused)));
        assert_eq!(server.seen().len(), 2);
    }
}

#[tokio::test]
async fn thoughts_are_not_part_of_an_answer() {
    let reasoning = event(&json!({"choices": [{"delta": {"reasoning_content": "hm"}}]}));
    let stream = reasoning + &speech(&["<thi", "nk>3 or 4?</th", "ink>\n\n", "There are 3."]);
    let server = ModelServer::start([cut(&stream, Ending::Proper)]).await;
    assert_eq!(answer(&*patient(&server)).await.0, ["There are 3."]);
}

#[tokio::test]
async fn what_is_no_answer_is_not_taken_for_one() {
    let done = "data: [DONE]\n\n";
    let no_choices = event(&json!({"choices": []})) + done;
    let null_choices = event(&json!({"choices": null})) + done;
    for (body, cause) in [
        ("data: {broken\n\n", "key must be a string"),
        (&no_choices, "no text"),
        (&null_choices, "no text"),
        ("{\"choices\": []}", "no text"),
        ("{\"choices\": [", "EOF"),
        ("<!doctype html>\n<p>Sign in</p>", "neither a stream of events nor JSON"),
    ] {
        let server = ModelServer::start([cut(body, Ending::Proper)]).await;
        let provider = patient(&server);
        is_unusable(plan(&*provider).await, cause);
        is_unusable(answer(&*provider).await.1, cause);
        assert_eq!(server.seen().len(), 2);
    }
}

#[tokio::test]
async fn an_error_within_a_success_is_one() {
    let error = |error: Value| cut(&event(&json!({"error": error})), Ending::Proper);
    let server = ModelServer::start([
        error(json!({"message": "try again", "code": 502})),
        error(json!({"message": "slow down", "type": "rate_limit_exceeded"})),
        Reply::says(&["3"]),
    ])
    .await;
    assert_eq!(answer(&*patient(&server)).await.0, ["3"]);

    server.go_on([error(json!({"message": "no such model", "code": 404}))]);
    is_rejected(plan(&*patient(&server)).await, "HTTP 404");
    let body = json!({"error": {"message": "no such model", "type": "invalid_request_error"}});
    server.go_on([Reply::json(&body)]);
    is_rejected(plan(&*patient(&server)).await, "HTTP 400 (invalid_request_error)");
}

#[tokio::test]
async fn neither_a_line_nor_an_answer_is_without_bound() {
    let line = Reply::Chunks(vec![b"data: ".to_vec(), vec![b'x'; 100_000]], Ending::Repeat);
    let comments = Reply::Chunks(vec![b": x\n".repeat(50_000)], Ending::Repeat);
    let text = Reply::Chunks(vec![delta(&"x".repeat(20_000)).into_bytes()], Ending::Repeat);

    let server = ModelServer::start([line]).await;
    is_unusable(plan(&*patient(&server)).await, "1 MiB");
    server.go_on([comments]);
    is_unusable(plan(&*patient(&server)).await, "16 MiB");
    server.go_on([text]);
    let (texts, end) = answer(&*patient(&server)).await;
    assert!(texts.concat().len() < 300_000 && texts.last().unwrap().contains("[cut: "));
    assert!(end.is_ok());
}
