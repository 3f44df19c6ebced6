//! SQLite: one writer that joins waiting batches into one commit, readers of their own beside it.
//!
//! WAL with `synchronous=FULL`: a commit is on the disk when it is answered. While one commit is
//! being synced the batches that arrive wait for the next, so durability costs one sync for all of
//! them. Checkpoints run on a thread of their own, since a passive checkpoint holds up no one.

mod connection;
mod counting;
mod errors;
mod quotas;

mod whole;

pub(crate) use whole::copy;

use connection::{connect, query};
use counting::Counting;

use crate::files::PackageKey;
use crate::lookups::Lookups;
use crate::sql::{Batch, Progress, Statement};
use crate::statements::Statements;
use crate::whole::{Catalog, Frozen, Load};
use crate::{Error, Row, Sql, Value};
use async_trait::async_trait;
use larder_model::Clock;
use rusqlite::{Connection, params_from_iter};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot};

/// Batches joined into one commit at most.
const GROUP: usize = 512;
/// A checkpoint is due when the log has so many pages (16 MiB): a start after a crash reads the log
/// once.
const CHECKPOINT_PAGES: i64 = 4096;
pub(crate) struct Sqlite {
    readers: Arc<Readers>,
    writer: Option<mpsc::Sender<Work>>,
    thread: Option<JoinHandle<()>>,
    statements: Arc<Statements>,
}

impl Drop for Sqlite {
    /// Waits until the writer has ended its log.
    fn drop(&mut self) {
        self.writer = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the database's writer panicked");
        }
    }
}

type Done = oneshot::Sender<Result<(), Error>>;

struct Work {
    task: Task,
    done: Done,
}

enum Task {
    Batch(Batch),
    Script(String),
}

impl Sqlite {
    /// Opens or makes the database file; `lookups` are told of every commit, `statements` of
    /// everything.
    pub(crate) fn open(
        path: &Path,
        readers: usize,
        clock: &Clock,
        (lookups, statements): (Arc<Lookups>, Arc<Statements>),
    ) -> Result<Self, Error> {
        let connection = connect(path, true, clock)?;
        let (writer, waiting) = mpsc::channel(GROUP);
        let (checkpoint, due) = sync_channel(1);
        let checkpointer = connect(path, true, clock)?;
        let folded = Arc::new(AtomicBool::new(false));
        let writer_folded = Arc::clone(&folded);
        let counting = Counting::of(path, clock);
        spawn("sqlite-checkpoint", move || {
            checkpoints(&checkpointer, &due, &folded);
        })?;
        let thread = spawn("sqlite-writer", move || {
            Writer {
                connection,
                counting,
                counts: false,
                checkpoint,
                folded: writer_folded,
                lookups,
                doubtful: false,
            }
            .run(waiting);
        })?;
        let pool = Readers {
            path: path.to_owned(),
            clock: clock.clone(),
            idle: Mutex::default(),
            keep: readers.max(2),
        };
        Ok(Self {
            readers: Arc::new(pool),
            writer: Some(writer),
            thread: Some(thread),
            statements,
        })
    }

    async fn submit(&self, task: Task) -> Result<(), Error> {
        let (done, answer) = oneshot::channel();
        let closed = || Error::Unavailable("the writer has stopped".into());
        self.writer
            .as_ref()
            .ok_or_else(closed)?
            .send(Work { task, done })
            .await
            .map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, Error> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(run)
        .map_err(|error| Error::Database(error.into()))
}

/// Connections for reading. One is taken for the length of a statement, so there are never more
/// than threads.
struct Readers {
    path: PathBuf,
    clock: Clock,
    idle: Mutex<Vec<Connection>>,
    keep: usize,
}

impl Readers {
    fn query(&self, text: &str, values: &[Value]) -> Result<Vec<Row>, Error> {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let connection = idle.map_or_else(|| connect(&self.path, false, &self.clock), Ok)?;
        let rows = query(&connection, text, values);
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if rows.is_ok() && idle.len() < self.keep {
            idle.push(connection);
        }
        rows
    }
}

struct Writer {
    /// Counts nothing.
    connection: Connection,
    /// The same database for batches of repositories with a quota.
    counting: Counting,
    /// Whether the transaction is that one's.
    counts: bool,
    checkpoint: SyncSender<()>,
    /// Set when nearly all of the log was folded in beside the writing.
    folded: Arc<AtomicBool>,
    lookups: Arc<Lookups>,
    /// Set by a failed commit: the log may hold pages that never reached the disk, so nothing may
    /// build on it.
    doubtful: bool,
}

impl Writer {
    fn run(mut self, mut waiting: mpsc::Receiver<Work>) {
        let mut group = Vec::with_capacity(GROUP);
        while waiting.blocking_recv_many(&mut group, GROUP) > 0 {
            self.commit_group(&mut group);
            self.restart_log();
        }
        self.end_log();
    }

    /// Folds in the last few pages of the log, with no writer beside it: only then can the log
    /// begin anew, else it would grow for as long as there is something to write.
    fn restart_log(&self) {
        if !self.folded.swap(false, Ordering::Relaxed) {
            return;
        }
        if let Err(error) = self
            .connection
            .query_row("pragma wal_checkpoint(passive)", [], |_| Ok(()))
        {
            tracing::warn!(%error, "the log could not begin anew; the next checkpoint tries again");
        }
    }

    /// Leaves no log behind, so that the next start has none to read.
    fn end_log(&self) {
        if let Err(error) = self
            .connection
            .query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(()))
        {
            tracing::warn!(%error, "the log could not be folded in; the next start reads it");
        }
    }

    /// Carries out the waiting batches in one transaction. Failures too are answered after the
    /// commit only: a batch may have failed on what another in the same transaction did.
    fn commit_group(&mut self, group: &mut Vec<Work>) {
        let touched: Vec<usize> = group
            .iter()
            .flat_map(|work| self.slots(&work.task))
            .collect();
        let committed = self.clear_doubt().and_then(|()| {
            let outcomes = self.carry_out(group)?;
            self.execute("commit").map(|()| outcomes)
        });
        for slot in touched {
            self.lookups.touched(slot); // after a failure too: nobody knows what it left
        }
        match committed {
            Ok(outcomes) => {
                for (work, outcome) in group.drain(..).zip(outcomes) {
                    drop(work.done.send(outcome)); // whoever waited may have gone; the commit stands
                }
                self.offer_checkpoint();
            }
            Err(error) => {
                tracing::error!(%error, "a commit failed; nothing of it was acknowledged");
                self.doubtful = true;
                self.roll_back();
                refuse(group.drain(..).map(|work| work.done), &error);
            }
        }
    }

    /// Begins a transaction and does in it what can be done; how each batch went. Only where one
    /// fails are all done again, each within a savepoint: it costs a copy of every page that is
    /// changed.
    fn carry_out(&mut self, group: &[Work]) -> Result<Vec<Result<(), Error>>, Error> {
        self.counts = false;
        let batches = group.iter().filter_map(|work| match &work.task {
            Task::Batch(batch) => Some(batch),
            Task::Script(_) => None,
        });
        self.counts = self.counting.is_for(&self.connection, batches)?;
        self.execute("begin immediate")?;
        if group
            .iter()
            .try_for_each(|work| self.perform(&work.task))
            .is_ok()
        {
            return Ok(group.iter().map(|_| Ok(())).collect());
        }
        self.roll_back();
        self.execute("begin immediate")?;
        group.iter().map(|work| self.attempt(&work.task)).collect()
    }

    /// Does a batch or nothing of it. An outer error: the whole transaction was given up by SQLite.
    fn attempt(&self, task: &Task) -> Result<Result<(), Error>, Error> {
        self.execute("savepoint batch")?;
        let outcome = self.perform(task);
        if let Err(error) = outcome {
            if self.database().is_autocommit() {
                return Err(error);
            }
            self.execute("rollback to batch")?;
            self.execute("release batch")?;
            return Ok(Err(error));
        }
        self.execute("release batch")?;
        Ok(Ok(()))
    }

    fn perform(&self, task: &Task) -> Result<(), Error> {
        match task {
            Task::Batch(batch) => {
                let mut progress = Progress::default();
                batch.statements.iter().try_for_each(|statement| {
                    if !progress.takes_next() {
                        return Ok(());
                    }
                    let changed = self.run_statement(statement)?;
                    progress.ran(statement, changed)
                })?;
                if self.counts {
                    quotas::judge(self.database())?;
                }
                Ok(())
            }
            Task::Script(text) => self.database().execute_batch(text).map_err(Error::from),
        }
    }

    /// The connection that the transaction is on.
    fn database(&self) -> &Connection {
        let counting = self.counting.connection().filter(|_| self.counts);
        counting.unwrap_or(&self.connection)
    }

    fn roll_back(&self) {
        if !self.database().is_autocommit()
            && let Err(error) = self.execute("rollback")
        {
            tracing::error!(%error, "a transaction could not be rolled back");
        }
    }

    fn slots(&self, task: &Task) -> impl Iterator<Item = usize> {
        let (places, everywhere) = if let Task::Batch(batch) = task {
            (&batch.places[..], batch.everywhere)
        } else {
            (&[][..], false)
        };
        let named = places.iter().map(|(repo, package)| {
            self.lookups.slot(PackageKey {
                repo: *repo,
                package,
            })
        });
        named.chain(everywhere.then(Lookups::all_slots).into_iter().flatten())
    }

    fn run_statement(&self, statement: &Statement) -> Result<u64, Error> {
        let mut prepared = self.database().prepare_cached(statement.text)?;
        Ok(prepared.execute(params_from_iter(&statement.values))? as u64)
    }

    fn execute(&self, text: &str) -> Result<(), Error> {
        self.database().prepare_cached(text)?.execute([])?;
        Ok(())
    }

    /// After a failed commit the log is folded into the database file and begun anew before
    /// anything is built on it: a failed sync may have dropped its pages while later syncs succeed.
    fn clear_doubt(&mut self) -> Result<(), Error> {
        if !self.doubtful {
            return Ok(());
        }
        let busy: i64 =
            self.connection
                .query_row("pragma wal_checkpoint(truncate)", [], |row| row.get(0))?;
        if busy != 0 {
            return Err(Error::Unavailable("the log is still being read".into()));
        }
        self.doubtful = false;
        tracing::info!("the database is durable again");
        Ok(())
    }

    fn offer_checkpoint(&self) {
        let _ = self.checkpoint.try_send(()); // one that is already due will do
    }
}

fn refuse(group: impl Iterator<Item = Done>, error: &Error) {
    for waiting in group {
        let text = error.to_string();
        let told = match error {
            Error::Full(_) => Error::Full(text.into()),
            _ => Error::Unavailable(text.into()),
        };
        drop(waiting.send(Err(told)));
    }
}

/// Folds the log into the database beside the writing, whenever it has grown by
/// [`CHECKPOINT_PAGES`].
fn checkpoints(connection: &Connection, due: &Receiver<()>, folded: &AtomicBool) {
    let mut seen = 0;
    while due.recv().is_ok() {
        // `noop` tells the log's length and does nothing else.
        let length = |mode: &str| connection.query_row(mode, [], |row| row.get::<_, i64>(1));
        match length("pragma wal_checkpoint(noop)") {
            Ok(pages)
                if pages < CHECKPOINT_PAGES
                    || (pages >= seen && pages - seen < CHECKPOINT_PAGES) => {}
            Ok(_) => match length("pragma wal_checkpoint(passive)") {
                Ok(pages) => {
                    seen = pages;
                    folded.store(true, Ordering::Relaxed);
                }
                Err(error) => {
                    tracing::warn!(%error, "a checkpoint failed; the next one tries again");
                }
            },
            Err(error) => tracing::warn!(%error, "the log's length cannot be read"),
        }
    }
}

#[async_trait]
impl Sql for Sqlite {
    async fn rows(&self, text: &'static str, values: &[Value]) -> Result<Vec<Row>, Error> {
        self.statements.read();
        // On this very thread: a look-up by key takes microseconds, a hop to another thread takes
        // more.
        self.readers.query(text, values)
    }

    async fn scan(&self, text: &'static str, values: Vec<Value>) -> Result<Vec<Row>, Error> {
        self.statements.read();
        let readers = Arc::clone(&self.readers);
        let scan = tokio::task::spawn_blocking(move || readers.query(text, &values));
        scan.await
            .map_err(|error| Error::Unavailable(error.into()))?
    }

    async fn apply(&self, batch: Batch) -> Result<(), Error> {
        self.statements.wrote();
        self.submit(Task::Batch(batch)).await
    }

    async fn script(&self, text: String) -> Result<(), Error> {
        self.submit(Task::Script(text)).await
    }

    fn dialect(&self) -> &'static str {
        "sqlite"
    }

    async fn freeze(&self) -> Result<Box<dyn Frozen>, Error> {
        whole::freeze(self.readers.path.clone(), self.readers.clock.clone()).await
    }

    async fn load(&self, steps: mpsc::Receiver<Load>) -> Result<(), Error> {
        whole::load(self.readers.path.clone(), self.readers.clock.clone(), steps).await
    }

    fn catalog(&self) -> Catalog {
        whole::CATALOG
    }

    fn spelling(&self) -> [(&'static str, &'static str); 4] {
        [
            ("{text}", "text"),
            ("{bytes}", "blob"),
            ("{clustered}", "without rowid"),
            ("{rowid}", "integer"),
        ]
    }

    fn matcher(&self, pattern: &str) -> String {
        pattern.replace('[', "[[]").replace('?', "[?]")
    }

    async fn ping(&self) -> Result<(), Error> {
        self.apply(Batch::default()).await
    }
}
