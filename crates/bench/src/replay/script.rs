use std::fmt;

use anyhow::{Context as _, ensure};
use recorder::{Execution, Value};
use tokio_postgres::types::Type;

use super::{
    explain::{self, Known},
    inputs::Inputs,
    rows::Rows,
    source::{Slot, Source},
    template::Template,
    units::{self, Aligned},
};

/// With fewer, an input and a result may be equal by chance.
const MIN_RECORDINGS: usize = 3;

/// What one kind of call executes.
#[derive(Debug)]
pub struct Script {
    pub(super) steps: Vec<Step>,
    pub(super) places: Vec<Place>,
    pub(super) slots: Vec<Slot>,
    /// As in one of the recordings.
    pub(super) example: Inputs,
    /// Which inputs were the same in all recordings.
    pub(super) fixed: Vec<bool>,
    left_out: Vec<String>,
}

/// Where and as whom a statement is executed.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) database: String,
    pub(super) user: Template,
    recorded: (String, String),
}

/// One statement.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) place: usize,
    pub(super) sql: Template,
    pub(super) simple: bool,
    /// Sent without waiting for the one before.
    pub(super) pipelined: bool,
    pub(super) types: Vec<Type>,
    pub(super) parameters: Vec<(Source, bool)>,
    pub(super) rows: Rows,
}

impl Script {
    /// Learns what a kind of call executes from recordings of some calls, each with its
    /// inputs. `background` was recorded while there was no call, or after its end.
    pub fn learn(
        background: &[Execution],
        recordings: &[(Inputs, Vec<Execution>)],
    ) -> anyhow::Result<Self> {
        ensure!(
            MIN_RECORDINGS <= recordings.len(),
            "at least {MIN_RECORDINGS} recordings are needed"
        );
        let inputs: Vec<&Inputs> = recordings.iter().map(|(inputs, _)| inputs).collect();
        let first = inputs[0];
        let has_names = |it: &&Inputs| it.names().eq(first.names());
        ensure!(inputs.iter().all(has_names), "the calls have not the same inputs");
        for (one, other) in (0..first.len()).flat_map(|it| (0..it).map(move |other| (it, other))) {
            let is_equal = inputs.iter().all(|it| it.get(one) == it.get(other));
            ensure!(!is_equal, "two inputs are equal in all recordings: {first:?}");
        }
        let executions: Vec<&[Execution]> = recordings.iter().map(|(_, it)| &it[..]).collect();
        let (units, left_out) = units::align(background, &executions)?;

        let is_fixed = |index| inputs.iter().all(|it| it.get(index) == first.get(index));
        let mut script = Self {
            steps: Vec::new(),
            places: Vec::new(),
            slots: Vec::new(),
            example: first.clone(),
            fixed: (0..first.len()).map(is_fixed).collect(),
            left_out,
        };
        let aligned: Vec<Aligned<'_>> = units.into_iter().flatten().collect();
        for index in 0..aligned.len() {
            script.add(&inputs, &aligned, index)?;
        }
        ensure!(!script.steps.is_empty(), "no statement was executed in all of the recordings");
        Ok(script)
    }

    /// The statements of the recordings that the script has not: those of the background,
    /// and those that were not in all recordings.
    pub fn left_out(&self) -> &[String] {
        &self.left_out
    }

    /// How many it executes.
    pub fn statements(&self) -> usize {
        self.steps.len()
    }

    fn add(
        &mut self,
        inputs: &[&Inputs],
        aligned: &[Aligned<'_>],
        index: usize,
    ) -> anyhow::Result<()> {
        let same = &aligned[index];
        let (pipelined, answered) = self.answered_before(aligned, index);
        let slots = &mut self.slots;
        let mut known = Known { inputs, before: &aligned[..answered], slots };

        let texts: Vec<&str> = same.iter().map(|it| it.sql.as_str()).collect();
        let sql =
            known.name(&texts).with_context(|| format!("unexplained statement: {texts:?}"))?;
        let users: Vec<&str> = same.iter().map(|it| it.user.as_str()).collect();
        let user = known.name(&users).with_context(|| format!("unexplained user: {users:?}"))?;
        let parameters = (0..same[0].parameters.len())
            .map(|parameter| explained(&mut known, same, parameter))
            .collect::<anyhow::Result<_>>()?;
        let place = self.place(same[0], user);
        let types = same[0].types.iter().map(|it| Type::from_oid(*it).unwrap_or(Type::UNKNOWN));
        self.steps.push(Step {
            place,
            sql,
            simple: same[0].simple,
            pipelined,
            types: types.collect(),
            parameters,
            rows: Rows::of(same),
        });
        Ok(())
    }

    /// Whether a statement is sent without waiting for the one before; and how many are
    /// answered by then, from which its values may come.
    fn answered_before(&self, aligned: &[Aligned<'_>], index: usize) -> (bool, usize) {
        let same = &aligned[index];
        let follows = |before: usize| aligned[before][0].connection == same[0].connection;
        let pipelined =
            same.iter().all(|it| it.pipelined) && index.checked_sub(1).is_some_and(follows);
        if !pipelined {
            return (false, index);
        }
        let first = (0..index).rev().find(|it| !self.steps[*it].pipelined);
        (true, first.unwrap_or_default())
    }

    fn place(&mut self, execution: &Execution, user: Template) -> usize {
        let recorded = (execution.database.clone(), execution.user.clone());
        self.places.iter().position(|it| it.recorded == recorded).unwrap_or_else(|| {
            let database = execution.database.clone();
            self.places.push(Place { database, user, recorded });
            self.places.len() - 1
        })
    }
}

fn explained(
    known: &mut Known<'_>,
    same: &Aligned<'_>,
    parameter: usize,
) -> anyhow::Result<(Source, bool)> {
    let values: Vec<&Value> = same
        .iter()
        .map(|it| it.parameters.get(parameter))
        .collect::<Option<_>>()
        .with_context(|| format!("not always as many parameters: {}", same[0].sql))?;
    let oid = same[0].types.get(parameter).copied().unwrap_or_default();
    let is_time = [Type::TIMESTAMPTZ, Type::TIMESTAMP].iter().any(|it| it.oid() == oid);
    let source =
        known.parameter(&values, oid).or_else(|| is_time.then(|| explain::time(&values, same))?);
    let source = source.with_context(|| {
        let number = parameter + 1;
        format!("${number} (type {oid}) of {} is unexplained: {values:?}", same[0].sql)
    })?;
    Ok((source, values[0].binary))
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Step { sql, parameters, rows, pipelined, .. } in &self.steps {
            let (sign, sql) = (if *pipelined { "|" } else { ">" }, format!("{sql:?}"));
            writeln!(f, "{sign} {sql}\n    {parameters:?} -> {rows}")?;
        }
        Ok(())
    }
}
