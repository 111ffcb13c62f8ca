//! A file of what is known of calls, and comparing with it.

use std::{collections::BTreeMap, fmt, fs};

/// What is measured of each call.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    /// By how many hundredths it may differ, and by how much more.
    pub(crate) tolerance: (usize, usize),
}

impl Column {
    pub(crate) const fn exact(name: &'static str) -> Self {
        Self { name, tolerance: (0, 0) }
    }

    fn are_near(&self, known: usize, measured: usize) -> bool {
        let (hundredths, more) = self.tolerance;
        known.abs_diff(measured) <= known * hundredths / 100 + more
    }
}

/// Which file it is, and how it is written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Form<const N: usize> {
    pub(crate) head: &'static str,
    pub(crate) columns: [Column; N],
    /// Where what is known stands.
    pub(crate) known: &'static str,
    /// Where what it is now is left.
    pub(crate) measured: &'static str,
}

/// By the names of the calls.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Table<const N: usize> {
    form: &'static Form<N>,
    rows: BTreeMap<String, [usize; N]>,
}

impl<const N: usize> Table<N> {
    pub(crate) fn new(
        form: &'static Form<N>,
        rows: impl IntoIterator<Item = (String, [usize; N])>,
    ) -> Self {
        Self { form, rows: rows.into_iter().collect() }
    }

    pub(crate) fn parse(form: &'static Form<N>, text: &str) -> Self {
        let lines = text.lines().filter(|it| !it.starts_with('#') && !it.is_empty());
        let rows = lines.map(|line| {
            let mut words = line.split_whitespace();
            let name = words.next().expect("a line begins with a name");
            let numbers: Vec<usize> =
                words.map(|it| it.parse().unwrap_or_else(|_| panic!("{line}"))).collect();
            (name.to_owned(), numbers.try_into().unwrap_or_else(|_| panic!("{line}")))
        });
        Self::new(form, rows)
    }

    pub(crate) fn get(&self, call: &str) -> Option<[usize; N]> {
        self.rows.get(call).copied()
    }

    /// Whether an rpc is among the calls, in whatever way it is called.
    pub(crate) fn has(&self, rpc: &str) -> bool {
        self.rows.keys().any(|name| name.split(':').next() == Some(rpc))
    }

    /// Leaves it for whoever means it, and panics if it is not as it was known.
    pub(crate) fn hold_to(&self, known: &Self) {
        let Form { known: expected, measured, .. } = self.form;
        fs::write(measured, self.to_string()).expect("cargo has made the folder");
        let differences = known.differences(self).join("\n");
        assert!(
            differences.is_empty(),
            "{differences}\n\nIf this is meant: cp {measured} {expected}\n"
        );
    }

    /// What is not as it was known, a line each.
    fn differences(&self, measured: &Self) -> Vec<String> {
        let mut lines = Vec::new();
        for (name, known) in &self.rows {
            match measured.rows.get(name) {
                None => lines.push(format!("{name} was not measured")),
                Some(now) => lines.extend(self.form.difference(name, known, now)),
            }
        }
        let is_new = |name: &&String| !self.rows.contains_key(*name);
        lines
            .extend(measured.rows.keys().filter(is_new).map(|it| format!("{it} is not known yet")));
        lines
    }
}

impl<const N: usize> Form<N> {
    /// Whether it is another as far as machines can agree.
    fn difference(&self, name: &str, known: &[usize; N], now: &[usize; N]) -> Option<String> {
        let pairs = || self.columns.iter().zip(known.iter().zip(now));
        if pairs().all(|(column, (known, now))| column.are_near(*known, *now)) {
            return None;
        }
        let changed = pairs().filter(|(_, (known, now))| known != now);
        let changed: Vec<String> =
            changed.map(|(it, (known, now))| format!("{} {known} -> {now}", it.name)).collect();
        Some(format!("{name}: {}", changed.join(", ")))
    }
}

impl<const N: usize> fmt::Display for Table<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.form.head)?;
        write!(f, "#{:<44}", " call")?;
        for column in &self.form.columns {
            write!(f, " {:>11}", column.name)?;
        }
        for (name, numbers) in &self.rows {
            write!(f, "\n{name:<45}")?;
            for number in numbers {
                write!(f, " {number:>11}")?;
            }
        }
        f.write_str("\n")
    }
}

#[test]
fn a_difference_is_one_of_counts_or_of_many_bytes() {
    static FORM: Form<2> = Form {
        head: "# What a call costs.\n",
        columns: [Column::exact("statements"), Column { name: "bytes", tolerance: (3, 24) }],
        known: "",
        measured: "",
    };
    let table = |numbers| Table::new(&FORM, [("Service/Call".to_owned(), numbers)]);
    let known = table([4, 2000]);
    let compare = |numbers| known.differences(&table(numbers));

    assert_eq!(compare([4, 2050]), Vec::<String>::new());
    assert_eq!(compare([5, 2050]), ["Service/Call: statements 4 -> 5, bytes 2000 -> 2050"]);
    assert_eq!(compare([4, 2200]), ["Service/Call: bytes 2000 -> 2200"]);
    assert_eq!(Table::parse(&FORM, &known.to_string()), known);
}
