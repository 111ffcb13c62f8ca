use std::collections::BTreeMap;

use tokio::time;

use super::{
    super::calls::Meter,
    Counted,
    counted::{PATIENCE, SOON},
};

/// How often something was allocated, and how many bytes in all.
type Allocated = [usize; 2];

/// Counts what calls have threads allocate.
pub(super) struct AllocationMeter<'a> {
    /// By what is added to the names of the calls.
    counted: Vec<(&'static str, &'a Counted)>,
    /// Of each call as often as it was made.
    allocated: BTreeMap<String, Vec<Allocated>>,
}

impl<'a> AllocationMeter<'a> {
    pub(super) fn new(counted: Vec<(&'static str, &'a Counted)>) -> Self {
        Self { counted, allocated: BTreeMap::new() }
    }

    /// Of each call the lower quartile: now and then something else is done meanwhile, or,
    /// rarely, something so late that it is counted to the next call.
    pub(super) fn quartiles(self) -> impl Iterator<Item = (String, Allocated)> + use<> {
        self.allocated.into_iter().map(|(name, all)| {
            (name, [0, 1].map(|column| quartile(all.iter().map(|it| it[column]).collect())))
        })
    }

    async fn take(&self, name: &str) -> Vec<Allocated> {
        let taken = time::timeout(PATIENCE, self.take_all()).await;
        taken.unwrap_or_else(|_| panic!("{name}: there is no end to what is allocated"))
    }

    /// Waits until nothing is allocated any more, and returns what was since the last time.
    async fn take_all(&self) -> Vec<Allocated> {
        let mut all = vec![[0; 2]; self.counted.len()];
        loop {
            time::sleep(SOON).await;
            let mut is_quiet = true;
            for (sum, (_, counted)) in all.iter_mut().zip(&self.counted) {
                let more = counted.take().await;
                is_quiet &= more.count_total == 0;
                sum[0] += more.count_total as usize;
                sum[1] += more.bytes_total as usize;
            }
            if is_quiet {
                return all;
            }
        }
    }
}

impl Meter for AllocationMeter<'_> {
    async fn of<T>(&mut self, name: &'static str, call: impl Future<Output = T>) -> T {
        self.take(name).await;
        let answer = call.await;
        for (allocated, (of, _)) in self.take(name).await.into_iter().zip(&self.counted) {
            self.allocated.entry(format!("{name}{of}")).or_default().push(allocated);
        }
        answer
    }
}

fn quartile(mut numbers: Vec<usize>) -> usize {
    numbers.sort_unstable();
    numbers[numbers.len() / 4]
}
