//! The seam between the typed methods and the two databases.

use crate::keys::PackageKey;
use crate::whole::{Catalog, Frozen, Load};
use crate::{Error, Requirement, Row, Value};
use async_trait::async_trait;
use larder_model::Timestamp;
use tokio::sync::mpsc;

/// A database that speaks the common subset. Parameters are written `?1`, `?2` …
#[async_trait]
pub trait Sql: Send + Sync {
    /// The rows of one short statement.
    async fn rows(&self, text: &'static str, values: &[Value]) -> Result<Vec<Row>, Error>;

    /// The rows of one statement that may take long; never holds up requests meanwhile.
    async fn scan(&self, text: &'static str, values: Vec<Value>) -> Result<Vec<Row>, Error>;

    /// Carries out a batch, all or nothing, durably: when this returns, a crash loses nothing of
    /// it.
    async fn apply(&self, batch: Batch) -> Result<(), Error>;

    /// Runs a script of statements without parameters, all or nothing.
    async fn script(&self, text: String) -> Result<(), Error>;

    /// The name of this database in sections of migrations that are for it alone: `sqlite`,
    /// `postgres`.
    fn dialect(&self) -> &'static str;

    /// The state of the whole database as it is now, to be read for a while.
    async fn freeze(&self) -> Result<Box<dyn Frozen>, Error>;

    /// Carries out steps in one transaction; rows refer to rows that came before. Nothing of it is
    /// done if they end without a commit.
    async fn load(&self, steps: mpsc::Receiver<Load>) -> Result<(), Error>;

    /// How it tells what tables it has.
    fn catalog(&self) -> Catalog;

    /// How this database spells `{text}`, `{bytes}`, `{clustered}` and `{rowid}` of the migrations.
    fn spelling(&self) -> [(&'static str, &'static str); 4];

    /// A pattern as `immutable_versions` and its triggers have it: `*` stands for any text, all else
    /// for itself.
    fn matcher(&self, pattern: &str) -> String;

    /// The time by the one clock that all servers of the database share. `own`: by this server's,
    /// which is the one where it has the database to itself.
    async fn time(&self, own: Timestamp) -> Result<Timestamp, Error> {
        Ok(own)
    }

    /// Whether it answers and would take a write.
    async fn ping(&self) -> Result<(), Error>;
}

/// One statement of a batch.
#[derive(Debug)]
pub struct Statement {
    pub(crate) text: &'static str,
    pub(crate) values: Vec<Value>,
    /// It must change exactly one row; what it means if it does not.
    pub(crate) required: Option<Requirement>,
    /// How many statements after it are left out if it changes a row.
    pub(crate) replaces: usize,
}

impl Statement {
    /// Fails if a row was to be changed and was not.
    fn check(&self, changed: u64) -> Result<(), Error> {
        match self.required {
            Some(required) if changed != 1 => Err(Error::Unmet(required)),
            _ => Ok(()),
        }
    }
}

/// Which of a batch's statements are carried out, as what came before them changed.
#[derive(Default)]
pub(crate) struct Progress {
    left_out: usize,
}

impl Progress {
    /// Whether the next statement is carried out.
    pub(crate) const fn takes_next(&mut self) -> bool {
        let takes = self.left_out == 0;
        self.left_out = self.left_out.saturating_sub(1);
        takes
    }

    /// A statement changed so many rows. Fails if it was to change one and did not.
    pub(crate) fn ran(&mut self, statement: &Statement, changed: u64) -> Result<(), Error> {
        if changed > 0 {
            self.left_out = statement.replaces;
        }
        statement.check(changed)
    }
}

/// Statements that are carried out together or not at all.
#[derive(Debug, Default)]
pub struct Batch {
    pub(crate) statements: Vec<Statement>,
    /// The packages whose files it changes.
    pub(crate) places: Vec<(i64, Box<str>)>,
    /// It changes files of packages that it does not name.
    pub(crate) everywhere: bool,
    /// It changes what quotas say.
    pub(crate) quotas: bool,
}

impl Batch {
    /// A batch that changes files of this package.
    pub(crate) fn at(place: PackageKey<'_>) -> Self {
        let mut batch = Self::default();
        batch.touch(place);
        batch
    }

    /// It changes files of this package too.
    pub(crate) fn touch(&mut self, place: PackageKey<'_>) {
        self.places.push((place.repo, place.package.into()));
    }

    /// It changes files of any number of packages.
    pub(crate) const fn touch_everything(&mut self) {
        self.everywhere = true;
    }

    /// It changes what quotas say.
    pub(crate) const fn judge_quotas(&mut self) {
        self.quotas = true;
    }

    /// A statement that may change any number of rows.
    pub(crate) fn run<const N: usize>(&mut self, text: &'static str, values: [Value; N]) {
        self.run_with(text, values.into());
    }

    /// The same with any number of values.
    pub(crate) fn run_with(&mut self, text: &'static str, values: Vec<Value>) {
        self.statements.push(Statement {
            text,
            values,
            required: None,
            replaces: 0,
        });
    }

    /// A statement that, if it changes a row, stands for all that `others` adds.
    pub(crate) fn unless<const N: usize>(
        &mut self,
        text: &'static str,
        values: [Value; N],
        others: impl FnOnce(&mut Self),
    ) {
        let at = self.statements.len();
        self.run(text, values);
        others(self);
        self.statements[at].replaces = self.statements.len() - at - 1;
    }

    /// A statement that must change exactly one row, else the batch fails with [`Error::Unmet`].
    pub(crate) fn require<const N: usize>(
        &mut self,
        what: Requirement,
        text: &'static str,
        values: [Value; N],
    ) {
        self.require_with(what, text, values.into());
    }

    /// The same with any number of values.
    pub(crate) fn require_with(
        &mut self,
        what: Requirement,
        text: &'static str,
        values: Vec<Value>,
    ) {
        self.statements.push(Statement {
            text,
            values,
            required: Some(what),
            replaces: 0,
        });
    }
}
