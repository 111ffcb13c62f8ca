//! How often and how much a service allocates for a call, and a service and a worker for a run:
//! the same on any machine, as far as the same is built. Known is what unoptimized builds do,
//! with the log and the metrics of a process that serves.

mod counted;
mod meter;
mod pages;

use std::{
    panic,
    sync::{Arc, Once},
    thread,
};

use allocation_counter::AllocationInfo;
use bootstrap::Telemetry;
use tonic::transport::Channel;

use super::{
    calls::{self, Stage},
    table::{Column, Form, Table},
};
use crate::harness::{Harness, Manner, RunningWorker, Service};
use counted::{Counted, settle};
use meter::AllocationMeter;
use pages::Pages;

/// How often each call is made.
const ROUNDS: usize = 16;

/// How often calls are made of which nothing is to be kept.
const MANY: u64 = 64;

const USER: i64 = 1;

const EXPECTED: &str = include_str!("allocations/expected.txt");

static FORM: Form<2> = Form {
    head: "# What a call allocates, in the session service; a run, in either service. Of some calls
# the lower quartile, nearly. Made by the test; see tests/it/cost/allocations.rs.
",
    columns: [
        Column { name: "allocations", tolerance: (1, 3) },
        // A connection's buffers, of 8 KiB, are made in whichever call needs the next one.
        Column { name: "bytes", tolerance: (5, 2 * 8192) },
    ],
    known: concat!(env!("CARGO_MANIFEST_DIR"), "/it/cost/allocations/expected.txt"),
    measured: concat!(env!("CARGO_TARGET_TMPDIR"), "/allocations.txt"),
};

#[tokio::test]
async fn each_call_allocates_what_it_is_known_to_allocate() {
    tell_as_a_service();
    let harness = Arc::new(Harness::without_worker().await);
    let on_service = Counted::start();
    let (_service, stage, pages) = set(&harness, &on_service).await;

    let mut meter = AllocationMeter::new(vec![("", &on_service)]);
    for _ in 0..ROUNDS {
        pages.list(&stage, &mut meter).await;
        pages.watch(&stage, &mut meter).await;
        calls::make(&stage, &mut meter).await;
    }
    let of_calls = meter.quartiles();
    let on_worker = Counted::start();
    let _worker = work(&harness, &on_worker).await;
    let mut meter = AllocationMeter::new(vec![(":service", &on_service), (":worker", &on_worker)]);
    for _ in 0..ROUNDS {
        // What a run is told of those before it would grow.
        let session = stage.aside.session(stage.agent, "a title").await.id;
        calls::runs::ask(&Stage { session, ..stage.clone() }, &mut meter).await;
    }

    let measured = of_calls.chain(meter.quartiles());
    Table::new(&FORM, measured).hold_to(&Table::parse(&FORM, EXPECTED));
}

#[tokio::test]
async fn a_service_keeps_nothing_of_what_has_ended() {
    tell_as_a_service();
    let harness = Arc::new(Harness::without_worker().await);
    let on_service = Counted::start();
    let (_service, stage, pages) = set(&harness, &on_service).await;
    let _worker = harness.worker(model::Builtin, 1);
    let rounds = async || {
        for _ in 0..MANY {
            pages.list(&stage, &mut Uncounted).await;
            pages.watch(&stage, &mut Uncounted).await;
            let session = stage.aside.session(stage.agent, "a title").await.id;
            calls::runs::ask(&Stage { session, ..stage.clone() }, &mut Uncounted).await;
        }
        settle(&[&on_service]).await[0]
    };
    // What is made once is made now.
    rounds().await;

    let mut kept = rounds().await;
    // Another connection to the database, or a statement that one had not seen, is made in
    // whichever round needs it; what is kept of calls is kept of all rounds.
    for _ in 0..4 {
        if is_nothing(&kept) {
            break;
        }
        kept = rounds().await;
    }

    assert!(is_nothing(&kept), "{kept:?}");
}

/// Of many calls.
fn is_nothing(kept: &AllocationInfo) -> bool {
    // Connections' buffers come and go; what grows in place is in no other figure.
    kept.count_current.unsigned_abs() < MANY / 2 && kept.bytes_current < 64 * 1024
}

/// Calls that nobody counts.
struct Uncounted;

impl calls::Meter for Uncounted {
    async fn of<T>(&mut self, _: &'static str, call: impl Future<Output = T>) -> T {
        call.await
    }
}

async fn set(harness: &Arc<Harness>, on_service: &Counted) -> (Service, Stage, Pages) {
    let service = serve(harness, on_service).await;
    // The service's own would be counted.
    let channel = format!("http://{}", service.address());
    let channel = Channel::from_shared(channel).expect("a valid URL").connect_lazy();
    let stage = Stage::set(harness, service.api_over(channel, USER), USER).await;
    let pages = Pages::fill(harness, &stage).await;
    (service, stage, pages)
}

/// Of what the process does from now on it keeps a log and metrics as a service does.
fn tell_as_a_service() {
    static ONCE: Once = Once::new();

    ONCE.call_once(|| {
        let told = thread::spawn(|| {
            bootstrap::run("tests", &Telemetry::default(), async {
                let histograms =
                    [session_service::metrics::HISTOGRAMS, run_worker::metrics::HISTOGRAMS];
                bootstrap::metrics::install("tests", &histograms).map(drop)
            })
        });
        told.join().expect("it does not panic").expect("nobody else has done it");
        // A service's log does not have what a panic says.
        drop(panic::take_hook());
    });
}

async fn serve(harness: &Arc<Harness>, counted: &Counted) -> Service {
    let harness = Arc::clone(harness);
    let serving = async move {
        let (sources, nats) = (harness.separate_sources().await, harness.separate_nats().await);
        harness.service_on(&sources, &nats).await
    };
    counted.run(serving).await
}

async fn work(harness: &Arc<Harness>, counted: &Counted) -> RunningWorker {
    let harness = Arc::clone(harness);
    let working = async move { harness.separate_worker(model::Builtin, Manner::default()).await };
    counted.run(working).await
}
