use std::{thread, time::Duration};

use allocation_counter::{AllocationInfo, measure};
use tokio::{
    runtime::{Builder, Handle, Runtime},
    sync::{mpsc, oneshot},
    time,
};

/// What a call leads to comes so soon after its answer.
const SOON: Duration = Duration::from_millis(3);
/// For so long there may be more and more of it.
const PATIENCE: Duration = Duration::from_secs(10);

type Answer = oneshot::Sender<AllocationInfo>;

/// A thread with a runtime of its own, whose allocations are counted. It has no other
/// threads for what runs there, but those for what blocks.
pub(super) struct Counted {
    runtime: Handle,
    asking: mpsc::UnboundedSender<Answer>,
}

impl Counted {
    pub(super) fn start() -> Self {
        let (asking, asked) = mpsc::unbounded_channel();
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime can be made");
        let handle = runtime.handle().clone();
        thread::spawn(move || count(&runtime, asked));
        Self { runtime: handle, asking }
    }

    /// Does something there.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> T {
        self.runtime.spawn(work).await.expect("it does not panic")
    }

    /// What was allocated there since the last time.
    async fn take(&self) -> AllocationInfo {
        let (answer, answered) = oneshot::channel();
        self.asking.send(answer).expect("the thread is there");
        answered.await.expect("the thread is there")
    }
}

/// Waits until nothing is allocated on any of them any more, and returns what was since the last
/// time on each.
pub(super) async fn settle(all: &[&Counted]) -> Vec<AllocationInfo> {
    let settled = time::timeout(PATIENCE, sums_until_quiet(all)).await;
    settled.expect("there is an end to what is allocated")
}

async fn sums_until_quiet(all: &[&Counted]) -> Vec<AllocationInfo> {
    let mut sums = vec![AllocationInfo::default(); all.len()];
    loop {
        time::sleep(SOON).await;
        let mut is_quiet = true;
        for (sum, counted) in sums.iter_mut().zip(all) {
            let more = counted.take().await;
            is_quiet &= more.count_total == 0;
            *sum += more;
        }
        if is_quiet {
            return sums;
        }
    }
}

/// Lets what is on the runtime go on from one question to the next, until nobody asks any more.
fn count(runtime: &Runtime, mut asked: mpsc::UnboundedReceiver<Answer>) {
    loop {
        let mut next = None;
        let counted = measure(|| next = runtime.block_on(asked.recv()));
        let Some(answer) = next else { return };
        // Who asked may have given up.
        let _ = answer.send(counted);
    }
}
