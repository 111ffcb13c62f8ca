//! The file of what is known, and comparing with it.

use std::{collections::BTreeMap, fmt};

/// Bytes may differ by so much: ids and times are of different lengths as text.
const TOLERANCE: f64 = 0.03;
const TOLERATED_BYTES: usize = 24;

const HEAD: &str =
    "# What a call costs: Postgres' statements, round trips that execute or parse something,
# those that do neither (a pool asks whether a connection lives), bytes sent and received
# in the former; and messages published to NATS. `Run` is a question from StartRun to its
# answer. Counts are exact, bytes nearly. Made by the test; see tests/it/cost.rs.
";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cost {
    pub(super) statements: usize,
    pub(super) round_trips: usize,
    pub(super) pings: usize,
    pub(super) sent: usize,
    pub(super) received: usize,
    pub(super) publishes: usize,
}

impl Cost {
    const COLUMNS: [&str; 6] =
        ["statements", "round-trips", "pings", "sent", "received", "publishes"];

    fn numbers(self) -> [usize; 6] {
        let Self { statements, round_trips, pings, sent, received, publishes } = self;
        [statements, round_trips, pings, sent, received, publishes]
    }

    fn of([statements, round_trips, pings, sent, received, publishes]: [usize; 6]) -> Self {
        Self { statements, round_trips, pings, sent, received, publishes }
    }

    pub(super) fn least(self, other: Self) -> Self {
        let (one, other) = (self.numbers(), other.numbers());
        Self::of(std::array::from_fn(|index| one[index].min(other[index])))
    }

    /// Whether it is another as far as machines can agree.
    fn differs(self, other: Self) -> bool {
        let are_near = is_near(self.sent, other.sent) && is_near(self.received, other.received);
        !are_near || self != Self { sent: self.sent, received: self.received, ..other }
    }
}

fn is_near(one: usize, other: usize) -> bool {
    let tolerated = (one as f64 * TOLERANCE) as usize + TOLERATED_BYTES;
    one.abs_diff(other) <= tolerated
}

/// By the names of the calls.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Table(BTreeMap<String, Cost>);

impl Table {
    pub(super) fn new(costs: impl IntoIterator<Item = (String, Cost)>) -> Self {
        Self(costs.into_iter().collect())
    }

    pub(super) fn parse(text: &str) -> Self {
        let lines = text.lines().filter(|it| !it.starts_with('#') && !it.is_empty());
        Self::new(lines.map(|line| {
            let mut words = line.split_whitespace();
            let name = words.next().expect("a line begins with a name");
            let numbers: Vec<usize> =
                words.map(|it| it.parse().unwrap_or_else(|_| panic!("{line}"))).collect();
            (name.to_owned(), Cost::of(numbers.try_into().unwrap_or_else(|_| panic!("{line}"))))
        }))
    }

    /// Whether an rpc is among the calls, in whatever way it is called.
    pub(super) fn has(&self, rpc: &str) -> bool {
        self.0.keys().any(|name| name.split(':').next() == Some(rpc))
    }

    /// What is not as it was known, a line each.
    pub(super) fn differences(&self, measured: &Self) -> Vec<String> {
        let mut lines = Vec::new();
        for (name, known) in &self.0 {
            match measured.0.get(name) {
                None => lines.push(format!("{name} was not measured")),
                Some(cost) if known.differs(*cost) => lines.push(difference(name, *known, *cost)),
                Some(_) => (),
            }
        }
        let is_new = |name: &&String| !self.0.contains_key(*name);
        lines.extend(measured.0.keys().filter(is_new).map(|it| format!("{it} is not known yet")));
        lines
    }
}

fn difference(name: &str, known: Cost, cost: Cost) -> String {
    let columns = Cost::COLUMNS.iter().zip(known.numbers().into_iter().zip(cost.numbers()));
    let changed = columns.filter(|(_, (known, cost))| known != cost);
    let changed: Vec<String> =
        changed.map(|(column, (known, cost))| format!("{column} {known} -> {cost}")).collect();
    format!("{name}: {}", changed.join(", "))
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HEAD)?;
        write!(f, "#{:<44}", " call")?;
        for column in Cost::COLUMNS {
            write!(f, " {column:>11}")?;
        }
        for (name, cost) in &self.0 {
            write!(f, "\n{name:<45}")?;
            for number in cost.numbers() {
                write!(f, " {number:>11}")?;
            }
        }
        f.write_str("\n")
    }
}

#[test]
fn a_difference_is_one_of_counts_or_of_many_bytes() {
    let known = Cost::of([4, 4, 1, 1000, 2000, 2]);
    let table = |cost| Table::new([("Service/Call".to_owned(), cost)]);
    let compare = |cost| table(known).differences(&table(cost));

    assert_eq!(compare(Cost { received: 2050, ..known }), Vec::<String>::new());
    let more = Cost { statements: 5, received: 2050, ..known };
    assert_eq!(compare(more), ["Service/Call: statements 4 -> 5, received 2000 -> 2050"]);
    let longer = compare(Cost { received: 2200, ..known });
    assert_eq!(longer, ["Service/Call: received 2000 -> 2200"]);
    assert_eq!(Table::parse(&table(known).to_string()), table(known));
}
