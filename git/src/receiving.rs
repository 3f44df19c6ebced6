//! Takes in what is pushed: the objects first, into a quarantine, then one commit of all refs that
//! change. Until then nobody sees any of it.

use crate::oid::Oid;
use crate::program::{Place, Program};
use crate::pushing::{Command, NOT_TAKEN, Push, PushReader, Report};
use crate::refs::{RefName, Target};
use crate::repositories::{Repositories, StateChange};
use crate::running::Input;
use crate::state::State;
use crate::workspace::{Kept, Quarantine};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use larder_access::Admission;
use larder_door::Incoming;
use larder_metadata::Metadata;
use larder_metadata::files::PackageKey;
use larder_metadata::publishing::RefChange;
use larder_model::{Digest, Kind, Permission, Problem, RefScope, Verb};
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

/// How often a push is tried when others are first.
const TRIES: usize = 8;

/// Where a push goes.
#[derive(Clone, Copy)]
pub struct Goal<'a> {
    /// The repository's rows.
    pub package: PackageKey<'a>,
    /// Its name as `git/local/team/tool`.
    pub full_name: &'a str,
    /// Who pushes.
    pub admission: &'a Admission,
    /// What must be allowed to change a ref; the verb is of each change.
    pub permission: &'a Permission,
}

/// Takes pushes in.
pub struct Receiver {
    metadata: Metadata,
    repositories: Arc<Repositories>,
}

/// A pack in quarantine, and where it is checked.
struct Arrived<'a> {
    program: &'a Program,
    place: Place<'a>,
    quarantine: &'a Quarantine,
    /// Its name; `None`: nothing but refs came.
    pack: Option<Oid>,
    /// The state beside which all that the pack needs was found.
    beside: Digest,
}

/// What is to become of each ref.
struct Verdicts {
    state: State,
    changes: Vec<RefChange>,
    refs: Vec<(RefName, Option<Problem>)>,
}

/// What became of a push.
#[derive(Debug)]
pub struct Received {
    push: Push,
    /// Why the pack was not taken; `None`: it was.
    unpack: Option<Problem>,
    /// Each ref, and why it was not changed; `None`: it was.
    refs: Vec<(RefName, Option<Problem>)>,
}

/// Says to the client what was refused.
type Say = Box<dyn FnOnce(&[Problem]) -> Vec<u8> + Send>;

impl Received {
    /// What was refused, and the answer that says it.
    pub fn into_parts(self) -> (Vec<Problem>, Say) {
        let Self { push, unpack, refs } = self;
        let mut problems: Vec<Problem> = unpack.into_iter().collect();
        let is_taken = problems.is_empty();
        let mut names = Vec::new();
        for (name, why) in refs {
            names.push((name, why.as_ref().map(|_| problems.len())));
            problems.extend(why);
        }
        let say = move |problems: &[Problem]| {
            let text = |at: usize| problems.get(at).map(|problem| problem.detail.to_string());
            let refs = names.into_iter();
            let refs = refs.map(|(name, why)| match why {
                None if !is_taken => (name, Some(NOT_TAKEN.to_owned())),
                why => (name, why.and_then(text)),
            });
            let report = Report {
                refs: refs.collect(),
                unpack: text(0).filter(|_| !is_taken),
            };
            report.answer(&push)
        };
        (problems, Box::new(say))
    }
}

impl Receiver {
    /// Takes pushes into these repositories.
    pub const fn new(metadata: Metadata, repositories: Arc<Repositories>) -> Self {
        Self {
            metadata,
            repositories,
        }
    }

    /// Takes a push in; `None`: it was none, but the question whether one may be sent. A problem is one of
    /// the whole request.
    pub async fn receive(
        &self,
        goal: Goal<'_>,
        body: &mut Incoming,
    ) -> Result<Option<Received>, Problem> {
        let program = self.repositories.program().await?;
        let (push, rest) = commands(body).await?;
        // Clients ask so whether their credentials hold, before they send much.
        if push.commands.is_empty() {
            return Ok(None);
        }
        let kept = self.kept(goal.package).await?;
        require_format(&push, &kept.state)?;
        let folder = self
            .repositories
            .workspaces()
            .at(goal.package, &kept)
            .await?;
        let quarantine = self.repositories.workspaces().quarantine()?;
        let place = Place {
            folder: &folder,
            quarantine: Some(quarantine.path()),
        };
        let mut pack = None;
        if push.has_pack() {
            let taken = self
                .repositories
                .index_pack(place, &quarantine, input(rest, body))
                .await;
            let name = match taken {
                Ok(name) => name,
                Err(problem) => return refuse_pack(push, problem).map(Some),
            };
            let tips: Vec<&Oid> = news(&push).collect();
            if !program.is_whole(place, &tips).await? {
                let detail = "objects are missing that the pushed ones need";
                return refuse_pack(push, Problem::invalid("pack", detail)).map(Some);
            }
            pack = Some(name);
        }
        let arrived = Arrived {
            program,
            place,
            quarantine: &quarantine,
            pack,
            beside: kept.digest,
        };
        match self.change(goal, &push, &arrived).await {
            Err(problem) => refuse_all(push, problem).map(Some),
            Ok(refs) => Ok(Some(Received {
                push,
                unpack: None,
                refs,
            })),
        }
    }

    async fn kept(&self, package: PackageKey<'_>) -> Result<Kept, Problem> {
        match self.repositories.find(package).await? {
            Some(found) => Ok(found.kept),
            None => Kept::of(State::default()),
        }
    }

    /// Changes the refs, anew whenever another push was first. Each of them, and why it was not changed.
    async fn change(
        &self,
        goal: Goal<'_>,
        push: &Push,
        arrived: &Arrived<'_>,
    ) -> Result<Vec<(RefName, Option<Problem>)>, Problem> {
        for _ in 0..TRIES {
            let revision = self.metadata.revision(goal.package).await?;
            let found = self.repositories.find(goal.package).await?;
            let digest = found.as_ref().map(|found| found.kept.digest);
            let before = match found {
                Some(found) => found.kept,
                None => Kept::of(State::default())?,
            };
            if before.digest != arrived.beside {
                self.require_whole(goal, push, (&before, arrived)).await?;
            }
            let verdicts = judge(goal, push, &before.state, arrived).await?;
            let mut refs = verdicts.refs;
            let is_refused = refs.iter().any(|(_, why)| why.is_some());
            if push.atomic && is_refused {
                let other = || refused("another ref is refused, and the push is all or nothing");
                let taken = refs.iter_mut().filter(|(_, why)| why.is_none());
                taken.for_each(|(_, why)| *why = Some(other()));
                return Ok(refs);
            }
            if verdicts.changes.is_empty() {
                return Ok(refs);
            }
            let write = Permission {
                verb: Verb::Write,
                ..goal.permission.clone()
            };
            let by = goal.admission.require(&write)?;
            // For each try anew: what a commit does not name is removed again.
            let pack = match &arrived.pack {
                Some(name) => Some(self.repositories.take_in(arrived.quarantine, name).await?),
                None => None,
            };
            let change = StateChange {
                package: goal.package,
                full_name: goal.full_name,
                revision,
                before: digest,
                by: &by,
                checked_at: Some(self.metadata.now()),
                state: verdicts.state,
                refs: verdicts.changes,
                pack,
                gone: Vec::new(),
            };
            if self.repositories.write(change).await? {
                return Ok(refs);
            }
        }
        let wait = Duration::from_secs(1);
        Err(Problem::busy(
            "too many pushes to this repository at once",
            wait,
        ))
    }

    /// Fails if objects are missing that the pushed ones need. What was here when they came may be gone: the
    /// repository may have been deleted, and begun anew by another push.
    async fn require_whole(
        &self,
        goal: Goal<'_>,
        push: &Push,
        (before, arrived): (&Kept, &Arrived<'_>),
    ) -> Result<(), Problem> {
        let workspaces = self.repositories.workspaces();
        workspaces.at(goal.package, before).await?;
        let tips: Vec<&Oid> = news(push).collect();
        if arrived.pack.is_none() || arrived.program.is_whole(arrived.place, &tips).await? {
            return Ok(());
        }
        let detail = "this repository was deleted or begun anew meanwhile: push again";
        Err(Problem::busy(detail, Duration::from_secs(1)))
    }
}

/// What a push wants, and what came of its pack.
async fn commands(body: &mut Incoming) -> Result<(Push, Bytes), Problem> {
    let mut reader = PushReader::default();
    while let Some(bytes) = body.next().await? {
        if let Some(push) = reader.push(&bytes)? {
            return Ok(push);
        }
    }
    Err(Problem::invalid("push", "the push breaks off"))
}

/// All names are hashed as those of the repository are.
fn require_format(push: &Push, state: &State) -> Result<(), Problem> {
    let is_other = |oid: &Oid| oid.format() != state.format;
    let mut commands = push.commands.iter();
    if commands.any(|command| is_other(&command.old) || is_other(&command.new)) {
        let word = state.format.word();
        let detail = format!("objects of this repository are named by {word}");
        return Err(Problem::invalid("push", detail));
    }
    Ok(())
}

fn input(rest: Bytes, body: &mut Incoming) -> Input<'_> {
    let first = stream::once(async move { Ok(rest) });
    let others = stream::unfold(body, |body| async move {
        let next = body.next().await.transpose()?;
        Some((next, body))
    });
    first.chain(others).boxed()
}

fn news(push: &Push) -> impl Iterator<Item = &Oid> {
    let news = push.commands.iter().map(|command| &command.new);
    news.filter(|oid| !oid.is_zero())
}

/// What became of a push whose pack is not taken: a shallow clone may lack what its commits need, which
/// it can get.
fn refuse_pack(push: Push, problem: Problem) -> Result<Received, Problem> {
    if push.shallow && problem.kind == Kind::Invalid {
        let detail = "the history of these commits is not whole here, and the clone that they come from is \
            shallow: git fetch --unshallow from where it was cloned, and push again";
        return refuse_all(push, Problem::invalid("pack", detail).because(problem));
    }
    refuse_all(push, problem)
}

/// What became of a push whose objects are not taken. git shows no text of another status than 200; of a
/// failure of ours there is none that helps.
fn refuse_all(push: Push, problem: Problem) -> Result<Received, Problem> {
    if problem.kind == Kind::Internal {
        return Err(problem);
    }
    let refs = push.commands.iter();
    let refs = refs.map(|command| (command.name.clone(), None));
    Ok(Received {
        refs: refs.collect(),
        unpack: Some(problem),
        push,
    })
}

/// Decides on each ref, and what the state would be with those that are allowed.
async fn judge(
    goal: Goal<'_>,
    push: &Push,
    before: &State,
    arrived: &Arrived<'_>,
) -> Result<Verdicts, Problem> {
    let tips: Vec<&Oid> = news(push).collect();
    let kinds = arrived.program.kinds(arrived.place, &tips).await?;
    let peeled = arrived.program.peel(arrived.place, &tips).await?;
    let mut known = tips.into_iter().zip(kinds.into_iter().zip(peeled));
    let mut judged = Vec::new();
    for command in &push.commands {
        let is_deleted = command.new.is_zero();
        let found = if is_deleted { None } else { known.next() };
        let (kind, peeled) = found.map_or((None, None), |(_, found)| found);
        let why = why_not(goal, command, (before, kind.as_deref()), arrived).await?;
        judged.push((command, peeled, why));
    }
    let mut verdicts = Verdicts {
        state: before.clone(),
        changes: Vec::new(),
        refs: Vec::new(),
    };
    // What goes makes room for what comes, in whichever order the client names them.
    for (command, _, why) in &judged {
        if command.new.is_zero() && why.is_none() {
            verdicts.set(command, None);
        }
    }
    for (command, peeled, why) in judged {
        let mut why = why;
        if !command.new.is_zero() && why.is_none() {
            let oid = command.new.clone();
            why = verdicts.take(command, Target { oid, peeled });
        }
        verdicts.refs.push((command.name.clone(), why));
    }
    verdicts.place_head();
    Ok(verdicts)
}

fn refused(why: impl Into<Cow<'static, str>>) -> Problem {
    Problem::new(Kind::Conflict, "ref", why)
}

/// Why a ref is not changed; `None`: it is.
async fn why_not(
    goal: Goal<'_>,
    command: &Command,
    (before, kind): (&State, Option<&str>),
    arrived: &Arrived<'_>,
) -> Result<Option<Problem>, Problem> {
    let current = before
        .refs
        .names
        .get(&command.name)
        .map(|target| &target.oid);
    let is_as_seen = current.map_or(command.old.is_zero(), |oid| *oid == command.old);
    if !is_as_seen {
        return Ok(Some(refused("it was changed meanwhile: fetch first")));
    }
    if !command.new.is_zero() && kind.is_none() {
        return Ok(Some(refused("its object is not there")));
    }
    if command.name.is_branch() && kind.is_some_and(|kind| kind != "commit") {
        return Ok(Some(refused("a branch is a commit")));
    }
    let verb = match current {
        None => Verb::Write,
        Some(_) if command.new.is_zero() => Verb::Delete,
        Some(old) if command.name.is_branch() => {
            let (program, place) = (arrived.program, arrived.place);
            // To move a branch back or aside takes away what was there.
            if program.is_ancestor(place, old, &command.new).await? {
                Verb::Write
            } else {
                Verb::Delete
            }
        }
        Some(_) => Verb::Delete,
    };
    let wanted = Permission {
        verb,
        refs: RefScope::Named(command.name.as_str().into()),
        ..goal.permission.clone()
    };
    Ok(goal.admission.require(&wanted).err())
}

impl Verdicts {
    /// Takes a ref in; why not, if its name cannot be beside another that is there or comes before it.
    fn take(&mut self, command: &Command, now: Target) -> Option<Problem> {
        let refs = &self.state.refs;
        let is_new = !refs.names.contains_key(&command.name);
        if let Some(other) = refs.in_the_way_of(&command.name).filter(|_| is_new) {
            let why = "there cannot be a ref of this name beside";
            let next = "delete that one first, or choose another name";
            return Some(refused(format!("{why} {other}: {next}")));
        }
        self.set(command, Some(now));
        None
    }

    fn set(&mut self, command: &Command, now: Option<Target>) {
        let text = |oid: &Oid| {
            Some(oid.to_string())
                .filter(|_| !oid.is_zero())
                .unwrap_or_default()
        };
        self.changes.push(RefChange {
            name: command.name.to_string(),
            old: text(&command.old),
            new: text(&command.new),
        });
        let names = &mut self.state.refs.names;
        match now {
            Some(target) => _ = names.insert(command.name.clone(), target),
            None => _ = names.remove(&command.name),
        }
    }

    /// The first branch that is pushed is the one that clones check out.
    fn place_head(&mut self) {
        let refs = &mut self.state.refs;
        let is_there = |name: &RefName| refs.names.contains_key(name);
        if refs.head.as_ref().is_some_and(is_there) {
            return;
        }
        let branches = refs.names.keys().filter(|name| name.is_branch());
        let usual = ["refs/heads/main", "refs/heads/master"];
        let usual = branches.clone().find(|name| usual.contains(&name.as_str()));
        if let Some(name) = usual.or_else(|| branches.clone().next()) {
            refs.head = Some(name.clone());
        }
    }
}
