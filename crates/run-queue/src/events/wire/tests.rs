use super::{super::Event as Told, *};

fn preview(columns: usize, rows: usize, value: &str) -> Preview {
    Preview {
        columns: vec!["c".repeat(63); columns],
        rows: vec![vec![Some(value.to_owned()); columns]; rows],
        row_count: rows as i64,
        truncated_by: None,
        total_rows: Some(1),
    }
}

#[test]
fn rows_are_cut_to_twenty_and_values_to_two_hundred_characters() {
    let event = rows(preview(1, 30, &"ä".repeat(201)));

    assert_eq!((event.rows.len(), event.row_count), (20, 30));
    let cut = format!("{}…", "ä".repeat(200));
    assert_eq!(event.rows[0].values[0].kind, Some(Kind::StringValue(cut)));
}

#[test]
fn a_value_of_two_hundred_characters_and_a_null_stay_as_they_are() {
    let text = "ä".repeat(200);
    let mut preview = preview(1, 1, &text);
    preview.rows[0].push(None);

    let event = rows(preview);

    let kinds: Vec<_> = event.rows[0].values.iter().map(|value| value.kind.clone()).collect();
    assert_eq!(kinds, [Some(Kind::StringValue(text)), Some(Kind::NullValue(0))]);
}

#[test]
fn the_widest_result_fits_into_an_event() {
    for (columns, fits) in [(1_600, 0), (300, 0), (100, 1), (10, 16), (5, 20)] {
        let event = rows(preview(columns, 20, &"\u{1f980}".repeat(300)));

        assert!(event.encoded_len() + OVERHEAD <= MAX_BYTES, "{columns} columns");
        assert_eq!((event.columns.len(), event.rows.len()), (columns, fits));
    }
}

#[test]
fn a_long_text_becomes_several_events_and_an_empty_one_none() {
    let text = "€".repeat(50_000);

    let events = to_events(Told::TextDelta(text.clone()));

    let pieces: Vec<&str> = events
        .iter()
        .map(|event| match event {
            Event::TextDelta(delta) => delta.text.as_str(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(pieces.len(), 3);
    assert!(pieces.iter().all(|piece| piece.len() <= MAX_TEXT_BYTES));
    assert_eq!(pieces.concat(), text);
    assert_eq!(to_events(Told::TextDelta(String::new())), []);
}

#[test]
fn a_retry_is_told_as_the_state_that_the_run_returns_to() {
    let after = Duration::from_millis(1_500);
    let (reason, message) = ("MODEL_UNAVAILABLE".to_owned(), "x".repeat(3_000));

    let events = to_events(Told::Retrying { reason, message, after });

    let [Event::State(state)] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(state.state(), RunState::Queued);
    assert_eq!(state.retry_after, Some(prost_types::Duration { seconds: 1, nanos: 500_000_000 }));
    let error = state.error.as_ref().unwrap();
    assert_eq!(
        (error.reason.as_str(), error.message.chars().count()),
        ("MODEL_UNAVAILABLE", 2_001)
    );
}
