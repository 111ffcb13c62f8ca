use std::{collections::HashMap, sync::Arc};

use anyhow::{Context as _, ensure};
use futures::future::try_join_all;
use tokio_postgres::{Config, Statement};

use super::{
    connection::{Connection, Taken, Wanted},
    inputs::Inputs,
    raw::Parameter,
    script::{Script, Step},
    source::Values,
};

/// Executes a script, on connections of its own: one for each role in each database.
#[derive(Debug)]
pub struct Replay {
    script: Arc<Script>,
    /// How a superuser logs in.
    server: Config,
    connections: Vec<Connection>,
    /// By their place in the script and the name of the role.
    opened: HashMap<(usize, String), usize>,
    /// Of the steps that are always the same but for their parameters.
    constant: Vec<Option<Call>>,
    /// What later steps want of the rows of each.
    wanted: Vec<Vec<Wanted>>,
}

/// A statement on its connection.
#[derive(Clone, Debug)]
struct Call {
    connection: usize,
    /// `None` is a simple query.
    statement: Option<Statement>,
    sql: Arc<str>,
}

/// One that can be sent.
struct Ready {
    call: Call,
    parameters: Vec<Parameter>,
}

impl Replay {
    /// Connects, and prepares each statement whose text is always the same.
    pub async fn connect(server: &Config, script: Arc<Script>) -> anyhow::Result<Self> {
        let mut wanted = vec![Vec::new(); script.steps.len()];
        for (slot, it) in script.slots.iter().enumerate() {
            wanted[it.step].push(Wanted { slot, row: it.row, column: it.column });
        }
        let mut replay = Self {
            script: Arc::clone(&script),
            server: server.clone(),
            connections: Vec::new(),
            opened: HashMap::new(),
            constant: Vec::new(),
            wanted,
        };
        let nothing = Values { inputs: &script.example, slots: &[], returned: Vec::new() };
        for step in &script.steps {
            let user = &script.places[step.place].user;
            let is_constant = user.constant().is_some() && step.sql.constant().is_some();
            let call = if is_constant { Some(replay.call(step, &nothing).await?) } else { None };
            replay.constant.push(call);
        }
        Ok(replay)
    }

    /// Executes the statements of one call, one after the other as the product does.
    /// Fails if one returns or changes another number of rows than it did for the product.
    pub async fn run(&mut self, inputs: &Inputs) -> anyhow::Result<()> {
        let script = Arc::clone(&self.script);
        script.check(inputs)?;
        let returned = vec![None; script.slots.len()];
        let mut values = Values { inputs, slots: &script.slots, returned };
        let mut index = 0;
        for group in script.steps.chunk_by(|_, next| next.pipelined) {
            let taken = self.run_group(index, group, &values).await?;
            index += group.len();
            for (slot, value) in taken.into_iter().flatten() {
                values.returned[slot] = value;
            }
        }
        Ok(())
    }

    /// Sends all of a group before the first answer.
    async fn run_group(
        &mut self,
        index: usize,
        group: &[Step],
        values: &Values<'_>,
    ) -> anyhow::Result<Vec<Taken>> {
        let mut sending = Vec::with_capacity(group.len());
        for (nth, step) in group.iter().enumerate() {
            let call = match &self.constant[index + nth] {
                Some(call) => call.clone(),
                None => self.call(step, values).await?,
            };
            let parameters = step.parameters.iter().map(|(source, binary)| {
                Ok(Parameter { bytes: source.value(values)?, binary: *binary })
            });
            let parameters = parameters.collect::<anyhow::Result<_>>();
            let parameters = parameters.with_context(|| call.sql.to_string())?;
            sending.push((nth, step, Ready { call, parameters }));
        }
        let this = &*self;
        let sending = sending.into_iter().map(|(nth, step, it)| this.send(index + nth, step, it));
        try_join_all(sending).await
    }

    async fn send(&self, index: usize, step: &Step, ready: Ready) -> anyhow::Result<Taken> {
        let Ready { call: Call { connection, statement, sql }, parameters } = ready;
        let connection = &self.connections[connection];
        let taken = match statement {
            None => connection.query_simply(&sql).await.map(|()| Taken::new()),
            Some(statement) => {
                let wanted = &self.wanted[index];
                connection.execute(&statement, parameters, wanted, step.rows).await
            }
        };
        taken.with_context(|| sql.to_string())
    }

    /// Connects and prepares what is not yet.
    async fn call(&mut self, step: &Step, values: &Values<'_>) -> anyhow::Result<Call> {
        let user = self.script.places[step.place].user.fill_text(values)?;
        let sql = step.sql.fill_text(values)?;
        let connection = self.connection(step.place, user).await?;
        let statement = match step.simple {
            true => None,
            false => Some(self.connections[connection].prepare(&sql, &step.types).await?),
        };
        Ok(Call { connection, statement, sql: sql.into() })
    }

    async fn connection(&mut self, place: usize, user: String) -> anyhow::Result<usize> {
        if let Some(index) = self.opened.get(&(place, user.clone())) {
            return Ok(*index);
        }
        let database = &self.script.places[place].database;
        let connection = Connection::open(&self.server, database, &user).await;
        self.connections.push(connection.with_context(|| format!("connecting as {user}"))?);
        let index = self.connections.len() - 1;
        self.opened.insert((place, user), index);
        Ok(index)
    }
}

impl Script {
    /// What did not vary while it was learned can't vary now: nobody knows what it is for.
    fn check(&self, inputs: &Inputs) -> anyhow::Result<()> {
        ensure!(inputs.names().eq(self.example.names()), "the script has other inputs");
        for (index, name) in inputs.names().enumerate() {
            ensure!(
                !self.fixed[index] || inputs.get(index) == self.example.get(index),
                "{name} was the same in all recordings, and is another now"
            );
        }
        Ok(())
    }
}
