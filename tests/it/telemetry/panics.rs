//! A panic may say what people have said.

use std::process::Command;

use bootstrap::Telemetry;

/// In what the panic says.
const MARKER: &str = "zq7marker";
const TEST: &str = "telemetry::panics::a_panic_is_a_line_of_the_log_without_what_it_says";
/// Told this, the test's program runs this test alone, and the test is the one that panics.
const ALONE: [&str; 4] = [TEST, "--exact", "--nocapture", "--test-threads=1"];

fn panic_in_a_task() {
    let service = async {
        let panicking = tokio::spawn(async { panic!("{MARKER}") });
        panicking.await.expect_err("it panics");
        Ok(())
    };
    bootstrap::run("tests", &Telemetry::default(), service).expect("one task alone has panicked");
}

#[test]
fn a_panic_is_a_line_of_the_log_without_what_it_says() {
    if std::env::args().skip(1).eq(ALONE) {
        return panic_in_a_task();
    }
    let program = std::env::current_exe().expect("this program is there");
    let mut command = Command::new(program);
    command.args(ALONE).env("RUST_LOG", "info").env("RUST_BACKTRACE", "1");

    let output = command.output().expect("it runs");

    let [log, errors] = [output.stdout, output.stderr].map(|it| String::from_utf8(it).unwrap());
    assert!(output.status.success() && log.contains("1 passed"), "{log}{errors}");
    assert!(log.contains(r#""level":"ERROR""#) && log.contains(r#""message":"a panic""#), "{log}");
    assert!(log.contains(r#""location":"tests/it/telemetry/panics.rs:"#), "{log}");
    assert!(!log.contains(MARKER), "{log}");
    assert_eq!(errors, "", "all of it is in the log");
}
