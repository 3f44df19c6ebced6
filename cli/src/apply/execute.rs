//! Carries out one act. What was changed since the plan is never overwritten: each change and
//! deletion looks at what is there, compares, and names that very state to the server.

use super::act::{Act, Call};
use super::gather::is_filled;
use super::state::path_of;
use crate::client::Client;
use crate::failure::Failure;
use larder_api::{Group, Repository, Retention, Robot, RobotChange, Schedule, Settings};
use larder_model::RepoPath;
use reqwest::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

/// How often a change is tried that someone else was quicker with, in what does not matter to it.
const ATTEMPTS: usize = 3;

/// What is changed while it is as the plan found it.
trait Resource: DeserializeOwned + PartialEq {
    /// Whether it is as it was, but for what follows from other things.
    fn is_as(&self, before: &Self) -> bool {
        self == before
    }
}

impl Resource for Schedule {
    /// Its next times and its last job follow from other things.
    fn is_as(&self, before: &Self) -> bool {
        (self.kind, &self.cron, self.enabled) == (before.kind, &before.cron, before.enabled)
    }
}

impl Resource for Settings {}
impl Resource for Retention {}
impl Resource for Group {}

impl Resource for Repository {
    /// Who may read it follows from members and grants too, and lists do not tell what it has.
    fn is_as(&self, before: &Self) -> bool {
        let mut before = before.clone();
        before.readable_by = self.readable_by;
        before.usage = self.usage;
        if let (Some(quota), Some(now)) = (&mut before.quota, &self.quota) {
            quota.warning = now.warning;
        }
        *self == before
    }
}

impl Resource for Robot {
    /// Lists do not tell its groups, which are things of their own.
    fn is_as(&self, before: &Self) -> bool {
        let mut before = before.clone();
        before.groups.clone_from(&self.groups);
        *self == before
    }
}

/// Carries out an act.
pub(crate) async fn carry_out(client: &Client, act: &Act) -> Result<(), Failure> {
    let held = Held { client, act };
    match &act.call {
        Call::CreateRepository(new) => client.post(&["repositories"], &[], new).await.map(drop),
        Call::ChangeRepository(before, change) => {
            let path = path_of(before);
            held.change(&in_repositories(&path), &**before, change)
                .await
        }
        Call::DeleteRepository(before) => {
            let path = path_of(before);
            // Someone may have put something into it since.
            if is_filled(client, &path).await? {
                return Err(held.changed());
            }
            held.delete(&in_repositories(&path), &**before).await
        }
        Call::ChangeSettings(before, change) => held.change(&["settings"], before, change).await,
        Call::CreateGroup(new) => client.post(&["groups"], &[], new).await.map(drop),
        Call::ChangeGroup(before, change) => {
            held.change(&["groups", before.name.as_str()], before, change)
                .await
        }
        Call::DeleteGroup(before) => held.delete(&["groups", before.name.as_str()], before).await,
        Call::CreateRobot(new, disabled) => {
            let made = client.post(&["robots"], &[], new).await?;
            if !*disabled {
                return Ok(());
            }
            let made: Robot = client.read(&made, "a robot")?;
            let change = RobotChange {
                disabled: Some(true),
                ..RobotChange::default()
            };
            held.change(&["robots", made.name.as_str()], &made, &change)
                .await
        }
        Call::ChangeRobot(before, change) => {
            held.change(&["robots", before.name.as_str()], before, change)
                .await
        }
        Call::DeleteRobot(before) => held.delete(&["robots", before.name.as_str()], before).await,
        Call::AddMember(group, member) => {
            client
                .put(&["groups", group.as_str(), "members", member])
                .await
        }
        Call::RemoveMember(group, member) => {
            let path = ["groups", group.as_str(), "members", member];
            held.gone_is_changed(client.delete(&path).await)
        }
        Call::CreateGrant(new) => client.post(&["grants"], &[], new).await.map(drop),
        Call::ReplaceGrant(before, new) => {
            held.gone_is_changed(client.delete(&["grants", &before.id]).await)?;
            client.post(&["grants"], &[], new).await.map(drop)
        }
        Call::DeleteGrant(before) => {
            held.gone_is_changed(client.delete(&["grants", &before.id]).await)
        }
        Call::ChangeRetention(path, before, new) => {
            let [all, protocol, name] = in_repositories(path);
            let path = [all, protocol, name, "retention"];
            match before {
                Some(before) => held.put(&path, &**before, new).await,
                None => client.put_with(&path, &json!(new)).await.map(drop),
            }
        }
        Call::ChangeSchedule(before, new) => {
            held.put(&["schedules", before.kind.word()], &**before, new)
                .await
        }
    }
}

fn in_repositories(path: &RepoPath) -> [&str; 3] {
    ["repositories", path.protocol.0, path.name.as_str()]
}

/// An act that is held to what the plan found.
struct Held<'a> {
    client: &'a Client,
    act: &'a Act,
}

impl Held<'_> {
    async fn change<T: Resource>(
        &self,
        path: &[&str],
        before: &T,
        change: &impl Serialize,
    ) -> Result<(), Failure> {
        self.change_by(&Method::PATCH, path, before, change).await
    }

    /// Changes something by saying all that it is to be.
    async fn put<T: Resource>(
        &self,
        path: &[&str],
        before: &T,
        new: &impl Serialize,
    ) -> Result<(), Failure> {
        self.change_by(&Method::PUT, path, before, new).await
    }

    async fn change_by<T: Resource>(
        &self,
        method: &Method,
        path: &[&str],
        before: &T,
        change: &impl Serialize,
    ) -> Result<(), Failure> {
        for _ in 0..ATTEMPTS {
            let tag = self.tag(path, before).await?;
            let changed = self.client.change_if(method, path, &tag, change).await;
            if !is_outdated(&changed) {
                return changed.map(drop);
            }
        }
        Err(self.changed())
    }

    async fn delete<T: Resource>(&self, path: &[&str], before: &T) -> Result<(), Failure> {
        for _ in 0..ATTEMPTS {
            let tag = self.tag(path, before).await?;
            let deleted = self.client.delete_if(path, &tag).await;
            if !is_outdated(&deleted) {
                return deleted;
            }
        }
        Err(self.changed())
    }

    /// The tag of what is there, if it is what the plan found.
    async fn tag<T: Resource>(&self, path: &[&str], before: &T) -> Result<String, Failure> {
        let (now, tag) = self.gone_is_changed(self.client.get_tagged(path).await)?;
        let now: T = self.client.read(&now, "what is to be changed")?;
        if now.is_as(before) {
            Ok(tag)
        } else {
            Err(self.changed())
        }
    }

    /// What is gone was changed by someone else.
    fn gone_is_changed<T>(&self, outcome: Result<T, Failure>) -> Result<T, Failure> {
        match outcome {
            Err(Failure::Refused { status: 404, .. }) => Err(self.changed()),
            outcome => outcome,
        }
    }

    fn changed(&self) -> Failure {
        let Act { kind, name, .. } = self.act;
        Failure::Clash(format!(
            "{kind} {name} was changed by someone else meanwhile, which is not overwritten; look at \
             the differences anew: larder apply --dry-run"
        ))
    }
}

/// Whether something was changed between the look and the change.
fn is_outdated<T>(outcome: &Result<T, Failure>) -> bool {
    matches!(outcome, Err(Failure::Refused { status: 412, .. }))
}
