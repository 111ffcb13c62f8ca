//! What operators do, done to a deployment under load. In a test binary of its own, so that no
//! other test takes its time.

use dev::chaos::drill::{self, Drill, Options};
use tokio::sync::Mutex;

static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

async fn succeeds(drill: Drill) {
    let _turn = ONE_AT_A_TIME.lock().await;
    let report = Box::pin(drill::run(&Options { drill })).await.expect("nothing is lost");
    eprintln!("{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_made_under_load_is_gone_on_with() {
    succeeds(Drill::Restore).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_gone_on_with_when_nats_is_lost_as_well() {
    succeeds(Drill::RestoreWithoutNats).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_under_200_requests_a_second_fails_nothing() {
    succeeds(Drill::RollingRestart).await;
}
