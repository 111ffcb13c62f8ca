use std::collections::BTreeMap;

use allocation_counter::AllocationInfo;

use super::{super::calls::Meter, Counted, counted::settle};

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

    async fn take(&self) -> Vec<AllocationInfo> {
        settle(&self.counted.iter().map(|(_, counted)| *counted).collect::<Vec<_>>()).await
    }
}

impl Meter for AllocationMeter<'_> {
    async fn of<T>(&mut self, name: &'static str, call: impl Future<Output = T>) -> T {
        self.take().await;
        let answer = call.await;
        for (info, (of, _)) in self.take().await.into_iter().zip(&self.counted) {
            let allocated = [info.count_total, info.bytes_total].map(|it| it as usize);
            self.allocated.entry(format!("{name}{of}")).or_default().push(allocated);
        }
        answer
    }
}

fn quartile(mut numbers: Vec<usize>) -> usize {
    numbers.sort_unstable();
    numbers[numbers.len() / 4]
}
